package report

import (
	"bytes"
	"embed"
	"encoding/binary"
	"fmt"
	"hash/fnv"
	"html/template"
	"io"
	"math"
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
	Title string
	CSS   template.CSS
	JS    template.JS
	Index bool // there are several parts
	Parts []*part
	Facts []fact
}

// part is one result in a page. One of Table, Chart and Example is there.
type part struct {
	ID, Title string // of its element, and in the index
	Open      bool   // an example that is seen at once
	Table     *table
	Chart     *chart
	Example   *example
}

type table struct {
	Columns []cell
	Rows    [][]cell
	Facts   []fact
}

type cell struct {
	Text  string
	Right bool // numbers stand in line
}

// chart is a drawing made by Go.
type chart struct {
	SVG   template.HTML
	Facts []fact
}

// write lays out a collection. A page of one result has no index.
func write(w io.Writer, c analysis.Collection, opt Options) error {
	p := page{Title: c.Title, CSS: template.CSS(pageCSS), JS: template.JS(pageJS), Facts: facts(c.Meta)}
	prefix := ""
	if opt.Fragment {
		prefix = fragmentPrefix(c)
	}
	count := map[string]int{}
	for _, r := range c.Results {
		x, kind, err := newPart(r, opt)
		if err != nil {
			return fmt.Errorf("%s %d: %w", kind, count[kind]+1, err)
		}
		count[kind]++
		x.ID = fmt.Sprintf("%s%s-%d", prefix, kind, count[kind])
		if x.Example != nil {
			x.Open, x.Example.Alone = count[kind] == 1, len(c.Results) == 1
		}
		if x.Title == "" {
			x.Title = "Example " + strconv.Itoa(count[kind])
		}
		p.Parts = append(p.Parts, x)
	}
	p.Index = len(p.Parts) > 1
	if p.Title == "" && len(p.Parts) == 1 {
		p.Title = p.Parts[0].Title
	}
	if p.Title == "" {
		p.Title = "Report"
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

// newPart lays out one result. kind is what the names of such parts begin with.
func newPart(r analysis.Result, opt Options) (x *part, kind string, err error) {
	r, err = analysis.Value(r)
	if err != nil {
		return nil, "result", fmt.Errorf("%w: %w", ErrResult, err)
	}
	x, kind = &part{Title: headline(r.About())}, "example"
	switch r := r.(type) {
	case analysis.Table:
		kind, x.Table = "table", newTable(r)
	case analysis.Curve:
		kind, x.Chart = "curve", newCurve(r)
	case analysis.Matrix:
		kind, x.Chart = "matrix", newMatrix(r)
	case analysis.Explanation:
		x.Title = r.Scores.Text.Text
		x.Example, err = newExample(r, opt)
	case analysis.Scores:
		return newPart(analysis.Compared(r), opt)
	case analysis.Maps:
		return newPart(analysis.Explanation{Scores: analysis.Scores{Meta: r.Meta, Text: r.Text}, Maps: r.Maps}, opt)
	default:
		kind, err = analysis.KindOf(r), fmt.Errorf("%w within another", ErrResult)
	}
	return x, kind, err
}

// fragmentPrefix keeps the names of a fragment's parts apart from those of other fragments on the same page.
func fragmentPrefix(c analysis.Collection) string {
	h := fnv.New32a()
	fmt.Fprint(h, c.Title, c.Meta)
	for _, r := range c.Results {
		fmt.Fprint(h, r.About(), r.Plain())
		for _, a := range r.Arrays() {
			for _, x := range a.Values {
				h.Write(binary.LittleEndian.AppendUint64(nil, math.Float64bits(x)))
			}
		}
	}
	return fmt.Sprintf("lxr-%08x-", h.Sum32())
}

func newTable(t analysis.Table) *table {
	out := &table{Facts: facts(t.Meta)}
	for _, row := range t.Rows {
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
	return out
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
