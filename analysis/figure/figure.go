package figure

import (
	"bufio"
	"errors"
	"fmt"
	"io"
	"os"
	"path/filepath"
	"strings"

	"gonum.org/v1/plot/vg"

	"github.com/seed-516990b0/golxmert/analysis"
	"github.com/seed-516990b0/golxmert/analysis/internal/wordpiece"
	"github.com/seed-516990b0/golxmert/analysis/layout"
	"github.com/seed-516990b0/golxmert/analysis/report"
	"github.com/seed-516990b0/golxmert/internal/atomicfile"
)

// Column and Page are the widths of one column and of two, in centimetres.
const (
	Column = 8.3
	Page   = 17.0
)

// Merge is how the numbers of word pieces become that of their word.
type Merge = wordpiece.Merge

const (
	MergeByMethod = wordpiece.Auto // MergeMean for attention, MergeSum for everything else
	MergeSum      = wordpiece.Sum
	MergeMean     = wordpiece.Mean
	MergeNone     = wordpiece.None // pieces stay pieces
)

// Options are how a figure looks. The zero value works.
type Options struct {
	Width float64 // centimetres; 0: Column, for grids of many maps Page
	DPI   int     // dots per inch of PNG files; 0: 300
	Top   int     // regions that are labelled; 0: 5, negative: none
	Scale Scale
	Merge Merge
	// Shared draws words and regions of one example on the same scale. Else each has its own, because most methods give
	// words and regions numbers that do not compare.
	Shared bool
	// Bare leaves out the line that says where the numbers come from.
	Bare bool
}

func (o Options) width(otherwise float64) float64 {
	if !(o.Width > 0) {
		o.Width = otherwise
	}
	return min(max(o.Width, 4), 100) / 2.54 * 72
}

func (o Options) top() int {
	if o.Top == 0 {
		return 5
	}
	return max(o.Top, 0)
}

// Figure is a drawing that can be written in several formats.
type Figure struct {
	w, h float64 // points
	draw func(p *pen)
}

// Size is width and height in centimetres.
func (f *Figure) Size() (w, h float64) { return f.w / 72 * 2.54, f.h / 72 * 2.54 }

// Write writes the figure as "pdf", "svg" or "png"; dpi counts for PNG only, 0 means 300.
func (f *Figure) Write(w io.Writer, format string, dpi int) error {
	if dpi <= 0 {
		dpi = 300
	}
	if pixels := f.w * f.h / 72 / 72 * float64(dpi) * float64(dpi); format == "png" && pixels > 1e8 {
		return fmt.Errorf("a figure of %.0f million pixels: make it smaller or take fewer dots per inch than %d", pixels/1e6, dpi)
	}
	page, err := newPage(vg.Length(f.w), vg.Length(f.h), format, dpi)
	if err != nil {
		return err
	}
	p := &pen{page: page, h: f.h}
	p.fill(rect{0, 0, f.w, f.h}, white)
	f.draw(p)
	return page.write(w)
}

// ErrKind is wrapped by errors that say there is no figure of a kind of result.
var ErrKind = errors.New("a figure is of one result, not of")

// Draw makes the figure that fits the result: [Explanation] for analysis.Scores, [Heatmap] for analysis.Matrix, [Curves]
// for analysis.Curve, [Typeset] for analysis.Table, [Scatter], [Bars], [ModelGrid] for analysis.Maps; of an analysis.Explanation its
// first scores; of an analysis.Collection of matrices [Stacked], of one of examples [Beside].
func Draw(r analysis.Result, opt Options) (*Figure, error) {
	r, err := analysis.Value(r)
	if err != nil {
		return nil, err
	}
	switch r := r.(type) {
	case analysis.Scores:
		return Explanation(r, opt)
	case analysis.Explanation:
		return Explanation(r.Scores, opt)
	case analysis.Matrix:
		return Heatmap(r, opt)
	case analysis.Curve:
		return Curves(r, opt)
	case analysis.Table:
		return Typeset(r, opt)
	case analysis.Maps:
		return ModelGrid(r, opt)
	case analysis.Scatter:
		return Scatter(r, opt)
	case analysis.Bars:
		return Bars(r, opt)
	case analysis.Collection:
		if examples, _ := besides(r); examples != nil {
			return Beside(r, opt)
		}
		return Stacked(r, opt)
	}
	return nil, fmt.Errorf("%w a %s: a page, .html, has all of it", ErrKind, analysis.KindOf(r))
}

