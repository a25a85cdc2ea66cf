package region

import (
	"bytes"
	"errors"
	"io/fs"
	"os"
	"path/filepath"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/seed-516990b0/golxmert/internal/testneed"
)

// feature is a file under a published name, with 1100 rows, in a folder of its own.
func feature(t *testing.T) (path string, rows []*Regions) {
	t.Helper()
	dir := filepath.Join(t.TempDir(), "mscoco_imgfeat")
	if err := os.Mkdir(dir, 0o777); err != nil {
		t.Fatal(err)
	}
	path = filepath.Join(dir, "train2014_obj36.tsv")
	return path, randomTSV(t, path, 1100)
}

// opened opens a feature file as a program would, and returns what was said.
func opened(t *testing.T, path string, opt PackedOptions) (s *Store, said string) {
	t.Helper()
	var log bytes.Buffer
	opt.Log = &log
	if opt.cache == nil {
		opt.cache = func() (string, error) { return "", errors.New("no cache") }
	}
	s, err := OpenPacked(t.Context(), path, opt)
	if err != nil {
		t.Fatalf("%v, after %s", err, &log)
	}
	t.Cleanup(func() { s.Close() })
	return s, log.String()
}

func TestAFeatureFileIsPackedOnFirstUse(t *testing.T) {
	path, rows := feature(t)
	s, said := opened(t, path, PackedOptions{})
	if !strings.Contains(said, "has to be packed once") || !strings.Contains(said, "takes about") || s.Path() != strings.TrimSuffix(path, ".tsv")+".store" {
		t.Errorf("%s: %s", s.Path(), said)
	}
	for _, step := range []func(){func() {}, func() { remove(t, path) }} { // the store alone serves as well
		step()
		s, said = opened(t, path, PackedOptions{})
		if said != "" || s.Rows() != 1100 {
			t.Errorf("%d rows; it said %s", s.Rows(), said)
		}
		r, err := s.Find(t.Context(), rows[1050].ID)
		if err != nil {
			t.Fatal(err)
		}
		sameRegions(t, r, rows[1050])
	}
	s, said = opened(t, path, PackedOptions{Rows: 512})
	if said != "" || s.Rows() != 512 || s.Has(rows[512].ID) || !s.Has(rows[511].ID) {
		t.Errorf("%d rows; it said %s", s.Rows(), said)
	}
	if s, _ = opened(t, s.Path(), PackedOptions{Rows: 5}); s.Rows() != 5 {
		t.Errorf("%d rows of the store by its own name", s.Rows())
	}
}

func TestAChangedFeatureFileIsPackedAgain(t *testing.T) {
	path, _ := feature(t)
	opened(t, path, PackedOptions{})
	changed := time.Now().Add(-time.Hour)
	if err := os.Chtimes(path, changed, changed); err != nil {
		t.Fatal(err)
	}
	s, said := opened(t, path, PackedOptions{})
	if !strings.Contains(said, "was packed from another train2014_obj36.tsv than there is now") {
		t.Error(said)
	}
	if _, said := opened(t, path, PackedOptions{}); said != "" {
		t.Error(said)
	}
	truncate(t, filepath.Join(s.Path(), shardName(0)), 10)
	if s, said := opened(t, path, PackedOptions{}); !strings.Contains(said, "packing again") || s.Rows() != 1100 {
		t.Errorf("%d rows; it said %s", s.Rows(), said)
	}
}

// TestTheFirstRowsNeedNoWholeStore also checks that a store with more first rows serves.
func TestTheFirstRowsNeedNoWholeStore(t *testing.T) {
	path, _ := feature(t)
	s, _ := opened(t, path, PackedOptions{Rows: 50})
	if s.Rows() != 50 || filepath.Base(s.Path()) != "train2014_obj36.first50.store" {
		t.Errorf("%s: %d rows", s.Path(), s.Rows())
	}
	s, said := opened(t, path, PackedOptions{Rows: 20})
	if s.Rows() != 20 || said != "" {
		t.Errorf("%d rows; it said %s", s.Rows(), said)
	}
	s, said = opened(t, path, PackedOptions{Rows: 60})
	if s.Rows() != 60 || !strings.Contains(said, "first60.store") {
		t.Errorf("%d rows; it said %s", s.Rows(), said)
	}
	s, _ = opened(t, path, PackedOptions{})
	if s.Rows() != 1100 {
		t.Errorf("%d rows", s.Rows())
	}
	if s, said = opened(t, path, PackedOptions{Rows: 70}); filepath.Base(s.Path()) != "train2014_obj36.store" || said != "" {
		t.Errorf("%s; it said %s", s.Path(), said)
	}
}

