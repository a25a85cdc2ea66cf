package task

import (
	"context"
	"errors"
	"fmt"
	"io"
	"maps"
	"math"
	"os"
	"path/filepath"
	"slices"
	"strconv"
	"strings"

	"github.com/seed-516990b0/golxmert/lxmert"
	"github.com/seed-516990b0/golxmert/lxmert/backend"
	"github.com/seed-516990b0/golxmert/lxmert/dataset"
	"github.com/seed-516990b0/golxmert/lxmert/lxrt"
	"github.com/seed-516990b0/golxmert/lxmert/weights"
)

// Scored is what came out of one split of [Test].
type Scored struct {
	Splits    []string
	File      string // the predictions
	Questions int
	HasScore  bool
	Score     float64 // 0 to 1
	Kinds     []Kind  // by question type, where the file says, in alphabetical order
	// NLVR2's groups, all of whose statements are right, and all groups.
	Consistent, Groups int
}

// Test does what the reference's test modes do: it predicts the splits that --test names with the snapshot of --load,
// writes the prediction files into the output folder, and prints the score where the answers are known.
func Test(ctx context.Context, b *backend.Backend, t *dataset.Task, o Options) (out []Scored, err error) {
	if o.Load == "" {
		return nil, errors.New("task: --test needs a fine-tuned snapshot: --load snap/…/BEST")
	}
	o.settle()
	s, err := newSession(b, t, &o)
	if err != nil {
		return nil, err
	}
	defer func() { err = errors.Join(err, s.Close()) }()
	if err := s.checkSnapshot(); err != nil {
		return nil, err
	}
	if err := os.MkdirAll(o.Output, 0o777); err != nil {
		return nil, fmt.Errorf("task: %w; choose another folder with --output", err)
	}
	var answer predictor
	for _, test := range testsOf(t, o.Test) {
		set, err := s.load(ctx, test.splits, 0)
		if err != nil {
			return nil, err
		}
		if set.Len() == 0 {
			return nil, fmt.Errorf("task: the split %s has no question with a picture", strings.Join(test.splits, ","))
		}
		if answer == nil {
			var model io.Closer
			if answer, model, err = s.predictor(ctx, set); err != nil {
				return nil, err
			}
			defer func() { err = errors.Join(err, model.Close()) }()
		}
		noteTrained(o.Notes, trainedOn(o.Load), test.splits)
		scored, err := s.test(ctx, answer, set, test)
		if err != nil {
			return nil, err
		}
		out = append(out, *scored)
	}
	return out, nil
}

// checkSnapshot says whether the model of --load is the one that the flags and the task name, before any data are read.
func (s *session) checkSnapshot() error {
	m, err := weights.OpenModel(s.opt.Load, s.opt.Config)
	if err != nil {
		return err
	}
	c := m.Config
	if err = layers(s.opt, &c, m); err == nil {
		err = hasHead(s.task, m, s.classes())
	}
	return errors.Join(err, m.Close())
}

// predictor gives the class of each example.
type predictor func(ctx context.Context, set *dataset.Set) ([]int, error)

// predictor is the model of --load, with the head of one's own beside it if the options have one. What it returns second is to be
// closed.
func (s *session) predictor(ctx context.Context, set *dataset.Set) (predictor, io.Closer, error) {
	if !s.opt.Own.replacesHead() {
		m, err := s.openSnapshot(set)
		if err != nil {
			return nil, nil, err
		}
		return func(ctx context.Context, set *dataset.Set) ([]int, error) { return s.predict(ctx, m, set) }, m, nil
	}
	begin, err := s.begin(set)
	if err != nil {
		return nil, nil, err
	}
	if s.opt.Own.Params != nil && !begin.ownSaved {
		return nil, nil, errors.Join(fmt.Errorf("task: beside the weights of --load %s there is no .own.safetensors with the parameters of %s: its head would be one that was drawn; name a snapshot of a run of this program", s.opt.Load, s.opt.Own.Name), begin.Close())
	}
	fmt.Fprintf(s.opt.Out, "Load model from %s\n", s.opt.Load)
	t, err := s.trainer(ctx, begin, training{clip, warmup, false, s.objective()}, 1)
	if err != nil {
		return nil, nil, errors.Join(err, begin.Close())
	}
	if err := begin.Close(); err != nil {
		return nil, nil, errors.Join(err, t.Close())
	}
	return func(ctx context.Context, set *dataset.Set) ([]int, error) { return s.validate(ctx, t, t.Model(), set) }, t, nil
}

