package fetch

import (
	"archive/zip"
	"bytes"
	"context"
	"crypto/sha256"
	"encoding/hex"
	"errors"
	"fmt"
	"io/fs"
	"math/rand/v2"
	"net/http"
	"net/http/httptest"
	"os"
	"path"
	"path/filepath"
	"slices"
	"strconv"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/seed-516990b0/golxmert/internal/testwait"
)

// site is a server of files that tests make misbehave.
type site struct {
	*httptest.Server
	mu       sync.Mutex
	files    map[string][]byte
	requests []string // method-less: path, and the Range after a space
	// before, if not nil, may answer in the file's place; n counts requests from 1.
	before func(n int, w http.ResponseWriter, r *http.Request, data []byte) bool
}

// version is the ETag that a site gives to bytes.
func version(data []byte) string { return `"` + sum(data)[:16] + `"` }

func sum(data []byte) string {
	h := sha256.Sum256(data)
	return hex.EncodeToString(h[:])
}

func newSite(t *testing.T, files map[string][]byte) *site {
	t.Helper()
	s := &site{files: files}
	s.Server = httptest.NewServer(s)
	t.Cleanup(s.Close)
	return s
}

func (s *site) ServeHTTP(w http.ResponseWriter, r *http.Request) {
	s.mu.Lock()
	s.requests = append(s.requests, strings.TrimSpace(r.URL.Path+" "+r.Header.Get("Range")))
	n, before := len(s.requests), s.before
	data, ok := s.files[r.URL.Path]
	s.mu.Unlock()
	if before != nil && before(n, w, r, data) {
		return
	}
	if !ok {
		http.NotFound(w, r)
		return
	}
	w.Header().Set("ETag", version(data))
	http.ServeContent(w, r, path.Base(r.URL.Path), time.Time{}, bytes.NewReader(data))
}

// asked returns the requests since the last call.
func (s *site) asked() []string {
	s.mu.Lock()
	defer s.mu.Unlock()
	r := s.requests
	s.requests = nil
	return r
}

// put changes a file.
func (s *site) put(path string, data []byte) {
	s.mu.Lock()
	defer s.mu.Unlock()
	s.files[path] = data
}

// misbehave sets before.
func (s *site) misbehave(before func(n int, w http.ResponseWriter, r *http.Request, data []byte) bool) {
	s.mu.Lock()
	defer s.mu.Unlock()
	s.before, s.requests = before, nil
}

// hang holds an answer until the client gives up.
func hang(w http.ResponseWriter, r *http.Request) {
	if f, ok := w.(http.Flusher); ok {
		f.Flush()
	}
	<-r.Context().Done()
}

// cut ends a connection in the middle of an answer.
func cut(w http.ResponseWriter) {
	if f, ok := w.(http.Flusher); ok {
		f.Flush()
	}
	panic(http.ErrAbortHandler)
}

// half announces everything and sends the first half.
func half(w http.ResponseWriter, data []byte) {
	w.Header().Set("ETag", version(data))
	w.Header().Set("Content-Length", strconv.Itoa(len(data)))
	w.Write(data[:len(data)/2])
}

// list is a JSON array of n bytes, another one for each seed.
func list(n int, seed uint64) []byte {
	r := rand.New(rand.NewPCG(seed, 0))
	b := []byte("[0")
	for len(b) < n {
		b = fmt.Appendf(b, ",%d", r.Uint64())
	}
	return append(b[:n-2], "0]"...)
}

// archived is a file of an archive.
type archived struct {
	name string
	data []byte
	mode fs.FileMode
}

// archive makes a zip.
func archive(t testing.TB, members ...archived) []byte {
	t.Helper()
	var b bytes.Buffer
	z := zip.NewWriter(&b)
	for _, m := range members {
		h := &zip.FileHeader{Name: m.name, Method: zip.Deflate}
		h.SetMode(0o644 | m.mode)
		w, err := z.CreateHeader(h)
		if err == nil {
			_, err = w.Write(m.data)
		}
		if err != nil {
			t.Fatal(err)
		}
	}
	if err := z.Close(); err != nil {
		t.Fatal(err)
	}
	return b.Bytes()
}

var table = []byte("COCO_1\t480\t640\nCOCO_2\t480\t640\n") // as far as a fetcher looks, region features

