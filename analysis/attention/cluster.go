package attention

import (
	"fmt"
	"math"
	"slices"
	"strconv"

	"github.com/seed-516990b0/golxmert/analysis"
)

// Join is one step of a clustering: two clusters become one at a distance. Clusters 0 to n-1 are the things themselves; the
// i-th step makes cluster n+i.
type Join struct {
	A, B     int
	Distance float64
	Size     int // things in the joined cluster
}

// Cluster joins things by average linkage, the two nearest clusters first; of equally near ones those that come
// first. Distances are a symmetric matrix such as [Maps.Pairwise] gives; n things take n-1 steps. A matrix that is not
// square, or has NaN, is an error.
func Cluster(distances [][]float64) ([]Join, error) {
	n := len(distances)
	for i, row := range distances {
		if len(row) != n {
			return nil, fmt.Errorf("distances must be a square, row %d has %d of %d entries", i, len(row), n)
		}
		for j, d := range row {
			if math.IsNaN(d) {
				return nil, fmt.Errorf("the distance between %d and %d is not a number", i, j)
			}
		}
	}
	// The average distance to a joined cluster is that to its parts, weighted by their sizes.
	type cluster struct{ id, size int }
	clusters, apart := make([]cluster, n), make([][]float64, n)
	for i := range n {
		clusters[i], apart[i] = cluster{i, 1}, slices.Clone(distances[i])
	}
	var joins []Join
	for step := range max(0, n-1) {
		a, b := 0, 1
		for i := range clusters {
			for j := i + 1; j < len(clusters); j++ {
				if apart[i][j] < apart[a][b] {
					a, b = i, j
				}
			}
		}
		x, y := clusters[a], clusters[b]
		joins = append(joins, Join{A: min(x.id, y.id), B: max(x.id, y.id), Distance: apart[a][b], Size: x.size + y.size})
		for k := range clusters {
			mean := (apart[a][k]*float64(x.size) + apart[b][k]*float64(y.size)) / float64(x.size+y.size)
			apart[a][k], apart[k][a] = mean, mean
		}
		clusters[a] = cluster{n + step, x.size + y.size}
		clusters = slices.Delete(clusters, b, b+1)
		apart = slices.Delete(apart, b, b+1)
		for k := range apart {
			apart[k] = slices.Delete(apart[k], b, b+1)
		}
	}
	return joins, nil
}

// Clustered orders distances between things, such as [Maps.Pairwise] gives, by [Cluster]: ordered is the same matrix with
// the things that are joined early beside each other, so that clusters are blocks on its diagonal, and joins is a line for
// each step. A matrix with several panels, or one that Cluster refuses, is an error.
func Clustered(distances analysis.Matrix) (ordered analysis.Matrix, joins analysis.Table, err error) {
	if len(distances.Panels) != 1 {
		return ordered, joins, fmt.Errorf("distances are one panel, not %d", len(distances.Panels))
	}
	values := distances.Panels[0].Values
	steps, err := Cluster(values)
	if err != nil {
		return ordered, joins, err
	}
	n := len(values)
	order := leaves(n, steps)
	ordered = distances
	ordered.Rows = analysis.Axis{Name: distances.Rows.Name}
	panel := analysis.MatrixPanel{Name: distances.Panels[0].Name}
	label := func(i int) string {
		if i < len(distances.Rows.Labels) {
			return distances.Rows.Labels[i]
		}
		return strconv.Itoa(i)
	}
	for _, i := range order {
		ordered.Rows.Labels = append(ordered.Rows.Labels, label(i))
		var row []float64
		for _, j := range order {
			row = append(row, values[i][j])
		}
		panel.Values = append(panel.Values, row)
	}
	ordered.Cols = ordered.Rows
	ordered.Panels = []analysis.MatrixPanel{panel}
	ordered.Notes = append(slices.Clone(distances.Notes), "Ordered by average-linkage clustering.")

	joins = analysis.Table{Meta: distances.Meta, Columns: []string{"cluster", "of", "and", "distance", "size"}}
	joins.Method = "average-linkage clustering by " + distances.Method
	name := func(cluster int) string {
		if cluster < n {
			return label(cluster)
		}
		return "cluster " + strconv.Itoa(cluster-n+1)
	}
	for i, j := range steps {
		joins.Rows = append(joins.Rows, []any{name(n + i), name(j.A), name(j.B), j.Distance, j.Size})
	}
	return ordered, joins, nil
}

// leaves are the things in the order of a dendrogram.
func leaves(n int, joins []Join) []int {
	members := make([][]int, 0, n+len(joins))
	for i := range n {
		members = append(members, []int{i})
	}
	for _, j := range joins {
		members = append(members, slices.Concat(members[j.A], members[j.B]))
	}
	if len(members) == 0 {
		return nil
	}
	return members[len(members)-1]
}
