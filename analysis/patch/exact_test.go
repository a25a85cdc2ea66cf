package patch_test

import (
	"context"
	"errors"
	"math"
	"slices"
	"strings"
	"testing"

	"github.com/seed-516990b0/golxmert/analysis"
	"github.com/seed-516990b0/golxmert/analysis/internal/goldencase"
	"github.com/seed-516990b0/golxmert/analysis/patch"
	"github.com/seed-516990b0/golxmert/lxmert"
)

// goldenPair is the pair of all cases of a golden folder.
func goldenPair(t *testing.T, eng lxmert.Engine, folder string) *patch.Pair {
	t.Helper()
	golden := goldencase.Open(t, folder, "atp")
	golden.Use("")
	return pairOf(t, eng, inputs(golden, "clean"), inputs(golden, "corrupt"), contrast(golden))
}

// TestExactGridsEqualReference, each number in its place.
func TestExactGridsEqualReference(t *testing.T) {
	onGo(t, func(t *testing.T, eng *engine, _ *lxmert.Batch, folder string) {
		golden := goldencase.Open(t, folder, "atp")
		golden.Use("")
		results := func(eng lxmert.Engine) map[string][]float64 {
			out := map[string][]float64{}
			p := pairOf(t, eng, inputs(golden, "clean"), inputs(golden, "corrupt"), contrast(golden))
			for d, name := range map[patch.Direction]string{patch.Noising: "noise", patch.Denoising: "denoise"} {
				for row := range p.Rows() {
					x, err := p.Exact(t.Context(), d, row)
					if err != nil {
						t.Fatal(err)
					}
					for j, m := range x.Heads.Cols.Labels {
						key := "atp.head." + m + "." + name + ".share"
						for h := range x.Heads.Rows.Labels {
							out[key] = append(out[key], x.Heads.Panels[0].Values[h][j])
						}
					}
					for _, m := range []analysis.Matrix{x.Words, x.Regions} {
						for i, level := range m.Rows.Labels {
							key := "atp." + level + "." + name + ".share"
							values := slices.Clone(m.Panels[0].Values[i])
							for len(values) < golden.Shape(key)[1] { // padding has no effect: the score stays that of the run that is patched
								values = append(values, map[patch.Direction]float64{patch.Noising: 1}[d])
							}
							out[key] = append(out[key], values...)
						}
					}
				}
			}
			return out
		}
		within := reach(t, folder, results)
		for name, got := range results(eng) {
			golden.CompareWide(name, got, tolerances["share"].WithReach(within[name]))
		}
	})
}

// TestSharesOfNoDifferenceAreNotDefined, which a note says.
func TestSharesOfNoDifferenceAreNotDefined(t *testing.T) {
	onGo(t, func(t *testing.T, eng *engine, b *lxmert.Batch, _ string) {
		p := pairOf(t, eng, b.Part(0, 3), b.Part(0, 3), analysis.Predicted())
		x, err := p.Exact(t.Context(), patch.Denoising, 1)
		if err != nil {
			t.Fatal(err)
		}
		if len(x.Notes) != 1 || !strings.Contains(x.Notes[0], "not defined") || !math.IsNaN(x.Heads.Panels[0].Values[0][0]) || x.Heads.Notes == nil {
			t.Errorf("shares of no difference are %v, noted %q", x.Heads.Panels[0].Values, x.Notes)
		}
	})
}

func TestExactResultsAreDrawnAndCheckThemselves(t *testing.T) {
	onGo(t, func(t *testing.T, eng *engine, _ *lxmert.Batch, folder string) {
		p := goldenPair(t, eng, folder)
		x, err := p.Exact(t.Context(), patch.Denoising, 0)
		if err != nil {
			t.Fatal(err)
		}
		c := x.Collection()
		if err := c.Check(); err != nil || len(c.Results) != 5 {
			t.Errorf("%d results, %v", len(c.Results), err)
		}
		for _, m := range []analysis.Matrix{x.Heads, x.Words, x.Regions, x.Sublayers} {
			if m.Unit != "share" || m.Low > 0 || m.High < 1 {
				t.Errorf("%s: unit %q, scale %g to %g", m.Panels[0].Name, m.Unit, m.Low, m.High)
			}
		}
		cells := 0
		for _, row := range x.Sublayers.Panels[0].Values {
			for _, s := range row {
				if !math.IsNaN(s) {
					cells++
				}
			}
		}
		if cfg := eng.Config(); cells != len(patch.Sublayers(cfg)) || cells != 2*(cfg.LangLayers+cfg.RegionLayers)+6*cfg.CrossLayers {
			t.Errorf("%d sublayers are shown", cells)
		}
		if x.Inputs.Words[1] != x.Words.Panels[0].Values[0][1] || x.Inputs.Regions[2] != x.Regions.Panels[0].Values[0][2] {
			t.Error("words and regions on the picture are not those of the first level")
		}
		if _, err := p.Exact(t.Context(), patch.Denoising, 9); err == nil || errors.Is(err, context.Canceled) {
			t.Errorf("row 9: %v", err)
		}
	})
}
