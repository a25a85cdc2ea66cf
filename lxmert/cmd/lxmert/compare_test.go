package main

import (
	"context"
	"encoding/csv"
	"encoding/json"
	"errors"
	"io"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"sync"
	"testing"

	"github.com/seed-516990b0/golxmert/analysis"
	"github.com/seed-516990b0/golxmert/internal/commandline"
)

// interrupting is where a command writes that is interrupted as soon as it says that it has asked questions.
type interrupting struct {
	cancel context.CancelFunc
	mutex  sync.Mutex
	said   strings.Builder
}

func (w *interrupting) Write(p []byte) (int, error) {
	w.mutex.Lock()
	defer w.mutex.Unlock()
	w.said.Write(p)
	if strings.Contains(w.said.String(), "comparing: ") {
		w.cancel()
	}
	return len(p), nil
}

func (w *interrupting) text() string {
	w.mutex.Lock()
	defer w.mutex.Unlock()
	return w.said.String()
}

// TestTwoModelsAreCompared on a page, in figures and in numbers.
func TestTwoModelsAreCompared(t *testing.T) {
	sweepOf, dir := toySweep(t), t.TempDir()
	before, after := filepath.Join(dir, "before", "BEST.safetensors"), filepath.Join(dir, "after", "BEST.safetensors")
	for i, path := range []string{before, after} {
		if err := errors.Join(os.Mkdir(filepath.Dir(path), 0o777), os.Rename(drawnModel(t, uint64(i+1)), path)); err != nil {
			t.Fatal(err)
		}
	}
	out := filepath.Join(dir, "out")
	args := func(a, b string, more ...string) []string {
		all := sweepOf("", out)[2:]
		at := slices.Index(all, "--load")
		return append(append([]string{"compare", a, b}, slices.Delete(all, at, at+2)...), more...)
	}
	said, errOut, err := execute(rootCommand(), args(before, after, "--limit", "10", "--batchSize", "4", "--examples", "2")...)
	if err != nil {
		t.Fatal(err, errOut)
	}
	for _, want := range []string{"answers that changed", "before/BEST: right answers", "relative distance of the weights"} {
		if !strings.Contains(said, want) {
			t.Errorf("%q is not said: %s", want, said)
		}
	}
	page, err := os.ReadFile(filepath.Join(out, "compare.html"))
	if err != nil {
		t.Fatal(err)
	}
	for _, want := range []string{"before/BEST: bi-modal relevance", "after/BEST: bi-modal relevance", "divergence of attention", "distance of the weights"} {
		if !strings.Contains(string(page), want) {
			t.Errorf("the page does not say %q", want)
		}
	}
	for _, name := range []string{"summary.pdf", "attention.csv", "cka-words.json", "cka-regions.pdf", "weights.csv", "probabilities.pdf", "question-01.pdf", "citation.bib"} {
		if _, err := os.Stat(filepath.Join(out, name)); err != nil {
			t.Error(err)
		}
	}
	raw, err := os.ReadFile(filepath.Join(out, "questions.csv"))
	if err != nil {
		t.Fatal(err)
	}
	rows, err := csv.NewReader(strings.NewReader(string(raw))).ReadAll()
	if err != nil || len(rows) != 11 {
		t.Fatalf("%v: %d lines, expected one of names and one of each question", err, len(rows))
	}
	changed := 0
	for _, row := range rows[1:] {
		if (row[3] != row[4]) != (row[5] == "true") {
			t.Errorf("answers %q and %q, changed is %s", row[3], row[4], row[5])
		}
		if row[5] == "true" {
			changed++
		}
	}
	var summary analysis.Table
	if raw, err = os.ReadFile(filepath.Join(out, "summary.json")); err == nil {
		var file struct {
			Result json.RawMessage `json:"result"`
		}
		if err = json.Unmarshal(raw, &file); err == nil && file.Result != nil {
			raw = file.Result
		}
		err = json.Unmarshal(raw, &summary)
	}
	if err != nil {
		t.Fatal(err)
	}
	if got := summary.Rows[0][1]; got != float64(changed)/10 {
		t.Errorf("%v of the answers changed, in questions.csv %d of 10", got, changed)
	}
	// What a comparison keeps until it is done is gone with it; another one's is named, and thrown away when that is wanted.
	state := filepath.Join(out, "compare.state")
	if _, err := os.Stat(state); !errors.Is(err, os.ErrNotExist) {
		t.Errorf("the state of a comparison that is done: %v", err)
	}
	if err := os.WriteFile(state, []byte("something else"), 0o600); err != nil {
		t.Fatal(err)
	}
	again := []string{"--limit", "10", "--batchSize", "4", "--examples", "2"}
	if _, _, err := execute(rootCommand(), args(before, after, again...)...); err == nil || !strings.Contains(err.Error(), state) || !strings.Contains(err.Error(), "--overwrite removes it") {
		t.Errorf("with the state of something else: %v", err)
	}
	if _, _, err := execute(rootCommand(), args(before, after, append(again, "--overwrite")...)...); err != nil {
		t.Errorf("overwritten: %v", err)
	}
	if text, err := os.ReadFile(filepath.Join(out, "compare.html")); err != nil || string(text) != string(page) {
		t.Errorf("the page of the same comparison is another one, %v", err)
	}
	// Interrupted after its first questions it says how to go on, which ends in the same page.
	interrupted := filepath.Join(dir, "interrupted")
	elsewhere := args(before, after, again...)
	elsewhere[slices.Index(elsewhere, "--out")+1] = interrupted
	ctx, cancel := context.WithCancel(t.Context())
	log := &interrupting{cancel: cancel}
	root := rootCommand()
	root.SetErr(log)
	root.SetOut(io.Discard)
	if code := run(ctx, root, elsewhere); code != 1 || !strings.Contains(log.text(), "what was found is in "+interrupted+"; the same command goes on from there\nlxmert: interrupted\n") {
		t.Errorf("interrupted: exit code %d:\n%s", code, log.text())
	}
	if _, errOut, err := execute(rootCommand(), elsewhere...); err != nil {
		t.Errorf("after an interrupt: %v\n%s", err, errOut)
	}
	if text, err := os.ReadFile(filepath.Join(interrupted, "compare.html")); err != nil || string(text) != string(page) {
		t.Errorf("after an interrupt the page is another one, %v", err)
	}
	for want, of := range map[string][]string{
		"--data is needed":            {"compare", before, after, "--out", out},
		"both models are called same": args(before, after, "--names", "same,same"),
		"--names has 1 names":         args(before, after, "--names", "one"),
		"--batchSize is 0":            args(before, after, "--batchSize", "0"),
		"there is no method":          args(before, after, "--method", "no"),
	} {
		if _, _, err := execute(rootCommand(), of...); !errors.Is(err, commandline.ErrUsage) || !strings.Contains(err.Error(), want) {
			t.Errorf("%v, want %q", err, want)
		}
	}
}
