package suite

import (
	"bufio"
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"io/fs"
	"iter"
	"os"
	"path/filepath"
	"slices"

	"github.com/seed-516990b0/golxmert/internal/atomicfile"
	"github.com/seed-516990b0/golxmert/internal/filelock"
	"github.com/seed-516990b0/golxmert/lxmert"
)

// This file keeps what was scored in a folder: a line for each item, and beside the lines what they depend on. A run that was cut off goes
// on behind the last whole line, and the parts of several machines are put together line by line.

// settings are what scores depend on.
type settings struct {
	Suite  string            `json:"suite"`
	Files  []string          `json:"files"` // without their folders
	Limit  int               `json:"limit,omitempty"`
	Blind  bool              `json:"blind,omitempty"`
	Seed   uint64            `json:"seed,omitempty"`
	Model  lxmert.Provenance `json:"model"`
	Shard  int               `json:"shard"`
	Shards int               `json:"shards"`
	// Ended is what was found out when the last item was done; nil: the part is not done.
	Ended *ended `json:"ended,omitempty"`
}

// ended is what a part knows at its end.
type ended struct {
	Items   int    `json:"items"`             // that it has
	Missing int    `json:"missing,omitempty"` // of the whole suite that were left out, as a picture is not there
	Example string `json:"example,omitempty"` // such a picture
}

// kept is a line.
type kept struct {
	Scored
	Blind []float64 `json:"Blind,omitempty"` // of each sentence without pictures
}

// itemsName is the file of a part, without its suffix.
func itemsName(shard, shards int) string {
	if shards <= 1 {
		return "items"
	}
	return fmt.Sprintf("items-%05d-of-%05d", shard, shards)
}

// record is the file that a run appends to. It is locked itself, and stays.
type record struct {
	path, about string
	file        *os.File
	lock        *filelock.Lock
	settings    settings
	begun       bool // its settings are written
}

// openRecord opens or makes the file of a run, and gives out the lines that it has. A line that was cut off is dropped.
func openRecord(dir string, want settings, overwrite bool, each func(kept)) (_ *record, err error) {
	if err := os.MkdirAll(dir, 0o777); err != nil {
		return nil, fmt.Errorf("suite: %w; choose another folder", err)
	}
	name := filepath.Join(dir, itemsName(want.Shard, want.Shards))
	r := &record{path: name + ".jsonl", about: name + ".settings.json", settings: want}
	if r.file, err = os.OpenFile(r.path, os.O_CREATE|os.O_RDWR, 0o666); err != nil {
		return nil, fmt.Errorf("suite: %w", err)
	}
	defer func() {
		if err != nil {
			r.close()
		}
	}()
	r.lock, err = filelock.TryFile(r.path)
	if held := new(filelock.HeldError); errors.As(err, &held) {
		return nil, fmt.Errorf("suite: %s: another process is writing it", r.path)
	} else if err != nil {
		return nil, fmt.Errorf("suite: %w", err)
	}
	old, err := readSettings(r.about)
	switch {
	case errors.Is(err, fs.ErrNotExist) || overwrite: // of nothing is known what it depends on
		if err := os.Remove(r.about); err != nil && !errors.Is(err, fs.ErrNotExist) {
			return nil, fmt.Errorf("suite: %w", err)
		}
		return r, r.cut(0)
	case err != nil:
		return nil, err
	}
	if why := old.differs(want); why != "" {
		return nil, fmt.Errorf("suite: %s was made %s; give another folder, or overwrite it", r.path, why)
	}
	r.settings, r.begun = old, true
	end, err := readLines(r.path, r.file, each)
	if err != nil {
		return nil, err
	}
	return r, r.cut(end)
}

// cut drops what is behind the last whole line, and appends from there.
func (r *record) cut(end int64) error {
	if err := r.file.Truncate(end); err != nil {
		return fmt.Errorf("suite: %w", err)
	}
	_, err := r.file.Seek(end, io.SeekStart)
	return err
}

