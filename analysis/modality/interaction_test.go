package modality_test

import (
	"context"
	"math"
	"slices"
	"strings"
	"testing"

	"github.com/seed-516990b0/golxmert/analysis"
	"github.com/seed-516990b0/golxmert/analysis/modality"
	"github.com/seed-516990b0/golxmert/lxmert"
)

func targetAnswer(class int) analysis.Target { return analysis.Answer(class) }

func interactions(t *testing.T, eng lxmert.Engine, b *lxmert.Batch, opt modality.ShapleyOptions) []analysis.Matrix {
	t.Helper()
	m, err := modality.Interactions(context.Background(), eng, b, targetAnswer(2), opt)
	if err != nil {
		t.Fatal(err)
	}
	return m
}

func TestWordsAndRegionsThatAddUpDoNotInteract(t *testing.T) {
	additive := newMade(func(x seen) []float64 { return []float64{0, 0, x.ofWords(2) + x.ofRegions(2), 0} })
	for _, opt := range []modality.ShapleyOptions{{}, {Exact: -1, Orders: 2, AbsentRegion: modality.DeleteRegion}} {
		for row, m := range interactions(t, additive, examples(2, 4, 3, 1), opt) {
			for i, line := range m.Panels[0].Values {
				for j, x := range line {
					// Scores are whole 64ths, which float32 adds exactly. NaN is a pair that was not drawn.
					if x != 0 && !math.IsNaN(x) {
						t.Errorf("row %d, word %d and region %d interact by %g", row, i, j, x)
					}
				}
			}
		}
	}
}

// TestInteractionsOfAKnownGame: (w2 + w3) (3 r1 - r1 r2 / 2) has 3 - 1/4 for w2 and r1, as r2 is there half of the time, and
// -1/4 for w2 and r2.
func TestInteractionsOfAKnownGame(t *testing.T) {
	b := examples(1, 4, 3, 7)
	want := [][]float64{{0, 0, 0}, {0, 2.75, -0.25}, {0, 2.75, -0.25}, {0, 0, 0}}
	m := interactions(t, product(), b, modality.ShapleyOptions{})[0]
	if len(m.Rows.Labels) != 4 || len(m.Cols.Labels) != 3 || len(m.Panels) != 1 || math.Abs(m.High-2.75) > 1e-12 || m.Low != -m.High {
		t.Errorf("a matrix of %v by %v with %d panels from %g to %g", m.Rows.Labels, m.Cols.Labels, len(m.Panels), m.Low, m.High)
	}
	for i, line := range m.Panels[0].Values {
		for j, x := range line {
			if math.Abs(x-want[i][j]) > 1e-12 {
				t.Errorf("word %d and region %d interact by %g, expected %g", i, j, x, want[i][j])
			}
		}
	}
	shown, err := modality.OnPicture(b, 0, m)
	if err != nil || len(shown.All()) != 4 || shown.Check() != nil {
		t.Fatalf("%d words on the picture: %v", len(shown.All()), err)
	}
	// Words 1 and 2 of the sentence are worth as much as each other, the others nothing.
	if first := shown.Scores; first.Method != `interaction with "2"` && first.Method != `interaction with "3"` || !slices.Equal(first.Regions, m.Panels[0].Values[1]) {
		t.Errorf("first on the picture is %s, %v", first.Method, first.Regions)
	}
	if _, err := modality.OnPicture(examples(1, 4, 2, 7), 0, m); err == nil {
		t.Error("interactions of three regions on a picture of two")
	}
	// Each of the values that are averaged is 3 or 2.5 (0 or -0.5), so n of them are within 6 / sqrt(4 n) x 0.5 of their
	// mean but once in 10^8 (Hoeffding).
	const each = 400
	drawn := interactions(t, product(), b, modality.ShapleyOptions{Exact: -1, Orders: each, Seed: 9})[0]
	for i, line := range drawn.Panels[0].Values {
		for j, x := range line {
			if math.Abs(x-want[i][j]) > 6/math.Sqrt(4*each*0.5)*0.5 || !(drawn.Panels[1].Values[i][j] >= 0) {
				t.Errorf("word %d and region %d: drawn %g ± %g, expected %g", i, j, x, drawn.Panels[1].Values[i][j], want[i][j])
			}
		}
	}
}

func TestInteractionsNeedBothModalities(t *testing.T) {
	b := &lxmert.Batch{IDs: [][]int32{{clsID, sepID}}, Feats: lxmert.NewTensor(1, 2, 2), Boxes: lxmert.NewTensor(1, 2, 4)}
	_, err := modality.Interactions(context.Background(), product(), b, targetAnswer(2), modality.ShapleyOptions{})
	if err == nil || !strings.Contains(err.Error(), "no pairs") {
		t.Errorf("error %v", err)
	}
}
