package fetch

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"io"
	"log"
	"net/http"
	"os"
	"slices"
	"strconv"
	"strings"
	"syscall"
	"testing"
	"time"
)

// discard takes what test servers say about what was done to them.
var discard = log.New(io.Discard, "", 0)

// TestServersMayMisbehaveForAWhile: whatever the first answers are, the file comes whole.
func TestServersMayMisbehaveForAWhile(t *testing.T) {
	data := list(1<<20, 1)
	n := len(data)
	at := func(offset int) string { return fmt.Sprintf("/a bytes=%d-", offset) }
	type answer = func(w http.ResponseWriter, r *http.Request)
	whole := func(w http.ResponseWriter) {
		w.Header().Set("ETag", version(data))
		w.Write(data)
	}
	cutHalf := func(w http.ResponseWriter, _ *http.Request) { half(w, data); cut(w) }
	ranged := func(contentRange string, body []byte, header ...string) answer {
		return func(w http.ResponseWriter, _ *http.Request) {
			w.Header().Set("Content-Range", contentRange)
			for i := 0; i < len(header); i += 2 {
				w.Header().Set(header[i], header[i+1])
			}
			w.WriteHeader(http.StatusPartialContent)
			w.Write(body)
		}
	}
	rest := func(of int) string { return fmt.Sprintf("bytes %d-%d/%d", n/2, n-1, of) }
	for name, c := range map[string]struct {
		answers []answer // the first ones; then the site behaves
		asked   []string
		idle    time.Duration
	}{
		"500, 503": {[]answer{
			func(w http.ResponseWriter, _ *http.Request) { http.Error(w, "oh", 500) },
			func(w http.ResponseWriter, _ *http.Request) {
				w.Header().Set("Retry-After", "7")
				http.Error(w, "oh", http.StatusServiceUnavailable)
			},
		}, []string{"/a", "/a", "/a"}, 0},
		"cut":         {[]answer{cutHalf}, []string{"/a", at(n / 2)}, 0},
		"cut at once": {[]answer{func(w http.ResponseWriter, _ *http.Request) { panic(http.ErrAbortHandler) }}, []string{"/a", "/a"}, 0},
		"cut without a length": {[]answer{func(w http.ResponseWriter, _ *http.Request) {
			w.Header().Set("ETag", version(data))
			w.(http.Flusher).Flush()
			w.Write(data[:n/2])
			cut(w)
		}}, []string{"/a", at(n / 2)}, 0},
		"stalls before the answer": {[]answer{func(_ http.ResponseWriter, r *http.Request) { <-r.Context().Done() }}, []string{"/a", "/a"}, 50 * time.Millisecond},
		"stalls in the middle":     {[]answer{func(w http.ResponseWriter, r *http.Request) { half(w, data); hang(w, r) }}, []string{"/a", at(n / 2)}, 50 * time.Millisecond},
		"redirects":                {[]answer{func(w http.ResponseWriter, r *http.Request) { http.Redirect(w, r, "/b", http.StatusFound) }}, []string{"/a", "/b"}, 0},
		"ignores Range":            {[]answer{cutHalf, func(w http.ResponseWriter, _ *http.Request) { whole(w) }}, []string{"/a", at(n / 2)}, 0},
		"parts in small pieces": {[]answer{
			cutHalf,
			ranged(fmt.Sprintf("bytes %d-%d/%d", n/2, n/2+9, n), data[n/2:n/2+10]),
			ranged(fmt.Sprintf("bytes %d-%d/*", n/2+10, n/2+19), data[n/2+10:n/2+20]),
		}, []string{"/a", at(n / 2), at(n/2 + 10), at(n/2 + 20)}, 0},
		"another place":        {[]answer{cutHalf, ranged(fmt.Sprintf("bytes %d-%d/%d", 7, n-1, n), data[7:])}, []string{"/a", at(n / 2), "/a"}, 0},
		"another length":       {[]answer{cutHalf, ranged(rest(n+1), data[n/2:])}, []string{"/a", at(n / 2), "/a"}, 0},
		"another part":         {[]answer{cutHalf, ranged(rest(n), data[n/2+1:])}, []string{"/a", at(n / 2), "/a"}, 0},
		"another version":      {[]answer{cutHalf, ranged(rest(n), data[n/2:], "ETag", `"x"`)}, []string{"/a", at(n / 2), "/a"}, 0},
		"more than announced":  {[]answer{cutHalf, ranged(rest(n), append(bytes.Clone(data[n/2:]), 'x'), "Transfer-Encoding", "chunked")}, []string{"/a", at(n / 2), "/a"}, 0},
		"nonsense for a range": {[]answer{cutHalf, ranged("lines 1-2", data[n/2:])}, []string{"/a", at(n / 2), "/a"}, 0},
		"a part unasked":       {[]answer{ranged(fmt.Sprintf("bytes 0-%d/%d", n-1, n), data)}, []string{"/a", "/a"}, 0},
		"416": {[]answer{cutHalf, func(w http.ResponseWriter, _ *http.Request) {
			w.Header().Set("Content-Range", "bytes */3")
			w.WriteHeader(http.StatusRequestedRangeNotSatisfiable)
		}}, []string{"/a", at(n / 2), "/a"}, 0},
	} {
		t.Run(name, func(t *testing.T) {
			s := newSite(t, map[string][]byte{"/a": data, "/b": data})
			s.Config.ErrorLog = discard
			s.misbehave(func(n int, w http.ResponseWriter, r *http.Request, _ []byte) bool {
				if n > len(c.answers) {
					return false
				}
				c.answers[n-1](w, r)
				return true
			})
			f := newFetcher(t, one(plain("data/a.json", s.URL+"/a")))
			if c.idle > 0 {
				f.Idle, f.Attempts = c.idle, 1_000_000 // this machine may be as slow as a server that stalls
			}
			if _, err := f.get(t); err != nil {
				t.Fatalf("%v\nlog:\n%s", err, &f.log)
			}
			f.holds(t, "data/a.json", data)
			f.expectTree(t, "data/a.json")
			if got := s.asked(); c.idle == 0 && !slices.Equal(got, c.asked) || len(got) < len(c.asked) {
				t.Errorf("asked for %q, expected %q", got, c.asked)
			}
			if name == "500, 503" && !slices.Equal(f.pauses, []time.Duration{time.Second, 7 * time.Second}) {
				t.Errorf("pauses %v", f.pauses)
			}
		})
	}
}

