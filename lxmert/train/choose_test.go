package train

import (
	"context"
	"errors"
	"math"
	"slices"
	"strings"
	"testing"

	"github.com/seed-516990b0/golxmert/lxmert"
	"github.com/seed-516990b0/golxmert/lxmert/backend/backendtest"
)

// twoSteps are steps of which every parameter that the loss depends on moves in both.
func twoSteps() [][]Part {
	return [][]Part{{rows(small(), 1, 8)}, {rows(small(), 2, 8)}}
}

// drawn are a parameter's values before any step.
func drawn(t *testing.T, p lxmert.Param) []float32 {
	t.Helper()
	values := make([]float32, lxmert.Size(p.Shape))
	if err := (&Initial{Config: small(), Seed: 3, Range: 0.1}).Read(p.Name, values, false); err != nil {
		t.Fatal(err)
	}
	return values
}

// TestFrozenParametersAreBitIdentical, with every optimizer: weight decay does not move them either.
func TestFrozenParametersAreBitIdentical(t *testing.T) {
	b := backendtest.Open(t, "go")
	for _, optimizer := range []string{"bert", "adam", "sgd"} {
		opt := withDropout()
		opt.Optimizer, opt.Freeze = optimizer, []string{"bert.embeddings.*", "lxrt_encoder.model.bert.encoder.layer.[0-3].*", "module.bert.encoder.visn_fc.*", "lxmert.pooler.dense.bias"}
		frozen := func(name string) bool {
			return name == "bert.pooler.dense.bias" || strings.HasPrefix(name, "bert.embeddings.") ||
				strings.HasPrefix(name, "bert.encoder.layer.0.") || strings.HasPrefix(name, "bert.encoder.visn_fc.")
		}
		tr := newTrainer(t, b, &Initial{Config: small(), Seed: 3, Range: 0.1}, answers, opt)
		for _, parts := range twoSteps() {
			if _, err := tr.Step(t.Context(), parts...); err != nil {
				t.Fatal(err)
			}
		}
		stay, move := 0, 0
		for _, p := range small().Params() {
			same := slices.Equal(tr.values(t, p.Name, -1), drawn(t, p))
			state := len(tr.vars.byName[p.Name].slots)
			switch {
			case frozen(p.Name):
				stay++
				if !same || state != 0 {
					t.Errorf("%s: %s is frozen; it is the same: %v, with %d arrays of state", optimizer, p.Name, same, state)
				}
			case strings.Contains(p.Name, ".visn_self_att.") || strings.Contains(p.Name, ".visn_inter.") || strings.Contains(p.Name, ".visn_output."): // the loss does not depend on them
			default:
				move++
				if same {
					t.Errorf("%s: %s does not move", optimizer, p.Name)
				}
			}
		}
		trained := tr.Trained()
		if stay == 0 || move == 0 || len(trained.Frozen) != stay || trained.All != len(small().Params()) || trained.Parameters != trained.All-stay || trained.AllValues != small().NumParams() {
			t.Errorf("%s: %d stay, %d move, it says %+v", optimizer, stay, move, trained)
		}
		for _, g := range tr.gradients {
			if slices.ContainsFunc(g.params, frozen) {
				t.Errorf("the program computes gradients of %v", g.params)
			}
		}
	}
}

// TestFreezingLeavesTheOthersGradients: what is not frozen moves as it does without, where the norm is not clipped.
func TestFreezingLeavesTheOthersGradients(t *testing.T) {
	b := backendtest.Open(t, "go")
	opt := withDropout()
	opt.Clip = 0
	first := twoSteps()[0]
	want := trained(t, b, opt, first)
	opt.Freeze = []string{"*.bias", "bert.encoder.*"}
	got := trained(t, b, opt, first)
	for name := range got {
		if strings.HasSuffix(name, ".bias") || strings.HasPrefix(name, "bert.encoder.") {
			delete(got, name)
		}
	}
	if d, at := distance(got, want); d > 1e-6 || len(got) < 5 {
		t.Errorf("of %d parameters %s differs by %g", len(got), at, d)
	}
}

// TestTheNormIsThatOfWhatIsTrained: as PyTorch's clipping, which sees no gradient of frozen parameters.
func TestTheNormIsThatOfWhatIsTrained(t *testing.T) {
	b := backendtest.Open(t, "go")
	norm := func(freeze ...string) float64 {
		opt := plain
		opt.Freeze = freeze
		tr := newTrainer(t, b, &Initial{Config: small(), Seed: 3, Range: 0.1}, answers, opt)
		r, err := tr.Step(t.Context(), rows(small(), 1, 8))
		if err != nil {
			t.Fatal(err)
		}
		return r.Norm * r.Norm
	}
	all, head, rest := norm(), norm("bert.*"), norm("logit_fc.*")
	if math.Abs(head+rest-all) > 1e-5*all || head <= 0 || rest <= 0 {
		t.Errorf("squares of the norms of head and rest, %g and %g, are not %g together", head, rest, all)
	}
}

