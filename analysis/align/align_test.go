package align_test

import (
	"context"
	"math"
	"slices"
	"testing"

	"github.com/seed-516990b0/golxmert/analysis/align"
	"github.com/seed-516990b0/golxmert/internal/goldentest"
	"github.com/seed-516990b0/golxmert/internal/roundingtest"
	"github.com/seed-516990b0/golxmert/lxmert"
	"github.com/seed-516990b0/golxmert/lxmert/backend"
	"github.com/seed-516990b0/golxmert/lxmert/backend/backendtest"
	"github.com/seed-516990b0/golxmert/lxmert/lxrt/lxrttest"
)

func TestMain(m *testing.M) { backendtest.Main(m) }

// tolerance is what the golden files' README gives for align.
var tolerance = goldentest.Tolerance{Relative: 1.4e-5, Absolute: 3e-6}

func read(t *testing.T, eng lxmert.Engine, b *lxmert.Batch) *align.Spaces {
	t.Helper()
	s, err := align.Read(context.Background(), eng, b)
	if err != nil {
		t.Fatal(err)
	}
	return s
}

func TestAlignmentEqualsReference(t *testing.T) {
	backendtest.Each(t, func(t *testing.T, back *backend.Backend) {
		lxrttest.EachAnalysis(t, back, func(t *testing.T, eng lxmert.Engine, b *lxmert.Batch, folder string) {
			golden := goldentest.Open(t, folder+"/align.safetensors")
			var pairs []int
			for _, p := range align.Pairs(eng.Config()) {
				pairs = append(pairs, p[0], p[1])
			}
			if want := golden.Ints("align.pairs"); !slices.Equal(pairs, want) {
				t.Errorf("pairs of levels %v, expected %v", pairs, want)
			}
			results := func(eng lxmert.Engine) map[string][]float64 {
				s, out := read(t, eng, b), map[string][]float64{}
				single, pooled := s.Gap()
				for i := range single {
					out["align.gap"] = append(out["align.gap"], single[i], pooled[i])
				}
				strong, err := s.Separate(1)
				if err != nil {
					t.Fatal(err)
				}
				weak, err := s.Separate(0.001)
				if err != nil {
					t.Fatal(err)
				}
				for i := range strong {
					for _, line := range []align.Separator{strong[i], weak[i]} {
						out["align.coef"] = append(append(out["align.coef"], line.Weights...), line.Bias)
						out["align.separability"] = append(out["align.separability"], line.Right)
					}
				}
				for name, k := range map[string]int{"align.knn2": 2, "align.knn3": 3} {
					found, err := s.Neighbours(k)
					if err != nil {
						t.Fatal(err)
					}
					out[name] = slices.Concat(found...)
				}
				out["align.cka.debiased"], out["align.cka.biased"] = slices.Concat(s.CKA(true)...), slices.Concat(s.CKA(false)...)
				return out
			}
			exact, _ := lxrttest.Open(t, backendtest.Open(t, "go"), folder)
			within := roundingtest.Reach(t, exact, roundingtest.Float32, results)
			for name, got := range results(eng) {
				switch name {
				case "align.knn2", "align.knn3", "align.separability":
					// Counts: equal but for the order in which shares are summed.
					golden.CompareWide(name, got, goldentest.Tolerance{Absolute: 1e-12})
				default:
					golden.CompareWide(name, got, tolerance.WithReach(within[name]))
				}
			}
		})
	})
}

func TestPermutingExamplesAndRegionsChangesNoAlignment(t *testing.T) {
	lxrttest.EachAnalysis(t, backendtest.Open(t, "go"), func(t *testing.T, eng lxmert.Engine, b *lxmert.Batch, _ string) {
		order := make([]int, b.Rows())
		for i := range order {
			order[i] = b.Rows() - 1 - i
		}
		other := b.Part(order...)
		v := b.V()
		for n := range order {
			for i := range v {
				copy(other.Feats.Row(n).Row(i).Data, b.Feats.Row(order[n]).Row(v-1-i).Data)
				copy(other.Boxes.Row(n).Row(i).Data, b.Boxes.Row(order[n]).Row(v-1-i).Data)
			}
		}
		one, two := read(t, eng, b), read(t, eng, other)
		a, pooled := one.Gap()
		c, pooled2 := two.Gap()
		x, y := slices.Concat(a, pooled, slices.Concat(one.CKA(true)...)), slices.Concat(c, pooled2, slices.Concat(two.CKA(true)...))
		for i := range x {
			// Debiasing subtracts nearly all of what it sums.
			if math.Abs(x[i]-y[i]) > 1e-3 {
				t.Errorf("number %d is %g, in another order %g", i, x[i], y[i])
			}
		}
		k := b.Rows() - 1
		all, err := one.Neighbours(k)
		if err != nil {
			t.Fatal(err)
		}
		for _, line := range all {
			for _, x := range line {
				if math.Abs(x-1) > 1e-12 {
					t.Errorf("all others are neighbours, of which %g are the same", x)
				}
			}
		}
		for _, k := range []int{0, b.Rows()} {
			if _, err := one.Neighbours(k); err == nil {
				t.Errorf("%d neighbours of %d examples", k, b.Rows())
			}
		}
		m, err := one.Matrix(2)
		if err != nil {
			t.Fatal(err)
		}
		if err := m.Check(); err != nil {
			t.Error(err)
		}
		if err := one.Curve().Check(); err != nil {
			t.Error(err)
		}
	})
}
