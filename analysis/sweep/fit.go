package sweep

import (
	"cmp"
	"context"
	"fmt"
	"iter"
	"math"
	"slices"

	"github.com/seed-516990b0/golxmert/analysis/intervene"
	"github.com/seed-516990b0/golxmert/lxmert"
)

// This file is for methods that are fitted before anything is measured: to the first questions of the data set, which every part
// reads for itself, so that no part waits for another. What is measured then is measured of the others.

// sample are the batches that methods are fitted to.
func (r *runner) sample(ctx context.Context, what string) iter.Seq2[*lxmert.Batch, error] {
	report := func(done int) {
		if r.opt.Preparing != nil {
			r.opt.Preparing(what, int64(done), int64(r.settings.Sample))
		}
	}
	return func(yield func(*lxmert.Batch, error) bool) {
		defer func() { report(r.settings.Sample) }()
		for _, index := range r.settings.plan(0, r.settings.Sample) {
			report(index[0])
			b, err := r.data.batch(ctx, index)
			if err != nil {
				yield(nil, err)
				return
			}
			if !yield(b.Batch, nil) {
				return
			}
		}
	}
}

// rest measures the examples that nothing was fitted to.
func (r *runner) rest(measure measurer) measurer {
	return func(ctx context.Context, a *asked) ([]numbers, error) {
		if a.index[len(a.index)-1] < r.settings.Sample {
			return nil, nil
		}
		found, err := measure(ctx, a)
		for _, n := range found {
			for i := range n.Values {
				if a.index[i] < r.settings.Sample {
					n.Values[i] = math.NaN()
				}
			}
		}
		return found, err
	}
}

// defaultSample is the number of questions of the sample, or half of those that there are.
const defaultSample = 500

// choose fills in what the methods need beside the common settings.
func (s *Settings) choose(opt *Options) error {
	has := func(name string) bool { return slices.Contains(opt.Methods, name) }
	var fits []string
	for _, name := range opt.Methods {
		if m, ok := findMeasuring(name); ok && m.fits {
			fits = append(fits, name)
		}
	}
	if gathers(opt.Methods) || fits != nil {
		if s.Sample = opt.Sample; s.Sample == 0 {
			if s.Sample = defaultSample; fits != nil {
				s.Sample = max(1, min(s.Sample, s.Examples/2))
			}
		}
		if s.Sample < 1 {
			return fmt.Errorf("sweep: a sample of %d questions is none", s.Sample)
		}
	}
	if fits != nil && s.Sample >= s.Examples {
		return fmt.Errorf("sweep: %s is fitted to a sample of %d questions and measures the others, and there are %d in all: take a smaller sample", fits[0], s.Sample, s.Examples)
	}
	if !slices.ContainsFunc(opt.Methods, func(name string) bool { _, ok := findGathering(name); return !ok }) {
		s.Examples = min(s.Examples, s.Sample) // nobody looks at the others
	}
	if has("what-if") {
		if opt.Changes == nil {
			opt.Changes = []Change{Same(intervene.Without())}
		}
		for _, c := range opt.Changes {
			if slices.Contains(s.Changes, c.Name) {
				return fmt.Errorf("sweep: the change %q is named twice", c.Name)
			}
			s.Changes = append(s.Changes, c.Name)
		}
	}
	if has("patching") || has("attribution") {
		if opt.Corrupt.Name == "" {
			opt.Corrupt = CorruptPicture()
		}
		s.Corrupt, s.Noising = opt.Corrupt.Name, opt.Noising
	}
	if has("leace") {
		s.Concept, s.Level = cmp.Or(opt.Concept, "object"), opt.Level
	}
	return nil
}
