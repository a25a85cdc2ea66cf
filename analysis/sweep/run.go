package sweep

import (
	"context"
	"errors"
	"fmt"
	"maps"
	"slices"

	"github.com/seed-516990b0/golxmert/analysis"
	"github.com/seed-516990b0/golxmert/analysis/relevance"
	"github.com/seed-516990b0/golxmert/lxmert"
	"github.com/seed-516990b0/golxmert/lxmert/dataset"
	"github.com/seed-516990b0/golxmert/lxmert/question"
)

// Options say what to do with a data set.
type Options struct {
	// Methods are names of those in [Groups].
	Methods []string
	// Target is what is explained. The zero value is analysis.Predicted().
	Target analysis.Target
	// Perturb tests each method's ranking of words and regions by removing them, in each modality, and Random random rankings
	// beside the first method's (0: 3). EveryStep removes one after another, instead of the published shares.
	Perturb   bool
	EveryStep bool
	Random    int
	Seed      uint64 // of the random rankings
	Limit     int    // how many examples, the first ones; 0: all
	Batch     int    // examples at a time; 0: 32
	Show      int    // of how many examples, the first ones, whole results are kept to be looked at; 0: 20, negative: none
	// Sample is how many questions, the first ones, are looked at together by the methods that do so; 0: 500. What these read of
	// the model is kept in dir.
	Sample int
	// Changes are what the method "what-if" does to every question; nil: all regions are taken away.
	Changes []Change
	// Corrupt makes the inputs from which patching starts; Noising patches the other way, what breaks the answer.
	Corrupt Corruption
	Noising bool
	// Concept is a task of package probe whose labels the method "leace" erases, from the levels that fit the pattern Level. "":
	// object, from all levels of its stream.
	Concept, Level string
	// Objects are the detector's classes in their order, where they are those of the model's head; nil: not known.
	Objects []string
	// Blind is a model trained without pictures, which "looks" has beside the others; it is shown none.
	Blind lxmert.Engine
	// RandomWeights is a model of the same sizes with random weights, with which probes compare; they need it.
	RandomWeights lxmert.Engine
	Shard         int // which part to do, from 0
	Shards        int // of how many; 0: one
	// Overwrite throws away what a run before has found. Else a run goes on where that one stopped.
	Overwrite bool
	// Missing is called once at the end if pictures of examples that are shown are not in the asker's folder of pictures: with
	// their ids, and how many are shown.
	Missing func(ids []string, of int)
	// Unfit is called at the end with changes and corruptions that fitted no question of this part, and why the first did not.
	Unfit func(name string, why error)
	// Noted is called once at the end if there was something to note about questions, see question.Batch: how often, and the
	// first of it.
	Noted func(notes int, first string)
	// Preparing is called while something is fitted before the first batch.
	Preparing func(what string, done, total int64)
	// Progress is called after each batch with the number of this part's examples that are done.
	Progress func(done, total int)
}

// Run takes methods through a data set and appends what they find to a file in dir, from where [Read] reads it. An error
// in the middle, or the end of ctx, loses nothing: the same call goes on. Other options in a folder with results are an
// error.
func Run(ctx context.Context, eng lxmert.Engine, d *Data, dir string, opt Options) (err error) {
	r, err := newRunner(ctx, eng, d, opt)
	if err != nil {
		return err
	}
	first, last := r.settings.share()
	report := func(done int) {
		if opt.Progress != nil {
			opt.Progress(done, last-first)
		}
	}
	p, err := openPart(dir, r.settings, opt.Overwrite, report)
	if err != nil {
		return err
	}
	defer func() { err = errors.Join(err, p.Close()) }()
	if r.settings.Model != p.begun.Model {
		r.elsewhere = &r.settings.Model
	}
	if first, last = p.begun.share(); p.done < last-first {
		if err := r.begin(ctx); err != nil {
			return err
		}
	}
	report(p.done)
	plan := r.settings.plan(first+p.done, last)
	loader := dataset.NewLoader(ctx, len(plan), 1, func(ctx context.Context, i int) (*question.Batch, error) {
		return d.batch(ctx, plan[i])
	})
	defer loader.Close()
	done := p.done
	for _, index := range plan {
		b, err := loader.Next()
		if err != nil {
			return err
		}
		l, err := r.batch(ctx, b, index)
		if err != nil {
			return fmt.Errorf("sweep: questions %s to %s: %w", d.Set.Examples[index[0]].ID, d.Set.Examples[index[len(index)-1]].ID, err)
		}
		if err := p.add(l); err != nil {
			return err
		}
		done += len(index)
		report(done)
	}
	if opt.Unfit != nil {
		for _, name := range slices.Sorted(maps.Keys(r.misfits)) {
			if !r.fitted[name] {
				opt.Unfit(name, r.misfits[name])
			}
		}
	}
	if r.notes > 0 && opt.Noted != nil {
		opt.Noted(r.notes, r.firstNote)
	}
	if len(r.missing) > 0 && opt.Missing != nil {
		opt.Missing(r.missing, len(r.looked))
	}
	return nil
}

