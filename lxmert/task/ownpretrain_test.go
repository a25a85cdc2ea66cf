package task

import (
	"context"
	"errors"
	"maps"
	"path/filepath"
	"strings"
	"testing"

	. "github.com/gomlx/gomlx/core/graph"

	"github.com/seed-516990b0/golxmert/lxmert"
	"github.com/seed-516990b0/golxmert/lxmert/backend/backendtest"
	"github.com/seed-516990b0/golxmert/lxmert/dataset"
	"github.com/seed-516990b0/golxmert/lxmert/lxrt"
	"github.com/seed-516990b0/golxmert/lxmert/train"
)

// This file pre-trains with losses of one's own.

// ownPretraining are the options of a few steps with a loss.
func ownPretraining(t *testing.T, own *Own) Options {
	t.Helper()
	o := pretrainOptions(t)
	o.Train, o.Valid, o.Own = []string{"mscoco_minival"}, nil, own
	o.BatchSize, o.Epochs, o.MaxSteps = 8, 1, 3
	return o
}

// pulled has a loss that draws what was pooled of sentences about their picture towards a vector that is trained with the model.
func pulled() *Own {
	return &Own{
		Name: "pulled",
		Params: func(c lxmert.Config) []lxmert.Param {
			return []lxmert.Param{{Name: "own.centre", Shape: []int{c.Hidden}}}
		},
		Loss: func(s *Step) *Node {
			pooled := s.Activation("out.pooled")
			away := ReduceMean(Square(Sub(pooled, ExpandAxes(s.Param("own.centre"), 0))), -1)
			return Add(s.TaskLoss(), ReduceAllMean(Mul(away, ConvertDType(s.Label(lxrt.Matched), away.DType()))))
		},
	}
}

// pretrainingEnds are the files that a run of one epoch leaves; own: with parameters of its own.
func pretrainingEnds(t *testing.T, dir string, own bool) map[string]string {
	t.Helper()
	names := []string{"Epoch01_LXRT.pth", "log.log"}
	if own {
		names = append(names, "Epoch01_LXRT.own.safetensors")
	}
	return filesOf(t, dir, names...)
}

// TestPretrainingsLossAsOnesOwnChangesNothing, to the bit.
func TestPretrainingsLossAsOnesOwnChangesNothing(t *testing.T) {
	b := backendtest.Open(t, "cpu")
	var ends []map[string]string
	for _, own := range []*Own{nil, {Name: "loss", Loss: (*Step).TaskLoss}} {
		o := ownPretraining(t, own)
		if _, err := Train(t.Context(), b, dataset.Pretraining, o); err != nil {
			t.Fatal(err)
		}
		ends = append(ends, pretrainingEnds(t, o.Output, false))
	}
	if !maps.Equal(ends[0], ends[1]) {
		t.Error("the losses of pre-training as a loss of one's own end otherwise")
	}
}

// TestAnOwnLossPretrainsAndGoesOnToTheSameEnd: interrupted after each step it ends with the bits of a run that was not, its parameters
// move, and --load goes on from them.
func TestAnOwnLossPretrainsAndGoesOnToTheSameEnd(t *testing.T) {
	b := backendtest.Open(t, "cpu")
	o := ownPretraining(t, pulled())
	if _, err := Train(t.Context(), b, dataset.Pretraining, o); err != nil {
		t.Fatal(err)
	}
	whole := pretrainingEnds(t, o.Output, true)
	still := ownPretraining(t, pulled())
	still.LR = 0
	if _, err := Train(t.Context(), b, dataset.Pretraining, still); err != nil {
		t.Fatal(err)
	}
	const centre = "Epoch01_LXRT.own.safetensors"
	if pretrainingEnds(t, still.Output, true)[centre] == whole[centre] {
		t.Error("the own parameter has not moved")
	}

	next := ownPretraining(t, pulled())
	next.Load, next.FromScratch, next.LR = filepath.Join(o.Output, "Epoch01"), false, 0
	if _, err := Train(t.Context(), b, dataset.Pretraining, next); err != nil {
		t.Fatal(err)
	}
	if pretrainingEnds(t, next.Output, true)[centre] != whole[centre] {
		t.Error("--load does not go on from the own parameter")
	}

	o.Output, o.Resume = filepath.Join(t.TempDir(), "parts"), true
	for steps := 1; ; steps++ {
		ctx, cancel := context.WithCancel(t.Context())
		o.Progress = func(train.Progress) { cancel() } // after one step
		_, err := Train(ctx, b, dataset.Pretraining, o)
		cancel()
		if err == nil {
			break
		}
		if !errors.Is(err, train.ErrInterrupted) || steps > o.MaxSteps {
			t.Fatal(err)
		}
	}
	for name, text := range pretrainingEnds(t, o.Output, true) {
		if text != whole[name] {
			t.Errorf("%s differs after interruptions", name)
		}
	}
}

func TestWhatPretrainingCannotDoIsSaid(t *testing.T) {
	b := backendtest.Open(t, "go")
	refused := func(want string, own *Own, keeps string) {
		t.Helper()
		o := ownPretraining(t, own)
		o.KeepFeatures = keeps
		if _, err := Train(t.Context(), b, dataset.Pretraining, o); err == nil || !strings.Contains(err.Error(), want) || strings.Contains(err.Error(), "\n") {
			t.Errorf("%v, want %q", err, want)
		}
	}
	loss := (*Step).TaskLoss
	refused("logits or labels of its own, which are for fine-tuning", &Own{Name: "x", Logits: func(s *Step) *Node { return s.Activation("out.qa") }}, "")
	refused("logits or labels of its own, which are for fine-tuning", &Own{Name: "x", Loss: loss, Labels: map[string]func(*dataset.Example) []float32{}}, "")
	refused("pre-training has no logits of a task", &Own{Name: "x", Loss: func(s *Step) *Node { return s.Logits() }}, "")
	refused("must be a float32 scalar", &Own{Name: "x", Loss: func(s *Step) *Node { return s.Activation("out.pooled") }}, "")
	refused("is for fine-tuning", nil, "yes")
}
