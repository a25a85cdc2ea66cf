package attention

import (
	"cmp"
	"fmt"
	"math"
	"slices"
	"strconv"
	"strings"

	"github.com/seed-516990b0/golxmert/analysis"
	"github.com/seed-516990b0/golxmert/analysis/internal/dense"
	"github.com/seed-516990b0/golxmert/lxmert"
)

// Statistic are the numbers of one head of one map in one example: means over the queries that are there. A map without a
// query, or without a key, such as one of a picture whose regions are all masked, has NaN everywhere.
type Statistic struct {
	Entropy    float64 // nats
	Normalized float64 // entropy divided by the logarithm of the number of keys that are there: 0 to 1; 0 for one key
	Max        float64 // largest share
	Gini       float64 // over the keys that are there: 0 all alike, towards 1 one key takes all
	Cover      float64 // how many keys, the largest first, hold 90 % of the mass
	Distance   float64 // expected distance: |q-k| of words, between the boxes' centres of regions (1 = the picture's side); NaN across streams
	Special    float64 // share on [CLS] and [SEP]; NaN where keys are regions
}

// StatisticNames names the numbers of a [Statistic], in order.
var StatisticNames = []string{"entropy", "normalized entropy", "max", "gini", "keys for 90 %", "distance", "special tokens"}

// Values are the numbers in the order of [StatisticNames].
func (s Statistic) Values() []float64 {
	return []float64{s.Entropy, s.Normalized, s.Max, s.Gini, s.Cover, s.Distance, s.Special}
}

// Entropy is that of a distribution over keys, nats. Shares of 0 add nothing.
func Entropy(p []float64) float64 {
	h := 0.0
	for _, x := range p {
		if x > 0 {
			h -= x * math.Log(x)
		}
	}
	return h
}

// Gini is the Gini coefficient of shares that are at least 0: 0 where all are alike, (n-1)/n where one has everything, 0 of
// nothing.
func Gini(p []float64) float64 {
	sorted := slices.Clone(p)
	slices.Sort(sorted)
	n, sum, weighted := float64(len(p)), 0.0, 0.0
	for i, x := range sorted {
		sum += x
		weighted += float64(i+1) * x
	}
	if sum == 0 {
		return 0
	}
	return (2*weighted/sum - n - 1) / n
}

// Cover is how many entries, the largest first, hold a share of the whole mass.
func Cover(p []float64, share float64) int {
	sorted := slices.Clone(p)
	slices.SortFunc(sorted, func(a, b float64) int { return cmp.Compare(b, a) })
	whole := 0.0
	for _, x := range sorted {
		whole += x
	}
	sum := 0.0
	for i, x := range sorted {
		// A hair less, so that rounding does not ask for one key more than ten equal shares need.
		if sum += x; sum >= share*whole-1e-9 {
			return i + 1
		}
	}
	return len(p)
}

// Entropies are those of each query of a map, [H][Q] in nats, padding included.
func (m *Maps) Entropies(name string, row int) ([][]float64, error) {
	t, err := m.Of(name, row)
	if err != nil {
		return nil, err
	}
	out := make([][]float64, t.Shape[0])
	for h := range out {
		a := dense.Of(t.Row(h))
		for q := range a.Rows {
			out[h] = append(out[h], Entropy(a.Row(q)))
		}
	}
	return out, nil
}

// Measure measures one map of one example: a statistic for each head.
func (m *Maps) Measure(name string, row int) ([]Statistic, error) {
	t, err := m.Of(name, row)
	if err != nil {
		return nil, err
	}
	b := m.trace.Batch
	queries, keys := sides(b, row, name)
	reach := distances(b, row, name)
	special := specialWords(b, row, name)
	out := make([]Statistic, t.Shape[0])
	for h := range out {
		out[h] = measure(dense.Of(t.Row(h)), queries, keys, reach, special)
	}
	return out, nil
}