// batch applies all methods to a batch.
func (r *runner) batch(ctx context.Context, made *question.Batch, index []int) (*line, error) {
	b := made.Batch
	if r.notes += len(made.Notes); r.firstNote == "" && len(made.Notes) > 0 {
		r.firstNote = made.Notes[0]
	}
	l := &line{First: index[0], Examples: make([]Example, len(index)), Model: r.elsewhere}
	rows := r.settings.Rows
	for i, k := range index {
		e := &r.data.Set.Examples[k]
		l.Examples[i] = Example{ID: e.ID, Question: e.Text, Images: e.Images, Results: map[string][]Result{}}
		for g := range rows {
			row := i*rows + g
			if r.data.Gold != nil {
				l.Examples[i].Gold = append(l.Examples[i].Gold, r.data.Gold.regions(e.ID, g == 1, b, row))
			}
			l.Examples[i].Regions = append(l.Examples[i].Regions, len(analysis.PresentRegions(b, row)))
		}
		if len(r.scoring) > 0 {
			l.Examples[i].place(b, i*rows, rows)
		}
	}
	answers, labels, err := r.answers(ctx, made, index, l)
	if err != nil {
		return nil, err
	}
	for n, m := range r.scoring {
		scores, err := m.Run(ctx, r.eng, b, r.opt.Target)
		if err != nil {
			return nil, fmt.Errorf("%s: %w", m.Name, err)
		}
		if err := r.keep(l, b, m.Name, scores); err != nil {
			return nil, err
		}
		if r.opt.Perturb {
			random := -1 // one method's random rankings are as good as another's
			if n == 0 {
				random = r.opt.Random
			}
			test, err := relevance.Perturb(ctx, r.eng, b, scores, relevance.PerturbOptions{
				EveryStep: r.opt.EveryStep, Random: random, Seed: r.opt.Seed, First: index[0], Labels: labels,
			})
			if err != nil {
				return nil, fmt.Errorf("%s: %w", m.Name, err)
			}
			for _, t := range test.Trials {
				e := &l.Examples[t.Example]
				if e.Trials == nil {
					e.Trials = map[string][]relevance.Trial{}
				}
				e.Trials[m.Name] = append(e.Trials[m.Name], t)
			}
		}
	}
	if l.Looks, err = r.measureLooks(ctx, b, labels, index[0]); err != nil {
		return nil, err
	}
	if l.Heads, l.Pairs, err = r.measureHeads(ctx, b); err != nil {
		return nil, err
	}
	a := &asked{Batch: b, index: index, answers: answers, labels: labels}
	for _, add := range r.measuring {
		if err := add(ctx, a, l); err != nil {
			return nil, err
		}
	}
	return l, r.gather(ctx, a, l)
}

// answers asks the model, and compares with the right answers where all are known.
func (r *runner) answers(ctx context.Context, b *question.Batch, index []int, l *line) (answers []*lxmert.Answer, labels [][]float64, err error) {
	head := r.data.Asker.Head()
	if head.Output == "" {
		return nil, nil, nil
	}
	if answers, err = r.data.Asker.Answer(ctx, r.eng, b); err != nil {
		return nil, nil, err
	}
	labels = r.data.labels(index, head.Classes)
	for i, a := range answers {
		e, best := &l.Examples[i], a.Best()
		e.Answer, e.Probability = best.Text, best.Probability
		if labels != nil {
			e.Right = &labels[i][best.Class]
		}
	}
	return answers, labels, nil
}

// keep stores a method's results.
func (r *runner) keep(l *line, b *lxmert.Batch, method string, scores []analysis.Scores) error {
	for row, s := range scores {
		e := &l.Examples[row/r.settings.Rows]
		var result Result
		for _, i := range analysis.InnerWords(b, row) {
			if s.Words != nil {
				result.Words = append(result.Words, s.Words[i])
			}
		}
		for _, v := range analysis.PresentRegions(b, row) {
			if s.Regions != nil {
				result.Regions = append(result.Regions, s.Regions[v])
			}
		}
		e.Results[method] = append(e.Results[method], result)
		if l.First+row/r.settings.Rows < r.settings.Show {
			if r.data.Asker.Options().Images != "" && !r.looked[s.Image.ID] {
				r.looked[s.Image.ID] = true
				if s.Image.File == "" {
					r.missing = append(r.missing, s.Image.ID)
				}
			}
			s.Answer = e.Answer
			params := map[string]string{"probability of answers": r.settings.Probability}
			maps.Copy(params, s.Params)
			s.Params = params
			if e.Shown == nil {
				e.Shown = map[string][]analysis.Scores{}
			}
			e.Shown[method] = append(e.Shown[method], s)
		}
	}
	return nil
}
