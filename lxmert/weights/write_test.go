package weights_test

import (
	"bytes"
	"encoding/binary"
	"errors"
	"io"
	"math"
	"math/rand/v2"
	"os"
	"os/exec"
	"path/filepath"
	"slices"
	"strings"
	"testing"

	"github.com/seed-516990b0/golxmert/internal/goldentest"
	"github.com/seed-516990b0/golxmert/lxmert"
	"github.com/seed-516990b0/golxmert/lxmert/weights"
)

func rawItem(name string, dtype weights.DType, shape []int, data []byte) weights.Item {
	return weights.Item{Name: name, DType: dtype, Shape: shape, Values: func(w io.Writer) error { _, err := w.Write(data); return err }}
}

func float64Bytes(values ...float64) []byte {
	var b []byte
	for _, v := range values {
		b = binary.LittleEndian.AppendUint64(b, math.Float64bits(v))
	}
	return b
}

// allTypes has a tensor of every type that a .pth can hold.
func allTypes() []weights.Item {
	rng := rand.New(rand.NewPCG(7, 7))
	var items []weights.Item
	for _, dtype := range []weights.DType{weights.F64, weights.F32, weights.F16, weights.BF16, weights.I64, weights.I32, weights.I16, weights.I8, weights.U8, weights.Bool} {
		data := make([]byte, 15*dtype.Size())
		for i := range data {
			data[i] = byte(rng.Uint32())
			if dtype == weights.Bool {
				data[i] &= 1
			}
		}
		items = append(items, rawItem("some."+string(dtype), dtype, []int{3, 5}, data))
	}
	words := weights.FromFloats("words", []int{2, 2}, []float32{1, 2, 3, 4}, weights.F32)
	return append(items, rawItem("empty", weights.F32, []int{0, 3}, nil), rawItem("scalar", weights.I64, nil, []byte{9, 0, 0, 0, 0, 0, 0, 0}),
		words, weights.Item{Name: "tied ✓", DType: weights.F32, Shape: []int{2, 2}, TiedTo: "words"})
}

func values(t *testing.T, it weights.Item) []byte {
	t.Helper()
	var b bytes.Buffer
	if err := it.Values(&b); err != nil {
		t.Fatal(err)
	}
	return b.Bytes()
}

func TestWrittenFilesReadBack(t *testing.T) {
	items := allTypes()
	for _, name := range []string{"x.pth", "x.safetensors"} {
		path := filepath.Join(t.TempDir(), name)
		if err := weights.Write(path, items, map[string]string{"note": "ü\n<"}); err != nil {
			t.Fatal(err)
		}
		f := open(t, path)
		for _, it := range items {
			if it.TiedTo != "" {
				if x, ok := f.Tensor(it.Name); ok != (name == "x.pth") || ok && !x.SharesStorage(tensor(t, f, it.TiedTo)) {
					t.Errorf("%s: the tied tensor is there: %v, or does not share its storage", name, ok)
				}
				continue
			}
			x := tensor(t, f, it.Name)
			got, err := x.Bytes()
			if err != nil || x.DType != it.DType || !slices.Equal(x.Shape, it.Shape) || !bytes.Equal(got, values(t, it)) {
				t.Errorf("%s: %s %s %v differs (%v)", name, it.Name, x.DType, x.Shape, err)
			}
		}
		note := f.Metadata["note"]
		if d, ok := f.Object.(*weights.Dict); ok {
			v, _ := d.Attrs.Get("note")
			note, _ = v.(string)
		}
		if note != "ü\n<" {
			t.Errorf("%s: the note is %q", name, note)
		}
		if left, _ := filepath.Glob(filepath.Join(filepath.Dir(path), ".*")); len(left) > 0 {
			t.Errorf("left behind: %v", left)
		}
	}
}

