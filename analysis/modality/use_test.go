package modality_test

import (
	"context"
	"math"
	"testing"

	"github.com/seed-516990b0/golxmert/analysis"
	"github.com/seed-516990b0/golxmert/analysis/modality"
	"github.com/seed-516990b0/golxmert/lxmert"
)

// TestATableOfHowMuchAModelLooks: of a model that looks, every measure of looking is above that of one that is blind, for
// which all of them are 0.
func TestATableOfHowMuchAModelLooks(t *testing.T) {
	b := examples(12, 4, 3, 1)
	u, err := modality.Use(context.Background(), interacting(), b, modality.UseOptions{Target: analysis.Answer(1)})
	if err != nil {
		t.Fatal(err)
	}
	rows := map[string][]any{}
	for _, row := range u.Table().Rows {
		rows[row[0].(string)] = row
	}
	for _, name := range []string{"EMAP gap", "perceptual score, picture", "V-SHAP"} {
		row := rows[name]
		if row == nil {
			t.Fatalf("no %s in %v", name, rows)
		}
		for i := 5; i < 8; i++ {
			if x := row[i].(float64); x != 0 && !math.IsNaN(x) {
				t.Errorf("%s of a model that sees no picture: %v", name, row)
			}
		}
		if low, mean, high := row[3].(float64), row[2].(float64), row[4].(float64); !(low <= mean && mean <= high) || name != "EMAP gap" && low <= 0 {
			t.Errorf("%s of a model that looks: %v", name, row)
		}
	}
	if x := rows["accuracy"][2]; x != 1.0 {
		t.Errorf("the model agrees with itself in %v", x)
	}
	if err := u.Table().Check(); err != nil {
		t.Error(err)
	}
}

// TestWithABlindfoldAModelSeesOneEmptyRegion, whatever the picture has.
func TestWithABlindfoldAModelSeesOneEmptyRegion(t *testing.T) {
	onGo(t, func(t *testing.T, eng lxmert.Engine, b *lxmert.Batch, _ string) {
		ctx := context.Background()
		none := *b
		none.Feats, none.Boxes = lxmert.NewTensor(b.Rows(), 1, b.Feats.Shape[2]), lxmert.NewTensor(b.Rows(), 1, b.Boxes.Shape[2])
		want, err := eng.Run(ctx, &none, lxmert.Request{Want: lxmert.All("out.qa")})
		if err != nil {
			t.Fatal(err)
		}
		got, err := modality.Blindfold(eng).Run(ctx, b, lxmert.Request{Want: lxmert.All("out.qa")})
		if err != nil {
			t.Fatal(err)
		}
		for i, x := range got.Values["out.qa"].Data {
			// Padding of other buckets may be added in another order.
			if y := want.Values["out.qa"].Data[i]; math.Abs(float64(x-y)) > 1e-5*(1+math.Abs(float64(y))) {
				t.Errorf("logit %d is %g with a blindfold, %g of a picture of one empty region", i, x, y)
			}
		}
	})
}

func TestABlindModelStandsInTheTable(t *testing.T) {
	b := examples(6, 4, 3, 2)
	labels := make([][]float64, 6)
	for i := range labels {
		labels[i] = []float64{1, 0, 0.3, 0}
	}
	u, err := modality.Use(context.Background(), interacting(), b, modality.UseOptions{Labels: labels, Blind: blind(), NoShapley: true})
	if err != nil {
		t.Fatal(err)
	}
	sum := 0.0
	for _, x := range u.Blind[0].Values {
		sum += x / 6
	}
	for _, row := range u.Table().Rows {
		if row[0] == "V-SHAP" {
			t.Error("V-SHAP was left out, and is there")
		}
		if row[0] == "accuracy" && math.Abs(row[5].(float64)-sum) > 1e-12 {
			t.Errorf("accuracy of the blind model is %v, expected %g", row[5], sum)
		}
	}
}

// TestTheWaterfallEndsWithEverything, and has all values in it.
func TestTheWaterfallEndsWithEverything(t *testing.T) {
	for _, opt := range []modality.ShapleyOptions{{}, {Exact: -1, Orders: 3}} {
		for _, s := range shapley(t, product(), examples(2, 6, 5, 3), analysis.Answer(2), opt) {
			for _, most := range []int{0, 3, 10, 11} {
				w := s.Waterfall(most)
				end := w.Start
				for _, bar := range w.Bars {
					end = bar.End(end)
				}
				if math.Abs(end-s.Whole) > 1e-12 || w.Start != s.Nothing || w.Check() != nil {
					t.Errorf("%d bars go from %g to %g, expected %g to %g", len(w.Bars), w.Start, end, s.Nothing, s.Whole)
				}
				if most == 3 && len(w.Bars) != 4 {
					t.Errorf("%d bars, expected three and the rest", len(w.Bars))
				}
			}
		}
	}
}

func TestPointsOfAnAdditiveModelLieOnTheLine(t *testing.T) {
	additive := newMade(func(x seen) []float64 { return []float64{0, 0, 5 + x.ofWords(2) + x.ofRegions(2), 0} })
	s := project(t, additive, examples(6, 4, 3, 4), modality.EMAPOptions{}).Scatter()
	if n := len(s.Groups[0].X); n != 6 || len(s.Groups[1].X) != 0 {
		t.Fatalf("%d answers stay and %d change", n, len(s.Groups[1].X))
	}
	for i, x := range s.Groups[0].X {
		if y := s.Groups[0].Y[i]; math.Abs(x-y) > 1e-12*math.Abs(x) {
			t.Errorf("point %d: %g became %g", i, x, y)
		}
	}
	if err := s.Check(); err != nil {
		t.Error(err)
	}
}
