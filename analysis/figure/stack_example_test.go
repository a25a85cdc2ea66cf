package figure_test

import (
	"fmt"
	"math"
	"path/filepath"
	"strconv"

	"github.com/seed-516990b0/golxmert/analysis"
	"github.com/seed-516990b0/golxmert/analysis/figure"
	"github.com/seed-516990b0/golxmert/lxmert"
)

// What patching would change, of every head and of every level at every word and region, as patch.Attribution.Atlas gives it.
func ExampleStacked() {
	s := scores()
	cfg := lxmert.Config{LangLayers: 9, RegionLayers: 5, CrossLayers: 5}
	about := meta("attribution patching, denoising", "logit")
	about.Target = `logit of "red" - logit of "blue"`
	panel := func(name string, rows, cols int, effect func(i, j int) float64) []analysis.MatrixPanel {
		p := analysis.MatrixPanel{Name: name}
		for i := range rows {
			var row []float64
			for j := range cols {
				row = append(row, effect(i, j))
			}
			p.Values = append(p.Values, row)
		}
		return []analysis.MatrixPanel{p}
	}
	heads := analysis.Matrix{
		Meta: about, Rows: analysis.Axis{Name: "head"}, Cols: analysis.Axis{Name: "map", Labels: cfg.Maps()}, Low: -1, High: 1,
		Panels: panel("heads", 12, len(cfg.Maps()), func(i, j int) float64 { return 0.4 * (wave(i, 3*j) - 0.5) * float64(j) / 34 }),
	}
	words := analysis.Matrix{
		Meta: about, Rows: analysis.Axis{Name: "level"}, Cols: analysis.Axis{Name: "word", Labels: s.Text.Pieces}, Low: -1, High: 1,
		Panels: panel("levels of words", 15, len(s.Text.Pieces), func(i, j int) float64 {
			if j == 0 {
				return float64(i) / 16
			}
			return 0.2 * (wave(i, j) - 0.3) * float64(15-i) / 15
		}),
	}
	regions := analysis.Matrix{
		Meta: about, Rows: analysis.Axis{Name: "level"}, Cols: analysis.Axis{Name: "region", Labels: s.Image.Objects}, Low: -1, High: 1,
		Panels: panel("levels of regions", 11, len(s.Image.Objects), func(i, j int) float64 {
			if j == 2 {
				return float64(11-i) / 12
			}
			return 0.2 * (wave(i, j) - 0.5)
		}),
	}
	for i := range 12 {
		heads.Rows.Labels = append(heads.Rows.Labels, strconv.Itoa(i))
	}
	for k := range 15 {
		words.Rows.Labels = append(words.Rows.Labels, "hid.t."+strconv.Itoa(k))
	}
	for k := range 11 {
		regions.Rows.Labels = append(regions.Rows.Labels, "hid.i."+strconv.Itoa(k))
	}
	atlas := analysis.Collection{Meta: about, Title: "atlas", Results: []analysis.Result{heads, words, regions}}
	fmt.Println(figure.Save(filepath.Join(out, "atlas.png"), atlas, figure.Options{DPI: 100}))
	// Output: <nil>
}

// Losses and validation of two training runs, as tuning.Trials.Curves gives them: one of them ended early.
func ExampleStacked_curves() {
	loss := analysis.Curve{Meta: analysis.Meta{Method: "training loss"}, XName: "step", YName: "loss"}
	valid := analysis.Curve{Meta: analysis.Meta{Method: "validation"}, XName: "epoch", YName: "score, %", X: []float64{1, 2, 3, 4}}
	fast, slow := make([]float64, 40), make([]float64, 40)
	for i := range 40 {
		loss.X = append(loss.X, float64(10*(i+1)))
		slow[i] = 8/(1+0.05*float64(i)) + 0.3*wave(i, 1)
		if fast[i] = 8/(1+0.2*float64(i)) + 0.3*wave(i, 2); i >= 20 {
			fast[i] = math.NaN()
		}
	}
	loss.Series = []analysis.CurveSeries{{Name: "lr=1e-5 (best)", Y: slow}, {Name: "lr=1e-3", Y: fast}}
	valid.Series = []analysis.CurveSeries{{Name: "lr=1e-5 (best)", Y: []float64{31, 48, 56, 61}}, {Name: "lr=1e-3", Y: []float64{45, 44, math.NaN(), math.NaN()}}}
	both := analysis.Collection{Results: []analysis.Result{loss, valid}}
	fmt.Println(figure.Save(filepath.Join(out, "training.png"), both, figure.Options{DPI: 100}))
	// Output: <nil>
}
