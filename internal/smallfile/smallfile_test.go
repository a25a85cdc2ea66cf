package smallfile

import (
	"errors"
	"io/fs"
	"os"
	"path/filepath"
	"strings"
	"testing"
)

func TestOnlySmallFilesAreRead(t *testing.T) {
	dir := t.TempDir()
	path := filepath.Join(dir, "a")
	text := strings.Repeat("x", 1<<20)
	if err := os.WriteFile(path, []byte(text), 0o666); err != nil {
		t.Fatal(err)
	}
	if got, err := Read(path, 1<<20, "a list"); err != nil || string(got) != text {
		t.Errorf("%d bytes, %v", len(got), err)
	}
	if err := os.WriteFile(path, []byte(text+"x"), 0o666); err != nil {
		t.Fatal(err)
	}
	if _, err := Read(path, 1<<20, "a list"); err == nil || err.Error() != path+" has more than 1 MB, so it is not a list" {
		t.Errorf("a large file: %v", err)
	}
	if _, err := Read(dir, 1<<20, "a list"); err == nil || err.Error() != dir+" is not a file" {
		t.Errorf("a folder: %v", err)
	}
	if _, err := Read(path+"b", 1<<20, "a list"); !errors.Is(err, fs.ErrNotExist) {
		t.Errorf("what is not there: %v", err)
	}
}
