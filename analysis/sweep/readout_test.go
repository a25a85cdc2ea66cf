package sweep

import (
	"fmt"
	"math"
	"path/filepath"
	"slices"
	"testing"

	"github.com/seed-516990b0/golxmert/analysis"
	"github.com/seed-516990b0/golxmert/analysis/calibration"
	"github.com/seed-516990b0/golxmert/analysis/readout"
	"github.com/seed-516990b0/golxmert/internal/goldentest"
	"github.com/seed-516990b0/golxmert/lxmert"
	"github.com/seed-516990b0/golxmert/lxmert/backend/backendtest"
	"github.com/seed-516990b0/golxmert/lxmert/dataset"
	"github.com/seed-516990b0/golxmert/lxmert/lxrt"
	"github.com/seed-516990b0/golxmert/lxmert/question"
)

func TestMain(m *testing.M) { backendtest.Main(m) }

// tiny is a model of the goldens with all heads, what makes batches for it, and the pictures that there are.
func tiny(t *testing.T) (m *lxrt.Model, asker *question.Asker, pictures []string) {
	t.Helper()
	golden := goldentest.Folders(t, "model")[0]
	weights := filepath.Join(golden, "tiny", "weights")
	m, err := lxrt.Open(backendtest.Open(t, "go"), weights+".safetensors", filepath.Join(golden, "config.json"), lxrt.Options{})
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { m.Close() })
	asker, err = question.Open(m.Config(), question.Options{Weights: weights, Vocab: filepath.Join(golden, "tokenizer"),
		Regions: []string{filepath.Join(golden, "toy", "data", "mscoco_imgfeat", "val2014_obj36.tsv")}})
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { asker.Close() })
	pictures, err = asker.ImageIDs(t.Context())
	if err != nil {
		t.Fatal(err)
	}
	return m, asker, pictures
}

// TestReadingsOfABatchAreThoseOfItsExamples: what the method finds of an example is among what a readout of it alone finds, and
// does not depend on the examples beside it.
func TestReadingsOfABatchAreThoseOfItsExamples(t *testing.T) {
	m, asker, ids := tiny(t)
	data := &Data{Asker: asker, Set: &dataset.Set{}}
	var questions []lxmert.Question
	for i := range 6 {
		questions = append(questions, lxmert.Question{Text: []string{"what color is the man ?", "is it", "a dog on the table"}[i%3], Images: ids[i%4 : i%4+1]})
		data.Set.Examples = append(data.Set.Examples, dataset.Example{Class: -1})
	}
	made, err := asker.Batch(t.Context(), questions)
	if err != nil {
		t.Fatal(err)
	}
	b := analysis.Separate(made.Batch)
	p, err := newPretrained(&runner{eng: m, data: data, settings: Settings{Seed: 5}})
	if err != nil {
		t.Fatal(err)
	}
	index := []int{0, 1, 2, 3, 4, 5}
	all, err := p.ask(t.Context(), b, index)
	if err != nil {
		t.Fatal(err)
	}
	names, err := asker.Names()
	if err != nil {
		t.Fatal(err)
	}
	for i, x := range all {
		alone, err := p.ask(t.Context(), b.Part(i), []int{i})
		if err != nil {
			t.Fatal(err)
		}
		r, err := readout.Read(t.Context(), m, b.Part(i), readout.Options{Names: names})
		if err != nil {
			t.Fatal(err)
		}
		for name, place := range map[string]readout.Place{
			wordHidden: {Head: "out.mlm", Masked: true, Picture: true}, wordAlone: {Head: "out.mlm", Masked: true},
			objectHidden: {Head: "out.obj", Masked: true, Picture: true}, objectSeen: {Head: "out.obj", Picture: true},
			attributeHidden: {Head: "out.attr", Masked: true, Picture: true}, attributeSeen: {Head: "out.attr", Picture: true},
		} {
			one, ok := x[name]
			if !ok {
				t.Errorf("example %d has no reading %q", i, name)
				continue
			}
			if other := alone[0][name]; math.Abs(other.bits-one.bits) > 1e-4*(1+one.bits) {
				t.Errorf("example %d, %s: %g bits, alone %g", i, name, one.bits, other.bits)
			}
			if !slices.ContainsFunc(r.Of(place.Head, place.Masked, place.Picture), func(s readout.Saying) bool {
				return math.Abs(s.Bits-one.bits) < 1e-4*(1+s.Bits) && math.Abs(s.Best().Probability-one.confidence) < 1e-4 && s.Right() == (one.accuracy == 1)
			}) {
				t.Errorf("example %d, %s: %+v is not in the readout", i, name, one.bits)
			}
		}
		match, _ := r.Match(true)
		if own := x[matchOwn]; math.Abs(math.Exp2(-own.bits)-match) > 1e-4 || own.accuracy != math.Round(match) {
			t.Errorf("example %d: a match of %g bits, the readout says %g", i, own.bits, match)
		}
		if _, ok := alone[0][matchOther]; ok {
			t.Errorf("example %d alone has another picture", i)
		}
		if either := x[matchEither]; either.bits != x[matchOwn].bits && either.bits != x[matchOther].bits {
			t.Errorf("example %d: one of the two matches has %g bits", i, either.bits)
		}
		if x[featureHidden].row.Logits != nil || !math.IsNaN(x[featureHidden].confidence) {
			t.Errorf("example %d: features have a probability", i)
		}
	}
}

// TestTablesOfReadingsAreTheMeasuresOfTheirAnswers, of made-up numbers.
func TestTablesOfReadingsAreTheMeasuresOfTheirAnswers(t *testing.T) {
	settings := someSettings
	settings.Methods, settings.Examples, settings.Sample = []string{"readout"}, 8, 2
	settings.Config = keptConfig()
	c := newCollector(settings)
	var answers []calibration.Answer
	for i := range 4 {
		l := &line{First: 2 * i}
		var sure, right rounded
		for k := range 2 {
			l.Examples = append(l.Examples, Example{ID: fmt.Sprint(2*i + k), Regions: []int{3}})
			a := calibration.Answer{Confidence: float64(2*i+k+1) / 16, Accuracy: float64((i + k) % 2)}
			if i == 0 { // the sample
				a.Confidence, a.Accuracy = math.NaN(), math.NaN()
			} else {
				answers = append(answers, a)
			}
			sure, right = append(sure, a.Confidence), append(right, a.Accuracy)
		}
		kept := func(what string, values rounded) numbers {
			return numbers{Name: objectSeen + ": " + what, Values: values, Kept: true}
		}
		l.Values = []valuesOf{{"readout", []numbers{kept(readRight, right), kept(readSure, sure)}}}
		if err := c.add(l); err != nil {
			t.Fatal(err)
		}
	}
	s := &Summary{}
	c.drawMeasures(s)
	want := calibration.Measure(answers)
	for k, columns := range []map[int]float64{1: {1: want.Accuracy, 2: want.AURC, 3: want.Excess, 4: want.Coverage[0], 7: want.Coverage[3]}, 2: {1: want.Confidence, 2: want.ECE, 3: want.Brier}} {
		for at, x := range columns {
			if table := s.Tables[k].Result; table.Check() != nil || math.Abs(table.Rows[0][at].(float64)-x) > 1e-12 {
				t.Errorf("%s is %v, want %g", table.Columns[at], table.Rows[0][at], x)
			}
		}
	}
	curve := s.Curves[0].Result
	if last := curve.Series[0].Y[len(curve.X)-1]; math.Abs(last-(1-want.Accuracy)) > 1e-12 || curve.Check() != nil {
		t.Errorf("the risk of answering everything is %g", last)
	}
}
