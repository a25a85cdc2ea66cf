// Package goldencase compares results of analyses with the analysis goldens, values of the original implementation in
// folders called analysis-*, by the tolerance that their README gives.
package goldencase

import (
	"path/filepath"
	"testing"

	"github.com/seed-516990b0/golxmert/internal/goldentest"
)

// tolerance is what the reference supports in single precision.
var tolerance = goldentest.Tolerance{Relative: 3e-5, Absolute: 1e-5}

// File is a file of expected values. When its test ends, a tensor that was not used is a failure.
type File struct{ *goldentest.File }

// Open opens FOLDER/NAME.safetensors.
func Open(t testing.TB, folder, name string) File {
	t.Helper()
	return File{goldentest.Open(t, filepath.Join(folder, name+".safetensors"))}
}

// Compare fails the test unless all values are within the tolerance.
func (f File) Compare(name string, got []float64) {
	f.CompareWithin(name, got, 0)
}

// CompareWithin is [File.Compare] of values that may be off by reach, if that is more than the tolerance.
func (f File) CompareWithin(name string, got []float64, reach float64) {
	f.CompareWide(name, got, tolerance.WithReach(reach))
}

// Compare is [File.Compare] for values that are part of a tensor.
func Compare(t testing.TB, name string, got, want []float64) {
	t.Helper()
	if err := goldentest.Difference(got, want, tolerance); err != nil {
		t.Errorf("%s: %v", name, err)
	}
}
