package task

import (
	"bytes"
	"context"
	"encoding/json"
	"math"
	"os"
	"strings"
	"testing"

	"github.com/seed-516990b0/golxmert/lxmert"
	"github.com/seed-516990b0/golxmert/lxmert/backend/backendtest"
	"github.com/seed-516990b0/golxmert/lxmert/dataset"
	"github.com/seed-516990b0/golxmert/lxmert/lxrt"
	"github.com/seed-516990b0/golxmert/lxmert/region"
)

// notNumbers is a model whose first output of each batch is NaN.
type notNumbers struct{ lxmert.Engine }

func (e notNumbers) Run(ctx context.Context, b *lxmert.Batch, r lxmert.Request) (*lxmert.Trace, error) {
	t, err := e.Engine.Run(ctx, b, r)
	if err == nil {
		t.Values["out.task"].Data[0] = float32(math.NaN())
	}
	return t, err
}

func TestOutputsThatAreNoNumbersAreCounted(t *testing.T) {
	b := backendtest.Open(t, "go")
	o := toyOptions(t)
	var notes bytes.Buffer
	o.Notes, o.Load = &notes, randomModel(t, 24, 1)
	s, err := newSession(b, dataset.VQA, &o)
	if err != nil {
		t.Fatal(err)
	}
	defer s.Close()
	set, err := s.load(t.Context(), []string{"minival"}, 0)
	if err != nil {
		t.Fatal(err)
	}
	m, err := lxrt.Open(b, o.Load, "", lxrt.Options{})
	if err != nil {
		t.Fatal(err)
	}
	defer m.Close()
	notes.Reset()
	if _, err := s.predict(t.Context(), m, set); err != nil || strings.Contains(notes.String(), "not finite") {
		t.Errorf("of numbers it says %q, %v", &notes, err)
	}
	if _, err := s.predict(t.Context(), notNumbers{m}, set); err != nil || !strings.Contains(notes.String(), "is not finite, the first is ") {
		t.Errorf("it says %q, %v", &notes, err)
	}
}

func TestAnswersOutsideTheTableStopVQABeforeItsFirstStep(t *testing.T) {
	b := backendtest.Open(t, "go")
	for task, stops := range map[*dataset.Task]bool{dataset.VQA: true, dataset.GQA: false} {
		o := toyOptions(t)
		var notes bytes.Buffer
		o.Notes = &notes
		s, err := newSession(b, task, &o)
		if err != nil {
			t.Fatal(err)
		}
		defer s.Close()
		split := map[*dataset.Task]string{dataset.VQA: "minival", dataset.GQA: "valid"}[task]
		set, err := s.load(t.Context(), []string{split}, 0)
		if err != nil {
			t.Fatal(err)
		}
		if err := s.checkAnswers([]*dataset.Set{set}); err != nil || strings.Contains(notes.String(), "outside") {
			t.Errorf("%s: answers of the table: %q, %v", task, &notes, err)
		}
		set.Examples[0].Labels = append(set.Examples[0].Labels, dataset.Label{Answer: "zebra", Score: 1})
		err = s.checkAnswers([]*dataset.Set{set})
		said := notes.String()
		if err != nil {
			said = err.Error()
		}
		if (err != nil) != stops || !strings.Contains(said, "1 of ") || !strings.Contains(said, `"zebra"`) {
			t.Errorf("%s: an answer outside the table: %q, %v", task, &notes, err)
		}
	}
}

// TestFeaturesUnlikeThoseOfTrainingAreSaid trains one step, and predicts with the same features and with others.
func TestFeaturesUnlikeThoseOfTrainingAreSaid(t *testing.T) {
	b := backendtest.Open(t, "go")
	o := toyOptions(t)
	o.Train, o.Valid, o.BatchSize, o.Epochs, o.Schedule = []string{"train"}, nil, 32, 1, []float64{0.02}
	if _, err := Train(t.Context(), b, dataset.VQA, o); err != nil {
		t.Fatal(err)
	}
	trained := region.TrainedOn(o.Output + "/LAST")
	if splits := trainedOn(o.Output + "/LAST"); len(trained) == 0 || len(splits) != 1 {
		t.Fatalf("run.json says %+v and %q", trained, splits)
	}
	o.Load = o.Output + "/LAST"
	loading := func() string {
		var notes bytes.Buffer
		o.Notes = &notes
		s, err := newSession(b, dataset.VQA, &o)
		if err != nil {
			t.Fatal(err)
		}
		defer s.Close()
		if _, err := s.load(t.Context(), []string{"train"}, 0); err != nil {
			t.Fatal(err)
		}
		return notes.String()
	}
	if said := loading(); strings.Contains(said, "unlike") {
		t.Errorf("of the features of its training it says %s", said)
	}
	path := o.Output + "/run.json"
	text, err := os.ReadFile(path)
	if err != nil {
		t.Fatal(err)
	}
	var record map[string]any
	if err := json.Unmarshal(text, &record); err != nil {
		t.Fatal(err)
	}
	for file, own := range trained {
		own.Std *= 3
		trained[file] = own
	}
	record["features"] = trained
	if text, err = json.Marshal(record); err == nil {
		err = os.WriteFile(path, text, 0o666)
	}
	if err != nil {
		t.Fatal(err)
	}
	if said := loading(); !strings.Contains(said, "train2014_obj36.tsv are unlike") || !strings.Contains(said, "standard deviation") {
		t.Errorf("of features a third as wide it says %q", said)
	}
}
