package main

import (
	"encoding/json"
	"errors"
	"os"
	"os/exec"
	"path/filepath"
	"reflect"
	"slices"
	"strings"
	"testing"
	"unicode"

	"github.com/seed-516990b0/golxmert/internal/commandline"
	"github.com/seed-516990b0/golxmert/internal/goldentest"
	"github.com/seed-516990b0/golxmert/lxmert/check"
)

func TestCheckExplainsWrongFlags(t *testing.T) {
	for _, c := range []struct{ args, want string }{
		{"", "--load is needed"},
		{"--load a --inputs b --data c", "--inputs has all of the batch"},
		{"--load a --rows 0", "--rows is 0"},
		{"--load a --out b.txt", "must end in .html or .json"},
		{"--load a --data b", "--regions and --data belong together"},
		{"--load a --regions b", "--regions and --data belong together"},
		{"--load a --hf", "--lxmert and --hf are for --python"},
		{"--load a --tolerance 2", "--tolerance is 2"},
	} {
		_, _, err := execute(rootCommand(), append([]string{"check"}, strings.Fields(c.args)...)...)
		if !errors.Is(err, commandline.ErrUsage) || !strings.Contains(err.Error(), c.want) {
			t.Errorf("%s: error %v, want %q", c.args, err, c.want)
		}
	}
}

// TestCheckHelpNamesAllOfItsJSON: whoever reads the numbers finds each name in the command's help.
func TestCheckHelpNamesAllOfItsJSON(t *testing.T) {
	words := strings.FieldsFunc(checkCommand().Long, func(r rune) bool { return r != '_' && !unicode.IsLetter(r) })
	for _, name := range jsonNames(reflect.TypeOf(check.Report{})) {
		if !slices.Contains(words, name) {
			t.Errorf("the help of check does not name %s", name)
		}
	}
}

// TestCheckComparesTheProgramsOwnEngines, as numbers and as a page; the exit code says whether they agree.
func TestCheckComparesTheProgramsOwnEngines(t *testing.T) {
	requireXLA(t)
	golden := goldentest.Folders(t, "model")[0]
	binary := toyRun{root: goldentest.Root(t)}.build(t)
	dir := t.TempDir()
	run := func(args ...string) (string, error) {
		cmd := exec.Command(binary, append([]string{"check", "--load", filepath.Join(golden, "tiny", "weights"), "--config", filepath.Join(golden, "config.json"),
			"--inputs", filepath.Join(golden, "tiny", "forward.safetensors")}, args...)...)
		out, err := cmd.CombinedOutput()
		return string(out), err
	}
	numbers, page := filepath.Join(dir, "check.json"), filepath.Join(dir, "check.html")
	out, err := run("--out", numbers)
	if err != nil {
		t.Fatalf("%v\n%s", err, out)
	}
	text, err := os.ReadFile(numbers)
	if err != nil {
		t.Fatal(err)
	}
	var r check.Report
	if err := json.Unmarshal(text, &r); err != nil {
		t.Fatal(err)
	}
	if !r.Agree || r.Reference != "go" || len(r.Activations) < 30 || len(r.Engines) < 3 {
		t.Errorf("agree %v, reference %s, %d activations, %d engines", r.Agree, r.Reference, len(r.Activations), len(r.Engines))
	}
	for _, a := range r.Activations {
		if !strings.Contains(out, "\n"+a.Name+" ") {
			t.Errorf("%s is not printed", a.Name)
		}
	}

	out, err = run("--tolerance", "1e-12", "--out", page)
	var exit *exec.ExitError
	if !errors.As(err, &exit) || exit.ExitCode() != 1 || !strings.Contains(out, "lxmert: cpu parts from go at ") {
		t.Errorf("%v\n%s", err, out)
	}
	html, err := os.ReadFile(page)
	if err != nil {
		t.Fatal(err)
	}
	for _, want := range []string{"The same weights in several engines", "Differences at the levels of words", "cpu is apart", "cpu, plain", "out.qa"} {
		if !strings.Contains(string(html), want) {
			t.Errorf("the page does not say %q", want)
		}
	}
}

func TestCheckSavesItsScript(t *testing.T) {
	path := filepath.Join(t.TempDir(), check.ScriptFile)
	if out, _, err := execute(rootCommand(), "check", "--save-script", path); err != nil || !strings.Contains(out, "--help") {
		t.Errorf("%q %v", out, err)
	}
	if text, err := os.ReadFile(path); err != nil || string(text) != string(check.Script) {
		t.Errorf("another script: %v", err)
	}
}
