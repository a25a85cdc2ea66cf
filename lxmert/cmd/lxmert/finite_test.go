package main

import (
	"math"
	"path/filepath"
	"strings"
	"testing"

	"github.com/seed-516990b0/golxmert/lxmert/goldentest"
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
	if log, want := trace("out.match"), "warning: "+grouped(int64(bad))+" of "+grouped(int64(rows[0]*rows[1]))+" values are NaN or infinite, in out.match\n"; !strings.HasSuffix(log, want) {
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

// TestTraceInBFloat16StaysClose: one rounding to bfloat16 is 2^-9 of a number; through all layers of the tiny model the heads
// stay within 5 % of their largest entry.
func TestTraceInBFloat16StaysClose(t *testing.T) {
	for _, dir := range goldentest.Folders(t, "model") {
		t.Run(filepath.Base(dir), func(t *testing.T) {
			inputs, path := filepath.Join(dir, "tiny", "forward.safetensors"), filepath.Join(t.TempDir(), "out.safetensors")
			_, log, code := command(t, "trace", "--backend", "go", "--bf16", "--load", filepath.Join(dir, "tiny", "weights"), "--inputs", inputs, "--want", "out.*", "--out", path)
			if code != 0 {
				t.Fatalf("exit code %d: %s", code, log)
			}
			trace := loadTrace(t, path)
			if trace.Provenance.DType != "bfloat16" {
				t.Errorf("computed in %s", trace.Provenance.DType)
			}
			c := configOf(t, filepath.Join(dir, "tiny", "weights"))
			golden := goldentest.Open(t, inputs)
			golden.Use("")
			compared := 0
			for _, name := range golden.Names() {
				x, ok := trace.Values[goldentest.Activation(name, c.LangLayers, c.RegionLayers, c.CrossLayers)]
				if ok {
					golden.Compare(name, x.Data, goldentest.Tolerance{Relative: 0.05})
					compared++
				}
			}
			if compared < 7 {
				t.Errorf("%d heads were compared", compared)
			}
		})
	}
}
