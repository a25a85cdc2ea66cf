package patch_test

import (
	"context"
	"math"
	"strings"
	"testing"

	"github.com/seed-516990b0/golxmert/analysis"
	"github.com/seed-516990b0/golxmert/analysis/internal/goldencase"
	"github.com/seed-516990b0/golxmert/analysis/patch"
	"github.com/seed-516990b0/golxmert/internal/goldentest"
	"github.com/seed-516990b0/golxmert/lxmert"
)

// tolerances of the goldens' README, by the end of a tensor's name.
var tolerances = map[string]goldentest.Tolerance{
	"metric": {Relative: 2e-5, Absolute: 3e-6}, "exact": {Relative: 1.4e-4, Absolute: 2e-5}, "share": {Relative: 2e-5, Absolute: 2e-5},
	"est": {Relative: 3.5e-4, Absolute: 2e-5}, "star": {Relative: 1.5e-4, Absolute: 2e-5},
}

// inputs are one of the two inputs of all cases.
func inputs(golden goldencase.File, side string) *lxmert.Batch {
	at := "atp." + side + "."
	feats, boxes := golden.Shape(at+"visual_feats"), golden.Shape(at+"boxes")
	b := &lxmert.Batch{
		Feats: lxmert.Tensor{Shape: feats, Data: golden.Float32s(at + "visual_feats")},
		Boxes: lxmert.Tensor{Shape: boxes, Data: golden.Float32s(at + "boxes")},
	}
	t := golden.Shape(at + "input_ids")[1]
	ids, mask := golden.Int32s(at+"input_ids"), golden.Float32s(at+"attention_mask")
	for ; len(ids) > 0; ids, mask = ids[t:], mask[t:] {
		b.IDs, b.TextMask = append(b.IDs, ids[:t]), append(b.TextMask, mask[:t])
	}
	return b
}

// contrast is the difference of the two answers that each case names.
func contrast(golden goldencase.File) analysis.Target {
	var a, b []int
	for at := golden.Ints("atp.answers"); len(at) > 0; at = at[2:] {
		a, b = append(a, at[0]), append(b, at[1])
	}
	return analysis.Sum(analysis.Answer(a...), analysis.Times(-1, analysis.Answer(b...)))
}

func pairOf(t *testing.T, eng lxmert.Engine, clean, corrupted *lxmert.Batch, target analysis.Target) *patch.Pair {
	t.Helper()
	p, err := patch.NewPair(context.Background(), eng, clean, corrupted, target)
	if err != nil {
		t.Fatal(err)
	}
	return p
}

func attribute(t *testing.T, p *patch.Pair, opt patch.AttributionOptions) []patch.Attribution {
	t.Helper()
	all, err := p.Attribute(context.Background(), opt)
	if err != nil {
		t.Fatal(err)
	}
	return all
}

// tensorOf is what the goldens call the place of a node.
func tensorOf(n patch.Node) string {
	for suffix, kind := range map[string]string{".ctx": "head.", ".q": "q.", ".k": "k."} {
		if name, ok := strings.CutSuffix(n.Name, suffix); ok {
			return "atp." + kind + name
		}
	}
	return "atp." + n.Name
}

func TestAttributionAndActivationPatchingEqualReference(t *testing.T) {
	eachGolden(t, func(t *testing.T, eng *engine, _ *lxmert.Batch, folder string) {
		golden := goldencase.Open(t, folder, "atp")
		golden.Use("atp.case.") // says how the inputs were made
		clean, corrupted, target := inputs(golden, "clean"), inputs(golden, "corrupt"), contrast(golden)
		results := func(eng lxmert.Engine) map[string][]float64 {
			out := map[string][]float64{}
			add := func(name string, x float64) { out[name] = append(out[name], x) }
			p := pairOf(t, eng, clean, corrupted, target)
			for _, d := range []patch.Direction{patch.Noising, patch.Denoising} {
				for row, a := range attribute(t, p, patch.AttributionOptions{Direction: d, QueriesAndKeys: d == patch.Noising, Check: -1}) {
					if d == patch.Noising {
						add("atp.metric", a.Clean)
						add("atp.metric", a.Corrupted)
					}
					for _, e := range a.Effects {
						name := tensorOf(e.Node)
						if e.Node.Head != patch.All && e.Node.Position != patch.All {
							add(name+".est", e.FirstOrder)
							add(name+".star", e.Estimate)
							add(name+".exact", e.Exact)
							continue
						}
						name += map[patch.Direction]string{patch.Noising: ".noise", patch.Denoising: ".denoise"}[d]
						add(name+".est", e.Estimate)
						add(name+".exact", e.Exact)
						add(name+".share", p.Share(d, row, e.Exact))
					}
				}
			}
			return out
		}
		within := reach(t, folder, results)
		for name, got := range results(eng) {
			end := name[strings.LastIndexByte(name, '.')+1:]
			golden.CompareWide(name, got, tolerances[end].WithReach(within[name]))
		}
	})
}

