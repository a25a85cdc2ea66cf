package relevance_test

import (
	"math"
	"slices"
	"testing"

	"github.com/seed-516990b0/golxmert/analysis"
	"github.com/seed-516990b0/golxmert/analysis/relevance"
	"github.com/seed-516990b0/golxmert/lxmert"
)

// GradCAM averages gradients over padding too, and rollout lets padding's attention count among that of the words, as the
// published baselines do: their values depend on the batch's longest text.
func TestPaddingChangesNothing(t *testing.T) {
	onGo(t, func(t *testing.T, eng *engine, b *lxmert.Batch, _ string) {
		for _, m := range methods() {
			if m.Name == "gradcam" || m.Name == "rollout" {
				continue
			}
			together := explain(t, m, eng, b, analysis.Predicted())
			for n := range b.Rows() {
				alone := explain(t, m, eng, rowsOf(b, n), analysis.Predicted())[0]
				if !alike(together[n].Words, alone.Words) || !alike(together[n].Regions, alone.Regions) {
					t.Errorf("%s: row %d is %v %v in the batch, alone %v %v", m.Name, n, together[n].Words, together[n].Regions, alone.Words, alone.Regions)
				}
			}
		}
	})
}

// pad gives the texts two more positions, masked as padding, and the pictures a region more, masked; the numbers in it
// would make a difference if the model saw them.
func pad(b *lxmert.Batch) *lxmert.Batch {
	c := *b
	c.IDs, c.TextMask, c.RegionMask = nil, nil, nil
	v := b.V()
	c.Feats, c.Boxes = lxmert.NewTensor(b.Rows(), v+1, b.Feats.Shape[2]), lxmert.NewTensor(b.Rows(), v+1, b.Boxes.Shape[2])
	for n, ids := range b.IDs {
		more := slices.Concat(ids, []int32{5, 6})
		mask := make([]float32, len(more))
		for i := range ids {
			mask[i] = 1
		}
		there := slices.Repeat([]float32{1}, v+1)
		there[v] = 0
		c.IDs, c.TextMask, c.RegionMask = append(c.IDs, more), append(c.TextMask, mask), append(c.RegionMask, there)
		for i := range v + 1 {
			copy(c.Feats.Row(n).Row(i).Data, b.Feats.Row(n).Row(i%v).Data)
			copy(c.Boxes.Row(n).Row(i).Data, b.Boxes.Row(n).Row(i%v).Data)
		}
	}
	return &c
}

// GradCAM and rollout are left out for the reason that TestPaddingChangesNothing gives.
func TestAPaddedBatchIsExplainedLikeTheUnpadded(t *testing.T) {
	onGo(t, func(t *testing.T, eng *engine, b *lxmert.Batch, _ string) {
		padded := pad(b)
		var names []string
		var plain, more [][]analysis.Scores
		for _, m := range methods() {
			if m.Name == "gradcam" || m.Name == "rollout" {
				continue
			}
			want, got := explain(t, m, eng, b, analysis.Predicted()), explain(t, m, eng, padded, analysis.Predicted())
			for n := range want {
				words, regions := got[n].Words[:len(b.IDs[n])], got[n].Regions[:b.V()]
				if !alike(words, want[n].Words) || !alike(regions, want[n].Regions) {
					t.Errorf("%s: row %d: %v %v, without padding %v %v", m.Name, n, words, regions, want[n].Words, want[n].Regions)
				}
				if slices.ContainsFunc(got[n].Words[len(words):], func(x float64) bool { return x != 0 }) || math.Abs(got[n].Regions[b.V()]) > 1e-6 {
					t.Errorf("%s: row %d: padding has %v, the masked region %g", m.Name, n, got[n].Words[len(words):], got[n].Regions[b.V()])
				}
				if !alike(got[n].Inner(), want[n].Inner()) || !alike(got[n].Unmasked(), want[n].Regions) {
					t.Errorf("%s: row %d: what is ranked is %v %v", m.Name, n, got[n].Inner(), got[n].Unmasked())
				}
			}
			names, plain, more = append(names, m.Name), append(plain, want), append(more, got)
		}
		want, err := relevance.Agreement(names, plain, 2)
		if err != nil {
			t.Fatal(err)
		}
		got, err := relevance.Agreement(names, more, 2)
		if err != nil {
			t.Fatal(err)
		}
		for i, row := range want.Rows {
			a, b := []float64{row[3].(float64), row[4].(float64), row[5].(float64)}, []float64{got.Rows[i][3].(float64), got.Rows[i][4].(float64), got.Rows[i][5].(float64)}
			if !slices.Equal(row[:3], got.Rows[i][:3]) || row[6] != got.Rows[i][6] || !alike(a, b) && !slices.ContainsFunc(a, math.IsNaN) {
				t.Errorf("agreement %v, without padding %v", got.Rows[i], row)
			}
		}
	})
}

func TestMaskedRegionsHaveNoRelevance(t *testing.T) {
	onGo(t, func(t *testing.T, eng *engine, b *lxmert.Batch, _ string) {
		c := *b
		for range b.Rows() {
			mask := slices.Repeat([]float32{1}, b.V())
			mask[0], mask[b.V()-1] = 0, 0
			c.RegionMask = append(c.RegionMask, mask)
		}
		for _, m := range methods() {
			for n, s := range explain(t, m, eng, &c, analysis.Predicted()) {
				for _, v := range []int{0, b.V() - 1} {
					if math.Abs(s.Regions[v]) > 1e-6 {
						t.Errorf("%s: row %d: masked region %d has %g", m.Name, n, v, s.Regions[v])
					}
				}
			}
		}
	})
}

// The reference's mask leaves an intact model where it masks everything; a row without any region must not get that
// model's relevance, nor its answer.
func TestARowWithAllRegionsMaskedIsExplainedAsIfItHadNone(t *testing.T) {
	onGo(t, func(t *testing.T, eng *engine, b *lxmert.Batch, _ string) {
		const blind = 1
		masked := *b
		for n := range b.Rows() {
			mask := slices.Repeat([]float32{1}, b.V())
			if n == blind {
				clear(mask)
			}
			masked.RegionMask = append(masked.RegionMask, mask)
		}
		none := rowsOf(b, blind)
		none.Feats, none.Boxes, none.RegionMask = lxmert.NewTensor(1, 0, b.Feats.Shape[2]), lxmert.NewTensor(1, 0, b.Boxes.Shape[2]), nil
		for _, m := range methods() {
			intact, got := explain(t, m, eng, b, analysis.Answer(1)), explain(t, m, eng, &masked, analysis.Answer(1))
			for n := range got {
				if n != blind && (!alike(got[n].Words, intact[n].Words) || !alike(got[n].Regions, intact[n].Regions)) {
					t.Errorf("%s: row %d, which has its regions, is %v %v, alone %v %v", m.Name, n, got[n].Words, got[n].Regions, intact[n].Words, intact[n].Regions)
				}
			}
			if slices.ContainsFunc(got[blind].Regions, func(x float64) bool { return x != 0 }) {
				t.Errorf("%s: masked regions have %v", m.Name, got[blind].Regions)
			}
			if m.Name == "gradcam" || m.Name == "rollout" { // depend on the batch's longest text
				continue
			}
			if want := explain(t, m, eng, none, analysis.Answer(1))[0].Words; !alike(got[blind].Words, want) {
				t.Errorf("%s: words have %v, without regions %v", m.Name, got[blind].Words, want)
			}
		}
	})
}
