package calibration_test

import (
	"encoding/json"
	"math"
	"math/rand/v2"
	"path/filepath"
	"slices"
	"testing"

	"github.com/seed-516990b0/golxmert/analysis/calibration"
	"github.com/seed-516990b0/golxmert/internal/goldentest"
)

var (
	exact = goldentest.Tolerance{Relative: 1e-12, Absolute: 1e-12}
	found = goldentest.Tolerance{Relative: 1e-7, Absolute: 1e-12}
)

// table is the goldens' table of answers.
type table struct {
	validation, test []calibration.Answer
	rows, hard, soft map[bool][]calibration.Scored // by whether they are of the validation part
}

func softmax(logits []float64, temperature float64) (p []float64, best int) {
	sum, most := 0.0, slices.Max(logits)
	for _, x := range logits {
		p = append(p, math.Exp((x-most)/temperature))
		sum += p[len(p)-1]
	}
	for k := range p {
		p[k] /= sum
		if p[k] > p[best] {
			best = k
		}
	}
	return p, best
}

func each(t *testing.T, test func(t *testing.T, golden *goldentest.File, x table)) {
	for _, folder := range goldentest.Folders(t, "analysis") {
		t.Run(filepath.Base(folder), func(t *testing.T) {
			path := filepath.Join(folder, "calib.safetensors")
			golden := goldentest.Open(t, path)
			classes := golden.Shape("calib.logits")[1]
			logits, scores, part := golden.Floats("calib.logits"), golden.Floats("calib.scores"), golden.Ints("calib.validation")
			x := table{rows: map[bool][]calibration.Scored{}, hard: map[bool][]calibration.Scored{}, soft: map[bool][]calibration.Scored{}}
			var confidence, accuracy, predicted, labels []float64
			for i, validation := range part {
				row, s := logits[i*classes:(i+1)*classes], scores[i*classes:(i+1)*classes]
				p, best := softmax(row, 1)
				a := calibration.Answer{Confidence: p[best], Accuracy: s[best]}
				confidence, accuracy, predicted = append(confidence, a.Confidence), append(accuracy, a.Accuracy), append(predicted, float64(best))
				label := slices.Index(s, slices.Max(s))
				hard, soft := calibration.Scored{Logits: row}, calibration.Scored{Logits: row}
				if s[label] == 0 {
					label = -1
				} else {
					hard.Truth = []calibration.Class{{Index: label, Score: 1}}
				}
				labels = append(labels, float64(label))
				for k, score := range s {
					if score > 0 {
						soft.Truth = append(soft.Truth, calibration.Class{Index: k, Score: score})
					}
				}
				v := validation != 0
				if v {
					x.validation = append(x.validation, a)
				} else {
					x.test = append(x.test, a)
				}
				x.hard[v], x.soft[v] = append(x.hard[v], hard), append(x.soft[v], soft)
			}
			golden.CompareWide("calib.confidence", confidence, exact)
			golden.CompareWide("calib.accuracy", accuracy, exact)
			golden.CompareWide("calib.prediction", predicted, goldentest.Tolerance{})
			golden.CompareWide("calib.label", labels, goldentest.Tolerance{})
			test(t, golden, x)
		})
	}
}

// TestMeasuresEqualReference: every number of the goldens.
func TestMeasuresEqualReference(t *testing.T) {
	each(t, func(t *testing.T, golden *goldentest.File, x table) {
		risk, end := calibration.Risks(x.test)
		golden.CompareWide("calib.risk", risk, exact)
		var ends []float64
		for _, e := range end {
			if ends = append(ends, 0); e {
				ends[len(ends)-1] = 1
			}
		}
		golden.CompareWide("calib.end", ends, goldentest.Tolerance{})
		m := calibration.Measure(x.test)
		golden.CompareWide("calib.aurc", []float64{m.AURC, m.Excess}, exact)
		golden.CompareWide("calib.coverage_at_risk", m.Coverage[:], exact)
		r := calibration.EffectiveReliability(x.validation, x.test, 1)
		golden.CompareWide("calib.reliability", []float64{r.Threshold, r.Validation, r.Test, r.Coverage, r.Always}, exact)
		var bins []float64
		for _, b := range m.Bins {
			bins = append(bins, float64(b.Count), b.Confidence, b.Accuracy)
		}
		golden.CompareWide("calib.bins", bins, exact)
		golden.CompareWide("calib.ece", []float64{m.ECE, m.Largest}, exact)
		all := 0.0
		for _, row := range x.hard[false] {
			p, _ := softmax(row.Logits, 1)
			for k, v := range p {
				if len(row.Truth) > 0 && row.Truth[0].Index == k {
					v--
				}
				all += v * v
			}
		}
		golden.CompareWide("calib.brier", []float64{m.Brier, all / float64(len(x.test))}, exact)
		hard, ok1 := calibration.Temperature(x.hard[true])
		soft, ok2 := calibration.Temperature(x.soft[true])
		golden.CompareWide("calib.temperature", []float64{hard, soft}, found)
		if !ok1 || !ok2 {
			t.Error("there is no temperature")
		}
		golden.CompareWide("calib.nll", []float64{
			calibration.NLL(x.hard[true], 1), calibration.NLL(x.hard[true], hard), calibration.NLL(x.hard[false], 1), calibration.NLL(x.hard[false], hard),
		}, found)
		after := slices.Clone(x.test)
		for i, row := range x.hard[false] {
			p, best := softmax(row.Logits, hard)
			after[i].Confidence = p[best]
		}
		m = calibration.Measure(after)
		golden.CompareWide("calib.ece_after", []float64{m.ECE, m.Largest}, found)
	})
}

