package question

import (
	"context"
	"fmt"
	"slices"
	"strings"

	"github.com/seed-516990b0/golxmert/internal/excerpt"
	"github.com/seed-516990b0/golxmert/lxmert"
	"github.com/seed-516990b0/golxmert/lxmert/region"
	"github.com/seed-516990b0/golxmert/lxmert/token"
)

// questionLength is the number of word pieces of a question, as in fine-tuning.
const questionLength = 20

// maxQuestions bounds the questions of one batch.
const maxQuestions = 4096

// Batch is the model's input of some questions, and what there is to say about it.
type Batch struct {
	// Each text and each picture is there once. Row i is question i, or with two pictures rows 2i and 2i+1 are.
	*lxmert.Batch
	Questions []lxmert.Question
	// Notes say where the model sees less than what was written or drawn: a question that was cut, words that the vocabulary
	// does not know, a picture without regions, classes without a name. A line each.
	Notes []string
	// Doubts say what is unlikely about the files that the regions are from, or how they are read where that is not as
	// documented; see region.Look.
	Doubts []string
	// Missing are the ids of the pictures that are not in Options.Images.
	Missing []string
}

// MissingNote is a line about n of some pictures, the first of which is named, that are not in a folder.
func MissingNote(n, of int, first, folder string) string {
	return fmt.Sprintf("%d of %d pictures shown are not in %s (such as %s): their regions are drawn on an empty canvas", n, of, folder, first)
}

// Batch makes the model's input of questions. Errors wrap [ErrQuestion] where a question is at fault, region.ErrNotFound where
// no file has a picture, and [lxmert.ErrBatch] where the regions are of another detector.
func (a *Asker) Batch(ctx context.Context, questions []lxmert.Question) (*Batch, error) {
	if err := a.Check(questions); err != nil {
		return nil, err
	}
	vocab, done, err := a.vocabulary()
	if err != nil {
		return nil, err
	}
	defer done()
	m := maker{
		asker: a, vocab: vocab, finder: newFinder(a), texts: map[string]int{}, asked: map[string]int{},
		b: &Batch{Batch: &lxmert.Batch{Pairs: [][2]int{}}, Questions: questions},
	}
	defer m.finder.close()
	for i, q := range questions {
		text, err := m.text(i)
		if err != nil {
			return nil, err
		}
		for _, id := range q.Images {
			image, err := m.image(ctx, id)
			if err != nil {
				return nil, err
			}
			m.b.Pairs = append(m.b.Pairs, [2]int{text, image})
		}
	}
	if err := region.Fill(m.b.Batch, m.found...); err != nil {
		return nil, err
	}
	if m.b.Doubts, err = m.finder.doubts(ctx); err != nil {
		return nil, err
	}
	return m.b, m.describe()
}

// Check says what is wrong with questions, before anything is read: an error wraps [ErrQuestion], or [ErrOptions] where
// there are no regions to find their pictures in.
func (a *Asker) Check(questions []lxmert.Question) error {
	images := a.Pictures()
	switch {
	case len(questions) == 0:
		return wrong(ErrQuestion, "there is no question")
	case len(questions) > maxQuestions:
		return wrong(ErrQuestion, "%d questions at once, the most are %d", len(questions), maxQuestions)
	case len(a.opt.Regions) == 0 && a.opt.Find == nil:
		return wrong(ErrOptions, "%s was opened without %s: a TSV, .npz or .safetensors file with the regions of the pictures", a.model(), a.opt.call("Regions"))
	}
	for i, q := range questions {
		if len(q.Images) == images {
			continue
		}
		about := "one picture"
		if images == 2 {
			about = "two pictures, left and right (NLVR2)"
		}
		return wrong(ErrQuestion, "question %d has %s, %s answers about %s", i, count(len(q.Images), "picture"), a.model(), about)
	}
	return nil
}

func count(n int, noun string) string {
	if n == 1 {
		return "1 " + noun
	}
	return fmt.Sprintf("%d %ss", n, noun)
}

// vocabulary opens the vocabulary: the one that is named, else the first of the usual ones that has the model's size.
func (a *Asker) vocabulary() (*token.WordPiece, func(), error) {
	var paths []string
	if a.opt.Vocab == "" {
		paths = slices.Collect(token.Candidates(a.opt.Weights, a.opt.Folder))
	}
	if len(paths) == 0 {
		path, err := token.Find(a.opt.Vocab, a.opt.Weights)
		if err != nil {
			return nil, nil, err
		}
		paths = []string{path}
	}
	var others []string
	for _, path := range paths {
		w, release, err := a.files.Vocabulary(path)
		if err != nil {
			return nil, nil, err
		}
		if w.Size() == a.cfg.Vocab {
			return w, release, nil
		}
		release()
		others = append(others, fmt.Sprintf("%s has %d word pieces", path, w.Size()))
	}
	return nil, nil, wrong(ErrOptions, "%s, %s has %d: give the vocabulary that it was trained with as %s",
		strings.Join(others, ", "), a.model(), a.cfg.Vocab, a.opt.call("Vocab"))
}

