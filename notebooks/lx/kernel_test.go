package lx

import (
	"encoding/json"
	"fmt"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"testing"

	"github.com/seed-516990b0/golxmert/internal/testneed"
	"github.com/seed-516990b0/golxmert/internal/testwait"
	"github.com/seed-516990b0/golxmert/kernel/install"
)

// runNotebook runs cells as a notebook of its own, through Jupyter and the installed kernel, and returns the notebook with
// what they show.
func runNotebook(t *testing.T, place install.Place, name string, cells ...string) string {
	t.Helper()
	type cell struct {
		Kind     string         `json:"cell_type"`
		ID       string         `json:"id"`
		Source   string         `json:"source"`
		Outputs  []any          `json:"outputs"`
		Count    *int           `json:"execution_count"`
		Metadata map[string]any `json:"metadata"`
	}
	var all []cell
	for i, source := range cells {
		all = append(all, cell{"code", string(rune('a' + i)), source, []any{}, nil, map[string]any{}})
	}
	text, err := json.Marshal(map[string]any{"cells": all, "metadata": map[string]any{}, "nbformat": 4, "nbformat_minor": 5})
	if err != nil {
		t.Fatal(err)
	}
	dir := t.TempDir()
	path := filepath.Join(dir, name+".ipynb")
	write(t, path, string(text))
	cmd := exec.CommandContext(testwait.Context(t), place.PythonProgram("jupyter"), "nbconvert", "--to", "notebook", "--execute", "--output", "out",
		"--ExecutePreprocessor.kernel_name="+install.KernelName, path)
	if out, err := cmd.CombinedOutput(); err != nil {
		t.Fatalf("%s: %v\n%s", name, err, out)
	}
	got, err := os.ReadFile(filepath.Join(dir, "out.ipynb"))
	if err != nil {
		t.Fatal(err)
	}
	return string(got)
}

// jupyter is where Jupyter and the kernel are installed. A machine without them skips the test, or fails it if LXMERT_REQUIRE
// lists "jupyter".
func jupyter(t *testing.T) install.Place {
	t.Helper()
	place, err := install.Find("")
	if err == nil {
		err = place.Check()
	}
	testneed.Require(t, "jupyter", err == nil, fmt.Sprint(err))
	return place
}

func TestCellsWithOtherImportsAndOtherNotebooksFindWhatIsKept(t *testing.T) {
	place := jupyter(t)
	computed := filepath.Join(t.TempDir(), "computed") // gets a letter each time
	declare := func(imports string) string {
		return imports + `
import "github.com/seed-516990b0/golxmert/notebooks/lx"

func compute() float64 {
	f, err := os.OpenFile("` + computed + `", os.O_CREATE|os.O_APPEND|os.O_WRONLY, 0o600)
	if err != nil {
		panic(err)
	}
	f.WriteString("x")
	return 7
}

var kept = lx.Keep("a value of a notebook", compute)
`
	}
	one := runNotebook(t, place, "one", declare(""), "%%\nlx.Show(kept)", "import \"fmt\"\n\n%%\nfmt.Println(\"second\", kept)",
		"%%\nfmt.Println(strings.ToUpper(\"third\"), kept, math.Floor(1.5))", "%%\nlx.Show(kept + 1)")
	two := runNotebook(t, place, "two", declare("import \"fmt\"\nimport \"sort\""), "%%\nsort.Ints(nil)\nfmt.Println(\"other\", kept)")
	for text, want := range map[string]string{one: "second 7", two: "other 7"} {
		if !strings.Contains(text, want) {
			t.Errorf("the notebook does not show %q:\n%s", want, text)
		}
	}
	if !strings.Contains(one, "THIRD 7 1") {
		t.Errorf("the third cell shows something else:\n%s", one)
	}
	if text, err := os.ReadFile(computed); err != nil || string(text) != "x" {
		t.Errorf("it was computed %d times, %v", len(text), err)
	}
}

func TestCellsPreTrainStopAndGoOn(t *testing.T) {
	place := jupyter(t)
	tinyWorld(t)
	output := filepath.Join(t.TempDir(), "pretrain")
	const use = "import \"fmt\"\nimport \"github.com/seed-516990b0/golxmert/notebooks/lx\"\n\n%%\n"
	text := runNotebook(t, place, "pretraining",
		use+fmt.Sprintf("run := lx.PreTrain(%q, \"--epochs 2\", \"--output\", %q)\nfmt.Println(\"after a step:\", lx.Stop(lx.WaitStep(run, 1)).State)",
			strings.Join(scratch(), " "), output),
		use+fmt.Sprintf("fmt.Println(\"in the end:\", lx.Follow(lx.Resume(%q)).State)", output),
		use+fmt.Sprintf("fmt.Println(\"classes:\", lx.Open(%q).Config().Answers)", output))
	for _, want := range []string{"after a step: stopped", "in the end: done", "Mask_LM", "each loss", "image/png", "classes: 24"} {
		if !strings.Contains(text, want) {
			t.Errorf("the notebook does not show %q:\n%s", want, text)
		}
	}
}
