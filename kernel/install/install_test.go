package install

import (
	"bytes"
	"context"
	"encoding/json"
	"encoding/xml"
	"errors"
	"fmt"
	"image/png"
	"io"
	"os"
	"os/exec"
	"path/filepath"
	"slices"
	"strings"
	"testing"

	"github.com/seed-516990b0/golxmert/internal/filelock"
	"github.com/seed-516990b0/golxmert/internal/testwait"
)

// fakePrograms puts programs that only seem to work on the path, instead of all others: sh scripts by name.
func fakePrograms(t *testing.T, scripts map[string]string) {
	t.Helper()
	dir := t.TempDir()
	for name, script := range scripts {
		if err := os.WriteFile(filepath.Join(dir, name), []byte("#!/bin/sh\n"+script+"\n"), 0o700); err != nil {
			t.Fatal(err)
		}
	}
	for _, name := range []string{"sh", "cat", "mkdir", "cp", "touch", "chmod", "sleep"} {
		path, err := exec.LookPath(name)
		if err != nil {
			t.Fatal(err)
		}
		if err := os.Symlink(path, filepath.Join(dir, name)); err != nil {
			t.Fatal(err)
		}
	}
	t.Setenv("PATH", dir)
}

// Programs that do what an installation needs of them, and write what they were asked into a log.
const (
	fakePython = `echo python "$*" >> "$LOG"
case "$*" in
-c*) echo version 3 12 ;;
"-m venv "*) mkdir -p "$3/bin" && cp "$0" "$3/bin/python" ;;
"-m pip "*) ;;
*) echo "what is $*?" >&2; exit 1 ;;
esac`
	fakeGo = `echo go "$*" >> "$LOG"
case "$*" in
"env GOVERSION") echo go1.26.8 ;;
"env CC") echo gcc ;;
"install tool") for t in gonb goimports gopls; do echo "#!/bin/sh" > "$GOBIN/$t" && chmod +x "$GOBIN/$t"; done ;;
"mod edit -json") echo '{"Go": "1.26.5", "Require": [{"Path": "example.com/a", "Version": "v1.2.3"}], "Replace": [{"Old": {"Path": "example.com/b"}, "New": {"Path": "./b"}}]}' ;;
"list "*) echo github.com/seed-516990b0/golxmert/lxmert ;;
"build "*) ;;
*) echo "what is $*?" >&2; exit 1 ;;
esac`
)

// fakeMachine is a machine on which an installation takes no time.
func fakeMachine(t *testing.T) (p Place, log func() string) {
	t.Helper()
	fakePrograms(t, map[string]string{"python3": fakePython, "go": fakeGo, "gcc": ""})
	file := filepath.Join(t.TempDir(), "log")
	t.Setenv("LOG", file)
	return Place{filepath.Join(t.TempDir(), "an installation")}, func() string {
		text, err := os.ReadFile(file)
		if err != nil && !errors.Is(err, os.ErrNotExist) {
			t.Fatal(err)
		}
		if err := os.WriteFile(file, nil, 0o600); err != nil {
			t.Fatal(err)
		}
		return string(text)
	}
}

func TestInstallBringsEverythingOnce(t *testing.T) {
	p, log := fakeMachine(t)
	if err := p.Check(); !errors.Is(err, ErrNotInstalled) {
		t.Errorf("error %v of a place where nothing is", err)
	}
	var out bytes.Buffer
	if err := Install(t.Context(), p, Options{Log: &out}); err != nil {
		t.Fatal(err)
	}
	if err := p.Check(); err != nil {
		t.Error(err)
	}
	for _, path := range []string{p.Program("kernel"), p.Program("gonb"), p.Program("goimports"), p.Program("gopls"), p.PythonProgram("python"),
		filepath.Join(p.Prelude(), "go.mod"), filepath.Join(p.Prelude(), "go.sum"), filepath.Join(p.Kernelspec(), "kernel.json")} {
		if _, err := os.Stat(path); err != nil {
			t.Error(err)
		}
	}
	if text := log(); strings.Count(text, "go install tool") != 3 || strings.Count(text, "-m venv") != 1 {
		t.Errorf("the programs were called thus:\n%s", text)
	}
	if n := strings.Count(out.String(), ": done in "); n != len(steps()) {
		t.Errorf("%d steps of %d say how long they took:\n%s", n, len(steps()), &out)
	}
	if err := Install(t.Context(), p, Options{}); err != nil {
		t.Fatal(err)
	}
	if text := log(); strings.Contains(text, "go install") || strings.Contains(text, "venv") {
		t.Errorf("the second time:\n%s", text)
	}
	entries, err := filepath.Glob(filepath.Join(strings.ReplaceAll(p.Dir, " ", "?"), ".*"))
	if err != nil || len(entries) > 0 {
		t.Errorf("left are %v, %v", entries, err)
	}
}

