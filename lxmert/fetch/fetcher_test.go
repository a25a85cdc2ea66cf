package fetch

import (
	"context"
	"encoding/json"
	"errors"
	"io"
	"io/fs"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"sync"
	"syscall"
	"testing"
	"time"

	"github.com/seed-516990b0/golxmert/internal/filekind"
	"github.com/seed-516990b0/golxmert/internal/filelock"
)

func TestFilesGetTheirPlacesAndAreNotFetchedTwice(t *testing.T) {
	questions, features := list(3000, 1), archive(t, archived{"data/odd/x.tsv", table, 0})
	s := newSite(t, map[string][]byte{"/q.json": questions, "/x.zip": features})
	f := newFetcher(t, one(plain("data/q/train.json", s.URL+"/q.json"), zipped(s.URL+"/x.zip")))
	var last int64
	f.Progress = func(file string, done, total int64) {
		if file == "data/q/train.json" {
			last = done*1_000_000 + total
		}
	}
	res := f.mustGet(t)
	f.holds(t, "data/q/train.json", questions)
	f.holds(t, "data/f/x.zip", features)
	f.expectTree(t, "data/q/train.json", "data/f/x.zip")
	if n := int64(len(questions)); last != n*1_000_000+n {
		t.Errorf("last progress %d", last)
	}
	if res[0].State != Fetched || res[1].State != Fetched || res[1].At != f.at("data/f/x.zip") || res[0].Bytes != int64(len(questions)) {
		t.Errorf("results %+v", res)
	}
	if got := s.asked(); !slices.Equal(got, []string{"/q.json", "/x.zip"}) {
		t.Errorf("asked for %q", got)
	}

	var rec record
	text, err := os.ReadFile(f.at(recordName))
	if err != nil || json.Unmarshal(text, &rec) != nil {
		t.Fatal(err)
	}
	e := rec.Files["data/q/train.json"]
	if e.SHA256 != sum(questions) || e.Size != int64(len(questions)) || e.From != s.URL+"/q.json" || e.Recorded.Year() != 2024 {
		t.Errorf("recorded %+v", e)
	}

	for _, check := range []bool{false, true} {
		f.Check = check
		res = f.mustGet(t)
		if res[0].State != There || res[1].State != InZip || len(s.asked()) != 0 {
			t.Errorf("again: %+v", res)
		}
	}
	if res, err := f.List(t.Context(), "s"); err != nil || res[0].State != There || res[1].State != InZip {
		t.Errorf("listed %+v, error %v", res, err)
	}
}

func TestListWritesNothing(t *testing.T) {
	f := newFetcher(t, one(plain("data/a.json", "http://localhost/a"), plain("data/b.json", "http://localhost/b")))
	f.put(t, "data/b.json", []byte("<html>"))
	res, err := f.List(t.Context(), "s")
	if len(res) != 2 || res[0].State != Missing || res[0].At != "" {
		t.Errorf("listed %+v", res)
	}
	says(t, err, ErrContent, "b.json", "web page")
	if entries, _ := os.ReadDir(f.at("data")); len(entries) != 1 {
		t.Errorf("the folder holds %v", entries)
	}
}

func TestOneMissingFileDoesNotKeepTheOthersAway(t *testing.T) {
	a := list(100, 1)
	s := newSite(t, map[string][]byte{"/a": a})
	f := newFetcher(t, one(plain("data/z.json", s.URL+"/z"), plain("data/y.json", s.URL+"/y"), plain("data/a.json", s.URL+"/a")))
	res, err := f.get(t)
	says(t, err, nil, "2 of the 3 files of s are missing", "404 Not Found", s.URL+"/z", f.at("data/y.json"))
	var failed *Failed
	if !errors.As(err, &failed) || len(failed.Files) != 2 || res[2].State != Fetched {
		t.Errorf("%+v, error %#v", res, err)
	}
	f.holds(t, "data/a.json", a)
	f.expectTree(t, "data/a.json")
}

