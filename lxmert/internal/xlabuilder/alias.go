package xlabuilder

import "github.com/gomlx/compute"

// Aliased is a backend whose programs give outputs the memory of inputs that are donated to them: outputs are those by the numbers of
// inputs, and are read when a program is compiled. XLA in Go offers no way to ask for that.
func Aliased(b compute.Backend, outputs map[int]int) compute.Backend { return &backend{b, outputs} }

type backend struct {
	compute.Backend
	outputs map[int]int
}

func (b *backend) Builder(name string) compute.Builder {
	return &builder{b.Backend.Builder(name), b.outputs}
}

type builder struct {
	compute.Builder
	outputs map[int]int
}

// Inner is the builder behind this one.
func (b *builder) Inner() compute.Builder { return b.Builder }

func (b *builder) Compile() (compute.Executable, error) {
	alias(b.Builder, b.outputs)
	return b.Builder.Compile()
}