// TestTemperaturesOfStreamsAreThoseOfTables, joined of parts that were kept, up to what interpolation costs: a cubic through values and slopes
// a sixth of an octave apart is off by a few parts in a million.
func TestTemperaturesOfStreamsAreThoseOfTables(t *testing.T) {
	each(t, func(t *testing.T, golden *goldentest.File, x table) {
		golden.Use("")
		for name, rows := range map[string][]calibration.Scored{"hard": x.hard[true], "soft": x.soft[true], "other": x.soft[false]} {
			var parts [3]calibration.Fitting
			for i, r := range rows {
				parts[i%3].Add(r)
			}
			var all calibration.Fitting
			for _, p := range parts {
				text, err := json.Marshal(p)
				if err != nil {
					t.Fatal(err)
				}
				var back calibration.Fitting
				if err := json.Unmarshal(text, &back); err != nil {
					t.Fatal(err)
				}
				if err := all.Merge(&back); err != nil {
					t.Fatal(err)
				}
			}
			want, _ := calibration.Temperature(rows)
			if got, ok := all.Temperature(); !ok || math.Abs(got/want-1) > 1e-4 {
				t.Errorf("%s: temperature %.9g, that of the table is %.9g", name, got, want)
			}
		}
		var f calibration.Fitting
		if _, ok := f.Temperature(); ok {
			t.Error("nothing has a temperature")
		}
		if err := f.Merge(&calibration.Fitting{Rows: 1, Slope: []float64{1}}); err == nil {
			t.Error("sums over another grid were joined")
		}
	})
}

// TestMeasuresByHand: four answers, of which the surest two are right, one is half right.
func TestMeasuresByHand(t *testing.T) {
	four := []calibration.Answer{{0.6, 0.5}, {0.9, 1}, {0.7, 1}, {0.5, 0}}
	risk, _ := calibration.Risks(four)
	if want := []float64{0, 0, 0.5 / 3, 1.5 / 4}; !near(risk, want) {
		t.Errorf("risks %v, want %v", risk, want)
	}
	m := calibration.Measure(four)
	if want := (0.5/3 + 1.5/4) / 4; math.Abs(m.AURC-want) > 1e-15 || math.Abs(m.Excess) > 1e-15 {
		t.Errorf("AURC %g and %g above the best, want %g and 0", m.AURC, m.Excess, want)
	}
	if want := [4]float64{0.5, 0.5, 0.5, 0.75}; m.Coverage != want {
		t.Errorf("coverages %v, want %v", m.Coverage, want)
	}
	// Each in a bin of its own: gaps .1, .1, .3, .5.
	if math.Abs(m.ECE-0.25) > 1e-15 || math.Abs(m.Largest-0.5) > 1e-15 {
		t.Errorf("calibration errors %g and %g, want .25 and .5", m.ECE, m.Largest)
	}
	if want := (0.01 + 0.01 + 0.09 + 0.25) / 4; math.Abs(m.Brier-want) > 1e-15 {
		t.Errorf("Brier score %g, want %g", m.Brier, want)
	}
	// Answering from 0.6 on is worth 2.5/4; all of it 1.5/4.
	if r := calibration.EffectiveReliability(four, four, 1); r.Threshold != 0.6 || r.Validation != 0.625 || r.Coverage != 0.75 || r.Always != 0.375 {
		t.Errorf("effective reliability %+v", r)
	}
	// Of two with one confidence, half of a right and a wrong one: no threshold stops between them.
	if risk, end := calibration.Risks([]calibration.Answer{{0.5, 1}, {0.5, 0}}); !near(risk, []float64{0.5, 0.5}) || end[0] || !end[1] {
		t.Errorf("risks of equals %v, ends %v", risk, end)
	}
	if r := calibration.EffectiveReliability([]calibration.Answer{{0.5, 0}}, four, 1); !math.IsInf(r.Threshold, 1) || r.Test != 0 || r.Coverage != 0 {
		t.Errorf("who is always wrong abstains: %+v", r)
	}
	// Two logits, right three times of four: 1/T = ln 3 over their difference.
	row := func(truth int) calibration.Scored {
		return calibration.Scored{Logits: []float64{2, 0}, Truth: []calibration.Class{{Index: truth, Score: 1}}}
	}
	if got, ok := calibration.Temperature([]calibration.Scored{row(0), row(0), row(1), row(0)}); !ok || math.Abs(got-2/math.Log(3)) > 1e-12 {
		t.Errorf("temperature %g, want %g", got, 2/math.Log(3))
	}
	if got, ok := calibration.Temperature([]calibration.Scored{row(0), row(0)}); ok || got != 0 {
		t.Errorf("of truths that are always the best: temperature %g, %v", got, ok)
	}
	if got, ok := calibration.Temperature([]calibration.Scored{row(1), row(1), row(0)}); ok || !math.IsInf(got, 1) {
		t.Errorf("of truths that are seldom the best: temperature %g, %v", got, ok)
	}
	if m := calibration.Measure(nil); !math.IsNaN(m.AURC) || !math.IsNaN(m.ECE) || m.Coverage[3] != 0 {
		t.Errorf("of nothing: %+v", m)
	}
}

