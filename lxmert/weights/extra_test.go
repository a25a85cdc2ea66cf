package weights

import (
	"maps"
	"path/filepath"
	"slices"
	"strings"
	"testing"
)

// extrasFiles are what testdata/extras.py writes: one checkpoint with much beside its tensors.
var extrasFiles = []string{"extras_zip.pth", "extras_protocol4.pth", "extras_protocol5.pth", "extras_legacy.pth"}

// TestTensorsAreFoundBesideExtras: flags, paths, dates, NumPy values and objects of any class leave the tensors readable,
// those inside of such objects too, and are listed by what Python calls them.
func TestTensorsAreFoundBesideExtras(t *testing.T) {
	want := map[string]string{
		"args": "argparse.Namespace", "flags": "__main__.Flags", "slotted": "__main__.Slotted", "simple": "types.SimpleNamespace",
		"scalar": "0.75", "half": "0.5", "count": "9", "text": "numpy scalar U4", "day": "numpy scalar M8",
		"array": "numpy.ndarray f8 [3]", "grid": "numpy.ndarray i2 [2 30]", "objects": "numpy.ndarray O8 [2]", "rng": "tuple of 5",
		"path": "pathlib.PurePosixPath", "latin": "pathlib.PurePosixPath(\"caf\uFFFD\")",
		"date": "datetime.datetime", "zone": "datetime.timezone", "delta": "datetime.timedelta",
		"lists": "collections.defaultdict", "ordered": "dict of 1", "counter": "collections.Counter", "deque": "collections.deque",
		"meter": "__main__.Meter", "history": "__main__.History", "ema": "__main__.Meter, with one tensor",
		"array_of_bytes": "builtins.bytearray", "raw": "bytes of 100", "complex": "builtins.complex", "decimal": `decimal.Decimal("0.1")`, "uuid": "uuid.UUID",
		"enum": "__main__.Colour.RED", "by_enum": "dict of 1", "set": "list of 1", "frozen": "tuple of 1", "of_frozen": "dict of 1",
		"slice": "builtins.slice", "range": "builtins.range", "partial": "functools.partial", "class": "__main__.Flags", "function": "torch._C._nn.gelu",
		"dtype": "torch.float32", "complex_dtype": "torch.complex64", "device": `"cpu"`, "size": "tuple of 2", "layout": `"torch.strided"`,
		"epoch": "3", "name": `"run é"`, "none": "None", "done": "True", "huge": "1180591620717411303424", "scheduler": "dict of 2",
	}
	for _, name := range extrasFiles {
		data := readFile(t, "testdata", name)
		for _, mapped := range []bool{true, false} {
			f, err := openBytes(data, mapped)
			if err != nil {
				t.Fatalf("%s: %v", name, err)
			}
			for tensor, want := range map[string][]float32{
				"model.fc.weight": {1, 2, 3, 4}, "model.fc.bias": {5, 6}, "model.steps": {7}, "kept": {8}, "ema.weight": {9},
			} {
				if got := valuesOf(t, f, tensor); !slices.Equal(got, want) {
					t.Errorf("%s: %s is %v, want %v", name, tensor, got, want)
				}
			}
			want := maps.Clone(want)
			switch name {
			case "extras_protocol5.pth": // which has an opcode for bytearrays
				want["array_of_bytes"] = "bytes of 100"
			case "extras_zip.pth", "extras_legacy.pth": // protocol 2 has none for bytes, and names of Python 2
				want["raw"], want["range"] = "builtins.bytes", "builtins.xrange"
			}
			extras, more := f.Extras()
			for _, e := range extras {
				if e.What != want[e.Name] {
					t.Errorf("%s: %s is %q, want %q", name, e.Name, e.What, want[e.Name])
				}
			}
			if more != 0 || len(extras) != len(want) {
				t.Errorf("%s: %d extras and %d more, want %d", name, len(extras), more, len(want))
			}
		}
	}
}

func valuesOf(t *testing.T, f *File, name string) []float32 {
	t.Helper()
	x, ok := f.Tensor(name)
	if !ok {
		t.Fatalf("%s: no tensor %q among %q", f.Path, name, f.Names())
	}
	values, err := x.Float32s()
	if err != nil {
		t.Fatal(err)
	}
	return values
}

