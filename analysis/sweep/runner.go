package sweep

import (
	"context"
	"errors"
	"fmt"
	"slices"

	"github.com/seed-516990b0/golxmert/analysis"
	"github.com/seed-516990b0/golxmert/analysis/modality"
	"github.com/seed-516990b0/golxmert/analysis/relevance"
	"github.com/seed-516990b0/golxmert/lxmert"
)

// runner makes the lines of a part.
type runner struct {
	eng      lxmert.Engine
	data     *Data
	opt      Options
	settings Settings
	scoring  []relevance.NamedMethod
	// measuring are the methods that measure examples, in the order of the settings. Each adds to a line.
	measuring []func(ctx context.Context, a *asked, l *line) error

	valueNorms *modality.ValueNorms
	misfits    map[string]error // of changes and corruptions, the first
	fitted     map[string]bool  // those that fitted a question

	elsewhere *lxmert.Provenance // if the part was begun by another machine or version
	looked    map[string]bool    // pictures that were looked for
	missing   []string           // those that are not there
	notes     int                // about questions
	firstNote string
}

func newRunner(ctx context.Context, eng lxmert.Engine, d *Data, opt Options) (*runner, error) {
	cfg := eng.Config()
	if err := d.check(cfg); err != nil {
		return nil, err
	}
	if opt.Random == 0 {
		opt.Random = 3
	}
	if opt.Target.String() == (analysis.Target{}).String() {
		opt.Target = analysis.Predicted()
	}
	r := &runner{eng: eng, data: d, looked: map[string]bool{}, misfits: map[string]error{}, fitted: map[string]bool{}}
	if len(opt.Methods) == 0 {
		return nil, errors.New("sweep: no method is named")
	}
	if err := checkMethods(opt.Methods); err != nil {
		return nil, err
	}
	for _, name := range opt.Methods {
		if m, ok := findScoring(name); ok {
			r.scoring = append(r.scoring, m)
		}
	}
	if opt.Perturb && len(r.scoring) == 0 {
		return nil, errors.New("sweep: perturbation tests need a method that scores words and regions")
	}
	if opt.EveryStep && !opt.Perturb {
		return nil, errors.New("sweep: every step of what? steps are of a perturbation test, which nobody asked for")
	}
	if opt.Shards < 0 || opt.Shard < 0 || opt.Shard >= max(1, opt.Shards) {
		return nil, fmt.Errorf("sweep: there is no part %d of %d: parts count from 0", opt.Shard, opt.Shards)
	}
	n := d.Set.Len()
	if opt.Limit > 0 {
		n = min(n, opt.Limit)
	}
	s := Settings{
		Version: version, Data: d.Name, Examples: n, Methods: opt.Methods, Target: opt.Target.String(), Batch: opt.Batch,
		Perturb: opt.Perturb, Every: opt.EveryStep, Seed: opt.Seed, Show: opt.Show, Heads: cfg.Heads, Maps: cfg.Maps(), Rows: d.rows(),
		Probability: d.Asker.Head().Kind, Gold: d.Gold != nil, Shard: opt.Shard, Shards: max(1, opt.Shards),
	}
	if s.Perturb {
		s.Random = opt.Random
	}
	if s.Batch <= 0 {
		s.Batch = 32
	}
	if s.Show == 0 {
		s.Show = 20
	}
	s.Whole = s.Shards > 1
	if err := s.choose(&opt); err != nil {
		return nil, err
	}
	if s.Sample > 0 || measures(opt.Methods) {
		s.Config = &cfg
	}
	var err error
	if s.Model, s.Features, err = d.source(ctx, eng); err != nil {
		return nil, err
	}
	if opt.Blind != nil && slices.Contains(opt.Methods, Looks) {
		a, errA := cfg.AnswerHead()
		b, errB := opt.Blind.Config().AnswerHead()
		if err := errors.Join(errA, errB); err != nil {
			return nil, fmt.Errorf("sweep: the question-only model is to answer beside the other: %w", err)
		}
		if a.Classes != b.Classes || a.Images != b.Images {
			return nil, fmt.Errorf("sweep: the question-only model has %d answers about %d pictures, the other %d about %d: they were trained on other tasks", b.Classes, b.Images, a.Classes, a.Images)
		}
		blind, _, err := d.source(ctx, opt.Blind)
		if err != nil {
			return nil, fmt.Errorf("the question-only model: %w", err)
		}
		s.Blind = &blind
	}
	r.settings, r.opt = s, opt
	return r, nil
}

// begin prepares the methods that are to be prepared.
func (r *runner) begin(ctx context.Context) error {
	for _, name := range r.settings.Methods {
		if m, ok := findMeasuring(name); ok {
			measure, err := m.begin(ctx, r)
			if err != nil {
				return fmt.Errorf("sweep: %s: %w", name, err)
			}
			r.measuring = append(r.measuring, func(ctx context.Context, a *asked, l *line) error {
				found, err := measure(ctx, a)
				if err != nil {
					return fmt.Errorf("%s: %w", name, err)
				}
				if found != nil {
					l.Values = append(l.Values, valuesOf{name, found})
				}
				return nil
			})
		}
	}
	return nil
}
