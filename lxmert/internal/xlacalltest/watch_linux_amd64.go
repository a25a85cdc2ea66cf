//go:build cgo

// Package xlacalltest shows tests the programs that XLA gets.
package xlacalltest

import (
	"errors"
	"strings"
	"testing"

	"github.com/gomlx/compute"

	"github.com/seed-516990b0/golxmert/lxmert/internal/xlabuilder"
)

// Watched is an XLA backend, and remembers the last program that was built on it.
type Watched struct {
	compute.Backend
	BuildOnly bool // compiling a program is the error ErrBuildOnly
	last      compute.Builder
}

// ErrBuildOnly is what compiling gives where programs are to be built only.
var ErrBuildOnly = errors.New("not compiled, as the test wants it")

// Builder returns the backend's own, or one like it that does not compile.
func (w *Watched) Builder(name string) compute.Builder {
	w.last = w.Backend.Builder(name)
	if w.BuildOnly {
		return buildOnly{w.last}
	}
	return w.last
}

// PluginName is the backend's, by which its kind is known.
func (w *Watched) PluginName() string {
	if x, ok := w.Backend.(interface{ PluginName() string }); ok {
		return x.PluginName()
	}
	return ""
}

type buildOnly struct{ compute.Builder }

func (b buildOnly) Inner() compute.Builder { return b.Builder }

func (buildOnly) Compile() (compute.Executable, error) { return nil, ErrBuildOnly }

// Program is the text of the last program, as it was compiled.
func (w *Watched) Program(t testing.TB) string {
	t.Helper()
	program := xlabuilder.Program(w.last)
	if program == nil {
		t.Fatal("no program of XLA's was built")
	}
	text, err := program.Build()
	if err != nil {
		t.Fatal(err)
	}
	return string(text)
}

// Calls counts the calls of golxmert.NAME in the last program.
func (w *Watched) Calls(t testing.TB, name string) int {
	t.Helper()
	return strings.Count(w.Program(t), "golxmert."+name)
}
