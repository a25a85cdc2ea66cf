//go:build cgo

package lxrt

import (
	"errors"
	"os"
	"strings"
	"testing"

	"github.com/seed-516990b0/golxmert/lxmert"
	"github.com/seed-516990b0/golxmert/lxmert/backend"
	"github.com/seed-516990b0/golxmert/lxmert/backend/backendtest"
	"github.com/seed-516990b0/golxmert/lxmert/internal/synthetic"
	"github.com/seed-516990b0/golxmert/lxmert/internal/xlacalltest"
)

// TestForwardIsCalls: where a model only runs forwards, each LayerNorm and each softmax is found in its program, so that
// XLA has little to compile. An answer needs nothing of the last cross layer's visual half.
func TestForwardIsCalls(t *testing.T) {
	if os.Getenv("GOLXMERT_MATMUL") == "0" {
		t.Skip("GOLXMERT_MATMUL leaves everything to XLA")
	}
	b := backendtest.Open(t, "cpu")
	w := &xlacalltest.Watched{Backend: b.Backend}
	cfg := smallConfig()
	m := smallModel(t, &backend.Backend{Backend: w}, cfg, Options{})
	run(t, m, synthetic.Batch(cfg, 1, 4, 5, 6), lxmert.Request{Want: lxmert.All("out.qa")})
	last := 3 // LayerNorms of the last cross layer; its maps are one less
	norms := 1 + 2 + 2*(cfg.LangLayers+cfg.RegionLayers) + 6*(cfg.CrossLayers-1) + last + 1
	maps := cfg.LangLayers + cfg.RegionLayers + 4*(cfg.CrossLayers-1) + last - 1
	if n, s := w.Calls(t, "normalize"), w.Calls(t, "softmax"); n != norms || s != maps {
		t.Errorf("%d of %d LayerNorms and %d of %d softmaxes are calls in\n%s", n, norms, s, maps, w.Program(t))
	}
}

// TestExplainingInBFloat16MultipliesBFloat16OnAGPU, on the way there and back.
func TestExplainingInBFloat16MultipliesBFloat16OnAGPU(t *testing.T) {
	w := &xlacalltest.Watched{Backend: backendtest.AsCUDA(t).Backend, BuildOnly: true}
	cfg := smallConfig()
	m := smallModel(t, &backend.Backend{Backend: w}, cfg, Options{BFloat16: true})
	_, err := m.Run(t.Context(), synthetic.Batch(cfg, 1, 4, 5, 6), lxmert.Request{
		Want: lxmert.All("out.qa"),
		Grad: &lxmert.Grad{Of: []lxmert.Term{{Output: "out.qa", Class: []int{0, 1, 2, 3}}}, Names: []string{"l.*.tt", "r.*.ii", "x.*.ti"}},
	})
	if !errors.Is(err, xlacalltest.ErrBuildOnly) {
		t.Fatal(err)
	}
	if share, all := xlacalltest.Share(t, w.Program(t), "bf16"); share < 0.98 {
		t.Errorf("%.1f %% of the arithmetic is in bfloat16: %v", 100*share, all)
	}
}

// TestAGPUMultipliesByTensorFloat32WhereItIsAskedFor by the precision that a program's products have.
func TestAGPUMultipliesByTensorFloat32WhereItIsAskedFor(t *testing.T) {
	for _, tf32 := range []bool{false, true} {
		w := &xlacalltest.Watched{Backend: backendtest.AsCUDA(t).Backend, BuildOnly: true}
		cfg := smallConfig()
		m := smallModel(t, &backend.Backend{Backend: w}, cfg, Options{TF32: tf32})
		if _, err := m.Run(t.Context(), synthetic.Batch(cfg, 1, 4, 5, 6), lxmert.Request{Want: lxmert.All("out.qa")}); !errors.Is(err, xlacalltest.ErrBuildOnly) {
			t.Fatal(err)
		}
		text := w.Program(t)
		exact, quick := strings.Count(text, "precision HIGHEST"), strings.Count(text, "precision DEFAULT")
		if tf32 && exact > 0 || !tf32 && quick > 0 || exact+quick != 2*strings.Count(text, "stablehlo.dot_general") || exact+quick == 0 {
			t.Errorf("tf32 %v: %d operands are exact, %d are not", tf32, exact, quick)
		}
	}
}
