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
	"github.com/seed-516990b0/golxmert/lxmert"
	"github.com/seed-516990b0/golxmert/lxmert/atomicfile"
)

// Explanation is all there is to show about one example.
type Explanation struct {
	Scores analysis.Scores // what the report shows first
	// Methods are scores of the same example by other methods, or for other targets, to choose from.
	Methods []analysis.Scores
	// Maps are attention maps of this example by name ("l.0.tt" … "x.4.ii"), [H,Q,K] with values 0 to 1, all of one H.
	// Words and regions beyond those of Scores are padding. Optional.
	Maps map[string]lxmert.Tensor
	// Answers are what the model would say, the most probable first. Optional.
	Answers []Answer
}

// Answer is one answer of a model.
type Answer struct {
	Text        string  `json:"text"`
	Probability float64 `json:"probability"` // 0 to 1; NaN: not known
}

// Run is what a pass over a data set found. It becomes one page with an index.
type Run struct {
	Title    string
	Meta     analysis.Meta // of the run as a whole; shown at its end
	Tables   []analysis.Table
	Curves   []analysis.Curve
	Matrices []analysis.Matrix
	Examples []Explanation
}

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
