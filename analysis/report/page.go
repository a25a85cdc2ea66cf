package report

import (
	"bytes"
	"embed"
	"fmt"
	"hash/fnv"
	"html/template"
	"io"
	"strconv"
	"strings"

	"github.com/seed-516990b0/golxmert/analysis"
)

//go:embed page.html
var pageHTML string

//go:embed page.css
var pageCSS string

//go:embed script/*.js
var scripts embed.FS

// pageJS is all scripts as one, which leaves nothing behind in the page around it: a notebook has several reports.
var pageJS = func() string {
	var b strings.Builder
	b.WriteString("(() => {\n'use strict';\n")
	for _, name := range []string{"draw", "maps", "picture", "matrix", "overview", "example", "save", "start"} {
		text, err := scripts.ReadFile("script/" + name + ".js")
		if err != nil {
			panic(err) // a file of this package
		}
		for line := range strings.Lines(string(text)) {
			if line = strings.TrimSpace(line); !strings.HasPrefix(line, "//") { // comments are for those who read the source
				b.WriteString(line + "\n")
			}
		}
	}
	b.WriteString("})();")
	return b.String()
}()

var pages = template.Must(template.New("").Parse(pageHTML))

// page is what the template fills in.
type page struct {
	Title    string
	CSS      template.CSS
	JS       template.JS
	Index    []entry // nil for a single result
	Tables   []table
	Charts   []chart
	Examples []*example
	Facts    []fact
}

// entry is a line of the index.
type entry struct{ ID, Title string }

type table struct {
	ID, Title string
	Columns   []cell
	Rows      [][]cell
	Facts     []fact
}

type cell struct {
	Text  string
	Right bool // numbers stand in line
}

// chart is a drawing made by Go.
type chart struct {
	ID, Title string
	SVG       template.HTML
	Facts     []fact
}

// write lays out a run. A run of one result has no index.
func write(w io.Writer, r Run, opt Options) error {
	p := page{Title: r.Title, CSS: template.CSS(pageCSS), JS: template.JS(pageJS), Facts: facts(r.Meta)}
	if p.Title == "" {
		p.Title = "Report"
	}
	prefix := ""
	if opt.Fragment {
		prefix = fragmentPrefix(r)
	}
	for i, t := range r.Tables {
		out, err := newTable(t, prefix+"table-"+strconv.Itoa(i+1))
		if err != nil {
			return err
		}
		p.Tables = append(p.Tables, out)
		p.Index = append(p.Index, entry{out.ID, out.Title})
	}
	for i, c := range r.Curves {
		out, err := newCurve(c, prefix+"curve-"+strconv.Itoa(i+1))
		if err != nil {
			return err
		}
		p.Charts = append(p.Charts, out)
		p.Index = append(p.Index, entry{out.ID, out.Title})
	}
	for i, m := range r.Matrices {
		out, err := newMatrix(m, prefix+"matrix-"+strconv.Itoa(i+1))
		if err != nil {
			return err
		}
		p.Charts = append(p.Charts, out)
		p.Index = append(p.Index, entry{out.ID, out.Title})
	}
	for i, e := range r.Examples {
		x, err := newExample(e, prefix+"example-"+strconv.Itoa(i+1), opt)
		if err != nil {
			return fmt.Errorf("example %d: %w", i+1, err)
		}
		x.Name = x.Question
		if x.Name == "" {
			x.Name = "Example " + strconv.Itoa(i+1)
		}
		p.Examples = append(p.Examples, x)
		p.Index = append(p.Index, entry{x.ID, x.Name})
	}
	if len(p.Index) < 2 {
		p.Index = nil
	}
	for _, x := range p.Examples {
		x.Alone = p.Index == nil
	}
	name := "page"
	if opt.Fragment {
		name = "fragment"
	}
	var buf bytes.Buffer // so that a template that fails has written nothing
	if err := pages.ExecuteTemplate(&buf, name, p); err != nil {
		return fmt.Errorf("report: %w", err)
	}
	_, err := w.Write(buf.Bytes())
	return err
}

// fragmentPrefix keeps the names of a fragment's parts apart from those of other fragments on the same page.
func fragmentPrefix(r Run) string {
	h := fnv.New32a()
	fmt.Fprint(h, r.Title, r.Meta)
	for _, e := range r.Examples {
		fmt.Fprint(h, e.Scores.Text.Text, e.Scores.Meta, e.Scores.Words, e.Scores.Regions, e.Scores.Image.ID)
	}
	for _, t := range r.Tables {
		fmt.Fprint(h, t)
	}
	for _, c := range r.Curves {
		fmt.Fprint(h, c)
	}
	for _, m := range r.Matrices {
		fmt.Fprint(h, m)
	}
	return fmt.Sprintf("lxr-%08x-", h.Sum32())
}

func newTable(t analysis.Table, id string) (table, error) {
	out := table{ID: id, Title: headline(t.Meta), Facts: facts(t.Meta)}
	for i, row := range t.Rows {
		if len(row) != len(t.Columns) {
			return table{}, fmt.Errorf("%w: row %d of a table has %d entries, there are %d columns", ErrResult, i, len(row), len(t.Columns))
		}
		var cells []cell
		for _, x := range row {
			c := cell{Text: fmt.Sprint(x)}
			switch x := x.(type) {
			case float64:
				c = cell{tableNumber(x), true}
			case int:
				c = cell{strconv.Itoa(x), true}
			}
			cells = append(cells, c)
		}
		out.Rows = append(out.Rows, cells)
	}
	for i, name := range t.Columns {
		if t.Level > 0 && i > 0 && (name == "low" || name == "high") { // of what stands before it
			name = fmt.Sprintf("%s, %g %%", name, 100*t.Level)
		}
		out.Columns = append(out.Columns, cell{name, len(out.Rows) > 0 && out.Rows[0][i].Right})
	}
	return out, nil
}

func tableNumber(x float64) string {
	if x != x {
		return "–"
	}
	return strings.Replace(strconv.FormatFloat(x, 'g', 4, 64), "-", "−", 1)
}

// headline names the method, and of what.
func headline(m analysis.Meta) string {
	s := m.Method
	if s == "" {
		s = "Result"
	}
	if m.Target != "" {
		s += " of " + m.Target
	}
	return s
}
