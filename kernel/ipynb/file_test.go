package ipynb

import (
	"context"
	"encoding/json"
	"errors"
	"os"
	"path/filepath"
	"reflect"
	"strings"
	"testing"

	"github.com/seed-516990b0/golxmert/kernel/proxy"
)

func TestNotebookKeepsWhatIsNotKnown(t *testing.T) {
	names, err := filepath.Glob(filepath.Join("..", "..", "notebooks", "*.ipynb"))
	if err != nil || len(names) == 0 {
		t.Fatal(names, err)
	}
	odd := filepath.Join(t.TempDir(), "odd.ipynb")
	text := `{"nbformat": 4, "nbformat_minor": 2, "metadata": {"a": 1e400, "ü": "<&>"}, "x": [1], "cells": [
		{"cell_type": "raw", "metadata": {}, "source": ["one\n", "two"], "y": null},
		{"cell_type": "code", "metadata": {"tags": ["b"]}, "source": "", "outputs": [{"output_type": "stream"}], "execution_count": 7}]}`
	if err := os.WriteFile(odd, []byte(text), 0o600); err != nil {
		t.Fatal(err)
	}
	for _, name := range append(names, odd) {
		out := filepath.Join(t.TempDir(), "out.ipynb")
		n := read(t, name)
		n.clear()
		if err := n.Write(out); err != nil {
			t.Fatal(err)
		}
		before, after := values(t, name), values(t, out)
		if name == odd {
			cells := before["cells"].([]any)
			cells[0].(map[string]any)["source"] = []any{"one\n", "two"}
			cells[1].(map[string]any)["outputs"], cells[1].(map[string]any)["execution_count"], cells[1].(map[string]any)["source"] = []any{}, nil, []any{}
		}
		if !reflect.DeepEqual(before, after) {
			t.Errorf("%s becomes\n%v\nand was\n%v", name, after, before)
		}
	}
}

func values(t *testing.T, path string) map[string]any {
	t.Helper()
	text, err := os.ReadFile(path)
	if err != nil {
		t.Fatal(err)
	}
	d := json.NewDecoder(strings.NewReader(string(text)))
	d.UseNumber()
	var v map[string]any
	if err := d.Decode(&v); err != nil {
		t.Fatal(err)
	}
	return v
}

func TestWhatIsNoNotebookOfGoIsRefused(t *testing.T) {
	for text, want := range map[string]string{
		``:                                  "is not a notebook: unexpected end of JSON input",
		`{"nbformat": 3, "worksheets": []}`: "not a notebook of format 4, but of format 3",
		`{"nbformat": 4, "cells": [], "metadata": {"kernelspec": {"language": "python"}}}`: "it is a notebook of python, not of Go",
		`{"nbformat": 4, "cells": [], "metadata": {"language_info": {"name": "julia"}}}`:   "it is a notebook of julia, not of Go",
		`{"nbformat": 4, "cells": [{"cell_type": "code", "source": {}}]}`:                  "cell 1: ",
		`[1]`: "is not a notebook: ",
	} {
		path := filepath.Join(t.TempDir(), "n.ipynb")
		if err := os.WriteFile(path, []byte(text), 0o600); err != nil {
			t.Fatal(err)
		}
		if _, err := Read(path); err == nil || !strings.Contains(err.Error(), want) || !strings.HasPrefix(err.Error(), path+": ") {
			t.Errorf("%q: %v", text, err)
		}
	}
	if _, err := Read(filepath.Join(t.TempDir(), "none")); !errors.Is(err, os.ErrNotExist) {
		t.Error(err)
	}
}

// played is a kernel that puts out messages by a cell's text, and then ends the cell with an error.
type played map[string]struct {
	messages []proxy.Output
	err      error
}

func (p played) Execute(_ context.Context, code string, see func(proxy.Output)) (int, error) {
	for _, m := range p[code].messages {
		see(m)
	}
	return len(code), p[code].err
}

