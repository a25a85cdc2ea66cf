package browse

import (
	"bufio"
	"context"
	"embed"
	"encoding/json"
	"fmt"
	"html/template"
	"io"
	"math"
	"os"
	"path/filepath"
	"strings"

	"github.com/seed-516990b0/golxmert/analysis/internal/page"
	"github.com/seed-516990b0/golxmert/analysis/layout"
	"github.com/seed-516990b0/golxmert/internal/atomicfile"
	"github.com/seed-516990b0/golxmert/internal/excerpt"
)

// Options say how to write a page. The zero value is good.
type Options struct {
	// Images is the folder of the pictures, found by their ids as region.Pictures finds them. "": the page shows none.
	Images string
	// PictureBytes is what all pictures together take at most of the page; 0: 24 MB. The more pictures there are the smaller they are.
	PictureBytes int
	// Fragment leaves out the page around the list, for notebooks that put HTML into their own page. What says more of an example is
	// then a line for a cell.
	Fragment bool
	// Folder is the page's own as a command names it, which ends in a slash: where the pages of single examples go. [Save] knows it.
	Folder string
	// Progress is told how many pictures have been read; nil: nobody is.
	Progress func(done, total int)
}

// Written says what a page has.
type Written struct {
	Bytes    int64
	Examples int
	Pictures int // that it shows
	Side     int // pixels of their longer side, at most
	Omitted  int // that it has no room for
	// Missing are the ids of pictures that are not in the folder, and Unreadable what is wrong with those that cannot be read.
	Missing    []string
	Unreadable []error
}

// Lacks says in a line each what a page does not show. more is the setting that gives pictures more room.
func (w *Written) Lacks(more string) (lines []string) {
	if n := len(w.Missing); n > 0 {
		lines = append(lines, fmt.Sprintf("%d pictures are not in the folder of pictures (such as %s): their examples are shown without", n, excerpt.Quote(w.Missing[0])))
	}
	if n := len(w.Unreadable); n > 0 {
		lines = append(lines, fmt.Sprintf("%d pictures cannot be read, the first: %v", n, w.Unreadable[0]))
	}
	if w.Omitted > 0 {
		lines = append(lines, fmt.Sprintf("%d pictures have no room: %s gives more", w.Omitted, more))
	}
	return lines
}

//go:embed page.html
var pageHTML string

//go:embed page.css
var pageCSS string

//go:embed script/*.js
var scripts embed.FS

var (
	pageStyle = page.Style(pageCSS)
	pageJS    = page.Script(scripts, "script/listing", "script/view", "script/filter", "script/list", "script/panel", "script/start")
	pages     = page.Template(pageHTML)
)

// content is what the template fills in.
type content struct {
	Title            string
	CSS              template.CSS
	JS               template.JS
	Data             template.JS
	Scores, Pictures template.HTML
	Facts            []layout.Fact
	// Without scripts the first rows are a table.
	Without string
	Columns []string
	Rows    [][]string
}

// plainRows is how many rows a page shows without scripts, and plainColumns of how many columns.
const (
	plainRows    = 50
	plainColumns = 6
)

// Save writes the page of a listing to path, a name that ends in .html or .htm, replacing it at once or not at all. The error wraps
// [ErrListing], or is about the folder of pictures, or is that of writing.
func Save(ctx context.Context, path string, l *Listing, opt Options) (*Written, error) {
	if suffix := strings.ToLower(filepath.Ext(path)); suffix != ".html" && suffix != ".htm" {
		return nil, fmt.Errorf("%s: a page of examples ends in .html", path)
	}
	if opt.Folder == "" {
		opt.Folder = filepath.ToSlash(filepath.Dir(path)) + "/"
		if opt.Folder == "./" {
			opt.Folder = ""
		}
	}
	var w *Written
	err := atomicfile.Replace(path, func(_ *os.File, out *bufio.Writer) (err error) {
		w, err = write(ctx, out, l, opt, filepath.Dir(path))
		return err
	})
	return w, err
}

// Write writes the page of a listing. Its links to files are to those beside the page only if it is a file, see [Save].
func Write(ctx context.Context, w io.Writer, l *Listing, opt Options) (*Written, error) {
	return write(ctx, w, l, opt, "")
}

// write writes a page; beside is its folder, "": it is in none.
func write(ctx context.Context, w io.Writer, l *Listing, opt Options, beside string) (*Written, error) {
	if err := l.Check(); err != nil {
		return nil, err
	}
	data, ids := l.pack(opt.Folder, beside != "")
	data.Cell = opt.Fragment
	out := &Written{Examples: len(l.Examples)}
	thumbs, err := thumbnails(ctx, ids, opt, out)
	if err != nil {
		return nil, err
	}
	for i, t := range thumbs {
		if t.data == "" {
			continue
		}
		data.Pictures[i].Shown, data.Pictures[i].Width, data.Pictures[i].Height = 1, t.size.X, t.size.Y
		if beside != "" {
			data.Pictures[i].File = address(beside, t.file)
		}
	}
	text, err := json.Marshal(data) // escapes < > & so that nothing can end the script element
	if err != nil {
		return nil, fmt.Errorf("%w: %w", ErrListing, err)
	}
	c := content{Title: l.Title, CSS: pageStyle, JS: pageJS, Data: template.JS(text), Scores: template.HTML(l.scores()), Facts: layout.Facts(l.Meta)}
	if c.Title == "" {
		c.Title = "Examples"
	}
	if out.Pictures > 0 {
		lines := make([]string, len(thumbs))
		for i, t := range thumbs {
			lines[i] = t.data
		}
		c.Pictures = template.HTML(strings.Join(lines, "\n"))
	}
	l.plain(&c)
	html, err := page.Execute(pages, opt.Fragment, c)
	if err != nil {
		return nil, fmt.Errorf("page of examples: %w", err)
	}
	out.Bytes, err = html.WriteTo(w)
	return out, err
}

// plain fills in what a page shows without scripts.
func (l *Listing) plain(c *content) {
	n := min(plainRows, len(l.Examples))
	c.Without = fmt.Sprintf("Without scripts this page shows the first %d of its %d examples.", n, len(l.Examples))
	columns := l.Columns[:min(plainColumns, len(l.Columns))]
	for _, column := range columns {
		c.Columns = append(c.Columns, column.Name)
	}
	for i := range n {
		row := []string{l.Examples[i].ID, l.Examples[i].Text}
		for _, column := range columns {
			switch {
			case column.Texts != nil:
				row = append(row, column.Texts[i])
			case math.IsNaN(column.Numbers[i]):
				row = append(row, "")
			default:
				row = append(row, fmt.Sprintf("%.4g", column.Numbers[i]))
			}
		}
		c.Rows = append(c.Rows, row)
	}
}