func TestStepThatWasCutOffIsDoneAgain(t *testing.T) {
	p, log := fakeMachine(t)
	if err := Install(t.Context(), p, Options{}); err != nil {
		t.Fatal(err)
	}
	log()
	if err := os.Remove(p.note("python")); err != nil { // as if it had been killed before the end
		t.Fatal(err)
	}
	if err := os.WriteFile(p.note("gopls"), []byte("another version"), 0o600); err != nil {
		t.Fatal(err)
	}
	if err := Install(t.Context(), p, Options{}); err != nil {
		t.Fatal(err)
	}
	if text := log(); strings.Count(text, "-m venv") != 1 || strings.Count(text, "go install tool") != 1 {
		t.Errorf("the programs were called thus:\n%s", text)
	}
	if _, err := os.Stat(filepath.Join(p.Kernelspec(), "kernel.json")); err != nil {
		t.Errorf("the kernelspec went with the old environment: %v", err)
	}
}

func TestInstallationSaysWhatToDo(t *testing.T) {
	for _, c := range []struct{ name, script, want string }{
		{"go", "echo go1.25.3", "go1.25.3 is too old, go1.26.5 is needed: install Go from go.dev/dl"},
		{"go", "", "there is no Go"},
		{"python3", "", "3.11 or later is needed, none was found"},
		{"python3", "echo version 3 8", "python3 is Python 3.8"},
		{"python3", "exit 3", "does not work"},
		{"python3", `case "$*" in -c*) echo version 3 12 ;; *) echo "The virtual environment was not created successfully because ensurepip is not available." >&2; exit 1 ;; esac`, "apt-get install python3-venv"},
		{"python3", strings.Replace(fakePython, `"-m pip "*) ;;`, `"-m pip "*) echo "WARNING: Retrying: [Errno -3] Temporary failure in name resolution" >&2; exit 1 ;;`, 1), "there is no network"},
		{"python3", strings.Replace(fakePython, `"-m pip "*) ;;`, `"-m pip "*) echo "ERROR: Could not install: [Errno 28] No space left on device" >&2; exit 1 ;;`, 1), "the disk is full"},
		{"python3", strings.Replace(fakePython, `"-m pip "*) ;;`, `"-m pip "*) echo "one"; echo "ERROR: No matching distribution"; echo "two"; exit 1 ;;`, 1), "ERROR: No matching distribution"},
		{"go", strings.Replace(fakeGo, `"install tool")`, `"install tool") echo "dial tcp: lookup somewhere: no such host" >&2; exit 1 ;; "x")`, 1), "there is no network"},
		{"go", strings.Replace(fakeGo, `"mod edit -json")`, `"mod edit -json") echo '{' ;; "x")`, 1), "go.mod in "},
	} {
		p, _ := fakeMachine(t)
		scripts := map[string]string{"python3": fakePython, "go": fakeGo, "gcc": "", c.name: c.script}
		if c.script == "" {
			delete(scripts, c.name)
		}
		fakePrograms(t, scripts)
		err := Install(t.Context(), p, Options{})
		if err == nil || !strings.Contains(err.Error(), c.want) || strings.Contains(err.Error(), "\n") {
			t.Errorf("%s %.40q: error %v, expected %q in one line", c.name, c.script, err, c.want)
		}
		if p.Check() == nil {
			t.Errorf("%s %.40q: it counts as installed", c.name, c.script)
		}
	}
}

