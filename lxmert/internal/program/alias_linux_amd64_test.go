//go:build cgo

package program_test

import (
	"slices"
	"strings"
	"testing"

	"github.com/gomlx/compute"
	"github.com/gomlx/compute/dtypes"
	"github.com/gomlx/compute/shapes"
	. "github.com/gomlx/gomlx/core/graph"

	"github.com/seed-516990b0/golxmert/lxmert/backend/backendtest"
	"github.com/seed-516990b0/golxmert/lxmert/internal/program"
	"github.com/seed-516990b0/golxmert/lxmert/internal/xlacalltest"
)

func TestMain(m *testing.M) { backendtest.Main(m) }

type input string

func (in input) String() string { return string(in) }

// sums adds two inputs up, in place of the first, and doubles the second.
func sums(b *program.Builder) []*Node {
	x, y := b.Input(input("x"), dtypes.Float32, 3), b.Input(input("y"), dtypes.Float32, 3)
	return []*Node{MulScalar(y, 2), Add(x, y)}
}

func inPlaceOfX(s program.Slot) (output int, ok bool) { return 1, s.Input == input("x") }

func TestAnOutputTakesThePlaceOfAnInput(t *testing.T) {
	b := backendtest.Open(t, "cpu")
	p, err := program.Build(b.Backend, program.Options{Name: "sums", Alias: inPlaceOfX}, sums)
	if err == nil {
		err = p.Compile()
	}
	if err != nil {
		t.Fatal(err)
	}
	defer p.Free()
	var in []compute.Buffer
	for _, data := range [][]float32{{1, 2, 3}, {10, 20, 30}} {
		buffer, err := b.BufferFromFlatData(0, data, shapes.Make(dtypes.Float32, 3))
		if err != nil {
			t.Fatal(err)
		}
		in = append(in, buffer)
	}
	out, err := p.Execute(in, 0)
	if err != nil {
		t.Fatal(err)
	}
	results, err := p.Results(out)
	if err != nil {
		t.Fatal(err)
	}
	if !slices.Equal(results[0].([]float32), []float32{20, 40, 60}) || !slices.Equal(results[1].([]float32), []float32{11, 22, 33}) {
		t.Errorf("results are %v", results)
	}
	x, y := make([]float32, 3), make([]float32, 3)
	if err := in[0].ToFlatData(x); err == nil {
		t.Errorf("the input whose place was taken is still %v", x)
	}
	if err := in[1].ToFlatData(y); err != nil || !slices.Equal(y, []float32{10, 20, 30}) {
		t.Errorf("the other input is %v, %v", y, err)
	}
	for _, buffer := range in {
		if err := buffer.Finalize(); err != nil {
			t.Error(err)
		}
	}
}

func TestTheCompilerIsToldWhatTakesWhosePlace(t *testing.T) {
	w := &xlacalltest.Watched{Backend: backendtest.Open(t, "cpu").Backend}
	p, err := program.Build(w, program.Options{Name: "sums", Alias: inPlaceOfX}, sums)
	if err == nil {
		err = p.Compile()
	}
	if err != nil {
		t.Fatal(err)
	}
	defer p.Free()
	if text := w.Program(t); strings.Count(text, "tf.aliasing_output = 1 : i32") != 1 || strings.Count(text, "tf.aliasing_output") != 1 {
		t.Errorf("the program is\n%s", text)
	}
}
