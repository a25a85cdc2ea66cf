package main

import (
	"fmt"
	"os"
	"path/filepath"
	"strings"
	"testing"

	"github.com/seed-516990b0/golxmert/internal/goldentest"
	"github.com/seed-516990b0/golxmert/lxmert/backend"
	"github.com/seed-516990b0/golxmert/lxmert/toy"
)

// TestPretrainThenAsk pre-trains on the toy world by the command and by the published script, and asks what came out.
func TestPretrainThenAsk(t *testing.T) {
	b, err := backend.Open(t.Context(), "cpu", nil)
	goldentest.Require(t, "xla", err == nil, "no such backend")
	b.Finalize()
	w, err := toy.Make(t.Context(), filepath.Join(t.TempDir(), "world"), toy.Options{Scale: 0.01})
	if err != nil {
		t.Fatal(err)
	}
	t.Chdir(w.Dir)
	flags := []string{"--config", w.Config(), "--batchSize", "32", "--epochs", "1", "--backend"}
	for _, c := range []struct {
		name string
		line []string
		on   string
	}{
		{"snap/pretrain/own", append([]string{"pretrain", "--fromScratch", "--output", "snap/pretrain/own"}, flags...), "cpu"},
		{"snap/pretrain/lxmert", append([]string{"run", "lxmert_pretrain", "0,1,2,3", "--multiGPU", "--tiny"}, flags...), "cpu,devices=4"},
	} {
		out, log, code := command(t, append(c.line, c.on)...)
		if code != 0 || !strings.Contains(out, "The valid loss is ") || !strings.Contains(log, "without swapped sentences: Overall Accu ") {
			t.Fatalf("%v ends with %d: %s\n%s", c.line, code, out, log)
		}
		about, err := os.ReadFile(c.name + "/run.json")
		if devices := fmt.Sprintf(`"devices": %d,`, map[string]int{"cpu": 1, "cpu,devices=4": 4}[c.on]); err != nil || !strings.Contains(string(about), devices) {
			t.Errorf("run.json of %s is %s, without %s: %v", c.name, about, devices, err)
		}
		out, log, code = command(t, "ask", "--load", c.name+"/Epoch01", "--vocab", w.Vocab(), "--regions", "data/mscoco_imgfeat/val2014_obj36.tsv",
			"--answers", "data/lxmert/all_ans.json", "--image", "COCO_val2014_000000300001", "--backend", "cpu", "what color is the star?")
		if code != 0 || !strings.Contains(out, " matched\n") {
			t.Errorf("asking %s ends with %d: %s\n%s", c.name, code, out, log)
		}
	}
	if _, log, code := command(t, "pretrain", "--test", "minival"); code != 2 || !strings.Contains(log, "predicts nothing") {
		t.Errorf("--test ends with %d: %s", code, log)
	}
	if _, log, code := command(t, "pretrain", "--fromScratch", "--output", "snap/pretrain/own", "--config", w.Config(), "--batchSize", "32", "--epochs", "1", "--backend", "cpu"); code != 1 || !strings.Contains(log, "--overwrite") {
		t.Errorf("a second run into a folder ends with %d: %s", code, log)
	}
}
