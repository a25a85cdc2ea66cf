package dataset

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"hash/maphash"
	"io"
	"io/fs"
	"os"
	"path/filepath"
	"slices"
	"strings"

	"github.com/seed-516990b0/golxmert/internal/excerpt"
	"github.com/seed-516990b0/golxmert/lxmert/internal/release"
)

// ReadExamples reads a question file, as the package comment describes it; file is what errors call it. Keys that are not
// described are ignored; of an entry's equal keys the last one counts. Errors about the content wrap [ErrFormat] and name
// the line and the entry.
func ReadExamples(ctx context.Context, t *Task, r io.Reader, file string) ([]Example, error) {
	if err := t.Check(); err != nil {
		return nil, err
	}
	return newReader(t).read(ctx, nil, r, 0, file)
}

// reader reads question files and keeps what repeats in them once.
type reader struct {
	task    *Task
	limit   int // how many examples of a file; 0: all
	strings map[string]string
	images  map[string][]string // lists of one
	labels  map[Label][]Label   // lists of one

	fields []string // that must be there in every entry

	// The entry being read.
	found                []bool // of fields
	id, text, identifier []byte
	joined               []byte
	label                []Label
	place                map[string]int // of the answers in label, where there are many
}

func newReader(t *Task) *reader {
	fields := anyFields
	if t != anyTask {
		fields = t.fields()
	}
	return &reader{task: t, fields: fields, found: make([]bool, len(fields)), strings: map[string]string{}, images: map[string][]string{}, labels: map[Label][]Label{}}
}

// readFile appends the examples of a file.
func (q *reader) readFile(ctx context.Context, dst []Example, path string) ([]Example, error) {
	f, err := os.Open(filepath.FromSlash(path))
	if err != nil {
		return nil, missing(err, q.task, path)
	}
	defer f.Close()
	info, err := f.Stat()
	if err != nil {
		return nil, fmt.Errorf("dataset: %w", err)
	}
	return q.readOpen(ctx, dst, f, info.Size(), path)
}

// readOpen is read for a file that can be looked at again.
func (q *reader) readOpen(ctx context.Context, dst []Example, f *os.File, size int64, path string) ([]Example, error) {
	examples, err := q.read(ctx, dst, f, size, path)
	if errors.Is(err, ErrFormat) {
		if other := otherLayout(path, q.task); other != nil {
			return nil, other
		}
	}
	return examples, err
}

// otherLayout is an error if a file has questions for the task, or another one, in a layout that has to be converted. It
// says how.
func otherLayout(path string, t *Task) error {
	o, err := InspectFile(path)
	if err != nil || o.Layout == LXMERTLayout {
		return nil // it is what it should be, and has a fault
	}
	return fmt.Errorf("%w: %s: %s", ErrFormat, path, o.Not(t))
}

// missing says what to do about a file that cannot be opened, and what is there instead.
func missing(err error, t *Task, path string) error {
	if !os.IsNotExist(err) {
		return fmt.Errorf("dataset: %w", err)
	}
	dir := filepath.Dir(filepath.FromSlash(path))
	note := ""
	if entries, readErr := os.ReadDir(dir); readErr == nil {
		var names []string
		for _, e := range entries {
			if name := e.Name(); filepath.Ext(name) == ".json" {
				names = append(names, name)
			}
		}
		if len(names) > 8 {
			names = append(names[:8], "…")
		}
		if len(names) > 0 {
			note = fmt.Sprintf("; %s has %s", filepath.ToSlash(dir), strings.Join(names, ", "))
		}
	} else if os.IsNotExist(readErr) {
		note = fmt.Sprintf("; there is no folder %s", filepath.ToSlash(dir))
	}
	what, own := "questions", "`lxmert questions` makes such a file of questions as the authors of VQA, GQA and NLVR2 publish them, or of your own"
	if slices.Contains(AnswerFiles[:], filepath.Base(path)) {
		what, own = "answer table", fmt.Sprintf("`lxmert questions --help` says how to make one of your own answers to %s", t.Title)
	}
	if fetch := release.Bring(path); fetch != "" {
		own = fmt.Sprintf("%s brings the published %s; %s", fetch, what, own)
	}
	return fmt.Errorf("dataset: %s: %w%s; %s", path, fs.ErrNotExist, note, own)
}

