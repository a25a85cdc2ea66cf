package proxy

import (
	"encoding/json"
	"fmt"
	"os"
	"os/exec"
	"path/filepath"
	"slices"
	"strings"
	"testing"

	"github.com/seed-516990b0/golxmert/internal/testwait"
	"github.com/seed-516990b0/golxmert/kernel/install"
)

// The notebooks in testdata are cells as people paste them. Each says in its metadata what is to come of it, in the words
// of [client.run]; those that are to fail have the tag by which nbconvert goes on.

// notebook is what is read of a notebook's file.
type notebook struct {
	Cells []notebookCell
}

type notebookCell struct {
	Type     string `json:"cell_type"`
	Source   lines
	Metadata struct {
		Expect string
		Tags   []string
	}
	Outputs []struct {
		Type  string `json:"output_type"`
		Text  lines
		Data  map[string]json.RawMessage
		Name  string `json:"ename"`
		Value string `json:"evalue"`
	}
}

// lines is a text that notebooks keep by its lines.
type lines string

func (l *lines) UnmarshalJSON(text []byte) error {
	var list []string
	if json.Unmarshal(text, &list) != nil {
		list = make([]string, 1)
		if err := json.Unmarshal(text, &list[0]); err != nil {
			return err
		}
	}
	*l = lines(strings.Join(list, ""))
	return nil
}

// fails says whether a cell is to fail.
func (c notebookCell) fails() bool { return slices.Contains(c.Metadata.Tags, "raises-exception") }

// came is what has come of a cell, in the words of [client.run].
func (c notebookCell) came(t *testing.T) string {
	var b strings.Builder
	for _, o := range c.Outputs {
		switch o.Type {
		case "stream":
			b.WriteString(string(o.Text))
		case "error":
			fmt.Fprintf(&b, "%s: %s", o.Name, o.Value)
		default:
			var plain lines
			if err := json.Unmarshal(o.Data["text/plain"], &plain); err != nil {
				t.Error(err)
			}
			b.WriteString(map[string]string{"execute_result": "out: ", "display_data": "shown: "}[o.Type])
			if o.Data["image/png"] != nil {
				b.WriteString("picture ")
			}
			b.WriteString(string(plain))
		}
	}
	return b.String()
}

func readNotebook(t *testing.T, path string) (list []notebookCell) {
	t.Helper()
	text, err := os.ReadFile(path)
	if err != nil {
		t.Fatal(err)
	}
	var n notebook
	if err := json.Unmarshal(text, &n); err != nil {
		t.Fatalf("%s: %v", path, err)
	}
	for _, c := range n.Cells {
		if c.Type == "code" {
			list = append(list, c)
		}
	}
	return list
}

// notebooks are those of testdata.
func notebooks(t *testing.T) []string {
	t.Helper()
	found, err := filepath.Glob(filepath.Join("testdata", "notebooks", "*.ipynb"))
	if err != nil || len(found) == 0 {
		t.Fatalf("there are no notebooks: %v", err)
	}
	return found
}

func TestNotebooksAsPeoplePasteThem(t *testing.T) {
	for _, path := range notebooks(t) {
		t.Run(strings.TrimSuffix(filepath.Base(path), ".ipynb"), func(t *testing.T) {
			c := startReal(t)
			for i, cell := range readNotebook(t, path) {
				status, text := c.run(string(cell.Source))
				if (status != "ok") != cell.fails() || text != cell.Metadata.Expect {
					t.Errorf("cell %d:\n%s\n%s, %q, expected %q", i+1, cell.Source, status, text, cell.Metadata.Expect)
				}
			}
		})
	}
}

// TestNotebooksThroughNbconvert has nbconvert run them, each with a kernel and in a process of its own.
func TestNotebooksThroughNbconvert(t *testing.T) {
	p := installed(t)
	env := underTest(t, p)
	for _, path := range notebooks(t) {
		name := strings.TrimSuffix(filepath.Base(path), ".ipynb")
		t.Run(name, func(t *testing.T) {
			whole, err := filepath.Abs(path)
			if err != nil {
				t.Fatal(err)
			}
			dir := t.TempDir()
			runJupyter(t, dir, env, p.PythonProgram("jupyter"), "nbconvert", "--to", "notebook", "--execute", "--ExecutePreprocessor.kernel_name=under_test",
				"--ExecutePreprocessor.timeout=-1", "--output-dir", dir, "--output", name, whole)
			for i, cell := range readNotebook(t, filepath.Join(dir, name+".ipynb")) {
				if text := cell.came(t); text != cell.Metadata.Expect {
					t.Errorf("cell %d:\n%s\n%q, expected %q", i+1, cell.Source, text, cell.Metadata.Expect)
				}
			}
		})
	}
}

// underTest makes the kernel that this test's program runs known to Jupyter as "under_test", and returns the environment in
// which it is.
func underTest(t *testing.T, p install.Place) (env []string) {
	t.Helper()
	own, err := os.Executable()
	if err != nil {
		t.Fatal(err)
	}
	dir := t.TempDir()
	spec := filepath.Join(dir, "kernels", "under_test")
	if err := os.MkdirAll(spec, 0o700); err != nil {
		t.Fatal(err)
	}
	text := encodeJSON(map[string]any{
		"argv": []string{own, "run", "{connection_file}"}, "display_name": "under test", "language": "go", "interrupt_mode": "signal",
		"env": map[string]string{"TEST_GONB": p.Program("gonb"), "TEST_GOPLS": p.Program("gopls"), "TEST_PRELUDE": p.Prelude()},
	})
	if err := os.WriteFile(filepath.Join(spec, "kernel.json"), text, 0o600); err != nil {
		t.Fatal(err)
	}
	return append(os.Environ(), "JUPYTER_PATH="+dir, "JUPYTER_RUNTIME_DIR="+dir, "IPYTHONDIR="+dir, "KERNEL_NAME=under_test")
}

// runJupyter runs a program that starts kernels, and returns what it says.
func runJupyter(t *testing.T, dir string, env []string, program string, args ...string) string {
	t.Helper()
	var out []byte
	var err error
	for range 5 { // Jupyter chooses the ports before the kernel opens them, and somebody else may be quicker
		cmd := exec.CommandContext(testwait.Context(t), program, args...)
		cmd.Dir, cmd.Env = dir, env
		if out, err = cmd.CombinedOutput(); err == nil || !strings.Contains(string(out), "address already in use") {
			break
		}
	}
	if err != nil {
		t.Fatalf("%v:\n%s", err, out)
	}
	return string(out)
}