func TestFilesPutThereByHandAreCheckedAndKept(t *testing.T) {
	good := archive(t, archived{"x.tsv", table, 0})
	torch := archive(t, archived{"archive/data.pkl", []byte("x"), 0})
	sized := File{Path: "data/v.txt", Kind: Text, Size: 5, SHA256: sum([]byte("[PAD]")), Sources: []Source{{URLs: []string{"http://localhost/v"}}}}
	weights := File{Path: "snap/m.pth", Kind: Torch, Sources: []Source{{URLs: []string{"http://localhost/m"}}}}
	for name, c := range map[string]struct {
		file File
		at   string
		data []byte
		want string // "": it is accepted
	}{
		"JSON":                {plain("data/a.json", "http://localhost/a"), "data/a.json", []byte("\ufeff [{}]\n"), ""},
		"JSON lines":          {plain("data/a.json", "http://localhost/a"), "data/a.json", []byte("{}\n{}\n"), ""},
		"cut JSON":            {plain("data/a.json", "http://localhost/a"), "data/a.json", []byte(`[{"a":1},`), "cut short"},
		"empty":               {plain("data/a.json", "http://localhost/a"), "data/a.json", nil, "empty"},
		"a page":              {plain("data/a.json", "http://localhost/a"), "data/a.json", []byte("\n<!DOCTYPE html>"), "web page"},
		"TSV":                 {zipped("http://localhost/x"), "data/f/x.tsv", table, ""},
		"zip":                 {zipped("http://localhost/x"), "data/f/x.zip", good, ""},
		"a zip of all":        {zipped("http://localhost/x"), "data/f/mscoco_imgfeat.zip", good, ""},
		"cut zip":             {zipped("http://localhost/x"), "data/f/x.zip", good[:len(good)-9], "cut short"},
		"no zip":              {zipped("http://localhost/x"), "data/f/x.zip", table, "a table of tab-separated fields, not a zip"},
		"another zip":         {zipped("http://localhost/x"), "data/f/x.zip", archive(t, archived{"y.tsv", table, 0}), `no member x.tsv but "y.tsv"`},
		"LFS":                 {zipped("http://localhost/x"), "data/f/x.tsv", []byte("version https://git-lfs.github.com/spec/v1\n"), "Git LFS"},
		"old torch":           {weights, "snap/m.pth", []byte(filekind.TorchLegacyStart + "…"), ""},
		"torch":               {weights, "snap/m.pth", torch, ""},
		"cut torch":           {weights, "snap/m.pth", torch[:len(torch)-5], "cut short"},
		"no torch":            {weights, "snap/m.pth", []byte("\x80\x02}q."), "torch.save"},
		"vocabulary":          {sized, "data/v.txt", []byte("[PAD]"), ""},
		"another vocabulary":  {sized, "data/v.txt", []byte("[pad]"), "the manifest says " + sum([]byte("[PAD]"))},
		"a longer vocabulary": {sized, "data/v.txt", []byte("[PAD]\n"), "6 bytes and should have 5"},
	} {
		t.Run(name, func(t *testing.T) {
			f := newFetcher(t, one(c.file))
			f.put(t, c.at, c.data)
			res, err := f.get(t)
			if c.want != "" {
				says(t, err, nil, c.want, f.at(c.at), "remove it")
			} else if err != nil || res[0].At != f.at(c.at) || res[0].Bytes != int64(len(c.data)) {
				t.Errorf("%+v, error %v", res, err)
			}
			f.holds(t, c.at, c.data)
			f.expectTree(t, c.at)
		})
	}
}

func TestOtherFormsOfAFileCount(t *testing.T) {
	f := newFetcher(t, one(zipped("http://localhost/x")))
	f.Have = func(path string) (string, bool) { return path + ".store", path == f.at("data/f/x.tsv") }
	if res := f.mustGet(t); res[0].State != Packed || res[0].At != f.at("data/f/x.tsv.store") {
		t.Errorf("%+v", res)
	}
}

func TestWhatWasRecordedIsComparedEverAfter(t *testing.T) {
	first, second := list(500, 1), list(500, 2)
	s := newSite(t, map[string][]byte{"/a": first})
	f := newFetcher(t, one(plain("data/a.json", s.URL+"/a")))
	f.mustGet(t)

	if err := os.Chtimes(f.at("data/a.json"), time.Time{}, time.Unix(1e9, 0)); err != nil {
		t.Fatal(err)
	}
	f.mustGet(t) // another time, the same bytes

	s.put("/a", second)
	f.put(t, "data/a.json", second)
	_, err := f.get(t)
	says(t, err, ErrChecksum, sum(second), sum(first), "2024-05-06")
	f.holds(t, "data/a.json", second)

	f.put(t, "data/a.json", append(second, '\n'))
	_, err = f.get(t)
	says(t, err, ErrChecksum, "it had", recordName[len("data/"):])

	if err := os.Remove(f.at("data/a.json")); err != nil {
		t.Fatal(err)
	}
	_, err = f.get(t)
	says(t, err, nil, "2024-05-06", "remove its entry") // the server's file is another one too
	f.expectTree(t)

	s.put("/a", first)
	f.mustGet(t)
	f.holds(t, "data/a.json", first)
}

