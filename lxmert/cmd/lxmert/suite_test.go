package main

import (
	"encoding/json"
	"errors"
	"math"
	"os"
	"path/filepath"
	"strings"
	"testing"

	"github.com/seed-516990b0/golxmert/internal/commandline"
	"github.com/seed-516990b0/golxmert/internal/goldentest"
)

// TestSuiteMatchesSentencesAndPictures, as ask does, and keeps what it found.
func TestSuiteMatchesSentencesAndPictures(t *testing.T) {
	dir, out := goldentest.Folders(t, "model")[0], t.TempDir()
	q := readAsked(t, filepath.Join(dir, "toy", "data", "vqa", "minival.json"))
	file := filepath.Join(out, "pairs.jsonl")
	text := ""
	for i := range 3 {
		line, err := json.Marshal(map[string]any{"images": []string{q[i].Image + ".jpg"}, "sentences": []string{q[i].Sentence, q[i+3].Sentence + " not"}, "group": []string{"a", "b", "a"}[i]})
		if err != nil {
			t.Fatal(err)
		}
		text += string(line) + "\n"
	}
	if err := os.WriteFile(file, []byte(text+`{"images": ["nowhere"], "sentences": ["a"]}`), 0o666); err != nil {
		t.Fatal(err)
	}
	model := []string{"--backend", "go", "--load", filepath.Join(dir, "tiny", "weights"), "--config", filepath.Join(dir, "config.json"), "--vocab", filepath.Join(dir, "tokenizer"),
		"--regions", filepath.Join(dir, "toy", "data", "mscoco_imgfeat", "val2014_obj36.tsv")}
	run := func(more ...string) (string, string, error) {
		return execute(rootCommand(), append(append([]string{"suite"}, model...), more...)...)
	}
	said, errOut, err := run("pairs", file, "--blind", "--out", filepath.Join(out, "found"))
	if err != nil {
		t.Fatal(err, errOut)
	}
	for _, want := range []string{"suite pairs", "acc_r", "mean of groups", "blind"} {
		if !strings.Contains(said, want) {
			t.Errorf("%q is not in\n%s", want, said)
		}
	}
	if !strings.Contains(errOut, "1 more items are left out") {
		t.Errorf("nobody says that a picture is missing: %s", errOut)
	}
	for _, name := range []string{"pairs.pdf", "pairs.csv", "pairs.tex", "pairs.json", "citation.bib"} {
		if _, err := os.Stat(filepath.Join(out, "found", name)); err != nil {
			t.Error(err)
		}
	}
	kept, err := os.ReadFile(filepath.Join(out, "found", "items.jsonl"))
	if err != nil {
		t.Fatal(err)
	}
	var first struct{ Pairs [][][2]float64 }
	if err := json.Unmarshal([]byte(strings.SplitN(string(kept), "\n", 2)[0]), &first); err != nil || strings.Count(string(kept), "\n") != 3 {
		t.Fatalf("%v in %s", err, kept)
	}
	want := askJSON(t, append(model[2:], "--image", q[0].Image, q[0].Sentence)...).Matched[0]
	if p := first.Pairs[0][0]; math.Abs(1/(1+math.Exp(p[0]-p[1]))-want) > 1e-5 {
		t.Errorf("a match of %v, ask says %g", p, want)
	}
	// Parts are merged to the same table.
	parts := filepath.Join(out, "parts")
	for _, shard := range []string{"0/2", "1/2"} {
		if said, errOut, err := run("pairs", file, "--blind", "--out", parts, "--shard", shard); err != nil || !strings.Contains(said, "lxmert merge") {
			t.Fatal(err, said, errOut)
		}
	}
	merged, errOut, err := execute(rootCommand(), "merge", parts)
	table := func(said string) string { return said[:strings.LastIndex(strings.TrimSpace(said), "\n")] } // the last line names the folder
	if err != nil || table(merged) != table(said) || !strings.Contains(errOut, "1 more items are left out") {
		t.Errorf("%v, %s: merged\n%s\nin one run\n%s", err, errOut, merged, said)
	}
	for _, c := range []struct {
		want  string
		usage bool
		args  []string
	}{
		{"which folder?", true, []string{"pairs", file, "--shard", "0/2"}},
		{"--shard 2/2: must be like", true, []string{"pairs", file, "--shard", "2/2"}},
		{"was made for the suite pairs", false, []string{"masked", file, "--out", filepath.Join(out, "found")}},
		{`there is no suite "nothing"; there are pairs, valse`, true, []string{"nothing", file}},
		{"none.jsonl: no such file", false, []string{"pairs", filepath.Join(out, "none.jsonl")}},
		{"pairs.jsonl: not an item of a suite: entry 1 is not as expected: it is a string", false, []string{"valse", file}},
	} {
		if _, _, err := run(c.args...); err == nil || !strings.Contains(err.Error(), c.want) || errors.Is(err, commandline.ErrUsage) != c.usage {
			t.Errorf("%v, want %q", err, c.want)
		}
	}
}
