package lx

import (
	"cmp"
	"encoding/json"
	"fmt"
	"math"
	"slices"
	"strings"

	"github.com/seed-516990b0/golxmert/analysis"
)

// This file makes curves of what a run has measured.

// measured are the lines of a run's metrics.jsonl.
type measured struct {
	steps, losses []float64
	parts         []part // of the loss, where it has several
	epochs        []float64
	train, valid  []float64 // of each epoch: right answers in percent, or losses
	judgedByLoss  bool      // train and valid are losses
}

// part is one of the losses of pre-training.
type part struct {
	name         string
	losses       []float64 // at each step
	train, valid []float64 // at the end of each epoch
}

// partPrefix is before the name of a loss's part in the line of a step; its gradient's norm has normSuffix after it.
const partPrefix, normSuffix = "loss.", ".norm"

// partsInOrder are the parts as the original lists them. Others come after these.
var partsInOrder = []string{"Mask_LM", "Matched", "Obj", "Attr", "Feat", "QA"}

// add takes a line of metrics.jsonl.
func (m *measured) add(raw json.RawMessage) {
	var line map[string]any
	if json.Unmarshal(raw, &line) != nil {
		return
	}
	number := func(name string) (float64, bool) {
		x, ok := line[name].(float64)
		return x, ok
	}
	value := func(name string) float64 {
		if x, ok := number(name); ok {
			return x
		}
		return math.NaN() // it is not there, or was not finite
	}
	step, isStep := number("step")
	loss, hasLoss := number("loss")
	_, isEpoch := number("epoch")
	_, trained := line["train"]
	_, judged := line["valid"]
	switch {
	case isStep && hasLoss:
		if m.parts == nil {
			m.parts = partsOf(line)
		}
		m.steps, m.losses = append(m.steps, step), append(m.losses, loss)
		for i := range m.parts {
			p := &m.parts[i]
			p.losses = append(p.losses, value(partPrefix+p.name))
		}
	case isEpoch && !isStep && (trained || judged):
		at := math.NaN()
		if n := len(m.steps); n > 0 {
			at = m.steps[n-1]
		}
		for _, p := range m.parts {
			if _, ok := line["train."+p.name]; ok {
				m.judgedByLoss = true
			}
		}
		scale := 100.0
		if m.judgedByLoss {
			scale = 1
		}
		m.epochs, m.train, m.valid = append(m.epochs, at), append(m.train, scale*value("train")), append(m.valid, scale*value("valid"))
		for i := range m.parts {
			p := &m.parts[i]
			p.train, p.valid = append(p.train, value("train."+p.name)), append(p.valid, value("valid."+p.name))
		}
	}
}

// partsOf are the parts of the loss that the line of a step has.
func partsOf(line map[string]any) []part {
	var parts []part
	for name := range line {
		if name, ok := strings.CutPrefix(name, partPrefix); ok && !strings.HasSuffix(name, normSuffix) {
			parts = append(parts, part{name: name})
		}
	}
	place := func(p part) int {
		if i := slices.Index(partsInOrder, p.name); i >= 0 {
			return i
		}
		return len(partsInOrder)
	}
	slices.SortFunc(parts, func(a, b part) int { return cmp.Or(place(a)-place(b), strings.Compare(a.name, b.name)) })
	return parts
}

// drawn are the loss, smoothed, and its parts; of the epochs the scores or losses.
func (m *measured) drawn() (curves []analysis.Curve) {
	if len(m.losses) < 2 {
		return nil
	}
	x, y := smoothed(m.steps, m.losses)
	curves = append(curves, analysis.Curve{Meta: analysis.Meta{Method: "loss"}, XName: "step", YName: "loss", X: x, Series: []analysis.CurveSeries{{Name: "training", Y: y}}})
	if len(m.parts) > 0 {
		c := relative("each loss", x)
		for _, p := range m.parts {
			_, y := smoothed(m.steps, p.losses)
			c.Series = append(c.Series, analysis.CurveSeries{Name: named(p.name, y), Y: over(y, first(y))})
		}
		curves = append(curves, c)
	}
	switch {
	case len(m.epochs) < 2:
	case !m.judgedByLoss:
		curves = append(curves, byEpoch("accuracy", "accuracy, %", m.epochs, m.train, m.valid))
	default:
		curves = append(curves, byEpoch("loss of each epoch", "loss", m.epochs, m.train, m.valid))
		c := relative("each loss of each epoch", m.epochs)
		for _, p := range m.parts {
			shown, begin := p.valid, first(p.train)
			if math.IsNaN(first(shown)) { // without validation
				shown = p.train
			}
			name := named(p.name, shown)
			c.Series = append(c.Series, analysis.CurveSeries{Name: name + ", training", Y: over(p.train, begin), Style: "dashed"},
				analysis.CurveSeries{Name: name + ", validation", Y: over(p.valid, begin)})
		}
		curves = append(curves, c)
	}
	return curves
}

func byEpoch(title, unit string, x, train, valid []float64) analysis.Curve {
	return analysis.Curve{Meta: analysis.Meta{Method: title}, XName: "step", YName: unit, X: x, Series: []analysis.CurveSeries{
		{Name: "training", Y: train, Style: "dashed"}, {Name: "validation", Y: valid},
	}}
}

// relative is an empty curve of losses whose sizes differ, each as a share of what it began with.
func relative(title string, x []float64) analysis.Curve {
	return analysis.Curve{Meta: analysis.Meta{Method: title}, XName: "step", YName: "loss / first loss", X: x}
}

// named is the name of a loss with its last value.
func named(name string, losses []float64) string {
	for i := len(losses) - 1; i >= 0; i-- {
		if !math.IsNaN(losses[i]) {
			return fmt.Sprintf("%s %.4g", name, losses[i])
		}
	}
	return name
}

// first is the first value that is a number above 0; NaN if there is none.
func first(values []float64) float64 {
	for _, x := range values {
		if x > 0 {
			return x
		}
	}
	return math.NaN()
}

// over are values as shares of another.
func over(values []float64, whole float64) []float64 {
	out := make([]float64, len(values))
	for i, x := range values {
		out[i] = x / whole
	}
	return out
}

// smoothed is at most 200 means of neighbours.
func smoothed(x, y []float64) (sx, sy []float64) {
	width := max(1, len(x)/200)
	for i := 0; i+width <= len(x); i += width {
		sx = append(sx, x[i+width-1])
		sy = append(sy, analysis.Mean(y[i:i+width]))
	}
	return sx, sy
}
