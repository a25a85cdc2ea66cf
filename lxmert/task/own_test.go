package task

import (
	"context"
	"errors"
	"maps"
	"math"
	"os"
	"path/filepath"
	"strings"
	"testing"

	. "github.com/gomlx/gomlx/core/graph"

	"github.com/seed-516990b0/golxmert/lxmert"
	"github.com/seed-516990b0/golxmert/lxmert/backend/backendtest"
	"github.com/seed-516990b0/golxmert/lxmert/dataset"
	"github.com/seed-516990b0/golxmert/lxmert/train"
	"github.com/seed-516990b0/golxmert/lxmert/weights"
)

// ownOptions are those of a short run of the toy world.
func ownOptions(t *testing.T, own *Own) Options {
	t.Helper()
	w := openWorld(t)
	o := DefaultOptions()
	o.Root, o.Config, o.Vocab, o.Own = w.Data(), w.Config(), w.Vocab(), own
	o.Train, o.Valid, o.FromScratch = []string{"minival"}, []string{"minival"}, true
	o.BatchSize, o.Epochs, o.MaxSteps, o.LR, o.LogSteps, o.Dropout = 8, 2, 6, 1e-3, 1, 0.1
	o.Output = filepath.Join(t.TempDir(), "run")
	return o
}

// ownHead answers with a matrix of its own over what was pooled, and has a label of its own.
func ownHead() *Own {
	return &Own{
		Name: "own head",
		Params: func(c lxmert.Config) []lxmert.Param {
			return []lxmert.Param{{Name: "own.head.weight", Shape: []int{c.TaskClasses, c.Hidden}}, {Name: "own.head.bias", Shape: []int{c.TaskClasses}}}
		},
		Labels: map[string]func(e *dataset.Example) []float32{
			"length": func(e *dataset.Example) []float32 { return []float32{float32(len(strings.Fields(e.Text))), 1} },
		},
		Logits: func(s *Step) *Node {
			return Add(MatMul(s.Activation("out.pooled"), s.Param("own.head.weight")), ExpandAxes(s.Param("own.head.bias"), 0))
		},
		Loss: func(s *Step) *Node {
			spread := ReduceAllMean(Square(s.Activation("x.0.ti"))) // a map of words that the pooled output alone does not need
			return Add(s.TaskLoss(), Mul(spread, ReduceAllMean(s.Label("length"))))
		},
	}
}

// ownFiles are a run's weights and its own parameters, as bytes.
func ownFiles(t *testing.T, dir string) map[string]string {
	t.Helper()
	return filesOf(t, dir, "LAST.pth", "LAST.own.safetensors", "BEST.pth", "BEST.own.safetensors", "log.log")
}

// filesOf are files of a run, as bytes.
func filesOf(t *testing.T, dir string, names ...string) map[string]string {
	t.Helper()
	files := map[string]string{}
	for _, name := range names {
		text, err := os.ReadFile(filepath.Join(dir, name))
		if err != nil {
			t.Fatal(err)
		}
		files[name] = string(text)
	}
	return files
}

// TestAnOwnHeadPredicts: of the split that it was validated on it has that score, of one whose answers are not known it has
// predictions, and without its parameters it is not asked.
func TestAnOwnHeadPredicts(t *testing.T) {
	b := backendtest.Open(t, "go")
	o := ownOptions(t, ownHead())
	o.LR, o.MaxSteps = 1e-2, 40 // the head is to say something that the task's own, which stays as it was drawn, does not
	trained, err := Train(t.Context(), b, dataset.VQA, o)
	if err != nil {
		t.Fatal(err)
	}
	test := o
	test.Load, test.FromScratch = filepath.Join(o.Output, "BEST"), false
	test.Test, test.Output = "minival", t.TempDir()
	scored, err := Test(t.Context(), b, dataset.VQA, test)
	if err != nil {
		t.Fatal(err)
	}
	if got := 100 * scored[0].Score; math.Abs(got-100*trained.Best) > 1e-9 {
		t.Errorf("--test minival is right in %g %%, validation was in %g %%", got, 100*trained.Best)
	}
	plain := test
	plain.Own, plain.Output = nil, t.TempDir()
	others, err := Test(t.Context(), b, dataset.VQA, plain)
	if err != nil {
		t.Fatal(err)
	}
	if others[0].Score >= scored[0].Score {
		t.Errorf("the task's head, which did not train, is right in %g, the own one in %g", others[0].Score, scored[0].Score)
	}

	test.Test = "test"
	if scored, err = Test(t.Context(), b, dataset.VQA, test); err != nil {
		t.Fatal(err)
	}
	if info, err := os.Stat(scored[0].File); scored[0].HasScore || err != nil || info.Size() == 0 {
		t.Errorf("of questions without answers: %+v, %v", scored[0], err)
	}

	if err := os.Remove(filepath.Join(o.Output, "BEST.own.safetensors")); err != nil {
		t.Fatal(err)
	}
	if _, err := Test(t.Context(), b, dataset.VQA, test); err == nil || !strings.Contains(err.Error(), "own.safetensors with the parameters of own head") {
		t.Errorf("without own parameters: %v", err)
	}
}

