package patch_test

import (
	"context"
	"errors"
	"math"
	"strings"
	"testing"

	"github.com/seed-516990b0/golxmert/analysis"
	"github.com/seed-516990b0/golxmert/analysis/patch"
	"github.com/seed-516990b0/golxmert/lxmert"
)

func sentence(ids ...int32) *lxmert.Batch {
	return &lxmert.Batch{IDs: [][]int32{ids}, Feats: lxmert.NewTensor(1, linearRegions, 2), Boxes: lxmert.NewTensor(1, linearRegions, 4)}
}

func TestInputsThatDoNotPairAreErrors(t *testing.T) {
	masked := sentence(1, 4, 2)
	masked.TextMask = [][]float32{{1, 1, 0}}
	hidden := sentence(1, 4, 2)
	hidden.RegionMask = [][]float32{{1, 0}}
	fewer := sentence(1, 4, 2)
	fewer.Feats, fewer.Boxes = lxmert.NewTensor(1, 1, 2), lxmert.NewTensor(1, 1, 4)
	two := sentence(1, 4, 2)
	two.Pairs = [][2]int{{0, 0}, {0, 0}}
	for want, b := range map[string]*lxmert.Batch{
		"replace a word by one of as many pieces": sentence(1, 4, 5, 2),
		"padding at other positions":              masked,
		"other regions masked":                    hidden,
		"regions pair by their numbers":           fewer,
		"1 rows and 2":                            two,
	} {
		_, err := patch.NewPair(context.Background(), newLinear(1), sentence(1, 3, 2), b, analysis.Answer(0))
		if !errors.Is(err, patch.ErrPair) || !strings.Contains(err.Error(), want) {
			t.Errorf("%v, want an error with %q", err, want)
		}
	}
}

func TestNodesThatTheModelHasNotAreErrors(t *testing.T) {
	p := pairOf(t, newLinear(1), sentence(1, 3, 2), sentence(1, 4, 2), analysis.Answer(0))
	for want, n := range map[string]patch.Node{
		"no activation is called":   {Name: "hid.t.9", Head: patch.All, Position: patch.All},
		"hid.t.0 has no heads":      {Name: "hid.t.0", Head: 0, Position: patch.All},
		"has no head 2":             {Name: "x.0.ti.ctx", Head: 2, Position: patch.All},
		"has no position 3":         {Name: "hid.t.0", Head: patch.All, Position: 3},
		"stands for 3 activations":  {Name: "hid.t.*", Head: patch.All, Position: patch.All},
		"out.qa has no positions":   {Name: "out.qa", Head: patch.All, Position: 0},
		"no position -2: there are": {Name: "hid.i.0", Head: patch.All, Position: -2},
	} {
		if _, err := p.Patch(context.Background(), patch.Noising, 0, []patch.Node{n}); err == nil || !strings.Contains(err.Error(), want) {
			t.Errorf("%s: %v, want an error with %q", n, err, want)
		}
	}
	if _, err := p.Patch(context.Background(), patch.Noising, 1, patch.Heads(newLinear(1).cfg)); err == nil {
		t.Error("a row was patched that is not there")
	}
}

// TestTheAtlasHasEveryHeadAndEveryLevelOnOneScale, without padding, and each number in its place.
func TestTheAtlasHasEveryHeadAndEveryLevelOnOneScale(t *testing.T) {
	eng := newLinear(1)
	p := pairOf(t, eng, sentence(1, 3, 2), sentence(1, 4, 2), analysis.Answer(0))
	a := attribute(t, p, patch.AttributionOptions{Check: 2})[0]
	atlas := a.Atlas()
	if err := atlas.Check(); err != nil || len(atlas.Results) != 3 {
		t.Fatalf("%d matrices: %v", len(atlas.Results), err)
	}
	cells, most := map[float64]int{}, 0.0
	for _, r := range atlas.Results {
		m := r.(analysis.Matrix)
		if m.High <= 0 || m.Low != -m.High || m.Method == "" || m.Unit != "logit" || m.N != 1 {
			t.Errorf("%s: scale %g to %g, %+v", m.Panels[0].Name, m.Low, m.High, m.Meta)
		}
		for _, row := range m.Panels[0].Values {
			for _, x := range row {
				cells[x]++
				most = max(most, math.Abs(x))
			}
		}
	}
	checked := 0
	for _, e := range a.Effects {
		if cells[e.Estimate] == 0 {
			t.Errorf("%s is not in the atlas", e.Node)
		}
		if !math.IsNaN(e.Exact) {
			checked++
		}
	}
	if high := atlas.Results[0].(analysis.Matrix).High; high != most || checked != 2 {
		t.Errorf("the scale ends at %g, the largest effect is %g; %d were checked", high, most, checked)
	}
	table := a.Table(2)
	if len(table.Rows) != 2 || math.Abs(table.Rows[0][1].(float64)) != most || math.IsNaN(table.Rows[1][2].(float64)) {
		t.Errorf("the table is %v", table.Rows)
	}
}

// TestRegionsOfAnotherPictureDoNotPair: only other features in the same boxes, or one replaced region, are the same picture.
func TestRegionsOfAnotherPictureDoNotPair(t *testing.T) {
	picture := func(change func(feats, boxes []float32)) *lxmert.Batch {
		b := sentence(1, 3, 2)
		for i := range b.Boxes.Data {
			b.Boxes.Data[i] = float32(i) / 16
		}
		change(b.Feats.Data, b.Boxes.Data)
		return b
	}
	same := func(_, _ []float32) {}
	for what, c := range map[string]struct {
		change func(feats, boxes []float32)
		pairs  bool
	}{
		"the same picture":              {same, true},
		"other features everywhere":     {func(f, _ []float32) { f[0], f[3] = 1, 1 }, true},
		"one region replaced":           {func(f, b []float32) { f[0], b[0] = 1, 0.9 }, true},
		"another picture":               {func(f, b []float32) { f[0], f[2], b[0], b[4] = 1, 1, 0.9, 0.8 }, false},
		"the same regions, in an order": {func(_, b []float32) { b[0], b[4] = b[4], b[0] }, false},
	} {
		_, err := patch.NewPair(context.Background(), newLinear(1), picture(same), picture(c.change), analysis.Answer(0))
		if (err == nil) != c.pairs || err != nil && (!errors.Is(err, patch.ErrPair) || !strings.Contains(err.Error(), "region 7 of one picture is not region 7")) {
			t.Errorf("%s: %v", what, err)
		}
	}
}
