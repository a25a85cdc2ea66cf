package proxy

import (
	"os"
	"path/filepath"
	"strings"
	"syscall"
	"testing"

	"github.com/seed-516990b0/golxmert/internal/testneed"
)

// TestFullDiskIsSaidAndTheKernelLivesOn fills the disk that the kernel's own folder is on, runs a cell, makes room and
// runs it again.
func TestFullDiskIsSaidAndTheKernelLivesOn(t *testing.T) {
	testneed.Require(t, "root", os.Getuid() == 0, "only root can mount a small disk")
	p := installed(t)
	disk, err := os.MkdirTemp("", "d") // the test's own folder would be too long a name for sockets
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { os.Remove(disk) })
	err = syscall.Mount("tmpfs", disk, "tmpfs", 0, "size=96m")
	testneed.Require(t, "root", err == nil, "mounting a small disk")
	t.Cleanup(func() { syscall.Unmount(disk, syscall.MNT_DETACH) }) // runs after the kernel has ended
	c := startKernel(t, "TEST_GONB="+p.Program("gonb"), "TEST_PRELUDE="+p.Prelude(), "TMPDIR="+disk)
	if status, text := c.run("%%\nfmt.Println(1)"); status != "ok" || text != "1\n" {
		t.Fatalf("with room: %s, %q", status, text)
	}
	fill := filepath.Join(disk, "fill")
	fillDisk(t, fill)
	for _, code := range []string{"%%\nfmt.Println(2)", "var x = 3\n%%\nfmt.Println(x)"} {
		status, text := c.run(code)
		place, _, _ := strings.Cut(strings.TrimPrefix(text, "no room: the disk is full at "), ": ")
		if status != "error" || !strings.HasPrefix(text, "no room: ") || !strings.HasPrefix(place, disk) ||
			strings.Contains(text, "\n") || !strings.Contains(text, "free some space") {
			t.Errorf("without room: %s, %q, expected one line that names a place in %s and what to do", status, text, disk)
		}
	}
	if err := os.Remove(fill); err != nil {
		t.Fatal(err)
	}
	if status, text := c.run("%%\nfmt.Println(4)"); status != "ok" || text != "4\n" {
		t.Errorf("with room again: %s, %q", status, text)
	}
}

// fillDisk writes a file until no byte more fits.
func fillDisk(t *testing.T, path string) {
	t.Helper()
	f, err := os.Create(path)
	if err != nil {
		t.Fatal(err)
	}
	defer f.Close()
	for size := 1 << 20; size > 0; {
		if _, err = f.Write(make([]byte, size)); err != nil {
			size /= 2
		}
	}
}
