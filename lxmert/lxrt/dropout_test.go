package lxrt

import (
	"math"
	"slices"
	"testing"

	"github.com/gomlx/compute/dtypes"
	"github.com/gomlx/compute/shapes"
	. "github.com/gomlx/gomlx/core/graph"
	"github.com/gomlx/gomlx/core/tensors"

	"github.com/seed-516990b0/golxmert/lxmert/backend"
	"github.com/seed-516990b0/golxmert/lxmert/backend/backendtest"
	"github.com/seed-516990b0/golxmert/lxmert/internal/splitmix"
)

func TestDropoutDrops(t *testing.T) {
	b := backendtest.Open(t, "go")
	drop := func(place string, seed uint64, first int, rate float64, dims ...int) []float32 {
		keys := tensors.FromFlatDataAndDimensions(DropoutKeys(seed, place, first, dims[0]), dims[0], 2)
		x, err := ExecOnce(b.Backend, func(keys *Node) *Node {
			n := &Net{dropout: &Dropout{Hidden: rate, Keys: func(string, int) *Node { return keys }}}
			return n.drop(place, Ones(keys.Graph(), shapes.Make(dtypes.Float32, dims...)), dims[0], hiddenRate)
		}, keys)
		if err != nil {
			t.Fatal(err)
		}
		var flat []float32
		for _, row := range x.Value().([][]float32) {
			flat = append(flat, row...)
		}
		return flat
	}
	const n = 64 * 1024
	a := drop("x", 1, 0, 0.1, 64, 1024)
	zeros := func(v []float32) (k int) {
		for _, x := range v {
			if x == 0 {
				k++
			} else if math.Abs(float64(x)-1/0.9) > 1e-6 {
				t.Fatalf("a number that stays is multiplied by %g, expected %g", x, 1/0.9)
			}
		}
		return k
	}
	// Six standard deviations of a binomial distribution.
	near := func(what string, k int, p float64) {
		t.Helper()
		if d := math.Abs(float64(k) - n*p); d > 6*math.Sqrt(n*p*(1-p)) {
			t.Errorf("%s: %d of %d, expected about %.0f", what, k, n, n*p)
		}
	}
	near("zeros", zeros(a), 0.1)
	both := func(b []float32, lag int) (k int) {
		for i := range a {
			if a[i] == 0 && b[(i+lag)%n] == 0 {
				k++
			}
		}
		return k
	}
	near("zeros of two neighbours", both(a, 1), 0.01)
	near("zeros of two rows", both(a, 1024), 0.01)
	near("zeros in two places", both(drop("y", 1, 0, 0.1, 64, 1024), 0), 0.01)
	near("zeros in two steps", both(drop("x", 1+splitmix.Gamma, 0, 0.1, 64, 1024), 0), 0.01)
	near("zeros with two seeds", both(drop("x", 2, 0, 0.1, 64, 1024), 0), 0.01)
	// The rows of a part are those of the whole.
	part := drop("x", 1, 16, 0.1, 8, 1024)
	for i, x := range part {
		if x != a[16*1024+i] {
			t.Fatalf("number %d of rows 16 to 24 is %g, in the whole it is %g", i, x, a[16*1024+i])
		}
	}
}

func TestDropoutKeysAreTheSameInAGraph(t *testing.T) {
	backendtest.Each(t, func(t *testing.T, b *backend.Backend) {
		places := []string{"one", "another", ""}
		const rows = 3
		e := MustNewExec(b.Backend, func(seed, first *Node) []*Node { return DropoutKeyNodes(seed, first, places, rows) })
		defer e.Finalize()
		for _, seed := range []uint64{0, 1, 0x0123456789abcdef, math.MaxUint64} {
			for _, first := range []uint64{0, 7, 1 << 31} {
				for i, x := range e.MustCall(seed, first) {
					want := DropoutKeys(seed, places[i], int(first), rows)
					var got []uint32
					for _, row := range x.Value().([][]uint32) {
						got = append(got, row...)
					}
					if !slices.Equal(got, want) {
						t.Errorf("seed %x, from row %d on, %q: %x, want %x", seed, first, places[i], got, want)
					}
				}
			}
		}
	})
}
