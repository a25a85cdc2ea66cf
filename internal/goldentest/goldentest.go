// Package goldentest finds the golden data that tests compare with: outputs of the original implementation, in folders
// called model-*, analysis-* and hf-*.
package goldentest

import (
	"os"
	"path/filepath"
	"slices"
	"testing"

	"github.com/seed-516990b0/golxmert/internal/testneed"
)

// Dir is the folder of all golden data: what LXMERT_GOLDEN names, else the project's own copy.
func Dir(t testing.TB) string {
	t.Helper()
	if dir := os.Getenv("LXMERT_GOLDEN"); dir != "" {
		return dir
	}
	return filepath.Join(Root(t), "lxmert", "testdata", "golden")
}

// Folders returns every golden folder of a kind ("model", "analysis", "hf"), sorted. Having none fails the test, but of
// "hf" where LXMERT_GOLDEN names the place: other golden data need not have any.
func Folders(t testing.TB, kind string) []string {
	t.Helper()
	found, err := filepath.Glob(filepath.Join(Dir(t), kind+"-*"))
	if err != nil {
		t.Fatal(err)
	}
	found = slices.DeleteFunc(found, func(path string) bool {
		info, err := os.Stat(path)
		return err != nil || !info.IsDir()
	})
	if len(found) == 0 && (kind != "hf" || os.Getenv("LXMERT_GOLDEN") == "") {
		t.Fatalf("no golden data: %s has no folder %s-* (LXMERT_GOLDEN names another place)", Dir(t), kind)
	}
	return found
}

// Each runs a test on every golden folder of a kind, by the folder's name.
func Each(t *testing.T, kind string, test func(t *testing.T, folder string)) {
	t.Helper()
	for _, folder := range Folders(t, kind) {
		t.Run(filepath.Base(folder), func(t *testing.T) { test(t, folder) })
	}
}

// Root is the folder of go.mod above the test's own.
func Root(t testing.TB) string {
	t.Helper()
	dir, err := os.Getwd()
	if err != nil {
		t.Fatal(err)
	}
	for {
		if _, err := os.Stat(filepath.Join(dir, "go.mod")); err == nil {
			return dir
		}
		up := filepath.Dir(dir)
		if up == dir {
			t.Fatal("there is no go.mod above this test")
		}
		dir = up
	}
}

// Require is [testneed.Require].
func Require(t testing.TB, name string, found bool, reason string) {
	t.Helper()
	testneed.Require(t, name, found, reason)
}
