package lxmert

import (
	"bytes"
	"errors"
	"io"
	"math"
	"os"
	"path/filepath"
	"reflect"
	"strings"
	"testing"
)

func tensor(shape []int, data ...float32) Tensor {
	return Tensor{Shape: shape, Data: append([]float32{}, data...)}
}

// fullTrace has everything that a trace can have.
func fullTrace() *Trace {
	return &Trace{
		Values: map[string]Tensor{
			"out.task":         tensor([]int{3, 2}, 1, 2, 3, 4, 5, 6),
			"x.0.ti":           tensor([]int{1, 1, 2, 2}, 0.25, 0.75, 1, 0),
			"empty":            tensor([]int{3, 0, 2}),
			"one number":       tensor([]int{}, 7),
			"wörter \"<\u2028": tensor([]int{1}, 1),
			"grad":             tensor([]int{1}, 2),
			"scores":           tensor([]int{1}, 3),
		},
		Grads: map[string]Tensor{"in.word": tensor([]int{2, 1, 2}, 1, -1, 0.5, 0), "score": tensor([]int{1}, 4)},
		Top: map[string]TopK{
			"out.mlm":  {Values: tensor([]int{1, 2, 2}, 4, 3, 2, 1), Index: []int32{40, 3, 0, 29}},
			"a.values": {Values: tensor([]int{1, 1}, 9), Index: []int32{8}},
			"a.index":  {Values: tensor([]int{1, 1}, 7), Index: []int32{6}},
			"a":        {Values: tensor([]int{1, 1}, 5), Index: []int32{4}},
			"none":     {Values: tensor([]int{0, 3}), Index: []int32{}},
		},
		Score:      []float32{0.5, -1, 2},
		Batch:      fullBatch(),
		Provenance: Provenance{Weights: "Epoch20_LXRT.pth", Hash: "0123abcd", Backend: "xla:cpu", DType: "float32", Version: "v1"},
	}
}

func written(t testing.TB, trace *Trace) []byte {
	t.Helper()
	var b bytes.Buffer
	if err := trace.Write(&b); err != nil {
		t.Fatal(err)
	}
	return b.Bytes()
}

func readBack(data []byte) (*Trace, error) { return ReadTrace(bytes.NewReader(data), int64(len(data))) }

func TestTraceComesBackAsItWas(t *testing.T) {
	noMaps := Trace{Values: map[string]Tensor{}, Grads: map[string]Tensor{}, Top: map[string]TopK{}}
	for name, change := range map[string]func(*Trace){
		"everything":     func(*Trace) {},
		"nothing":        func(x *Trace) { *x = noMaps },
		"no batch":       func(x *Trace) { x.Batch = nil },
		"no gradients":   func(x *Trace) { x.Grads, x.Score = noMaps.Grads, nil },
		"no provenance":  func(x *Trace) { x.Provenance = Provenance{} },
		"one to one":     func(x *Trace) { x.Batch.Pairs = nil },
		"all regions":    func(x *Trace) { x.Batch.RegionMask = nil },
		"no words":       func(x *Trace) { x.Batch.Words = nil },
		"no images' ids": func(x *Trace) { x.Batch.Images = nil },
		"no regions": func(x *Trace) {
			x.Batch.Feats, x.Batch.Boxes, x.Batch.Images = tensor([]int{2, 0, 3}), tensor([]int{2, 0, 4}), nil
			x.Batch.RegionMask = [][]float32{{}, {}}
		},
	} {
		t.Run(name, func(t *testing.T) {
			want := fullTrace()
			change(want)
			path := filepath.Join(t.TempDir(), "x.trace")
			if err := want.Save(path); err != nil {
				t.Fatal(err)
			}
			got, err := LoadTrace(path)
			if err != nil {
				t.Fatal(err)
			}
			if !reflect.DeepEqual(got, want) {
				t.Errorf("%+v\nexpected\n%+v\nbatches %+v\n%+v", got, want, got.Batch, want.Batch)
			}
		})
	}
}

func TestNilSegmentsAndMaskComeBackSpelledOut(t *testing.T) {
	x := fullTrace()
	x.Batch.Segments, x.Batch.TextMask = nil, nil
	got, err := readBack(written(t, x))
	if err != nil {
		t.Fatal(err)
	}
	b := got.Batch
	if !reflect.DeepEqual(b.Segments, [][]int32{{0, 0, 0, 0}, {0, 0}}) || !reflect.DeepEqual(b.TextMask, [][]float32{{1, 1, 1, 1}, {1, 1}}) {
		t.Errorf("segments %v, mask %v", b.Segments, b.TextMask)
	}
}

func TestResultsThatAreNotFiniteKeepTheirBits(t *testing.T) {
	bits := []uint32{0x7fc00001, 0xffc12345, 0x7f800000, 0xff800000, 0x80000000, 1}
	x := Trace{Values: map[string]Tensor{"x": NewTensor(len(bits))}}
	for i, b := range bits {
		x.Values["x"].Data[i] = math.Float32frombits(b)
	}
	got, err := readBack(written(t, &x))
	if err != nil {
		t.Fatal(err)
	}
	for i, want := range bits {
		if b := math.Float32bits(got.Values["x"].Data[i]); b != want {
			t.Errorf("entry %d is %#x, expected %#x", i, b, want)
		}
	}
}

