package sweep

import (
	"fmt"
	"math"

	"github.com/seed-516990b0/golxmert/analysis"
	"github.com/seed-516990b0/golxmert/analysis/calibration"
	"github.com/seed-516990b0/golxmert/lxmert"
)

// This file says how far what is read of heads can be trusted: temperatures and thresholds are fitted to the sample, and the other
// examples measured by them.

// What is found of a reading.
const (
	readRight       = "share right"
	readBits        = "bits"
	readSure        = "confidence"
	readCooled      = "confidence after temperature"
	readWorth       = "effective reliability"
	readAnswers     = "share answered"
	readAlways      = "effective reliability without abstaining"
	readTemperature = "temperature"
)

// oneReading is one reading of an example.
type oneReading struct {
	confidence, accuracy, bits float64
	row                        calibration.Scored
	prediction                 int
}

// readings are all readings of an example, by what was read.
type readings map[string]oneReading

// judge says by how much each class counts how right the reading is.
func (x *oneReading) judge(labels []float64) {
	x.accuracy, x.row.Truth = labels[x.prediction], []calibration.Class{}
	for class, score := range labels {
		if score > 0 {
			x.row.Truth = append(x.row.Truth, calibration.Class{Index: class, Score: score})
		}
	}
}

// at is the confidence of the reading with its logits divided by a temperature; NaN if there is none.
func (x oneReading) at(temperature float64) float64 {
	if math.IsNaN(temperature) {
		return math.NaN()
	}
	scaled := make([]float32, len(x.row.Logits))
	for k, l := range x.row.Logits {
		scaled[k] = float32(l / temperature)
	}
	kind := lxmert.Softmax
	if x.row.Binary {
		kind = lxmert.Sigmoid
	}
	return lxmert.Probabilities(kind, scaled)[x.prediction]
}

// trust is what was fitted to the sample, by what was read. The zero value is ready for [trust.add].
type trust struct {
	fits                   map[string]*calibration.Fitting
	validation             map[string][]calibration.Answer
	temperature, threshold map[string]float64
}

// cost is what a wrong answer costs in effective reliability.
const cost = 1

// add takes readings of the sample.
func (t *trust) add(all []readings) {
	if t.fits == nil {
		t.fits, t.validation = map[string]*calibration.Fitting{}, map[string][]calibration.Answer{}
	}
	for _, x := range all {
		for name, one := range x {
			if t.fits[name] == nil {
				t.fits[name] = &calibration.Fitting{}
			}
			t.fits[name].Add(one.row)
			t.validation[name] = append(t.validation[name], calibration.Answer{Confidence: one.confidence, Accuracy: one.accuracy})
		}
	}
}

// fit finds temperatures, and the confidences from which on it is best to answer.
func (t *trust) fit() {
	t.temperature, t.threshold = map[string]float64{}, map[string]float64{}
	for name, f := range t.fits {
		t.temperature[name] = math.NaN()
		if temperature, ok := f.Temperature(); ok {
			t.temperature[name] = temperature
		}
		t.threshold[name] = calibration.EffectiveReliability(t.validation[name], nil, cost).Threshold
	}
}

// numbers are those of one reading of some examples.
func (t *trust) numbers(name string, all []readings) []numbers {
	temperature, threshold := math.NaN(), math.Inf(1) // of what the sample does not have
	if _, ok := t.fits[name]; ok {
		temperature, threshold = t.temperature[name], t.threshold[name]
	}
	n := len(all)
	right, bits, sure, cooled := nans(n), nans(n), nans(n), nans(n)
	worth, answered, always, warmth := nans(n), nans(n), nans(n), nans(n)
	for i, x := range all {
		one, ok := x[name]
		if !ok {
			continue
		}
		right[i], bits[i] = one.accuracy, one.bits
		if one.row.Logits == nil {
			continue // features have no probability
		}
		sure[i], cooled[i], warmth[i] = one.confidence, one.at(temperature), temperature
		always[i], answered[i], worth[i] = calibration.Answer{Accuracy: one.accuracy}.Worth(cost), 0, 0
		if one.confidence >= threshold {
			answered[i], worth[i] = 1, always[i]
		}
	}
	kept := func(what string, values rounded) numbers {
		return numbers{Name: name + ": " + what, Unit: "share", Values: values, Kept: true}
	}
	return []numbers{
		kept(readRight, right), each(name+": "+readBits, "bits", bits), kept(readSure, sure), kept(readCooled, cooled), each(name+": "+readTemperature, "", warmth),
		each(name+": "+readWorth, "share", worth), each(name+": "+readAnswers, "share", answered), each(name+": "+readAlways, "share", always),
	}
}

