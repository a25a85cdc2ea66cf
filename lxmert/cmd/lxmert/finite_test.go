package main

import (
	"math"
	"path/filepath"
	"strings"
	"testing"

	"github.com/seed-516990b0/golxmert/internal/goldentest"
	"github.com/seed-516990b0/golxmert/internal/progress"
	"github.com/seed-516990b0/golxmert/internal/roundingtest"
	"github.com/seed-516990b0/golxmert/lxmert"
	"github.com/seed-516990b0/golxmert/lxmert/backend/backendtest"
	"github.com/seed-516990b0/golxmert/lxmert/lxrt"
)

// TestNumbersThatAreNoneAreSaid: a trace counts values that are NaN or infinite, and no probability is made of them.
func TestNumbersThatAreNoneAreSaid(t *testing.T) {
	dir := goldentest.Folders(t, "model")[0]
	damaged := spoiled(t, dir, map[string][]float32{"cls.seq_relationship.bias": {float32(math.NaN())}})
	inputs := filepath.Join(dir, "tiny", "forward.safetensors")
	trace := func(want string) string {
		_, log, code := command(t, "trace", "--backend", "go", "--load", damaged, "--inputs", inputs, "--want", want, "--out", filepath.Join(t.TempDir(), "out.safetensors"))
		if code != 0 {
			t.Fatalf("exit code %d: %s", code, log)
		}
		return log
	}
	golden := goldentest.Open(t, inputs)
	golden.Use("")
	rows, bad := golden.Shape("out.matched_logits"), golden.Shape("out.matched_logits")[0]
	if log, want := trace("out.match"), "warning: "+progress.Count(int64(bad))+" of "+progress.Count(int64(rows[0]*rows[1]))+" values are NaN or infinite, in out.match\n"; !strings.HasSuffix(log, want) {
		t.Errorf("printed %q, expected %q", log, want)
	}
	if log := trace("out.qa"); strings.Contains(log, "warning") {
		t.Errorf("printed %q of finite values", log)
	}

	data := filepath.Join(dir, "toy", "data")
	q := readAsked(t, filepath.Join(data, "vqa", "minival.json"))[0]
	_, log, code := command(t, "ask", "--backend", "go", "--load", damaged, "--vocab", filepath.Join(dir, "tokenizer"), "--image", q.Image,
		"--regions", filepath.Join(data, "mscoco_imgfeat", "val2014_obj36.tsv"), q.Sentence)
	if code != 1 || !strings.Contains(log, "value 0 of out.match is NaN: the weights are damaged, or their training diverged") {
		t.Errorf("exit code %d, %q", code, log)
	}
}

// TestTraceInBFloat16StaysClose: the heads are as far from the reference as bfloat16's roundings may carry them with these
// weights and inputs, which is some percent of their largest entry, or more.
func TestTraceInBFloat16StaysClose(t *testing.T) {
	for _, dir := range goldentest.Folders(t, "model") {
		t.Run(filepath.Base(dir), func(t *testing.T) {
			weights, inputs, path := filepath.Join(dir, "tiny", "weights"), filepath.Join(dir, "tiny", "forward.safetensors"), filepath.Join(t.TempDir(), "out.safetensors")
			_, log, code := command(t, "trace", "--backend", "go", "--bf16", "--load", weights, "--inputs", inputs, "--want", "out.*", "--out", path)
			if code != 0 {
				t.Fatalf("exit code %d: %s", code, log)
			}
			trace := loadTrace(t, path)
			if trace.Provenance.DType != "bfloat16" {
				t.Errorf("computed in %s", trace.Provenance.DType)
			}
			reach := bfloat16Reach(t, weights, inputs)
			c := configOf(t, weights)
			golden := goldentest.Open(t, inputs)
			golden.Use("")
			compared := 0
			for _, name := range golden.Names() {
				ours := goldentest.Activation(name, c.LangLayers, c.RegionLayers, c.CrossLayers)
				if x, ok := trace.Values[ours]; ok {
					golden.Compare(name, x.Data, goldentest.Tolerance{Reach: reach[ours]})
					compared++
				}
			}
			if compared < 7 {
				t.Errorf("%d heads were compared", compared)
			}
		})
	}
}

// bfloat16Reach says how far bfloat16's roundings may carry a model's heads, from the model in float32.
func bfloat16Reach(t *testing.T, weights, inputs string) map[string]float64 {
	t.Helper()
	m, err := lxrt.Open(backendtest.Open(t, "go"), weights, "", lxrt.Options{})
	if err != nil {
		t.Fatal(err)
	}
	defer m.Close()
	batch, err := lxrt.ReadBatch(inputs)
	if err != nil {
		t.Fatal(err)
	}
	return roundingtest.Reach(t, m, roundingtest.BFloat16, func(eng lxmert.Engine) map[string][]float64 {
		trace, err := eng.Run(t.Context(), batch, lxmert.Request{Want: lxmert.All("out.*")})
		if err != nil {
			t.Fatal(err)
		}
		out := map[string][]float64{}
		for name, x := range trace.Values {
			for _, v := range x.Data {
				out[name] = append(out[name], float64(v))
			}
		}
		return out
	})
}