// maker gathers the texts and pictures of a batch, each once.
type maker struct {
	asker  *Asker
	vocab  *token.WordPiece
	finder finder
	texts  map[string]int
	asked  map[string]int // pictures, by the id that was asked for
	found  []*region.Regions
	b      *Batch
}

func (m *maker) note(format string, args ...any) {
	m.b.Notes = append(m.b.Notes, fmt.Sprintf(format, args...))
}

// text adds the sentence of question i and returns its place.
func (m *maker) text(i int) (int, error) {
	sentence := m.b.Questions[i].Text
	if at, ok := m.texts[sentence]; ok {
		return at, nil
	}
	e, err := m.vocab.Encode(sentence, 0)
	if err != nil {
		return 0, err
	}
	whole, opt := len(e.IDs), &m.asker.opt
	if whole == 2 {
		if len(m.b.Questions) > 1 {
			return 0, wrong(ErrQuestion, "a question is empty: number %d of %d", i, len(m.b.Questions))
		}
		return 0, wrong(ErrQuestion, "a question is empty")
	}
	if whole > opt.Length || opt.Pad {
		if e, err = m.vocab.Encode(sentence, opt.Length); err != nil {
			return 0, err
		}
	}
	if whole > opt.Length {
		m.note("%q has %d word pieces with [CLS] and [SEP]: the model saw the first %d", excerpt.Cut(sentence, 60), whole, opt.Length)
	}
	if unknown := unknownWords(e.Words); len(unknown) > 0 {
		m.note("the vocabulary does not know %s: the model saw [UNK]", strings.Join(unknown, ", "))
	}
	at := len(m.b.IDs)
	m.texts[sentence] = at
	m.b.IDs, m.b.Segments = append(m.b.IDs, e.IDs), append(m.b.Segments, e.Segments)
	m.b.TextMask, m.b.Words = append(m.b.TextMask, e.Mask), append(m.b.Words, e.Words)
	return at, nil
}

// unknownWords are the words that became [UNK].
func unknownWords(w lxmert.Words) (unknown []string) {
	for i, p := range w.Pieces {
		if p != "[UNK]" || w.Start[i] < 0 {
			continue
		}
		if word := w.Text[w.Start[i]:w.End[i]]; word != p {
			unknown = append(unknown, fmt.Sprintf("%q", word))
		}
	}
	return unknown
}

// image finds a picture's regions and returns their place.
func (m *maker) image(ctx context.Context, id string) (int, error) {
	if at, ok := m.asked[id]; ok {
		return at, nil
	}
	r, err := m.finder.regions(ctx, id)
	if err != nil {
		return 0, err
	}
	if dim := m.asker.cfg.FeatDim; r.Dim != dim {
		if err := r.Check(); err != nil { // may know why
			return 0, err
		}
		return 0, wrong(lxmert.ErrBatch, "%s has %d features per region, %s takes %d: they are of another detector", r.Source, r.Dim, m.asker.model(), dim)
	}
	at := slices.IndexFunc(m.found, func(f *region.Regions) bool { return f.ID == r.ID && f.Source == r.Source })
	if at < 0 {
		at = len(m.found)
		m.found = append(m.found, r)
		if r.N == 0 {
			m.note("picture %s has no regions in %s: the model answers without seeing it", r.ID, r.Source)
		}
	}
	m.asked[id] = at
	return at, nil
}

// describe adds what only drawing needs: the detector's words, and where the pictures are.
func (m *maker) describe() error {
	a := m.asker
	objects, attributes, err := a.labels()
	if err != nil {
		return err
	}
	var pictures *region.Pictures
	if a.opt.Images != "" {
		p, release, err := a.files.Pictures(a.opt.Images)
		if err != nil {
			return err
		}
		defer release()
		pictures = p
	}
	for i, r := range m.found {
		info := &m.b.Images[i]
		info.Objects, info.Attributes = objects.name(r.ObjectIDs), attributes.name(r.AttrIDs)
		if pictures == nil {
			continue
		}
		var ok bool
		if info.File, ok = pictures.Find(info.ID); !ok {
			m.b.Missing = append(m.b.Missing, info.ID)
		}
	}
	for _, names := range []*labels{objects, attributes} {
		if note := names.note(); note != "" {
			m.b.Notes = append(m.b.Notes, note)
		}
	}
	return nil
}
