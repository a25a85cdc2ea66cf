package cli_test

import (
	"errors"
	"os"
	"path/filepath"
	"strings"
	"testing"

	"github.com/spf13/pflag"

	"github.com/seed-516990b0/golxmert/lxmert/dataset"
	"github.com/seed-516990b0/golxmert/lxmert/task/cli"
	"github.com/seed-516990b0/golxmert/lxmert/toy"
)

func TestToyFlagsBecomePaths(t *testing.T) {
	dir := t.TempDir()
	t.Setenv(toy.FolderEnv, dir)
	if err := os.WriteFile(filepath.Join(dir, "config.json"), nil, 0o600); err != nil {
		t.Fatal(err)
	}
	weights, data, config := filepath.Join(dir, "snap", "vqa", "toy", "LAST"), filepath.Join(dir, "data"), filepath.Join(dir, "config.json")
	pretrained := filepath.Join(dir, "snap", "pretrained", "model")
	if err := errors.Join(os.MkdirAll(filepath.Dir(pretrained), 0o700), os.WriteFile(pretrained+"_LXRT.pth", nil, 0o600)); err != nil {
		t.Fatal(err)
	}
	for line, want := range map[string]string{
		"--loadLXMERTQA toy-pretrained":  "--loadLXMERTQA " + pretrained + " --data " + data + " --config " + config,
		"--data toy-pretrained":          "--data toy-pretrained",
		"--train toy --lr 1":             "--train toy --lr 1",
		"--load toy":                     "--load " + weights + " --data " + data + " --config " + config,
		"--loadLXMERT=toy --data mine":   "--loadLXMERT=" + weights + " --data mine --config " + config,
		"--data=toy --train x":           "--data=" + data + " --train x",
		"--load toy --conf c --data=toy": "--load " + weights + " --config c --data=" + data,
	} {
		args, err := cli.ExpandToy(strings.Fields(line))
		if got := strings.Join(args, " "); err != nil || got != want {
			t.Errorf("%s becomes %s, want %s (%v)", line, got, want, err)
		}
	}
}

// A command line that is read has the same files, but for values that are files' names: these stand for the files.
func TestToyFlagsOfACommandLineThatIsRead(t *testing.T) {
	world := t.TempDir()
	t.Setenv(toy.FolderEnv, world)
	t.Chdir(t.TempDir())
	touch := func(path string) {
		t.Helper()
		if err := errors.Join(os.MkdirAll(filepath.Dir(path), 0o700), os.WriteFile(path, nil, 0o600)); err != nil {
			t.Fatal(err)
		}
	}
	config, data := filepath.Join(world, "config.json"), filepath.Join(world, "data")
	pretrained := filepath.Join(world, "snap", "pretrained", "model")
	touch(config)
	touch(pretrained + "_LXRT.pth")
	read := func(args string) [4]string {
		t.Helper()
		l := cli.New(dataset.VQA)
		flags := pflag.NewFlagSet("vqa", pflag.ContinueOnError)
		l.Add(flags)
		if err := l.Read(flags, strings.Fields(args)); err != nil {
			t.Fatal(err)
		}
		return [4]string{l.Options.Load, l.Options.LoadLXMERTQA, l.Options.Root, l.Options.Config}
	}
	last := filepath.Join(world, "snap", "vqa", "toy", "LAST")
	for args, want := range map[string][4]string{
		"--loadLXMERTQA toy-pretrained":              {"", pretrained, data, config},
		"--load toy --data mine":                     {last, "", "mine", config},
		"--load=toy --config c":                      {last, "", data, "c"},
		"--data toy --loadLXMERTQA x":                {"", "x", data, ""},
		"--load x":                                   {"x", "", "data", ""},
		"--load toy --test a --loadLXMERTQA=another": {last, "another", data, config},
	} {
		if got := read(args); got != want {
			t.Errorf("%s is %q, want %q", args, got, want)
		}
	}
	touch("toy.pth")
	touch(filepath.Join("toy", "vqa", "train.json"))
	if got := read("--load toy"); got != [4]string{"toy", "", "data", ""} {
		t.Errorf("weights called toy: %q", got)
	}
	if got := read("--data toy"); got != [4]string{"", "", "toy", ""} {
		t.Errorf("a folder called toy: %q", got)
	}
}
