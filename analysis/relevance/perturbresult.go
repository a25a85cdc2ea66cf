package relevance

import (
	"slices"

	"github.com/seed-516990b0/golxmert/analysis"
)

// Add appends the trials of another batch, as of further examples.
func (p *Perturbation) Add(other *Perturbation) {
	for _, t := range other.Trials {
		t.Example += p.N
		p.Trials = append(p.Trials, t)
	}
	p.N += other.N
}

// measured are the values of a measure, "probability" or "accuracy".
func (t Trial) measured(measure string) []float64 {
	if measure == "accuracy" {
		return t.Accuracy
	}
	return t.Probability
}

// tally sums up the trials.
func (p *Perturbation) tally() (*Tally, error) {
	axes := map[string][]float64{}
	for _, modality := range modalityNames {
		axes[modality] = p.axis(modality)
	}
	t := newTally(func(modality string) []float64 { return axes[modality] })
	byExample := make([][]Trial, p.N)
	for _, trial := range p.Trials {
		if trial.Example >= 0 && trial.Example < p.N {
			byExample[trial.Example] = append(byExample[trial.Example], trial)
		}
	}
	for _, trials := range byExample {
		if err := t.Add(trials); err != nil {
			return nil, err
		}
	}
	t.Meta = p.Meta
	return t, nil
}

// Curve is [Tally.Curve] of these trials. Those with steps of their own are read at every twentieth between their steps.
func (p *Perturbation) Curve(modality, measure string) (analysis.Curve, error) {
	t, err := p.tally()
	if err != nil {
		return analysis.Curve{}, err
	}
	return t.Curve(modality, measure)
}

// Table is [Tally.Table] of these trials; without rows if one of them is broken.
func (p *Perturbation) Table() analysis.Table {
	t, err := p.tally()
	if err != nil {
		return analysis.Table{Meta: p.Meta}
	}
	return t.Table()
}

// axis is the steps of a modality's trials, or every twentieth where they differ.
func (p *Perturbation) axis(modality string) []float64 {
	var axis []float64
	for _, t := range p.Trials {
		if t.Modality != modality {
			continue
		}
		if axis == nil {
			axis = t.Steps
		}
		if !slices.Equal(axis, t.Steps) {
			return twentieths()
		}
	}
	return axis
}

// between reads a curve at x, on the line between its points.
func between(steps, values []float64, x float64) float64 {
	for i := 1; i < len(steps); i++ {
		if x <= steps[i] {
			w := (x - steps[i-1]) / (steps[i] - steps[i-1])
			return values[i-1] + w*(values[i]-values[i-1])
		}
	}
	return values[len(values)-1]
}
