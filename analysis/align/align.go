package align

import (
	"cmp"
	"context"
	"fmt"
	"math"
	"slices"

	"gonum.org/v1/gonum/mat"

	"github.com/seed-516990b0/golxmert/analysis"
	"github.com/seed-516990b0/golxmert/analysis/probe"
	"github.com/seed-516990b0/golxmert/lxmert"
)

// Spaces are the states of both streams of a batch, at all levels.
type Spaces struct {
	analysis.Meta
	cfg    lxmert.Config
	b      *lxmert.Batch
	states *probe.States
}

// Read runs a batch for [Spaces]. More than a few hundred examples at a time need much memory.
func Read(ctx context.Context, eng lxmert.Engine, b *lxmert.Batch) (*Spaces, error) {
	b = analysis.Separate(b)
	states, err := probe.ReadStates(ctx, eng, b)
	if err != nil {
		return nil, err
	}
	s := &Spaces{cfg: eng.Config(), b: b, states: states, Meta: analysis.Meta{Model: states.From, N: b.Rows()}}
	if b.Images != nil {
		s.Features = b.Images[0].Source
	}
	return s, nil
}

// Pairs are the levels of words and of regions that are compared: embeddings, tops of the towers, cross layers.
func Pairs(cfg lxmert.Config) [][2]int {
	pairs := [][2]int{{0, 0}}
	for k := range cfg.CrossLayers + 1 {
		pairs = append(pairs, [2]int{cfg.LangLayers + k, cfg.RegionLayers + k})
	}
	return pairs
}

// words and regions are the states of a level that are not padding, of all examples together.
func (s *Spaces) words(level int) [][]float64 {
	return s.rows(fmt.Sprintf("hid.t.%d", level), analysis.ValidWords)
}

func (s *Spaces) regions(level int) [][]float64 {
	return s.rows(fmt.Sprintf("hid.i.%d", level), analysis.ValidRegions)
}

func (s *Spaces) rows(level string, valid func(*lxmert.Batch, int) []bool) [][]float64 {
	var out [][]float64
	for n := range s.b.Rows() {
		for at, there := range valid(s.b, n) {
			if there {
				out = append(out, wide(s.states.Of(level, n).Row(at).Data))
			}
		}
	}
	return out
}

// sentences are the states of [CLS], pictures the means over regions: one row for each example.
func (s *Spaces) sentences(level int) [][]float64 {
	var out [][]float64
	for n := range s.b.Rows() {
		out = append(out, wide(s.states.Of(fmt.Sprintf("hid.t.%d", level), n).Row(0).Data))
	}
	return out
}

func (s *Spaces) pictures(level int) [][]float64 {
	means := s.states.Means(fmt.Sprintf("hid.i.%d", level))
	var out [][]float64
	for n := range s.b.Rows() {
		out = append(out, mat.Row(nil, n, means))
	}
	return out
}

func wide(x []float32) []float64 {
	out := make([]float64, len(x))
	for i, v := range x {
		out[i] = float64(v)
	}
	return out
}

// Gap is the modality gap at each of [Pairs] (Liang et al., "Mind the gap", 2022): the distance between the mean direction
// of the words and that of the regions, 0 to 2. Pooled it is that of [CLS] and of the means over regions.
func (s *Spaces) Gap() (single, pooled []float64) {
	for _, p := range Pairs(s.cfg) {
		single = append(single, gap(s.words(p[0]), s.regions(p[1])))
		pooled = append(pooled, gap(s.sentences(p[0]), s.pictures(p[1])))
	}
	return single, pooled
}

func gap(x, y [][]float64) float64 {
	sum := make([]float64, len(x[0]))
	for _, side := range []struct {
		rows [][]float64
		sign float64
	}{{x, 1}, {y, -1}} {
		for _, row := range side.rows {
			for i, v := range row {
				sum[i] += side.sign * v / length(row) / float64(len(side.rows))
			}
		}
	}
	return length(sum)
}

func length(x []float64) float64 { return math.Sqrt(dot(x, x)) }

func dot(x, y []float64) float64 {
	sum := 0.0
	for i := range x {
		sum += x[i] * y[i]
	}
	return sum
}

