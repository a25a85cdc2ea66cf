package main

import (
	"os"
	"path/filepath"
	"strings"
	"testing"

	"github.com/seed-516990b0/golxmert/internal/goldentest"
)

// TestEveryCommandRefusesBoxesThatWereDividedAlready, before it computes, and names the file and what to do.
func TestEveryCommandRefusesBoxesThatWereDividedAlready(t *testing.T) {
	r := newToyRun(t, goldentest.Folders(t, "model")[0])
	load := filepath.Join(r.golden, "checkpoints", "vqa_toy_LAST")
	file := filepath.Join(r.dir, "data", "mscoco_imgfeat", "val2014_obj36.tsv")
	model := []string{"--load", load, "--config", filepath.Join(r.golden, "config.json"), "--vocab", filepath.Join(r.golden, "tokenizer"), "--backend", "go"}
	text, err := os.ReadFile(file)
	if err != nil {
		t.Fatal(err)
	}
	image, _, _ := strings.Cut(string(text), "\t")
	ask := append([]string{"ask", "what is it?", "--regions", file, "--image", image}, model...)
	commands := map[string][]string{
		"ask":           ask,
		"ask --explain": append(ask, "--explain", "--out", filepath.Join(r.dir, "why.html")),
		"pack":          {"pack", file, filepath.Join(r.dir, "x.store")},
		"verify":        {"verify", file},
		"vqa --test":    append([]string{"vqa", "--test", "minival", "--output", "snap/a"}, model...),
		"vqa":           append([]string{"vqa", "--train", "minival", "--valid", "", "--batchSize", "2", "--epochs", "1", "--output", "snap/b"}, model...),
		"analyze":       analyzeArgs(r, "relevance", filepath.Join(r.dir, "out")),
		"embed":         embedArgs(r, "out.pooled", filepath.Join(r.dir, "embedded")),
	}
	for name, args := range commands {
		if out, log, code := r.run(t, args...); code != 0 || strings.Contains(log, "picture's size") {
			t.Errorf("%s of the published form: exit code %d\n%s%s", name, code, out, log)
		}
	}
	for _, made := range []string{"x.store", "out", "embedded", "snap"} {
		if err := os.RemoveAll(filepath.Join(r.dir, made)); err != nil {
			t.Fatal(err)
		}
	}
	goldentest.ChangeBoxes(t, file, func(b []float32, w, h float32) { b[0], b[1], b[2], b[3] = b[0]/w, b[1]/h, b[2]/w, b[3]/h })
	for name, args := range commands {
		out, log, code := r.run(t, args...)
		said := log
		if name == "verify" {
			said = out
		}
		if code != 1 || !strings.Contains(said, "val2014_obj36.tsv") || !strings.Contains(said, "they were divided by the picture's size already, and would be again; multiply them") {
			t.Errorf("%s: exit code %d\n%s%s", name, code, out, log)
		}
	}
}

// TestEveryCommandSaysWhatIsUnlikely: one box that ends before it begins is no other form, but worth a line, once.
func TestEveryCommandSaysWhatIsUnlikely(t *testing.T) {
	r := newToyRun(t, goldentest.Folders(t, "model")[0])
	load := filepath.Join(r.golden, "checkpoints", "vqa_toy_LAST")
	file := filepath.Join(r.dir, "data", "mscoco_imgfeat", "val2014_obj36.tsv")
	first := true
	goldentest.ChangeBoxes(t, file, func(b []float32, _, _ float32) {
		if first {
			b[0], b[2] = b[2], b[0]
		}
		first = false
	})
	text, err := os.ReadFile(file)
	if err != nil {
		t.Fatal(err)
	}
	image, _, _ := strings.Cut(string(text), "\t")
	model := []string{"--load", load, "--config", filepath.Join(r.golden, "config.json"), "--vocab", filepath.Join(r.golden, "tokenizer"), "--backend", "go"}
	for name, args := range map[string][]string{
		"ask":        append([]string{"ask", "what is it?", "--regions", file, "--image", image}, model...),
		"pack":       {"pack", file, filepath.Join(r.dir, "x.store")},
		"verify":     {"verify", file},
		"vqa --test": append([]string{"vqa", "--test", "minival", "--output", "snap/a"}, model...),
		"analyze":    analyzeArgs(r, "relevance", filepath.Join(r.dir, "out")),
		"embed":      embedArgs(r, "out.pooled", filepath.Join(r.dir, "embedded")),
	} {
		out, log, code := r.run(t, args...)
		if n := strings.Count(out+log, "boxes have no area, x1 <= x0"); code != 0 || n != 1 || !strings.Contains(out+log, "warning") {
			t.Errorf("%s: exit code %d, said %d times\n%s%s", name, code, n, out, log)
		}
	}
}
