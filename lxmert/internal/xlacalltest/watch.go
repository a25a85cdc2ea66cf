//go:build cgo

// Package xlacalltest shows tests the programs that XLA gets.
package xlacalltest

import (
	"reflect"
	"strings"
	"testing"
	"unsafe"

	"github.com/gomlx/compute"
	"github.com/gomlx/go-xla/compute/xla"
	"github.com/gomlx/go-xla/stablehlo"
)

// Watched is an XLA backend, and remembers the last program that was built on it.
type Watched struct {
	compute.Backend
	last *xla.Builder
}

// Builder returns the backend's own, wrapped or not.
func (w *Watched) Builder(name string) compute.Builder {
	b := w.Backend.Builder(name)
	switch x := reflect.ValueOf(b).Elem().FieldByName("Builder"); {
	case x.IsValid():
		w.last, _ = x.Interface().(*xla.Builder)
	default:
		w.last, _ = b.(*xla.Builder)
	}
	return b
}

// Program is the text of the last program, as it was compiled.
func (w *Watched) Program(t testing.TB) string {
	t.Helper()
	if w.last == nil {
		t.Fatal("no program of XLA's was built")
	}
	field := reflect.ValueOf(w.last).Elem().FieldByName("builder")
	text, err := (*(**stablehlo.Builder)(unsafe.Pointer(field.UnsafeAddr()))).Build()
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
