package train

import (
	"math"
	"testing"

	. "github.com/gomlx/gomlx/core/graph"

	"github.com/seed-516990b0/golxmert/lxmert/backend"
	"github.com/seed-516990b0/golxmert/lxmert/backend/backendtest"
	"github.com/seed-516990b0/golxmert/lxmert/internal/synthetic"
)

// TestSquaresAreSummedEitherWay: a sum of n numbers that are not negative is off by n roundings of 2^-24 at most, whatever the
// order, and no way has sums of more than 2^13 numbers one after another, which a sixteenth of the largest array is, too.
func TestSquaresAreSummedEitherWay(t *testing.T) {
	const tolerance = 3 * (1 << 13) / float64(1<<24)
	sizes := [][]int{{2048, 64}, {64}, {96, 16}, {1, 3}, {1}, {4, 8, 5}}
	var arrays []any
	want := 0.0
	for i, dims := range sizes {
		n := 1
		for _, d := range dims {
			n *= d
		}
		data, s := make([]float32, n), synthetic.NewStream(i, "gradients")
		for k := range data {
			data[k] = s.Signed(k)
			want += float64(data[k]) * float64(data[k])
		}
		arrays = append(arrays, data)
	}
	backendtest.Each(t, func(t *testing.T, b *backend.Backend) {
		for _, onGPU := range []bool{false, true} {
			out, err := ExecOnce(b.Backend, func(flat []*Node) *Node {
				sum := squares{onGPU: onGPU}
				for i, x := range flat {
					sum.add(Reshape(x, sizes[i]...))
				}
				return sum.total()
			}, arrays...)
			if err != nil {
				t.Fatal(err)
			}
			if got := float64(out.Value().(float32)); math.Abs(got/want-1) > tolerance {
				t.Errorf("as on a GPU %v: %g, expected %g", onGPU, got, want)
			}
		}
	})
}
