package sweep

import (
	"context"
	"fmt"
	"math"
	"slices"
	"strconv"
	"strings"

	"github.com/seed-516990b0/golxmert/analysis"
	"github.com/seed-516990b0/golxmert/analysis/attention"
	"github.com/seed-516990b0/golxmert/analysis/relevance"
	"github.com/seed-516990b0/golxmert/lxmert"
)

// The methods that measure heads instead of scoring words and regions.
const (
	Statistics = "statistics"  // of attention.StatisticNames, each head of each map
	Divergence = "divergence"  // between the heads of each map
	Importance = "importance"  // of each head for the target
	Clusters   = "clusters"    // of heads that attend alike
	ValueNorms = "value-norms" // of what heads hand on
)

// importanceName is the statistic that [Importance] gives.
const importanceName = "importance"

// headMethods lists the methods that measure heads, each with a phrase about it.
func headMethods() [][2]string {
	return [][2]string{
		{Statistics, "entropy, sparsity, distance, share of special tokens of every head"},
		{Divergence, "Jensen-Shannon divergence between the heads of every map"},
		{Importance, "how much the target would change if a head were weakened"},
		{ValueNorms, "attention weighed by its values: how much each head hands on, and how much of it is special tokens'"},
		{Clusters, "which heads attend alike: Jensen-Shannon divergence of all pairs, ordered by clustering"},
	}
}

// headSums are sums over examples of a number of each head of each map, and, in the last column, of its mean over heads.
type headSums struct {
	N       [][]int     `json:"n"` // examples in which it is defined, [maps][heads+1]
	Sum     [][]float64 `json:"sum"`
	Squares [][]float64 `json:"squares"`
}

func newHeadSums(maps, columns int) *headSums {
	s := &headSums{}
	for range maps {
		s.N = append(s.N, make([]int, columns))
		s.Sum, s.Squares = append(s.Sum, make([]float64, columns)), append(s.Squares, make([]float64, columns))
	}
	return s
}

// add takes the numbers of all heads in one example.
func (s *headSums) add(m int, heads []float64) {
	for column, x := range append(slices.Clone(heads), analysis.Mean(heads)) {
		if !math.IsNaN(x) {
			s.N[m][column]++
			s.Sum[m][column] += x
			s.Squares[m][column] += x * x
		}
	}
}

func (s *headSums) merge(o *headSums) {
	for m := range s.N {
		for h := range s.N[m] {
			s.N[m][h] += o.N[m][h]
			s.Sum[m][h] += o.Sum[m][h]
			s.Squares[m][h] += o.Squares[m][h]
		}
	}
}

// fits says whether sums that were read have the shape that the settings promise.
func (s *headSums) fits(maps, columns int) bool {
	if len(s.N) != maps || len(s.Sum) != maps || len(s.Squares) != maps {
		return false
	}
	for m := range s.N {
		if len(s.N[m]) != columns || len(s.Sum[m]) != columns || len(s.Squares[m]) != columns {
			return false
		}
	}
	return true
}

// mean is the mean of a column and its standard error; NaN where nothing is known.
func (s *headSums) mean(m, column int) (mean, standardError float64) {
	n := float64(s.N[m][column])
	mean = s.Sum[m][column] / n
	return mean, math.Sqrt(max(0, s.Squares[m][column]/n-mean*mean) / (n - 1))
}

