package lx

import (
	"errors"
	"fmt"
	"os"
	"path/filepath"
	"strings"

	"github.com/seed-516990b0/golxmert/kernel/client"
)

// Listing is all examples of an analysis, a prediction or a suite. [Show] shows them as a list that is sorted, filtered and searched,
// in which each opens what explains it; [Save] writes the list as a page of its own, .html.
type Listing struct {
	order     client.Browsing
	megabytes int // of pictures; 0: nobody has said
}

// BrowseOptions say what a [Listing] shows. The zero value is good, but for files of predictions.
type BrowseOptions struct {
	Questions []string // of a file of predictions: the files with the questions that they are about, such as "data/vqa/minival.json"
	Split     string   // of a prediction that wrote a file for each of several splits: which one
	Images    string   // folder with the pictures, found by their ids; "toy": the built-in world's
	Limit     int      // how many examples, the first ones; 0: 2000 in a cell, 20000 on a page of its own
	PictureMB int      // megabytes that the pictures take at most; 0: 4 in a cell, 24 on a page of its own
}

// Browse lists all examples of a prediction that [Evaluate] returned, or of what commands wrote: the folder of `lxmert analyze` or
// of `lxmert suite`, or a file of predictions with its questions.
//
//	lx.Show(lx.Browse(lx.Evaluate(run, "minival")))
//	lx.Show(lx.Browse("minival", lx.BrowseOptions{Images: "data/images"}))  // the folder of an analysis
//	lx.Save("minival.html", lx.Browse("snap/vqa/results/minival_predict.json", lx.BrowseOptions{Questions: []string{"data/vqa/minival.json"}}))
//
// `lxmert page` is the same on the command line.
func Browse[S AnyRun](source S, with ...BrowseOptions) *Listing {
	if len(with) > 1 {
		fail(fmt.Errorf("Browse takes one BrowseOptions, not %d", len(with)))
	}
	l := &Listing{}
	if len(with) == 1 {
		o := with[0]
		if o.Limit < 0 || o.PictureMB < 0 {
			fail(fmt.Errorf("Browse: Limit is %d and PictureMB %d, must be 0 or more", o.Limit, o.PictureMB))
		}
		l.order = client.Browsing{Questions: o.Questions, Split: o.Split, Images: o.Images, Limit: o.Limit}
		l.megabytes = o.PictureMB
	}
	switch x := any(source).(type) {
	case Run:
		l.order.Run = x.ID
		if len(l.order.Questions) > 0 {
			fail(errors.New("Browse: a run knows its questions; Questions are for files of predictions"))
		}
	case string:
		l.order.Path = x
		if l.order.Split != "" {
			fail(errors.New("Browse: Split is for what lx.Evaluate returns; a file of predictions is of one split"))
		}
	}
	return l
}

// What a notebook shows is kept in it.
const (
	shownExamples = 2000
	shownMB       = 4
)

// show makes the list for a cell.
func (l *Listing) show() (shown, error) {
	page, err := l.browse("", shownExamples, shownMB)
	if err != nil {
		return shown{}, err
	}
	text := fmt.Sprintf("%s, the first %d are listed", page.Title, page.Examples)
	if page.Examples == page.Total {
		text = page.Title
	}
	return shown{html: page.Page, text: text}, nil
}

// save writes the list as a page of its own.
func (l *Listing) save(path string) error {
	if suffix := strings.ToLower(filepath.Ext(path)); suffix != ".html" && suffix != ".htm" {
		return fmt.Errorf("a list of examples is saved as a page, .html, and not as %q", suffix)
	}
	if err := os.MkdirAll(filepath.Dir(path), 0o777); err != nil {
		return err
	}
	_, err := l.browse(path, 0, 0)
	return err
}

// browse has the session make the page. What nobody has said is as is usual where it is shown.
func (l *Listing) browse(path string, examples, megabytes int) (client.Browsed, error) {
	order := l.order
	order.Out = path
	if order.Limit == 0 {
		order.Limit = examples
	}
	if l.megabytes > 0 {
		megabytes = l.megabytes
	}
	order.PictureBytes = megabytes << 20
	progress, done := gauge()
	defer done()
	page, err := cell().Browse(cell().ctx, order, progress)
	for _, line := range page.Notes {
		remark("Browse: %s", line)
	}
	return page, err
}