// drawTrust adds to a summary what can be said of readings at which risk, how far their confidence is to be trusted, and the curve of
// risk over coverage. whose are the readings in titles, and files begin with prefix.
func drawTrust(c *collector, found *means, s *Summary, meta analysis.Meta, names []string, whose, prefix string) {
	sure := analysis.Table{Meta: meta, Columns: []string{"reading", readSure, "ECE", "Brier", readTemperature, "ECE after", "reliability", "low", "high", "answered", "always"}}
	sure.Method = "how far " + whose + " confidence can be trusted"
	sure.Notes = append(sure.Notes, fmt.Sprintf("Temperatures, and the confidences from which on to answer, were fitted on the first %d questions, which are not among these. ECE and Brier score: lower is better; effective reliability, of answering from that confidence on, and of answering always: higher.", c.settings.Sample))
	selective := analysis.Table{Meta: meta, Columns: []string{"reading", "accuracy", "AURC", "above the best", "at 1 % risk", "5 %", "10 %", "20 %", "examples"}}
	selective.Method = "what of " + whose + " answers can be given at which risk"
	selective.Notes = append(selective.Notes, "AURC, the area under risk over coverage: lower is better; coverage at a risk: higher.")
	risk := analysis.Curve{Meta: meta, XName: "coverage: share answered, the surest first", YName: "risk: 1 - accuracy of these"}
	risk.Method = "risk over coverage"
	for k := 1; k <= riskPoints; k++ {
		risk.X = append(risk.X, float64(k)/riskPoints)
	}
	for _, name := range names {
		of := func(what string) string { return name + ": " + what }
		answers, after := answersOf(found, of(readSure), of(readRight)), answersOf(found, of(readCooled), of(readRight))
		if len(answers) == 0 {
			continue
		}
		m, cooled := calibration.Measure(answers), calibration.Measure(after)
		worth, worthLow, worthHigh, _ := found.interval(of(readWorth))
		answered, _ := found.mean(of(readAnswers))
		always, _ := found.mean(of(readAlways))
		temperature, _ := found.mean(of(readTemperature))
		selective.Rows = append(selective.Rows, []any{name, m.Accuracy, m.AURC, m.Excess, m.Coverage[0], m.Coverage[1], m.Coverage[2], m.Coverage[3], len(answers)})
		sure.Rows = append(sure.Rows, []any{name, m.Confidence, m.ECE, m.Brier, temperature, cooled.ECE, worth, worthLow, worthHigh, answered, always})
		series := analysis.CurveSeries{Name: name, Area: m.AURC}
		for _, x := range risk.X {
			series.Y = append(series.Y, m.Risks[max(0, int(math.Ceil(x*float64(m.N)-1e-9))-1)])
		}
		risk.Series = append(risk.Series, series)
	}
	s.Tables = append(s.Tables, Named[analysis.Table]{prefix + "selective", selective}, Named[analysis.Table]{prefix + "calibration", sure})
	if risk.Series != nil {
		s.Curves = append(s.Curves, Named[analysis.Curve]{prefix + "risk", risk})
	}
}

// riskPoints is how many coverages the curve has.
const riskPoints = 40

// answersOf are the examples that have both numbers.
func answersOf(found *means, confidence, accuracy string) (answers []calibration.Answer) {
	right := found.kept[accuracy]
	for i, p := range found.kept[confidence] {
		if i < len(right) && !math.IsNaN(p) && !math.IsNaN(right[i]) {
			answers = append(answers, calibration.Answer{Confidence: p, Accuracy: right[i]})
		}
	}
	return answers
}