// measureHeads fills in the statistics of heads that the methods ask for.
func (r *runner) measureHeads(ctx context.Context, b *lxmert.Batch) (map[string]*headSums, map[string]*pairSums, error) {
	eng, target, methods, maps := r.eng, r.opt.Target, r.opt.Methods, r.settings.Maps
	heads := eng.Config().Heads
	sums := map[string]*headSums{}
	var pairs map[string]*pairSums
	of := func(name string) *headSums {
		if sums[name] == nil {
			sums[name] = newHeadSums(len(maps), heads+1)
		}
		return sums[name]
	}
	if slices.ContainsFunc(methods, func(m string) bool { return m == Statistics || m == Divergence || m == Clusters }) {
		read, err := attention.Read(ctx, eng, b)
		if err != nil {
			return nil, nil, err
		}
		if slices.Contains(methods, Clusters) {
			if pairs, err = comparePairs(read, maps); err != nil {
				return nil, nil, err
			}
		}
		for m, name := range maps {
			for row := range b.Rows() {
				if slices.Contains(methods, Statistics) {
					statistics, err := read.Measure(name, row)
					if err != nil {
						return nil, nil, err
					}
					for i, statistic := range attention.StatisticNames {
						numbers := make([]float64, heads)
						for h := range numbers {
							numbers[h] = statistics[h].Values()[i]
						}
						of(statistic).add(m, numbers)
					}
				}
				if slices.Contains(methods, Divergence) {
					x, err := read.Divergence(name, row)
					if err != nil {
						return nil, nil, err
					}
					of(attention.DivergenceName).add(m, slices.Repeat([]float64{x}, heads))
				}
			}
		}
	}
	if slices.Contains(methods, ValueNorms) {
		if err := r.measureValueNorms(ctx, b, sums); err != nil {
			return nil, nil, fmt.Errorf("%s: %w", ValueNorms, err)
		}
	}
	if slices.Contains(methods, Importance) {
		rows, err := relevance.HeadImportance(ctx, eng, b, target)
		if err != nil {
			return nil, nil, err
		}
		for _, row := range rows {
			for j, name := range row.Cols.Labels {
				numbers := make([]float64, heads)
				for h := range numbers {
					numbers[h] = math.Abs(row.Panels[0].Values[h][j])
				}
				of(importanceName).add(slices.Index(maps, name), numbers)
			}
		}
	}
	return sums, pairs, nil
}

// headResults makes a grid and a curve over layers of each statistic.
func (c *collector) headResults(s *Summary) error {
	for _, name := range slices.Concat(attention.StatisticNames, []string{attention.DivergenceName, importanceName, valueNormName, valueSpecialName}) {
		sums := c.heads[name]
		if sums == nil {
			continue
		}
		file := "heads-" + strings.ReplaceAll(strings.TrimSuffix(name, " %"), " ", "-")
		if name != attention.DivergenceName {
			s.Matrices = append(s.Matrices, Named[analysis.Matrix]{file, c.grid(name, sums)})
		}
		s.Curves = append(s.Curves, Named[analysis.Curve]{"layers" + strings.TrimPrefix(file, "heads"), c.layers(name, sums)})
	}
	return c.clusters(s)
}

// grid is a statistic of every head: maps are columns, heads rows.
func (c *collector) grid(name string, sums *headSums) analysis.Matrix {
	m := analysis.Matrix{Meta: c.meta(name + " of attention heads"), Rows: analysis.Axis{Name: "head"}, Cols: analysis.Axis{Name: "map", Labels: c.settings.Maps}}
	m.Unit, m.High = scale(name)
	values := make([][]float64, c.settings.Heads)
	for h := range values {
		m.Rows.Labels = append(m.Rows.Labels, strconv.Itoa(h))
		for i := range c.settings.Maps {
			mean, _ := sums.mean(i, h)
			values[h] = append(values[h], mean)
		}
	}
	m.Panels = []analysis.MatrixPanel{{Values: values}}
	return m
}

func scale(name string) (unit string, high float64) {
	switch name {
	case importanceName:
		return "logit", 0
	case valueNormName:
		return "", 0
	case valueSpecialName:
		return "share", 1
	}
	return attention.Scale(name)
}

// layers is the mean over heads layer by layer.
func (c *collector) layers(name string, sums *headSums) analysis.Curve {
	meta := c.meta(name + " of attention, mean over heads")
	meta.Unit, _ = scale(name)
	meta.Level = level
	meta.Notes = append(meta.Notes, "Bands are 1.96 standard errors of the mean over examples.")
	var mean, low, high []float64
	for i := range c.settings.Maps {
		x, e := sums.mean(i, c.settings.Heads)
		mean, low, high = append(mean, x), append(low, x-attention.Normal95*e), append(high, x+attention.Normal95*e)
	}
	return attention.LayerCurve(meta, name, c.settings.Maps, mean, low, high)
}
