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

func project(t *testing.T, eng lxmert.Engine, b *lxmert.Batch, opt modality.EMAPOptions) *modality.Projection {
	t.Helper()
	p, err := modality.EMAP(context.Background(), eng, b, opt)
	if err != nil {
		t.Fatal(err)
	}
	return p
}

func TestEMAPEqualsReference(t *testing.T) {
	eachGolden(t, func(t *testing.T, eng lxmert.Engine, b *lxmert.Batch, folder string) {
		golden := goldencase.Open(t, folder, "emap")
		golden.Use("emap.itm.grid", "emap.qa.grid") // of package lxrt; their means are in what is compared here
		n := golden.Shape("emap.qa.grid")[0]
		var rows []int
		for i := range n {
			rows = append(rows, i)
		}
		results := func(eng lxmert.Engine) map[string][]float64 {
			out := map[string][]float64{}
			for name, output := range map[string]string{"qa": "", "itm": "out.match"} {
				p := project(t, eng, b.Part(rows...), modality.EMAPOptions{Output: output, Side: 3})
				out["emap."+name+".logits"], out["emap."+name+".original"] = slices.Concat(p.Additive...), slices.Concat(p.Full...)
			}
			return out
		}
		within := reach(t, folder, results)
		for name, got := range results(eng) {
			golden.CompareWithin(name, got, within[name])
		}
	})
}

// interacting is a model that looks from words to regions.
func interacting() *made {
	return newMade(func(x seen) []float64 {
		var y []float64
		for c := range classes {
			y = append(y, x.ofWords(c)*x.ofRegions(c))
		}
		return y
	})
}

func TestEMAPLeavesAnAdditiveModelAsItIs(t *testing.T) {
	eng := newMade(func(x seen) []float64 {
		var y []float64
		for c := range classes {
			y = append(y, x.ofWords(c)+x.ofRegions(c))
		}
		return y
	})
	p := project(t, eng, examples(7, 5, 3, 1), modality.EMAPOptions{Side: 3})
	for i := range p.Full {
		for c := range p.Full[i] {
			if d := math.Abs(p.Full[i][c] - p.Additive[i][c]); d > 1e-12 {
				t.Errorf("example %d, class %d: %g became %g", i, c, p.Full[i][c], p.Additive[i][c])
			}
		}
	}
}

// TestEMAPOfAnEMAPIsItself: a model that answers what is left of another without interaction loses nothing more.
func TestEMAPOfAnEMAPIsItself(t *testing.T) {
	b := examples(6, 5, 3, 2)
	first := project(t, interacting(), b, modality.EMAPOptions{})
	changed := 0.0
	for i := range first.Full {
		for c := range classes {
			changed = max(changed, math.Abs(first.Full[i][c]-first.Additive[i][c]))
		}
	}
	if changed < 1e-2 {
		t.Fatalf("the projection changes a logit by %g at the most, so this shows nothing", changed)
	}
	// Texts and pictures are told by what tells them apart.
	text := func(x seen) int {
		return slices.IndexFunc(b.IDs, func(ids []int32) bool {
			for at, id := range ids {
				if x.words[at] != id {
					return false
				}
			}
			return len(x.words) == len(ids)
		})
	}
	picture := func(x seen) int {
		for i := range b.Rows() {
			if b.Feats.At(i, 0, 0) == x.regions[0][0] {
				return i
			}
		}
		return -1
	}
	second := project(t, newMade(func(x seen) []float64 {
		i, j := text(x), picture(x)
		y := make([]float64, classes)
		for c := range y {
			y[c] = first.TextOnly[i][c] + first.PictureOnly[j][c] - first.Constant[c]
		}
		return y
	}), b, modality.EMAPOptions{})
	for i := range first.Additive {
		for c, want := range first.Additive[i] {
			// The engine in between answers in float32.
			if got := second.Additive[i][c]; math.Abs(got-want) > 8*math.Abs(want)*0x1p-24*float64(b.Rows()) {
				t.Errorf("example %d, class %d: %g became %g", i, c, want, got)
			}
		}
	}
}