// TestAWholeModuleIsItsStateDict: torch.save(module) instead of torch.save(module.state_dict()), with a module that
// refers to itself.
func TestAWholeModuleIsItsStateDict(t *testing.T) {
	for _, name := range []string{"extras_module_zip.pth", "extras_module_legacy.pth"} {
		f, err := Open(filepath.Join("testdata", name))
		if err != nil {
			t.Fatal(err)
		}
		defer f.Close()
		names := f.Names()
		slices.Sort(names)
		if !slices.Equal(names, []string{"fc.bias", "fc.weight", "steps"}) || !slices.Equal(valuesOf(t, f, "fc.weight"), []float32{1, 2, 3, 4}) {
			t.Errorf("%s: %q", name, names)
		}
		if extras, _ := f.Extras(); len(extras) != 1 || extras[0] != (Extra{"", "__main__.Net, with 3 tensors"}) {
			t.Errorf("%s: extras %v", name, extras)
		}
	}
}

// TestNamesStayNames: whatever a pickle calls, and calls again with the result, becomes a value that remembers the name.
// Each program is a value in a dict beside a tensor, which is read.
func TestNamesStayNames(t *testing.T) {
	for program, want := range map[string]string{
		"cevil.module\nRun\n":                                            "evil.module.Run",
		"cevil\nRun\nX\x02\x00\x00\x00rm\x85R":                           `evil.Run("rm")`,
		"cevil\nRun\n)\x81":                                              "evil.Run",
		"(cevil\nRun\nK\x05o":                                            "evil.Run(5)",
		"cevil\nRun\n)}X\x01\x00\x00\x00aK\x01s\x92":                     "evil.Run",
		"cevil\nRun\n)RK\x01\x85R":                                       "evil.Run",
		"cevil\nRun\n)R}X\x01\x00\x00\x00aK\x01sb":                       "evil.Run",
		"cevil\nRun\n)RK\x01a":                                           "evil.Run",
		"cevil\nRun\n)RK\x01K\x02s":                                      "evil.Run",
		"c__builtin__\ngetattr\ncevil\nRun\nX\x01\x00\x00\x00a\x86R":     "evil.Run.a",
		"c__builtin__\ngetattr\nK\x01K\x02\x86R":                         "builtins.getattr",
		"c__builtin__\nset\nK\x01\x85R":                                  "builtins.set(1)",
		"c_codecs\nencode\nX\x01\x00\x00\x00aX\x04\x00\x00\x00utf8\x86R": "_codecs.encode",
		"cnumpy\ndtype\nN\x85R":                                          "numpy.dtype",
		"cnumpy.core.multiarray\nscalar\n)R":                             "numpy.generic",
		"cnumpy.core.multiarray\n_reconstruct\ncnumpy\nndarray\n\x85R":   "numpy.ndarray",
		"cnumpy.core.multiarray\n_reconstruct\n)R":                       "numpy.core.multiarray._reconstruct",
		"ctorch\nSize\n)R":                                               "torch.Size",
		"ctorch\nload\n":                                                 "torch.load",
		"I8589934592\n":                                                  "8589934592",
	} {
		with := tensorProgram(4, 0, dims(4), dims(1))
		with = strings.TrimSuffix(with, "u.") + "X\x01\x00\x00\x00e" + program + "u."
		f, err := openBytes(zipOf(t, with), true)
		if err != nil {
			t.Errorf("%q: %v", program, err)
			continue
		}
		if extras, _ := f.Extras(); len(extras) != 1 || extras[0] != (Extra{"e", want}) || !slices.Equal(valuesOf(t, f, "w"), []float32{1, 1, 1, 1}) {
			t.Errorf("%q: extras %v, want %q", program, extras, want)
		}
	}
}

// TestExtrasAreCountedBeyondAHundred, so that a file cannot fill a terminal or the memory with them.
func TestExtrasAreCountedBeyondAHundred(t *testing.T) {
	p := &program{}
	p.op("\x80\x02}(")
	for i := range 150 {
		p.text(strings.Repeat("x", i))
		p.op("N")
	}
	p.op("u.")
	f, err := openBytes(zipOf(t, p.String()), true)
	if err != nil {
		t.Fatal(err)
	}
	// A container without tensors is one extra, the outermost; its first level counts as it stands at the top.
	if extras, more := f.Extras(); len(extras) != 1 || more != 0 || extras[0].What != "dict of 150" {
		t.Errorf("%v and %d more", extras, more)
	}
	with := tensorProgram(4, 0, dims(4), dims(1))
	with = strings.TrimSuffix(with, "u.") + p.String()[len("\x80\x02}("):]
	if f, err = openBytes(zipOf(t, with), true); err != nil {
		t.Fatal(err)
	}
	if extras, more := f.Extras(); len(extras) != 100 || more != 50 {
		t.Errorf("%d and %d more", len(extras), more)
	}
}