// errEnough ends the reading of a file of which no more is wanted.
var errEnough = errors.New("enough")

func (q *reader) read(ctx context.Context, dst []Example, r io.Reader, size int64, file string) ([]Example, error) {
	d := newDecoder(r, file, "entry")
	if err := q.checkStart(d); err != nil {
		return nil, err
	}
	first := len(dst)
	err := d.list("the file", func(i int) error {
		if i%4096 == 0 {
			if err := ctx.Err(); err != nil {
				return err
			}
		}
		d.item = i + 1
		e, err := q.entry(d)
		if err != nil {
			return err
		}
		if len(dst) == cap(dst) {
			dst = slices.Grow(dst, expected(len(dst)-first, d.offset(), size))
		}
		if dst = append(dst, e); len(dst)-first == q.limit {
			return errEnough
		}
		return nil
	})
	if err == nil {
		err = d.finish()
	}
	if err == errEnough {
		return dst, nil
	}
	if err != nil {
		return nil, err
	}
	return dst, nil
}

// expected guesses how many entries are still to come after n in the first bytes of a file, whose size is 0 if it is not
// known: there may be millions, and a slice that doubles needs up to twice their memory.
func expected(n int, read, size int64) int {
	const sampleSize = 4096 // entries that say how long the others are, up to the margin
	const margin = 1.03
	if n < sampleSize || size <= read {
		return n/4 + 64
	}
	return int(margin*float64(n)*float64(size-read)/float64(read)) + 64
}

// checkStart recognises the data sets' official files.
func (q *reader) checkStart(d *decoder) error {
	c, err := d.peek()
	if err == io.EOF {
		return d.errorf("the file is empty")
	}
	if err != nil {
		return err
	}
	if c == '{' {
		of := ""
		if q.task != anyTask {
			of = " of " + q.task.Title
		}
		return d.errorf("an object, must be a list of questions; `lxmert questions` converts official files%s", of)
	}
	return nil
}

// entry reads one question or statement.
func (q *reader) entry(d *decoder) (Example, error) {
	e := Example{Class: -1}
	if n := q.task.Pictures(); n > 1 {
		e.Images = make([]string, n)
	}
	q.id, q.text, q.identifier = q.id[:0], q.text[:0], q.identifier[:0]
	found := q.found
	clear(found)
	err := d.object("the entry", func(key []byte) (err error) {
		if i := slices.Index(q.fields, string(key)); i >= 0 {
			found[i] = true
		}
		if string(key) == "sent" {
			return readString(d, &q.text, "sent")
		}
		if q.task == anyTask {
			return q.anyField(d, &e, key)
		}
		return q.field(q.task, d, &e, key)
	})
	if err != nil {
		return e, err
	}
	for i, name := range q.fields {
		if !found[i] {
			return e, d.errorf("there is no %s", name)
		}
	}
	if q.task == anyTask {
		if err := q.checkPictures(d, &e); err != nil {
			return e, err
		}
	}
	// One allocation for all text that does not repeat.
	q.joined = append(append(append(q.joined[:0], q.id...), q.text...), q.identifier...)
	all := string(q.joined)
	n, m := len(q.id), len(q.id)+len(q.text)
	e.ID, e.Text, e.Identifier = all[:n], all[n:m], all[m:]
	return e, nil
}

func readString(d *decoder, dst *[]byte, what string) error {
	s, err := d.string(what)
	*dst = append((*dst)[:0], s...)
	return err
}

// field reads a value of an entry of a task.
func (q *reader) field(t *Task, d *decoder, e *Example, key []byte) (err error) {
	switch string(key) {
	case t.Entry.ID:
		return q.idField(t, d)
	case t.Entry.Identifier:
		if t.Entry.Identifier != "" {
			return readString(d, &q.identifier, t.Entry.Identifier)
		}
		return d.skip()
	case "label":
		if t.Truth.Table {
			e.Labels, err = q.labelsOf(d)
			return err
		}
		return classField(d, e)
	case "question_type":
		e.QuestionType, err = q.repeated(d, "question_type")
		return err
	case "answer_type":
		e.AnswerType, err = q.repeated(d, "answer_type")
		return err
	}
	for i, name := range t.Entry.Pictures {
		if string(key) != name {
			continue
		}
		if t.Pictures() > 1 {
			e.Images[i], err = q.repeated(d, name)
			return err
		}
		return q.pictureField(d, e, name)
	}
	return d.skip()
}