// TestServersThatNeverGiveTheFile: the error says why, and nothing is in the file's place.
func TestServersThatNeverGiveTheFile(t *testing.T) {
	data := list(100_000, 1)
	for name, c := range map[string]struct {
		answer func(w http.ResponseWriter, r *http.Request)
		want   string
		times  int
		left   bool // a part that the next run continues
	}{
		"404":          {func(w http.ResponseWriter, r *http.Request) { http.NotFound(w, r) }, "404 Not Found", 1, false},
		"403":          {func(w http.ResponseWriter, r *http.Request) { http.Error(w, "no", http.StatusForbidden) }, "403 Forbidden", 1, false},
		"500":          {func(w http.ResponseWriter, r *http.Request) { http.Error(w, "no", 500) }, "tried 3 times", 3, false},
		"no content":   {func(w http.ResponseWriter, r *http.Request) { w.WriteHeader(204) }, "204 No Content", 1, false},
		"nothing":      {func(w http.ResponseWriter, r *http.Request) {}, "empty", 1, false},
		"a circle":     {func(w http.ResponseWriter, r *http.Request) { http.Redirect(w, r, "/a", http.StatusFound) }, "circle", 10, false},
		"a page":       {func(w http.ResponseWriter, r *http.Request) { io.WriteString(w, "<!doctype HTML><p>Please log in") }, "web page", 1, false},
		"XML":          {func(w http.ResponseWriter, r *http.Request) { io.WriteString(w, "<?xml version='1.0'?><Error/>") }, "XML message", 1, false},
		"another kind": {func(w http.ResponseWriter, r *http.Request) { io.WriteString(w, "PK\x03\x04") }, "a zip archive, not JSON", 1, false},
		"a cut file":   {func(w http.ResponseWriter, r *http.Request) { w.Write(data[:len(data)-1]) }, "cut short", 1, false},
		"gzip": {func(w http.ResponseWriter, r *http.Request) {
			w.Header().Set("Content-Encoding", "gzip")
			w.Write(data)
		}, `encoding "gzip"`, 1, false},
		"always cut": {func(w http.ResponseWriter, r *http.Request) {
			w.Header().Set("Content-Length", strconv.Itoa(len(data)))
			w.Write(data[:1000])
			cut(w)
		}, "tried 3 times", 3, true},
		"a longer file than it is": {func(w http.ResponseWriter, r *http.Request) {
			w.Header().Set("Content-Length", strconv.Itoa(2*len(data)))
			w.Write(data)
		}, "unexpected EOF (tried 3 times)", 3, true},
	} {
		t.Run(name, func(t *testing.T) {
			s := newSite(t, map[string][]byte{})
			s.Config.ErrorLog = discard
			s.misbehave(func(_ int, w http.ResponseWriter, r *http.Request, _ []byte) bool { c.answer(w, r); return true })
			f := newFetcher(t, one(plain("data/a.json", s.URL+"/a")))
			_, err := f.get(t)
			says(t, err, nil, c.want, "download "+s.URL+"/a by hand and put it at "+f.at("data/a.json"))
			if got := s.asked(); len(got) != c.times {
				t.Errorf("asked for %q", got)
			}
			if c.left {
				f.expectTree(t, "data/a.json.part", "data/a.json.part.json")
			} else {
				f.expectTree(t)
			}

			s.misbehave(nil) // the next run is not harmed by what the first left
			s.put("/a", data)
			f.mustGet(t)
			f.holds(t, "data/a.json", data)
			f.expectTree(t, "data/a.json")
		})
	}
}

