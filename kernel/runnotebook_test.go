package main

import (
	"bytes"
	"context"
	"encoding/json"
	"fmt"
	"os"
	"path/filepath"
	"regexp"
	"strings"
	"testing"

	"github.com/seed-516990b0/golxmert/internal/testwait"
)

// runNotebook runs `kernel run-notebook` and returns its exit code and what it printed.
func runNotebook(ctx context.Context, args ...string) (code int, out, said string) {
	root := rootCommand()
	var stdout, stderr bytes.Buffer
	root.SetOut(&stdout)
	root.SetErr(&stderr)
	code = run(ctx, root, append([]string{"run-notebook"}, args...))
	return code, stdout.String(), stderr.String()
}

// writeNotebook writes a notebook of cells of Go into a folder of its own.
func writeNotebook(t *testing.T, cells ...string) string {
	t.Helper()
	l := &lab{folder: t.TempDir()}
	l.write(t, "own.ipynb", cells...)
	return filepath.Join(l.folder, "own.ipynb")
}

func TestRunNotebookTellsWrongUse(t *testing.T) {
	own := writeNotebook(t, "const task = \"vqa\"\nvar epochs = 4")
	python := filepath.Join(t.TempDir(), "python.ipynb")
	if err := os.WriteFile(python, []byte(`{"nbformat": 4, "cells": [], "metadata": {"language_info": {"name": "python"}}}`), 0o600); err != nil {
		t.Fatal(err)
	}
	for _, step := range []struct {
		args []string
		want string
	}{
		{nil, "accepts 1 arg(s)"},
		{[]string{"none.ipynb"}, "none.ipynb: no such file or directory; NOTEBOOK is a file, or the number of one of this project's notebooks"},
		{[]string{"77", "--source", ".."}, "there is no notebook 77 in "},
		{[]string{python}, "it is a notebook of python, not of Go"},
		{[]string{own, "-p", "tusk=gqa"}, "parameter tusk: the notebook has none of that name; it has task (string), epochs (int)"},
		{[]string{own, "-p", "epochs=many"}, `parameter epochs: "many" is not of type int`},
		{[]string{own, "-p", "epochs"}, `parameter "epochs": it is written NAME=VALUE`},
		{[]string{own, "--out", own}, "is the notebook itself, which stays as it is"},
		{[]string{own, "--out", "none/x.ipynb"}, "--out none/x.ipynb: there is no folder none"},
		{[]string{own, "--cwd", own}, "is not a folder"},
		{[]string{own, "--task", "gqa"}, "unknown flag: --task"},
	} {
		if code, _, said := runNotebook(t.Context(), step.args...); code != 2 || !strings.Contains(said, step.want) {
			t.Errorf("%v: exit code %d, %s", step.args, code, said)
		}
	}
}

func TestRunNotebookListsParameters(t *testing.T) {
	for args, want := range map[string]string{
		"06 --source .. --list": `world  string  "toy"  "toy" is the built-in world, "published" the published model and data. The name of a folder with data/ and snap/ in it will do, too.
task   string  "vqa"  The task: "vqa", "gqa" or "nlvr2".
`,
		"6 --source .. --list": "", writeNotebook(t, "%%\nx()") + " --list": "own.ipynb has no parameters\n",
	} {
		if code, out, said := runNotebook(t.Context(), strings.Fields(args)...); code != 0 || want != "" && out != want || out == "" {
			t.Errorf("%s: exit code %d, %s, %s", args, code, out, said)
		}
	}
}

// TestProjectsNotebooksHaveParameters, each in a cell of its own with the tag, which runs in every kernel of Go.
func TestProjectsNotebooksHaveParameters(t *testing.T) {
	names, err := filepath.Glob(filepath.Join("..", "notebooks", "*.ipynb"))
	if err != nil || len(names) < 5 {
		t.Fatal(names, err)
	}
	for _, name := range names {
		code, out, said := runNotebook(t.Context(), name, "--list")
		if code != 0 || !regexp.MustCompile(`(?m)^world +string +"toy"`).MatchString(out) {
			t.Errorf("%s: exit code %d, %s%s", name, code, out, said)
		}
		text, err := os.ReadFile(name)
		if err != nil || strings.Count(string(text), `"parameters"`) < 1 {
			t.Errorf("%s has no cell with the tag, %v", name, err)
		}
	}
}