// Save writes a result as its suffix says: a figure as .pdf, .svg or .png; its numbers as .csv, .json or .safetensors,
// or as LaTeX tables, .tex; a page for a browser as .html, see [report.Save]. The file is replaced whole or not at all.
func Save(path string, r analysis.Result, opt Options) error {
	format := strings.TrimPrefix(strings.ToLower(filepath.Ext(path)), ".")
	write, err := writer(format, r, opt)
	if errors.Is(err, errFormat) {
		return fmt.Errorf("figure %s: suffix %q is none of %s", path, filepath.Ext(path), strings.Join(Suffixes(), " "))
	}
	switch {
	case err == nil:
	case format == "csv" || format == "json" || format == "safetensors" || format == "tex":
		return fmt.Errorf("data %s: %w", path, err)
	default:
		return fmt.Errorf("figure %s: %w", path, err)
	}
	return atomicfile.Replace(path, func(_ *os.File, w *bufio.Writer) error { return write(w) })
}

// Write writes a result in the format that [Save] takes from a name: "pdf", "svg", "png", "csv", "json", "safetensors",
// "tex" or "html".
func Write(w io.Writer, format string, r analysis.Result, opt Options) error {
	write, err := writer(format, r, opt)
	if err != nil {
		return err
	}
	return write(w)
}

// SaveAll writes results into a folder: each under its name, once for each of the suffixes, which begin with a dot. It
// returns the names of the files.
func SaveAll(dir string, results []analysis.Named, opt Options, suffixes ...string) (files []string, err error) {
	for _, r := range results {
		for _, suffix := range suffixes {
			path := filepath.Join(dir, r.Name+suffix)
			if err := Save(path, r.Result, opt); err != nil {
				return files, err
			}
			files = append(files, path)
		}
	}
	return files, nil
}

var errFormat = errors.New("not a format for results")

// Suffixes are those of the files that [Save] writes.
func Suffixes() []string {
	return []string{".pdf", ".svg", ".png", ".html", ".csv", ".json", ".tex", ".safetensors"}
}

// writer prepares what can fail before the first byte.
func writer(format string, r analysis.Result, opt Options) (write func(w io.Writer) error, err error) {
	switch format {
	case "pdf", "svg", "png":
		f, err := Draw(r, opt)
		if err != nil {
			return nil, err
		}
		return func(w io.Writer) error { return f.Write(w, format, opt.DPI) }, nil
	case "csv", "json", "safetensors":
		return dataWriter(format, r)
	case "tex":
		return latexWriter(r, opt)
	case "html":
		return func(w io.Writer) error { return report.Write(w, r, report.Options{}) }, nil
	}
	return nil, fmt.Errorf("%q is %w: those are %s", format, errFormat, strings.ReplaceAll(strings.Join(Suffixes(), ", "), ".", ""))
}

// All letters have the 8 points that journals ask for; they differ by colour and weight.
var (
	plain   = ink{size: 8, color: black}
	label   = ink{size: 8, color: black}
	tick    = ink{size: 8, color: black}
	small   = ink{size: 8, color: grey} // where numbers come from, and remarks
	headInk = ink{size: 8, color: grey}
)

const margin = 3.0 // around every figure, points

// heading is the title at the top of a figure, and how much room it takes.
func heading(text string, width float64) (paragraph, float64) {
	head := paragraph{lines: headInk.wrap(text, width-2*margin, 2), ink: headInk, y: margin + headInk.height()}
	if len(head.lines) == 0 {
		return head, 0
	}
	return head, float64(len(head.lines)-1)*headInk.leading() + headInk.size + 4
}

// footing is the small print below y, and how much room it takes.
func footing(m analysis.Meta, opt Options, width, y float64) (paragraph, float64) {
	foot := paragraph{ink: small}
	if opt.Bare {
		return foot, 0
	}
	foot.lines = small.wrap(layout.Provenance(m), width-2*margin, 4)
	if len(foot.lines) == 0 {
		return foot, 0
	}
	foot.y = y + 4 + small.height()
	return foot, 4 + float64(len(foot.lines))*small.leading()
}
