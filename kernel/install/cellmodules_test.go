package install

import (
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"testing"

	"github.com/seed-516990b0/golxmert/internal/testneed"
)

func TestModulesForCellsHaveTheirSums(t *testing.T) {
	list := forCellsOnly()
	if len(list) == 0 {
		t.Fatal("there are none")
	}
	for _, m := range list {
		for _, want := range []string{m + " h1:", m + "/go.mod h1:"} {
			if !strings.Contains(cellsSum, want) {
				t.Errorf("cells.sum has no %q", want)
			}
		}
	}
}

// TestLibrariesForCellsAreThereWithoutANetwork asks Go for all that packages of the libraries import, in the module of
// cells of an installation, with the ways to change that module and with none.
func TestLibrariesForCellsAreThereWithoutANetwork(t *testing.T) {
	place, err := Find("")
	if err == nil {
		err = place.Check()
	}
	testneed.Require(t, "jupyter", err == nil, "`kernel quickstart` installs it")
	dir := t.TempDir()
	for _, name := range []string{"go.mod", "go.sum"} {
		text, err := os.ReadFile(filepath.Join(place.Prelude(), name))
		if err == nil {
			err = os.WriteFile(filepath.Join(dir, name), text, 0o600)
		}
		if err != nil {
			t.Fatal(err)
		}
	}
	for _, flags := range []string{"-mod=readonly", "-mod=mod"} {
		argv := append([]string{"list", "-e", "-deps", "-f", "{{with .Error}}{{.}}{{end}}"}, append(libraries, module+"/notebooks/...", module+"/analysis/...")...)
		cmd := exec.Command("go", argv...)
		cmd.Dir = dir
		cmd.Env = append(os.Environ(), "GOFLAGS="+flags, "GOPROXY=off", "GOWORK=off")
		out, err := cmd.CombinedOutput()
		if text := strings.TrimSpace(string(out)); err != nil || text != "" {
			t.Errorf("with %s: %v\n%s", flags, err, text)
		}
	}
}
