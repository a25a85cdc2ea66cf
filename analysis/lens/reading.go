package lens

import (
	"context"
	"fmt"
	"math"

	"github.com/seed-516990b0/golxmert/analysis"
	"github.com/seed-516990b0/golxmert/lxmert"
)

// guesses is how many classes a [View] keeps of each level.
const guesses = 5

// Reading is what the levels of a model say of one target.
type Reading struct {
	analysis.Meta
	Levels []string // from the embedding on
	Cross  int      // the first level after a cross-modality layer
	Class  int      // that is read
	Views  []View   // the plain lens, and after it the tuned one if there is one
}

// View is what one lens shows.
type View struct {
	Name        string    // "logit lens" or "tuned lens"
	Probability []float64 // of the target's class, by level
	Rank        []int     // of it, 1 for the most probable class
	Divergence  []float64 // of the model's own probabilities from the level's, nats
	Top         [][]Guess // the most probable classes of each level
}

// Guess is a class and its probability.
type Guess struct {
	Class       int
	Probability float64
}

// Read looks at the target in every row of a batch, or for NLVR2 in every pair of rows, through the plain lens and, if tuned
// is given, through that as well. Probabilities are those of softmax, whatever the head was trained with. Of a target of several
// parts, the class is that of the first.
func Read(ctx context.Context, eng lxmert.Engine, b *lxmert.Batch, target analysis.Target, tuned *Tuned) ([]Reading, error) {
	cfg := eng.Config()
	bound, err := target.Bind(ctx, eng, b)
	if err != nil {
		return nil, err
	}
	place, _, err := one(bound)
	if err != nil {
		return nil, err
	}
	cross := cfg.LangLayers + 1
	if place.Stream == analysis.RegionStream {
		cross = cfg.RegionLayers + 1
	}
	plain, from, err := Logits(ctx, eng, bound, nil)
	if err != nil {
		return nil, err
	}
	out := make([]Reading, len(bound.Terms[0].Class))
	for u := range out {
		row := u * bound.Group()
		meta := analysis.Meta{Method: "logit lens", Target: bound.Names[row], Unit: "probability", Model: from}
		if tuned != nil {
			meta.Method = "logit lens and tuned lens"
			meta.Params = map[string]string{"lambda": fmt.Sprint(tuned.Lambda)}
			meta.Notes = append(meta.Notes, fmt.Sprintf("The tuned lens was fitted on %s, %d states.", tuned.Data, tuned.States))
			if tuned.Model.Hash != from.Hash {
				meta.Notes = append(meta.Notes, "The tuned lens was fitted to other weights than these.")
			}
		} else {
			meta.Notes = append(meta.Notes, "Levels below the cross-modality layers are not written in the basis that the head reads; a tuned lens shows more.")
		}
		out[u] = Reading{Meta: analysis.NewScores(meta, bound.Batch, row, nil, nil).Meta, Levels: analysis.Levels(cfg, place.Stream), Cross: cross, Class: bound.Terms[0].Class[u]}
	}
	last := plain[len(plain)-1]
	look := func(name string, logits []lxmert.Tensor) {
		for u := range out {
			v := View{Name: name}
			for _, x := range logits {
				v.add(logProbs(x.Row(u).Data), logProbs(last.Row(u).Data), bound.Terms[0].Class[u])
			}
			out[u].Views = append(out[u].Views, v)
		}
	}
	look("logit lens", plain)
	if tuned == nil {
		return out, nil
	}
	mapped, _, err := Logits(ctx, eng, bound, tuned)
	if err != nil {
		return nil, err
	}
	look("tuned lens", mapped)
	return out, nil
}

// add appends what a level says.
func (v *View) add(level, last []float64, class int) {
	v.Probability = append(v.Probability, math.Exp(level[class]))
	v.Rank = append(v.Rank, lxmert.RankOf(level, class))
	v.Divergence = append(v.Divergence, divergence(last, level))
	var top []Guess
	for _, k := range lxmert.LargestOf(level, guesses) {
		top = append(top, Guess{k, math.Exp(level[k])})
	}
	v.Top = append(v.Top, top)
}

// Curve is the probability of the target's class at every level.
func (r *Reading) Curve() analysis.Curve {
	c := analysis.Curve{Meta: r.Meta, XName: "level", YName: "probability"}
	if r.Cross < len(r.Levels) {
		c.Rules = map[string]float64{"cross layers": float64(r.Cross)}
	}
	for k := range r.Levels {
		c.X = append(c.X, float64(k))
	}
	for i, v := range r.Views {
		s := analysis.CurveSeries{Name: v.Name, Y: v.Probability}
		if i == 0 && len(r.Views) > 1 {
			s.Style = "dashed"
		}
		c.Series = append(c.Series, s)
	}
	return c
}

// Table has a row for each level, lens by lens: the most probable class, by its number or, if names are given, by its name;
// rank and probability of the target's class; and the divergence.
func (r *Reading) Table(names []string) analysis.Table {
	t := analysis.Table{Meta: r.Meta, Columns: []string{"level", "lens", "most probable", "its probability", "rank of target", "probability", "divergence, nats"}}
	t.Unit = ""
	named := func(class int) string {
		if class < len(names) {
			return names[class]
		}
		return fmt.Sprintf("class %d", class)
	}
	for _, v := range r.Views {
		for k, level := range r.Levels {
			t.Rows = append(t.Rows, []any{level, v.Name, named(v.Top[k][0].Class), v.Top[k][0].Probability, v.Rank[k], v.Probability[k], v.Divergence[k]})
		}
	}
	return t
}

// Collection is the curve and the table as one result. Classes that names do not have are numbered.
func (r *Reading) Collection(names []string) analysis.Collection {
	return analysis.Collection{Meta: r.Meta, Title: r.Method + ": " + r.Target, Results: []analysis.Result{r.Curve(), r.Table(names)}}
}

// logProbs is the logarithm of softmax.
func logProbs(logits []float32) []float64 { return lxmert.LogProbabilities(lxmert.Softmax, logits) }

// divergence is the sum of p ln(p/q), from logarithms.
func divergence(p, q []float64) float64 {
	sum := 0.0
	for k, x := range p {
		sum += math.Exp(x) * (x - q[k])
	}
	return sum
}
