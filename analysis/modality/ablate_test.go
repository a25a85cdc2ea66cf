package modality_test

import (
	"context"
	"math"
	"slices"
	"strings"
	"testing"

	"github.com/seed-516990b0/golxmert/analysis/internal/goldencase"
	"github.com/seed-516990b0/golxmert/analysis/modality"
	"github.com/seed-516990b0/golxmert/lxmert"
)

// repeat is one value for each row.
func repeat[T any](x T, rows int) []T { return slices.Repeat([]T{x}, rows) }

func TestCrossModalAblationEqualsReference(t *testing.T) {
	eachGolden(t, func(t *testing.T, eng lxmert.Engine, b *lxmert.Batch, folder string) {
		ctx := context.Background()
		golden, rel, forward := goldencase.Open(t, folder, "cma"), goldencase.Open(t, folder, "rel"), goldencase.Open(t, folder, "forward")
		rel.Use("")
		forward.Use("")
		rows := b.Rows()
		classes := golden.Shape("cma.mrc_target_dist")[1]
		var detector [][]float64
		var labels []int
		for p := range slices.Chunk(golden.Floats("cma.mrc_target_dist"), classes) {
			detector = append(detector, p)
			labels = append(labels, slices.Index(p, slices.Max(p)))
		}
		var words [][]int
		for _, at := range rel.Ints("rel.mlm.masked_pos") {
			words = append(words, []int{at})
		}
		regions := rel.Ints("rel.obj.masked_roi")
		vision := map[string]string{
			"intact": "intact", "object regions, zero feature": "zero_roi3", "object regions, removed": "remove_roi3",
			"all regions, mean feature": "mean_all", "all regions, zero feature": "zero_all", "all regions, removed": "remove_all",
		}
		language := map[string]string{
			"intact": "intact", "phrase hidden": "mask_phrase", "all words hidden": "mask_all",
			"divergence": "mrc_kl", "surprise": "mrc_xe", "feature distance": "feat_smoothl1",
		}
		results := func(eng lxmert.Engine) map[string][]float64 {
			out := map[string][]float64{}
			a, err := modality.VisionForLanguage(ctx, eng, b, words, modality.VisionOptions{Object: repeat([]int{3}, rows)})
			if err != nil {
				t.Fatal(err)
			}
			for _, m := range a.Measures {
				if name := vision[m.Name]; name != "" {
					out["cma.mlm_ce."+name] = m.Values
				}
			}
			a, err = modality.LanguageForVision(ctx, eng, b, regions, modality.LanguageOptions{Phrase: repeat([]int{1, 2}, rows), Detector: detector, Labels: labels})
			if err != nil {
				t.Fatal(err)
			}
			for _, m := range a.Measures {
				condition, measure, _ := strings.Cut(m.Name, ", ")
				out["cma."+language[measure]+"."+language[condition]] = m.Values
			}
			return out
		}
		within := reach(t, folder, results)
		for name, got := range results(eng) {
			golden.CompareWithin(name, got, within[name])
		}
		golden.Use("cma.mlm_ce.mask_all_TRAP") // TestMaskingAllRegionsAsTheReferenceDoesChangesNothing
	})
}

// TestMaskingAllRegionsAsTheReferenceDoesChangesNothing: the same number added to every key is not an ablation; removal is.
func TestMaskingAllRegionsAsTheReferenceDoesChangesNothing(t *testing.T) {
	eachGolden(t, func(t *testing.T, eng lxmert.Engine, b *lxmert.Batch, folder string) {
		golden, rel := goldencase.Open(t, folder, "cma"), goldencase.Open(t, folder, "rel")
		golden.Use("")
		rel.Use("")
		results := func(eng lxmert.Engine) map[string][]float64 {
			masked := *b
			masked.IDs, masked.RegionMask = nil, repeat(make([]float32, b.V()), b.Rows())
			term := lxmert.Term{Output: "out.mlm", Kind: lxmert.LogProb, Weight: repeat(float32(-1), b.Rows())}
			for row, at := range rel.Ints("rel.mlm.masked_pos") {
				ids := slices.Clone(b.IDs[row])
				term.Position, term.Class = append(term.Position, at), append(term.Class, int(ids[at]))
				ids[at] = eng.Config().Special.Mask
				masked.IDs = append(masked.IDs, ids)
			}
			trace, err := eng.Run(context.Background(), &masked, lxmert.Request{Grad: &lxmert.Grad{Of: []lxmert.Term{term}}})
			if err != nil {
				t.Fatal(err)
			}
			var got []float64
			for _, s := range trace.Score {
				got = append(got, float64(s))
			}
			return map[string][]float64{"cma.mlm_ce.mask_all_TRAP": got}
		}
		// Beside 10,000 a number keeps three decimals, in every score of every map over regions.
		const lost = 1e-3
		for name, got := range results(eng) {
			intact := golden.Floats("cma.mlm_ce.intact")
			for i, want := range golden.Floats(name) {
				if math.Abs(got[i]-want) > lost*float64(10+len(got)) || math.Abs(want-intact[i]) > 1e-9 {
					t.Errorf("row %d: %g nats, expected %g, and with all regions %g", i, got[i], want, intact[i])
				}
			}
		}
	})
}

