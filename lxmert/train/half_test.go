package train

import (
	"fmt"
	"math"
	"path/filepath"
	"slices"
	"strings"
	"testing"

	"github.com/gomlx/compute/dtypes/bfloat16"
	. "github.com/gomlx/gomlx/core/graph"

	"github.com/seed-516990b0/golxmert/lxmert"
	"github.com/seed-516990b0/golxmert/lxmert/backend"
	"github.com/seed-516990b0/golxmert/lxmert/backend/backendtest"
	"github.com/seed-516990b0/golxmert/lxmert/lxrt"
)

// tied is a model whose word embeddings are looked up in float32 and, by the word head, multiplied in bfloat16.
func tied() lxmert.Config {
	cfg := small()
	cfg.LM = true
	return cfg
}

// answersAndWords is a loss that reads the task's head and that of words.
func answersAndWords(net *lxrt.Net, label func(string) *Node) (*Node, []*Node) {
	loss, outputs := answers(net, label)
	return Add(loss, lxrt.LabelLoss(net.Node("out.mlm"), label("words"))), outputs
}

// withWords is a part of tied's.
func withWords(seed int) Part {
	p := rows(tied(), seed, 4)
	words := make([]int32, 4*6)
	for i := range words {
		words[i] = int32((seed + 7*i) % tied().Vocab)
	}
	p.Labels["words"] = Label{words, []int{4, 6}}
	return p
}

// newHalved is a trainer in bfloat16 that does as on a GPU, with copies of matrices or without.
func newHalved(t *testing.T, b *backend.Backend, opt Options, halves bool) *Trainer {
	t.Helper()
	opt.BFloat16 = true
	tr := newTrainer(t, b, &Initial{Config: tied(), Seed: 3, Range: 0.1}, answersAndWords, opt)
	tr.onGPU, tr.halves, tr.opt.PooledOnly = true, halves, false
	return tr
}

// evaluated is what a trainer computes of a part.
func (t *Trainer) evaluated(tb testing.TB, part Part) string {
	tb.Helper()
	loss, outputs, err := t.Evaluate(tb.Context(), part)
	if err != nil {
		tb.Fatal(err)
	}
	return fmt.Sprintln(loss, outputs)
}

// all is what a trainer's next step depends on.
func (t *Trainer) all(tb testing.TB) string {
	tb.Helper()
	text := fmt.Sprintln(t.step)
	for _, v := range t.vars.list {
		text += fmt.Sprintln(v.Name, t.values(tb, v.Name, -1))
		for s := range v.slots {
			text += fmt.Sprintln(t.values(tb, v.Name, s))
		}
	}
	return text
}

// firstApart is the first line in which two texts differ, shortened.
func firstApart(a, b string) string {
	x, y := strings.Split(a, "\n"), strings.Split(b, "\n")
	for i := range min(len(x), len(y)) {
		if x[i] != y[i] {
			return fmt.Sprintf("line %d, %.200s, not %.200s", i, x[i], y[i])
		}
	}
	return fmt.Sprintf("%d lines, not %d", len(x), len(y))
}

// checkHalves compares copies with the parameters that they are of.
func (t *Trainer) checkHalves(tb testing.TB) {
	tb.Helper()
	copies := 0
	for _, v := range t.vars.list {
		if v.half == nil {
			continue
		}
		copies++
		values, err := host(v.value, v.shape)
		if err != nil {
			tb.Fatal(err)
		}
		want := make([]bfloat16.BFloat16, len(values))
		for i, x := range values {
			want[i] = bfloat16.FromFloat32(x)
		}
		for d, half := range v.half {
			got := make([]bfloat16.BFloat16, len(want))
			if err := half.ToFlatData(got); err != nil {
				tb.Fatal(err)
			}
			if !slices.Equal(got, want) {
				tb.Errorf("the copy of %s on device %d is not what it is in bfloat16", v.Name, d)
			}
		}
	}
	if copies == 0 {
		tb.Error("no parameter has a copy")
	}
}

// sameWithCopies compares steps, and their end, with copies of matrices and without.
func sameWithCopies(t *testing.T, b *backend.Backend, opt Options, end func(*Trainer) string, steps ...[]Part) {
	t.Helper()
	told := map[bool]string{}
	for _, halves := range []bool{false, true} {
		tr := newHalved(t, b, opt, halves)
		for _, parts := range steps {
			r, err := tr.Step(t.Context(), parts...)
			if err != nil {
				t.Fatal(err)
			}
			told[halves] += fmt.Sprintln(r.Loss, r.Norm, r.Outputs)
			if halves {
				tr.checkHalves(t)
			}
		}
		told[halves] += end(tr)
	}
	if told[true] != told[false] {
		t.Errorf("with copies of matrices steps are others than without: %s", firstApart(told[true], told[false]))
	}
}

func TestCopiesInBFloat16GiveTheSameBits(t *testing.T) {
	frozen, adapted, kept := withDropout(), withDropout(), withDropout()
	frozen.Freeze = []string{"bert.encoder.layer.*", "bert.embeddings.*"}
	adapted.LoRA = LoRA{Rank: 2}
	kept.Rematerialize = true
	for name, opt := range map[string]Options{"plain": withDropout(), "frozen": frozen, "adapters": adapted, "rematerialized": kept} {
		t.Run(name, func(t *testing.T) {
			end := func(tr *Trainer) string { return tr.evaluated(t, withWords(5)) + tr.all(t) }
			sameWithCopies(t, backendtest.Open(t, "go"), opt, end, []Part{withWords(1)}, []Part{withWords(2), withWords(3)}, []Part{withWords(4)})
		})
	}
	t.Run("two devices", func(t *testing.T) {
		opt := withDropout()
		opt.Devices = 2
		end := func(tr *Trainer) string { return tr.all(t) }
		sameWithCopies(t, backendtest.Open(t, "cpu,devices=2"), opt, end, []Part{withWords(1)}, []Part{withWords(2)})
	})
}

// TestCopiesFollowTheParameters that a saved state brings, in the trainer that saved it and in another.
func TestCopiesFollowTheParameters(t *testing.T) {
	b := backendtest.Open(t, "go")
	step := func(tr *Trainer, seed int) {
		t.Helper()
		if _, err := tr.Step(t.Context(), withWords(seed)); err != nil {
			t.Fatal(err)
		}
	}
	one, other := newHalved(t, b, withDropout(), true), newHalved(t, b, withDropout(), true)
	step(one, 1)
	path := filepath.Join(t.TempDir(), stateFile)
	if err := one.saveState(path, 0); err != nil {
		t.Fatal(err)
	}
	step(one, 2)
	want := one.all(t)
	step(one, 3)
	for _, tr := range []*Trainer{one, other} {
		var position int
		if err := tr.loadState(t.Context(), path, &position); err != nil {
			t.Fatal(err)
		}
		step(tr, 2)
		tr.checkHalves(t)
		if got := tr.all(t); got != want {
			t.Errorf("after a state was loaded the next step is another: %s", firstApart(got, want))
		}
	}
}

// TestAStepThatMovesNothingLeavesTheCopies: its loss is not finite.
func TestAStepThatMovesNothingLeavesTheCopies(t *testing.T) {
	tr := newHalved(t, backendtest.Open(t, "go"), plain, true)
	part := withWords(1)
	for _, bad := range []bool{false, true} {
		if bad {
			part.Labels["target"].Data.([]float32)[0] = float32(math.NaN())
		}
		r, err := tr.Step(t.Context(), part)
		if err != nil || r.Skipped != bad {
			t.Fatalf("%+v, %v", r, err)
		}
		tr.checkHalves(t)
	}
}
