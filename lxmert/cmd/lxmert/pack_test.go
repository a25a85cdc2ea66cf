package main

import (
	"os"
	"path/filepath"
	"strings"
	"testing"

	"github.com/seed-516990b0/golxmert/internal/goldentest"
	"github.com/seed-516990b0/golxmert/lxmert/region"
)

// goldenTSV copies a golden feature file to a folder that can be written.
func goldenTSV(t *testing.T) string {
	t.Helper()
	text, err := os.ReadFile(filepath.Join(goldentest.Folders(t, "model")[0], "toy", "data", "vg_gqa_imgfeat", "gqa_testdev_obj36.tsv"))
	if err != nil {
		t.Fatal(err)
	}
	path := filepath.Join(t.TempDir(), "gqa_testdev_obj36.tsv")
	if err := os.WriteFile(path, text, 0o666); err != nil {
		t.Fatal(err)
	}
	return path
}

// TestPackMakesTheStoreThatOthersFind packs, packs again, and checks what is said.
func TestPackMakesTheStoreThatOthersFind(t *testing.T) {
	path := goldenTSV(t)
	want, err := region.Verify(t.Context(), path, region.VerifyOptions{})
	if err != nil {
		t.Fatal(err)
	}
	store := strings.TrimSuffix(path, ".tsv") + ".store"
	for _, said := range []string{"packing " + path + " into " + store + ": takes about", store + " is complete"} {
		out, errOut, err := execute(packCommand(), path)
		if err != nil {
			t.Fatal(err)
		}
		if !strings.HasPrefix(out, store+": ") || !strings.Contains(out, " images, ") || !strings.Contains(errOut, said) {
			t.Errorf("printed %q and %q", out, errOut)
		}
	}
	s, err := region.OpenPacked(t.Context(), path, region.PackedOptions{})
	if err != nil {
		t.Fatal(err)
	}
	defer s.Close()
	first, _, err := execute(packCommand(), path, "--rows", "2")
	if err != nil || !strings.HasPrefix(first, strings.TrimSuffix(store, ".store")+".first2.store: 2 images") {
		t.Errorf("printed %q, %v", first, err)
	}
	if s.Path() != store || s.Rows() != want.Rows || s.Half() {
		t.Errorf("%s: %d rows, expected %d", s.Path(), s.Rows(), want.Rows)
	}
	other := filepath.Join(t.TempDir(), "x.store")
	if _, _, err := execute(packCommand(), path, other, "--f16", "--rows", "2", "--extractor", "nobody"); err != nil {
		t.Fatal(err)
	}
	half, err := region.OpenStore(other)
	if err != nil {
		t.Fatal(err)
	}
	defer half.Close()
	if half.Rows() != 2 || !half.Half() {
		t.Errorf("%d rows, half %v", half.Rows(), half.Half())
	}
}

func TestPackNamesStoresLikeTheirFiles(t *testing.T) {
	for _, c := range []struct {
		src  string
		rows int
		want string
	}{
		{"a/b_obj36.tsv", 0, "a/b_obj36.store"}, {"a/b_obj36.tsv", 512, "a/b_obj36.first512.store"}, {"b.ZIP", 0, "b.store"},
		{"set.npz", 0, "set.store"}, {"folder/", 0, "folder.store"}, {"v1.2", 0, "v1.2.store"}, {"a.store", 0, "a.copy.store"},
	} {
		if got := filepath.ToSlash(storeBeside(filepath.FromSlash(c.src), c.rows)); got != c.want {
			t.Errorf("%d rows of %s go to %s, expected %s", c.rows, c.src, got, c.want)
		}
	}
}

func TestPackSaysWhatIsWrong(t *testing.T) {
	path := goldenTSV(t)
	for _, c := range []struct {
		want string
		args []string
	}{
		{"accepts between 1 and 2 arg(s)", nil},
		{"--rows is -1", []string{path, "--rows", "-1"}},
		{"no such file", []string{path + "x"}},
		{"is not a zip", []string{path, "--member", "x.tsv"}},
	} {
		_, _, err := execute(packCommand(), c.args...)
		if err == nil || !strings.Contains(err.Error(), c.want) {
			t.Errorf("%v: error %v does not say %q", c.args, err, c.want)
		}
	}
}
