package diskspace

import (
	"errors"
	"path/filepath"
	"runtime"
	"testing"
)

func TestAFolderHasTheRoomOfTheDiskItIsOrWillBeOn(t *testing.T) {
	there := t.TempDir()
	for _, dir := range []string{there, filepath.Join(there, "not", "there"), "not-there"} {
		free, known := Free(dir)
		if runtime.GOOS == "linux" && (!known || free <= 0) {
			t.Errorf("%s: %d bytes, known: %v", dir, free, known)
		}
	}
	if _, known := free(filepath.Join(there, "not-there")); known {
		t.Error("the system knows a folder that is not there")
	}
}

func TestTooLittleRoomIsSaidWhereItIsKnown(t *testing.T) {
	meter := func(known bool) Meter { return func(string) (int64, bool) { return 2000, known } }
	for _, need := range []int64{0, 2000} {
		if err := meter(true).Check("d", need); err != nil {
			t.Error(err)
		}
	}
	if err := meter(false).Check("d", 1<<40); err != nil {
		t.Error(err)
	}
	err := meter(true).Check("d", 3_500_000)
	if short := new(ShortError); !errors.As(err, &short) || *short != (ShortError{"d", 3_500_000, 2000}) {
		t.Fatal(err)
	}
	if got, want := err.Error(), "3.5 MB are needed and 2.0 kB free in d"; got != want {
		t.Errorf("%q, expected %q", got, want)
	}
}
