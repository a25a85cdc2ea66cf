package atomic_test

import (
	"errors"
	"io"
	"os"
	"path/filepath"
	"testing"

	"github.com/seed-516990b0/golxmert/analysis/internal/atomic"
)

func TestReplaceLeavesTheOldFileOrTheNewOne(t *testing.T) {
	path := filepath.Join(t.TempDir(), "figure.svg")
	text := func(s string) func(io.Writer) error {
		return func(w io.Writer) error { _, err := io.WriteString(w, s); return err }
	}
	if err := atomic.Replace(path, text("old")); err != nil {
		t.Fatal(err)
	}
	spoilt := errors.New("spoilt")
	err := atomic.Replace(path, func(w io.Writer) error {
		io.WriteString(w, "half")
		return spoilt
	})
	if !errors.Is(err, spoilt) {
		t.Errorf("error is %v", err)
	}
	expect(t, path, "old")
	if err := atomic.Replace(path, text("new")); err != nil {
		t.Fatal(err)
	}
	expect(t, path, "new")
}

func TestReplaceInAFolderThatIsNotThereNamesTheFile(t *testing.T) {
	path := filepath.Join(t.TempDir(), "none", "a.svg")
	err := atomic.Replace(path, func(io.Writer) error { return nil })
	if err == nil || !errors.Is(err, os.ErrNotExist) {
		t.Errorf("error is %v", err)
	}
}

// expect says whether path holds the text and is alone in its folder.
func expect(t *testing.T, path, text string) {
	t.Helper()
	if got, err := os.ReadFile(path); err != nil || string(got) != text {
		t.Errorf("file holds %q (%v), want %q", got, err, text)
	}
	if entries, _ := os.ReadDir(filepath.Dir(path)); len(entries) != 1 {
		t.Errorf("%d files in the folder, want 1", len(entries))
	}
}
