package main

import (
	"bytes"
	"encoding/json"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"testing"

	"github.com/seed-516990b0/golxmert/internal/goldentest"
)

// withSpecialIDs is the golden model's configuration, and which word pieces of its vocabulary are special.
func withSpecialIDs(t *testing.T, r toyRun) string {
	t.Helper()
	raw, err := os.ReadFile(filepath.Join(r.golden, "config.json"))
	if err != nil {
		t.Fatal(err)
	}
	vocab, err := os.ReadFile(filepath.Join(r.golden, "tokenizer", "vocab.txt"))
	if err != nil {
		t.Fatal(err)
	}
	var config map[string]any
	if err := json.Unmarshal(raw, &config); err != nil {
		t.Fatal(err)
	}
	pieces := strings.Split(string(vocab), "\n")
	ids := map[string]int{}
	for _, name := range []string{"pad", "unk", "cls", "sep", "mask"} {
		ids[name] = slices.Index(pieces, "["+strings.ToUpper(name)+"]")
	}
	config["special_ids"] = ids
	if raw, err = json.Marshal(config); err != nil {
		t.Fatal(err)
	}
	path := filepath.Join(t.TempDir(), "config.json")
	if err := os.WriteFile(path, raw, 0o666); err != nil {
		t.Fatal(err)
	}
	return path
}

// TestAnalyzeSaysHowMuchAModelLooks, in one go and in shards whose batches are the same ones.
func TestAnalyzeSaysHowMuchAModelLooks(t *testing.T) {
	r := newToyRun(t, goldentest.Folders(t, "model")[0])
	whole, parts := filepath.Join(t.TempDir(), "whole"), filepath.Join(t.TempDir(), "parts")
	few := []string{"--config", withSpecialIDs(t, r), "--limit", "4", "--batchSize", "2", "--examples", "1", "--seed", "3"}
	out, errOut, err := execute(rootCommand(), analyzeArgs(r, "looks,shapley", whole, few...)...)
	if err != nil {
		t.Fatalf("%v\n%s", err, errOut)
	}
	for _, want := range []string{"use of the picture", "EMAP gap", "perceptual score, picture", "V-SHAP", "question only"} {
		if !strings.Contains(out, want) {
			t.Errorf("the output lacks %q:\n%s", want, out)
		}
	}
	for _, shard := range []string{"0/2", "1/2"} {
		if _, errOut, err := execute(rootCommand(), analyzeArgs(r, "looks,shapley", parts, append(few, "--shard", shard)...)...); err != nil {
			t.Fatalf("%v\n%s", err, errOut)
		}
	}
	if _, errOut, err := execute(rootCommand(), "merge", parts); err != nil {
		t.Fatalf("%v\n%s", err, errOut)
	}
	var tables [2]string
	for i, dir := range []string{whole, parts} {
		raw, err := os.ReadFile(filepath.Join(dir, "looks.csv"))
		if err != nil {
			t.Fatal(err)
		}
		tables[i] = string(raw)
	}
	// The last column is where the numbers come from.
	numbers := func(csv string) string {
		var lines []string
		for _, l := range strings.Split(csv, "\n") {
			lines = append(lines, strings.Join(strings.Split(l, ",")[:min(9, strings.Count(l, ",")+1)], ","))
		}
		return strings.Join(lines, "\n")
	}
	if a, b := numbers(tables[0]), numbers(tables[1]); a != b {
		t.Errorf("shards give\n%s\nthe whole\n%s", b, a)
	}
	if page, err := os.ReadFile(filepath.Join(whole, "report.html")); err != nil || !bytes.Contains(page, []byte("Shapley values")) {
		t.Errorf("the page has no example with Shapley values: %v", err)
	}
}

// TestABlindModelIsOneMoreColumn: of the model's own weights it has what the model has that is shown no picture.
func TestABlindModelIsOneMoreColumn(t *testing.T) {
	r := newToyRun(t, goldentest.Folders(t, "model")[0])
	out := filepath.Join(t.TempDir(), "out")
	args := analyzeArgs(r, "looks", out, "--config", withSpecialIDs(t, r), "--limit", "4", "--batchSize", "2", "--blind", filepath.Join(r.golden, "checkpoints", "vqa_toy_LAST"))
	text, errOut, err := execute(rootCommand(), args...)
	if err != nil || !strings.Contains(text, "trained blind") {
		t.Fatalf("%v\n%s\n%s", err, errOut, text)
	}
	raw, err := os.ReadFile(filepath.Join(out, "looks.json"))
	if err != nil {
		t.Fatal(err)
	}
	var table struct {
		Columns []string
		Rows    [][]any
		Params  map[string]string
	}
	if err := json.Unmarshal(raw, &table); err != nil {
		t.Fatal(err)
	}
	if len(table.Columns) != 12 || table.Columns[9] != "trained blind" || !strings.Contains(table.Params["trained blind"], "vqa_toy_LAST") {
		t.Errorf("columns %v, params %v", table.Columns, table.Params)
	}
	for _, row := range table.Rows {
		if !slices.Equal(row[5:8], row[9:12]) {
			t.Errorf("%v: the model's own weights, shown no picture, are %v and %v", row[0], row[5:8], row[9:12])
		}
	}
	// Without it, or with another, the folder is another run's.
	if _, _, err := execute(rootCommand(), args[:len(args)-2]...); err == nil || !strings.Contains(err.Error(), "was made with blind") {
		t.Errorf("the same folder without the question-only model: %v", err)
	}
}