// TestFailedWriteKeepsTheOldFile: what was there is still there, and nothing else.
func TestFailedWriteKeepsTheOldFile(t *testing.T) {
	broken := errors.New("the source broke")
	for _, name := range []string{"x.pth", "x.safetensors"} {
		path := filepath.Join(t.TempDir(), name)
		if err := os.WriteFile(path, []byte("old"), 0o666); err != nil {
			t.Fatal(err)
		}
		for _, items := range [][]weights.Item{
			{{Name: "a", DType: weights.F32, Shape: []int{1}, Values: func(io.Writer) error { return broken }}},
			{rawItem("a", weights.F32, []int{2}, make([]byte, 4))},
			{rawItem("a", weights.F32, []int{2}, make([]byte, 8)), rawItem("a", weights.F32, []int{2}, make([]byte, 8))},
			{rawItem("a", weights.F32, []int{math.MaxInt, 8}, nil)},
			{rawItem("a", "C64", []int{1}, make([]byte, 8))},
			{{Name: "a", DType: weights.F32, Shape: []int{1}, TiedTo: "b"}},
		} {
			if err := weights.Write(path, items, nil); err == nil || !strings.Contains(err.Error(), path) {
				t.Errorf("error %v does not name the file", err)
			}
		}
		if text, _ := os.ReadFile(path); string(text) != "old" {
			t.Errorf("%s holds %q", name, text)
		}
		if entries, _ := os.ReadDir(filepath.Dir(path)); len(entries) != 1 {
			t.Errorf("left behind: %v", entries)
		}
	}
}

// TestConvertedModelIsTheSame: through all formats and names the hash, which is over names and values, stays.
func TestConvertedModelIsTheSame(t *testing.T) {
	goldentest.Each(t, "model", func(t *testing.T, dir string) {
		for _, source := range []string{"tiny/weights", "checkpoints/vqa_toy_LAST"} {
			m := openModel(t, filepath.Join(dir, source))
			want, err := m.Hash()
			if err != nil {
				t.Fatal(err)
			}
			items, err := m.Items("")
			if err != nil {
				t.Fatal(err)
			}
			out := t.TempDir()
			for _, name := range []string{"a.pth", "b.safetensors"} {
				path := filepath.Join(out, name)
				if err := weights.Save(path, m.Config, items, nil); err != nil {
					t.Fatal(err)
				}
				back := openModel(t, path)
				if got, err := back.Hash(); got != want || err != nil {
					t.Errorf("%s to %s: another hash (%v)", source, name, err)
				}
				if back.Config != m.Config {
					t.Errorf("%s to %s: %+v, want %+v", source, name, back.Config, m.Config)
				}
			}
			if m.Config.TaskClasses == 0 {
				continue // a task's head becomes the answer head, see below
			}
			if _, err := weights.SaveHuggingFace(filepath.Join(out, "hf"), m, ""); err != nil {
				t.Fatal(err)
			}
			back := openModel(t, filepath.Join(out, "hf"))
			if back.Config.Answers != m.Config.TaskClasses || back.Config.TaskClasses != 0 || back.Config.Heads != m.Config.Heads {
				t.Errorf("through Hugging Face: %+v", back.Config)
			}
		}
		m := openModel(t, filepath.Join(dir, "tiny", "weights"))
		hf := filepath.Join(t.TempDir(), "hf")
		if class, err := weights.SaveHuggingFace(hf, m, ""); class != "LxmertForPreTraining" || err != nil {
			t.Fatal(class, err)
		}
		a, _ := m.Hash()
		if b, err := openModel(t, hf).Hash(); a != b {
			t.Errorf("through Hugging Face: another hash (%v)", err)
		}
	})
}

// readBack prints what torch reads, in a form that is easy to compare.
const readBack = `
import sys, torch
path = sys.argv[1]
try:
    d = torch.load(path, weights_only=True)
except TypeError:
    d = torch.load(path)
for k, v in d.items():
    c = v.contiguous()
    raw = c.view(torch.uint8) if c.dim() and c.numel() else c
    print(k, str(v.dtype).split(".")[1], list(v.shape), bytes(raw.flatten().tolist()).hex() if raw.dtype == torch.uint8 and c.dim() else v.tolist(), sep="\t")
print("tied", d["tied ✓"].data_ptr() == d["words"].data_ptr(), sep="\t")
print("note", getattr(d, "note", None), sep="\t")
`