// openSnapshot opens the fine-tuned model of --load.
func (s *session) openSnapshot(set *dataset.Set) (*lxrt.Model, error) {
	fmt.Fprintf(s.opt.Out, "Load model from %s\n", s.opt.Load)
	m, err := lxrt.Open(s.backend, s.opt.Load, s.opt.Config, lxrt.Options{BFloat16: s.opt.BF16, TF32: s.opt.TF32, Deterministic: s.opt.Deterministic, Log: s.opt.Notes})
	if err != nil {
		return nil, err
	}
	if err := s.fits(m.Config(), set.Dim); err != nil {
		return nil, errors.Join(err, m.Close())
	}
	return m, nil
}

// test predicts one split and writes what is handed in.
func (s *session) test(ctx context.Context, answer predictor, set *dataset.Set, test test) (*Scored, error) {
	classes, err := answer(ctx, set)
	if err != nil {
		return nil, err
	}
	r := &Scored{Splits: test.splits, File: filepath.Join(s.opt.Output, test.file), Questions: set.Len(), HasScore: test.score && labelled(set)}
	if err := writeDump(r.File, s.task, set, s.answers, classes); err != nil {
		return nil, err
	}
	if r.HasScore {
		r.Score = s.mean(set, classes)
		fmt.Fprintln(s.opt.Out, pythonFloat(r.Score))
		r.Kinds = s.kinds(set, classes)
		for _, k := range r.Kinds {
			fmt.Fprintf(s.opt.Notes, "  %-40s %6.2f %% of %d\n", k.Name, 100*k.Score, k.Questions)
		}
		if s.task.Truth.Consistency {
			r.Consistent, r.Groups = Consistency(set, classes)
			fmt.Fprintf(s.opt.Notes, "consistency %.2f %% (%d of %d groups)\n", 100*float64(r.Consistent)/float64(r.Groups), r.Consistent, r.Groups)
		}
		warnChance(s.opt.Notes, r.Score, majority(set, s.answers), s.opt)
	}
	switch twice := repeated(set); {
	case twice != "":
		fmt.Fprintf(s.opt.Notes, "warning: %s has question %s twice; an evaluation server may refuse it\n", r.File, twice)
	case set.Len() < set.Listed:
		fmt.Fprintf(s.opt.Notes, "warning: %s has %d of the split's %d questions, the others have no picture here: it is not ready to submit\n", r.File, set.Len(), set.Listed)
	default:
		fmt.Fprintf(s.opt.Notes, "%s: %d predictions, every question once\n", r.File, set.Len())
	}
	return r, nil
}

// labelled reports whether the answers are known.
func labelled(set *dataset.Set) bool {
	return slices.ContainsFunc(set.Examples, func(e dataset.Example) bool { return e.Labels != nil || e.Class >= 0 })
}

// Kind is what came out for the questions of one type.
type Kind struct {
	Name      string
	Questions int
	Score     float64 // 0 to 1
}

// kinds are the scores by question type.
func (s *session) kinds(set *dataset.Set, classes []int) []Kind {
	byName := map[string]Kind{}
	for i, c := range classes {
		e := &set.Examples[i]
		if e.QuestionType == "" {
			continue
		}
		k := byName[e.QuestionType]
		byName[e.QuestionType] = Kind{e.QuestionType, k.Questions + 1, k.Score + s.score(e, c)}
	}
	var kinds []Kind
	for _, name := range slices.Sorted(maps.Keys(byName)) {
		k := byName[name]
		k.Score /= float64(k.Questions)
		kinds = append(kinds, k)
	}
	return kinds
}

