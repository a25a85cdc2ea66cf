package report

import (
	"bufio"
	"errors"
	"fmt"
	"io"
	"os"
	"path/filepath"
	"strings"

	"github.com/seed-516990b0/golxmert/analysis"
	"github.com/seed-516990b0/golxmert/internal/atomicfile"
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

// ErrResult is wrapped by every error that says a result cannot be shown, such as one whose parts do not fit
// each other.
var ErrResult = errors.New("not a result that a report can show")

// Save writes a report to path, a name that ends in .html or .htm, replacing it at once or not at all. See [Write] for the
// errors, which here name the file.
func Save(path string, r analysis.Result, opt Options) error {
	switch suffix := strings.ToLower(filepath.Ext(path)); suffix {
	case ".html", ".htm":
	case ".pdf", ".svg", ".png", ".csv", ".json", ".tex", ".safetensors":
		return fmt.Errorf("report %s: a report is a page and its file ends in .html; figure.Save writes %s", path, suffix)
	default:
		return fmt.Errorf("report %s: suffix %q is neither .html nor .htm; figure.Save writes .pdf .svg .png .csv .json .tex .safetensors", path, suffix)
	}
	return atomicfile.Replace(path, func(_ *os.File, w *bufio.Writer) error { return Write(w, r, opt) })
}

// Write writes a report of a result: of an analysis.Collection one with an index.
//
// The error wraps [ErrResult], or is about the picture, or is w's own.
func Write(w io.Writer, r analysis.Result, opt Options) error {
	r, err := analysis.Value(r)
	if err == nil {
		err = r.Check()
	}
	if err != nil {
		return fmt.Errorf("%w: %w", ErrResult, err)
	}
	c, ok := r.(analysis.Collection)
	if !ok {
		c.Results = []analysis.Result{r}
	}
	return write(w, c, opt)
}
