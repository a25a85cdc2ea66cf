package xlabuilder

import "github.com/gomlx/compute"

// TF32 is a backend whose programs multiply float32 numbers by TensorFloat-32 where it is a GPU. XLA in Go has that as a choice for
// all programs of a backend.
func TF32(b compute.Backend) compute.Backend { return &tf32Backend{b} }

type tf32Backend struct{ compute.Backend }

func (b *tf32Backend) Builder(name string) compute.Builder {
	inner := b.Backend.Builder(name)
	useTF32(inner)
	return inner
}
