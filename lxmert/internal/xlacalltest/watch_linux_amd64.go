//go:build cgo

// Package xlacalltest shows tests the programs that XLA gets.
package xlacalltest

import (
	"strings"
	"testing"

	"github.com/gomlx/compute"

	"github.com/seed-516990b0/golxmert/lxmert/internal/xlacall"
)

// Watched is an XLA backend, and remembers the last program that was built on it.
type Watched struct {
	compute.Backend
	last compute.Builder
}

// Builder returns the backend's own.
func (w *Watched) Builder(name string) compute.Builder {
	w.last = w.Backend.Builder(name)
	return w.last
}

// Program is the text of the last program, as it was compiled.
func (w *Watched) Program(t testing.TB) string {
	t.Helper()
	program := xlacall.Program(w.last)
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
