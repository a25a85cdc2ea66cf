package session

import (
	"context"
	"errors"
	"fmt"
	"maps"
	"os"
	"path/filepath"
	"slices"
	"strings"

	"github.com/seed-516990b0/golxmert/kernel/client"
	"github.com/seed-516990b0/golxmert/kernel/internal/wire"
	"github.com/seed-516990b0/golxmert/lxmert"
	"github.com/seed-516990b0/golxmert/lxmert/region"
	"github.com/seed-516990b0/golxmert/lxmert/token"
)

// questionLength is the most word pieces of a question, as in fine-tuning.
const questionLength = 20

// maxQuestions bounds the questions of one batch.
const maxQuestions = 4096

// open describes a model, opening it if need be.
func (s *Server) open(ctx context.Context, spec client.Spec) (*client.ModelInfo, error) {
	spec, err := s.expand(spec)
	if err != nil {
		return nil, err
	}
	m, release, err := s.models.acquire(ctx, spec)
	if err != nil {
		return nil, err
	}
	defer release()
	info := &client.ModelInfo{Spec: spec, Config: m.model.Config(), Bytes: m.bytes, Notes: slices.Clone(m.notes)}
	info.Head, _ = info.Config.AnswerHead()
	note, err := nameAnswers(&info.Head, &info.Spec)
	if err != nil {
		return nil, err
	}
	if note != "" {
		info.Notes = append(info.Notes, note)
	}
	// What is named must be there: better now than at the first question.
	for _, path := range append([]string{spec.Vocab, spec.Images}, spec.Regions...) {
		if path == "" {
			continue
		}
		if _, err := os.Stat(path); err != nil && !isStoreOf(strings.TrimSuffix(path, ".tsv")+".store", path) {
			return nil, fmt.Errorf("session: %w", err)
		}
	}
	return info, nil
}

// run computes a request.
func (s *Server) run(ctx context.Context, notebook string, spec client.Spec, b *lxmert.Batch, r lxmert.Request) (*lxmert.Trace, error) {
	m, release, err := s.models.acquire(ctx, spec)
	if err != nil {
		return nil, err
	}
	defer release()
	leave, err := s.calls.enter(ctx, notebook, fmt.Sprintf("%d rows of %s", b.Rows(), filepath.Base(m.key.weights)))
	if err != nil {
		return nil, err
	}
	defer leave()
	return m.model.Run(ctx, b, r)
}

// batch makes the model's input of questions.
func (s *Server) batch(ctx context.Context, spec client.Spec, questions []client.Question) (*lxmert.Batch, []string, error) {
	m, release, err := s.models.acquire(ctx, spec)
	if err != nil {
		return nil, nil, err
	}
	defer release()
	cfg := m.model.Config()
	images := 1
	if cfg.TaskClasses > 0 {
		images = cfg.TaskImages
	}
	if err := checkQuestions(questions, images, spec); err != nil {
		return nil, nil, err
	}
	vocab, done, err := s.vocabulary(spec, cfg)
	if err != nil {
		return nil, nil, err
	}
	defer done()
	a := asker{vocab: vocab, longest: min(questionLength, cfg.MaxPositions), texts: map[string]int{}, images: map[string]int{}, b: &lxmert.Batch{Pairs: [][2]int{}}}
	var found []*region.Regions
	files := map[string]string{} // that the pictures are in
	for _, q := range questions {
		text, err := a.text(q.Text)
		if err != nil {
			return nil, nil, err
		}
		for _, id := range q.Images {
			at, known := a.images[id]
			if !known {
				r, path, err := s.shelf.regions(ctx, spec.Regions, id)
				if err != nil {
					return nil, nil, err
				}
				files[id] = path
				at = slices.IndexFunc(found, func(f *region.Regions) bool { return f.ID == r.ID && f.Source == r.Source })
				if at < 0 {
					at = len(found)
					found = append(found, r)
				}
				a.images[id] = at
			}
			a.b.Pairs = append(a.b.Pairs, [2]int{text, at})
		}
	}
	if err := region.Fill(a.b, found...); err != nil {
		return nil, nil, err
	}
	if dim := a.b.Feats.Shape[2]; dim != cfg.FeatDim {
		return nil, nil, &wire.Fault{Kind: wire.Batch, Message: fmt.Sprintf("session: %s has %d features per region, the model of %s takes %d: they are of another detector", found[0].Source, dim, spec.Weights, cfg.FeatDim)}
	}
	lines, err := s.shelf.lines(ctx, slices.Compact(slices.Sorted(maps.Values(files))), region.TrainedOn(spec.Weights))
	if err != nil {
		return nil, nil, err
	}
	return a.b, append(a.notes, lines...), s.describe(a.b, found, spec)
}