func TestMissingCompilerIsSaidAndHindersNothing(t *testing.T) {
	p, _ := fakeMachine(t)
	fakePrograms(t, map[string]string{"python3": fakePython, "go": fakeGo})
	var out bytes.Buffer
	if err := Install(t.Context(), p, Options{Log: &out}); err != nil {
		t.Fatal(err)
	}
	if !strings.Contains(out.String(), "C compiler: there is none: the slow Go backend computes") {
		t.Errorf("it says\n%s", &out)
	}
}

func TestInterruptedInstallationStopsAndGoesOnLater(t *testing.T) {
	p, _ := fakeMachine(t)
	fakePrograms(t, map[string]string{"python3": strings.Replace(fakePython, `"-m pip "*) ;;`, `"-m pip "*) touch "$LOG.pip"; sleep 100000 ;;`, 1), "go": fakeGo, "gcc": ""})
	ctx, cancel := context.WithCancel(t.Context())
	defer cancel()
	ended := make(chan error, 1)
	go func() { ended <- Install(ctx, p, Options{}) }()
	testwait.Until(t, "pip runs", func() bool {
		_, err := os.Stat(os.Getenv("LOG") + ".pip")
		return err == nil
	})
	cancel()
	if err := testwait.Receive(t, "the installation stops", ended); !errors.Is(err, context.Canceled) {
		t.Errorf("error %v", err)
	}
	fakePrograms(t, map[string]string{"python3": fakePython, "go": fakeGo, "gcc": ""})
	if err := Install(t.Context(), p, Options{}); err != nil {
		t.Error(err)
	}
}

func TestTwoInstallationsDoNotMeet(t *testing.T) {
	p, _ := fakeMachine(t)
	lock, err := filelock.Try(p.path("steps", "lock"))
	if err != nil {
		t.Fatal(err)
	}
	defer lock.Close()
	if err := Install(t.Context(), p, Options{}); err == nil || !strings.Contains(err.Error(), "under way") {
		t.Errorf("error %v", err)
	}
}

func TestUninstallRemovesItAndNothingElse(t *testing.T) {
	p, _ := fakeMachine(t)
	if err := Install(t.Context(), p, Options{}); err != nil {
		t.Fatal(err)
	}
	beside := filepath.Join(filepath.Dir(p.Dir), "beside")
	if err := os.WriteFile(beside, nil, 0o600); err != nil {
		t.Fatal(err)
	}
	if err := Uninstall(p, io.Discard); err != nil {
		t.Fatal(err)
	}
	if _, err := os.Stat(p.Dir); !errors.Is(err, os.ErrNotExist) {
		t.Errorf("it is still there: %v", err)
	}
	if err := Uninstall(p, nil); err != nil {
		t.Errorf("the second time: %v", err)
	}
	if err := Uninstall(Place{filepath.Dir(p.Dir)}, nil); err == nil || !strings.Contains(err.Error(), "left as it is") {
		t.Errorf("error %v of a folder that is none", err)
	}
	if _, err := os.Stat(beside); err != nil {
		t.Error(err)
	}
}

func TestDoctorNamesWhatIsWrong(t *testing.T) {
	p, _ := fakeMachine(t)
	bad := func() []string {
		var parts []string
		for _, f := range Doctor(t.Context(), p) {
			if !f.OK {
				parts = append(parts, f.Part)
				if f.Mend == "" && f.Part != "Go" || f.Says == "" || strings.Contains(f.Says, "\n") {
					t.Errorf("%+v", f)
				}
			}
		}
		return parts
	}
	if got := bad(); !slices.Equal(got, []string{"folder"}) {
		t.Errorf("where nothing is: %v", got)
	}
	if err := Install(t.Context(), p, Options{}); err != nil {
		t.Fatal(err)
	}
	if err := os.WriteFile(p.Program("kernel"), []byte("#!/bin/sh\necho kernel version 1\n"), 0o700); err != nil {
		t.Fatal(err)
	}
	if got := bad(); len(got) > 0 {
		t.Errorf("after the installation: %v", got)
	}
	for _, c := range []struct {
		part  string
		spoil func() error
	}{
		{"Python", func() error { return os.Remove(p.PythonProgram("python")) }},
		{"gopls", func() error { return os.WriteFile(p.Program("gopls"), []byte("#!/bin/sh\nexit 1\n"), 0o700) }},
		{"goimports", func() error { return os.Remove(p.note("goimports")) }},
		{"gonb", func() error { // a Go program, of another version
			own, err := os.Executable()
			return errors.Join(err, os.Remove(p.Program("gonb")), os.Symlink(own, p.Program("gonb")))
		}},
		{"write access", func() error { return os.WriteFile(p.path("jupyter"), nil, 0o600) }},
		{"module of cells", func() error { return os.Remove(filepath.Join(p.Prelude(), "go.sum")) }},
		{"kernelspec", func() error {
			return os.WriteFile(filepath.Join(p.Kernelspec(), "kernel.json"), []byte(`{"argv": ["/no/such/program"]}`), 0o600)
		}},
		{"kernel program", func() error { return os.Remove(p.Program("kernel")) }},
	} {
		before := bad()
		if err := c.spoil(); err != nil {
			t.Fatal(err)
		}
		got := bad()
		if !slices.Contains(got, c.part) || slices.Contains(before, c.part) {
			t.Errorf("%s: found %v, before %v", c.part, got, before)
		}
	}
}