// differs says in what settings differ, but for the model, of which a run knows only when it has asked it.
func (s settings) differs(want settings) string {
	switch {
	case s.Suite != want.Suite:
		return "for the suite " + s.Suite
	case !slices.Equal(s.Files, want.Files):
		return fmt.Sprintf("of %v, now it is %v", s.Files, want.Files)
	case s.Limit != want.Limit:
		return fmt.Sprintf("with --limit %d, now it is %d", s.Limit, want.Limit)
	case s.Blind != want.Blind:
		return fmt.Sprintf("with --blind=%v", s.Blind)
	case s.Seed != want.Seed:
		return fmt.Sprintf("with --seed %d, now it is %d", s.Seed, want.Seed)
	case s.Shards != want.Shards:
		return fmt.Sprintf("in %d parts, now it is %d", s.Shards, want.Shards)
	}
	return ""
}

// from says by which model the lines that follow are made. Where it was computed changes rounding only.
func (r *record) from(p lxmert.Provenance) error {
	if !r.begun {
		r.settings.Model, r.begun = p, true
		return r.write()
	}
	if old := r.settings.Model; old.Hash != p.Hash || old.DType != p.DType || p.Hash == "" && old.Weights != p.Weights {
		return fmt.Errorf("suite: %s was made with the weights %s %s in %s, now it is %s %s in %s; give another folder, or overwrite it",
			r.path, old.Weights, old.ShortHash(), old.DType, p.Weights, p.ShortHash(), p.DType)
	}
	return nil
}

func (r *record) write() error {
	text, err := json.MarshalIndent(r.settings, "", "  ")
	if err != nil {
		return err
	}
	return atomicfile.Write(r.about, 0o666, append(text, '\n'))
}

func (r *record) append(k kept) error {
	text, err := json.Marshal(k)
	if err == nil {
		_, err = r.file.Write(append(text, '\n'))
	}
	return err
}

// end says that all items are done.
func (r *record) end(e ended) error {
	if err := r.file.Sync(); err != nil {
		return err
	}
	r.settings.Ended = &e
	return r.write()
}

func (r *record) close() error {
	return errors.Join(r.lock.Close(), r.file.Close())
}

func readSettings(path string) (s settings, err error) {
	text, err := os.ReadFile(path)
	if err != nil {
		return s, err
	}
	if err := json.Unmarshal(text, &s); err != nil {
		return s, fmt.Errorf("suite: %s is damaged: %w; overwrite the results, or give another folder", path, err)
	}
	return s, nil
}

// readLines gives out lines and returns where the last whole one ends.
func readLines(path string, in io.Reader, each func(kept)) (end int64, err error) {
	for line, err := range linesOf(path, in) {
		if err != nil {
			return end, err
		}
		each(line.kept)
		end = line.end
	}
	return end, nil
}

// lineOf is a line and where it ends.
type lineOf struct {
	kept
	end int64
}

func linesOf(path string, in io.Reader) iter.Seq2[lineOf, error] {
	return func(yield func(lineOf, error) bool) {
		lines, end := bufio.NewReader(in), int64(0)
		for n := 1; ; n++ {
			text, err := lines.ReadBytes('\n')
			if err == io.EOF { // what has no end was cut off
				return
			}
			if err == nil {
				var k kept
				if err = json.Unmarshal(text, &k); err == nil {
					err = k.fits()
				}
				end += int64(len(text))
				if err == nil {
					if !yield(lineOf{k, end}, nil) {
						return
					}
					continue
				}
			}
			yield(lineOf{}, fmt.Errorf("suite: %s: line %d is damaged: %w; overwrite the results, or give another folder", path, n, err))
			return
		}
	}
}

// fits says what is wrong with a line that was read.
func (k *kept) fits() error {
	if err := k.Check(); err != nil {
		return err
	}
	if k.Mask == "" && len(k.Pairs) != len(k.Sentences) || k.Blind != nil && len(k.Blind) != len(k.Sentences) {
		return fmt.Errorf("%w: %d sentences have %d rows of scores and %d without a picture", ErrItem, len(k.Sentences), len(k.Pairs), len(k.Blind))
	}
	for _, row := range k.Pairs {
		if len(row) != len(k.Images) {
			return fmt.Errorf("%w: %d pictures have %d scores", ErrItem, len(k.Images), len(row))
		}
	}
	return nil
}

// Folder is where [RunIn] keeps what was scored.
type Folder struct {
	Dir       string
	Files     []string // of the suite: what is scored must be of the same ones
	Overwrite bool     // throw away what is there
	// Shard of Shards is which part to do, from 0; Shards 0: all. Items go to parts in turn.
	Shard, Shards int
}

