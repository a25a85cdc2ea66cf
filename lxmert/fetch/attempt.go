package fetch

import (
	"bufio"
	"context"
	"errors"
	"fmt"
	"io"
	"net/http"
	"strconv"
	"strings"
	"time"
)

// attempt asks a mirror once and appends what it answers to the part. It returns nil when the file is complete. With
// whole it asks for all, from the start.
func (r *run) attempt(ctx context.Context, d *download, p *part, u string, whole bool) error {
	if p.complete() { // a process was killed just before the rename
		return nil
	}
	// Bytes of two answers belong together if the server says so, or if the sum at the end will.
	if p.n > 0 && (whole || p.note.validator() == "" && d.sha256 == "") {
		if err := p.reset(); err != nil {
			return &localError{err}
		}
	}
	ctx, cancel := context.WithCancelCause(ctx)
	defer cancel(nil)
	watch := time.AfterFunc(r.Idle, func() { cancel(errStalled) })
	defer watch.Stop()
	err := r.exchange(ctx, d, p, u, watch)
	if err != nil && context.Cause(ctx) == errStalled {
		return errStalled
	}
	return err
}

func (r *run) exchange(ctx context.Context, d *download, p *part, u string, watch *time.Timer) error {
	req, err := http.NewRequestWithContext(ctx, http.MethodGet, u, nil)
	if err != nil {
		return &answerError{text: err.Error()}
	}
	req.Header.Set("User-Agent", "lxmert")
	req.Header.Set("Accept-Encoding", "identity") // ranges and sums are those of the file itself
	if p.n > 0 {
		req.Header.Set("Range", fmt.Sprintf("bytes=%d-", p.n))
		if v := p.note.validator(); v != "" {
			req.Header.Set("If-Range", v)
		}
	}
	resp, err := r.client.Do(req)
	if err != nil {
		return err
	}
	defer resp.Body.Close()
	left, err := r.accept(d, p, u, resp)
	if err != nil || left == 0 {
		return err
	}
	body := bufio.NewReaderSize(&watched{resp.Body, watch, r.Idle}, bufferSize)
	if p.n == 0 {
		head, err := body.Peek(headSize)
		if err != nil && err != io.EOF {
			return err
		}
		if err := checkHead(d.kind, head); err != nil {
			return err
		}
	}
	return r.receive(d, p, body, left)
}

// accept looks at an answer before its body and returns how many bytes are to come, -1 if nobody knows.
func (r *run) accept(d *download, p *part, u string, resp *http.Response) (left int64, err error) {
	h := resp.Header
	got := note{URL: withoutPassword(u), ETag: h.Get("ETag"), Modified: h.Get("Last-Modified")}
	switch resp.StatusCode {
	case http.StatusOK:
		if p.n > 0 {
			r.logf("%s: the server does not continue, perhaps as its file is another one; starting again", d.name)
			if err := p.reset(); err != nil {
				return 0, &localError{err}
			}
		}
		left = resp.ContentLength
		if left >= 0 {
			got.Total = left
		}
	case http.StatusPartialContent:
		left, got.Total, err = partial(p, resp)
		if err != nil {
			return 0, err
		}
	case http.StatusRequestedRangeNotSatisfiable:
		var total int64
		if n, _ := fmt.Sscanf(h.Get("Content-Range"), "bytes */%d", &total); n == 1 && total == p.n && p.n > 0 {
			return 0, nil // its length was not known before
		}
		return 0, &answerError{text: "the server's file is another one than that of the first part", temporary: true, lie: true}
	default:
		return 0, statusError(resp)
	}
	if e := h.Get("Content-Encoding"); e != "" && e != "identity" {
		return 0, &answerError{text: fmt.Sprintf("it answers in the encoding %q, which was not asked for", e)}
	}
	if d.size != 0 && got.Total > 0 && got.Total != d.size {
		return 0, fmt.Errorf("%w: it offers %d bytes, but %s says %d", ErrContent, got.Total, d.whose, d.size)
	}
	if got.Total > 0 {
		if err := r.room(d.path, got.Total-p.n); err != nil {
			return 0, &localError{err}
		}
	}
	if p.n == 0 {
		err = p.begin(got)
	} else if p.note.Total == 0 && got.Total > 0 {
		p.note.Total = got.Total
		err = p.begin(p.note)
	}
	if err != nil {
		return 0, &localError{err}
	}
	return left, nil
}

