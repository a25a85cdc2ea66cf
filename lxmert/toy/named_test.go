package toy

import (
	"errors"
	"os"
	"path/filepath"
	"strings"
	"testing"
)

func TestTheNameStandsForTheWorldsFiles(t *testing.T) {
	dir := t.TempDir()
	t.Setenv(FolderEnv, dir)
	if _, err := Find(); !errors.Is(err, ErrNoWorld) || !strings.Contains(err.Error(), dir) {
		t.Errorf("without a world: %v", err)
	}
	if _, err := Make(t.Context(), dir, Options{Scale: 0.001}); err != nil {
		t.Fatal(err)
	}
	n, err := Find()
	if err != nil {
		t.Fatal(err)
	}
	for _, path := range append([]string{n.Config, n.Vocab, n.Answers, n.Images, n.Data}, n.Regions...) {
		if _, err := os.Stat(path); err != nil {
			t.Error(err)
		}
	}
	if n.Weights != filepath.Join(dir, "snap", "vqa", "toy", "LAST") || filepath.Base(n.Regions[0]) != "heldout_obj36.tsv" || len(n.Regions) < 8 {
		t.Errorf("%+v", n)
	}
}
