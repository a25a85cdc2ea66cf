package relevance

import (
	"fmt"
	"math/rand/v2"
	"slices"

	"github.com/seed-516990b0/golxmert/analysis"
)

// level and resamples of the intervals of perturbation tests.
const (
	level     = 0.95
	resamples = 1000
)

// Tally sums up the trials of a perturbation test, example by example, in memory that does not grow with their number.
type Tally struct {
	analysis.Meta // of its results
	axis          func(modality string) []float64
	cells         map[cell]*curve
	resamples     *analysis.Resamples
}

// cell is what one curve is about. The order "gap" has an area only.
type cell struct{ modality, order, measure string }

// curve is the mean over examples of a measure at each step of an axis, and of the area under it.
type curve struct {
	at   []analysis.Running
	area analysis.Running
}

// NewTally returns a tally of tests with the published steps, or with those of [PerturbOptions.EveryStep], which differ
// between examples and are read at every twentieth between their steps.
func NewTally(everyStep bool) *Tally {
	axis := PublishedSteps()
	if everyStep {
		axis = twentieths()
	}
	return newTally(func(string) []float64 { return axis })
}

func newTally(axis func(modality string) []float64) *Tally {
	return &Tally{axis: axis, cells: map[cell]*curve{}}
}

func twentieths() []float64 {
	var axis []float64
	for i := range 21 {
		axis = append(axis, float64(i)/20)
	}
	return axis
}

// orders of a test, as they are drawn.
var orders = []struct{ name, style string }{{"negative", "solid"}, {"positive", "dashed"}, {"random", "random"}}

// modalityNames are those of a test, in the order of its results.
var modalityNames = []string{"text", "image", "joint"}

// measures are what a test measures.
var measures = []string{"probability", "accuracy"}

// Add takes all trials of one more example; several of one modality and order are averaged. Trials whose values do not
// belong to their steps are an error.
func (t *Tally) Add(trials []Trial) error {
	for i := range trials {
		if err := trials[i].check(); err != nil {
			return err
		}
	}
	example := t.N
	t.N++
	t.resamples = nil
	for _, modality := range modalityNames {
		for _, measure := range measures {
			areas := map[string]float64{}
			for _, o := range orders {
				var values [][]float64
				var area analysis.Running
				for _, trial := range trials {
					if y := trial.measured(measure); y != nil && trial.Modality == modality && trial.Order == o.name {
						at := make([]float64, 0, len(t.axis(modality)))
						for _, x := range t.axis(modality) {
							at = append(at, between(trial.Steps, y, x))
						}
						values = append(values, at)
						area.Add(0, trial.AUC(y))
					}
				}
				if values == nil {
					continue
				}
				c := t.curve(cell{modality, o.name, measure})
				for i := range c.at {
					sum := 0.0
					for _, at := range values {
						sum += at[i]
					}
					c.at[i].Add(example, sum/float64(len(values)))
				}
				areas[o.name] = area.Mean()
				c.area.Add(example, area.Mean())
			}
			negative, ok1 := areas["negative"]
			positive, ok2 := areas["positive"]
			if ok1 && ok2 {
				t.curve(cell{modality, "gap", measure}).area.Add(example, negative-positive)
			}
		}
	}
	return nil
}

func (t *Tally) curve(c cell) *curve {
	if t.cells[c] == nil {
		t.cells[c] = &curve{}
		if c.order != "gap" {
			t.cells[c].at = make([]analysis.Running, len(t.axis(c.modality)))
		}
	}
	return t.cells[c]
}

// check says whether a trial, which may come from a file, is whole.
func (t *Trial) check() error {
	n := len(t.Steps)
	switch {
	case !slices.Contains(modalityNames, t.Modality):
		return fmt.Errorf("a trial has the modality %q", t.Modality)
	case !slices.ContainsFunc(orders, func(o struct{ name, style string }) bool { return o.name == t.Order }):
		return fmt.Errorf("a trial has the order %q", t.Order)
	case n == 0 || len(t.Probability) != n || t.Accuracy != nil && len(t.Accuracy) != n:
		return fmt.Errorf("a trial has %d steps, %d probabilities and %d accuracies", n, len(t.Probability), len(t.Accuracy))
	}
	for i := 1; i < n; i++ {
		if !(t.Steps[i] > t.Steps[i-1]) {
			return fmt.Errorf("steps of a trial do not ascend: %g after %g", t.Steps[i], t.Steps[i-1])
		}
	}
	return nil
}

func (t *Tally) interval(r *analysis.Running) (low, high float64) {
	if t.resamples == nil {
		t.resamples = analysis.NewResamples(t.N, resamples, level, rand.New(rand.NewPCG(t.Seed, 1)))
	}
	return t.resamples.Interval(r)
}

// Curve is one modality's mean over examples of a measure, "probability" or "accuracy", at each step: a series for each
// order, with bootstrap intervals over examples and the area under it. What was not measured is an error.
func (t *Tally) Curve(modality, measure string) (analysis.Curve, error) {
	c := analysis.Curve{Meta: t.Meta, XName: "share of " + modality + " removed", YName: measure, X: t.axis(modality)}
	if modality == "joint" {
		c.XName = "share of text and image removed"
	}
	c.Level = level
	for _, o := range orders {
		from := t.cells[cell{modality, o.name, measure}]
		if from == nil {
			continue
		}
		s := analysis.CurveSeries{Name: o.name, Style: o.style, Area: from.area.Mean()}
		for i := range from.at {
			low, high := t.interval(&from.at[i])
			s.Y, s.Low, s.High = append(s.Y, from.at[i].Mean()), append(s.Low, low), append(s.High, high)
		}
		c.Series = append(c.Series, s)
	}
	if c.Series == nil {
		return c, fmt.Errorf("the test did not measure the %s of modality %q", measure, modality)
	}
	return c, nil
}

// BetterArea says in which direction the areas of a [Tally.Table] are better, as a note below such tables.
const BetterArea = `AUC: of the orders "negative" and "gap" higher is better, of "positive" lower is better; "random" is to compare with.`

// Table is the area under every curve, with bootstrap intervals over examples, and for each modality the gap: the area of
// "negative" minus that of "positive", the larger the better the ranking; of a random ranking it is 0 on average.
func (t *Tally) Table() analysis.Table {
	out := analysis.Table{Meta: t.Meta, Columns: []string{"modality", "measure", "order", "auc", "low", "high", "examples"}}
	out.Level = level
	out.Notes = append(slices.Clone(out.Notes), BetterArea)
	for _, modality := range modalityNames {
		for _, measure := range measures {
			for _, order := range []string{"negative", "positive", "random", "gap"} {
				c := t.cells[cell{modality, order, measure}]
				if c == nil {
					continue
				}
				low, high := t.interval(&c.area)
				out.Rows = append(out.Rows, []any{modality, measure, order, c.area.Mean(), low, high, c.area.N()})
			}
		}
	}
	return out
}