func TestEMAPKeepsTheMean(t *testing.T) {
	p := project(t, interacting(), examples(5, 4, 3, 3), modality.EMAPOptions{})
	for c, mean := range p.Constant {
		text, picture := 0.0, 0.0
		for i := range p.TextOnly {
			text += p.TextOnly[i][c] / 5
			picture += p.PictureOnly[i][c] / 5
		}
		if math.Abs(text-mean) > 1e-12*max(1, math.Abs(mean)) || math.Abs(picture-mean) > 1e-12*max(1, math.Abs(mean)) {
			t.Errorf("class %d: means %g of texts and %g of pictures, of all pairs %g", c, text, picture, mean)
		}
	}
}

func TestEMAPDoesNotDependOnHowPairsAreCutIntoRuns(t *testing.T) {
	b := examples(9, 4, 3, 4)
	want := project(t, interacting(), b, modality.EMAPOptions{})
	for _, side := range []int{1, 2, 4, 8} {
		sizes := map[[3]int]bool{}
		eng := interacting()
		eng.run = func(b *lxmert.Batch) { sizes[[3]int{len(b.IDs), b.Feats.Shape[0], b.Rows()}] = true }
		got := project(t, eng, b, modality.EMAPOptions{Side: side})
		for i := range want.Additive {
			for c := range classes {
				if math.Abs(got.Additive[i][c]-want.Additive[i][c]) > 1e-12*(1+math.Abs(want.Additive[i][c])) || got.OtherPictures[i][c] != want.OtherPictures[i][c] || got.OtherTexts[i][c] != want.OtherTexts[i][c] {
					t.Errorf("in runs of %d texts, example %d, class %d: %g instead of %g", side, i, c, got.Additive[i][c], want.Additive[i][c])
				}
			}
		}
		if len(sizes) != 1 {
			t.Errorf("runs of %d texts have different sizes: %v", side, sizes)
		}
	}
}

// TestTheTowersTakeLittleOfASweepOverAllPairs counts what each run of the published model costs.
func TestTheTowersTakeLittleOfASweepOverAllPairs(t *testing.T) {
	const words, regions = 18, 36
	published := lxmert.LXR955()
	towers := published
	towers.CrossLayers = 0
	// A language layer and an object-relationship layer cost what half of the towers' difference tells; the sum of both
	// towers is what a row without cross layers costs.
	tower := lxmert.FLOPs(towers, words+2, regions)
	cross := lxmert.FLOPs(published, words+2, regions) - tower
	for _, n := range []int{32, 40, 100} {
		inTowers, inCross := 0.0, 0.0
		eng := newMade(func(seen) []float64 { return make([]float64, classes) })
		eng.run = func(b *lxmert.Batch) {
			if len(b.IDs) != b.Feats.Shape[0] {
				t.Errorf("a run has %d texts and %d pictures", len(b.IDs), b.Feats.Shape[0])
			}
			inTowers += float64(len(b.IDs)) * tower
			inCross += float64(b.Rows()) * cross
		}
		project(t, eng, examples(n, words, 1, 5), modality.EMAPOptions{})
		if share := inTowers / (inTowers + inCross); share > 0.05 {
			t.Errorf("with %d examples the towers take %.1f %% of the work", n, 100*share)
		}
	}
}

func TestBadSweepsOverPairsAreErrors(t *testing.T) {
	b := examples(3, 4, 2, 6)
	for want, c := range map[string]struct {
		b      *lxmert.Batch
		output string
	}{
		"no other":               {b.Part(0), ""},
		`no output "out.sound"`:  {b, "out.sound"},
		"single words":           {b, "out.mlm"},
		"does not fit the model": {&lxmert.Batch{IDs: [][]int32{{1, 200, 2}}, Feats: lxmert.NewTensor(1, 2, 2), Boxes: lxmert.NewTensor(1, 2, 4)}, ""},
	} {
		eng := interacting()
		eng.config.LM = true
		if _, err := modality.EMAP(context.Background(), eng, c.b, modality.EMAPOptions{Output: c.output}); err == nil || !strings.Contains(err.Error(), want) {
			t.Errorf("error %v, expected one with %q", err, want)
		}
	}
}