func measure(a dense.Matrix, queries, keys []bool, reach func(q, k int) float64, special []int) Statistic {
	var s Statistic
	n := 0.0
	if !slices.Contains(keys, true) {
		queries = nil
	}
	for q, there := range queries {
		if !there {
			continue
		}
		n++
		var p []float64
		for k, x := range a.Row(q) {
			if keys[k] {
				p = append(p, x)
			}
			if reach != nil {
				s.Distance += x * reach(q, k)
			}
		}
		h := Entropy(p)
		s.Entropy += h
		if len(p) > 1 {
			s.Normalized += h / math.Log(float64(len(p)))
		}
		if len(p) > 0 {
			s.Max += slices.Max(p)
		}
		s.Gini += Gini(p)
		s.Cover += float64(Cover(p, 0.9))
		for _, k := range special {
			s.Special += a.At(q, k)
		}
	}
	for _, x := range []*float64{&s.Entropy, &s.Normalized, &s.Max, &s.Gini, &s.Cover, &s.Distance, &s.Special} {
		*x /= n // NaN without queries or keys
	}
	if reach == nil {
		s.Distance = math.NaN()
	}
	if special == nil {
		s.Special = math.NaN()
	}
	return s
}

// distances gives the distance between a query and a key; nil across the streams, which have none.
func distances(b *lxmert.Batch, row int, name string) func(q, k int) float64 {
	switch kindOf(name) {
	case "tt":
		return func(q, k int) float64 { return math.Abs(float64(q - k)) }
	case "ii":
		boxes := analysis.NewScores(analysis.Meta{}, b, row, nil, nil).Boxes
		return func(q, k int) float64 {
			dx := (boxes[q][0] + boxes[q][2] - boxes[k][0] - boxes[k][2]) / 2
			dy := (boxes[q][1] + boxes[q][3] - boxes[k][1] - boxes[k][3]) / 2
			return math.Hypot(dx, dy)
		}
	}
	return nil
}

// specialWords are the positions of [CLS] and [SEP] where keys are words: the first and the last that is there.
func specialWords(b *lxmert.Batch, row int, name string) []int {
	if !strings.HasSuffix(name, "t") {
		return nil
	}
	special := []int{0}
	for t, ok := range analysis.ValidWords(b, row) {
		if ok && t > 0 {
			special = []int{0, t}
		}
	}
	return special
}

// Grid is one statistic of every map that was read, averaged over the batch's examples: heads by maps. Examples in which it
// is not defined are left out. Names are those of [StatisticNames].
func (m *Maps) Grid(statistic string) (analysis.Matrix, error) {
	at := slices.Index(StatisticNames, statistic)
	if at < 0 {
		return analysis.Matrix{}, fmt.Errorf("there is no statistic %q; there are %s", statistic, strings.Join(StatisticNames, ", "))
	}
	b := m.trace.Batch
	out := analysis.Matrix{Meta: m.meta("attention statistics", 0), Rows: analysis.Axis{Name: "head"}, Cols: analysis.Axis{Name: "map", Labels: m.Names}}
	out.N = b.Rows()
	out.Unit, out.High = Scale(statistic)
	out.Params = map[string]string{"statistic": statistic}
	values := dense.New(m.Config.Heads, len(m.Names))
	for h := range m.Config.Heads {
		out.Rows.Labels = append(out.Rows.Labels, strconv.Itoa(h))
	}
	for j, name := range m.Names {
		sum, n := make([]float64, m.Config.Heads), make([]float64, m.Config.Heads)
		for row := range b.Rows() {
			all, err := m.Measure(name, row)
			if err != nil {
				return analysis.Matrix{}, err
			}
			for h, s := range all {
				if x := s.Values()[at]; !math.IsNaN(x) {
					sum[h], n[h] = sum[h]+x, n[h]+1
				}
			}
		}
		for h := range sum {
			values.Row(h)[j] = sum[h] / n[h]
		}
	}
	out.Panels = []analysis.MatrixPanel{{Name: statistic, Values: rowsOf(values)}}
	return out, nil
}