// rounding is how far apart two runs of the same in float32 may score, in batches of different sizes.
func rounding(a patch.Attribution) float64 {
	return 1e-5 * (1 + math.Abs(a.Clean) + math.Abs(a.Corrupted))
}

func TestAttributionOfABatchNeedsOneRunOfEachInput(t *testing.T) {
	onGo(t, func(t *testing.T, eng *engine, _ *lxmert.Batch, folder string) {
		golden := goldencase.Open(t, folder, "atp")
		golden.Use("")
		p := pairOf(t, eng, inputs(golden, "clean"), inputs(golden, "corrupt"), contrast(golden))
		attribute(t, p, patch.AttributionOptions{QueriesAndKeys: true})
		if eng.Runs != 2 {
			t.Errorf("%d runs for all nodes of all cases, expected one of each input", eng.Runs)
		}
	})
}

// TestNodesOutsideEveryPathHaveNoEffect: [CLS] reads neither the last layer's regions nor its other words, the regions' tower
// does not see the words before the first cross layer, and nothing reads padding.
func TestNodesOutsideEveryPathHaveNoEffect(t *testing.T) {
	onGo(t, func(t *testing.T, eng *engine, _ *lxmert.Batch, folder string) {
		golden := goldencase.Open(t, folder, "atp")
		golden.Use("")
		cfg := eng.Config()
		clean, corrupted := inputs(golden, "clean"), inputs(golden, "corrupt")
		p := pairOf(t, eng, clean, corrupted, contrast(golden))
		levels := cfg.LangLayers + 1 + cfg.CrossLayers
		last := "x." + string(rune('0'+cfg.CrossLayers-1))
		for row, a := range attribute(t, p, patch.AttributionOptions{Check: -1}) {
			there := analysis.ValidWords(clean, row)
			some := false
			for _, e := range a.Effects {
				name, position := e.Node.Name, e.Node.Position
				outside := name == last+".it.ctx" || name == last+".ii.ctx" || strings.HasPrefix(name, "hid.i."+string(rune('0'+cfg.RegionLayers+cfg.CrossLayers)))
				if strings.HasPrefix(name, "hid.t.") {
					outside = !there[position] || name == "hid.t."+string(rune('0'+levels-1)) && position > 0
				}
				if outside && (e.Estimate != 0 || math.Abs(e.Exact) > rounding(a)) {
					t.Errorf("row %d: %s has effect %g, by first order %g", row, e.Node, e.Exact, e.Estimate)
				}
				some = some || outside
			}
			if !some {
				t.Errorf("row %d has no such nodes", row)
			}
		}
	})
}

// TestPatchingEverythingGivesTheOtherRun: all positions of a level that everything passes through.
func TestPatchingEverythingGivesTheOtherRun(t *testing.T) {
	eachGolden(t, func(t *testing.T, eng *engine, _ *lxmert.Batch, folder string) {
		golden := goldencase.Open(t, folder, "atp")
		golden.Use("")
		p := pairOf(t, eng, inputs(golden, "clean"), inputs(golden, "corrupt"), contrast(golden))
		everything := patch.Levels(eng.Config(), 1, 1)
		for i := range everything {
			everything[i].Position = patch.All
		}
		for row := range p.Rows() {
			for _, d := range []patch.Direction{patch.Noising, patch.Denoising} {
				changes, err := p.PatchTogether(context.Background(), d, row, [][]patch.Node{everything, {}})
				if err != nil {
					t.Fatal(err)
				}
				clean, corrupted := p.Metric(row)
				want := corrupted - clean
				if d == patch.Denoising {
					want = -want
				}
				limit := 1e-5 * (math.Abs(clean) + math.Abs(corrupted) + 1)
				if math.Abs(changes[0]-want) > limit || math.Abs(changes[1]) > limit {
					t.Errorf("%s, row %d: patching everything changes the score by %g and nothing by %g, expected %g and 0", d, row, changes[0], changes[1], want)
				}
			}
		}
	})
}

func TestPatchingARunIntoItselfChangesNothing(t *testing.T) {
	onGo(t, func(t *testing.T, eng *engine, b *lxmert.Batch, _ string) {
		p := pairOf(t, eng, b, b, analysis.Predicted())
		for row, a := range attribute(t, p, patch.AttributionOptions{QueriesAndKeys: true, Check: 40}) {
			for _, e := range a.Effects {
				if e.Estimate != 0 || e.FirstOrder != 0 || math.Abs(e.Exact) > rounding(a) {
					t.Errorf("row %d: %s changes the score by %g, by first order %g", row, e.Node, e.Exact, e.Estimate)
				}
			}
			if x := p.Share(patch.Noising, row, 0); !math.IsNaN(x) {
				t.Errorf("row %d: a share of no difference is %g", row, x)
			}
		}
	})
}
