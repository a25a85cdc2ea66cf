package report

import (
	"embed"
	"encoding/binary"
	"fmt"
	"hash/fnv"
	"html/template"
	"io"
	"math"
	"strconv"

	"github.com/seed-516990b0/golxmert/analysis"
	"github.com/seed-516990b0/golxmert/analysis/internal/page"
	"github.com/seed-516990b0/golxmert/analysis/layout"
)

//go:embed page.html
var pageHTML string

//go:embed page.css
var pageCSS string

//go:embed script/*.js
var scripts embed.FS

var (
	pageStyle = page.Style(pageCSS)
	pageJS    = page.Script(scripts, "script/draw", "script/maps", "script/picture", "script/matrix", "script/overview", "script/example", "script/save", "script/start")
	pages     = page.Template(pageHTML)
)

// content is what the template fills in.
type content struct {
	Title string
	CSS   template.CSS
	JS    template.JS
	Index bool // there are several parts
	Parts []*part
	Facts []layout.Fact
}

// part is one result in a page: a table, a chart, or examples, of which several stand side by side.
type part struct {
	ID, Title string // of its element, and in the index
	Open      bool   // an example that is seen at once
	Table     *table
	Chart     *chart
	Examples  []*example
}

type table struct {
	Columns []cell
	Rows    [][]cell
	Facts   []layout.Fact

	examples []int // that the rows are about, see [analysis.Table]
}

type cell struct {
	Text  string
	Right bool   // numbers stand in line
	To    string // the ID of the part that it is a link to; "": it is none
}

// chart is a drawing made by Go.
type chart struct {
	SVG   template.HTML
	Facts []layout.Fact
}

// write lays out a collection. A page of one result has no index.
func write(w io.Writer, c analysis.Collection, opt Options) error {
	p := content{Title: c.Title, CSS: pageStyle, JS: pageJS, Facts: layout.Facts(c.Meta)}
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
		x.ID = partID(prefix, kind, count[kind])
		if x.Examples != nil {
			x.Open, x.Examples[0].Alone = count[kind] == 1, len(c.Results) == 1 && len(x.Examples) == 1
		}
		if x.Title == "" {
			x.Title = "Example " + strconv.Itoa(count[kind])
		}
		if x.Table != nil {
			x.Table.link(prefix)
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
	text, err := page.Execute(pages, opt.Fragment, p)
	if err != nil {
		return fmt.Errorf("report: %w", err)
	}
	_, err = text.WriteTo(w)
	return err
}

// newPart lays out one result. kind is what the names of such parts begin with.
func newPart(r analysis.Result, opt Options) (x *part, kind string, err error) {
	r, err = analysis.Value(r)
	if err != nil {
		return nil, "result", fmt.Errorf("%w: %w", ErrResult, err)
	}
	x, kind = &part{Title: headline(r.About())}, exampleKind
	switch r := r.(type) {
	case analysis.Table:
		kind, x.Table = "table", newTable(r)
	case analysis.Curve:
		kind, x.Chart = "curve", newCurve(r)
	case analysis.Matrix:
		kind, x.Chart = "matrix", newMatrix(r)
	case analysis.Scatter:
		kind, x.Chart = "scatter", newScatter(r)
	case analysis.Bars:
		kind, x.Chart = "bars", newBars(r)
	case analysis.Explanation:
		x.Title = r.Scores.Text.Text
		x.Examples = make([]*example, 1)
		x.Examples[0], err = newExample(r, opt)
	case analysis.Scores:
		return newPart(analysis.Compared(r), opt)
	case analysis.Maps:
		return newPart(analysis.Explanation{Scores: analysis.Scores{Meta: r.Meta, Text: r.Text}, Maps: r.Maps}, opt)
	case analysis.Collection:
		x.Title = r.Title
		x.Examples, err = sideBySide(r, opt)
	default:
		kind, err = analysis.KindOf(r), fmt.Errorf("%w within another", ErrResult)
	}
	return x, kind, err
}

// sideBySide lays out a collection within another one, which is examples and nothing else, such as one question in two models: each is
// called by its method.
func sideBySide(c analysis.Collection, opt Options) (all []*example, err error) {
	for _, r := range c.Results {
		x, _, err := newPart(r, opt)
		switch {
		case err != nil:
			return nil, err
		case len(x.Examples) != 1:
			return nil, fmt.Errorf("%w: a collection within another one is examples side by side, not a %s", ErrResult, analysis.KindOf(r))
		}
		x.Examples[0].Name = r.About().Method
		all = append(all, x.Examples[0])
	}
	if all == nil {
		return nil, fmt.Errorf("%w: a collection within another one has no examples", ErrResult)
	}
	return all, nil
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

func newTable(result analysis.Table) *table {
	t := layout.NewTable(result, len(result.Rows))
	out := &table{Facts: layout.Facts(result.Meta), Rows: make([][]cell, t.Rows), examples: result.Examples}
	for _, c := range t.Columns {
		out.Columns = append(out.Columns, cell{Text: c.Name, Right: c.Number})
		for i, text := range c.Texts {
			out.Rows[i] = append(out.Rows[i], cell{Text: text, Right: c.Number})
		}
	}
	return out
}

// link makes the first cell of each row a link to the example that it is about.
func (t *table) link(prefix string) {
	for i, k := range t.examples {
		if k > 0 && len(t.Rows[i]) > 0 {
			t.Rows[i][0].To = partID(prefix, exampleKind, k)
		}
	}
}

// partID is the name of the n-th part of a kind.
func partID(prefix, kind string, n int) string { return fmt.Sprintf("%s%s-%d", prefix, kind, n) }

// exampleKind is what the names of examples begin with.
const exampleKind = "example"

// headline is the title of a part.
func headline(m analysis.Meta) string {
	if m.Method == "" {
		m.Method = "Result"
	}
	return layout.Title(m)
}
