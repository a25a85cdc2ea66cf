package goldentest

import (
	"encoding/binary"
	"fmt"
	"math"
	"os"
	"path/filepath"
	"sort"
	"strings"
	"testing"

	"github.com/seed-516990b0/golxmert/internal/safetensors"
)

// File is a safetensors file with expected values. When its test ends, a tensor that was not used is a failure.
type File struct {
	Path     string
	Metadata map[string]string

	t       testing.TB
	raw     []byte
	start   int64
	entries map[string]safetensors.Entry
	used    map[string]bool
}

// Open opens a golden file.
func Open(t testing.TB, path string) *File {
	t.Helper()
	raw, err := os.ReadFile(path)
	if err != nil {
		t.Fatal(err)
	}
	r := strings.NewReader(string(raw))
	entries, metadata, start, err := safetensors.ReadHeader(r, int64(len(raw)))
	if err != nil {
		t.Fatalf("%s: %v", path, err)
	}
	f := &File{Path: path, Metadata: metadata, t: t, raw: raw, start: start,
		entries: map[string]safetensors.Entry{}, used: map[string]bool{}}
	for _, e := range entries {
		f.entries[e.Name] = e
	}
	t.Cleanup(func() {
		for _, name := range f.Names() {
			if !f.used[name] && !t.Failed() && !t.Skipped() {
				t.Errorf("%s: %s was not compared", filepath.Base(path), name)
			}
		}
	})
	return f
}

// Names lists the tensors in alphabetical order.
func (f *File) Names() []string {
	var names []string
	for name := range f.entries {
		names = append(names, name)
	}
	sort.Strings(names)
	return names
}

// Has reports whether there is a tensor of that name.
func (f *File) Has(name string) bool { _, ok := f.entries[name]; return ok }

// Use says that tensors whose names begin like this are inputs, or are compared in another way.
func (f *File) Use(prefixes ...string) {
	for name := range f.entries {
		for _, p := range prefixes {
			if strings.HasPrefix(name, p) {
				f.used[name] = true
			}
		}
	}
}

// Shape of a tensor.
func (f *File) Shape(name string) []int {
	f.t.Helper()
	e, ok := f.entries[name]
	if !ok {
		f.t.Fatalf("%s has no %s", f.Path, name)
	}
	return e.Shape
}

// Floats returns a tensor's values and counts it as used.
func (f *File) Floats(name string) []float64 {
	f.t.Helper()
	f.Shape(name)
	f.used[name] = true
	e := f.entries[name]
	b := f.raw[f.start+e.Begin : f.start+e.End]
	var out []float64
	le := binary.LittleEndian
	for len(b) > 0 {
		var v float64
		switch e.DType {
		case "F64":
			v = math.Float64frombits(le.Uint64(b))
		case "F32":
			v = float64(math.Float32frombits(le.Uint32(b)))
		case "I64":
			v = float64(int64(le.Uint64(b)))
		case "I32":
			v = float64(int32(le.Uint32(b)))
		case "U8", "BOOL":
			v = float64(b[0])
		default:
			f.t.Fatalf("%s: %s has type %s", f.Path, name, e.DType)
		}
		out = append(out, v)
		b = b[safetensors.ItemSize(e.DType):]
	}
	return out
}

// Float32s is [File.Floats] in single precision.
func (f *File) Float32s(name string) []float32 {
	f.t.Helper()
	wide := f.Floats(name)
	out := make([]float32, len(wide))
	for i, v := range wide {
		out[i] = float32(v)
	}
	return out
}

// Ints is [File.Floats] as integers.
func (f *File) Ints(name string) []int {
	f.t.Helper()
	wide := f.Floats(name)
	out := make([]int, len(wide))
	for i, v := range wide {
		out[i] = int(v)
	}
	return out
}

// Int32s is [File.Floats] as integers.
func (f *File) Int32s(name string) []int32 {
	f.t.Helper()
	wide := f.Floats(name)
	out := make([]int32, len(wide))
	for i, v := range wide {
		out[i] = int32(v)
	}
	return out
}

// Tolerance is how far a value may be from the expected one: Relative times the tensor's largest entry, plus Absolute; or Reach,
// if that is more.
type Tolerance struct{ Relative, Absolute, Reach float64 }

// WithReach is the tolerance with another reach.
func (t Tolerance) WithReach(reach float64) Tolerance {
	t.Reach = reach
	return t
}

// Compare fails the test unless all values are within the tolerance.
func (f *File) Compare(name string, got []float32, tol Tolerance) {
	f.t.Helper()
	compare(f, name, got, tol)
}

// CompareWide is [File.Compare] of values in double precision.
func (f *File) CompareWide(name string, got []float64, tol Tolerance) {
	f.t.Helper()
	compare(f, name, got, tol)
}

func compare[F float32 | float64](f *File, name string, got []F, tol Tolerance) {
	f.t.Helper()
	if err := Difference(got, f.Floats(name), tol); err != nil {
		f.t.Errorf("%s: %s: %v", filepath.Base(f.Path), name, err)
	}
}

// Difference says whether got is within the tolerance of want, and if not, where it is farthest.
func Difference[F float32 | float64](got []F, want []float64, tol Tolerance) error {
	if len(got) != len(want) {
		return fmt.Errorf("%d values, expected %d", len(got), len(want))
	}
	largest, worst, at := 0.0, -1.0, 0
	for i, w := range want {
		largest = max(largest, math.Abs(w))
		d := math.Abs(float64(got[i]) - w)
		if d > worst || math.IsNaN(d) {
			worst, at = d, i
			if math.IsNaN(d) {
				break
			}
		}
	}
	if limit := max(tol.Relative*largest+tol.Absolute, tol.Reach); len(want) > 0 && !(worst <= limit) {
		return fmt.Errorf("entry %d is %g, expected %g: off by %g, %g allowed (largest entry %g)", at, got[at], want[at], worst, limit, largest)
	}
	return nil
}