// TestRatesByPatternAreRates: a rate for all is the rate, the last of two counts, and what has rate 0 stays.
func TestRatesByPatternAreRates(t *testing.T) {
	b := backendtest.Open(t, "go")
	opt := withDropout()
	opt.Schedule = Schedule{Warmup: 0.25, Total: 8}
	high := opt
	high.LR = 3e-2
	want := trained(t, b, high, twoSteps()...)
	opt.Rates = []Rate{{"bert.*", 0.5}, {"*", 3e-2}}
	if d, at := distance(trained(t, b, opt, twoSteps()...), want); d != 0 {
		t.Errorf("with the rate by a pattern %s differs by %g", at, d)
	}

	// Without clipping, what one step does to a parameter depends on its own gradient and rate only.
	opt.Clip, opt.Schedule = 0, Schedule{Warmup: -1, Total: -1}
	high.Clip, high.Schedule = 0, opt.Schedule
	first := twoSteps()[0]
	opt.Rates = []Rate{{"logit_fc.*", 3e-2}, {"bert.pooler.*", 0}}
	low := opt
	low.Rates = nil
	mixed, slow, fast := trained(t, b, opt, first), trained(t, b, low, first), trained(t, b, high, first)
	for _, p := range small().Params() {
		want := slow[p.Name]
		switch {
		case strings.HasPrefix(p.Name, "logit_fc."):
			want = fast[p.Name]
		case strings.HasPrefix(p.Name, "bert.pooler."):
			want = drawn(t, p)
		}
		if !slices.Equal(mixed[p.Name], want) {
			t.Errorf("%s does not have its rate", p.Name)
		}
	}
}

func TestPatternsThatNameNothingSayWhatIsLikeThem(t *testing.T) {
	b := backendtest.Open(t, "go")
	for _, c := range []struct {
		change func(o *Options)
		want   string
	}{
		{func(o *Options) { o.Freeze = []string{"bert.encoder.layers.0.*"} }, `no parameter is called "bert.encoder.layers.0.*"`},
		{func(o *Options) { o.Freeze = []string{"logitfc.0.weight"} }, "similar are logit_fc.0.weight, "},
		{func(o *Options) { o.Freeze = []string{"bert.embeddings"} }, `"bert.embeddings.*" names the 5 below it`},
		{func(o *Options) { o.Freeze = []string{""} }, `no parameter is called ""`},
		{func(o *Options) { o.Freeze = []string{"bert.[0"} }, "a [ is not closed"},
		{func(o *Options) { o.Freeze = []string{"*"} }, "there is nothing to train"},
		{func(o *Options) { o.Freeze = []string{"[!x]*"} }, "no parameter is called"},
		{func(o *Options) { o.Rates = []Rate{{"head.*", 1}} }, `learning rate 1: no parameter is called "head.*"`},
		{func(o *Options) { o.Rates = []Rate{{"*", math.NaN()}} }, "must be 0 or more"},
		{func(o *Options) { o.Rates, o.Freeze = []Rate{{"bert.*", 1}}, []string{"bert.*"} }, "all parameters called bert.* are frozen"},
	} {
		opt := plain
		c.change(&opt)
		_, err := NewTrainer(t.Context(), b.Backend, small(), &Initial{Config: small(), Seed: 3, Range: 0.1}, answers, opt)
		if err == nil || !strings.Contains(err.Error(), c.want) || strings.Contains(err.Error(), "\n") {
			t.Errorf("%v, want %q", err, c.want)
		}
	}
	// What the loss depends on is known when the step is compiled.
	opt := plain
	opt.Freeze = []string{"bert.[a-df-z]*", "bert.em*", "logit_fc.*", "bert.encoder.[a-w]*", "bert.encoder.x_layers.0.[a-u]*", "bert.encoder.x_layers.0.visual*"}
	tr := newTrainer(t, b, &Initial{Config: small(), Seed: 3, Range: 0.1}, answers, opt)
	if _, err := tr.Step(t.Context(), rows(small(), 1, 4)); err == nil || !strings.Contains(err.Error(), "all parameters that the loss depends on are frozen") {
		t.Errorf("only what the loss does not depend on is trained: %v", err)
	}
}

// TestARunWithFrozenParametersGoesOnToTheSameEnd when it is interrupted.
func TestARunWithFrozenParametersGoesOnToTheSameEnd(t *testing.T) {
	b := backendtest.Open(t, "go")
	run := func(ctx context.Context, dir string, progress func(Progress)) error {
		opt := withDropout()
		opt.PooledOnly, opt.Freeze, opt.Rates = true, []string{"bert.em*"}, []Rate{{"logit_fc.*", 2e-2}}
		tr, err := NewTrainer(ctx, b.Backend, small(), &Initial{Config: small(), Seed: 3, Range: 0.1}, answers, opt)
		if err != nil {
			return err
		}
		_, err = Run(ctx, tr, smallJob(small(), 4, 4), RunOptions{Dir: dir, LogSteps: 1, Resume: true, Progress: progress})
		return errors.Join(err, tr.Close())
	}
	whole, parts := t.TempDir(), t.TempDir()
	if err := run(t.Context(), whole, nil); err != nil {
		t.Fatal(err)
	}
	ctx, cancel := context.WithCancel(t.Context())
	if err := run(ctx, parts, func(p Progress) {
		if p.Step == 3 {
			cancel()
		}
	}); !errors.Is(err, ErrInterrupted) {
		t.Fatal(err)
	}
	if err := run(t.Context(), parts, nil); err != nil {
		t.Fatal(err)
	}
	compareEnds(t, ended(t, parts), ended(t, whole))
}
