package report_test

import (
	"os"
	"path/filepath"
	"testing"

	"github.com/seed-516990b0/golxmert/analysis"
	"github.com/seed-516990b0/golxmert/analysis/report"
	"github.com/seed-516990b0/golxmert/internal/testbrowser"
)

func TestMain(m *testing.M) { os.Exit(testbrowser.Main(m)) }

// tab is a report in the browser.
type tab struct{ *testbrowser.Tab }

type look = testbrowser.Look

// visit opens a report.
func visit(t *testing.T, file string, how look) *tab {
	t.Helper()
	return &tab{testbrowser.Visit(t, file, how)}
}

// eval computes an expression on the page.
func eval[T any](p *tab, expression string, args ...any) T {
	p.T.Helper()
	return testbrowser.Eval[T](p.Tab, expression, args...)
}

// saved writes a report of r into a folder of the test.
func saved(t *testing.T, r analysis.Result, opt report.Options) string {
	t.Helper()
	path := filepath.Join(t.TempDir(), "report.html")
	if err := report.Save(path, r, opt); err != nil {
		t.Fatal(err)
	}
	return path
}

// sampleTab opens a report of the sample.
func sampleTab(t *testing.T, how look) *tab {
	t.Helper()
	return visit(t, saved(t, sample(t.TempDir()), report.Options{}), how)
}
