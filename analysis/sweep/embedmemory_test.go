package sweep

import (
	"fmt"
	"os"
	"path/filepath"
	"testing"

	"github.com/seed-516990b0/golxmert/lxmert/dataset"
)

// TestEmbeddingsTakeNoMoreMemoryTheMoreRowsThereAre measures what is held after each file is begun, in a run of many files. The second half
// of the run may hold no more than the first, but for an eighth of what that half's activations take: whoever kept them all, or one of
// four, would be found, and what else a process holds is far less. In pure Go the engine's buffers are on the same heap.
func TestEmbeddingsTakeNoMoreMemoryTheMoreRowsThereAre(t *testing.T) {
	m, asker, pictures := tiny(t)
	const examples, perFile = 1024, 32
	data := &Data{Name: "many", Asker: asker, Set: &dataset.Set{Task: dataset.VQA, Dim: m.Config().FeatDim}}
	for i := range examples {
		data.Set.Examples = append(data.Set.Examples, dataset.Example{ID: fmt.Sprint(i), Class: -1, Images: pictures[i%len(pictures) : i%len(pictures)+1],
			Text: []string{"what color is the man ?", "is it", "a dog on the table"}[i%3]})
	}
	dir := t.TempDir()
	var held [2]uint64 // the most, in each half
	_, err := Embed(t.Context(), m, data, dir, EmbedOptions{Want: []string{"hid.t.*", "hid.i.*", "x.*.ti"}, PerFile: perFile, Batch: 32, Progress: func(done, total int) {
		if done%perFile == 0 && done >= 4*perFile { // files are written one behind the other by then
			half := min(1, 2*done/(total+1))
			held[half] = max(held[half], heap())
		}
	}})
	if err != nil {
		t.Fatal(err)
	}
	files, err := filepath.Glob(filepath.Join(dir, "*.safetensors"))
	if err != nil || len(files) != examples/perFile {
		t.Fatalf("%d files, %v", len(files), err)
	}
	written := int64(0)
	for _, f := range files {
		info, err := os.Stat(f)
		if err != nil {
			t.Fatal(err)
		}
		written += info.Size()
	}
	t.Logf("%d bytes written, at most %d and %d held", written, held[0], held[1])
	if held[0] == 0 || held[1] > held[0]+uint64(written/16) {
		t.Errorf("of %d bytes that are written at most %d are held in the first half of the run, %d in the second", written, held[0], held[1])
	}
}
