package filesearch

import (
	"os"
	"path/filepath"
	"runtime"
	"slices"
	"testing"
)

func TestAFolderIsNotAFile(t *testing.T) {
	dir := t.TempDir()
	path := filepath.Join(dir, "a")
	if err := os.WriteFile(path, nil, 0o666); err != nil {
		t.Fatal(err)
	}
	for path, want := range map[string]bool{path: true, dir: false, path + "/b": false, path + "b": false, "": false, os.DevNull: false} {
		if got := IsFile(path); got != want {
			t.Errorf("%q: %v", path, got)
		}
	}
}

func TestAnyFolderCanBeSearched(t *testing.T) {
	names := []string{"a[b]", "a*", "a?", `a\b`, "[", "ab"}
	if runtime.GOOS == "windows" {
		names = []string{"ab"}
	}
	top := t.TempDir()
	for _, name := range names {
		if err := os.Mkdir(filepath.Join(top, name), 0o777); err != nil {
			t.Fatal(err)
		}
		if err := os.WriteFile(filepath.Join(top, name, "file"), nil, 0o666); err != nil {
			t.Fatal(err)
		}
	}
	for _, name := range names {
		found, err := filepath.Glob(filepath.Join(EscapeGlob(filepath.Join(top, name)), "*"))
		if want := []string{filepath.Join(top, name, "file")}; err != nil || !slices.Equal(found, want) {
			t.Errorf("in %s: %q, %v", name, found, err)
		}
	}
}

func TestANameIsRelativeToAFolderUnlessItIsAbsoluteOrEmpty(t *testing.T) {
	folder := t.TempDir()
	absolute := filepath.Join(t.TempDir(), "b")
	for name, want := range map[string]string{"": "", "a": filepath.Join(folder, "a"), absolute: absolute} {
		if got := Under(folder, name); got != want {
			t.Errorf("%q: %q, want %q", name, got, want)
		}
	}
}