func near(a, b []float64) bool {
	return slices.EqualFunc(a, b, func(x, y float64) bool { return math.Abs(x-y) < 1e-12 })
}

// TestBinaryTemperaturesByHand: a class of logit 2 that is right three times of four, and one of logit -2 that is right once of four,
// are calibrated where sigmoid(2/T) is 3/4; a row of which no class is right counts, one of which nothing is known does not.
func TestBinaryTemperaturesByHand(t *testing.T) {
	row := func(truth ...calibration.Class) calibration.Scored {
		return calibration.Scored{Logits: []float64{2, -2}, Truth: truth, Binary: true}
	}
	first, second := calibration.Class{Index: 0, Score: 1}, calibration.Class{Index: 1, Score: 1}
	rows := []calibration.Scored{row(first), row(first), row(), row(first, second)}
	rows[2].Truth = []calibration.Class{} // none is right
	rows = append(rows, calibration.Scored{Logits: []float64{50, 50}, Binary: true})
	want := 2 / math.Log(3)
	got, ok := calibration.Temperature(rows)
	if !ok || math.Abs(got-want) > 1e-12 {
		t.Errorf("temperature %g, want %g", got, want)
	}
	var f calibration.Fitting
	for _, r := range rows {
		f.Add(r)
	}
	if streamed, ok := f.Temperature(); !ok || math.Abs(streamed/want-1) > 1e-4 || f.Rows != 4 {
		t.Errorf("of %d rows one by one: temperature %g, want %g", f.Rows, streamed, want)
	}
	// At the temperature each of eight decisions costs the entropy of 3/4, two to a row.
	if loss, entropy := calibration.NLL(rows, want), -0.75*math.Log(0.75)-0.25*math.Log(0.25); math.Abs(loss-2*entropy) > 1e-12 {
		t.Errorf("the loss is %g, want %g", loss, 2*entropy)
	}
	// Scores between 0 and 1 are shares of being right.
	soft := []calibration.Scored{row(calibration.Class{Index: 0, Score: 0.75}, calibration.Class{Index: 1, Score: 0.25})}
	if got, ok := calibration.Temperature(soft); !ok || math.Abs(got-want) > 1e-12 {
		t.Errorf("of soft scores: temperature %g, want %g", got, want)
	}
	if got, ok := calibration.Temperature([]calibration.Scored{row(first)}); ok || got != 0 {
		t.Errorf("of decisions that are always right: temperature %g, %v", got, ok)
	}
}

// TestOrderOfAnswersDoesNotMatter, and scaling all logits by a number divides the temperature by it.
func TestOrderOfAnswersDoesNotMatter(t *testing.T) {
	each(t, func(t *testing.T, golden *goldentest.File, x table) {
		golden.Use("")
		shuffled := slices.Clone(x.test)
		r := rand.New(rand.NewPCG(1, 2))
		r.Shuffle(len(shuffled), func(i, j int) { shuffled[i], shuffled[j] = shuffled[j], shuffled[i] })
		a, b := calibration.Measure(x.test), calibration.Measure(shuffled)
		if !near([]float64{a.AURC, a.ECE, a.Brier, a.Coverage[2]}, []float64{b.AURC, b.ECE, b.Brier, b.Coverage[2]}) {
			t.Errorf("%+v, in another order %+v", a, b)
		}
		hot := slices.Clone(x.hard[true])
		for i := range hot {
			hot[i].Logits = slices.Clone(hot[i].Logits)
			for k := range hot[i].Logits {
				hot[i].Logits[k] *= 3
			}
		}
		one, _ := calibration.Temperature(x.hard[true])
		if three, _ := calibration.Temperature(hot); math.Abs(three/one-3) > 1e-9 {
			t.Errorf("three times the logits have temperature %g, once %g", three, one)
		}
	})
}