func said(kind, content string) proxy.Output {
	return proxy.Output{Type: kind, Content: json.RawMessage(content)}
}

func TestExecutedNotebookHasWhatTheKernelSaid(t *testing.T) {
	failure := &proxy.CellError{Name: "panic", Value: "no"}
	n := read(t, write(t, "a", " ", "bb", "ccc", "dddd"))
	p := played{
		"a": {messages: []proxy.Output{
			said("execute_input", `{}`), said("stream", `{"name": "stdout", "text": "one\nt"}`), said("stream", `{"name": "stdout", "text": "wo"}`),
			said("stream", `{"name": "stderr", "text": "!"}`), said("display_data", `{"data": {"text/plain": "x\ny", "application/json": "s"}, "metadata": {}, "transient": {"display_id": "d"}}`),
			said("stream", `not JSON`),
		}},
		"bb": {messages: []proxy.Output{
			said("stream", `{"name": "stdout", "text": "gone"}`), said("clear_output", `{"wait": true}`), said("execute_result", `{"data": {"text/plain": "5"}, "execution_count": 2}`),
			said("update_display_data", `{"data": {"text/plain": "newer"}, "metadata": {"m": 1}, "transient": {"display_id": "d"}}`),
		}},
		"ccc": {messages: []proxy.Output{said("error", `{"ename": "panic", "evalue": "no", "traceback": ["l"]}`)}, err: failure},
	}
	saves, out := 0, filepath.Join(t.TempDir(), "out.ipynb")
	var told []string
	err := n.Execute(t.Context(), p, Watch{
		Begin: func(cell, of int, source string) { told = append(told, source) },
		Text:  func(stream, text string) { told = append(told, stream+":"+text) },
	}, func() error { saves++; return n.Write(out) })
	if !errors.Is(err, failure) || saves != 3 {
		t.Errorf("%v, saved %d times", err, saves)
	}
	if got := strings.Join(told, " "); got != "a stdout:one\nt stdout:wo stderr:! bb stdout:gone ccc" {
		t.Errorf("told is %q", got)
	}
	var outputs []string
	for _, c := range values(t, out)["cells"].([]any) {
		c := c.(map[string]any)
		if c["cell_type"] == "code" {
			text, err := json.Marshal([]any{c["execution_count"], c["outputs"]})
			if err != nil {
				t.Fatal(err)
			}
			outputs = append(outputs, string(text))
		}
	}
	want := []string{
		`[1,[{"name":"stdout","output_type":"stream","text":["one\n","two"]},{"name":"stderr","output_type":"stream","text":["!"]},{"data":{"text/plain":["newer"]},"metadata":{"m":1},"output_type":"display_data"}]]`,
		`[null,[]]`,
		`[2,[{"data":{"text/plain":["5"]},"execution_count":2,"metadata":{},"output_type":"execute_result"}]]`,
		`[3,[{"ename":"panic","evalue":"no","output_type":"error","traceback":["l"]}]]`,
		`[null,[]]`,
	}
	if !reflect.DeepEqual(outputs, want) {
		t.Errorf("outputs\n%s\nexpected\n%s", strings.Join(outputs, "\n"), strings.Join(want, "\n"))
	}
}

func TestExecutionEndsWithItsContextAndWhenItCannotBeSaved(t *testing.T) {
	n := read(t, write(t, "a", "bb"))
	ctx, cancel := context.WithCancel(t.Context())
	if err := n.Execute(ctx, played{}, Watch{End: func(int, int) { cancel() }}, func() error { return nil }); !errors.Is(err, context.Canceled) || n.Cells[2].Count != 0 {
		t.Errorf("%v, the second cell is number %d", err, n.Cells[2].Count)
	}
	full := errors.New("the disk is full")
	if err := n.Execute(t.Context(), played{}, Watch{}, func() error { return full }); !errors.Is(err, full) || n.Cells[2].Count != 0 {
		t.Errorf("%v, the second cell is number %d", err, n.Cells[2].Count)
	}
}
