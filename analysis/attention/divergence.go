package attention

import (
	"fmt"
	"math"
	"slices"
	"strings"

	"github.com/seed-516990b0/golxmert/analysis"
	"github.com/seed-516990b0/golxmert/analysis/internal/dense"
)

// Divergence is the generalised Jensen-Shannon divergence of all heads of a map in one example: the entropy of their mean
// less their mean entropy, in nats, averaged over the queries that are there. 0: all heads attend alike; at most ln(heads). Without a
// query or a key it is NaN.
func (m *Maps) Divergence(name string, row int) (float64, error) {
	heads, queries, err := m.heads(name, row)
	if err != nil {
		return 0, err
	}
	sum, n := 0.0, 0.0
	for q, there := range queries {
		if !there {
			continue
		}
		n++
		mean := make([]float64, heads[0].Cols)
		for _, a := range heads {
			for k, x := range a.Row(q) {
				mean[k] += x / float64(len(heads))
			}
			sum -= Entropy(a.Row(q)) / float64(len(heads))
		}
		sum += Entropy(mean)
	}
	return sum / n, nil
}

// heads are a map's heads, and which of its queries are there.
func (m *Maps) heads(name string, row int) ([]dense.Matrix, []bool, error) {
	t, err := m.Of(name, row)
	if err != nil {
		return nil, nil, err
	}
	var heads []dense.Matrix
	for h := range t.Shape[0] {
		heads = append(heads, dense.Of(t.Row(h)))
	}
	queries, keys := sides(m.trace.Batch, row, name)
	if !slices.Contains(keys, true) {
		queries = nil
	}
	return heads, queries, nil
}

// Pairwise is the Jensen-Shannon divergence between every two heads of maps with the same queries and keys, to base 2 (0
// alike, 1 disjoint), averaged over the queries of each example that are there, and over the examples. It is symmetric with
// zeros on the diagonal. [Clustered] orders it.
func (m *Maps) Pairwise(names ...string) (analysis.Matrix, error) {
	if len(names) == 0 {
		return analysis.Matrix{}, fmt.Errorf("name at least one map to compare the heads of")
	}
	size := len(names) * m.Config.Heads
	sum, n := dense.New(size, size), 0.0
	axis := analysis.Axis{Name: "head"}
	for _, name := range names {
		if kindOf(name) != kindOf(names[0]) {
			return analysis.Matrix{}, fmt.Errorf("heads of %s and %s attend between different things: compare maps of one kind", names[0], name)
		}
		for h := range m.Config.Heads {
			axis.Labels = append(axis.Labels, fmt.Sprintf("%s head %d", name, h))
		}
	}
	for row := range m.trace.Batch.Rows() {
		one, defined, err := m.pairwise(row, names)
		if err != nil {
			return analysis.Matrix{}, err
		}
		if defined {
			sum.Add(one)
			n++
		}
	}
	for i := range sum.Data {
		sum.Data[i] /= n
	}
	meta := m.meta("Jensen-Shannon divergence of heads", 0)
	meta.Unit, meta.N = "bits", int(n)
	return analysis.Matrix{Meta: meta, Rows: axis, Cols: axis, High: 1, Panels: []analysis.MatrixPanel{{Values: rowsOf(sum)}}}, nil
}

// pairwise is that of one example; it is not defined without a query or a key.
func (m *Maps) pairwise(row int, names []string) (mean dense.Matrix, defined bool, err error) {
	var heads []dense.Matrix
	var queries []bool
	for _, name := range names {
		more, there, err := m.heads(name, row)
		if err != nil {
			return mean, false, err
		}
		heads, queries = append(heads, more...), there
	}
	for i, a := range heads {
		if a.Rows != heads[0].Rows || a.Cols != heads[0].Cols {
			return mean, false, fmt.Errorf("heads of %s and %s attend between different things: compare maps of one kind", names[0], names[i/m.Config.Heads])
		}
	}
	mean = dense.New(len(heads), len(heads))
	own, middle := make([]float64, len(heads)), make([]float64, heads[0].Cols)
	n := 0.0
	for q, there := range queries {
		if !there {
			continue
		}
		n++
		for i, a := range heads {
			own[i] = Entropy(a.Row(q))
			for j, b := range heads[:i] {
				d := bits(a.Row(q), b.Row(q), own[i], own[j], middle)
				mean.Row(i)[j] += d
				mean.Row(j)[i] += d
			}
		}
	}
	for i := range mean.Data {
		mean.Data[i] /= n
	}
	return mean, n > 0, nil
}

// Between is the Jensen-Shannon divergence of each head of a map from the same head of another model that was asked about the same
// batch, to base 2 (0 alike, 1 disjoint), averaged over the queries of an example that are there. Without a query or a key it is NaN.
func (m *Maps) Between(other *Maps, name string, row int) ([]float64, error) {
	heads, queries, err := m.heads(name, row)
	if err != nil {
		return nil, err
	}
	others, _, err := other.heads(name, row)
	if err != nil {
		return nil, fmt.Errorf("the other model: %w", err)
	}
	if len(heads) != len(others) || heads[0].Rows != others[0].Rows || heads[0].Cols != others[0].Cols {
		return nil, fmt.Errorf("%s has %d heads of %d x %d, in the other model %d of %d x %d: these cannot be compared", name,
			len(heads), heads[0].Rows, heads[0].Cols, len(others), others[0].Rows, others[0].Cols)
	}
	out, middle := make([]float64, len(heads)), make([]float64, heads[0].Cols)
	for h, a := range heads {
		n := 0.0
		for q, there := range queries {
			if there {
				n++
				x, y := a.Row(q), others[h].Row(q)
				out[h] += bits(x, y, Entropy(x), Entropy(y), middle)
			}
		}
		out[h] /= n
	}
	return out, nil
}

// bits is the Jensen-Shannon divergence of two rows of known entropies, to base 2; middle is room for a row.
func bits(x, y []float64, entropyX, entropyY float64, middle []float64) float64 {
	for k := range middle {
		middle[k] = (x[k] + y[k]) / 2
	}
	return max(0, (Entropy(middle)-(entropyX+entropyY)/2)/math.Ln2)
}

// kindOf is what a map's queries and keys are: "tt", "ti", "it" or "ii".
func kindOf(name string) string { return name[strings.LastIndexByte(name, '.')+1:] }
