package fetch

import (
	"bufio"
	"context"
	"crypto/sha256"
	"encoding/json"
	"errors"
	"io"
	"os"
	"path/filepath"

	"github.com/seed-516990b0/golxmert/internal/atomicfile"
	"github.com/seed-516990b0/golxmert/internal/progress"
)

// part is a file that is being downloaded.
type part struct {
	counted // what is on disk and its sum
	path    string
	f       *os.File
	note    note
	resumed bool // it came in more than one answer
}

// note says what a part is a part of: the answer whose bytes it began with.
type note struct {
	URL      string `json:"url"`
	ETag     string `json:"etag,omitempty"`
	Modified string `json:"last_modified,omitempty"`
	Total    int64  `json:"total,omitempty"` // bytes, 0: not said
}

// validator is what the server compares to tell whether its file is still the same; "" if there is nothing to compare.
func (n note) validator() string {
	if n.ETag != "" && n.ETag[0] == '"' { // weak ones (W/"…") do not promise equal bytes
		return n.ETag
	}
	return n.Modified
}

// openPart opens the part of d with what an earlier run left, if it can be told what that is.
func (r *run) openPart(ctx context.Context, d *download) (*part, error) {
	if err := os.MkdirAll(filepath.Dir(d.path), 0o777); err != nil {
		return nil, err
	}
	p := &part{path: d.path, counted: counted{sum: sha256.New()}}
	f, err := os.OpenFile(p.path+partSuffix, os.O_RDWR|os.O_CREATE, 0o666)
	if err != nil {
		return nil, err
	}
	p.f, p.w = f, r.disk(f)
	if err := r.takeUp(ctx, d, p); err != nil {
		f.Close()
		return nil, err
	}
	return p, nil
}

// takeUp sums what is there, or drops it.
func (r *run) takeUp(ctx context.Context, d *download, p *part) error {
	info, err := p.f.Stat()
	if err != nil {
		return err
	}
	size := info.Size()
	text, err := os.ReadFile(p.path + noteSuffix)
	if size == 0 || err != nil || json.Unmarshal(text, &p.note) != nil || p.note.Total != 0 && size > p.note.Total ||
		d.size != 0 && (size > d.size || p.note.Total != 0 && p.note.Total != d.size) {
		return p.reset()
	}
	r.logf("%s: continuing after %s", d.name, progress.Bytes(size))
	in := &progressReader{ctx, p.f, 0, func(done int64) { r.progress("checking "+d.name, done, size) }}
	p.n, err = io.CopyBuffer(p.sum, struct{ io.Reader }{in}, make([]byte, bufferSize))
	p.resumed = true
	return err
}

// reset drops everything.
func (p *part) reset() error {
	p.n, p.note, p.resumed = 0, note{}, false
	p.sum.Reset()
	if err := os.Remove(p.path + noteSuffix); err != nil && !errors.Is(err, os.ErrNotExist) {
		return err
	}
	if err := p.f.Truncate(0); err != nil {
		return err
	}
	_, err := p.f.Seek(0, io.SeekStart)
	return err
}

// begin notes what the part will be a part of.
func (p *part) begin(n note) error {
	p.note = n
	return atomicfile.Replace(p.path+noteSuffix, func(_ *os.File, w *bufio.Writer) error { return json.NewEncoder(w).Encode(n) })
}

// complete says whether all announced bytes are there.
func (p *part) complete() bool { return p.note.Total > 0 && p.n == p.note.Total }

// close leaves the part for later, or removes it if nothing is in it.
func (p *part) close() error {
	err := p.f.Close()
	if errors.Is(err, os.ErrClosed) { // it has its place
		return nil
	}
	if p.n == 0 {
		err = errors.Join(err, removeAll(p.path+partSuffix, p.path+noteSuffix))
	}
	return err
}

// removeAll removes files that may be gone.
func removeAll(paths ...string) error {
	var all error
	for _, path := range paths {
		if err := os.Remove(path); err != nil && !errors.Is(err, os.ErrNotExist) {
			all = errors.Join(all, err)
		}
	}
	return all
}
