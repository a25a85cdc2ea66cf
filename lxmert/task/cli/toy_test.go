package cli_test

import (
	"errors"
	"os"
	"path/filepath"
	"strings"
	"testing"

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
