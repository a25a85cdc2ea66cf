package task

import (
	"bytes"
	"math"
	"path/filepath"
	"slices"
	"strings"
	"testing"

	"github.com/seed-516990b0/golxmert/lxmert"
	"github.com/seed-516990b0/golxmert/lxmert/backend"
	"github.com/seed-516990b0/golxmert/lxmert/backend/backendtest"
	"github.com/seed-516990b0/golxmert/lxmert/dataset"
	"github.com/seed-516990b0/golxmert/lxmert/dynamics"
	"github.com/seed-516990b0/golxmert/lxmert/lxrt"
)

// TestDynamicsAreTheModelsProbabilities trains at a rate of zero without dropout, so that the model of the end is that of every
// step, and asks it again about each example.
func TestDynamicsAreTheModelsProbabilities(t *testing.T) {
	b := backendtest.Open(t, "cpu")
	for _, c := range []struct {
		task   *dataset.Task
		change func(o *Options)
	}{
		{dataset.VQA, func(o *Options) { o.Train, o.Schedule = []string{"minival", "nominival"}, []float64{1, 1.5} }},
		{dataset.GQA, func(o *Options) { o.Train, o.MCELoss, o.Accumulate = []string{"valid"}, true, 2 }},
		{dataset.NLVR2, func(o *Options) { o.Train, o.BatchSize = []string{"valid"}, 3 }},
	} {
		o := toyOptions(t)
		var notes bytes.Buffer
		o.Valid, o.FromScratch, o.BatchSize, o.Epochs, o.LR, o.Dropout, o.Notes = nil, true, 16, 2, 0, 0, &notes
		c.change(&o)
		if _, err := Train(t.Context(), b, c.task, o); err != nil {
			t.Fatalf("%s: %v\n%s", c.task, err, &notes)
		}
		f, err := dynamics.Read(filepath.Join(o.Output, dynamics.FileName))
		if err != nil {
			t.Fatal(err)
		}
		if f.Task != c.task.Name || f.Data != o.Root {
			t.Errorf("it is about %s in %s", f.Task, f.Data)
		}
		first := 0
		for i, part := range f.Parts {
			seen := make([]int, f.Epochs)
			probabilities, scores := asked(t, b, c.task, o, part.Splits, f.Kind)
			if len(probabilities) != part.Examples {
				t.Fatalf("%s: part %d has %d examples, not %d", c.task, i, part.Examples, len(probabilities))
			}
			for k, p := range probabilities {
				for e := range f.Epochs {
					got, score := float64(f.Probabilities[e][first+k]), float64(f.Scores[e][first+k])
					if math.IsNaN(got) && math.IsNaN(score) {
						continue
					}
					seen[e]++
					if !(math.Abs(got-p) <= 1e-3*p+1e-6) || math.Abs(score-scores[k]) > 1e-3 { // a half has eleven bits
						t.Fatalf("%s: example %s in epoch %d has %g and the score %g, the model says %g and %g", c.task, f.IDs[first+k], e, got, score, p, scores[k])
					}
				}
			}
			first += part.Examples
			full := part.Examples / o.BatchSize * o.BatchSize
			want := []int{full, full}
			if c.task == dataset.VQA { // one epoch of the first part, one and a half of the second
				half := part.Examples / o.BatchSize / 2 * o.BatchSize
				want = [][]int{{full, 0, 0}, {0, full, half}}[i]
			}
			for e := range f.Epochs {
				if e >= len(want) || seen[e] != want[e] {
					t.Errorf("%s: of part %d were seen %v, want %v", c.task, i, seen, want)
					break
				}
			}
		}
	}
}

// asked are the probabilities of the labels of all examples of some splits, and the scores of what the run's last model answers.
func asked(t *testing.T, b *backend.Backend, task *dataset.Task, o Options, splits []string, kind string) (probabilities, scores []float64) {
	t.Helper()
	s, err := newSession(b, task, &o)
	if err != nil {
		t.Fatal(err)
	}
	defer s.Close()
	set, err := s.load(t.Context(), splits, 0)
	if err != nil {
		t.Fatal(err)
	}
	m, err := lxrt.Open(b, filepath.Join(o.Output, "LAST"), "", lxrt.Options{})
	if err != nil {
		t.Fatal(err)
	}
	defer m.Close()
	all := make([]int, set.Len())
	for k := range all {
		all[k] = k
	}
	for index := range slices.Chunk(all, 64) {
		batch, err := set.Batch(t.Context(), s.tok, s.length(m.Config()), index)
		if err != nil {
			t.Fatal(err)
		}
		trace, err := m.Run(t.Context(), batch, lxmert.Request{Want: []lxmert.Read{{Name: "out.task"}}})
		if err != nil {
			t.Fatal(err)
		}
		for i, k := range index {
			logits := trace.Values["out.task"].Row(i).Data
			label, known, err := s.oracle(&set.Examples[k])
			if err != nil || !known {
				t.Fatalf("%s has no label: %v", set.Examples[k].ID, err)
			}
			probabilities = append(probabilities, lxmert.Probabilities(kind, logits)[label])
			scores = append(scores, s.score(&set.Examples[k], argMax(logits)))
		}
	}
	return probabilities, scores
}

func TestARunKeepsNoDynamicsIfItIsTold(t *testing.T) {
	b := backendtest.Open(t, "cpu")
	o := toyOptions(t)
	o.Train, o.Valid, o.FromScratch, o.BatchSize, o.MaxSteps, o.NoDynamics = []string{"minival"}, nil, true, 16, 1, true
	if _, err := Train(t.Context(), b, dataset.VQA, o); err != nil {
		t.Fatal(err)
	}
	if _, err := dynamics.Read(filepath.Join(o.Output, dynamics.FileName)); err == nil || !strings.Contains(err.Error(), "no such file") {
		t.Errorf("%v", err)
	}
}
