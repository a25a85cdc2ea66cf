// Package goldencase reads the analysis goldens for tests: expected values of the original implementation, in folders
// called analysis-*.
package goldencase

import (
	"encoding/binary"
	"encoding/json"
	"math"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"testing"
)

// Folders returns every golden folder of analyses: below what LXMERT_GOLDEN names, else in the project's own copy. Having
// none fails the test.
func Folders(t testing.TB) []string {
	t.Helper()
	dir := os.Getenv("LXMERT_GOLDEN")
	if dir == "" {
		dir = filepath.Join(root(t), "lxmert", "testdata", "golden")
	}
	found, err := filepath.Glob(filepath.Join(dir, "analysis-*"))
	if err != nil {
		t.Fatal(err)
	}
	found = slices.DeleteFunc(found, func(path string) bool {
		info, err := os.Stat(path)
		return err != nil || !info.IsDir()
	})
	if len(found) == 0 {
		t.Fatalf("no golden data: %s has no folder analysis-* (LXMERT_GOLDEN names another place)", dir)
	}
	return found
}

// root is the folder of go.mod above the test's own.
func root(t testing.TB) string {
	t.Helper()
	dir, err := os.Getwd()
	if err != nil {
		t.Fatal(err)
	}
	for {
		if _, err := os.Stat(filepath.Join(dir, "go.mod")); err == nil {
			return dir
		}
		up := filepath.Dir(dir)
		if up == dir {
			t.Fatal("there is no go.mod above this test")
		}
		dir = up
	}
}

// File is a file of expected values. When its test ends, a tensor that was not used is a failure.
type File struct {
	Metadata map[string]string
	t        testing.TB
	path     string
	entries  map[string]entry
	used     map[string]bool
	data     []byte
}

type entry struct {
	DType   string `json:"dtype"`
	Shape   []int  `json:"shape"`
	Offsets [2]int `json:"data_offsets"`
}

// Open opens FOLDER/NAME.safetensors.
func Open(t testing.TB, folder, name string) *File {
	t.Helper()
	path := filepath.Join(folder, name+".safetensors")
	raw, err := os.ReadFile(path)
	if err != nil {
		t.Fatal(err)
	}
	head := int(binary.LittleEndian.Uint64(raw))
	var all map[string]json.RawMessage
	if err := json.Unmarshal(raw[8:8+head], &all); err != nil {
		t.Fatalf("%s: %v", path, err)
	}
	f := &File{t: t, path: path, entries: map[string]entry{}, used: map[string]bool{}, data: raw[8+head:]}
	for key, value := range all {
		if key == "__metadata__" {
			err = json.Unmarshal(value, &f.Metadata)
		} else {
			var e entry
			err = json.Unmarshal(value, &e)
			f.entries[key] = e
		}
		if err != nil {
			t.Fatalf("%s: %s: %v", path, key, err)
		}
	}
	t.Cleanup(func() {
		for _, key := range f.Names() {
			if !f.used[key] && !t.Failed() && !t.Skipped() {
				t.Errorf("%s: %s was not compared", path, key)
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
	slices.Sort(names)
	return names
}

// Use says that tensors whose names begin like this are compared elsewhere.
func (f *File) Use(prefix string) {
	for name := range f.entries {
		if strings.HasPrefix(name, prefix) {
			f.used[name] = true
		}
	}
}

// Shape of a tensor.
func (f *File) Shape(name string) []int {
	f.t.Helper()
	e, ok := f.entries[name]
	if !ok {
		f.t.Fatalf("%s has no %s", f.path, name)
	}
	return e.Shape
}

// Floats returns a tensor's values and counts it as used.
func (f *File) Floats(name string) []float64 {
	f.t.Helper()
	f.Shape(name)
	f.used[name] = true
	e := f.entries[name]
	var out []float64
	for b := f.data[e.Offsets[0]:e.Offsets[1]]; len(b) > 0; {
		switch e.DType {
		case "F64":
			out = append(out, math.Float64frombits(binary.LittleEndian.Uint64(b)))
			b = b[8:]
		case "F32":
			out = append(out, float64(math.Float32frombits(binary.LittleEndian.Uint32(b))))
			b = b[4:]
		case "I64":
			out = append(out, float64(int64(binary.LittleEndian.Uint64(b))))
			b = b[8:]
		default:
			f.t.Fatalf("%s: %s has type %s", f.path, name, e.DType)
		}
	}
	return out
}

// Ints is [File.Floats] as integers.
func (f *File) Ints(name string) []int {
	f.t.Helper()
	var out []int
	for _, x := range f.Floats(name) {
		out = append(out, int(x))
	}
	return out
}

// Compare fails the test unless all values are within 3e-5 of the tensor's largest entry plus 1e-5, which is what the
// reference supports in single precision.
func (f *File) Compare(name string, got []float64) {
	f.t.Helper()
	Compare(f.t, filepath.Base(f.path)+": "+name, got, f.Floats(name))
}

// Compare is [File.Compare] for values that are part of a tensor.
func Compare(t testing.TB, name string, got, want []float64) {
	t.Helper()
	if len(got) != len(want) {
		t.Errorf("%s: %d values, expected %d", name, len(got), len(want))
		return
	}
	largest := 0.0
	for _, w := range want {
		largest = max(largest, math.Abs(w))
	}
	limit := 3e-5*largest + 1e-5
	for i, w := range want {
		if d := math.Abs(got[i] - w); !(d <= limit) {
			t.Errorf("%s: entry %d is %g, expected %g: off by %g, %g allowed", name, i, got[i], w, d, limit)
			return
		}
	}
}
