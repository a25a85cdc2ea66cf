package attention_test

import (
	"context"
	"fmt"
	"math"
	"slices"
	"strings"
	"testing"

	"github.com/seed-516990b0/golxmert/analysis"
	"github.com/seed-516990b0/golxmert/analysis/attention"
	"github.com/seed-516990b0/golxmert/lxmert"
)

func TestPatternsChooseMaps(t *testing.T) {
	onGo(t, func(t *testing.T, eng lxmert.Engine, b *lxmert.Batch, _ string) {
		m, err := attention.Read(context.Background(), eng, b, "x.*.ti", "l.0.tt")
		if err != nil {
			t.Fatal(err)
		}
		want := []string{"l.0.tt"}
		for k := range m.Config.CrossLayers {
			want = append(want, fmt.Sprintf("x.%d.ti", k))
		}
		if !slices.Equal(m.Names, want) {
			t.Errorf("maps %v, expected %v", m.Names, want)
		}
		last := fmt.Sprintf("x.%d.ii", m.Config.CrossLayers-1)
		if _, err := attention.Read(context.Background(), eng, b, "x.0.ti", "x.*.q"); err == nil || !strings.Contains(err.Error(), last) {
			t.Errorf("a pattern of no map: error %v", err)
		}
		if _, err := m.Of("x.0.it", 0); err == nil {
			t.Error("a map was found that was not read")
		}
		if _, err := m.Of("x.0.ti", b.Rows()); err == nil {
			t.Error("a row was found that is not there")
		}
	})
}

func TestMeansAndMatricesAreOfTheMaps(t *testing.T) {
	onGo(t, func(t *testing.T, eng lxmert.Engine, b *lxmert.Batch, _ string) {
		m := read(t, eng, b)
		const row = 1
		layers, err := m.LayerMean("x.ti", row)
		if err != nil {
			t.Fatal(err)
		}
		matrices := []analysis.Matrix{layers}
		want := make([]float64, len(b.IDs[row])*b.V())
		for k := range m.Config.CrossLayers {
			mean, err := m.HeadMean(fmt.Sprintf("x.%d.ti", k), row)
			if err != nil {
				t.Fatal(err)
			}
			matrix, err := m.Matrix(fmt.Sprintf("x.%d.ti", k), row)
			if err != nil {
				t.Fatal(err)
			}
			if len(matrix.Panels) != m.Config.Heads {
				t.Errorf("%d panels", len(matrix.Panels))
			}
			heads := make([]float64, len(want))
			for _, p := range matrix.Panels {
				for i, x := range flat(p) {
					heads[i] += x / float64(m.Config.Heads)
				}
			}
			for i, x := range flat(mean.Panels[0]) {
				if math.Abs(x-heads[i]) > 1e-12 {
					t.Fatalf("layer %d, entry %d: the heads' mean is %g, expected %g", k, i, x, heads[i])
				}
				want[i] += x / float64(m.Config.CrossLayers)
			}
			matrices = append(matrices, mean, matrix)
		}
		for i, x := range flat(layers.Panels[0]) {
			if math.Abs(x-want[i]) > 1e-12 {
				t.Fatalf("entry %d: the layers' mean is %g, expected %g", i, x, want[i])
			}
		}
		for _, x := range matrices {
			if x.Method == "" || x.Unit != "share" || x.Model.Hash == "" || x.High != 1 || len(x.Cols.Labels) != b.V() || len(x.Rows.Labels) != len(b.IDs[row]) {
				t.Errorf("%+v with %d rows and %d columns does not say what it is", x.Meta, len(x.Rows.Labels), len(x.Cols.Labels))
			}
			for _, p := range x.Panels {
				for q, values := range p.Values {
					if s := sum(values); math.Abs(s-1) > 1e-5 {
						t.Errorf("%s: query %d attends with %g", x.Method, q, s)
					}
				}
			}
		}
		if _, err := m.LayerMean("x.q", row); err == nil {
			t.Error("there is a mean of no maps")
		}
	})
}

func flat(p analysis.MatrixPanel) []float64 { return slices.Concat(p.Values...) }

func TestMapsOfPairsAreThoseOfTheirTextAndImage(t *testing.T) {
	onGo(t, func(t *testing.T, eng lxmert.Engine, b *lxmert.Batch, _ string) {
		pairs := *b
		last := b.Rows() - 1
		pairs.Pairs = [][2]int{{last, 1}, {0, 1}, {last, 2}}
		shared, separate := read(t, eng, &pairs), read(t, eng, analysis.Separate(&pairs))
		for _, name := range shared.Names {
			for row := range pairs.Pairs {
				a, errA := shared.HeadMean(name, row)
				c, errC := separate.HeadMean(name, row)
				if errA != nil || errC != nil {
					t.Fatal(errA, errC)
				}
				alike(t, a, c)
			}
		}
	})
}

func TestStatisticsKeepTheirRanges(t *testing.T) {
	onGo(t, func(t *testing.T, eng lxmert.Engine, b *lxmert.Batch, _ string) {
		m := read(t, eng, b)
		for _, statistic := range attention.StatisticNames {
			grid, err := m.Grid(statistic)
			if err != nil {
				t.Fatal(err)
			}
			for h, row := range grid.Panels[0].Values {
				for j, x := range row {
					if x < 0 || (grid.High > 0 && x > grid.High+1e-6) {
						t.Errorf("%s of head %d in %s is %g", statistic, h, grid.Cols.Labels[j], x)
					}
					if across := strings.HasSuffix(grid.Cols.Labels[j], "ti") || strings.HasSuffix(grid.Cols.Labels[j], "it"); statistic == "distance" && math.IsNaN(x) != across {
						t.Errorf("distance in %s is %g", grid.Cols.Labels[j], x)
					}
				}
			}
		}
		if _, err := m.Grid("beauty"); err == nil || !strings.Contains(err.Error(), "entropy") {
			t.Errorf("an unknown statistic: error %v", err)
		}
	})
}

func TestStatisticsOfSimpleDistributions(t *testing.T) {
	uniform, one := []float64{.25, .25, .25, .25}, []float64{0, 0, 1, 0}
	if got := attention.Entropy(uniform); math.Abs(got-math.Log(4)) > 1e-12 {
		t.Errorf("entropy of the uniform distribution %g", got)
	}
	if got := attention.Entropy(one); got != 0 {
		t.Errorf("entropy of a single key %g", got)
	}
	if a, b, c := attention.Gini(uniform), attention.Gini(one), attention.Gini([]float64{0, 0}); math.Abs(a) > 1e-12 || math.Abs(b-.75) > 1e-12 || c != 0 {
		t.Errorf("Gini coefficients %g, %g, %g, expected 0, 0.75, 0", a, b, c)
	}
	tenth := slices.Repeat([]float64{.1}, 10)
	if a, b := attention.Cover(tenth, .9), attention.Cover(one, .9); a != 9 || b != 1 {
		t.Errorf("%d and %d keys hold 90 %%, expected 9 and 1", a, b)
	}
}