func TestRegionsThatCoverABox(t *testing.T) {
	b := &lxmert.Batch{IDs: [][]int32{{1, 2}}, Feats: lxmert.NewTensor(1, 4, 2), Boxes: lxmert.Tensor{Shape: []int{1, 4, 4}, Data: []float32{
		0, 0, 1, 1, // all of it
		0.5, 0.5, 0.75, 0.75, // a quarter of the box, and all of its own
		0, 0, 0.5, 1, // half of it, which is not more than half
		0.4, 0, 0.9, 1, // most
	}}, RegionMask: [][]float32{{1, 1, 1, 1}}}
	box := [4]float64{0.25, 0.25, 0.75, 0.75}
	if got := modality.Covering(b, 0, box, 0.5); !slices.Equal(got, []int{0, 3}) {
		t.Errorf("regions %v, expected 0 and 3", got)
	}
	b.RegionMask[0][3] = 0
	if got := modality.Covering(b, 0, box, 0.5); !slices.Equal(got, []int{0}) {
		t.Errorf("regions %v, expected 0, as 3 is not there", got)
	}
}

func TestAblationTablesSayHowSureTheyAre(t *testing.T) {
	a := &modality.Ablation{Measures: []modality.Measure{{Name: "intact", Unit: "nats", Values: []float64{1, 2, 3, math.NaN()}}}}
	table := a.Table()
	row := table.Rows[0]
	if row[2] != 2.0 || !(row[3].(float64) >= 1 && row[3].(float64) < 2 && row[4].(float64) <= 3 && row[4].(float64) > 2) || table.Level != 0.95 {
		t.Errorf("row %v of level %g", row, table.Level)
	}
	if len(table.Notes) != 1 || !strings.Contains(table.Notes[0], "1 example") {
		t.Errorf("notes %q", table.Notes)
	}
}

func TestBadAblationsAreErrors(t *testing.T) {
	b := examples(2, 3, 2, 1)
	ctx := context.Background()
	eng := interacting()
	eng.config.LM, eng.config.FeatHead, eng.config.Objects = true, true, 3
	for want, run := range map[string]func() error{
		"words to hide in 1 rows": func() error {
			_, err := modality.VisionForLanguage(ctx, eng, b, [][]int{{1}}, modality.VisionOptions{})
			return err
		},
		"row 1 has no word to hide": func() error {
			_, err := modality.VisionForLanguage(ctx, eng, b, [][]int{{1}, {}}, modality.VisionOptions{})
			return err
		},
		"no word at position 9": func() error {
			_, err := modality.VisionForLanguage(ctx, eng, b, [][]int{{1}, {9}}, modality.VisionOptions{})
			return err
		},
		"mean feature of 3": func() error {
			_, err := modality.VisionForLanguage(ctx, eng, b, [][]int{{1}, {1}}, modality.VisionOptions{Mean: make([]float32, 3)})
			return err
		},
		"has no out.mlm": func() error {
			_, err := modality.VisionForLanguage(ctx, interacting(), b, [][]int{{1}, {1}}, modality.VisionOptions{})
			return err
		},
		"row 0 has no region 5": func() error {
			_, err := modality.LanguageForVision(ctx, eng, b, []int{5, 0}, modality.LanguageOptions{})
			return err
		},
		"labels of 1 rows": func() error {
			_, err := modality.LanguageForVision(ctx, eng, b, []int{0, 0}, modality.LanguageOptions{Labels: []int{1}})
			return err
		},
		"the class 3": func() error {
			_, err := modality.LanguageForVision(ctx, eng, b, []int{0, 0}, modality.LanguageOptions{Labels: []int{1, 3}})
			return err
		},
		"nothing to compare": func() error {
			_, err := modality.LanguageForVision(ctx, interacting(), b, []int{0, 0}, modality.LanguageOptions{})
			return err
		},
	} {
		if err := run(); err == nil || !strings.Contains(err.Error(), want) {
			t.Errorf("error %v, expected one with %q", err, want)
		}
	}
}
