package lxrt

import (
	"context"
	"path/filepath"
	"strings"
	"testing"

	"github.com/seed-516990b0/golxmert/internal/enginetest"
	"github.com/seed-516990b0/golxmert/internal/goldentest"
	"github.com/seed-516990b0/golxmert/lxmert"
	"github.com/seed-516990b0/golxmert/lxmert/backend"
	"github.com/seed-516990b0/golxmert/lxmert/backend/backendtest"
	"github.com/seed-516990b0/golxmert/lxmert/weights"
)

// Tolerances that the reference itself supports in float32.
var (
	forwardTolerance  = goldentest.Tolerance{Relative: 2e-5, Absolute: 1e-6}
	gradientTolerance = goldentest.Tolerance{Relative: 3e-5}
	lossTolerance     = goldentest.Tolerance{Relative: 2e-5}
	fullTolerance     = goldentest.Tolerance{Relative: 1e-4}
	analysisTolerance = enginetest.Analysis
	hfTolerance       = goldentest.Tolerance{Relative: 5e-5}
	// A key's bias shifts all scores of a query alike, so its gradient is zero and what comes out is rounding.
	keyBiasTolerance = goldentest.Tolerance{Absolute: 2e-5}
)

func TestMain(m *testing.M) { backendtest.Main(m) }

func openModel(t testing.TB, b *backend.Backend, path string, opt Options) *Model {
	t.Helper()
	m, err := Open(b, path, "", opt)
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() {
		if err := m.Close(); err != nil {
			t.Error(err)
		}
	})
	return m
}

func readBatch(t testing.TB, path string) *lxmert.Batch {
	t.Helper()
	b, err := ReadBatch(path)
	if err != nil {
		t.Fatal(err)
	}
	return b
}

func run(t testing.TB, m lxmert.Engine, b *lxmert.Batch, r lxmert.Request) *lxmert.Trace {
	t.Helper()
	trace, err := m.Run(context.Background(), b, r)
	if err != nil {
		t.Fatal(err)
	}
	return trace
}

// eachGolden runs a test on every backend and every golden folder of a kind.
func eachGolden(t *testing.T, kind string, test func(t *testing.T, b *backend.Backend, folder string)) {
	backendtest.Each(t, func(t *testing.T, b *backend.Backend) {
		goldentest.Each(t, kind, func(t *testing.T, folder string) { test(t, b, folder) })
	})
}

// activationOf translates a name of the model goldens, "" where it is not one.
func activationOf(cfg lxmert.Config, golden string) string {
	return goldentest.Activation(golden, cfg.LangLayers, cfg.RegionLayers, cfg.CrossLayers)
}

func TestForwardEqualsReference(t *testing.T) {
	eachGolden(t, "model", func(t *testing.T, b *backend.Backend, folder string) {
		m := openModel(t, b, filepath.Join(folder, "tiny", "weights.safetensors"), Options{})
		path := filepath.Join(folder, "tiny", "forward.safetensors")
		enginetest.Forward(t, m, readBatch(t, path), path, forwardTolerance)
	})
}

func TestVisualMaskAndNoMaskEqualReference(t *testing.T) {
	eachGolden(t, "model", func(t *testing.T, b *backend.Backend, folder string) {
		m := openModel(t, b, filepath.Join(folder, "tiny", "weights.safetensors"), Options{})
		path := filepath.Join(folder, "tiny", "forward_vmask.safetensors")
		golden := goldentest.Open(t, path)
		golden.Use("input.")
		batch := readBatch(t, path)
		masked := run(t, m, batch, lxmert.Request{Want: lxmert.All("*")})
		batch.TextMask, batch.Segments, batch.RegionMask = nil, nil, nil
		plain := run(t, m, batch, lxmert.Request{Want: lxmert.All("*")})
		for _, name := range golden.Names() {
			switch rest, isPlain := strings.CutPrefix(name, "nomask."); {
			case strings.HasPrefix(name, "input."):
			case isPlain:
				golden.Compare(name, plain.Values[activationOf(m.Config(), "out."+rest)].Data, forwardTolerance)
			default:
				golden.Compare(name, masked.Values[activationOf(m.Config(), name)].Data, forwardTolerance)
			}
		}
	})
}

func TestForwardEqualsHuggingFace(t *testing.T) {
	eachGolden(t, "hf", func(t *testing.T, b *backend.Backend, folder string) {
		for _, file := range []string{"model", "hf_state_dict.pth"} {
			m, err := Open(b, filepath.Join(folder, file), filepath.Join(folder, "model", "config.json"), Options{})
			if err != nil {
				t.Fatal(err)
			}
			defer m.Close()
			path := filepath.Join(folder, "forward.safetensors")
			enginetest.Forward(t, m, readBatch(t, path), path, hfTolerance)
		}
	})
}

func TestPublishedCheckpointFormsGiveTheSameAnswers(t *testing.T) {
	eachGolden(t, "model", func(t *testing.T, b *backend.Backend, folder string) {
		path := filepath.Join(folder, "tiny", "forward.safetensors")
		files, err := filepath.Glob(filepath.Join(folder, "checkpoints", "*_LXRT.pth"))
		if err != nil || len(files) == 0 {
			t.Fatalf("no checkpoints in %s (%v)", folder, err)
		}
		for _, file := range files {
			m, err := Open(b, strings.TrimSuffix(file, "_LXRT.pth"), filepath.Join(folder, "config.json"), Options{})
			if err != nil {
				t.Fatal(err)
			}
			defer m.Close()
			r := lxmert.Request{Want: lxmert.All("out.qa", "out.match")}
			trace := run(t, m, readBatch(t, path), r)
			if strings.HasPrefix(filepath.Base(file), "fp16") {
				want := run(t, roundedToHalf(t, b, folder), readBatch(t, path), r)
				for name, x := range want.Values {
					expect(t, trace.Values[name].Data, x.Data, forwardTolerance.Relative)
				}
				continue
			}
			golden := goldentest.Open(t, path)
			golden.Use("")
			golden.Compare("out.qa_logits", trace.Values["out.qa"].Data, forwardTolerance)
			golden.Compare("out.matched_logits", trace.Values["out.match"].Data, forwardTolerance)
		}
	})
}

// roundedToHalf is the tiny model in float32, each weight rounded to float16.
func roundedToHalf(t *testing.T, b *backend.Backend, folder string) *Model {
	t.Helper()
	w := openWeights(t, filepath.Join(folder, "tiny", "weights.safetensors"), "")
	rounded := filepath.Join(t.TempDir(), "half.safetensors")
	var items []weights.Item
	for _, name := range w.Names() {
		x, _ := w.Tensor(name)
		items = append(items, weights.FromTensor(name, x, weights.F16))
	}
	if err := weights.Save(rounded, w.Config, items, nil); err != nil {
		t.Fatal(err)
	}
	return openModel(t, b, rounded, Options{})
}

func openWeights(t *testing.T, name, config string) *weights.Model {
	t.Helper()
	m, err := weights.OpenModel(name, config)
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { m.Close() })
	return m
}
