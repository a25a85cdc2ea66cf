package filelock

import (
	"os"
	"path/filepath"
	"runtime"
	"testing"
)

func TestOnlyOneHasALock(t *testing.T) {
	if runtime.GOOS != "linux" && runtime.GOOS != "darwin" {
		t.Skip("no locks here")
	}
	path := filepath.Join(t.TempDir(), "lock")
	open := func() *os.File {
		f, err := os.OpenFile(path, os.O_CREATE|os.O_RDWR, 0o666)
		if err != nil {
			t.Fatal(err)
		}
		t.Cleanup(func() { f.Close() })
		return f
	}
	a, b := open(), open()
	if !Try(a) || Try(b) {
		t.Error("the first does not get the lock, or the second gets it too")
	}
	a.Close()
	if !Try(b) {
		t.Error("a lock does not end when its file is closed")
	}
}
