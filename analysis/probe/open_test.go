package probe_test

import (
	"os"
	"path/filepath"
	"testing"

	"github.com/seed-516990b0/golxmert/internal/goldentest"
	"github.com/seed-516990b0/golxmert/lxmert/backend"
	"github.com/seed-516990b0/golxmert/lxmert/lxrt/lxrttest"
)

func TestMain(m *testing.M) {
	backend.MaybeProbe()
	os.Exit(m.Run())
}

var (
	eachGolden = lxrttest.EachGolden
	reach      = lxrttest.Reach
)

// eachFolder runs a test on every golden folder, for what is computed from stored values.
func eachFolder(t *testing.T, test func(t *testing.T, folder string)) {
	t.Helper()
	for _, folder := range goldentest.Folders(t, "analysis") {
		t.Run(filepath.Base(folder), func(t *testing.T) { test(t, folder) })
	}
}
