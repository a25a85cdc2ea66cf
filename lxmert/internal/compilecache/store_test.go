package compilecache

import (
	"bytes"
	"os"
	"path/filepath"
	"slices"
	"sync"
	"testing"
	"time"
)

func TestStoreReturnsWhatItKeeps(t *testing.T) {
	s := store{filepath.Join(t.TempDir(), "new", "folder"), 1 << 20}
	if s.get("a") != nil {
		t.Error("a folder that is not there has a program")
	}
	one, two := bytes.Repeat([]byte("one"), 1000), []byte{0}
	s.put("a", one)
	s.put("b", two)
	if !bytes.Equal(s.get("a"), one) || !bytes.Equal(s.get("b"), two) || s.get("c") != nil {
		t.Errorf("a has %d bytes, b %d, c %d", len(s.get("a")), len(s.get("b")), len(s.get("c")))
	}
	s.put("a", two)
	if !bytes.Equal(s.get("a"), two) {
		t.Error("a program was not replaced")
	}
}

func TestDamagedFilesCountAsAbsent(t *testing.T) {
	s := store{t.TempDir(), 1 << 20}
	s.put("a", []byte("a program of some length"))
	whole, err := os.ReadFile(s.path("a"))
	if err != nil {
		t.Fatal(err)
	}
	for i := range whole {
		damaged := bytes.Clone(whole)
		damaged[i] ^= 0x40
		for _, content := range [][]byte{damaged, whole[:i], append(bytes.Clone(whole), whole[:i+1]...)} {
			if err := os.WriteFile(s.path("a"), content, 0o600); err != nil {
				t.Fatal(err)
			}
			if got := s.get("a"); got != nil {
				t.Fatalf("damaged at %d, %d bytes of %d: read as %q", i, len(content), len(whole), got)
			}
		}
	}
}

func TestAFileUnderAnotherNameCountsAsAbsent(t *testing.T) {
	s := store{t.TempDir(), 1 << 20}
	s.put("a", []byte("a program"))
	if err := os.Rename(s.path("a"), s.path("b")); err != nil {
		t.Fatal(err)
	}
	if got := s.get("b"); got != nil {
		t.Errorf("read %q", got)
	}
}

func TestStoreDropsWhatWasUsedLongestAgo(t *testing.T) {
	program := make([]byte, 1000)
	s := store{t.TempDir(), 3500}
	for i, name := range []string{"a", "b", "c"} {
		s.put(name, program)
		old := time.Now().Add(time.Duration(i-10) * time.Hour)
		if err := os.Chtimes(s.path(name), old, old); err != nil {
			t.Fatal(err)
		}
	}
	s.get("a")
	s.put("d", program)
	s.put("too large", make([]byte, 4000))
	var names []string
	entries, err := os.ReadDir(s.dir)
	if err != nil {
		t.Fatal(err)
	}
	for _, e := range entries {
		names = append(names, e.Name())
	}
	if !slices.Equal(names, []string{"a", "c", "d"}) {
		t.Errorf("left are %v", names)
	}
}

func TestKeysDependOnWhereTheirPartsEnd(t *testing.T) {
	seen := map[string]bool{}
	for _, parts := range [][][]byte{{}, {nil}, {nil, nil}, {[]byte("ab")}, {[]byte("a"), []byte("b")}, {[]byte("ab"), nil}, {nil, []byte("ab")}} {
		k := key(parts...)
		if seen[k] || k != key(parts...) || k != filepath.Base(k) {
			t.Errorf("key %s of %q", k, parts)
		}
		seen[k] = true
	}
}

func TestManyMayWriteTheSameProgram(t *testing.T) {
	s := store{t.TempDir(), 1 << 20}
	program := bytes.Repeat([]byte("program"), 5000)
	var wg sync.WaitGroup
	for range 4 {
		wg.Go(func() {
			for range 20 {
				s.put("a", program)
				if got := s.get("a"); !bytes.Equal(got, program) {
					t.Errorf("read %d bytes", len(got))
					return
				}
			}
		})
	}
	wg.Wait()
}

func TestAFolderThatCannotBeWrittenIsNoError(t *testing.T) {
	file := filepath.Join(t.TempDir(), "file")
	if err := os.WriteFile(file, nil, 0o600); err != nil {
		t.Fatal(err)
	}
	s := store{filepath.Join(file, "folder"), 1 << 20}
	s.put("a", []byte("a program"))
	if s.get("a") != nil {
		t.Error("a program was kept in a file")
	}
}
