package fetch

import (
	"context"
	"errors"
	"fmt"
	"io"
	"io/fs"
	"net/http"
	"net/url"
	"os"
	"path"
	"path/filepath"
	"slices"
	"strings"
	"syscall"
	"time"

	"github.com/seed-516990b0/golxmert/internal/diskspace"
	"github.com/seed-516990b0/golxmert/internal/filelock"
	"github.com/seed-516990b0/golxmert/internal/progress"
)

// Fetcher brings files to their places. The zero value takes the published files from their mirrors to the working
// folder. A Fetcher may be used by one goroutine at a time; of several for one folder, also in other processes, each
// waits for the one before.
type Fetcher struct {
	Manifest *Manifest // nil: Published()
	Dir      string    // "": the working folder
	// BaseURL, if not empty, is a server that is asked instead of all others: for a file's place below Dir
	// (BaseURL/data/vqa/train.json), then for its published address (BaseURL/nlp.cs.unc.edu/data/…, as `wget --mirror`
	// lays files out).
	BaseURL string
	Client  *http.Client // nil: one with the system's proxy settings
	// Insecure takes certificates that do not verify (with Client nil) and mirrors over plain HTTP.
	Insecure bool
	Unpack   bool // unpack zips, and remove those that were downloaded
	KeepZip  bool // do not remove them
	Check    bool // read and sum up what is there already, instead of trusting size and time

	Attempts int           // tries per mirror that bring nothing; 0: 5
	Idle     time.Duration // how long a server may be silent; 0: 30 seconds

	Progress func(file string, done, total int64) // bytes; total is 0 where it is not known; nil: none
	Log      io.Writer                            // a line per event; nil: none
	Now      func() time.Time                     // nil: time.Now

	// Convert makes a published file of an official one; how is [Source.Convert]: "gqa", or "nlvr2 SPLIT". With nil,
	// files that need it fail.
	Convert func(ctx context.Context, how string, dst io.Writer, src io.Reader) error
	// Have says whether a file is there in another form, such as a packed store, and what to call that. May be nil.
	Have func(path string) (form string, ok bool)
	// Refuse says what is wrong with a JSON file that is there, such as another layout under the name of the published
	// one, and what to do. May be nil.
	Refuse func(path string) error

	// For tests: the pause, the room on the disk, the disk itself, and the lock.
	sleep    func(ctx context.Context, d time.Duration) error
	free     diskspace.Meter
	onDisk   func(f *os.File) io.Writer
	waitLock func(ctx context.Context, path string, waiting func(held *filelock.HeldError, again bool) error) (*filelock.Lock, error)
}

// State is what became of a file.
type State string

// States of files.
const (
	Missing State = "missing"
	There   State = "there"   // it was there already
	InZip   State = "in zip"  // its zip is there
	Packed  State = "packed"  // it is there in the form that [Fetcher.Have] told
	Fetched State = "fetched" // downloaded, joined, unpacked or converted
)

// Result is a file of a set and what became of it.
type Result struct {
	File
	State State
	At    string // the path of what is there: the file, its zip, or what [Fetcher.Have] told; "" if it is missing
	Bytes int64  // of that, 0 if it is missing or no file
}

// run is one call of Fetch: the settings with their defaults, and what was learnt.
type run struct {
	Fetcher
	client  *http.Client
	record  *record
	dead    map[string]error // hosts that cannot be reached
	missing map[string]error // originals that could not be had
	// readOnly: nothing is written into the record.
	readOnly bool
}

// Fetch makes the files of a set be there. Files are fetched one after the other in the set's order, and one that fails
// does not keep the others from coming: the error is then a [*Failed]. It wraps [context.Canceled] after an
// interruption; the next call continues. Results are in the set's order, also with an error.
func (f *Fetcher) Fetch(ctx context.Context, set string) ([]Result, error) {
	r, files, err := f.start(set)
	if err != nil {
		return nil, fmt.Errorf("fetch: %w", err)
	}
	lock, err := r.own(ctx)
	if err != nil {
		return nil, fmt.Errorf("fetch: %w", err)
	}
	defer lock.Close()
	results, wrong, err := r.survey(ctx, files)
	if err == nil {
		err = r.enough(results)
	}
	if err != nil {
		return results, fmt.Errorf("fetch: %s: %w", set, err)
	}
	r.announce(set, results)
	for i := range results {
		if wrong[i] != nil || results[i].State != Missing && !r.toUnpack(results[i]) {
			continue
		}
		err := r.obtain(ctx, &results[i])
		if ctx.Err() != nil {
			return results, fmt.Errorf("fetch: %s: %w", results[i].Path, ctx.Err())
		}
		if err != nil {
			wrong[i] = err
			r.logf("%s: failed", results[i].Path)
		}
	}
	return results, r.failed(set, results, wrong)
}

// List says what of a set is there. It writes nothing; files that are there and wrong are a [*Failed], beside the list.
func (f *Fetcher) List(ctx context.Context, set string) ([]Result, error) {
	r, files, err := f.start(set)
	if err != nil {
		return nil, fmt.Errorf("fetch: %w", err)
	}
	r.readOnly = true
	results, wrong, err := r.survey(ctx, files)
	if err != nil {
		return results, fmt.Errorf("fetch: %s: %w", set, err)
	}
	return results, r.failed(set, results, wrong)
}

