package main

import (
	"os"
	"path/filepath"
	"slices"
	"strings"
	"testing"
)

func TestOpenCompletesWeightsAndFolders(t *testing.T) {
	t.Chdir(t.TempDir())
	for _, path := range []string{"snap/vqa/BEST.pth", "snap/vqa/log.log", "snap/model.safetensors", ".hidden/a.pth", "top.pth", "tower/x.pth"} {
		if err := os.MkdirAll(filepath.Dir(path), 0o700); err != nil {
			t.Fatal(err)
		}
		writeTestFile(t, path, "")
	}
	here, err := os.Getwd()
	if err != nil {
		t.Fatal(err)
	}
	for begin, want := range map[string][]string{
		"":               {"toy", "toy-pretrained", "snap/", "top.pth", "tower/"},
		"to":             {"toy", "toy-pretrained", "top.pth", "tower/"},
		"snap/":          {"snap/model.safetensors", "snap/vqa/"},
		"snap/vqa/":      {"snap/vqa/BEST.pth"},
		".h":             {".hidden/"},
		"nowhere/x":      nil,
		here + "/snap/v": {here + "/snap/vqa/"},
	} {
		if got := weightFiles(begin); !slices.Equal(got, want) {
			t.Errorf("%q: %q, expected %q", begin, got, want)
		}
	}
	open := magics("")[0]
	if got := open.Complete(t.Context(), []string{"snap/m"}); strings.Join(got, " ") != "snap/model.safetensors" {
		t.Errorf("%%lx open snap/m: %q", got)
	}
	if got := open.Complete(t.Context(), []string{"toy", ""}); got != nil {
		t.Errorf("a second file: %q", got)
	}
}