// checkQuestions says what is wrong with questions before anything is read.
func checkQuestions(questions []client.Question, images int, spec client.Spec) error {
	wrong := func(format string, args ...any) error {
		return &wire.Fault{Kind: wire.Usage, Message: "session: " + fmt.Sprintf(format, args...)}
	}
	switch {
	case len(questions) == 0:
		return wrong("there is no question")
	case len(questions) > maxQuestions:
		return wrong("%d questions at once, the most are %d", len(questions), maxQuestions)
	case len(spec.Regions) == 0:
		return wrong("the model was opened without Regions: a TSV, .npz or .safetensors file with the regions of the pictures")
	}
	for i, q := range questions {
		if len(q.Images) != images {
			about := "one picture"
			if images == 2 {
				about = "two pictures, left and right (NLVR2)"
			}
			return wrong("question %d has %d pictures, the model of %s answers about %s", i, len(q.Images), spec.Weights, about)
		}
	}
	return nil
}

// vocabulary finds the vocabulary of a model: what the spec names, else the first of the usual ones that has the model's
// size.
func (s *Server) vocabulary(spec client.Spec, cfg lxmert.Config) (*token.WordPiece, func(), error) {
	var paths []string
	path, err := token.Find(spec.Vocab, spec.Weights)
	if err == nil {
		paths = append(paths, path)
	}
	if own := filepath.Join(spec.Folder, "data", "vocab.txt"); spec.Vocab == "" {
		if _, err := os.Stat(own); err == nil {
			paths = append(paths, own)
		}
	}
	if len(paths) == 0 {
		return nil, nil, err
	}
	var wrong error
	for _, path := range paths {
		w, release, err := s.shelf.vocabs.get(path, func(path string) (*token.WordPiece, error) { return token.Load(path) })
		if err != nil {
			return nil, nil, err
		}
		if w.Size() == cfg.Vocab {
			return w, release, nil
		}
		release()
		wrong = errors.Join(wrong, fmt.Errorf("%s has %d word pieces", path, w.Size()))
	}
	return nil, nil, &wire.Fault{Kind: wire.Usage, Message: fmt.Sprintf("session: %s, the model of %s has %d: name the vocabulary that it was trained with as Vocab",
		strings.ReplaceAll(wrong.Error(), "\n", ", "), spec.Weights, cfg.Vocab)}
}

// asker gathers the texts of a batch, each once.
type asker struct {
	vocab   *token.WordPiece
	longest int
	texts   map[string]int
	images  map[string]int // by the id that was asked for
	b       *lxmert.Batch
	notes   []string
}

// text adds a question and returns its place.
func (a *asker) text(sentence string) (int, error) {
	if at, ok := a.texts[sentence]; ok {
		return at, nil
	}
	e, err := a.vocab.Encode(sentence, 0)
	if err != nil {
		return 0, err
	}
	whole := len(e.IDs)
	if whole == 2 {
		return 0, &wire.Fault{Kind: wire.Usage, Message: "session: a question is empty"}
	}
	if whole > a.longest {
		if e, err = a.vocab.Encode(sentence, a.longest); err != nil {
			return 0, err
		}
		a.notes = append(a.notes, fmt.Sprintf("%q has %d word pieces with [CLS] and [SEP]: the model sees the first %d", shortened(sentence), whole, a.longest))
	}
	if unknown := unknownWords(e.Words); len(unknown) > 0 {
		a.notes = append(a.notes, fmt.Sprintf("the vocabulary does not know %s: the model sees [UNK]", strings.Join(unknown, ", ")))
	}
	at := len(a.b.IDs)
	a.texts[sentence] = at
	a.b.IDs, a.b.Segments = append(a.b.IDs, e.IDs), append(a.b.Segments, e.Segments)
	a.b.TextMask, a.b.Words = append(a.b.TextMask, e.Mask), append(a.b.Words, e.Words)
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

func shortened(s string) string {
	if len(s) > 60 {
		return strings.ToValidUTF8(s[:60], "") + "…"
	}
	return s
}

// describe adds what only drawing needs: picture files and the detector's words.
func (s *Server) describe(b *lxmert.Batch, found []*region.Regions, spec client.Spec) error {
	objects, err := s.shelf.classNames(spec.Objects, toyLabels.objects)
	if err != nil {
		return err
	}
	attributes, err := s.shelf.classNames(spec.Attributes, toyLabels.attributes)
	if err != nil {
		return err
	}
	var pictures *region.Pictures
	if spec.Images != "" {
		p, release, err := s.shelf.folders.get(spec.Images, region.OpenPictures)
		if err != nil {
			return err
		}
		defer release()
		pictures = p
	}
	for i, r := range found {
		info := &b.Images[i]
		info.Objects, info.Attributes = named(r.ObjectIDs, objects, "object"), named(r.AttrIDs, attributes, "attribute")
		if pictures != nil {
			info.File, _ = pictures.Find(info.ID)
		}
	}
	return nil
}

// named are the names of classes; a class beyond the names is called by its number.
func named(classes []int32, names []string, noun string) []string {
	if names == nil {
		return nil
	}
	var out []string
	for _, c := range classes {
		if c >= 0 && int(c) < len(names) {
			out = append(out, names[c])
		} else {
			out = append(out, fmt.Sprintf("%s %d", noun, c))
		}
	}
	return out
}