func TestDamagedRecordIsAnErrorThatSaysSo(t *testing.T) {
	for text, want := range map[string]string{
		"{": "repair it", `{"version":7}`: "version 7", `[]`: "repair it", `{"version":1,"files":{"a":{"size":"x"}}}`: "repair it",
	} {
		f := newFetcher(t, one(plain("data/a.json", "http://localhost/a")))
		f.put(t, recordName, []byte(text))
		_, err := f.get(t)
		says(t, err, nil, want, recordName[len("data/"):])
	}
}

func TestSetsAndBaseURLsThatMakeNoSense(t *testing.T) {
	f := newFetcher(t, one(plain("data/a.json", "http://localhost/a")))
	_, err := f.Fetch(t.Context(), "x")
	says(t, err, ErrSet, `"x"`, "there are s")
	for _, base := range []string{"host", "ftp://host", "http://", "http://host/?a", "http://host/#a", "http://%zz"} {
		f.BaseURL = base
		_, err := f.Fetch(t.Context(), "s")
		says(t, err, nil, "the base URL", "https://host/folder")
	}
	f.BaseURL = ""
	f.Manifest = one(plain("../a.json", "http://localhost/a"))
	_, err = f.Fetch(t.Context(), "s")
	says(t, err, nil, "../a.json", "below a folder")
}

func TestBaseURLStandsInForAllHosts(t *testing.T) {
	a, x := list(200, 1), archive(t, archived{"x.tsv", table, 0})
	s := newSite(t, map[string][]byte{
		"/mirror/data/a.json":         a, // laid out as a user's folder
		"/mirror/host.org/b%20c.json": a, // as wget --mirror does
		"/mirror/data/f/x.tsv":        table,
		"/mirror/data/made.json":      a,
		"/mirror/data/official":       []byte("{}"),
	})
	s.files["/mirror/host.org/b c.json"] = a
	f := newFetcher(t, one(
		plain("data/a.json", "https://host.org/deep/a.json"),
		plain("data/b.json", "https://host.org/b%20c.json", "https://other.org/b.json"),
		zipped("https://host.org/x.zip"),
		File{Path: "data/made.json", Kind: JSON, Sources: []Source{{URLs: []string{"https://host.org/o"}, Original: "data/official", Convert: "c"}}},
	))
	f.Insecure, f.BaseURL = false, s.URL+"/mirror/"
	f.mustGet(t)
	f.holds(t, "data/b.json", a)
	f.holds(t, "data/f/x.tsv", table)
	f.holds(t, "data/made.json", a)
	want := []string{"/mirror/data/a.json", "/mirror/data/b.json", "/mirror/host.org/b c.json",
		"/mirror/data/f/x.zip", "/mirror/host.org/x.zip", "/mirror/data/f/x.tsv", "/mirror/data/made.json"}
	if got := s.asked(); !slices.Equal(got, want) {
		t.Errorf("asked for %q, expected %q", got, want)
	}

	s.put("/mirror/data/f/x.zip", x) // the zip is smaller than the TSV
	if err := os.Remove(f.at("data/f/x.tsv")); err != nil {
		t.Fatal(err)
	}
	f.mustGet(t)
	f.holds(t, "data/f/x.zip", x)
}

func TestFetchesOfOneFolderComeOneAfterTheOther(t *testing.T) {
	a := list(5000, 1)
	s := newSite(t, map[string][]byte{"/a": a, "/b": a})
	dir := t.TempDir()
	var wg sync.WaitGroup
	for range 4 {
		f := newFetcher(t, one(plain("data/a.json", s.URL+"/a"), plain("data/b.json", s.URL+"/b")))
		f.Dir = dir
		wg.Go(func() {
			if _, err := f.Fetch(t.Context(), "s"); err != nil {
				t.Error(err)
			}
		})
	}
	wg.Wait()
	if got := s.asked(); len(got) != 2 {
		t.Errorf("asked for %q", got)
	}
}

