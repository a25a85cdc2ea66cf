package relevance_test

import (
	"math/rand/v2"
	"path/filepath"
	"strings"
	"testing"

	"github.com/seed-516990b0/golxmert/lxmert/backend/backendtest"
	"github.com/seed-516990b0/golxmert/lxmert/lxrt"
	"github.com/seed-516990b0/golxmert/lxmert/weights"
)

// taskWeights are a golden model's, with a fine-tuned head of random weights.
type taskWeights struct{ *weights.Model }

func (w taskWeights) Shape(name string) []int {
	for _, p := range w.Config.Params() {
		if p.Name == name {
			return p.Shape
		}
	}
	return nil
}

func (w taskWeights) Read(name string, dst []float32, transposed bool) error {
	if strings.HasPrefix(name, "logit_fc.") {
		random := rand.New(rand.NewPCG(1, uint64(len(dst))))
		for i := range dst {
			dst[i] = float32(random.NormFloat64()) / 2
			if strings.HasSuffix(name, ".2.weight") {
				dst[i]++
			}
		}
		return nil
	}
	t, _ := w.Tensor(name)
	if transposed {
		return t.ReadTransposed(dst)
	}
	return t.ReadFloat32(dst)
}

func (w taskWeights) Provenance() (file, hash string, err error) {
	hash, err = w.Hash()
	return filepath.Base(w.File.Path), hash, err
}

// taskClasses of the head.
const taskClasses = 3

// withTask is the golden model of a folder with a fine-tuned head about one or two pictures.
func withTask(t *testing.T, folder string, images int, mask int32) *engine {
	t.Helper()
	w, err := weights.OpenModel(filepath.Join(folder, "weights.safetensors"), "")
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { w.Close() })
	w.Config.TaskClasses, w.Config.TaskImages = taskClasses, images
	w.Config.Special.Mask = mask
	m, err := lxrt.New(backendtest.Open(t, "go").Backend, w.Config, taskWeights{w}, lxrt.Options{})
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { m.Close() })
	return &engine{Engine: m}
}
