package sweep

import (
	"context"
	"fmt"
	"slices"
	"strings"

	"github.com/seed-516990b0/golxmert/analysis"
	"github.com/seed-516990b0/golxmert/analysis/modality"
	"github.com/seed-516990b0/golxmert/analysis/relevance"
	"github.com/seed-516990b0/golxmert/lxmert"
)

// The methods of package modality.
const (
	Looks     = "looks"   // how much the model looks at pictures, by several measures
	ShapleyOf = "shapley" // values of words and regions, which are scores as those of relevance.Methods
)

// mostExact is how many words and regions have exact Shapley values: of more there are too many subsets for a data set.
const mostExact = 10

const aboutLooks = "accuracy with an empty picture, EMAP, perceptual score and V-SHAP, beside the same model with its eyes closed"

// ScoringMethods are those of relevance.Methods, and Shapley values.
func ScoringMethods() []relevance.NamedMethod {
	return append(relevance.Methods(), relevance.NamedMethod{
		Name: ShapleyOf, About: "Shapley values (MM-SHAP), exact up to 10 words and regions, else of 16 orders and their reverses",
		Run: func(ctx context.Context, eng lxmert.Engine, b *lxmert.Batch, target analysis.Target) ([]analysis.Scores, error) {
			examples, err := modality.Shapley(ctx, eng, b, target, modality.ShapleyOptions{Exact: mostExact})
			var scores []analysis.Scores
			for _, s := range examples {
				scores = append(scores, s.Scores...)
			}
			return scores, err
		},
	})
}

// looked is a measure of the examples of one batch, of the model and of the same one with its eyes closed.
type looked struct {
	Name  string  `json:"name"`
	Unit  string  `json:"unit,omitempty"`
	Of    string  `json:"of,omitempty"` // the measure over whose mean it is reported
	Model rounded `json:"model"`
	Blind rounded `json:"blind"`
	// Trained is that of a model which was trained without pictures.
	Trained rounded `json:"trained_blind,omitempty"`
}

// measureLooks asks all measures about a batch, whose examples exchange pictures. An example alone has nobody to exchange
// with, and is left out.
func (r *runner) measureLooks(ctx context.Context, b *lxmert.Batch, labels [][]float64, first int) ([]looked, error) {
	if !slices.Contains(r.opt.Methods, Looks) || b.Rows()/r.settings.Rows < 2 {
		return nil, nil
	}
	opt := modality.UseOptions{
		Labels: labels, Target: r.opt.Target, Shapley: modality.ShapleyOptions{Exact: mostExact, Orders: 4, Seed: r.opt.Seed, First: first},
	}
	u, err := modality.Use(ctx, r.eng, b, opt)
	if err != nil {
		return nil, fmt.Errorf("%s: %w", Looks, err)
	}
	var trained []modality.Measure
	if r.opt.Blind != nil {
		if _, trained, err = modality.UseOf(ctx, modality.Blindfold(r.opt.Blind), b, opt); err != nil {
			return nil, fmt.Errorf("%s of the question-only model: %w", Looks, err)
		}
	}
	var out []looked
	for i, m := range u.Seeing {
		l := looked{Name: m.Name, Unit: m.Unit, Of: m.Of, Model: m.Values, Blind: u.Blind[i].Values}
		if trained != nil {
			l.Trained = trained[i].Values
		}
		out = append(out, l)
	}
	return out, nil
}

// looksSum is a measure over all batches.
type looksSum struct {
	name, unit, of string
	model, blind   analysis.Running
	trained        analysis.Running
}

func (c *collector) addLooks(l *line) error {
	for _, m := range l.Looks {
		if len(m.Model) != len(l.Examples) || len(m.Blind) != len(l.Examples) || c.settings.Blind != nil && len(m.Trained) != len(l.Examples) {
			return fmt.Errorf("sweep: the batch of example %d has %d and %d values of %s, want %d", l.First, len(m.Model), len(m.Blind), m.Name, len(l.Examples))
		}
		at := slices.IndexFunc(c.looks, func(s *looksSum) bool { return s.name == m.Name })
		if at < 0 {
			at = len(c.looks)
			c.looks = append(c.looks, &looksSum{name: m.Name, unit: m.Unit, of: m.Of})
		}
		for i := range m.Model {
			c.looks[at].model.Add(c.n+i, m.Model[i])
			c.looks[at].blind.Add(c.n+i, m.Blind[i])
			if c.settings.Blind != nil {
				c.looks[at].trained.Add(c.n+i, m.Trained[i])
			}
		}
	}
	return nil
}

// trainedBlind is the column of the model that was trained without pictures.
const trainedBlind = "trained blind"

// looksTable puts all measures side by side.
func (c *collector) looksTable(s *Summary) {
	if len(c.looks) == 0 {
		return
	}
	t := analysis.Table{Meta: c.meta("use of the picture"), Columns: []string{"measure", "unit", "model", "low", "high", "question only", "low", "high", "examples"}}
	t.Level = level
	cells := func(m *looksSum, side func(*looksSum) *analysis.Running) []any {
		over := 1.0
		if at := slices.IndexFunc(c.looks, func(s *looksSum) bool { return s.name == m.of }); at >= 0 {
			over = side(c.looks[at]).Mean()
		}
		low, high := c.interval(side(m))
		return []any{side(m).Mean() / over, low / over, high / over}
	}
	if c.settings.Blind != nil {
		t.Columns = append(t.Columns, trainedBlind, "low", "high")
		t.Params[trainedBlind] = strings.TrimSpace(c.settings.Blind.Weights + " " + c.settings.Blind.Hash)
		t.Notes = append(t.Notes, "The model trained without pictures is shown what it was trained with: an empty one.")
	}
	for _, m := range c.looks {
		row := slices.Concat([]any{m.name, m.unit}, cells(m, func(s *looksSum) *analysis.Running { return &s.model }), cells(m, func(s *looksSum) *analysis.Running { return &s.blind }), []any{m.model.N()})
		if c.settings.Blind != nil {
			row = append(row, cells(m, func(s *looksSum) *analysis.Running { return &s.trained })...)
		}
		t.Rows = append(t.Rows, row)
	}
	t.Notes = append(t.Notes, fmt.Sprintf("Question only is the same model, shown no picture. EMAP and perceptual score exchange pictures among the up to %d examples of a batch.", c.settings.Batch))
	s.Tables = append(s.Tables, Named[analysis.Table]{"looks", t})
}
