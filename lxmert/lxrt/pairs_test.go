package lxrt

import (
	"math"
	"slices"
	"testing"

	"github.com/seed-516990b0/golxmert/internal/goldentest"
	"github.com/seed-516990b0/golxmert/lxmert"
	"github.com/seed-516990b0/golxmert/lxmert/backend"
)

func TestPairsGiveEveryTextWithEveryImage(t *testing.T) {
	eachGolden(t, "analysis", func(t *testing.T, b *backend.Backend, folder string) {
		m, batch := analysisCase(t, b, folder)
		golden := openPart(t, folder, "emap")
		n := golden.Shape("emap.qa.grid")[0]
		grid := *batch
		for text := range n {
			for image := range n {
				grid.Pairs = append(grid.Pairs, [2]int{text, image})
			}
		}
		trace := run(t, m, &grid, lxmert.Request{Want: lxmert.All("out.qa", "out.match", "l.0.tt", "r.0.ii", "x.0.ti")})
		golden.Compare("emap.qa.grid", trace.Values["out.qa"].Data, analysisTolerance)
		golden.Compare("emap.itm.grid", trace.Values["out.match"].Data, analysisTolerance)
		for name, rows := range map[string]int{"l.0.tt": len(batch.IDs), "r.0.ii": len(batch.IDs), "x.0.ti": n * n} {
			if got := trace.Values[name].Shape[0]; got != rows {
				t.Errorf("%s has %d rows, expected %d", name, got, rows)
			}
		}
	})
}

// closest finds the row and class of logits at which what f makes of them is nearest to a value: golden files keep the
// value but not always the sample that it is of.
func closest(f *goldentest.File, name string, value float64, read func(x float64, row []float64) float64) (row, class int) {
	logits, width, least := f.Floats(name), f.Shape(name)[1], math.Inf(1)
	for i, x := range logits {
		at := i / width
		if d := math.Abs(read(x, logits[at*width:(at+1)*width]) - value); d < least {
			row, class, least = at, i%width, d
		}
	}
	return row, class
}

// matched is the probability of the second of two logits, whichever of them x is.
func matched(_ float64, row []float64) float64 { return 1 / (1 + math.Exp(row[0]-row[1])) }

// textLength counts a text's word pieces without padding.
func textLength(b *lxmert.Batch, row int) (n int) {
	for _, m := range b.TextMask[row] {
		if m != 0 {
			n++
		}
	}
	return n
}

// TestExactShapleyValuesNeedOneBatchOfPairs makes every subset of the words and regions of one sample, absent words replaced, absent regions dark: few
// texts, few images, and all of their pairs.
func TestExactShapleyValuesNeedOneBatchOfPairs(t *testing.T) {
	eachGolden(t, "analysis", func(t *testing.T, b *backend.Backend, folder string) {
		m, batch := analysisCase(t, b, folder)
		golden := openPart(t, folder, "shap")
		inputs := openPart(t, folder, "inputs")
		forward := openPart(t, folder, "forward")
		regions := batch.V()
		players := golden.Shape("shap.mask.coalitions")[1]
		words := players - regions
		present := golden.Int32s("shap.mask.coalitions")
		sample := 0
		for c := range len(present) / players {
			if !slices.Contains(present[c*players:(c+1)*players], 0) { // nothing is absent: the sample as it is
				sample, _ = closest(forward, "itm_logits", golden.Floats("shap.mask.itm.values")[c], matched)
			}
		}
		if n := textLength(batch, sample) - 2; n != words {
			t.Fatalf("sample %d has %d words, the coalitions have %d", sample, n, words)
		}
		class := int(forward.Int32s("qa_target")[sample])
		all := &lxmert.Batch{}
		for s := range 1 << words {
			ids := append([]int32(nil), batch.IDs[sample]...)
			for w := range words {
				if s>>w&1 == 0 {
					ids[1+w] = metaInt(t, inputs, "MASK")
				}
			}
			all.IDs = append(all.IDs, ids)
			all.TextMask = append(all.TextMask, batch.TextMask[sample])
		}
		all.Feats, all.Boxes = lxmert.NewTensor(1<<regions, regions, m.cfg.FeatDim), lxmert.NewTensor(1<<regions, regions, m.cfg.BoxDim)
		for s := range 1 << regions {
			copy(all.Boxes.Row(s).Data, batch.Boxes.Row(sample).Data)
			for v := range regions {
				if s>>v&1 == 1 {
					copy(all.Feats.Row(s).Row(v).Data, batch.Feats.Row(sample).Row(v).Data)
				}
			}
		}
		for c := range len(present) / players {
			text, image := 0, 0
			for w := range words {
				text |= int(present[c*players+w]) << w
			}
			for v := range regions {
				image |= int(present[c*players+words+v]) << v
			}
			all.Pairs = append(all.Pairs, [2]int{text, image})
		}
		trace := run(t, m, all, lxmert.Request{Want: lxmert.All("out.qa", "out.match")})
		var match, answer []float32
		for c := range all.Pairs {
			match = append(match, float32(softmax(trace.Values["out.match"].Row(c).Data)[1]))
			answer = append(answer, trace.Values["out.qa"].At(c, class))
		}
		golden.Compare("shap.mask.itm.values", match, analysisTolerance)
		golden.Compare("shap.mask.qa.values", answer, analysisTolerance)
	})
}
