package align_test

import (
	"context"
	"math"
	"slices"
	"strings"
	"testing"

	"github.com/seed-516990b0/golxmert/analysis"
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

// TestBatchesAddUp says that a data set in several batches is what it is in one, and that a batch's rows may share texts and
// images.
func TestBatchesAddUp(t *testing.T) {
	lxrttest.EachAnalysis(t, backendtest.Open(t, "go"), func(t *testing.T, eng lxmert.Engine, b *lxmert.Batch, _ string) {
		var rows []int
		for n := range b.Rows() {
			rows = append(rows, n)
		}
		half := len(rows) / 2
		told := 0
		parts := func(yield func(*lxmert.Batch, error) bool) {
			_ = yield(b.Part(rows[:half]...), nil) && yield(b.Part(rows[half:]...), nil)
		}
		got, err := align.Gather(context.Background(), eng, parts, func(done int) { told = done })
		if err != nil {
			t.Fatal(err)
		}
		if got.N != b.Rows() || told != b.Rows() {
			t.Errorf("%d examples, told of %d, there are %d", got.N, told, b.Rows())
		}
		numbers := func(s *align.Spaces) []float64 {
			c, err := s.Collection()
			if err != nil {
				t.Fatal(err)
			}
			if err := c.Check(); err != nil {
				t.Error(err)
			}
			table := c.Results[2].(analysis.Table)
			var out []float64
			for _, row := range table.Rows {
				for _, x := range row[2:] {
					out = append(out, x.(float64))
				}
			}
			return slices.Concat(out, slices.Concat(s.CKA(true)...), slices.Concat(s.CKA(false)...))
		}
		// Debiasing subtracts nearly all of what it sums, and a state may lie near the line.
		want, within := numbers(read(t, eng, b)), 1e-3
		for i, x := range numbers(got) {
			if math.Abs(x-want[i]) > within {
				t.Errorf("number %d is %g, of one batch %g", i, x, want[i])
			}
		}
	})
}

// TestGapsOfMadeUpStreams are those that their states say: 0 where both are the same, 2 where one is the other turned round.
func TestGapsOfMadeUpStreams(t *testing.T) {
	b := &lxmert.Batch{IDs: [][]int32{{2, 7, 3}, {2, 8, 3}}, Feats: lxmert.NewTensor(2, 3, 2), Boxes: lxmert.NewTensor(2, 3, 4)}
	for sign, want := range map[float32]float64{1: 0, -1: 2} {
		s := read(t, opposite{sign}, b)
		single, pooled := s.Gap()
		if math.Abs(single[0]-want) > 1e-12 || math.Abs(pooled[0]-want) > 1e-12 {
			t.Errorf("regions are %g times words: the gap is %g, pooled %g, expected %g", sign, single[0], pooled[0], want)
		}
		lines, err := s.Separate(1)
		if err != nil {
			t.Fatal(err)
		}
		if right := lines[0].Right; (sign < 0) != (right > 0.99) {
			t.Errorf("regions are %g times words, and a line puts %g on their side", sign, right)
		}
	}
	none := *b
	none.Feats, none.Boxes = lxmert.NewTensor(2, 0, 2), lxmert.NewTensor(2, 0, 4)
	s := read(t, opposite{1}, &none)
	if single, _ := s.Gap(); !math.IsNaN(single[0]) {
		t.Errorf("without regions the gap is %g", single[0])
	}
	if _, err := s.Separate(1); err == nil || !strings.Contains(err.Error(), "0 regions") {
		t.Errorf("a line between words and nothing: %v", err)
	}
	empty := func(func(*lxmert.Batch, error) bool) {}
	if _, err := align.Gather(context.Background(), opposite{1}, empty, nil); err == nil {
		t.Error("nothing was compared")
	}
}

// opposite is a model without layers whose words are (1, 1), and whose regions are that times a sign.
type opposite struct{ sign float32 }

func (opposite) Config() lxmert.Config { return turned{}.Config() }

func (o opposite) Run(_ context.Context, b *lxmert.Batch, _ lxmert.Request) (*lxmert.Trace, error) {
	words, regions := lxmert.NewTensor(b.Rows(), b.T(), 2), lxmert.NewTensor(b.Rows(), b.V(), 2)
	for i := range words.Data {
		words.Data[i] = 1
	}
	for i := range regions.Data {
		regions.Data[i] = o.sign
	}
	return &lxmert.Trace{Values: map[string]lxmert.Tensor{"hid.t.0": words, "hid.i.0": regions}, Batch: b}, nil
}
