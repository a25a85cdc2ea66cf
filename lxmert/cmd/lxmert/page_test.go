package main

import (
	"errors"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"testing"

	"github.com/seed-516990b0/golxmert/analysis/browse"
	"github.com/seed-516990b0/golxmert/internal/commandline"
	"github.com/seed-516990b0/golxmert/internal/goldentest"
)

func TestAPageHasEveryExampleOfAnAnalysis(t *testing.T) {
	r := newToyRun(t, goldentest.Folders(t, "model")[0])
	dir := filepath.Join(t.TempDir(), "found")
	said, errOut, err := execute(rootCommand(), analyzeArgs(r, "relevance,norms", dir, "--batchSize", "3")...)
	if err != nil {
		t.Fatalf("%v\n%s", err, errOut)
	}
	if !strings.Contains(said, "`lxmert page ") {
		t.Errorf("nobody says that there can be a page:\n%s", said)
	}
	lines := exampleLines(t, filepath.Join(dir, "examples.jsonl"))
	l, err := browse.Read(t.Context(), browse.Source{Path: dir})
	if err != nil {
		t.Fatal(err)
	}
	if len(l.Examples) != len(lines) || l.Total != len(lines) {
		t.Fatalf("%d examples of %d, the file has %d", len(l.Examples), l.Total, len(lines))
	}
	var columns []string
	for _, c := range l.Columns {
		columns = append(columns, c.Name)
	}
	for _, want := range []string{"answer", "probability"} {
		if !slices.Contains(columns, want) {
			t.Errorf("columns %q lack %q", columns, want)
		}
	}
	if !slices.ContainsFunc(columns, func(name string) bool { return strings.HasPrefix(name, "norms: ") }) {
		t.Errorf("columns %q lack what was measured", columns)
	}
	for i, e := range l.Examples {
		if len(e.Scores) != 1 || len(e.Scores[0]) != 1 || len(e.Scores[0][0].Words) == 0 || len(e.Scores[0][0].Regions) == 0 {
			t.Fatalf("example %d is not explained: %+v", i, e)
		}
		for k := 0; k < len(e.Spans); k += 2 {
			if word := e.Text[e.Spans[k]:e.Spans[k+1]]; word == "" || strings.ContainsAny(word, " ") {
				t.Errorf("example %d: a word is %q", i, word)
			}
		}
	}

	out, errOut, err := execute(rootCommand(), "page", dir, "--limit", "2", "--load", "my weights", "--images", t.TempDir())
	if err != nil {
		t.Fatalf("%v\n%s", err, errOut)
	}
	if !strings.Contains(out, "examples.html, ") || !strings.Contains(out, "has the first 2 of ") || !strings.Contains(errOut, "pictures are not in") {
		t.Errorf("it says %s and %s", out, errOut)
	}
	page, err := os.ReadFile(filepath.Join(dir, "examples.html"))
	if err != nil {
		t.Fatal(err)
	}
	for _, want := range []string{`"lxmert ask --load 'my weights' --regions `, l.Examples[1].ID} {
		if !strings.Contains(strings.ReplaceAll(string(page), `\u0026`, "&"), want) {
			t.Errorf("the page lacks %q", want)
		}
	}
}

func TestAPageOfPredictionsNeedsTheirQuestions(t *testing.T) {
	dir := t.TempDir()
	dump := filepath.Join(dir, "minival_predict.json")
	if err := os.WriteFile(dump, []byte(`[{"answer": "red", "question_id": 7}]`), 0o600); err != nil {
		t.Fatal(err)
	}
	if _, _, err := execute(rootCommand(), "page", dump); !errors.Is(err, commandline.ErrUsage) || !strings.Contains(err.Error(), "--data") {
		t.Errorf("without questions: %v", err)
	}
	for _, args := range [][]string{{"--limit", "0"}, {"--pictureMB", "0"}, {"--out", "page.pdf"}} {
		if _, _, err := execute(rootCommand(), append([]string{"page", dump}, args...)...); !errors.Is(err, commandline.ErrUsage) {
			t.Errorf("%q: %v", args, err)
		}
	}
	questions := filepath.Join(dir, "minival.json")
	if err := os.WriteFile(questions, []byte(`[{"question_id": 7, "img_id": "a", "sent": "what colour?", "label": {"red": 1}}]`), 0o600); err != nil {
		t.Fatal(err)
	}
	out, errOut, err := execute(rootCommand(), "page", dump, "--data", questions)
	if err != nil || !strings.Contains(out, filepath.Join(dir, "minival_predict.html")) || !strings.Contains(out, "has 1 examples") {
		t.Errorf("%v\n%s%s", err, out, errOut)
	}
}