func TestTorchReadsOurFiles(t *testing.T) {
	python := goldentest.Python(t)
	items := allTypes()
	path := filepath.Join(t.TempDir(), "x.pth")
	if err := weights.Write(path, items, map[string]string{"note": "kept"}); err != nil {
		t.Fatal(err)
	}
	cmd := exec.Command(python, "-c", readBack, path)
	cmd.Env = append(os.Environ(), "PYTHONIOENCODING=utf-8", "PYTHONWARNINGS=ignore")
	out, err := cmd.Output()
	if err != nil {
		var exit *exec.ExitError
		if errors.As(err, &exit) {
			t.Fatalf("%v\n%s", err, exit.Stderr)
		}
		t.Fatal(err)
	}
	lines := strings.Split(strings.TrimSpace(string(out)), "\n")
	if len(lines) != len(items)+2 {
		t.Fatalf("torch read %d lines:\n%s", len(lines), out)
	}
	for i, it := range items {
		part := strings.Split(lines[i], "\t")
		if part[0] != it.Name {
			t.Errorf("tensor %d is %s, want %s", i, part[0], it.Name)
		}
		if len(it.Shape) > 0 && it.TiedTo == "" && len(values(t, it)) > 0 {
			if want := hexText(values(t, it)); part[3] != want {
				t.Errorf("%s %s is %s, want %s", it.Name, part[1], part[3], want)
			}
		}
	}
	if lines[len(items)] != "tied\tTrue" || lines[len(items)+1] != "note\tkept" {
		t.Errorf("%q", lines[len(items):])
	}
}

func hexText(b []byte) string {
	const digits = "0123456789abcdef"
	var s strings.Builder
	for _, c := range b {
		s.WriteByte(digits[c>>4])
		s.WriteByte(digits[c&15])
	}
	return s.String()
}

// TestTransposedItemsAreTheFilesMatrix: what the engine keeps as [in,out] is written as [out,in] and read as [in,out].
func TestTransposedItemsAreTheFilesMatrix(t *testing.T) {
	rng := rand.New(rand.NewPCG(1, 2))
	for _, shape := range [][2]int{{1, 1}, {3, 5}, {64, 16}, {65, 33}, {200, 700}, {130, 2048}} {
		engine := make([]float32, shape[0]*shape[1])
		for i := range engine {
			engine[i] = rng.Float32()
		}
		for _, dtype := range []weights.DType{weights.F32, weights.F16} {
			path := filepath.Join(t.TempDir(), "x.pth")
			if err := weights.Write(path, []weights.Item{weights.FromTransposed("w", shape, engine, dtype)}, nil); err != nil {
				t.Fatal(err)
			}
			w := tensor(t, open(t, path), "w")
			file := floats(t, w)
			back := make([]float32, len(engine))
			if err := w.ReadTransposed(back); err != nil {
				t.Fatal(err)
			}
			for o := range shape[0] {
				for i := range shape[1] {
					want := engine[i*shape[0]+o]
					if dtype == weights.F16 {
						want = nearestHalf(want)
					}
					if file[o*shape[1]+i] != want || back[i*shape[0]+o] != want {
						t.Fatalf("%v %s: element %d,%d differs", shape, dtype, o, i)
					}
				}
			}
		}
	}
}

// TestSavedConfigIsCompared: a configuration that the shapes deny is an error that names both.
func TestSavedConfigIsCompared(t *testing.T) {
	goldentest.Each(t, "model", func(t *testing.T, dir string) {
		m := openModel(t, filepath.Join(dir, "tiny", "weights"))
		items, err := m.Items(weights.BF16)
		if err != nil {
			t.Fatal(err)
		}
		wrong := m.Config
		wrong.CrossLayers++
		wrong.Special = lxmert.SpecialIDs{}
		path := filepath.Join(t.TempDir(), "x.pth")
		if err := weights.Save(path, wrong, items, nil); err != nil {
			t.Fatal(err)
		}
		if _, err := weights.OpenModel(path, ""); err == nil || !strings.Contains(err.Error(), "x_layers") {
			t.Errorf("error %v does not name x_layers", err)
		}
	})
}
