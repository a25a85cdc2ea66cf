package ipynb

import (
	"encoding/json"
	"errors"
	"fmt"
	"os"
	"path/filepath"
	"strings"
	"testing"
)

// write writes a notebook of cells of code; a cell that begins with #TAG has that tag.
func write(t *testing.T, cells ...string) string {
	t.Helper()
	list := []any{map[string]any{"cell_type": "markdown", "metadata": map[string]any{}, "source": "text", "id": "m"}}
	for i, source := range cells {
		metadata := map[string]any{}
		if tag, rest, ok := strings.Cut(source, "\n"); ok && strings.HasPrefix(tag, "#") {
			metadata["tags"], source = []string{tag[1:]}, rest
		}
		list = append(list, map[string]any{"cell_type": "code", "id": fmt.Sprint("c", i), "metadata": metadata, "source": source, "outputs": []any{}, "execution_count": nil})
	}
	text, err := json.Marshal(map[string]any{"nbformat": 4, "nbformat_minor": 5, "metadata": map[string]any{"kernelspec": map[string]any{"language": "go"}}, "cells": list})
	if err != nil {
		t.Fatal(err)
	}
	path := filepath.Join(t.TempDir(), "n.ipynb")
	if err := os.WriteFile(path, text, 0o600); err != nil {
		t.Fatal(err)
	}
	return path
}

func read(t *testing.T, path string) *Notebook {
	t.Helper()
	n, err := Read(path)
	if err != nil {
		t.Fatal(err)
	}
	return n
}

const declares = `import "fmt"

// The task:
// vqa or gqa.
const task = "vqa"

var epochs int = 4
var rate, other = 1, 2
var (
	// How fast.
	lr = 5e-5
	deep = true
	list = []int{1}
)

const (
	first = -1
	second = "b" // kept
	third = iota
)

%%
const inMain = 1
fmt.Println(task)`

func TestParametersAreThoseOfTheTaggedCellOrTheFirst(t *testing.T) {
	const want = `[{task string "vqa" The task: vqa or gqa.} {epochs int 4 } {lr float64 5e-5 How fast.} {deep bool true } {first int -1 } {second string "b" }]`
	for name, cells := range map[string][]string{
		"tagged": {"const other = 1", "#parameters\n" + declares}, "first": {"", declares, "const other = 1"}, "behind injected": {"#injected-parameters\nconst a = 1", declares},
	} {
		if got := fmt.Sprint(read(t, write(t, cells...)).Parameters()); got != want {
			t.Errorf("%s: %s", name, got)
		}
	}
	for _, cells := range [][]string{nil, {"%%\nx := 1"}, {"!ls\n%env A=b"}, {"func ("}} {
		if got := read(t, write(t, cells...)).Parameters(); len(got) > 0 {
			t.Errorf("%q has %v", cells, got)
		}
	}
}

func TestInjectedParametersDeclareWhatTheyReplaceOnceMore(t *testing.T) {
	for _, step := range []struct{ given, source string }{
		{"task=g\"qa", `const task = "g\"qa"`},
		{"task=a=b", `const task = "a=b"`},
		{"task=", `const task = ""`},
		{"epochs=007", `var epochs int = 7`},
		{"lr=2", `var lr = 2.0`},
		{"lr=1e-3 deep=false", "var lr = 0.001\nvar deep = false"},
		{"second=x", "const (\n\tfirst = -1\n\tsecond = \"x\" // kept\n\tthird = iota\n)"},
		{"second=x first=5", "const (\n\tfirst = 5\n\tsecond = \"x\" // kept\n\tthird = iota\n)"},
	} {
		n := read(t, write(t, declares, "%%\nlast()"))
		for range 2 { // another time in place of the first
			if err := n.Inject(givens(step.given)); err != nil {
				t.Fatalf("%s: %v", step.given, err)
			}
		}
		if len(n.Cells) != 4 || n.Cells[1].Source != declares || n.Cells[3].Source != "%%\nlast()" {
			t.Fatalf("%s: %d cells", step.given, len(n.Cells))
		}
		if c := n.Cells[2]; c.Source != "// Parameters\n"+step.source || !c.has("injected-parameters") {
			t.Errorf("%s becomes %q %v", step.given, c.Source, c.Tags)
		}
	}
	n := read(t, write(t, declares, "#injected-parameters\nold"))
	if err := n.Inject(nil); err != nil || len(n.Cells) != 2 {
		t.Errorf("without parameters there are %d cells, %v", len(n.Cells), err)
	}
}

func givens(text string) []Given {
	var list []Given
	for _, word := range strings.Fields(text) {
		name, value, _ := strings.Cut(word, "=")
		list = append(list, Given{name, value})
	}
	return list
}

func TestWrongParametersAreNamedWithWhatThereIs(t *testing.T) {
	for _, step := range []struct{ given, want string }{
		{"epoch=3", "parameter epoch: the notebook has none of that name; it has task (string), epochs (int), lr (float64), deep (bool), first (int), second (string)"},
		{"epochs=3.5", `parameter epochs: "3.5" is not of type int`},
		{"epochs=99999999999999999999", `parameter epochs: "99999999999999999999" is not of type int`},
		{"lr=fast", `parameter lr: "fast" is not of type float64`},
		{"lr=inf", `parameter lr: "inf" is not of type float64`},
		{"deep=1", `parameter deep: it is true or false, not "1"`},
		{"task=a task=b", "parameter task: it is given twice"},
	} {
		if err := read(t, write(t, declares)).Inject(givens(step.given)); !errors.Is(err, ErrParameter) || err.Error() != step.want {
			t.Errorf("%s: %v", step.given, err)
		}
	}
	if err := read(t, write(t, "%%\nx()")).Inject(givens("a=b")); !errors.Is(err, ErrParameter) || !strings.Contains(err.Error(), "the notebook has no parameters") {
		t.Errorf("%v", err)
	}
}