func TestMirrorsAreAskedInTurn(t *testing.T) {
	data, wrong := list(2000, 1), list(2000, 2)
	s := newSite(t, map[string][]byte{"/page": []byte("<html>"), "/wrong": wrong, "/short": wrong[:10], "/right": data})
	file := plain("data/a.json", s.URL+"/none", s.URL+"/page", s.URL+"/wrong", s.URL+"/short", s.URL+"/right", s.URL+"/never")
	file.Size, file.SHA256 = int64(len(data)), sum(data)
	f := newFetcher(t, one(file))
	f.mustGet(t)
	f.holds(t, "data/a.json", data)
	if got := s.asked(); !slices.Equal(got, []string{"/none", "/page", "/wrong", "/short", "/right"}) {
		t.Errorf("asked for %q", got)
	}

	file.Sources[0].URLs = file.Sources[0].URLs[2:3]
	f = newFetcher(t, one(file))
	_, err := f.get(t)
	says(t, err, ErrChecksum, sum(wrong), sum(data))
	f.expectTree(t)
}

func TestDeadHostsAreNotWaitedForTwice(t *testing.T) {
	s := newSite(t, map[string][]byte{})
	s.misbehave(func(_ int, _ http.ResponseWriter, r *http.Request, _ []byte) bool { <-r.Context().Done(); return true })
	f := newFetcher(t, one(plain("data/a.json", s.URL+"/a"), plain("data/b.json", s.URL+"/b")))
	f.Idle, f.Attempts = 10*time.Millisecond, 2
	_, err := f.get(t)
	says(t, err, nil, "stalled (tried 2 times)")
	if got := s.asked(); slices.Contains(got, "/b") {
		t.Errorf("asked for %q", got)
	}
}