// partial checks that an answer of status 206 is what was asked for.
func partial(p *part, resp *http.Response) (left, total int64, err error) {
	lie := func(format string, args ...any) (int64, int64, error) {
		return 0, 0, &answerError{text: fmt.Sprintf(format, args...), temporary: true, lie: true}
	}
	text := resp.Header.Get("Content-Range")
	first, last, total, ok := parseRange(text)
	switch {
	case p.n == 0:
		return lie("it answers with a part, Content-Range %.80q, where the whole was asked for", text)
	case !ok:
		return lie("its Content-Range %.80q says nothing", text)
	case first != p.n:
		return lie("its part begins at byte %d, asked was %d", first, p.n)
	case total >= 0 && p.note.Total > 0 && total != p.note.Total:
		return lie("its file has %d bytes, before it had %d", total, p.note.Total)
	case resp.ContentLength >= 0 && resp.ContentLength != last-first+1:
		return lie("its part has %d bytes and is announced with %d", last-first+1, resp.ContentLength)
	}
	if tag := resp.Header.Get("ETag"); tag != "" && p.note.ETag != "" && tag != p.note.ETag {
		return lie("its file changed in between")
	}
	p.resumed = true
	return last - first + 1, max(total, p.note.Total, 0), nil
}

// parseRange reads a Content-Range; total is -1 where it is unknown.
func parseRange(text string) (first, last, total int64, ok bool) {
	text, ok = strings.CutPrefix(text, "bytes ")
	span, of, cut := strings.Cut(text, "/")
	from, to, dash := strings.Cut(span, "-")
	if !ok || !cut || !dash {
		return 0, 0, 0, false
	}
	first, err1 := strconv.ParseInt(from, 10, 64)
	last, err2 := strconv.ParseInt(to, 10, 64)
	total = -1
	var err3 error
	if of != "*" {
		total, err3 = strconv.ParseInt(of, 10, 64)
	}
	ok = err1 == nil && err2 == nil && err3 == nil && first >= 0 && last >= first && last < 1<<62 && (of == "*" || total > last)
	return first, last, total, ok
}

// receive appends the body. left is how long it is, -1 if nobody knows.
func (r *run) receive(d *download, p *part, body io.Reader, left int64) error {
	limit := left
	if limit < 0 {
		limit = maxUnannounced - p.n
		if d.size != 0 {
			limit = d.size - p.n
		}
	}
	buffer := make([]byte, bufferSize)
	for got := int64(0); ; {
		n, err := body.Read(buffer)
		got += int64(n)
		if got > limit {
			return &answerError{text: fmt.Sprintf("it sends more than the %d bytes that it should", limit), temporary: true, lie: true}
		}
		if n > 0 {
			if _, err := p.Write(buffer[:n]); err != nil {
				return &localError{fmt.Errorf("writing %s: %w", p.path+partSuffix, err)}
			}
			r.progress(d.name, p.n, max(p.note.Total, d.size))
		}
		switch {
		case err == io.EOF && left >= 0 && got < left:
			return &answerError{text: fmt.Sprintf("it sends %d bytes and has announced %d", got, left), temporary: true, lie: true}
		case err == io.EOF && p.note.Total > 0 && p.n < p.note.Total:
			return errShort
		case err == io.EOF:
			return nil
		case err != nil:
			return err
		}
	}
}

// errShort says that a server sent a smaller part than asked for; the next one may follow.
var errShort = errors.New("the answer ends early")

// watched restarts a timer around each read, so that it fires when the sender stalls and not when the disk does.
type watched struct {
	r     io.Reader
	watch *time.Timer
	idle  time.Duration
}

func (w *watched) Read(b []byte) (int, error) {
	w.watch.Reset(w.idle)
	defer w.watch.Stop()
	return w.r.Read(b)
}
