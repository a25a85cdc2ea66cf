package lxrt

import (
	"math"
	"testing"

	. "github.com/gomlx/gomlx/core/graph"

	"github.com/seed-516990b0/golxmert/lxmert/backend"
	"github.com/seed-516990b0/golxmert/lxmert/backend/backendtest"
)

// TestLabelProbabilities on rows that can be worked out by hand: sigmoid(ln 3) is 3/4, and the softmax of 0, ln 2 and ln 5 is
// 1/8, 2/8 and 5/8.
func TestLabelProbabilities(t *testing.T) {
	ln := func(x float64) float32 { return float32(math.Log(x)) }
	logits := [][]float32{{0, ln(3), -1e4}, {0, ln(2), ln(5)}, {0, ln(2), ln(5)}, {1e4, 0, 0}}
	for _, c := range []struct {
		loss   string
		target any
		want   []float32
	}{
		{"soft answers", [][]float32{{0.3, 0.9, 0.6}, {1, 0, 1}, {0, 0, 0}, {0, 1, 0}}, []float32{0.75, 5. / 6, -1, 0.5}},
		{"soft answers", [][]float32{{0.3, 0, 0.3}, {0, 0.1, 0}, {0.3, 0.3, 0.3}, {1, 0, 0}}, []float32{0.5, 2. / 3, 5. / 6, 1}},
		{"one answer", [][]float32{{0, 1, 0}, {0, 1, 0}, {1, 0, 0}, {0, 0, 0}}, []float32{0.75, 0.25, 0.125, -1}},
		{"label", []int32{1, 2, -1, 0}, []float32{0.75, 0.625, -1, 1}},
	} {
		loss, err := FindTaskLoss(c.loss)
		if err != nil {
			t.Fatal(err)
		}
		backendtest.Each(t, func(t *testing.T, b *backend.Backend) {
			exec := MustNewExec(b.Backend, func(logits, target *Node) *Node { return loss.LabelProbabilities(logits, target) })
			got := exec.MustCall(logits, c.target)[0].Value().([]float32)
			for i, want := range c.want {
				if math.Abs(float64(got[i]-want)) > 1e-6 {
					t.Errorf("%s, row %d: %g, want %g", c.loss, i, got[i], want)
				}
			}
		})
	}
}
