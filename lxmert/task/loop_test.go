package task

import (
	"bufio"
	"bytes"
	"encoding/json"
	"fmt"
	"math"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"testing"

	"github.com/seed-516990b0/golxmert/lxmert"
	"github.com/seed-516990b0/golxmert/lxmert/backend/backendtest"
	"github.com/seed-516990b0/golxmert/lxmert/dataset"
	"github.com/seed-516990b0/golxmert/lxmert/train"
	"github.com/seed-516990b0/golxmert/lxmert/weights"
)

// kinds are short runs of fine-tuning and of pre-training, which have the same loop.
func kinds(t *testing.T) map[*dataset.Task]Options {
	tune := toyOptions(t)
	tune.Train, tune.Valid, tune.FromScratch, tune.BatchSize, tune.Epochs, tune.LR = []string{"train"}, []string{"minival"}, true, 32, 2, 1e-3
	return map[*dataset.Task]Options{dataset.VQA: tune, dataset.Pretraining: pretrainOptions(t)}
}

// stepsOf are the lines of metrics.jsonl about steps.
func stepsOf(t *testing.T, dir string) (steps []stepLine) {
	t.Helper()
	f, err := os.Open(filepath.Join(dir, "metrics.jsonl"))
	if err != nil {
		t.Fatal(err)
	}
	defer f.Close()
	for s := bufio.NewScanner(f); s.Scan(); {
		var line stepLine
		if err := json.Unmarshal(s.Bytes(), &line); err != nil {
			t.Fatal(err)
		}
		if line.Step > 0 {
			steps = append(steps, line)
		}
	}
	return steps
}

type stepLine struct {
	Step, Epoch int
	Loss, LR    float64
}

func TestALimitOfStepsEndsTheRunAndItsSchedule(t *testing.T) {
	b := backendtest.Open(t, "cpu")
	for task, o := range kinds(t) {
		o.MaxSteps, o.LogSteps, o.Epochs = 4, 1, 3
		out, err := Train(t.Context(), b, task, o)
		if err != nil || out.Steps != 4 {
			t.Fatalf("%s: %+v, %v", task, out, err)
		}
		steps := stepsOf(t, o.Output)
		var rates []float64
		for _, s := range steps {
			rates = append(rates, s.LR)
		}
		// Of four steps the first has rate 0, being the warm-up's, and the others fall linearly to nothing.
		falls := func(k int) float64 {
			return o.LR * (float64(k)/4 - 1) / (map[bool]float64{true: pretrainWarmup, false: warmup}[task.Pretrains] - 1)
		}
		near := func(a, b float64) bool { return math.Abs(a-b) < 1e-9*o.LR }
		if want := []float64{0, falls(1), falls(2), falls(3)}; !slices.EqualFunc(rates, want, near) {
			t.Errorf("%s: learning rates %v, expected %v", task, rates, want)
		}
		last := "LAST.pth"
		if task.Pretrains {
			last = epochSnapshot(0)
		}
		opened(t, o.Output, last)
	}
}

func TestALimitCutsTheEpochsItReaches(t *testing.T) {
	for _, c := range []struct {
		limit int
		steps []int
	}{{0, []int{5, 5, 3}}, {1, []int{1}}, {5, []int{5}}, {6, []int{5, 1}}, {13, []int{5, 5, 3}}, {99, []int{5, 5, 3}}} {
		o := Options{MaxSteps: c.limit}
		total := 0
		for _, n := range c.steps {
			total += n
		}
		if steps, all := o.limited([]int{5, 5, 3}); !slices.Equal(steps, c.steps) || all != total {
			t.Errorf("of at most %d steps %v are left, %d in all", c.limit, steps, all)
		}
	}
}

