package relevance_test

import (
	"context"
	"math"
	"slices"
	"strings"
	"testing"

	"github.com/seed-516990b0/golxmert/analysis"
	"github.com/seed-516990b0/golxmert/analysis/internal/goldencase"
	"github.com/seed-516990b0/golxmert/analysis/relevance"
	"github.com/seed-516990b0/golxmert/lxmert"
)

func prune(t *testing.T, eng lxmert.Engine, b *lxmert.Batch, importance analysis.Matrix, opt relevance.PruneOptions) analysis.Curve {
	t.Helper()
	c, err := relevance.Prune(context.Background(), eng, b, analysis.Predicted(), importance, opt)
	if err != nil {
		t.Fatal(err)
	}
	return c
}

// only is importance that is 1 for some heads of a map and 0 for all others.
func only(cfg lxmert.Config, name string, heads ...int) analysis.Matrix {
	m := analysis.Matrix{Rows: analysis.Axis{Name: "head"}, Cols: analysis.Axis{Name: "map", Labels: cfg.Maps()}, Panels: []analysis.MatrixPanel{{}}}
	for h := range cfg.Heads {
		row := make([]float64, len(cfg.Maps()))
		if slices.Contains(heads, h) {
			row[slices.Index(cfg.Maps(), name)] = 1
		}
		m.Panels[0].Values = append(m.Panels[0].Values, row)
	}
	return m
}

// TestPruningOneHeadIsItsGate: the most important head goes first, by a gate of 0, of which the goldens have the answers.
func TestPruningOneHeadIsItsGate(t *testing.T) {
	eachGolden(t, func(t *testing.T, eng *engine, b *lxmert.Batch, folder string) {
		golden := goldencase.Open(t, folder, "interv")
		golden.Use("")
		name := ""
		for _, tensor := range golden.Names() {
			if strings.Contains(tensor, "head") {
				name = tensor
			}
		}
		logits, classes := golden.Floats(name), golden.Shape(name)[1]
		forward := goldencase.Open(t, folder, "forward")
		forward.Use("")
		want := 0.0
		for n, k := range forward.Ints("qa_target") {
			want += logits[n*classes+k] / float64(b.Rows())
		}
		cfg := eng.Config()
		all := float64(cfg.Heads * len(cfg.Maps()))
		c := prune(t, eng, b, only(cfg, "x.1.ti", 1), relevance.PruneOptions{Steps: []float64{0, 1 / all}, Random: -1, RowsPerRun: 3})
		goldencase.Compare(t, name, []float64{c.Series[1].Y[1]}, []float64{want})
		if c.Series[1].Style != "dashed" || c.Series[0].Y[1] == c.Series[1].Y[1] {
			t.Errorf("%+v", c.Series)
		}
	})
}

// TestPruningCurvesBeginAndEndAlike: with every head, and without any, the order does not matter.
func TestPruningCurvesBeginAndEndAlike(t *testing.T) {
	onGo(t, func(t *testing.T, eng *engine, b *lxmert.Batch, _ string) {
		importance := relevance.MeanImportance(headImportance(t, eng, b), false)
		c := prune(t, eng, b, importance, relevance.PruneOptions{Seed: 4})
		if err := c.Check(); err != nil || len(c.Series) != 3 || len(c.X) != 21 || c.N != b.Rows() || c.Unit != "logit" || c.Model.Hash == "" {
			t.Fatalf("%v: %+v", err, c)
		}
		for _, s := range c.Series {
			for _, at := range []int{0, len(c.X) - 1} {
				if math.Abs(s.Y[at]-c.Series[0].Y[at]) > 1e-5 {
					t.Errorf("%s at %g: %g, least important first %g", s.Name, c.X[at], s.Y[at], c.Series[0].Y[at])
				}
			}
			for i := range s.Y {
				if !(s.Low[i] <= s.Y[i] && s.Y[i] <= s.High[i]) {
					t.Errorf("%s: the interval [%g, %g] is not around %g", s.Name, s.Low[i], s.High[i], s.Y[i])
				}
			}
		}
		again := prune(t, eng, b, importance, relevance.PruneOptions{Seed: 4})
		if !slices.Equal(again.Series[2].Y, c.Series[2].Y) {
			t.Error("the same seed draws other orders")
		}
	})
}

func TestPruningOfAnotherModelIsAnError(t *testing.T) {
	onGo(t, func(t *testing.T, eng *engine, b *lxmert.Batch, _ string) {
		cfg := eng.Config()
		fewer := cfg
		fewer.CrossLayers--
		undefined := only(cfg, "x.0.ti", 0)
		undefined.Panels[0].Values[1][2] = math.NaN()
		for want, c := range map[string]struct {
			importance analysis.Matrix
			steps      []float64
		}{
			"of another model":      {only(fewer, "x.0.ti", 0), nil},
			"not a number":          {undefined, nil},
			"not ascending shares":  {only(cfg, "x.0.ti", 0), []float64{0.5, 0.2}},
			"shares between 0 and ": {only(cfg, "x.0.ti", 0), []float64{0, 2}},
			"without panels":        {analysis.Matrix{}, nil},
		} {
			_, err := relevance.Prune(context.Background(), eng, b, analysis.Predicted(), c.importance, relevance.PruneOptions{Steps: c.steps})
			if err == nil || !strings.Contains(err.Error(), want) {
				t.Errorf("%v, want an error with %q", err, want)
			}
		}
	})
}