// RunIn is [Run] that keeps every score in a folder, as JSON lines, and goes on where it was cut off. Other settings in a folder with
// results are an error. Of one part of several the result is that of the part alone; [Read] puts parts together.
func RunIn(ctx context.Context, to Folder, eng lxmert.Engine, input Input, s Suite, items iter.Seq2[Item, error], opt Options) (_ *Result, err error) {
	want := settings{Suite: s.Name, Limit: opt.Limit, Blind: opt.Blind, Seed: opt.Seed, Shard: to.Shard, Shards: max(1, to.Shards)}
	if want.Shard < 0 || want.Shard >= want.Shards {
		return nil, fmt.Errorf("suite: there is no part %d of %d: parts count from 0", want.Shard, want.Shards)
	}
	for _, file := range to.Files {
		want.Files = append(want.Files, filepath.Base(file))
	}
	r, err := newRun(eng, s, &opt)
	if err != nil {
		return nil, err
	}
	if r.record, err = openRecord(to.Dir, want, to.Overwrite, func(k kept) { r.count(k.Scored, k.Blind) }); err != nil {
		return nil, err
	}
	defer func() { err = errors.Join(err, r.record.close()) }()
	r.Model, r.done, r.settings = r.record.settings.Model, r.Items, want
	if err := r.all(ctx, eng, input, items, opt); err != nil {
		return nil, err
	}
	return r.Result, r.record.end(ended{r.Items, r.Missing, r.Example})
}

// Read puts together what [RunIn] has kept in a folder, of all parts, which must be done. found is false if the folder has nothing of
// the kind.
func Read(dir string) (_ *Result, found bool, err error) {
	paths, err := filepath.Glob(filepath.Join(dir, "items*.settings.json"))
	if err != nil || len(paths) == 0 {
		return nil, false, err
	}
	slices.Sort(paths)
	first, err := readSettings(paths[0])
	if err != nil {
		return nil, true, err
	}
	s, err := Find(first.Suite)
	if err != nil {
		return nil, true, fmt.Errorf("suite: %s: %w", paths[0], err)
	}
	r := newResult(s, Options{Blind: first.Blind, Seed: first.Seed})
	var next []func() (lineOf, error, bool)
	total := 0
	for shard := range first.Shards {
		name := filepath.Join(dir, itemsName(shard, first.Shards))
		part, err := readSettings(name + ".settings.json")
		if errors.Is(err, fs.ErrNotExist) {
			return nil, true, fmt.Errorf("suite: %s lacks part %d of %d, or it has not begun: --shard %d/%d does it", dir, shard, first.Shards, shard, first.Shards)
		}
		if err != nil {
			return nil, true, err
		}
		switch why := part.differs(first); {
		case why != "":
			return nil, true, fmt.Errorf("suite: %s does not belong to the other parts in the folder: it was made %s", name+".jsonl", why)
		case part.Ended == nil:
			return nil, true, fmt.Errorf("suite: part %d of %d in %s is not done: the same command goes on with it", shard, first.Shards, dir)
		case part.Ended.Items == 0: // there are more parts than items, and the model was not asked
		case r.Model == (lxmert.Provenance{}):
			r.Model = part.Model
		case part.Model.Hash != r.Model.Hash || part.Model.DType != r.Model.DType:
			return nil, true, fmt.Errorf("suite: %s does not belong to the other parts in the folder: it was made with the weights %s %s", name+".jsonl", part.Model.Weights, part.Model.ShortHash())
		}
		total, r.Missing, r.Example = total+part.Ended.Items, part.Ended.Missing, part.Ended.Example
		f, err := os.Open(name + ".jsonl")
		if err != nil {
			return nil, true, fmt.Errorf("suite: %w", err)
		}
		defer f.Close()
		pull, stop := iter.Pull2(linesOf(name+".jsonl", f))
		defer stop()
		next = append(next, pull)
	}
	for r.Items < total {
		line, err, ok := next[r.Items%len(next)]()
		if err == nil && !ok {
			err = fmt.Errorf("suite: %s has fewer items than it ended with", itemsName(r.Items%len(next), len(next)))
		}
		if err != nil {
			return nil, true, err
		}
		r.count(line.Scored, line.Blind)
	}
	r.finish()
	return r, true, nil
}
