// Package roundingtest tells how far off numbers may be that a model computes in float32 or bfloat16, for tests that compare
// them with exact ones: bounds that follow from the data instead of from what was seen with other data.
package roundingtest

import (
	"testing"

	"github.com/seed-516990b0/golxmert/internal/rounding"
	"github.com/seed-516990b0/golxmert/lxmert"
)

// The last bit of a type, relative to a number. A rounding moves the number by half of it at the most.
const (
	Float32  = rounding.Float32
	BFloat16 = rounding.BFloat16
)

// Reach is [rounding.Reach] of results that end the test if they cannot be had.
func Reach(t testing.TB, eng lxmert.Engine, lastBit float64, results func(eng lxmert.Engine) map[string][]float64) map[string]float64 {
	t.Helper()
	reach, err := rounding.Reach(eng, lastBit, func(eng lxmert.Engine) (map[string][]float64, error) { return results(eng), nil })
	if err != nil {
		t.Fatal(err)
	}
	return reach
}
