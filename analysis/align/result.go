package align

import (
	"fmt"

	"github.com/seed-516990b0/golxmert/analysis"
)

// Curve is the modality gap from level to level.
func (s *Spaces) Curve() analysis.Curve {
	single, pooled := s.Gap()
	c := analysis.Curve{
		Meta: s.Meta, XName: "level", YName: "modality gap", Rules: map[string]float64{"cross layers": 1},
		Series: []analysis.CurveSeries{{Name: "words and regions", Y: single}, {Name: "[CLS] and mean of regions", Y: pooled}},
	}
	c.Method = "modality gap"
	c.Notes = append(c.Notes, "Level 0 is the embeddings, 1 the tops of the towers, then the cross layers.")
	for i := range single {
		c.X = append(c.X, float64(i))
	}
	return c
}

// Matrix shows the alignment of all levels: by k nearest neighbours, and by debiased CKA.
func (s *Spaces) Matrix(k int) (analysis.Matrix, error) {
	neighbours, err := s.Neighbours(k)
	if err != nil {
		return analysis.Matrix{}, err
	}
	m := analysis.Matrix{
		Meta: s.Meta, Rows: analysis.Axis{Name: "level of words"}, Cols: analysis.Axis{Name: "level of regions"},
		Panels: []analysis.MatrixPanel{{Name: fmt.Sprintf("%d nearest neighbours", k), Values: neighbours}, {Name: "debiased CKA", Values: s.CKA(true)}},
		High:   1,
	}
	m.Method, m.Unit = "alignment of [CLS] and the mean of regions", ""
	for t := range neighbours {
		m.Rows.Labels = append(m.Rows.Labels, words(t+1))
	}
	for v := range neighbours[0] {
		m.Cols.Labels = append(m.Cols.Labels, regions(v))
	}
	m.Notes = append(m.Notes, fmt.Sprintf("By chance %.2g of the neighbours would be the same.", float64(k)/float64(s.N-1)))
	return m, nil
}

// mostNeighbours is how many neighbours [Spaces.Collection] compares.
const mostNeighbours = 10

// Collection is everything: the gap from level to level, the alignment of all levels, and a table that adds how well a line
// tells words from regions.
func (s *Spaces) Collection() (analysis.Collection, error) {
	out := analysis.Collection{Meta: s.Meta, Title: "Do words and regions share a space?"}
	out.Method = "modality gap and alignment"
	m, err := s.Matrix(max(1, min(mostNeighbours, (s.N-1)/2)))
	if err != nil {
		return out, err
	}
	t, err := s.Table()
	if err != nil {
		return out, err
	}
	out.Results = []analysis.Result{s.Curve(), m, t}
	return out, nil
}

// penalties are those with which [Spaces.Table] separates words from regions: how separability falls with the second says more
// than its value.
var penalties = [2]float64{1, 0.001}

// Table has a row for each of [Pairs]: the gaps, and how many states a line puts on their side, by two penalties.
func (s *Spaces) Table() (analysis.Table, error) {
	t := analysis.Table{Meta: s.Meta, Columns: []string{"words", "regions", "gap", "gap, pooled"}}
	t.Method = "modality gap and separability"
	single, pooled := s.Gap()
	var lines [len(penalties)][]Separator
	for i, c := range penalties {
		var err error
		if lines[i], err = s.Separate(c); err != nil {
			return t, err
		}
		t.Columns = append(t.Columns, fmt.Sprintf("separable, C = %g", c))
	}
	for i, p := range Pairs(s.eng.Config()) {
		row := []any{words(p[0]), regions(p[1]), single[i], pooled[i]}
		for _, l := range lines {
			row = append(row, l[i].Right)
		}
		t.Rows = append(t.Rows, row)
	}
	return t, nil
}