func TestRunNotebookExecutesWithParameters(t *testing.T) {
	installation(t)
	own := writeNotebook(t, "import \"fmt\"\n\nconst task = \"vqa\"\n\nvar name = \"snap/\" + task\n%%\nfmt.Println(name)", "", "%%\nfmt.Println(name, \"again\")\nos.WriteFile(\"here\", nil, 0o600)")
	out := filepath.Join(t.TempDir(), "done.ipynb")
	before, err := os.ReadFile(own)
	if err != nil {
		t.Fatal(err)
	}
	code, printed, said := runNotebook(t.Context(), own, "-p", "task=gqa", "--out", out, "--log")
	if code != 0 || printed != "snap/vqa\nsnap/gqa again\n" {
		t.Fatalf("exit code %d, %q\n%s", code, printed, said)
	}
	for _, want := range []string{`in \[1/3\] const task = "vqa"\n`, `in \[1/3\] \d+\.\d s\n`, `in \[2/3\] const task = "gqa"\n`, `in \[3/3\] fmt.Println\(name, "again"\)\n`, `saved `} {
		if !regexp.MustCompile(want).MatchString(said) {
			t.Errorf("%q is missing in\n%s", want, said)
		}
	}
	if after, err := os.ReadFile(own); err != nil || !bytes.Equal(before, after) {
		t.Errorf("the notebook itself has changed, %v", err)
	}
	if _, err := os.Stat(filepath.Join(filepath.Dir(own), "here")); err != nil {
		t.Errorf("the cells did not work in the notebook's folder: %v", err)
	}
	if x := readExecuted(t, out); fmt.Sprint(x.Cells[1].Metadata.Tags) != "[injected-parameters]" || x.shown() != "snap/vqa\nsnap/gqa again\n" {
		t.Errorf("the output has tags %v and shows %q", x.Cells[1].Metadata.Tags, x.shown())
	}

	// What came out can be executed again.
	again := filepath.Join(t.TempDir(), "again.ipynb")
	if code, _, said := runNotebook(t.Context(), out, "-p", "task=nlvr2", "--out", again); code != 0 {
		t.Errorf("exit code %d\n%s", code, said)
	}
	if x := readExecuted(t, again); len(x.Cells) != 4 || !strings.HasSuffix(x.shown(), "snap/nlvr2 again\n") {
		t.Errorf("%d cells show %q", len(x.Cells), x.shown())
	}
}

func readExecuted(t *testing.T, path string) *executed {
	t.Helper()
	text, err := os.ReadFile(path)
	if err != nil {
		t.Fatal(err)
	}
	x := new(executed)
	if err := json.Unmarshal(text, x); err != nil {
		t.Fatal(err)
	}
	return x
}

func TestRunNotebookSavesWhatRanBeforeACellFailed(t *testing.T) {
	installation(t)
	own := writeNotebook(t, "%%\nfmt.Println(\"before\")", "%%\npanic(\"no data\")", "%%\nfmt.Println(\"behind\")")
	t.Chdir(t.TempDir())
	code, _, said := runNotebook(t.Context(), own)
	if code != 1 || !strings.Contains(said, "kernel: a cell has failed: panic: cell line 2: no data; own.done.ipynb has its error and what ran before\n") {
		t.Errorf("exit code %d\n%s", code, said)
	}
	x := readExecuted(t, "own.done.ipynb")
	if got := fmt.Sprintln(len(x.Cells[0].Outputs), x.Cells[1].Outputs[len(x.Cells[1].Outputs)-1].Type, len(x.Cells[2].Outputs)); got != "1 error 0\n" {
		t.Errorf("the cells show %s", got)
	}
}

func TestInterruptedRunNotebookSavesWhatRan(t *testing.T) {
	installation(t)
	ready := filepath.Join(t.TempDir(), "ready")
	own := writeNotebook(t, "%%\nfmt.Println(\"before\")", "%%\nfmt.Println(\"begins\")\nos.WriteFile(\""+ready+"\", nil, 0o600)\nselect {\ncase <-time.After(time.Hour):\n}", "%%\nfmt.Println(\"behind\")")
	out := filepath.Join(t.TempDir(), "out.ipynb")
	ctx, cancel := context.WithCancel(t.Context())
	defer cancel()
	type ended struct {
		code int
		said string
	}
	end := make(chan ended, 1)
	go func() {
		code, _, said := runNotebook(ctx, own, "--out", out)
		end <- ended{code, said}
	}()
	testwait.Until(t, "the second cell runs", func() bool { _, err := os.Stat(ready); return err == nil })
	cancel()
	if e := testwait.Receive(t, "the notebook ends", end); e.code != 1 || !strings.Contains(e.said, "kernel: interrupted; "+out+" has what ran until then") {
		t.Errorf("exit code %d\n%s", e.code, e.said)
	}
	if x := readExecuted(t, out); x.shown() != "before\nbegins\n" || x.Cells[1].Outputs[len(x.Cells[1].Outputs)-1].Type != "error" {
		t.Errorf("the output shows %q", x.shown())
	}
}
