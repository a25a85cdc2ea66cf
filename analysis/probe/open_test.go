package probe_test

import (
	"path/filepath"
	"testing"

	"github.com/seed-516990b0/golxmert/internal/goldentest"
	"github.com/seed-516990b0/golxmert/lxmert/backend/backendtest"
	"github.com/seed-516990b0/golxmert/lxmert/lxrt/lxrttest"
)

func TestMain(m *testing.M) { backendtest.Main(m) }

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
