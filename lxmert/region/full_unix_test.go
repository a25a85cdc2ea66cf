//go:build unix

package region

import (
	"errors"
	"os"
	"os/exec"
	"os/signal"
	"path/filepath"
	"strconv"
	"strings"
	"syscall"
	"testing"
)

// TestPackIntoLimitedFiles is run as a process of its own by TestAFullDiskLosesNothing: the limit holds for all of it.
func TestPackIntoLimitedFiles(t *testing.T) {
	limit, err := strconv.ParseUint(os.Getenv("REGION_PACK_LIMIT"), 10, 64)
	if err != nil {
		t.Skip("part of another test")
	}
	signal.Ignore(syscall.SIGXFSZ)
	if err := syscall.Setrlimit(syscall.RLIMIT_FSIZE, &syscall.Rlimit{Cur: limit, Max: limit}); err != nil {
		t.Fatal(err)
	}
	_, err = Pack(t.Context(), os.Getenv("REGION_PACK_SRC"), os.Getenv("REGION_PACK_DST"), PackOptions{})
	if !errors.Is(err, syscall.EFBIG) || !strings.Contains(err.Error(), "the same command goes on after it") {
		t.Error(err)
	}
}

// TestAFullDiskLosesNothing limits the size of files: to less than one with a record, and to one in which a table does not
// fit.
func TestAFullDiskLosesNothing(t *testing.T) {
	src, dst := filepath.Join(t.TempDir(), "x.tsv"), filepath.Join(t.TempDir(), "y.store")
	randomTSV(t, src, 2100)
	s := packed(t, src, PackOptions{})
	want := contents(t, s.Path())
	largest := int64(0)
	for _, shard := range s.about.Shards {
		largest = max(largest, shard.Size)
	}
	for _, limit := range []int64{500, largest - 10} {
		cmd := exec.Command(os.Args[0], "-test.run=^TestPackIntoLimitedFiles$")
		cmd.Env = append(os.Environ(), "REGION_PACK_SRC="+src, "REGION_PACK_DST="+dst, "REGION_PACK_LIMIT="+strconv.FormatInt(limit, 10))
		if out, err := cmd.CombinedOutput(); err != nil {
			t.Errorf("%d bytes: %v, %s", limit, err, out)
		}
		if _, err := Open(dst); err == nil {
			t.Error("a store that is not complete opens")
		}
	}
	report, err := Pack(t.Context(), src, dst, PackOptions{})
	if err != nil || report.Resumed == 0 {
		t.Fatalf("%+v, %v", report, err)
	}
	sameFiles(t, contents(t, dst), want)
}
