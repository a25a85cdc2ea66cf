package report

import (
	"bufio"
	"errors"
	"fmt"
	"io"
	"os"
	"path/filepath"
	"reflect"
	"strings"

	"github.com/seed-516990b0/golxmert/analysis"
	"github.com/seed-516990b0/golxmert/analysis/display"
	"github.com/seed-516990b0/golxmert/lxmert/atomicfile"
)

// What a report is of, beside the results of package analysis; see package display.
type (
	Explanation = display.Explanation
	Answer      = display.Answer
	Run         = display.Run
)

// Options say how to write. The zero value is good.
type Options struct {
	// Images is the folder of pictures, for results that name their picture relative to it, or only by its id.
	Images string
	// TopK is how many regions carry a label; 0: 5.
	TopK int
	// Pieces keeps word pieces apart. Without it pieces of a word become one: relevance adds up, scores of attention
	// are averaged; of a map, attention to a word adds up and attention from it is averaged, so that rows still sum to 1.
	Pieces bool
	// Fragment leaves out the page around the report, for notebooks that put HTML into their own page.
	Fragment bool
}

// ErrResult is wrapped by every error that says a result cannot be shown: of another kind, or one whose parts do not fit
// each other.
var ErrResult = errors.New("not a result that a report can show")

// Save writes a report to path, a name that ends in .html or .htm, replacing it at once or not at all. See [Write] for what r
// may be and the errors, which here name the file.
func Save(path string, r any, opt Options) error {
	switch suffix := strings.ToLower(filepath.Ext(path)); suffix {
	case ".html", ".htm":
	case ".pdf", ".svg", ".png", ".csv", ".json", ".safetensors":
		return fmt.Errorf("report %s: a report is a page and its file ends in .html; figure.Save writes %s", path, suffix)
	default:
		return fmt.Errorf("report %s: suffix %q is neither .html nor .htm; figure.Save writes .pdf .svg .png .csv .json .safetensors", path, suffix)
	}
	return atomicfile.Replace(path, func(_ *os.File, w *bufio.Writer) error { return Write(w, r, opt) })
}

// Write writes a report of r: an [Explanation], a [Run], an [analysis.Scores], several of one example, an
// [analysis.Matrix], [analysis.Curve] or [analysis.Table], or a pointer to one.
//
// The error wraps [ErrResult], or is about the picture, or is w's own.
func Write(w io.Writer, r any, opt Options) error {
	if v := reflect.ValueOf(r); v.Kind() == reflect.Pointer {
		if v.IsNil() {
			return fmt.Errorf("%w: %T is nil", ErrResult, r)
		}
		r = v.Elem().Interface()
	}
	switch r := r.(type) {
	case Explanation:
		return write(w, Run{Title: title(r), Examples: []Explanation{r}}, opt)
	case Run:
		return write(w, r, opt)
	case analysis.Scores:
		return Write(w, Explanation{Scores: r}, opt)
	case []analysis.Scores:
		if len(r) == 0 {
			return fmt.Errorf("%w: there are no scores", ErrResult)
		}
		return Write(w, Explanation{Scores: r[0], Methods: r[1:]}, opt)
	case analysis.Matrix:
		return write(w, Run{Title: r.Method, Matrices: []analysis.Matrix{r}}, opt)
	case analysis.Curve:
		return write(w, Run{Title: r.Method, Curves: []analysis.Curve{r}}, opt)
	case analysis.Table:
		return write(w, Run{Title: r.Method, Tables: []analysis.Table{r}}, opt)
	}
	return fmt.Errorf("%w: %T", ErrResult, r)
}

func title(e Explanation) string {
	if e.Scores.Text.Text != "" {
		return e.Scores.Text.Text
	}
	return e.Scores.Method
}