// interrupted fetches until half of the file is there.
func interrupted(t *testing.T, s *site, f *fetcher, data []byte) {
	t.Helper()
	ctx, cancel := context.WithCancel(t.Context())
	s.misbehave(func(_ int, w http.ResponseWriter, r *http.Request, _ []byte) bool {
		half(w, data)
		hang(w, r)
		return true
	})
	f.Progress = func(_ string, done, _ int64) {
		if done == int64(len(data)/2) {
			cancel()
		}
	}
	_, err := f.Fetch(ctx, "s")
	says(t, err, context.Canceled)
	if !strings.Contains(f.log.String(), "the same command continues") {
		t.Errorf("log %q", f.log.String())
	}
	if info, err := os.Stat(f.at("data/a.json.part")); err != nil || info.Size() != int64(len(data)/2) {
		t.Fatalf("no part: %v", err)
	}
	f.Progress = nil
	s.misbehave(nil)
}

func TestInterruptedDownloadContinues(t *testing.T) {
	data, other := list(300_000, 1), list(300_000, 2)
	n := len(data)
	rest := []string{fmt.Sprintf("/a bytes=%d-", n/2)}
	for name, c := range map[string]struct {
		meanwhile func(t *testing.T, s *site, f *fetcher)
		want      []byte
		asked     []string
	}{
		"nothing happened":          {func(*testing.T, *site, *fetcher) {}, data, rest},
		"the server's file changed": {func(_ *testing.T, s *site, _ *fetcher) { s.put("/a", other) }, other, rest},
		"the note is lost":          {func(t *testing.T, _ *site, f *fetcher) { os.Remove(f.at("data/a.json.part.json")) }, data, []string{"/a"}},
		"the note is garbage":       {func(t *testing.T, _ *site, f *fetcher) { f.put(t, "data/a.json.part.json", []byte("{")) }, data, []string{"/a"}},
		"the part is longer than all": {func(t *testing.T, _ *site, f *fetcher) {
			f.put(t, "data/a.json.part", make([]byte, n+1))
		}, data, []string{"/a"}},
		"the server forgot its version": {func(t *testing.T, _ *site, f *fetcher) {
			f.put(t, "data/a.json.part.json", fmt.Appendf(nil, `{"url":"x","etag":"W/\"weak\"","total":%d}`, n))
		}, data, []string{"/a"}},
		"all was there but the rename": {func(t *testing.T, _ *site, f *fetcher) { f.put(t, "data/a.json.part", data) }, data, nil},
		"the part is damaged": {func(t *testing.T, s *site, f *fetcher) {
			f.put(t, "data/a.json.part", make([]byte, n/2))
			f.Manifest.Files[0].SHA256 = sum(data)
		}, data, append(slices.Clone(rest), "/a")},
	} {
		t.Run(name, func(t *testing.T) {
			s := newSite(t, map[string][]byte{"/a": data})
			f := newFetcher(t, one(plain("data/a.json", s.URL+"/a")))
			interrupted(t, s, f, data)
			c.meanwhile(t, s, f)
			f.mustGet(t)
			f.holds(t, "data/a.json", c.want)
			f.expectTree(t, "data/a.json")
			if got := s.asked(); !slices.Equal(got, c.asked) {
				t.Errorf("asked for %q, expected %q", got, c.asked)
			}
		})
	}
}

func TestDateSaysWhetherAFileIsTheSame(t *testing.T) {
	data := list(50_000, 1)
	s := newSite(t, map[string][]byte{"/a": data})
	f := newFetcher(t, one(plain("data/a.json", s.URL+"/a")))
	stamp := time.Date(2019, 8, 20, 0, 0, 0, 0, time.UTC)
	dated := func(n int, w http.ResponseWriter, r *http.Request, _ []byte) bool {
		w.Header().Set("Last-Modified", stamp.Format(http.TimeFormat))
		if n == 1 {
			w.Header().Set("Content-Length", strconv.Itoa(len(data)))
			w.Write(data[:20_000])
			cut(w)
		}
		http.ServeContent(w, r, "a", stamp, bytes.NewReader(data))
		return true
	}
	s.Config.ErrorLog = discard
	s.misbehave(dated)
	f.mustGet(t)
	f.holds(t, "data/a.json", data)
	if got := s.asked(); !slices.Equal(got, []string{"/a", "/a bytes=20000-"}) {
		t.Errorf("asked for %q", got)
	}
}

