package weights_test

import (
	"fmt"
	"log"
	"os"
	"path/filepath"

	"github.com/seed-516990b0/golxmert/lxmert/weights"
)

// Tensors are written to a .pth that PyTorch reads too, and looked at again.
func Example() {
	dir, err := os.MkdirTemp("", "weights")
	if err != nil {
		log.Fatal(err)
	}
	defer os.RemoveAll(dir)
	path := filepath.Join(dir, "small.pth")
	words := weights.FromFloats("bert.embeddings.word_embeddings.weight", []int{2, 3}, []float32{1, 2, 3, 4, 5, 6}, weights.F16)
	if err := weights.Write(path, []weights.Item{words, weights.TiedDecoder(words)}, nil); err != nil {
		log.Fatal(err)
	}

	f, err := weights.Open(path)
	if err != nil {
		log.Fatal(err)
	}
	defer f.Close()
	fmt.Println(f.Format)
	for _, name := range f.Names() {
		t, _ := f.Tensor(name)
		values, err := t.Float32s()
		fmt.Println(name, t.DType, t.Shape, values, err)
	}
	// Output:
	// pth (zip)
	// bert.embeddings.word_embeddings.weight F16 [2 3] [1 2 3 4 5 6] <nil>
	// cls.predictions.decoder.weight F16 [2 3] [1 2 3 4 5 6] <nil>
}

// Whatever a file calls them, a model's parameters have the reference's names.
func ExampleCanonical() {
	fmt.Println(weights.Canonical("module.bert.embeddings.LayerNorm.gamma"))
	fmt.Println(weights.Canonical("lxrt_encoder.model.module.bert.pooler.dense.bias"))
	fmt.Println(weights.Canonical("lxmert.pooler.dense.bias"))
	// Output:
	// bert.embeddings.LayerNorm.weight
	// bert.pooler.dense.bias
	// bert.pooler.dense.bias
}
