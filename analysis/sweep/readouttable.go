package sweep

import (
	"fmt"
	"math"

	"github.com/seed-516990b0/golxmert/analysis"
	"github.com/seed-516990b0/golxmert/analysis/calibration"
)

// This file makes tables and curves of what was read of the heads of pre-training.

// drawReadouts makes tables of what the heads know, of what can be answered at which risk and of how sure they are, and the curve of risk over coverage.
func drawReadouts(c *collector, found *means, s *Summary) error {
	meta := c.measured(found)
	meta.Level = level
	meta.Params["match"] = "class 1 of out.match"
	delete(meta.Params, "explained") // it has no target
	right := analysis.Table{Meta: meta, Columns: []string{"reading", readRight, "low", "high", readBits, "low", "high", "examples"}}
	right.Method = "what the heads of pre-training say"
	right.Notes = append(right.Notes, "Of each example one word and one region are drawn. What is there is the sentence's own word piece, and the detector's class; of features, right is that the region itself is nearest.")
	sure := analysis.Table{Meta: meta, Columns: []string{"reading", readSure, "ECE", "Brier", readTemperature, "ECE after", "reliability", "low", "high", "answered", "always"}}
	sure.Method = "how far the heads' confidence can be trusted"
	sure.Notes = append(sure.Notes, fmt.Sprintf("Temperatures, and the confidences from which on to answer, were fitted on the first %d questions, which are not among these. ECE and Brier score: lower is better; effective reliability, of answering from that confidence on, and of answering always: higher.", c.settings.Sample))
	selective := analysis.Table{Meta: meta, Columns: []string{"reading", "accuracy", "AURC", "above the best", "at 1 % risk", "5 %", "10 %", "20 %", "examples"}}
	selective.Method = "what of the heads' answers can be given at which risk"
	selective.Notes = append(selective.Notes, "AURC, the area under risk over coverage: lower is better; coverage at a risk: higher.")
	risk := analysis.Curve{Meta: meta, XName: "coverage: share answered, the surest first", YName: "risk: 1 - accuracy of these"}
	risk.Method = "risk over coverage"
	for k := 1; k <= riskPoints; k++ {
		risk.X = append(risk.X, float64(k)/riskPoints)
	}
	for _, name := range []string{wordHidden, wordAlone, objectHidden, objectSeen, attributeHidden, attributeSeen, featureHidden, matchOwn, matchOther, matchEither, answerRead} {
		of := func(what string) string { return name + ": " + what }
		accuracy, low, high, n := found.interval(of(readRight))
		if n == 0 {
			continue
		}
		bits, bitsLow, bitsHigh, _ := found.interval(of(readBits))
		right.Rows = append(right.Rows, []any{name, accuracy, low, high, bits, bitsLow, bitsHigh, n})
		answers, after := answersOf(found, of(readSure), of(readRight)), answersOf(found, of(readCooled), of(readRight))
		if len(answers) == 0 || name == matchOwn || name == matchOther {
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
	s.Tables = append(s.Tables, Named[analysis.Table]{"readout", right}, Named[analysis.Table]{"readout-selective", selective}, Named[analysis.Table]{"readout-calibration", sure})
	drawAnswers(found, meta, s)
	if risk.Series != nil {
		s.Curves = append(s.Curves, Named[analysis.Curve]{"readout-risk", risk})
	}
	return nil
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