// idField reads an entry's id, a text or an integer of any length.
func (q *reader) idField(t *Task, d *decoder) error {
	name := t.Entry.ID
	if !t.Entry.Number {
		return readString(d, &q.id, name)
	}
	s, err := d.number(name)
	if err != nil {
		return err
	}
	if bytes.ContainsAny(s, ".eE") {
		return d.errorf("%s is %s, must be an integer", name, excerpt.Quote(string(s)))
	}
	if string(s) == "-0" {
		s = s[1:]
	}
	q.id = append(q.id[:0], s...)
	return nil
}

// pictureField reads the name of an entry's only picture.
func (q *reader) pictureField(d *decoder, e *Example, name string) error {
	s, err := d.string(name)
	if err != nil {
		return err
	}
	image, ok := q.images[string(s)]
	if !ok {
		image = []string{string(s)}
		q.images[image[0]] = image
	}
	e.Images = image
	return nil
}

// classField reads whether a statement is true.
func classField(d *decoder, e *Example) error {
	v, err := d.float("label")
	if err != nil {
		return err
	}
	if v != 0 && v != 1 && v != -1 {
		return d.errorf("label is %g, must be 0 or 1, or -1 where it is not known", v)
	}
	e.Class = int(v)
	return nil
}

// repeated reads a string of which there are few, each often.
func (q *reader) repeated(d *decoder, what string) (string, error) {
	s, err := d.string(what)
	if err != nil {
		return "", err
	}
	return q.intern(s), nil
}

func (q *reader) intern(s []byte) string {
	kept, ok := q.strings[string(s)]
	if !ok {
		kept = string(s)
		q.strings[kept] = kept
	}
	return kept
}

// labelsOf reads an object of answers and scores. Of equal answers the last score counts, at the place of the first, as in
// a Python dictionary.
func (q *reader) labelsOf(d *decoder) ([]Label, error) {
	const maxScanned = 16 // labels that are searched one by one; more have a map
	q.label, q.place = q.label[:0], nil
	err := d.object("label", func(key []byte) error {
		answer := q.intern(key)
		score, err := d.float("the score of an answer")
		if err != nil {
			return err
		}
		at := -1
		if q.place == nil {
			at = slices.IndexFunc(q.label, func(l Label) bool { return l.Answer == answer })
		} else if i, ok := q.place[answer]; ok {
			at = i
		}
		if at >= 0 {
			q.label[at].Score = score
			return nil
		}
		q.label = append(q.label, Label{answer, score})
		switch {
		case q.place != nil:
			q.place[answer] = len(q.label) - 1
		case len(q.label) == maxScanned:
			q.place = map[string]int{}
			for i, l := range q.label {
				q.place[l.Answer] = i
			}
		}
		return nil
	})
	if err != nil {
		return nil, err
	}
	if len(q.label) != 1 {
		return append(make([]Label, 0, len(q.label)), q.label...), nil
	}
	kept, ok := q.labels[q.label[0]]
	if !ok {
		kept = slices.Clone(q.label)
		q.labels[kept[0]] = kept
	}
	return kept, nil
}

// duplicates counts the examples whose id an earlier one has.
func duplicates(examples []Example) int {
	seed := maphash.MakeSeed()
	hashes := make([]uint64, len(examples))
	for i := range examples {
		hashes[i] = maphash.String(seed, examples[i].ID)
	}
	// A map of millions of ids would take longer and several times the memory.
	sorted := slices.Sorted(slices.Values(hashes))
	suspect := map[uint64]bool{}
	for i := 1; i < len(sorted); i++ {
		if sorted[i] == sorted[i-1] {
			suspect[sorted[i]] = true
		}
	}
	seen, n := map[string]bool{}, 0
	for i, h := range hashes {
		if !suspect[h] {
			continue
		}
		if seen[examples[i].ID] {
			n++
		}
		seen[examples[i].ID] = true
	}
	return n
}
