package sweep

import (
	"fmt"
	"math"
	"slices"
	"strings"

	"github.com/seed-516990b0/golxmert/analysis"
	"github.com/seed-516990b0/golxmert/analysis/attention"
)

// pairSums are sums over examples of the divergence of every two heads of one kind of map, bits: those of a lower triangle,
// row by row.
type pairSums struct {
	N   int     `json:"n"`
	Sum rounded `json:"sum"`
}

// kindsOf groups maps by what attends to what, such as "x.ti": only such heads can be compared.
func kindsOf(maps []string) (kinds []string, members map[string][]string) {
	members = map[string][]string{}
	for _, name := range maps {
		parts := strings.Split(name, ".")
		if len(parts) != 3 {
			continue
		}
		kind := parts[0] + "." + parts[2]
		if members[kind] == nil {
			kinds = append(kinds, kind)
		}
		members[kind] = append(members[kind], name)
	}
	return kinds, members
}

// comparePairs compares the heads of each kind of map in a batch.
func comparePairs(read *attention.Maps, maps []string) (map[string]*pairSums, error) {
	kinds, members := kindsOf(maps)
	pairs := map[string]*pairSums{}
	for _, kind := range kinds {
		m, err := read.Pairwise(members[kind]...)
		if err != nil {
			return nil, err
		}
		if m.N == 0 {
			continue
		}
		s := &pairSums{N: m.N}
		for i, row := range m.Panels[0].Values {
			for _, x := range row[:i] {
				s.Sum = append(s.Sum, x*float64(m.N))
			}
		}
		pairs[kind] = s
	}
	return pairs, nil
}

// addPairs adds the sums of a line.
func (c *collector) addPairs(l *line) error {
	_, members := kindsOf(c.settings.Maps)
	for kind, sums := range l.Pairs {
		n := len(members[kind]) * c.settings.Heads
		if len(sums.Sum) != n*(n-1)/2 || n == 0 {
			return fmt.Errorf("sweep: the batch of example %d compares other heads of %q", l.First, kind)
		}
		to := c.pairs[kind]
		if to == nil {
			to = &pairSums{Sum: make(rounded, len(sums.Sum))}
			c.pairs[kind] = to
		}
		to.N += sums.N
		for i, x := range sums.Sum {
			to.Sum[i] += x
		}
	}
	return nil
}

// clusters makes of each kind of map a matrix of the divergence between heads, ordered by clustering, and the steps of it.
func (c *collector) clusters(s *Summary) error {
	kinds, members := kindsOf(c.settings.Maps)
	for _, kind := range kinds {
		sums := c.pairs[kind]
		if sums == nil || sums.N == 0 {
			continue
		}
		m := analysis.Matrix{Meta: c.meta("Jensen-Shannon divergence of heads of " + kind), Rows: analysis.Axis{Name: "head"}, High: 1}
		m.Unit, m.N = "bits", sums.N
		for _, name := range members[kind] {
			for h := range c.settings.Heads {
				m.Rows.Labels = append(m.Rows.Labels, fmt.Sprintf("%s head %d", name, h))
			}
		}
		m.Cols = m.Rows
		n := len(m.Rows.Labels)
		values := make([][]float64, n)
		for i := range values {
			values[i] = make([]float64, n)
		}
		at := 0
		for i := range values {
			for j := range i {
				x := sums.Sum[at] / float64(sums.N)
				if math.IsNaN(x) {
					return fmt.Errorf("sweep: the divergence of %s and %s is not a number", m.Rows.Labels[i], m.Rows.Labels[j])
				}
				values[i][j], values[j][i] = x, x
				at++
			}
		}
		m.Panels = []analysis.MatrixPanel{{Values: values}}
		ordered, joins, err := attention.Clustered(m)
		if err != nil {
			return fmt.Errorf("sweep: heads of %s: %w", kind, err)
		}
		file := "clusters-" + strings.ReplaceAll(kind, ".", "-")
		s.Matrices = append(s.Matrices, Named[analysis.Matrix]{file, ordered})
		s.Steps = append(s.Steps, Named[analysis.Table]{file + "-steps", joins})
	}
	slices.SortStableFunc(s.Steps, func(a, b Named[analysis.Table]) int { return strings.Compare(a.Name, b.Name) })
	return nil
}