func TestTheSameTraceGivesTheSameBytes(t *testing.T) {
	first := written(t, fullTrace())
	for range 10 {
		if !bytes.Equal(first, written(t, fullTrace())) {
			t.Fatal("two files of one trace differ")
		}
	}
}

func TestLargeTensorsAreWrittenWhole(t *testing.T) {
	x := Trace{Values: map[string]Tensor{"x": NewTensor(3, 30_001)}}
	for i := range x.Values["x"].Data {
		x.Values["x"].Data[i] = float32(i)
	}
	got, err := readBack(written(t, &x))
	if err != nil || !reflect.DeepEqual(got.Values, x.Values) {
		t.Errorf("values differ, error %v", err)
	}
}

func TestTraceThatCouldNotBeReadIsNotWritten(t *testing.T) {
	for want, change := range map[string]func(*Trace){
		`no value can be called "input.feats"`: func(x *Trace) { x.Values["input.feats"] = tensor([]int{0}) },
		`no value can be called "grad.x"`:      func(x *Trace) { x.Values["grad.x"] = tensor([]int{0}) },
		`no value can be called "top.x"`:       func(x *Trace) { x.Values["top.x"] = tensor([]int{0}) },
		`no value can be called "score"`:       func(x *Trace) { x.Values["score"] = tensor([]int{0}) },
		`called "__metadata__"`:                func(x *Trace) { x.Values["__metadata__"] = tensor([]int{0}) },
		`called "a\xff"`:                       func(x *Trace) { x.Values["a\xff"] = tensor([]int{0}) },
		`tensor "x": 4 bytes of values`:        func(x *Trace) { x.Values["x"] = tensor([]int{2}, 1) },
		`tensor "y": F32 [-1] cannot be`:       func(x *Trace) { x.Values["y"] = tensor([]int{-1}, 1) },
		`tensor "z": F32 [4294967296 42949`:    func(x *Trace) { x.Values["z"] = tensor([]int{1 << 32, 1 << 32}) },
		`tensor "top.x.index": 0 bytes`:        func(x *Trace) { x.Top["x"] = TopK{Values: tensor([]int{1}, 1)} },
		"1 rows of segments":                   func(x *Trace) { x.Batch.Segments = x.Batch.Segments[:1] },
		"text 1 has 2 word pieces but 3":       func(x *Trace) { x.Batch.Segments[1] = []int32{0, 0, 0} },
		"region features have shape []":        func(x *Trace) { x.Batch.Feats = Tensor{} },
		"text 0 is not UTF-8":                  func(x *Trace) { x.Batch.Words[0].Text = "a \xff\xfe567890" },
	} {
		x := fullTrace()
		change(x)
		err := x.Write(io.Discard)
		if err == nil || !strings.Contains(err.Error(), want) || strings.Contains(err.Error(), "\n") {
			t.Errorf("error %v does not say %q", err, want)
		}
	}
	x := fullTrace()
	x.Batch.Pairs[0][0] = 9
	if err := x.Write(io.Discard); !errors.Is(err, ErrBatch) {
		t.Errorf("error %v is not an ErrBatch", err)
	}
}

func TestFailedSaveLeavesTheOldTrace(t *testing.T) {
	dir := t.TempDir()
	path := filepath.Join(dir, "x.trace")
	if err := fullTrace().Save(path); err != nil {
		t.Fatal(err)
	}
	// The last tensor in the file's order is the broken one.
	broken := fullTrace()
	broken.Values["zzz"] = tensor([]int{2}, 1)
	if err := broken.Save(path); err == nil || !strings.Contains(err.Error(), path) {
		t.Errorf("error %v does not name %s", err, path)
	}
	if got, err := LoadTrace(path); err != nil || !reflect.DeepEqual(got, fullTrace()) {
		t.Errorf("the old trace is gone: %v", err)
	}
	files, err := os.ReadDir(dir)
	if err != nil || len(files) != 1 {
		t.Errorf("%d files, error %v", len(files), err)
	}
	if err := fullTrace().Save(filepath.Join(dir, "nowhere", "x.trace")); !errors.Is(err, os.ErrNotExist) {
		t.Errorf("error %v of a folder that is not there", err)
	}
}

func TestLoadTraceNamesTheFile(t *testing.T) {
	path := filepath.Join(t.TempDir(), "x.trace")
	if _, err := LoadTrace(path); !errors.Is(err, os.ErrNotExist) || !strings.Contains(err.Error(), path) {
		t.Errorf("error %v", err)
	}
	for _, data := range [][]byte{nil, []byte("not a trace at all"), written(t, fullTrace())[:200]} {
		if err := os.WriteFile(path, data, 0o666); err != nil {
			t.Fatal(err)
		}
		if _, err := LoadTrace(path); !errors.Is(err, ErrTrace) || !strings.Contains(err.Error(), path) {
			t.Errorf("error %v", err)
		}
	}
	if _, err := LoadTrace(filepath.Dir(path)); err == nil || !strings.Contains(err.Error(), filepath.Dir(path)) {
		t.Errorf("error %v of a folder", err)
	}
}
