package main

import (
	"encoding/json"
	"errors"
	"os"
	"path/filepath"
	"strings"
	"testing"

	"github.com/seed-516990b0/golxmert/analysis"
	"github.com/seed-516990b0/golxmert/internal/commandline"
	"github.com/seed-516990b0/golxmert/internal/goldentest"
)

// TestReadoutSaysWhatAllHeadsSay, by the names in files and by numbers, as text, as JSON and in a file.
func TestReadoutSaysWhatAllHeadsSay(t *testing.T) {
	dir, out := goldentest.Folders(t, "model")[0], t.TempDir()
	q := readAsked(t, filepath.Join(dir, "toy", "data", "vqa", "minival.json"))[0]
	attributes := filepath.Join(out, "attributes.txt")
	if err := os.WriteFile(attributes, []byte(strings.Repeat("shiny,glossy\n", 10)), 0o666); err != nil {
		t.Fatal(err)
	}
	run := func(more ...string) (string, string, error) {
		return execute(rootCommand(), append([]string{"readout", "--backend", "go", "--load", filepath.Join(dir, "tiny", "weights"), "--config", filepath.Join(dir, "config.json"),
			"--vocab", filepath.Join(dir, "tokenizer"), "--regions", filepath.Join(dir, "toy", "data", "mscoco_imgfeat", "val2014_obj36.tsv"), "--image", q.Image}, more...)...)
	}
	text, errOut, err := run(q.Sentence, "--attributes", attributes, "--out", filepath.Join(out, "heads.html"))
	if err != nil {
		t.Fatal(err, errOut)
	}
	for _, want := range []string{"match (class 1 of out.match)", "with the picture", "without the picture", "hidden", "seen", "attribute of regions, hidden", "shiny ", "object of regions, hidden", "object 1", "answer 1", "feature of regions, hidden", "bits, rank "} {
		if !strings.Contains(text, want) {
			t.Errorf("%q is not in\n%s", want, text)
		}
	}
	if page, err := os.ReadFile(filepath.Join(out, "heads.html")); err != nil || !strings.Contains(string(page), "What the heads say: ") {
		t.Errorf("the page: %v", err)
	}
	// The match is that of ask.
	raw, errOut, err := run(q.Sentence, "--json", "--mask", "word 1", "--out", filepath.Join(out, "heads.csv"))
	if err != nil {
		t.Fatal(err, errOut)
	}
	var table analysis.Table
	if err := json.Unmarshal([]byte(raw), &table); err != nil {
		t.Fatal(err)
	}
	matched := askJSON(t, "--load", filepath.Join(dir, "tiny", "weights"), "--config", filepath.Join(dir, "config.json"), "--vocab", filepath.Join(dir, "tokenizer"),
		"--regions", filepath.Join(dir, "toy", "data", "mscoco_imgfeat", "val2014_obj36.tsv"), "--image", q.Image, q.Sentence).Matched[0]
	words := 0
	for _, row := range table.Rows {
		switch guesses := row[8].(string); {
		case row[0] == "word" && row[3] == true && row[4] == true:
			words++
		case strings.HasPrefix(row[0].(string), "match") && row[4] == true:
			if want := "match " + (analysis.Candidate{Probability: matched}).Percent(); !strings.Contains(guesses, want) {
				t.Errorf("the heads say %q, ask says %q", guesses, want)
			}
		}
	}
	if words != 1 {
		t.Errorf("of --mask %d words are hidden", words)
	}
	if lines, err := os.ReadFile(filepath.Join(out, "heads.csv")); err != nil || !strings.HasPrefix(string(lines), "head,at,is,hidden,picture,rank,probability,bits,guesses") {
		t.Errorf("the table: %v", err)
	}
	for _, c := range []struct {
		want string
		args []string
	}{
		{`--mask: there is no word "zebra" in`, []string{q.Sentence, "--mask", "zebra"}},
		{"--image is given 2 times, must be 1", []string{q.Sentence, "--image", "b"}},
		{"--mask: there is no word at position 99, words are at [1 ", []string{q.Sentence, "--mask", "word 99"}},
		{"--top is 0", []string{q.Sentence, "--top", "0"}},
		{"--out x.doc: a file ends in one of", []string{q.Sentence, "--out", "x.doc"}},
	} {
		if _, _, err := run(c.args...); err == nil || !strings.Contains(err.Error(), c.want) || !errors.Is(err, commandline.ErrUsage) {
			t.Errorf("%v, want a usage error with %q", err, c.want)
		}
	}
	if _, _, err := execute(rootCommand(), "readout", "--backend", "go", "--load", filepath.Join(dir, "checkpoints", "vqa_toy_LAST"), "--config", filepath.Join(dir, "config.json"),
		"--regions", filepath.Join(dir, "toy", "data", "mscoco_imgfeat", "val2014_obj36.tsv"), "--image", q.Image, q.Sentence); err == nil || !strings.Contains(err.Error(), "none of the heads of pre-training") {
		t.Errorf("of fine-tuned weights: %v", err)
	}
}
