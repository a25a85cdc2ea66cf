//go:build cgo

package train

import (
	"errors"
	"fmt"
	"regexp"
	"slices"
	"strings"
	"testing"

	"github.com/seed-516990b0/golxmert/lxmert"
	"github.com/seed-516990b0/golxmert/lxmert/backend"
	"github.com/seed-516990b0/golxmert/lxmert/backend/backendtest"
	"github.com/seed-516990b0/golxmert/lxmert/internal/xlacalltest"
	"github.com/seed-516990b0/golxmert/lxmert/lxrt"
)

// This file reads the programs that a GPU would be given. No GPU runs them here.

// layered is a model with parameters large enough for each way of summing squares, a word head among them.
func layered() lxmert.Config {
	cfg := small()
	cfg.Vocab, cfg.Hidden, cfg.Heads, cfg.Intermediate, cfg.LM = 2048, 64, 4, 128, true
	cfg.LangLayers, cfg.RegionLayers, cfg.CrossLayers = 2, 2, 2
	return cfg
}

// gradientText is the program of a step's gradients as XLA would get it.
func gradientText(t *testing.T, b *backend.Backend, opt Options) string {
	t.Helper()
	w := &xlacalltest.Watched{Backend: b.Backend, BuildOnly: true}
	cfg := layered()
	tr, err := NewTrainer(t.Context(), w, cfg, &Initial{Config: cfg, Seed: 3, Range: 0.1}, answersAndWords, opt)
	if err != nil {
		t.Fatal(err)
	}
	defer tr.Close()
	part := rows(cfg, 1, 4)
	part.Labels["words"] = Label{make([]int32, 4*6), []int{4, 6}}
	if _, err := tr.Step(t.Context(), part); !errors.Is(err, xlacalltest.ErrBuildOnly) {
		t.Fatal(err)
	}
	return w.Program(t)
}

// scattered are the types of the arrays that gradients are added up in by index.
func scattered(text string) (types []string) {
	for _, m := range regexp.MustCompile(`(?s)"stablehlo\.scatter"\(.*?\n    \} : \(tensor<([^>]*)>`).FindAllStringSubmatch(text, -1) {
		types = append(types, m[1])
	}
	return types
}

func TestTrainingInBFloat16MultipliesBFloat16OnAGPU(t *testing.T) {
	opt := withDropout()
	opt.BFloat16 = true
	b := backendtest.AsCUDA(t)
	for _, remat := range []bool{false, true} {
		opt.Rematerialize = remat
		if share, all := xlacalltest.Share(t, gradientText(t, b, opt), "bf16"); share < 0.98 {
			t.Errorf("rematerialized %v: %.1f %% of the arithmetic is in bfloat16: %v", remat, 100*share, all)
		}
	}
}

func TestEmbeddingGradientsAreAddedUpInFloat32(t *testing.T) {
	opt := withDropout()
	opt.BFloat16 = true
	text := gradientText(t, backendtest.AsCUDA(t), opt)
	types := scattered(text)
	slices.Sort(types)
	if want := []string{"2048x64xf32", "2x64xf32"}; !slices.Equal(types, want) {
		t.Errorf("gradients are added up in %v, want those of words and segments, %v", types, want)
	}
	// Those of positions are the same in each of the 4 texts of 6 words.
	sum := regexp.MustCompile(`\(tensor<4x6x64x(\w+)>, tensor<\w+>\) -> tensor<(1x)?6x64x\w+>`)
	if found := sum.FindAllStringSubmatch(text, -1); len(found) != 1 || found[0][1] != "f32" {
		t.Errorf("gradients of positions are added up by %q", found)
	}
}

func TestGradientNormIsPlainSumsBehindOneBarrierOnAGPU(t *testing.T) {
	trick := regexp.MustCompile(`\(tensor<16x\d+xf32>, tensor<16x\d+xf32>\) -> tensor<16x16xf32>`)
	const barrier = "stablehlo.optimization_barrier"
	for _, half := range []bool{false, true} {
		opt := withDropout()
		opt.BFloat16 = half
		gpu, cpu := gradientText(t, backendtest.AsCUDA(t), opt), gradientText(t, backendtest.Open(t, "cpu"), opt)
		if n := strings.Count(gpu, barrier); n != 1 || trick.MatchString(gpu) {
			t.Errorf("bfloat16 %v: a GPU gets %d barriers, products in place of sums: %v", half, n, trick.MatchString(gpu))
		}
		if n := strings.Count(cpu, barrier); n != 0 || !trick.MatchString(cpu) {
			t.Errorf("bfloat16 %v: a CPU gets %d barriers, products in place of sums: %v", half, n, trick.MatchString(cpu))
		}
	}
}

// TestAGPUMultipliesByTensorFloat32WhereItIsAskedFor: a product says of each operand how much of it counts. The processor gets the same
// program either way.
func TestAGPUMultipliesByTensorFloat32WhereItIsAskedFor(t *testing.T) {
	const exact, quick = "#stablehlo<precision HIGHEST>", "#stablehlo<precision DEFAULT>"
	opt, asked := withDropout(), withDropout()
	asked.TF32 = true
	b := backendtest.AsCUDA(t)
	for _, c := range []struct {
		opt           Options
		wanted, other string
	}{{opt, exact, quick}, {asked, quick, exact}} {
		text := gradientText(t, b, c.opt)
		if n, products := strings.Count(text, c.wanted), strings.Count(text, "stablehlo.dot_general"); n != 2*products || n == 0 || strings.Contains(text, c.other) {
			t.Errorf("tf32 %v: %d operands of %d products are %s", c.opt.TF32, n, products, c.wanted)
		}
	}
	cpu := backendtest.Open(t, "cpu")
	if gradientText(t, cpu, opt) != gradientText(t, cpu, asked) {
		t.Error("the processor gets another program where TensorFloat-32 is asked for")
	}
}

// TestAGPUReadsCopiesOfMatricesInBFloat16 in the place of converting them, as the processor does.
func TestAGPUReadsCopiesOfMatricesInBFloat16(t *testing.T) {
	opt := withDropout()
	opt.BFloat16 = true
	gpu, cpu := gradientText(t, backendtest.AsCUDA(t), opt), gradientText(t, backendtest.Open(t, "cpu"), opt)
	for _, p := range layered().Params() {
		dims, _ := lxrt.DeviceShape(p)
		if len(dims) < 2 || strings.HasPrefix(p.Name, "bert.embeddings.") {
			continue
		}
		shape := fmt.Sprintf("tensor<%dx%dx", dims[0], dims[1])
		conversion := "(" + shape + "f32>) -> " + shape + "bf16>"
		if !strings.Contains(cpu, conversion) || strings.Contains(gpu, conversion) {
			t.Errorf("%s is converted by a CPU: %v, and by a GPU: %v", p.Name, strings.Contains(cpu, conversion), strings.Contains(gpu, conversion))
		}
	}
	sameWithCopies(t, backendtest.AsCUDA(t), withDropout(), func(tr *Trainer) string { return tr.all(t) }, []Part{withWords(1)}, []Part{withWords(2)})
}
