package tuning

import (
	"math"

	"github.com/seed-516990b0/golxmert/analysis"
)

// points is how many points a curve of losses has at most.
const points = 100

// Curves are the training losses over the steps, means of neighbours, and what validation gave over the epochs, a line for
// each run that has begun. A curve without a point is left out.
func (t *Trials) Curves() []analysis.Curve {
	loss := analysis.Curve{Meta: analysis.Meta{Method: "training loss"}, XName: "step", YName: "loss"}
	valid := analysis.Curve{Meta: analysis.Meta{Method: "validation"}, XName: "epoch", YName: "score, %"}
	scale := 100.0
	if t.LossDecides {
		valid.YName, scale = "loss", 1
	}
	last, epochs := 0.0, 0
	for _, r := range t.Runs {
		if n := len(r.Metrics.Steps); n > 0 {
			last = max(last, r.Metrics.Steps[n-1])
		}
		epochs = max(epochs, len(r.Metrics.Epochs))
	}
	width := math.Ceil(last / points)
	for x := width; width > 0 && x < last+width; x += width {
		loss.X = append(loss.X, x)
	}
	for e := range epochs {
		valid.X = append(valid.X, float64(e+1))
	}
	best := t.Best()
	for i, r := range t.Runs {
		name := r.Name()
		if i == best {
			name += " (best)"
		}
		var losses, scores []float64
		for _, x := range loss.X {
			losses = append(losses, meanBetween(r.Metrics.Steps, r.Metrics.Losses, x-width, x))
		}
		for e := range epochs {
			y := math.NaN()
			if e < len(r.Metrics.Epochs) {
				y = scale * r.Metrics.Epochs[e].Valid
			}
			scores = append(scores, y)
		}
		loss.Series = add(loss.Series, name, losses)
		valid.Series = add(valid.Series, name, scores)
	}
	var curves []analysis.Curve
	for _, c := range []analysis.Curve{loss, valid} {
		if len(c.Series) > 0 {
			curves = append(curves, c)
		}
	}
	return curves
}

// add appends a series that has a number in it.
func add(to []analysis.CurveSeries, name string, y []float64) []analysis.CurveSeries {
	for _, v := range y {
		if !math.IsNaN(v) {
			return append(to, analysis.CurveSeries{Name: name, Y: y})
		}
	}
	return to
}

// Figure is the table and the curves as one result, to be drawn as one figure or written as one page.
func (t *Trials) Figure() analysis.Collection {
	return analysis.Collection{Title: "runs of " + t.Task, Results: analysis.Collect([]analysis.Result{t.Table()}, t.Curves()...)}
}