func TestWaitingForTheLockEndsWithTheContext(t *testing.T) {
	f := newFetcher(t, one(plain("data/a.json", "http://localhost/a")))
	f.put(t, "data/x", nil)
	lock, err := filelock.Try(f.at(lockName))
	if err != nil {
		t.Fatal(err)
	}
	defer lock.Close()
	ctx, cancel := context.WithCancel(t.Context())
	f.waitLock = func(ctx context.Context, path string, waiting func(*filelock.HeldError, bool) error) (*filelock.Lock, error) {
		return filelock.Wait(ctx, path, func(held *filelock.HeldError, again bool) error {
			defer cancel()
			return waiting(held, again)
		})
	}
	_, err = f.Fetch(ctx, "s")
	says(t, err, context.Canceled, ".lxmert-fetch.lock")
	if !strings.Contains(f.log.String(), "waiting for another lxmert fetch") {
		t.Errorf("log %q", f.log.String())
	}
}

func TestFolderThatMayNotBeWrittenIsStillLookedAt(t *testing.T) {
	for _, cause := range []error{syscall.EROFS, fs.ErrPermission} {
		f := newFetcher(t, one(plain("data/a.json", "http://localhost/a")))
		f.put(t, "data/a.json", []byte("[]"))
		f.waitLock = func(_ context.Context, path string, _ func(*filelock.HeldError, bool) error) (*filelock.Lock, error) {
			return nil, &fs.PathError{Op: "open", Path: path, Err: cause}
		}
		if res := f.mustGet(t); res[0].State != There || !strings.Contains(f.log.String(), "may not be written") {
			t.Errorf("%+v", res)
		}
		if entries, _ := os.ReadDir(f.at("data")); len(entries) != 1 {
			t.Errorf("the folder holds %v", entries)
		}
	}
}

func TestTooLittleSpaceIsSaidBeforeAnythingIsAsked(t *testing.T) {
	a := list(3000, 1)
	s := newSite(t, map[string][]byte{"/a": a, "/x": archive(t, archived{"x.tsv", table, 0})})
	big := plain("data/a.json", s.URL+"/a")
	big.Sources[0].About = 2000
	x := zipped(s.URL + "/x")
	x.Sources[0].About = 2000
	f := newFetcher(t, one(big, x))
	room := int64(3900)
	f.free = func(string) (int64, bool) { return room, true }
	_, err := f.get(t)
	says(t, err, ErrSpace, "4.0 kB", "3.9 kB")
	if got := s.asked(); len(got) != 0 {
		t.Errorf("asked for %q", got)
	}
	room = 4000
	f.mustGet(t)

	f = newFetcher(t, one(plain("data/a.json", s.URL+"/a"))) // its size is known only from the answer
	f.free = func(string) (int64, bool) { return 2999, true }
	_, err = f.get(t)
	says(t, err, ErrSpace, "3.0 kB")
	f.expectTree(t)

	f = newFetcher(t, one(x))
	f.Unpack = true
	f.free = func(string) (int64, bool) { return 5999, true }
	_, err = f.get(t)
	says(t, err, ErrSpace, "6.0 kB")
}

func TestSumsAreOfBytesNotOfHopes(t *testing.T) {
	f := newFetcher(t, nil)
	r, _, err := (&Fetcher{Manifest: one(plain("data/a.json", "http://localhost/a")), Dir: f.Dir}).start("s")
	if err != nil {
		t.Fatal(err)
	}
	size, got, err := r.stage(f.at("x/y"), func(w io.Writer) error { _, err := w.Write(table); return err }, func(string) error { return nil })
	if err != nil || size != int64(len(table)) || got != sum(table) {
		t.Errorf("%d bytes, %s, error %v", size, got, err)
	}
	f.put(t, "x/z.part", list(9000, 1)) // of a process that was killed
	bad := errors.New("bad")
	if _, _, err := r.stage(f.at("x/z"), func(io.Writer) error { return nil }, func(string) error { return bad }); !errors.Is(err, bad) {
		t.Errorf("error %v", err)
	}
	f.expectTree(t, "x/y")
	if _, err := os.Stat(filepath.Join(f.Dir, "x/y.part")); err == nil {
		t.Error("the part is left")
	}
}
