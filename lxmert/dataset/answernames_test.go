package dataset

import (
	"fmt"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"testing"
)

func TestNamesOfAnswersAreReadFromBothKindsOfFiles(t *testing.T) {
	path := filepath.Join(t.TempDir(), "names.json")
	read := func(text string) ([]string, error) {
		if err := os.WriteFile(path, []byte(text), 0o666); err != nil {
			t.Fatal(err)
		}
		return ReadAnswerNames(path)
	}
	for _, text := range []string{`["yes", "no"]`, `[{"ans": "yes", "dsets": ["vqa"]}, {"ans": "no"}]`, "\ufeff" + `["yes", "no"]`} {
		if got, err := read(text); err != nil || !slices.Equal(got, []string{"yes", "no"}) {
			t.Errorf("%s: %q, %v", text, got, err)
		}
	}
	for text, want := range map[string]string{
		`{"yes": 1}`:                   "neither a JSON list of answers",
		`null`:                         "neither a JSON list of answers",
		``:                             "an empty file, not JSON",
		"\xff\xfe[\x00]\x00":           "text in UTF-16, not JSON",
		`[{"ans": "yes"}, {"a": "b"}]`: `entry 1 has no "ans"`,
	} {
		if _, err := read(text); err == nil || !strings.Contains(err.Error(), want) || !strings.Contains(err.Error(), path) {
			t.Errorf("%s: %v", text, err)
		}
	}
	for text, want := range map[string]string{
		`["yes", "no"]`:    "[]",
		`[{"ans": "yes"}]`: "[]",
		`[{"ans": "a"}, {"ans": "yes", "dsets": ["vqa", "gqa"]}, {"ans": "no", "dsets": []}]`: "[[] [vqa gqa] []]",
	} {
		if _, err := read(text); err != nil {
			t.Fatal(err)
		}
		if got, err := ReadAnswerSets(path); err != nil || fmt.Sprint(got) != want {
			t.Errorf("%s is used in %v, %v", text, got, err)
		}
	}
	if _, err := ReadAnswerNames(t.TempDir()); err == nil || !strings.Contains(err.Error(), "is not a file") {
		t.Errorf("a folder: %v", err)
	}
}