// one is a manifest of one set "s".
func one(files ...File) *Manifest {
	m := &Manifest{Files: files, Sets: []Set{{Name: "s"}}}
	for _, f := range files {
		m.Sets[0].Files = append(m.Sets[0].Files, f.Path)
	}
	return m
}

// plain is a JSON file with mirrors.
func plain(path string, urls ...string) File {
	return File{Path: path, Kind: JSON, Sources: []Source{{URLs: urls}}}
}

// zipped is region features in a zip.
func zipped(url string) File {
	return File{Path: "data/f/x.tsv", Kind: TSV, InZip: true, Sources: []Source{{URLs: []string{url}, Original: "data/f/x.zip", Member: "x.tsv"}}}
}

// fetcher fetches into a folder of its own, with pauses that are noted and not made.
type fetcher struct {
	*Fetcher
	log    bytes.Buffer
	pauses []time.Duration
}

func newFetcher(t *testing.T, m *Manifest) *fetcher {
	t.Helper()
	f := &fetcher{}
	f.Fetcher = &Fetcher{
		Manifest: m, Dir: t.TempDir(), Insecure: true, Attempts: 3, Idle: testwait.Limit, Log: &f.log,
		Client: &http.Client{Transport: &http.Transport{}},
		Now:    func() time.Time { return time.Date(2024, 5, 6, 7, 8, 9, 0, time.UTC) },
		sleep: func(ctx context.Context, d time.Duration) error {
			f.pauses = append(f.pauses, d)
			return ctx.Err()
		},
		free: func(string) (int64, bool) { return 1 << 40, true },
	}
	t.Cleanup(f.Client.CloseIdleConnections)
	return f
}

// get fetches the set "s".
func (f *fetcher) get(t *testing.T) ([]Result, error) {
	t.Helper()
	f.log.Reset()
	f.pauses = nil
	res, err := f.Fetch(t.Context(), "s")
	var failed *Failed
	if err != nil && !errors.As(err, &failed) && !strings.HasPrefix(err.Error(), "fetch: ") {
		t.Errorf("error %v does not say who speaks", err)
	}
	return res, err
}

func (f *fetcher) mustGet(t *testing.T) []Result {
	t.Helper()
	res, err := f.get(t)
	if err != nil {
		t.Fatalf("%v\nlog:\n%s", err, &f.log)
	}
	return res
}

// at is a path in the fetcher's folder.
func (f *fetcher) at(name string) string { return filepath.Join(f.Dir, filepath.FromSlash(name)) }

// put writes a file by hand.
func (f *fetcher) put(t *testing.T, name string, data []byte) {
	t.Helper()
	if err := os.MkdirAll(filepath.Dir(f.at(name)), 0o777); err != nil {
		t.Fatal(err)
	}
	if err := os.WriteFile(f.at(name), data, 0o666); err != nil {
		t.Fatal(err)
	}
}

// holds compares a file.
func (f *fetcher) holds(t *testing.T, name string, want []byte) {
	t.Helper()
	if got, err := os.ReadFile(f.at(name)); err != nil || !bytes.Equal(got, want) {
		t.Errorf("%s holds %d bytes (%.40q…), expected %d (error %v)", name, len(got), got, len(want), err)
	}
}

// tree lists all files but the record and the lock.
func (f *fetcher) tree(t *testing.T) []string {
	t.Helper()
	var names []string
	err := filepath.WalkDir(f.Dir, func(path string, d fs.DirEntry, err error) error {
		if err == nil && !d.IsDir() && !strings.HasPrefix(d.Name(), ".lxmert-fetch") {
			name, _ := filepath.Rel(f.Dir, path)
			names = append(names, filepath.ToSlash(name))
		}
		return err
	})
	if err != nil {
		t.Fatal(err)
	}
	return names
}

func (f *fetcher) expectTree(t *testing.T, names ...string) {
	t.Helper()
	slices.Sort(names)
	if got := f.tree(t); !slices.Equal(got, names) {
		t.Errorf("the folder holds %q, expected %q", got, names)
	}
}

// says checks what an error says.
func says(t *testing.T, err error, is error, texts ...string) {
	t.Helper()
	if err == nil || is != nil && !errors.Is(err, is) {
		t.Errorf("error %v, expected %v", err, is)
		return
	}
	for _, text := range texts {
		if !strings.Contains(err.Error(), text) {
			t.Errorf("error %q does not say %q", err, text)
		}
	}
}
