//go:build cgo

package nogpu_test

import (
	"bytes"
	"os"
	"slices"
	"strings"
	"testing"

	"github.com/gomlx/compute"
	"github.com/gomlx/compute/dtypes"
	. "github.com/gomlx/gomlx/core/graph"

	"github.com/seed-516990b0/golxmert/lxmert/backend"
	"github.com/seed-516990b0/golxmert/lxmert/backend/backendtest"
	"github.com/seed-516990b0/golxmert/lxmert/internal/nogpu"
	"github.com/seed-516990b0/golxmert/lxmert/internal/program"
	"github.com/seed-516990b0/golxmert/lxmert/internal/xlacalltest"
)

func TestMain(m *testing.M) { backendtest.Main(m) }

type input string

func (in input) String() string { return string(in) }

// product multiplies rows that are split between devices, in place of a third input.
func product(b *program.Builder) []*Node {
	x := b.SplitInput(input("x"), dtypes.Float32, 8, 3)
	y := b.Input(input("y"), dtypes.Float32, 3, 2)
	return []*Node{ReduceAllSum(Dot(x, y).Product()), Add(y, ConvertDType(ConvertDType(y, dtypes.BFloat16), dtypes.Float32))}
}

func inPlaceOfY(s program.Slot) (output int, ok bool) { return 1, s.Input == input("y") }

// TestProgramsAreThoseOfAGPU, to the byte: they are compared with those of a plugin that a backend takes for CUDA's.
func TestProgramsAreThoseOfAGPU(t *testing.T) {
	var taken []nogpu.Program
	const devices = 4
	b, err := nogpu.Open(backendtest.Open(t, "cpu").Plugin, devices, false, func(p nogpu.Program) { taken = append(taken, p) })
	if err != nil {
		t.Fatal(err)
	}
	defer b.Finalize()
	if kind := backend.KindOf(b); kind != backend.KindCUDA || b.NumDevices() != devices {
		t.Errorf("%s with %d devices", kind, b.NumDevices())
	}
	fake, _, _ := backendtest.SeveralAsCUDA(t, devices)
	for _, opt := range []program.Options{{Name: "one", Alias: inPlaceOfY}, {Name: "several", Devices: devices}} {
		p, err := program.Build(b, opt, product)
		if err == nil {
			err = p.Compile()
		}
		if err != nil {
			t.Fatal(err)
		}
		w := &xlacalltest.Watched{Backend: fake.Backend}
		same, err := program.Build(w, opt, product)
		if err == nil {
			err = same.Compile()
		}
		if err != nil {
			t.Fatal(err)
		}
		got := taken[len(taken)-1]
		if want := w.Program(t); string(got.Text) != want {
			t.Errorf("%s: a GPU gets\n%s\nthis is\n%s", opt.Name, want, got.Text)
		}
		if !strings.Contains(string(got.Text), "HIGHEST") || got.Name != opt.Name || got.Devices != max(1, opt.Devices) || len(got.Options) == 0 {
			t.Errorf("%s: %q for %d devices, with %d bytes of options, is\n%s", opt.Name, got.Name, got.Devices, len(got.Options), got.Text)
		}
		returnsZeros(t, b, p)
		p.Free()
		same.Free()
	}
	if len(taken) != 2 || bytes.Equal(taken[0].Options, taken[1].Options) {
		t.Errorf("%d programs were taken, and the options say nothing of devices", len(taken))
	}
	if _, err := nogpu.Open(backendtest.Open(t, "cpu").Plugin, 1, false, nil); err == nil {
		t.Error("a second plugin stands in for a GPU")
	}
}

// returnsZeros runs a program with arrays that are not there.
func returnsZeros(t *testing.T, b compute.Backend, p *program.Program) {
	t.Helper()
	var in []compute.Buffer
	for range p.Devices {
		for _, s := range p.Slots {
			buffer, err := b.BufferFromFlatData(0, make([]float32, s.Shape.Size()), s.Shape)
			if err != nil {
				t.Fatal(err)
			}
			in = append(in, buffer)
		}
	}
	out, err := p.Execute(in, 0)
	if err != nil || len(out) != p.Devices*len(p.Outputs) {
		t.Fatalf("%d outputs, %v", len(out), err)
	}
	results, err := p.Results(out)
	if err != nil || !slices.Equal(results[1].([]float32), make([]float32, 6)) {
		t.Errorf("results are %v, %v", results, err)
	}
}

func TestWhatIsNoPluginIsAnError(t *testing.T) {
	backendtest.Open(t, "cpu")
	file := t.TempDir() + "/xla_cuda_plugin.so"
	if err := os.WriteFile(file, []byte("no library"), 0o600); err != nil {
		t.Fatal(err)
	}
	if _, err := nogpu.Compile(file, nogpu.H100, nogpu.Program{Devices: 1}); err == nil {
		t.Error("it compiles")
	}
}

func TestWhatTheCompilerSaysIsTheError(t *testing.T) {
	cpu := backendtest.Open(t, "cpu").Plugin
	_, err := nogpu.Compile(cpu, nogpu.H100, nogpu.Program{Text: []byte("no program"), Devices: 1})
	if err == nil || !strings.Contains(err.Error(), "not supported for CPU compilation") {
		t.Errorf("the processor's plugin compiles for a GPU: %v", err)
	}
}