func TestAFeatureFileInAZipIsPackedOutOfIt(t *testing.T) {
	for _, name := range []string{"train2014_obj36.zip", "everything.zip"} {
		path, rows := feature(t)
		at := filepath.Join(filepath.Dir(path), name)
		writeZip(t, at, map[string]string{"deep/train2014_obj36.tsv": path})
		text, err := os.ReadFile(path)
		if err != nil {
			t.Fatal(err)
		}
		remove(t, path)
		if s, said := opened(t, path, PackedOptions{}); s.Rows() != len(rows) || !strings.Contains(said, at+" has to be packed once") {
			t.Errorf("%d rows; it said %s", s.Rows(), said)
		}
		if err := os.WriteFile(path, text, 0o666); err != nil { // unpacked later, the archive still there
			t.Fatal(err)
		}
		if _, said := opened(t, path, PackedOptions{}); said != "" {
			t.Error(said)
		}
		if err := os.WriteFile(path, text[:len(text)/2+bytes.IndexByte(text[len(text)/2:], '\n')+1], 0o666); err != nil {
			t.Fatal(err)
		}
		if s, said := opened(t, path, PackedOptions{}); s.Rows() >= len(rows) || !strings.Contains(said, "was packed from another "+name) {
			t.Errorf("%d rows; it said %s", s.Rows(), said)
		}
	}
}

func TestAFolderThatCannotBeWrittenSendsTheStoreElsewhere(t *testing.T) {
	path, _ := feature(t)
	dir := filepath.Dir(path)
	cache := t.TempDir()
	opt := PackedOptions{cache: func() (string, error) { return cache, nil }}
	given := PackedOptions{Dir: filepath.Join(cache, "given")}
	if s, _ := opened(t, path, given); filepath.Dir(s.Path()) != given.Dir {
		t.Errorf("the store is %s", s.Path())
	}
	for folder, mode := range map[string]os.FileMode{filepath.Dir(cache): 0o777, filepath.Dir(filepath.Dir(dir)): 0o777, dir: 0o555, cache: 0o777} {
		if err := os.Chmod(folder, mode); err != nil {
			t.Fatal(err)
		}
	}
	defer os.Chmod(dir, 0o777)
	testneed.Unprivileged(t)
	s, said := opened(t, path, opt)
	if !strings.HasPrefix(s.Path(), filepath.Join(cache, "golxmert", "store")) || !strings.Contains(said, dir+" cannot be written") {
		t.Errorf("%s; it said %s", s.Path(), said)
	}
	if _, said = opened(t, path, opt); said != "" {
		t.Error(said)
	}
}

func TestAMissingFeatureFileSaysHowToGetIt(t *testing.T) {
	path, _ := feature(t)
	for name, want := range map[string]string{
		filepath.Join(filepath.Dir(path), "val2014_obj36.tsv"): "looked for val2014_obj36.tsv, val2014_obj36.zip, another zip with that TSV, and the packed val2014_obj36.store; `lxmert fetch vqa` (into a folder data) gets",
		"data/nlvr2_imgfeat/test_obj36.tsv":                    "`lxmert fetch nlvr2` gets the published features",
		"data/nlvr2_imgfeat/x_obj36.tsv":                       "`lxmert pack FEATURES data/nlvr2_imgfeat/x_obj36.store` puts those of your own pictures there",
		"nowhere.tsv":                                          "`lxmert pack FEATURES nowhere.store` puts",
	} {
		_, err := OpenPacked(t.Context(), name, PackedOptions{})
		if !errors.Is(err, fs.ErrNotExist) || !strings.Contains(err.Error(), want) || strings.Contains(err.Error(), "\n") {
			t.Errorf("error %v does not say %q", err, want)
		}
	}
	if _, err := OpenPacked(t.Context(), path, PackedOptions{Rows: -1}); err == nil {
		t.Error("-1 rows")
	}
	twin := filepath.Join(filepath.Dir(path), "broken.zip")
	if err := os.WriteFile(twin, []byte("PK\x03\x04 and no more"), 0o666); err != nil {
		t.Fatal(err)
	}
	if _, err := OpenPacked(t.Context(), strings.Replace(twin, ".zip", ".tsv", 1), PackedOptions{}); !errors.Is(err, ErrFormat) {
		t.Error(err)
	}
}

func TestOpeningOneFileFromManyPlacesPacksItOnce(t *testing.T) {
	path, _ := feature(t)
	var group sync.WaitGroup
	for range 4 {
		group.Go(func() {
			s, err := OpenPacked(t.Context(), path, PackedOptions{})
			if err != nil {
				t.Error(err)
				return
			}
			defer s.Close()
			if s.Rows() != 1100 {
				t.Errorf("%d rows", s.Rows())
			}
		})
	}
	group.Wait()
}