// predict returns the class with the largest logit of each example, the first of equal ones.
//
// Examples are taken by the length of their sentences and then by their pictures, so that few words are padding and a
// picture's stream is computed once for all of its questions; both change nothing but the last bits of the logits.
func (s *session) predict(ctx context.Context, m lxmert.Engine, set *dataset.Set) ([]int, error) {
	batches, err := s.plan(set, m.Config())
	if err != nil {
		return nil, err
	}
	classes := make([]int, set.Len())
	loader := dataset.NewLoader(ctx, len(batches), s.opt.loadingWorkers(), func(ctx context.Context, i int) (*lxmert.Batch, error) {
		return set.PairedBatch(ctx, s.tok, batches[i].length, batches[i].index)
	})
	defer loader.Close()
	done, bad, firstBad := 0, 0, ""
	for _, plan := range batches {
		b, err := loader.Next()
		if err != nil {
			return nil, err
		}
		if s.opt.Blind {
			blind(b)
		}
		t, err := m.Run(ctx, b, lxmert.Request{Want: []lxmert.Read{{Name: head(s.task)}}, NoRegions: b.NoRegions()})
		if err != nil {
			return nil, err
		}
		logits := t.Values[head(s.task)]
		for i, k := range plan.index {
			row := logits.Row(i).Data
			classes[k] = argMax(row)
			if !finite(row) {
				if bad++; bad == 1 {
					firstBad = set.Examples[k].ID
				}
			}
		}
		done += len(plan.index)
		if s.opt.Predict != nil {
			s.opt.Predict(done, set.Len())
		}
	}
	if bad > 0 {
		fmt.Fprintf(s.opt.Notes, "warning: the model's output for %d of %d questions is not finite, the first is %s: weights or features are damaged; `lxmert verify` checks features\n", bad, set.Len(), firstBad)
	}
	return classes, nil
}

func finite(x []float32) bool {
	for _, v := range x {
		if v-v != 0 {
			return false
		}
	}
	return true
}

func argMax(x []float32) int {
	best := 0
	for i, v := range x {
		if v > x[best] {
			best = i
		}
	}
	return best
}

// planned is a batch of predictions.
type planned struct {
	index  []int
	length int // of its sentences, in word pieces
}

// plan cuts a set into batches of full size. All batches of one length share a compiled graph, as a rule: they have as
// many rows, and about as many pictures.
func (s *session) plan(set *dataset.Set, c lxmert.Config) ([]planned, error) {
	most := s.length(c)
	length := make([]int, set.Len())
	longest := 0
	for i := range set.Examples {
		e, err := s.tok.Encode(set.Examples[i].Text, most)
		if err != nil {
			return nil, err
		}
		length[i] = min(most, (pieces(e.Mask)+3)/4*4)
		longest = max(longest, length[i])
	}
	if set.Len() < s.bucketedExamples {
		for i := range length {
			length[i] = longest
		}
	}
	first := map[string]int{} // by picture: the first example about it
	order := make([]int, set.Len())
	for i := range order {
		order[i] = i
		for _, img := range set.Examples[i].Images {
			if _, ok := first[img]; !ok {
				first[img] = i
			}
		}
	}
	slices.SortStableFunc(order, func(a, b int) int {
		if length[a] != length[b] {
			return length[a] - length[b]
		}
		return first[set.Examples[a].Images[0]] - first[set.Examples[b].Images[0]]
	})
	size := max(1, s.opt.predictBatch()/s.task.Pictures())
	pictures := powerOfTwo(size * s.task.Pictures() * len(first) / max(1, set.Len()*s.task.Pictures()))
	var out []planned
	seen := map[string]bool{}
	for _, k := range order {
		last := len(out) - 1
		fresh := 0
		for _, img := range set.Examples[k].Images {
			if !seen[img] {
				fresh++
			}
		}
		if last < 0 || out[last].length != length[k] || len(out[last].index) == size || len(seen)+fresh > max(pictures, s.task.Pictures()) {
			out = append(out, planned{length: length[k]})
			last++
			seen = map[string]bool{}
		}
		for _, img := range set.Examples[k].Images {
			seen[img] = true
		}
		out[last].index = append(out[last].index, k)
	}
	return out, nil
}

// powerOfTwo rounds up.
func powerOfTwo(n int) int {
	p := 1
	for p < n {
		p *= 2
	}
	return p
}

// pythonFloat is a score as Python prints it.
func pythonFloat(x float64) string {
	text := strconv.FormatFloat(x, 'g', -1, 64)
	if x == math.Trunc(x) {
		text += ".0"
	}
	return text
}
