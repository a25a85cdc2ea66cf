package install

import (
	"errors"
	"fmt"
	"math"
	"os"
	"path/filepath"
	"regexp"
	"slices"
	"strings"
	"syscall"
	"testing"
)

func TestFullDiskAndNoNetworkAreToldApart(t *testing.T) {
	for _, c := range []struct {
		err           error
		full, offline bool
	}{
		{nil, false, false},
		{errors.New("something else"), false, false},
		{fmt.Errorf("writing: %w", &os.PathError{Op: "write", Path: "/x", Err: syscall.ENOSPC}), true, false},
		{fmt.Errorf("writing: %w", syscall.EDQUOT), true, false},
		{errors.New("ERROR: Could not install packages: [Errno 28] No space left on device"), true, false},
		{errors.New("go: writing stat cache: no space left on device"), true, false},
		{errors.New("NewConnectionError: [Errno -3] Temporary failure in name resolution"), false, true},
		{errors.New("ERROR: Could not find a version that satisfies the requirement jupyterlab==4.5.0 (from versions: none)"), false, true},
		{errors.New("dial tcp 127.0.0.1:53: connect: network is unreachable"), false, true},
	} {
		if DiskFull(c.err) != c.full || NoNetwork(c.err) != c.offline {
			t.Errorf("%v: full disk %v, no network %v", c.err, DiskFull(c.err), NoNetwork(c.err))
		}
	}
}

func TestRoomIsAskedForAFolderThatIsNotThereYet(t *testing.T) {
	dir := filepath.Join(t.TempDir(), "a", "b")
	if err := RoomFor(dir, 1); err != nil {
		t.Error(err)
	}
	err := RoomFor(dir, math.MaxInt64)
	if err == nil || !strings.Contains(err.Error(), "go clean -cache") || strings.Contains(err.Error(), "\n") {
		t.Errorf("error %v", err)
	}
}

// pinned is a line of the requirements: a package, its one version, perhaps for which system.
var pinned = regexp.MustCompile(`^([A-Za-z0-9_.-]+)==[0-9][0-9A-Za-z.]*(; sys_platform == "[a-z0-9]+")?$`)

func TestAllPythonPackagesArePinned(t *testing.T) {
	var names []string
	for line := range strings.Lines(requirements) {
		if line = strings.TrimSpace(line); line == "" || strings.HasPrefix(line, "#") {
			continue
		}
		m := pinned.FindStringSubmatch(line)
		if m == nil {
			t.Errorf("%q is not a package with its version", line)
			continue
		}
		names = append(names, normal(m[1]))
	}
	if slices.Sort(names); len(slices.Compact(slices.Clone(names))) != len(names) {
		t.Errorf("a package stands twice in %v", names)
	}
	for _, want := range []string{"jupyterlab", "nbclient", "nbconvert", "jupyter-client", "jupyter-kernel-test", "pyzmq", "tornado"} {
		if !slices.Contains(names, want) {
			t.Errorf("%s is missing", want)
		}
	}
}

// TestNothingUnpinnedIsInstalled compares with an environment that was really made.
func TestNothingUnpinnedIsInstalled(t *testing.T) {
	p := installed(t)
	out, err := command(t.Context(), "", nil, p.PythonProgram("python"), "-m", "pip", "list", "--format=freeze")
	if err != nil {
		t.Fatal(err)
	}
	for line := range strings.Lines(out) {
		name, _, ok := strings.Cut(strings.TrimSpace(line), "==")
		if !ok || name == "pip" || name == "setuptools" || name == "wheel" {
			continue // what venv itself brings
		}
		found := false
		for want := range strings.Lines(requirements) {
			n, _, _ := strings.Cut(want, "==")
			found = found || normal(n) == normal(name)
		}
		if !found {
			t.Errorf("%s is installed and not pinned", strings.TrimSpace(line))
		}
	}
}

// normal writes a package's name as the index compares it.
func normal(name string) string {
	return strings.NewReplacer("_", "-", ".", "-").Replace(strings.ToLower(name))
}
