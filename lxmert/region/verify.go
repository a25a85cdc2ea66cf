package region

import (
	"context"
	"errors"
	"fmt"
	"io"
	"os"
	"runtime"
	"slices"
	"strings"
	"sync"

	"github.com/seed-516990b0/golxmert/internal/excerpt"
)

// VerifyOptions says what [Verify] compares with. The zero value looks for damage only.
type VerifyOptions struct {
	Rows    int          // how many rows there must be; 0: any number
	Against *Fingerprint // what the features should be like, such as [Store.Fingerprint] of others; nil: nothing
	Member  string       // the file inside a zip, as in [PackOptions]

	// Progress, where not nil, is told after every image how many of how many bytes were read, and how many images. total is
	// 0 where it is unknown.
	Progress func(done, total int64, images int)
}

// Report is what [Verify] found.
type Report struct {
	Path        string      `json:"path"`
	Kind        string      `json:"kind"` // "TSV", "zip", "store" or "arrays"
	Rows        int         `json:"rows"`
	Images      int         `json:"images"` // different ids
	Fingerprint Fingerprint `json:"fingerprint"`

	Notes    []string `json:"notes,omitempty"` // how it is read, where that is not as published
	Problems []string `json:"problems"`        // what is damaged or of another form, with its place: the first 20 or 21
	More     int      `json:"more"`            // further ones
	Warnings []string `json:"warnings"`        // what may be meant so, but is not what the published model was trained on
}

// OK says whether nothing is damaged, and nothing certainly of another form.
func (r *Report) OK() bool { return len(r.Problems) == 0 }

// maxProblems is how many problems a [Report] lists.
const maxProblems = 20

// Verify reads all of a TSV, a zip with one, a packed store or another source, and looks for whatever could go wrong when
// it is used: rows that cannot be decoded, features of different widths, numbers that are not finite, boxes that reach out
// of their picture by more than 1e-5 of its size or are of another form ([ErrForm]), records and tables of a store whose
// checksums are wrong. It goes on after what it finds. It also sums the features up; see [Fingerprint.Warnings] and
// [Fingerprint.Compare] for what is a warning. The error is about what kept it from reading on.
func Verify(ctx context.Context, path string, opt VerifyOptions) (Report, error) {
	v := &verifier{opt: opt, report: Report{Path: path}, ids: map[string]int{}}
	var err error
	if info, e := os.Stat(path); e == nil && info.IsDir() && isStore(path) {
		err = v.store(ctx, path)
	} else {
		err = v.input(ctx, path)
	}
	if err != nil {
		return Report{}, err
	}
	v.finish()
	return v.report, nil
}

// verifier collects what is found.
type verifier struct {
	opt    VerifyOptions
	report Report
	tally  tally
	ids    map[string]int // how often each occurs
	twice  []string       // those that occur again, in order
	dim    int            // of the first image; 0: there was none
	form   error          // the first that says of an image that it is of another form
	forms  int            // images of another form
	halves int            // images every other of whose features is 0
	done   int64
	total  int64
}

func (v *verifier) problem(err error) {
	if errors.Is(err, ErrForm) { // where one image is of another form all are: once for the file
		if v.forms++; v.forms == 1 {
			v.form = err
		}
		return
	}
	if len(v.report.Problems) == maxProblems {
		v.report.More++
		return
	}
	v.report.Problems = append(v.report.Problems, strings.TrimPrefix(err.Error(), ErrFormat.Error()+": "))
}

// image counts an image that could be read.
func (v *verifier) image(id string, s stat, halves bool, n, dim, width, height int) {
	v.report.Rows++
	if halves {
		v.halves++
	}
	if v.ids[id]++; v.ids[id] == 2 {
		v.twice = append(v.twice, excerpt.Quote(id))
	}
	if v.dim == 0 {
		v.dim = dim
	}
	if v.dim != dim {
		v.problem(fmt.Errorf("%s: image %s has %d features per box, the first one has %d", v.report.Path, excerpt.Quote(id), dim, v.dim))
	}
	v.tally.add(s, n, dim, width, height)
	if v.opt.Progress != nil {
		v.opt.Progress(v.done, v.total, v.report.Rows)
	}
}