// Separator is a line between words and regions at one of [Pairs]: the states w x + b > 0 are called regions.
type Separator struct {
	Weights []float64
	Bias    float64
	// Right is the share of the states, all of which it was fitted to, that are on their side. With more columns than states
	// a line always does; see how it falls as c does.
	Right float64
}

// Separate fits a logistic regression between words and regions at each of [Pairs]: the minimum of 1/2 |w|² + c Σ loss.
func (s *Spaces) Separate(c float64) ([]Separator, error) {
	var out []Separator
	for _, p := range Pairs(s.cfg) {
		words, regions := s.words(p[0]), s.regions(p[1])
		rows := slices.Concat(words, regions)
		x, y := mat.NewDense(len(rows), len(rows[0]), slices.Concat(rows...)), make([]bool, len(rows))
		for i := range regions {
			y[len(words)+i] = true
		}
		w, b, err := probe.Binary(x, y, c)
		if err != nil {
			return nil, fmt.Errorf("levels hid.t.%d and hid.i.%d: %w", p[0], p[1], err)
		}
		line := Separator{Weights: w, Bias: b}
		for i, row := range rows {
			if (dot(row, w)+b > 0) == y[i] {
				line.Right += 1 / float64(len(rows))
			}
		}
		out = append(out, line)
	}
	return out, nil
}

// Neighbours is the mutual alignment of k nearest neighbours (Huh et al., "The platonic representation hypothesis", 2024):
// the share of an example's k nearest by its [CLS], at a level of words, that are among its k nearest by the mean of its
// regions, at a level of regions; the mean over examples. [word levels 1 …][region levels 0 …]: at level 0 [CLS] is the same
// in every example. Nearest is by cosine, of equals the first. Chance is k / (examples - 1).
func (s *Spaces) Neighbours(k int) ([][]float64, error) {
	if n := s.b.Rows(); k < 1 || k > n-1 {
		return nil, fmt.Errorf("%d nearest neighbours among %d examples: give 1 to %d", k, n, n-1)
	}
	return s.levels(func(sentences, pictures [][]float64) float64 {
		a, b := nearest(sentences, k), nearest(pictures, k)
		sum := 0.0
		for i := range a {
			for _, j := range a[i] {
				if slices.Contains(b[i], j) {
					sum++
				}
			}
		}
		return sum / float64(k*len(a))
	}), nil
}

// nearest lists the k nearest other rows of each row.
func nearest(rows [][]float64, k int) [][]int {
	out := make([][]int, len(rows))
	for i, x := range rows {
		var others []int
		cosine := make([]float64, len(rows))
		for j, y := range rows {
			if j != i {
				others = append(others, j)
				cosine[j] = dot(x, y) / length(x) / length(y)
			}
		}
		slices.SortStableFunc(others, func(a, b int) int { return cmp.Compare(cosine[b], cosine[a]) })
		out[i] = others[:k]
	}
	return out
}

// CKA is the linear centred kernel alignment of the same levels, debiased (which may be negative) or not.
func (s *Spaces) CKA(debiased bool) [][]float64 {
	measure := probe.LinearCKA
	if debiased {
		measure = probe.DebiasedCKA
	}
	return s.levels(func(sentences, pictures [][]float64) float64 {
		return measure(matrix(sentences), matrix(pictures))
	})
}

func matrix(rows [][]float64) *mat.Dense {
	return mat.NewDense(len(rows), len(rows[0]), slices.Concat(rows...))
}

// levels compares every level of words but the first with every level of regions.
func (s *Spaces) levels(compare func(sentences, pictures [][]float64) float64) [][]float64 {
	var out [][]float64
	for t := range s.cfg.LangLayers + s.cfg.CrossLayers {
		var line []float64
		for v := range s.cfg.RegionLayers + s.cfg.CrossLayers + 1 {
			line = append(line, compare(s.sentences(t+1), s.pictures(v)))
		}
		out = append(out, line)
	}
	return out
}

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
		m.Rows.Labels = append(m.Rows.Labels, fmt.Sprintf("hid.t.%d", t+1))
	}
	for v := range neighbours[0] {
		m.Cols.Labels = append(m.Cols.Labels, fmt.Sprintf("hid.i.%d", v))
	}
	m.Notes = append(m.Notes, fmt.Sprintf("By chance %.2g of the neighbours would be the same.", float64(k)/float64(s.b.Rows()-1)))
	return m, nil
}