// announce says what is going to be done.
func (r *run) announce(set string, results []Result) {
	missing, about, unknown := 0, int64(0), false
	for _, res := range results {
		if res.State == Missing {
			size := max(res.Size, res.Sources[0].About)
			missing++
			about += size
			unknown = unknown || size == 0
		}
	}
	size := "about " + progress.Bytes(about)
	switch {
	case missing == 0:
		return
	case about == 0:
		size = "of unknown size"
	case unknown:
		size += " and some of unknown size"
	}
	r.logf("%s: %d of %d files to fetch, %s", set, missing, len(results), size)
}

// own locks the folder. One that may not be written can still be looked at: all may be there.
func (r *run) own(ctx context.Context) (*filelock.Lock, error) {
	lock, err := r.lock(ctx)
	if errors.Is(err, fs.ErrPermission) || errors.Is(err, syscall.EROFS) {
		r.logf("%s may not be written: %v", r.path("data"), err)
		r.readOnly = true
		return nil, nil
	}
	if err != nil {
		return nil, err
	}
	if r.record, err = readRecord(r.path(recordName)); err != nil { // what another process wrote meanwhile
		return nil, errors.Join(err, lock.Close())
	}
	return lock, nil
}

// failed is an error about files that are missing or wrong, nil if there are none.
func (r *run) failed(set string, results []Result, wrong map[int]error) error {
	failed := &Failed{Set: set, Of: len(results)}
	for i, res := range results {
		if wrong[i] != nil {
			failed.Files = append(failed.Files, r.failure(res.File, wrong[i]))
		}
	}
	if len(failed.Files) == 0 {
		return nil
	}
	return failed
}

// start fills in what was left to default.
func (f *Fetcher) start(set string) (*run, []File, error) {
	r := &run{Fetcher: *f, dead: map[string]error{}, missing: map[string]error{}}
	if r.Manifest == nil {
		r.Manifest = Published()
	}
	if err := r.Manifest.check(); err != nil {
		return nil, nil, fmt.Errorf("manifest: %w", err)
	}
	s, ok := r.Manifest.Set(set)
	if !ok {
		var names []string
		for _, s := range r.Manifest.Sets {
			names = append(names, s.Name)
		}
		return nil, nil, fmt.Errorf("%w %q: there are %s", ErrSet, set, strings.Join(names, ", "))
	}
	if r.BaseURL != "" {
		u, err := url.Parse(r.BaseURL)
		if err != nil || u.Host == "" || u.Scheme != "http" && u.Scheme != "https" || u.RawQuery != "" || u.Fragment != "" {
			return nil, nil, fmt.Errorf("the base URL %q is not an address like https://host/folder", r.BaseURL)
		}
		r.BaseURL = strings.TrimSuffix(r.BaseURL, "/")
	}
	r.defaults()
	var err error
	if r.record, err = readRecord(r.path(recordName)); err != nil {
		return nil, nil, err
	}
	files := make([]File, len(s.Files))
	for i, p := range s.Files {
		files[i], _ = r.Manifest.File(p)
	}
	return r, files, nil
}

func (r *run) defaults() {
	if r.Attempts <= 0 {
		r.Attempts = 5
	}
	if r.Idle <= 0 {
		r.Idle = 30 * time.Second
	}
	if r.Now == nil {
		r.Now = time.Now
	}
	if r.Log == nil {
		r.Log = io.Discard
	}
	if r.sleep == nil {
		r.sleep = sleep
	}
	if r.free == nil {
		r.free = diskspace.Free
	}
	if r.waitLock == nil {
		r.waitLock = filelock.Wait
	}
	r.client = newClient(r.Client, r.Insecure)
}

// from says a file comes from: the sources of the manifest, or their places on the server of BaseURL.
func (r *run) from(f File) []Source {
	if r.BaseURL == "" {
		return f.Sources
	}
	itself := Source{URLs: []string{r.BaseURL + "/" + f.Path}}
	var sources []Source
	for _, s := range f.Sources {
		at := s
		at.URLs = nil
		if s.Original != "" {
			at.URLs = append(at.URLs, r.BaseURL+"/"+s.Original)
		} else {
			at.URLs = append(at.URLs, itself.URLs...)
		}
		for _, u := range s.URLs {
			parsed, err := url.Parse(u)
			if err != nil {
				continue
			}
			if mapped := r.BaseURL + "/" + path.Join(parsed.Host, parsed.EscapedPath()); !slices.Contains(at.URLs, mapped) {
				at.URLs = append(at.URLs, mapped)
			}
		}
		sources = append(sources, at)
	}
	switch {
	case f.InZip: // the zip is smaller
		return append(sources, itself)
	case f.Sources[0].Original != "":
		return append([]Source{itself}, sources...)
	}
	return sources
}

func (r *run) path(name string) string { return filepath.Join(r.Dir, filepath.FromSlash(name)) }

func (r *run) logf(format string, args ...any) {
	fmt.Fprintf(r.Log, "fetch: "+format+"\n", args...)
}

func (r *run) progress(file string, done, total int64) {
	if r.Progress != nil {
		r.Progress(file, done, total)
	}
}

// failure says what a person can do about a file.
func (r *run) failure(f File, err error) Failure {
	out := Failure{Place: r.path(f.Path), Err: err}
	var remote mirrorsError
	if !errors.As(err, &remote) {
		return out
	}
	s := r.from(f)[0]
	out.URL, out.Put = withoutPassword(s.URLs[0]), r.path(f.Path)
	if s.Original != "" {
		out.Put = r.path(s.Original)
	}
	return out
}

// sleep pauses, or ends with the context.
func sleep(ctx context.Context, d time.Duration) error {
	t := time.NewTimer(d)
	defer t.Stop()
	select {
	case <-ctx.Done():
		return ctx.Err()
	case <-t.C:
		return nil
	}
}
