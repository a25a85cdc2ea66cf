package weights

import (
	"archive/zip"
	"os"
	"path/filepath"
	"testing"

	"github.com/seed-516990b0/golxmert/internal/goldentest"
)

// written returns what Write makes of two small tensors.
func written(f *testing.F, name string) []byte {
	f.Helper()
	path := filepath.Join(f.TempDir(), name)
	words := FromFloats("bert.embeddings.word_embeddings.weight", []int{2, 3}, []float32{1, 2, 3, 4, 5, 6}, F32)
	items := []Item{words, FromFloats("b", []int{2}, []float32{1, 2}, F16), {Name: "t", DType: F32, Shape: words.Shape, TiedTo: words.Name}}
	if err := Write(path, items, map[string]string{ConfigKey: `{"hidden_size":3}`}); err != nil {
		f.Fatal(err)
	}
	data, err := os.ReadFile(path)
	if err != nil {
		f.Fatal(err)
	}
	return data
}

func fuzz(f *testing.F) {
	f.Fuzz(func(t *testing.T, data []byte) {
		if len(data) > 1<<20 {
			t.Skip()
		}
		check(t, "fuzzed", data, len(data)%2 == 0)
	})
}

// FuzzSafetensors looks for .safetensors files that crash, hang or take too much memory.
func FuzzSafetensors(f *testing.F) {
	f.Add(written(f, "x.safetensors"))
	f.Add([]byte("\x02\x00\x00\x00\x00\x00\x00\x00{}"))
	f.Add([]byte("\x43\x00\x00\x00\x00\x00\x00\x00" + `{"a":{"dtype":"U8","shape":[1,1],"data_offsets":[0,1]}}           x`))
	f.Add([]byte(`{"weight_map":{"a":"b.safetensors"}}`))
	for _, dir := range goldentest.Folders(f, "model") {
		f.Add(readFile(f, dir, "checkpoints", "edge_expected.safetensors"))
	}
	fuzz(f)
}

// FuzzPth looks for .pth files of both formats that do.
func FuzzPth(f *testing.F) {
	f.Add(written(f, "x.pth"))
	f.Add(zipOf(f, tensorProgram(4, 0, dims(2, 2), dims(1, 2))))
	f.Add(zipOf(f, "\x80\x04\x95\x02\x00\x00\x00\x00\x00\x00\x00}\x94."))
	f.Add(zipWith(f, zip.Deflate, "a/data.pkl", "\x80\x02N."))
	f.Add(legacyOf(tensorProgram(4, 0, dims(4), dims(1)), "\x80\x02](X\x01\x00\x00\x000e.", "\x04\x00\x00\x00\x00\x00\x00\x000123456789abcdef"))
	for _, name := range append(extrasFiles, "extras_module_zip.pth", "extras_module_legacy.pth") {
		f.Add(readFile(f, "testdata", name))
	}
	for _, dir := range goldentest.Folders(f, "model") {
		f.Add(readFile(f, dir, "checkpoints", "edge_legacy.pth"))
		f.Add(readFile(f, dir, "checkpoints", "edge_zip.pth"))
	}
	fuzz(f)
}
