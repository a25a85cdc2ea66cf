// Package toytest finds the toy world with its trained model for tests.
package toytest

import (
	"errors"
	"fmt"
	"os"
	"path/filepath"
	"testing"

	"github.com/seed-516990b0/golxmert/internal/testneed"
	"github.com/seed-516990b0/golxmert/lxmert/toy"
)

// Model returns the world that `kernel quickstart` makes, in the folder that LXMERT_TOY names or in the usual one, and the
// file of the model that it trains. Where there is none, one of another version or a damaged one, the test is skipped; it
// fails if LXMERT_REQUIRE lists need, the name by which package testneed knows what the test lacks.
func Model(t testing.TB, need string) (world *toy.World, weights string) {
	t.Helper()
	dir, err := toy.Folder()
	if err == nil {
		world, err = toy.Open(t.Context(), dir)
	}
	if err == nil {
		weights = filepath.Join(dir, "snap", "vqa", "toy", "LAST.pth")
		_, err = os.Stat(weights)
	}
	says := fmt.Sprint(err)
	if errors.Is(err, toy.ErrOther) {
		says += "; `kernel uninstall` removes it and keeps your runs"
	}
	testneed.Require(t, need, err == nil, says+"; `kernel quickstart --execute-only` makes the toy world and its model")
	return world, weights
}