// TestAnOwnHeadTrainsAndGoesOnToTheSameEnd: interrupted after each of its first steps, it ends with the bits of a run that was
// not, and --load goes on from what it left.
func TestAnOwnHeadTrainsAndGoesOnToTheSameEnd(t *testing.T) {
	b := backendtest.Open(t, "go")
	o := ownOptions(t, ownHead())
	if _, err := Train(t.Context(), b, dataset.VQA, o); err != nil {
		t.Fatal(err)
	}
	whole := ownFiles(t, o.Output)

	o.Output, o.Resume = filepath.Join(t.TempDir(), "parts"), true
	for steps := 1; ; steps++ {
		ctx, cancel := context.WithCancel(t.Context())
		o.Progress = func(train.Progress) { cancel() } // after one step
		_, err := Train(ctx, b, dataset.VQA, o)
		cancel()
		if err == nil {
			break
		}
		if !errors.Is(err, train.ErrInterrupted) || steps > 10 {
			t.Fatal(err)
		}
	}
	if parts := ownFiles(t, o.Output); !maps.Equal(parts, whole) {
		for name := range whole {
			if parts[name] != whole[name] {
				t.Errorf("%s differs", name)
			}
		}
	}

	// The head has moved, the task's own has not, and the model is one that everybody opens.
	f, err := weights.Open(filepath.Join(o.Output, "LAST.own.safetensors"))
	if err != nil {
		t.Fatal(err)
	}
	defer f.Close()
	bias, ok := f.Tensor("own.head.bias")
	if !ok {
		t.Fatalf("it has %q", f.Names())
	}
	values, err := bias.Float32s()
	if err != nil {
		t.Fatal(err)
	}
	moved := false
	for _, v := range values {
		moved = moved || v != 0
	}
	if !moved {
		t.Error("the own head's bias is as it began")
	}
	m, err := weights.OpenModel(filepath.Join(o.Output, "LAST"), o.Config)
	if err != nil {
		t.Fatal(err)
	}
	defer m.Close()
	if err := m.Report(m.Config).Err(); err != nil {
		t.Error(err)
	}

	next := ownOptions(t, ownHead())
	next.Load, next.LR, next.MaxSteps = filepath.Join(o.Output, "LAST"), 0, 1
	if _, err := Train(t.Context(), b, dataset.VQA, next); err != nil {
		t.Fatal(err)
	}
	if got := ownFiles(t, next.Output); got["LAST.own.safetensors"] != whole["LAST.own.safetensors"] {
		t.Error("--load does not go on from the own parameters")
	}
	o.Own.Name = "another"
	if _, err := Train(t.Context(), b, dataset.VQA, o); err == nil || !strings.Contains(err.Error(), `has own "own head", this command "another"`) {
		t.Errorf("resumed with another objective: %v", err)
	}
}

// TestTheTasksLossAsOnesOwnChangesNothing, to the bit: what is added is added to the same graph.
func TestTheTasksLossAsOnesOwnChangesNothing(t *testing.T) {
	b := backendtest.Open(t, "go")
	var first string
	for _, own := range []*Own{{Name: "loss", Loss: func(s *Step) *Node { return s.TaskLoss() }}, {Name: "logits", Logits: func(s *Step) *Node { return s.Activation("out.task") }}} {
		o := ownOptions(t, own)
		if _, err := Train(t.Context(), b, dataset.VQA, o); err != nil {
			t.Fatal(err)
		}
		text, err := os.ReadFile(filepath.Join(o.Output, "LAST.pth"))
		if err != nil {
			t.Fatal(err)
		}
		log, err := os.ReadFile(filepath.Join(o.Output, "log.log"))
		if err != nil {
			t.Fatal(err)
		}
		if all := string(text) + string(log); first == "" {
			first = all
		} else if all != first {
			t.Errorf("%s ends otherwise", own.Name)
		}
	}
}

func TestMistakesInAnOwnObjectiveAreErrors(t *testing.T) {
	b := backendtest.Open(t, "go")
	param := func(name string, shape ...int) func(lxmert.Config) []lxmert.Param {
		return func(lxmert.Config) []lxmert.Param { return []lxmert.Param{{Name: name, Shape: shape}} }
	}
	loss := func(s *Step) *Node { return s.TaskLoss() }
	for want, own := range map[string]*Own{
		"needs a name":                          {Loss: loss},
		"neither a loss nor logits":             {Name: "x"},
		`its name must begin with "own."`:       {Name: "x", Loss: loss, Params: param("bert.mine", 1)},
		`has shape [0]`:                         {Name: "x", Loss: loss, Params: param("own.mine", 0)},
		"must be a float32 scalar":              {Name: "x", Loss: func(s *Step) *Node { return s.Logits() }},
		"answers":                               {Name: "x", Logits: func(s *Step) *Node { return s.Activation("out.pooled") }},
		`the model has no activation "out.moo"`: {Name: "x", Loss: func(s *Step) *Node { return s.Activation("out.moo") }},
		`the part has no labels "more"`:         {Name: "x", Loss: func(s *Step) *Node { return s.Label("more") }},
		"it needs equally many": {Name: "x", Loss: loss, Labels: map[string]func(*dataset.Example) []float32{
			"words": func(e *dataset.Example) []float32 { return make([]float32, len(strings.Fields(e.Text))) },
		}},
		`cannot be called "target"`: {Name: "x", Loss: loss, Labels: map[string]func(*dataset.Example) []float32{targetLabel: func(*dataset.Example) []float32 { return nil }}},
	} {
		if _, err := Train(t.Context(), b, dataset.VQA, ownOptions(t, own)); err == nil || !strings.Contains(err.Error(), want) {
			t.Errorf("%v, want %q", err, want)
		}
	}
}