// finish makes the report of what was counted.
func (v *verifier) finish() {
	r := &v.report
	r.Images, r.Fingerprint = len(v.ids), v.tally.fingerprint()
	if v.form != nil {
		also := ""
		if v.forms > 1 {
			also = fmt.Sprintf(" (and %d other images)", v.forms-1)
		}
		r.Problems = slices.Insert(r.Problems, 0, strings.TrimPrefix(v.form.Error(), ErrForm.Error()+": ")+also)
	}
	if v.opt.Rows > 0 && r.Rows != v.opt.Rows {
		v.problem(fmt.Errorf("%s: %d rows, there must be %d", r.Path, r.Rows, v.opt.Rows))
	}
	if n := len(v.twice); n > 0 {
		r.Warnings = append(r.Warnings, fmt.Sprintf("%d ids occur more than once, such as %s: the last row of each counts", n, strings.Join(v.twice[:min(n, 3)], ", ")))
	}
	if v.form != nil {
		return // what is read as something else is not worth a comparison
	}
	r.Warnings = append(r.Warnings, r.Fingerprint.Warnings()...)
	if v.halves > 0 && v.halves == r.Rows {
		r.Warnings = append(r.Warnings, doubtHalves)
	}
	if v.opt.Against != nil {
		r.Warnings = append(r.Warnings, r.Fingerprint.Compare(*v.opt.Against)...)
	}
}

// checks is what one image is looked at for on its own. halves says that every other feature is 0.
func checks(r *Regions) (s stat, halves bool, problems []error) {
	s, halves = measure(r), everyOtherIsZero(r.Features)
	if err := r.checkForm(); err != nil {
		problems = append(problems, err)
	} else if err := r.CheckFinite(); err != nil {
		problems = append(problems, err)
	} else if s.outside > 0 {
		problems = append(problems, fmt.Errorf("%s: %w", r.Source, r.checkInside()))
	}
	return s, halves, problems
}

// input verifies anything but a store.
func (v *verifier) input(ctx context.Context, path string) error {
	in, err := openInput(path, v.opt.Member)
	if err != nil {
		return err
	}
	v.report.Kind, v.total, v.report.Notes = in.kind(), in.total, in.notes
	feed, err := in.open(ctx, place{}, 0)
	if err != nil {
		return err
	}
	err = inOrder(ctx, func(job *verifyJob) error {
		err := feed.next(&job.pack)
		if text, ok := feed.(*textFeed); ok && err != nil && err != io.EOF && text.scan.skip() {
			job.failed, err = err, nil
		}
		job.at = feed.place().offset
		return err
	}, func(job *verifyJob) {
		r := &job.pack.regions
		if job.failed == nil && job.pack.row.text != nil {
			job.failed = job.pack.row.Decode(r)
		}
		if job.failed == nil {
			job.stat, job.halves, job.problems = checks(r)
		}
	}, func(job *verifyJob) {
		if v.total > 0 {
			v.done = job.at
		}
		if job.failed != nil {
			v.problem(job.failed)
			return
		}
		for _, err := range job.problems {
			v.problem(err)
		}
		r := &job.pack.regions
		v.image(r.ID, job.stat, job.halves, r.N, r.Dim, r.Width, r.Height)
	})
	if err != nil && errors.Is(err, ErrFormat) && ctx.Err() == nil { // the rest cannot be read: as much of a problem as any
		v.problem(err)
		err = nil
	}
	if err == nil && v.report.Rows == 0 && v.report.OK() {
		v.problem(fmt.Errorf("%s: there is no image in it", path))
	}
	return errors.Join(err, feed.close())
}

// verifyJob is one image that is looked at.
type verifyJob struct {
	pack     packJob
	at       int64 // in the source, after the image
	failed   error // it cannot be read
	stat     stat
	halves   bool
	problems []error
	done     chan struct{}
}

// inOrder has next fill jobs, on one goroutine, until it returns io.EOF, work do them on several, and use take them up in
// the order of next.
func inOrder(ctx context.Context, next func(*verifyJob) error, work, use func(*verifyJob)) error {
	workers := min(runtime.GOMAXPROCS(0), maxPackWorkers)
	idle, queue, todo := make(chan *verifyJob, workers+2), make(chan *verifyJob, workers+2), make(chan *verifyJob, workers+2)
	for range cap(idle) {
		idle <- &verifyJob{done: make(chan struct{}, 1)}
	}
	var group sync.WaitGroup
	for range workers {
		group.Go(func() {
			for job := range todo {
				work(job)
				job.done <- struct{}{}
			}
		})
	}
	var err error
	group.Go(func() {
		defer close(queue)
		defer close(todo)
		for job := range idle {
			if err = ctx.Err(); err != nil {
				return
			}
			job.failed, job.problems = nil, nil
			if err = next(job); err != nil {
				return
			}
			queue <- job
			todo <- job
		}
	})
	for job := range queue {
		<-job.done
		use(job)
		idle <- job
	}
	group.Wait()
	if err == io.EOF {
		return nil
	}
	return err
}
