package lxmert_test

import (
	"encoding/json"
	"os"
	"os/exec"
	"path"
	"slices"
	"strings"
	"testing"

	"github.com/seed-516990b0/golxmert/internal/goldentest"
)

const module = "github.com/seed-516990b0/golxmert"

// arrows says which of this project's packages each package may import. Patterns are those of path.Match; "..." at the
// end also stands for everything below. Internal packages may be imported by whoever Go lets, and import nothing but lxmert
// and each other.
var arrows = []struct {
	pkg     string
	imports []string
}{
	{"lxmert", nil},
	{"internal/rounding", []string{"lxmert"}},
	{"internal/enginetest", []string{"lxmert"}},
	{"internal/roundingtest", []string{"lxmert"}},
	{"internal/*", nil},
	{"lxmert/weights/internal/*", nil},
	{"lxmert/internal/*", []string{"lxmert"}},
	{"lxmert/weights", []string{"lxmert"}},
	{"lxmert/token", []string{"lxmert"}},
	{"lxmert/region", []string{"lxmert", "lxmert/weights"}},
	{"lxmert/backend", nil},
	{"lxmert/backend/backendtest", []string{"lxmert/backend", "lxmert/speed"}},
	{"lxmert/speed", nil},
	{"lxmert/fetch", nil},
	{"lxmert/lxrt", []string{"lxmert", "lxmert/token", "lxmert/weights", "lxmert/backend"}},
	{"lxmert/lxrt/lxrttest", []string{"lxmert", "lxmert/lxrt", "lxmert/torch", "lxmert/backend", "lxmert/backend/backendtest"}},
	{"lxmert/dataset", []string{"lxmert", "lxmert/token", "lxmert/region"}},
	{"lxmert/question", []string{"lxmert", "lxmert/token", "lxmert/region", "lxmert/dataset"}},
	{"lxmert/dynamics", []string{"lxmert", "lxmert/weights"}},
	{"lxmert/train", []string{"lxmert", "lxmert/dynamics", "lxmert/lxrt", "lxmert/weights", "lxmert/backend"}},
	{"lxmert/task", []string{"lxmert", "lxmert/lxrt", "lxmert/dataset", "lxmert/dynamics", "lxmert/train", "lxmert/token", "lxmert/region", "lxmert/weights", "lxmert/backend"}},
	{"lxmert/task/cli", []string{"lxmert/task", "lxmert/dataset", "lxmert/toy", "lxmert/weights"}},
	{"lxmert/task/own", []string{"lxmert/backend", "lxmert/dataset", "lxmert/task", "lxmert/task/cli", "lxmert/train"}},
	{"lxmert/toy", []string{"lxmert", "lxmert/region", "lxmert/dataset"}},
	{"lxmert/toy/toytest", []string{"lxmert/toy"}},
	{"lxmert/torch", []string{"lxmert", "lxmert/lxrt", "lxmert/weights"}},
	{"lxmert/check", []string{"lxmert", "lxmert/lxrt", "lxmert/torch", "lxmert/weights", "lxmert/backend"}},
	{"lxmert/bench", []string{"lxmert/...", "analysis", "analysis/embed", "analysis/relevance", "analysis/modality", "analysis/patch"}},
	{"lxmert/cmd/lxmert", []string{"..."}},
	{"analysis", []string{"lxmert"}},
	{"analysis/internal/goldencase", nil},
	{"analysis/cite", []string{"analysis", "lxmert"}},
	{"analysis/display", []string{"analysis"}},
	{"analysis/layout", []string{"analysis", "lxmert"}},
	{"analysis/figure", []string{"analysis", "analysis/layout", "analysis/display", "analysis/report", "lxmert"}},
	{"analysis/report", []string{"analysis", "analysis/layout", "lxmert"}},
	{"analysis/attention", []string{"analysis", "lxmert"}},
	{"analysis/relevance", []string{"analysis", "analysis/attention", "lxmert"}},
	{"analysis/intervene", []string{"analysis", "analysis/dictionary", "analysis/patch", "lxmert"}},
	{"analysis/sweep", []string{"analysis", "analysis/attention", "analysis/relevance", "analysis/modality", "analysis/modality/hide", "analysis/readout", "analysis/calibration",
		"analysis/probe", "analysis/intervene", "analysis/patch", "analysis/concept", "analysis/embed", "analysis/align", "analysis/lens", "analysis/lens/tune", "lxmert", "lxmert/region", "lxmert/dataset", "lxmert/question"}},
	{"analysis/...", []string{"analysis/...", "lxmert", "lxmert/dynamics", "lxmert/token", "lxmert/region", "lxmert/dataset", "lxmert/question"}},
	{"kernel/client", []string{"lxmert"}},
	{"kernel/...", []string{"..."}},
	{"notebooks/own", []string{"lxmert", "lxmert/dataset", "lxmert/task", "lxmert/task/own", "lxmert/speed"}},
	{"notebooks/lx/value", nil},
	{"notebooks/lx", []string{"analysis/...", "kernel/client", "lxmert", "notebooks/lx/value"}},
}

// light are packages that programs link in a blink: they never pull in GoMLX.
var light = []string{"lxmert", "lxmert/dynamics", "lxmert/question", "analysis/...", "kernel/client", "notebooks/lx"}

type pkgInfo struct {
	ImportPath string
	Standard   bool
	Imports    []string
	Deps       []string
}

