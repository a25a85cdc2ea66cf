package attention_test

import (
	"math"
	"slices"
	"strconv"
	"strings"
	"testing"

	"github.com/seed-516990b0/golxmert/analysis"
	"github.com/seed-516990b0/golxmert/analysis/attention"
	"github.com/seed-516990b0/golxmert/lxmert"
)

func TestLayersCountBothStreamsSoThatTheyEndTogether(t *testing.T) {
	maps := lxmert.Config{LangLayers: 3, RegionLayers: 1, CrossLayers: 2}.Maps()
	var mean []float64
	for i := range maps {
		mean = append(mean, float64(i))
	}
	c := attention.LayerCurve(analysis.Meta{Method: "m"}, "entropy", maps, mean, nil, nil)
	if !slices.Equal(c.X, []float64{1, 2, 3, 4, 5}) || c.Rules["cross-modality layers"] != 3.5 || c.Method != "m" {
		t.Errorf("%+v", c)
	}
	for _, s := range c.Series {
		for x, y := range s.Y {
			var layer int
			switch s.Name {
			case "l.tt":
				layer = x
			case "r.ii":
				layer = x - 2
			default:
				layer = x - 3
			}
			name := s.Name[:1] + "." + strconv.Itoa(layer) + s.Name[1:]
			if at := slices.Index(maps, name); layer >= 0 && at >= 0 && y != mean[at] || (layer < 0 || at < 0) != math.IsNaN(y) {
				t.Errorf("%s in layer %d is %g", s.Name, x, y)
			}
		}
		if s.Low != nil {
			t.Errorf("%s has an interval that nobody gave", s.Name)
		}
	}
}

func TestBandsOfLayersAreStandardErrors(t *testing.T) {
	onGo(t, func(t *testing.T, eng lxmert.Engine, b *lxmert.Batch, _ string) {
		m := read(t, eng, b)
		c, err := m.Layers("entropy")
		if err != nil {
			t.Fatal(err)
		}
		var values []float64
		for row := range b.Rows() {
			all, err := m.Measure("l.0.tt", row)
			if err != nil {
				t.Fatal(err)
			}
			mean := 0.0
			for _, s := range all {
				mean += s.Entropy / float64(len(all))
			}
			values = append(values, mean)
		}
		mean, squares, n := analysis.Mean(values), 0.0, float64(len(values))
		for _, x := range values {
			squares += (x - mean) * (x - mean)
		}
		at := slices.IndexFunc(c.Series[0].Y, func(x float64) bool { return !math.IsNaN(x) })
		s, e := c.Series[0], 1.96*math.Sqrt(squares/n/(n-1))
		if s.Name != "l.tt" || math.Abs(s.Y[at]-mean) > 1e-9 || math.Abs(s.Low[at]-(mean-e)) > 1e-3 || math.Abs(s.High[at]-(mean+e)) > 1e-3 || c.Unit != "nats" || c.N != b.Rows() {
			t.Errorf("%s is %g, %g to %g, expected %g ± %g; %+v", s.Name, s.Y[at], s.Low[at], s.High[at], mean, e, c.Meta)
		}
		one := *b
		one.Pairs = [][2]int{{0, 0}}
		alone, err := read(t, eng, &one).Layers("max")
		if err != nil || alone.Series[0].Low != nil || alone.Level != 0 {
			t.Errorf("a single example has an interval (%v)", err)
		}
		if _, err := m.Layers("beauty"); err == nil || !strings.Contains(err.Error(), "divergence of heads") {
			t.Errorf("an unknown statistic: %v", err)
		}
		table, err := m.Table()
		if err != nil || len(table.Rows) != len(m.Names)*m.Config.Heads || len(table.Columns) != 2+len(attention.StatisticNames) || table.N != b.Rows() || table.Model.Hash == "" {
			t.Errorf("%d lines of %d columns, %+v (%v)", len(table.Rows), len(table.Columns), table.Meta, err)
		}
		grid, err := m.Grid("gini")
		if err != nil {
			t.Fatal(err)
		}
		for _, line := range table.Rows {
			column := slices.Index(m.Names, line[0].(string))
			if got, want := line[2+slices.Index(attention.StatisticNames, "gini")].(float64), grid.Panels[0].Values[line[1].(int)][column]; math.Abs(got-want) > 1e-9 {
				t.Errorf("%s head %d: gini %g, in the grid %g", line[0], line[1], got, want)
			}
		}
	})
}