// TestBothKindsFreeze leaves the body as it was, and says so, and that nobody has trained it.
func TestBothKindsFreeze(t *testing.T) {
	b := backendtest.Open(t, "cpu")
	for task, o := range kinds(t) {
		var notes bytes.Buffer
		o.Notes, o.MaxSteps, o.Freeze, o.Rates = &notes, 3, []string{"bert.*"}, []train.Rate{{Pattern: "*.bias", LR: 1e-2}}
		if _, err := Train(t.Context(), b, task, o); err != nil {
			t.Fatal(err)
		}
		name, head := "LAST.pth", "logit_fc.3.weight"
		if task.Pretrains {
			name, head = epochSnapshot(0), "answer_head.logit_fc.3.weight"
		}
		m, err := weights.OpenModel(filepath.Join(o.Output, name), "")
		if err != nil {
			t.Fatal(err)
		}
		recipe, err := weights.ReadRecipe(o.Config)
		if err != nil {
			t.Fatal(err)
		}
		init := &train.Initial{Config: m.Config, Seed: o.Seed, Range: recipe.Range}
		frozen, read := 0, opened(t, o.Output, name)
		for _, p := range m.Config.Params() {
			drawn := make([]float32, lxmert.Size(p.Shape))
			if err := init.Read(p.Name, drawn, false); err != nil {
				t.Fatal(err)
			}
			same := slices.Equal(read(p.Name), drawn)
			if strings.HasPrefix(p.Name, "bert.") {
				frozen++
				if !same {
					t.Errorf("%s: %s is not as it was", task, p.Name)
				}
			} else if p.Name == head && same {
				t.Errorf("%s: %s does not move", task, p.Name)
			}
		}
		all := len(m.Config.Params())
		m.Close()
		for _, want := range []string{fmt.Sprintf("%d of %d parameters are trained", all-frozen, all), fmt.Sprintf("%d of the frozen parameters were drawn at random", frozen)} {
			if !strings.Contains(notes.String(), want) {
				t.Errorf("%s: it says\n%s\nwithout %q", task, &notes, want)
			}
		}
	}
}

func TestLimitsThatCannotBeAreErrors(t *testing.T) {
	b := backendtest.Open(t, "go")
	for want, change := range map[string]func(o *Options){
		"must be at least 0":     func(o *Options) { o.MaxSteps = -1 },
		"--patience -1":          func(o *Options) { o.Patience = -1 },
		"--valid names no split": func(o *Options) { o.Patience, o.Valid = 2, nil },
	} {
		for task, o := range kinds(t) {
			change(&o)
			if _, err := Train(t.Context(), b, task, o); err == nil || !strings.Contains(err.Error(), want) {
				t.Errorf("%s: %v, want %q", task, err, want)
			}
		}
	}
}

// TestBothKindsTrainAdapters on a model that was pre-trained before. What is left beside each snapshot, added to that model, is the
// snapshot.
func TestBothKindsTrainAdapters(t *testing.T) {
	b := backendtest.Open(t, "cpu")
	first := pretrainOptions(t)
	first.MaxSteps = 2
	if _, err := Train(t.Context(), b, dataset.Pretraining, first); err != nil {
		t.Fatal(err)
	}
	base := filepath.Join(first.Output, epochSnapshot(0))
	for task, o := range kinds(t) {
		var notes bytes.Buffer
		o.Notes, o.MaxSteps, o.FromScratch, o.LoadLXMERT = &notes, 3, false, base
		o.LoRA = train.LoRA{Rank: 2, Dropout: 0.1, Targets: []string{"query", "ffn", "bert.pooler.dense"}}
		if _, err := Train(t.Context(), b, task, o); err != nil {
			t.Fatal(err)
		}
		if !strings.Contains(notes.String(), "parameters are trained") || strings.Contains(notes.String(), "were drawn at random and stay so") {
			t.Errorf("%s: it says\n%s", task, &notes)
		}
		name := "LAST"
		if task.Pretrains {
			name = strings.TrimSuffix(epochSnapshot(0), ".pth")
		}
		from, err := weights.OpenModel(base, "")
		if err != nil {
			t.Fatal(err)
		}
		a, err := weights.OpenAdapters(filepath.Join(o.Output, name+".lora.safetensors"))
		if err != nil {
			t.Fatal(err)
		}
		items, err := a.Merge(from, "")
		if err != nil {
			t.Fatal(err)
		}
		merged := t.TempDir()
		if err := weights.Save(filepath.Join(merged, "merged.pth"), a.Config, items, nil); err != nil {
			t.Fatal(err)
		}
		got, want, was := opened(t, merged, "merged.pth"), opened(t, o.Output, name+".pth"), opened(t, first.Output, epochSnapshot(0))
		adapted := 0
		for _, p := range a.Config.Params() {
			if !slices.Equal(got(p.Name), want(p.Name)) {
				t.Errorf("%s: %s is not what the snapshot has", task, p.Name)
			}
			if strings.HasPrefix(p.Name, "bert.") && !slices.Equal(want(p.Name), was(p.Name)) {
				adapted++
			}
		}
		if adapted == 0 || adapted > len(a.Layers) {
			t.Errorf("%s: %d parameters of the body differ, %d layers have adapters", task, adapted, len(a.Layers))
		}
		a.Close()
		from.Close()
	}
}
