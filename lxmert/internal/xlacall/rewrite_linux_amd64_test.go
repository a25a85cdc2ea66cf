//go:build cgo

package xlacall

import (
	"slices"
	"strings"
	"testing"

	"github.com/gomlx/compute/dtypes"
	"github.com/gomlx/go-xla/stablehlo"
	"github.com/gomlx/go-xla/types/shapes"
)

// program is the text of a function that build makes of float32 arrays, rewritten.
func program(t *testing.T, dims [][]int, build func(x []*stablehlo.Value) (*stablehlo.Value, error)) string {
	t.Helper()
	b := stablehlo.New("test")
	fn := b.Main()
	var in []*stablehlo.Value
	for _, d := range dims {
		x, err := fn.Input(shapes.Make(dtypes.Float32, d...))
		if err != nil {
			t.Fatal(err)
		}
		in = append(in, x)
	}
	out, err := build(in)
	if err != nil {
		t.Fatal(err)
	}
	if err := fn.Return(out); err != nil {
		t.Fatal(err)
	}
	rewrite(fn)
	text, err := b.Build()
	if err != nil {
		t.Fatal(err)
	}
	return string(text)
}

func dot(x, y *stablehlo.Value, xSum, xBatch, ySum, yBatch []int) (*stablehlo.Value, error) {
	return stablehlo.DotGeneral(x, xSum, xBatch, y, ySum, yBatch).Done()
}

// numbersOf are those of the calls in a program.
func numbersOf(program string) []string {
	var out []string
	for rest := program; ; {
		_, after, ok := strings.Cut(rest, "numbers = array<i64: ")
		if !ok {
			return out
		}
		numbers, after, _ := strings.Cut(after, ">")
		out, rest = append(out, numbers), after
	}
}

// TestLinearLayer: words of all examples are rows of one product.
func TestLinearLayer(t *testing.T) {
	text := program(t, [][]int{{8, 20, 768}, {768, 3072}}, func(x []*stablehlo.Value) (*stablehlo.Value, error) {
		return dot(x[0], x[1], []int{2}, nil, []int{0}, nil)
	})
	want := "1, 1, 1, 160, 3072, 768, 0, 0, 0, 768, 1, 0, 0, 0, 3072, 1, 0, 0, 0, 3072"
	if got := numbersOf(text); !slices.Equal(got, []string{want}) {
		t.Errorf("%q, want %s in\n%s", got, want, text)
	}
	if strings.Contains(text, "dot_general") {
		t.Errorf("XLA still has a product:\n%s", text)
	}
}

// TestHeads: attention's product with values reads the heads where they lie, and writes them side by side.
func TestHeads(t *testing.T) {
	const batch, heads, words, regions, size = 4, 12, 20, 36, 64
	text := program(t, [][]int{{batch, heads, words, regions}, {batch, regions, heads, size}}, func(x []*stablehlo.Value) (*stablehlo.Value, error) {
		values, err := stablehlo.Transpose(x[1], 0, 2, 1, 3)
		if err != nil {
			return nil, err
		}
		y, err := dot(x[0], values, []int{3}, []int{0, 1}, []int{2}, []int{0, 1})
		if err != nil {
			return nil, err
		}
		return stablehlo.Transpose(y, 0, 2, 1, 3)
	})
	want := "1, 4, 12, 20, 64, 36, 0, 8640, 720, 36, 1, 0, 27648, 64, 768, 1, 0, 15360, 64, 768"
	if got := numbersOf(text); !slices.Equal(got, []string{want}) {
		t.Errorf("%q, want %s in\n%s", got, want, text)
	}
}

// TestGradientOfAWeight: a transposed result is the product of the other two.
func TestGradientOfAWeight(t *testing.T) {
	text := program(t, [][]int{{160, 3072}, {160, 768}}, func(x []*stablehlo.Value) (*stablehlo.Value, error) {
		y, err := dot(x[0], x[1], []int{0}, nil, []int{0}, nil)
		if err != nil {
			return nil, err
		}
		return stablehlo.Transpose(y, 1, 0)
	})
	want := "1, 1, 1, 768, 3072, 160, 0, 0, 0, 1, 768, 0, 0, 0, 3072, 1, 0, 0, 0, 3072"
	if got := numbersOf(text); !slices.Equal(got, []string{want}) {
		t.Errorf("%q, want %s in\n%s", got, want, text)
	}
}

// TestStaysWithXLA: what is too small for a call, of another type, or a sum to one number.
func TestStaysWithXLA(t *testing.T) {
	for name, text := range map[string]string{
		"small": program(t, [][]int{{4, 8}, {8, 4}}, func(x []*stablehlo.Value) (*stablehlo.Value, error) {
			return dot(x[0], x[1], []int{1}, nil, []int{0}, nil)
		}),
		"one number": program(t, [][]int{{10000}, {10000}}, func(x []*stablehlo.Value) (*stablehlo.Value, error) {
			return dot(x[0], x[1], []int{0}, nil, []int{0}, nil)
		}),
		"empty": program(t, [][]int{{100, 0}, {0, 100}}, func(x []*stablehlo.Value) (*stablehlo.Value, error) {
			return dot(x[0], x[1], []int{1}, nil, []int{0}, nil)
		}),
		"bfloat16": program(t, [][]int{{64, 64}}, func(x []*stablehlo.Value) (*stablehlo.Value, error) {
			y, err := stablehlo.Convert(x[0], dtypes.BFloat16)
			if err != nil {
				return nil, err
			}
			return dot(y, y, []int{1}, nil, []int{0}, nil)
		}),
	} {
		if len(numbersOf(text)) > 0 || !strings.Contains(text, "dot_general") {
			t.Errorf("%s: the product is not XLA's in\n%s", name, text)
		}
	}
}

// TestTransposedResultThatOthersRead: a product that is read twice is written as it is.
func TestTransposedResultThatOthersRead(t *testing.T) {
	text := program(t, [][]int{{32, 32}}, func(x []*stablehlo.Value) (*stablehlo.Value, error) {
		y, err := dot(x[0], x[0], []int{1}, nil, []int{0}, nil)
		if err != nil {
			return nil, err
		}
		z, err := stablehlo.Transpose(y, 1, 0)
		if err != nil {
			return nil, err
		}
		return stablehlo.Add(y, z)
	})
	if len(numbersOf(text)) != 1 || !strings.Contains(text, "stablehlo.transpose") {
		t.Errorf("in\n%s", text)
	}
}
