package atomicfile

import (
	"bufio"
	"bytes"
	"errors"
	"io"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"testing"
)

// oldFile is a file that stands where a new one shall be, alone in its folder.
func oldFile(t *testing.T) (dir, path string) {
	t.Helper()
	dir = t.TempDir()
	path = filepath.Join(dir, "x.bin")
	if err := os.WriteFile(path, []byte("old"), 0o666); err != nil {
		t.Fatal(err)
	}
	return dir, path
}

// expect says what the folder holds: one file with this text.
func expect(t *testing.T, dir, path, text string) {
	t.Helper()
	if got, err := os.ReadFile(path); err != nil || string(got) != text {
		t.Errorf("%s holds %.20q, expected %.20q (error %v)", path, got, text, err)
	}
	files, err := os.ReadDir(dir)
	if err != nil {
		t.Fatal(err)
	}
	if len(files) != 1 {
		t.Errorf("the folder holds %v", files)
	}
}

func TestReplaceMakesAFileOrPutsItInPlaceOfTheOld(t *testing.T) {
	dir, path := oldFile(t)
	large := strings.Repeat("0123456789", 300_000) // more than the buffer
	for _, text := range []string{"new", "", large} {
		err := Replace(path, func(_ *os.File, w *bufio.Writer) error {
			_, err := io.WriteString(w, text)
			return err
		})
		if err != nil {
			t.Fatal(err)
		}
		expect(t, dir, path, text)
	}
	if err := os.Remove(path); err != nil {
		t.Fatal(err)
	}
	if err := Replace(path, func(_ *os.File, w *bufio.Writer) error { return w.WriteByte('1') }); err != nil {
		t.Fatal(err)
	}
	expect(t, dir, path, "1")
}

func TestFileInTheWorkingFolderIsReplaced(t *testing.T) {
	dir, path := oldFile(t)
	t.Chdir(dir)
	if err := Replace(filepath.Base(path), func(_ *os.File, w *bufio.Writer) error { return w.WriteByte('1') }); err != nil {
		t.Fatal(err)
	}
	expect(t, dir, path, "1")
}

func TestWriterMayGoBackInTheFileAfterFlushing(t *testing.T) {
	dir, path := oldFile(t)
	err := Replace(path, func(f *os.File, w *bufio.Writer) error {
		if _, err := w.WriteString("____body"); err != nil {
			return err
		}
		if err := w.Flush(); err != nil {
			return err
		}
		_, err := f.WriteAt([]byte("head"), 0)
		return err
	})
	if err != nil {
		t.Fatal(err)
	}
	expect(t, dir, path, "headbody")
}

func TestOldFileIsThereUntilTheNewOneIsWhole(t *testing.T) {
	dir, path := oldFile(t)
	err := Replace(path, func(_ *os.File, w *bufio.Writer) error {
		if _, err := w.Write(bytes.Repeat([]byte("x"), 3<<20)); err != nil {
			return err
		}
		if got, err := os.ReadFile(path); err != nil || string(got) != "old" {
			t.Errorf("a reader finds %.20q, error %v", got, err)
		}
		return w.Flush()
	})
	if err != nil {
		t.Fatal(err)
	}
	expect(t, dir, path, strings.Repeat("x", 3<<20))
}

func TestFailedWriteLeavesTheOldFileAndNoOther(t *testing.T) {
	failure := errors.New("the disk is full")
	for name, write := range map[string]func(*os.File, *bufio.Writer) error{
		"at once": func(*os.File, *bufio.Writer) error { return failure },
		"half way": func(_ *os.File, w *bufio.Writer) error {
			if _, err := w.Write(make([]byte, 3<<20)); err != nil {
				return err
			}
			return failure
		},
	} {
		t.Run(name, func(t *testing.T) {
			dir, path := oldFile(t)
			err := Replace(path, write)
			if !errors.Is(err, failure) || !strings.Contains(err.Error(), path) {
				t.Errorf("error %v", err)
			}
			expect(t, dir, path, "old")
		})
	}
	t.Run("when flushing", func(t *testing.T) {
		dir, path := oldFile(t)
		err := Replace(path, func(f *os.File, w *bufio.Writer) error {
			if err := f.Close(); err != nil {
				return err
			}
			return w.WriteByte('1')
		})
		if !errors.Is(err, os.ErrClosed) {
			t.Errorf("error %v", err)
		}
		expect(t, dir, path, "old")
	})
}

func TestWhatCannotBeReplacedIsAnErrorThatLeavesNoFile(t *testing.T) {
	one := func(_ *os.File, w *bufio.Writer) error { return w.WriteByte('1') }
	dir, path := oldFile(t)
	if err := Replace(filepath.Join(dir, "nowhere", "x"), one); !errors.Is(err, os.ErrNotExist) {
		t.Errorf("error %v of a folder that is not there", err)
	}
	folder := filepath.Join(dir, "folder")
	if err := os.MkdirAll(filepath.Join(folder, "inside"), 0o777); err != nil {
		t.Fatal(err)
	}
	if err := Replace(folder, one); err == nil || !strings.Contains(err.Error(), folder) {
		t.Errorf("error %v of a path that is a folder", err)
	}
	if err := os.RemoveAll(folder); err != nil {
		t.Fatal(err)
	}
	expect(t, dir, path, "old")
}

func TestSweepRemovesWhatKilledProcessesLeft(t *testing.T) {
	dir := filepath.Join(t.TempDir(), "a[b]*")
	if err := os.Mkdir(dir, 0o777); err != nil {
		t.Fatal(err)
	}
	for _, name := range []string{"x.pth", ".x.pth.0123abcd.tmp", ".x.pth.0123.tmp", ".y.pth.0123abcd.tmp"} {
		if err := os.WriteFile(filepath.Join(dir, name), nil, 0o666); err != nil {
			t.Fatal(err)
		}
	}
	if err := Sweep(filepath.Join(dir, "x.pth")); err != nil {
		t.Fatal(err)
	}
	var left []string
	entries, err := os.ReadDir(dir)
	if err != nil {
		t.Fatal(err)
	}
	for _, e := range entries {
		left = append(left, e.Name())
	}
	if want := []string{".x.pth.0123.tmp", ".y.pth.0123abcd.tmp", "x.pth"}; !slices.Equal(left, want) {
		t.Errorf("left %v, expected %v", left, want)
	}
}
