package ipynb

import (
	"bytes"
	"encoding/json"
	"fmt"
	"os"
	"slices"
	"strings"

	"github.com/seed-516990b0/golxmert/internal/atomicfile"
)

// Notebook is a notebook's file. What is not known here stays in it as it was.
type Notebook struct {
	Cells  []*Cell
	fields map[string]json.RawMessage
	minor  int
}

// Cell is a cell of a notebook.
type Cell struct {
	Type    string // "code", "markdown" or "raw"
	Source  string
	Count   int // that Jupyter shows beside it; 0: it has not run
	Outputs []*Output
	Tags    []string
	fields  map[string]json.RawMessage
}

// Output is something below a cell, with the fields of nbformat.
type Output struct {
	fields  map[string]any
	display string // the id by which it is replaced, "": it is not
}

// text is a text as a notebook's file has it: a string, or a list of lines.
type text string

func (t *text) UnmarshalJSON(raw []byte) error {
	var list []string
	if json.Unmarshal(raw, &list) == nil {
		*t = text(strings.Join(list, ""))
		return nil
	}
	return json.Unmarshal(raw, (*string)(t))
}

// lines is a text as Jupyter writes it.
func lines(s string) []string { return slices.AppendSeq([]string{}, strings.Lines(s)) }

// Read reads a notebook of Go.
func Read(path string) (*Notebook, error) {
	raw, err := os.ReadFile(path)
	if err != nil {
		return nil, err
	}
	n, err := parse(raw)
	if err != nil {
		return nil, fmt.Errorf("%s: %w", path, err)
	}
	return n, nil
}

func parse(raw []byte) (*Notebook, error) {
	var head struct {
		Major    int               `json:"nbformat"`
		Minor    int               `json:"nbformat_minor"`
		Cells    []json.RawMessage `json:"cells"`
		Metadata struct {
			Kernel struct {
				Language string `json:"language"`
				Name     string `json:"display_name"`
			} `json:"kernelspec"`
			Language struct {
				Name string `json:"name"`
			} `json:"language_info"`
		} `json:"metadata"`
	}
	n := &Notebook{}
	err := json.Unmarshal(raw, &head)
	if err == nil {
		err = json.Unmarshal(raw, &n.fields)
	}
	if err != nil {
		return nil, fmt.Errorf("it is not a notebook: %w", err)
	}
	if head.Major != 4 {
		return nil, fmt.Errorf("it is not a notebook of format 4, but of format %d; JupyterLab reads older ones and saves them as format 4", head.Major)
	}
	for _, language := range []string{head.Metadata.Kernel.Language, head.Metadata.Language.Name} {
		if language != "" && language != "go" {
			return nil, fmt.Errorf("it is a notebook of %s, not of Go", language)
		}
	}
	n.minor = head.Minor
	for i, raw := range head.Cells {
		c, err := parseCell(raw)
		if err != nil {
			return nil, fmt.Errorf("cell %d: %w", i+1, err)
		}
		n.Cells = append(n.Cells, c)
	}
	return n, nil
}

func parseCell(raw []byte) (*Cell, error) {
	var head struct {
		Type     string `json:"cell_type"`
		Source   text   `json:"source"`
		Metadata struct {
			Tags []string `json:"tags"`
		} `json:"metadata"`
	}
	c := &Cell{}
	err := json.Unmarshal(raw, &head)
	if err == nil {
		err = json.Unmarshal(raw, &c.fields)
	}
	c.Type, c.Source, c.Tags = head.Type, string(head.Source), head.Metadata.Tags
	return c, err
}

// has says whether a cell has a tag.
func (c *Cell) has(tag string) bool { return slices.Contains(c.Tags, tag) }

// clear takes away what an earlier execution has put out.
func (n *Notebook) clear() {
	for _, c := range n.Cells {
		c.Count, c.Outputs = 0, nil
	}
}

// Write writes the notebook, in place of a file that is there.
func (n *Notebook) Write(path string) error {
	cells := []any{}
	for _, c := range n.Cells {
		cells = append(cells, c.object())
	}
	object := map[string]any{}
	for name, value := range n.fields {
		object[name] = value
	}
	object["cells"] = cells
	var b bytes.Buffer
	e := json.NewEncoder(&b)
	e.SetEscapeHTML(false)
	e.SetIndent("", " ")
	if err := e.Encode(object); err != nil {
		return err
	}
	return atomicfile.Write(path, 0o666, b.Bytes())
}

func (c *Cell) object() map[string]any {
	object := map[string]any{}
	for name, value := range c.fields {
		object[name] = value
	}
	object["cell_type"], object["source"] = c.Type, lines(c.Source)
	if c.Type != "code" {
		return object
	}
	outputs := []any{}
	for _, o := range c.Outputs {
		outputs = append(outputs, o.fields)
	}
	object["outputs"], object["execution_count"] = outputs, nil
	if c.Count > 0 {
		object["execution_count"] = c.Count
	}
	return object
}