// fullDisk writes so many bytes, then no more.
type fullDisk struct {
	io.Writer
	room *int
}

func (d fullDisk) Write(b []byte) (int, error) {
	n, err := d.Writer.Write(b[:min(len(b), *d.room)])
	*d.room -= n
	if err == nil && n < len(b) {
		err = fmt.Errorf("write: %w", syscall.ENOSPC)
	}
	return n, err
}

func TestFullDiskLosesNothing(t *testing.T) {
	data := list(900_000, 1)
	x := archive(t, archived{"x.tsv", bytes.Repeat(table, 9000), 0})
	s := newSite(t, map[string][]byte{"/a": data, "/x": x})
	f := newFetcher(t, one(plain("data/a.json", s.URL+"/a", s.URL+"/never")))
	room := 500_000
	f.onDisk = func(file *os.File) io.Writer { return fullDisk{file, &room} }
	_, err := f.get(t)
	says(t, err, syscall.ENOSPC, "data/a.json.part")
	if got := s.asked(); len(got) != 1 {
		t.Errorf("asked for %q, though no mirror makes room", got)
	}
	f.expectTree(t, "data/a.json.part", "data/a.json.part.json")
	f.onDisk = nil
	f.mustGet(t)
	f.holds(t, "data/a.json", data)
	if got := s.asked(); !slices.Equal(got, []string{"/a bytes=500000-"}) {
		t.Errorf("asked for %q", got)
	}

	f = newFetcher(t, one(zipped(s.URL+"/x")))
	f.Unpack = true
	room = len(x) + 1000
	f.onDisk = func(file *os.File) io.Writer { return fullDisk{file, &room} }
	_, err = f.get(t)
	says(t, err, syscall.ENOSPC)
	f.expectTree(t, "data/f/x.zip")
}

func TestServerThatOffersAnotherLengthIsNotListenedTo(t *testing.T) {
	data := list(100_000, 1)
	s := newSite(t, map[string][]byte{"/a": data})
	f := newFetcher(t, one(plain("data/a.json", s.URL+"/a")))
	f.Manifest.Files[0].Size = 7
	var most int64
	f.Progress = func(_ string, done, _ int64) { most = max(most, done) }
	_, err := f.get(t)
	says(t, err, ErrContent, fmt.Sprintf("it offers %d bytes, but the manifest says 7", len(data)))
	s.misbehave(func(_ int, w http.ResponseWriter, _ *http.Request, _ []byte) bool { // without a length
		w.(http.Flusher).Flush()
		w.Write(data)
		return true
	})
	_, err = f.get(t)
	says(t, err, nil, "more than the 7 bytes")
	if most != 0 {
		t.Errorf("%d bytes were written", most)
	}
	f.expectTree(t)
}

func TestWaitsBetweenTriesGrowAndEnd(t *testing.T) {
	s := newSite(t, map[string][]byte{})
	s.misbehave(func(_ int, w http.ResponseWriter, _ *http.Request, _ []byte) bool {
		http.Error(w, "", http.StatusBadGateway)
		return true
	})
	f := newFetcher(t, one(plain("data/a.json", s.URL+"/a")))
	f.Attempts = 8
	_, err := f.get(t)
	says(t, err, nil, "502 Bad Gateway (tried 8 times)")
	var want []time.Duration
	for _, n := range []int{1, 2, 4, 8, 16, 30, 30} {
		want = append(want, time.Duration(n)*time.Second)
	}
	if !slices.Equal(f.pauses, want) {
		t.Errorf("pauses %v", f.pauses)
	}

	ctx, cancel := context.WithCancel(t.Context())
	f.sleep = func(ctx context.Context, _ time.Duration) error { cancel(); return sleep(ctx, time.Hour) }
	if _, err := f.Fetch(ctx, "s"); !errors.Is(err, context.Canceled) {
		t.Errorf("error %v", err)
	}
}
