package attention_test

import (
	"fmt"
	"math"
	"slices"
	"testing"

	"github.com/seed-516990b0/golxmert/analysis"
	"github.com/seed-516990b0/golxmert/analysis/attention"
	"github.com/seed-516990b0/golxmert/lxmert"
)

func TestHeadsDivergeByAtMostOneBitAndNotFromThemselves(t *testing.T) {
	onGo(t, func(t *testing.T, eng lxmert.Engine, b *lxmert.Batch, _ string) {
		m := read(t, eng, b)
		last := fmt.Sprintf("x.%d.ti", m.Config.CrossLayers-1)
		d, err := m.Pairwise("x.0.ti", last)
		if err != nil {
			t.Fatal(err)
		}
		values := d.Panels[0].Values
		for i := range values {
			for j, x := range values[i] {
				if x < 0 || x > 1 || x != values[j][i] || (i == j) != (x == 0) {
					t.Errorf("heads %d and %d diverge by %g and %g", i, j, x, values[j][i])
				}
			}
		}
		joins, err := attention.Cluster(values)
		if err != nil || len(joins) != len(values)-1 || joins[len(joins)-1].Size != len(values) {
			t.Errorf("clusters %v (%v)", joins, err)
		}
		ordered, table, err := attention.Clustered(d)
		if err != nil || len(table.Rows) != len(values)-1 || table.Model.Hash == "" || len(ordered.Notes) == 0 {
			t.Fatalf("%d joins, %+v (%v)", len(table.Rows), ordered.Meta, err)
		}
		for i, a := range ordered.Rows.Labels {
			for j, b := range ordered.Cols.Labels {
				x, y := slices.Index(d.Rows.Labels, a), slices.Index(d.Cols.Labels, b)
				if ordered.Panels[0].Values[i][j] != values[x][y] {
					t.Fatalf("%s and %s are %g apart, in order %g", a, b, values[x][y], ordered.Panels[0].Values[i][j])
				}
			}
		}
		for _, names := range [][]string{nil, {"x.0.ti", "x.0.tt"}, {"l.0.tt", "r.0.ii"}, {"x.99.ti"}} {
			if _, err := m.Pairwise(names...); err == nil {
				t.Errorf("heads of %v were compared", names)
			}
		}
	})
}

func TestThingsThatAreJoinedEarlyStandTogether(t *testing.T) {
	// Points at 0, 10, 1 and 11.
	at := []float64{0, 10, 1, 11}
	d := analysis.Matrix{Rows: analysis.Axis{Labels: []string{"a", "b", "c", "d"}}, Panels: []analysis.MatrixPanel{{}}}
	for _, x := range at {
		var row []float64
		for _, y := range at {
			row = append(row, math.Abs(x-y))
		}
		d.Panels[0].Values = append(d.Panels[0].Values, row)
	}
	ordered, joins, err := attention.Clustered(d)
	if err != nil || !slices.Equal(ordered.Rows.Labels, []string{"a", "c", "b", "d"}) || !slices.Equal(ordered.Panels[0].Values[0], []float64{0, 1, 10, 11}) {
		t.Errorf("%v (%v)", ordered, err)
	}
	want := [][]any{{"cluster 1", "a", "c", 1., 2}, {"cluster 2", "b", "d", 1., 2}, {"cluster 3", "cluster 1", "cluster 2", 10., 4}}
	for i, row := range joins.Rows {
		if !slices.Equal(row, want[i]) {
			t.Errorf("step %d is %v, expected %v", i, row, want[i])
		}
	}
	if _, _, err := attention.Clustered(analysis.Matrix{}); err == nil {
		t.Error("nothing was clustered")
	}
}

func TestNearestClustersAreJoinedFirst(t *testing.T) {
	// Three points at 0, 1 and 5, and a fourth at 6.
	at := []float64{0, 1, 5, 6}
	var distances [][]float64
	for _, x := range at {
		var row []float64
		for _, y := range at {
			row = append(row, math.Abs(x-y))
		}
		distances = append(distances, row)
	}
	got, err := attention.Cluster(distances)
	want := []attention.Join{{A: 0, B: 1, Distance: 1, Size: 2}, {A: 2, B: 3, Distance: 1, Size: 2}, {A: 4, B: 5, Distance: 5, Size: 4}}
	if err != nil || !slices.Equal(got, want) {
		t.Errorf("%v (%v), expected %v", got, err, want)
	}
	for _, bad := range [][][]float64{{{0, 1}}, {{math.NaN()}}} {
		if _, err := attention.Cluster(bad); err == nil {
			t.Errorf("%v was clustered", bad)
		}
	}
	if got, err := attention.Cluster(nil); err != nil || got != nil {
		t.Errorf("nothing became %v (%v)", got, err)
	}
}
