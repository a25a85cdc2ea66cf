//go:build cgo && (linux || darwin || windows)

package xlabuilder

import (
	"slices"
	"testing"

	"github.com/gomlx/go-xla/compute/xla"
	"github.com/gomlx/go-xla/stablehlo"
)

// TestProgramIsFound: go-xla has a program, and a builder its backend, where they are looked for.
func TestProgramIsFound(t *testing.T) {
	if Hidden[*stablehlo.Builder](&xla.Builder{}, "builder") == nil {
		t.Error("xla.Builder has no field builder of the type *stablehlo.Builder")
	}
	if Hidden[*xla.Backend](&xla.Builder{}, "backend") == nil {
		t.Error("xla.Builder has no field backend of the type *xla.Backend")
	}
	b := stablehlo.New("test")
	main := b.Main()
	if list := Hidden[[]*stablehlo.Function](b, "functions"); list == nil || !slices.Contains(*list, main) {
		t.Error("stablehlo.Builder has no field functions with its functions")
	}
}
