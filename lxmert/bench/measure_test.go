package bench

import (
	"context"
	"path/filepath"
	"testing"

	"github.com/seed-516990b0/golxmert/lxmert/backend"
	"github.com/seed-516990b0/golxmert/lxmert/internal/peak"
	"github.com/seed-516990b0/golxmert/lxmert/lxrt"
)

func TestInputsAreTextsOfSeveralLengths(t *testing.T) {
	path := filepath.Join(t.TempDir(), "inputs.safetensors")
	if err := writeInputs(path, tinySizes(), 5, 6, 4, answerItems); err != nil {
		t.Fatal(err)
	}
	b, err := lxrt.ReadBatch(path)
	if err != nil {
		t.Fatal(err)
	}
	if err := b.Check(tinySizes()); err != nil {
		t.Fatal(err)
	}
	if b.Rows() != 5 || b.T() != 6 || b.V() != 4 {
		t.Errorf("%d rows of %d words and %d regions", b.Rows(), b.T(), b.V())
	}
	for row, mask := range b.TextMask {
		words := float32(0)
		for _, m := range mask {
			words += m
		}
		if want := float32(6 - row%4); words != want {
			t.Errorf("row %d has %g words, want %g", row, words, want)
		}
	}
	first, err := firstRows(b, 2)
	if err != nil {
		t.Fatal(err)
	}
	if err := first.Check(tinySizes()); err != nil || first.Rows() != 2 || first.Feats.At(1, 3, 7) != b.Feats.At(1, 3, 7) {
		t.Errorf("the first rows: %v, %d of them", err, first.Rows())
	}
	for _, n := range []int{0, 6} {
		if _, err := firstRows(b, n); err == nil {
			t.Errorf("%d of 5 rows: no error", n)
		}
	}
}

func TestPeakIsAProductThatWasTried(t *testing.T) {
	b, err := backend.Open(context.Background(), "go", nil)
	if err != nil {
		t.Fatal(err)
	}
	defer b.Finalize()
	products := modelProducts(tinySizes(), 2, 6, 4)
	for _, p := range products {
		if p.M < 1 || p.K < 1 || p.N < 1 {
			t.Errorf("impossible product %s", p)
		}
	}
	for _, bf16 := range []bool{false, true} {
		fastest, err := peak.Measure(context.Background(), b.Backend, peak.Precision{BFloat16: bf16}, peak.Thorough, 64, products[:1]...)
		if err != nil {
			t.Fatal(err)
		}
		// Which one is the fastest depends on the machine, but it is one of those that were tried.
		p := fastest.Product
		square := p.M == p.K && p.K == p.N && p.M >= 64 && p.M&(p.M-1) == 0
		if !(fastest.GFLOPS > 0) || !square && p != products[0] {
			t.Errorf("bf16 %v: peak %+v", bf16, fastest)
		}
	}
	ctx, cancel := context.WithCancel(context.Background())
	cancel()
	if _, err := peak.Measure(ctx, b.Backend, peak.Precision{}, peak.Thorough, 64); err == nil {
		t.Error("a cancelled measurement returned a peak")
	}
}

func TestProductCountsTwoPerMultiplyAdd(t *testing.T) {
	if p := (Product{M: 2, K: 3, N: 5}); p.FLOPs() != 60 || p.String() != "2x3x5" {
		t.Errorf("%s: %g", p, p.FLOPs())
	}
}
