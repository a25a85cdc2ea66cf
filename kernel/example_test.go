package main

import (
	"encoding/json"
	"go/ast"
	"go/parser"
	"go/token"
	"os"
	"path/filepath"
	"strings"
	"testing"

	"github.com/seed-516990b0/golxmert/lxmert/toy"
)

// TestExamplesOfLxRun executes what lx's documentation shows, the package's comment and its examples, as cells.
func TestExamplesOfLxRun(t *testing.T) {
	n := openNotebooks(t)
	fewQuestions(t)
	lx := filepath.Join(n.source, "lx")
	n.execute(t, "lx-comment", asNotebook(t, append([]string{importLx}, cellsOfComment(t, filepath.Join(lx, "doc.go"))...))).
		expect(t, `what color is the star\?`, `bi-modal relevance`, `snap/vqa/mine: done`)
	cells := []string{importLx + "\nimport \"github.com/seed-516990b0/golxmert/analysis\""}
	for _, body := range bodiesOfExamples(t, filepath.Join(lx, "example_test.go")) {
		cells = append(cells, "%%\n"+body)
	}
	n.folder = t.TempDir() // both train into the same folder
	n.execute(t, "lx-examples", asNotebook(t, cells)).
		expect(t, `what color is the star\?`, `snap/vqa/mine: done`, `snap/vqa/parts: stopped`, `snap/vqa/parts: done`)
}

// fewQuestions has the test use a world of a fiftieth of the toy world's pictures, with its model: examples train for whole epochs.
func fewQuestions(t *testing.T) {
	t.Helper()
	whole, err := toy.Folder()
	if err != nil {
		t.Fatal(err)
	}
	dir := filepath.Join(t.TempDir(), "toy")
	if _, err := toy.Make(t.Context(), dir, toy.Options{Scale: 0.02}); err != nil {
		t.Fatal(err)
	}
	makeFolder(t, filepath.Join(dir, "snap"))
	if err := os.Symlink(filepath.Join(whole, "snap", "vqa"), filepath.Join(dir, "snap", "vqa")); err != nil {
		t.Fatal(err)
	}
	t.Setenv(toy.FolderEnv, dir)
}

const importLx = `import "github.com/seed-516990b0/golxmert/notebooks/lx"`

// cellsOfComment is the code of a package's comment; lines between that are empty and followed by %% begin a cell.
func cellsOfComment(t *testing.T, path string) []string {
	t.Helper()
	f, err := parser.ParseFile(token.NewFileSet(), path, nil, parser.PackageClauseOnly|parser.ParseComments)
	if err != nil {
		t.Fatal(err)
	}
	var code strings.Builder
	for line := range strings.Lines(f.Doc.Text()) {
		switch rest, ok := strings.CutPrefix(line, "\t"); {
		case ok:
			code.WriteString(rest)
		case strings.TrimSpace(line) == "":
			code.WriteString("\n")
		}
	}
	cells := strings.Split(strings.TrimSpace(code.String()), "\n\n%%")
	for i := range cells[1:] {
		cells[i+1] = "%%" + cells[i+1]
	}
	if len(cells) < 3 {
		t.Fatalf("%s has code for %d cells: %q", path, len(cells), cells)
	}
	return cells
}

// bodiesOfExamples are the statements of all examples of a file, each with its comments.
func bodiesOfExamples(t *testing.T, path string) (bodies []string) {
	t.Helper()
	source, err := os.ReadFile(path)
	if err != nil {
		t.Fatal(err)
	}
	set := token.NewFileSet()
	f, err := parser.ParseFile(set, path, source, parser.ParseComments)
	if err != nil {
		t.Fatal(err)
	}
	for _, d := range f.Decls {
		if fn, ok := d.(*ast.FuncDecl); ok && strings.HasPrefix(fn.Name.Name, "Example") {
			bodies = append(bodies, string(source[set.Position(fn.Body.Lbrace).Offset+1:set.Position(fn.Body.Rbrace).Offset]))
		}
	}
	if len(bodies) == 0 {
		t.Fatalf("%s has no examples", path)
	}
	return bodies
}

// asNotebook is a notebook of these cells.
func asNotebook(t *testing.T, cells []string) []byte {
	t.Helper()
	type cell struct {
		Type     string   `json:"cell_type"`
		Metadata struct{} `json:"metadata"`
		Outputs  []any    `json:"outputs"`
		Count    *int     `json:"execution_count"`
		Source   string   `json:"source"`
	}
	var all []cell
	for _, text := range cells {
		all = append(all, cell{Type: "code", Outputs: []any{}, Source: text})
	}
	text, err := json.Marshal(map[string]any{"cells": all, "metadata": struct{}{}, "nbformat": 4, "nbformat_minor": 4})
	if err != nil {
		t.Fatal(err)
	}
	return text
}