func TestKernelspecStartsTheInstalledKernelWithSignals(t *testing.T) {
	p, _ := fakeMachine(t)
	if err := Install(t.Context(), p, Options{}); err != nil {
		t.Fatal(err)
	}
	text, err := os.ReadFile(filepath.Join(p.Kernelspec(), "kernel.json"))
	if err != nil {
		t.Fatal(err)
	}
	var spec map[string]any
	if err := json.Unmarshal(text, &spec); err != nil {
		t.Fatal(err)
	}
	want := fmt.Sprint([]any{p.Program("kernel"), "run", "--dir", p.Dir, "{connection_file}"})
	if fmt.Sprint(spec["argv"]) != want || spec["interrupt_mode"] != "signal" || spec["display_name"] != "Go (LXMERT)" || spec["language"] != "go" {
		t.Errorf("%s", text)
	}
	for _, size := range []int{32, 64} {
		f, err := os.Open(filepath.Join(p.Kernelspec(), fmt.Sprintf("logo-%dx%d.png", size, size)))
		if err != nil {
			t.Fatal(err)
		}
		img, err := png.Decode(f)
		f.Close()
		if err != nil || img.Bounds().Dx() != size || img.Bounds().Dy() != size {
			t.Errorf("the logo of %d: %v", size, err)
		}
		if _, _, _, corner := img.At(0, 0).RGBA(); corner != 0 {
			t.Error("the corner is not clear")
		}
	}
	if err := xml.Unmarshal(logoSVG(), new(struct{})); err != nil {
		t.Errorf("the drawing: %v", err)
	}
}

func TestCellsTakeTheLibraryFromTheCheckout(t *testing.T) {
	fakeMachine(t)
	dir := filepath.Join(t.TempDir(), "a checkout (mine)")
	if err := os.MkdirAll(dir, 0o700); err != nil {
		t.Fatal(err)
	}
	for name, text := range map[string]string{"go.mod": "module " + module + "\n", "go.sum": "sums\n"} {
		if err := os.WriteFile(filepath.Join(dir, name), []byte(text), 0o600); err != nil {
			t.Fatal(err)
		}
	}
	p, err := checkoutPrelude(t.Context(), dir)
	if err != nil {
		t.Fatal(err)
	}
	for _, want := range []string{
		"go 1.26.5\n", "\t" + module + " v0.0.0\n", "\texample.com/a v1.2.3 // indirect\n", fmt.Sprintf("\t%s => %q\n", module, dir),
		fmt.Sprintf("\texample.com/b => %q\n", filepath.Join(dir, "b")),
	} {
		if !strings.Contains(string(p.mod), want) {
			t.Errorf("%q is missing in\n%s", want, p.mod)
		}
	}
	if want := cellsSum + "sums\n"; string(p.sum) != want {
		t.Errorf("go.sum is %q, expected %q", p.sum, want)
	}
	if s, err := findSource(dir); err != nil || s.dir != dir {
		t.Errorf("%+v, %v", s, err)
	}
	if _, err := findSource(t.TempDir()); err == nil || !strings.Contains(err.Error(), "is not a checkout") {
		t.Errorf("error %v", err)
	}
}