func listPackages(t *testing.T) []pkgInfo {
	t.Helper()
	cmd := exec.Command("go", "list", "-json=ImportPath,Standard,Imports,Deps", "./...")
	cmd.Dir = goldentest.Root(t)
	cmd.Stderr = os.Stderr
	out, err := cmd.Output()
	if err != nil {
		t.Fatal(err)
	}
	var pkgs []pkgInfo
	for d := json.NewDecoder(strings.NewReader(string(out))); d.More(); {
		var p pkgInfo
		if err := d.Decode(&p); err != nil {
			t.Fatal(err)
		}
		pkgs = append(pkgs, p)
	}
	return pkgs
}

func matches(pattern, name string) bool {
	if prefix, ok := strings.CutSuffix(pattern, "..."); ok {
		return strings.HasPrefix(name, prefix) || name+"/" == prefix
	}
	ok, _ := path.Match(pattern, name)
	return ok
}

func TestPackagesImportOnlyWhatTheHouseAllows(t *testing.T) {
	for _, p := range listPackages(t) {
		name := strings.TrimPrefix(p.ImportPath, module+"/")
		at := slices.IndexFunc(arrows, func(a struct {
			pkg     string
			imports []string
		}) bool {
			return matches(a.pkg, name)
		})
		if at < 0 {
			t.Errorf("%s has no room in the house", name)
			continue
		}
		for _, imported := range p.Imports {
			imported, own := strings.CutPrefix(imported, module+"/")
			if !own || strings.Contains(imported, "internal/") {
				continue
			}
			if !slices.ContainsFunc(arrows[at].imports, func(pattern string) bool { return matches(pattern, imported) }) {
				t.Errorf("%s imports %s", name, imported)
			}
		}
	}
}

func TestLightPackagesDoNotPullInGoMLX(t *testing.T) {
	for _, p := range listPackages(t) {
		name := strings.TrimPrefix(p.ImportPath, module+"/")
		if !slices.ContainsFunc(light, func(pattern string) bool { return matches(pattern, name) }) {
			continue
		}
		for _, dep := range p.Deps {
			switch {
			case strings.HasPrefix(dep, "github.com/gomlx/"):
				t.Errorf("%s pulls in %s", name, dep)
			case name == "notebooks/lx" && (strings.HasPrefix(dep, "gonum.org/") || dep == "html/template"):
				t.Errorf("%s pulls in %s, which every cell would link: the session draws, see analysis/display", name, dep)
			case name == "notebooks/lx" && (dep == "net/http" || dep == "crypto/tls"):
				t.Errorf("%s pulls in %s, which every cell would link: see kernel/client/http.go", name, dep)
			}
		}
	}
}

// TestOnlyProgramsAreMadeFaster, which reaches into go-xla and replaces C's allocator: importing the model does neither.
func TestOnlyProgramsAreMadeFaster(t *testing.T) {
	for _, p := range listPackages(t) {
		name := strings.TrimPrefix(p.ImportPath, module+"/")
		if !slices.Contains(p.Deps, module+"/lxmert/internal/cmalloc") && !slices.Contains(p.Deps, module+"/lxmert/internal/xlacall") &&
			!slices.Contains(p.Deps, module+"/lxmert/internal/compilecache") {
			continue
		}
		switch {
		case name == "lxmert/cmd/lxmert", name == "kernel", name == "notebooks/own", name == "lxmert/speed", strings.HasSuffix(name, "test"):
		default:
			t.Errorf("%s pulls in what package speed switches on", name)
		}
	}
}

// TestOnlyNotebooksAndKernelKnowGoNB, so that a library or a program does not print for a notebook that is not there.
func TestOnlyNotebooksAndKernelKnowGoNB(t *testing.T) {
	const gonb = "github.com/janpfeifer/gonb"
	known := false
	for _, p := range listPackages(t) {
		name := strings.TrimPrefix(p.ImportPath, module+"/")
		allowed := name == "notebooks/lx" || name != "kernel/client" && matches("kernel/...", name)
		for _, dep := range p.Deps {
			if !matches(gonb+"/...", dep) {
				continue
			}
			if known = true; !allowed {
				t.Errorf("%s pulls in %s", name, dep)
			}
		}
	}
	if !known {
		t.Errorf("nothing pulls in %s: is that its name?", gonb)
	}
}

func TestPackageLxmertNeedsTheStandardLibraryOnly(t *testing.T) {
	for _, p := range listPackages(t) {
		if p.ImportPath != module+"/lxmert" {
			continue
		}
		for _, dep := range p.Deps {
			first, _, _ := strings.Cut(dep, "/")
			if strings.Contains(first, ".") && !strings.HasPrefix(dep, module) {
				t.Errorf("lxmert pulls in %s", dep)
			}
		}
	}
}

func TestTopLevelHoldsNothingElse(t *testing.T) {
	allowed := []string{"internal", "lxmert", "analysis", "notebooks", "kernel", "go.mod", "go.sum", "README.md", "CHANGELOG.md", "CONTRIBUTING.md", "SECURITY.md", "LICENSE", ".ci", ".gitignore"}
	out, err := exec.Command("git", "-C", goldentest.Root(t), "ls-files").Output()
	if err != nil {
		t.Skipf("not a git checkout: %v", err)
	}
	for _, file := range strings.Fields(string(out)) {
		top, _, _ := strings.Cut(file, "/")
		if !slices.Contains(allowed, top) {
			t.Errorf("%s does not belong at the top level", file)
		}
	}
}
