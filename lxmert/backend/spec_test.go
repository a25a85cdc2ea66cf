package backend

import (
	"errors"
	"path/filepath"
	"slices"
	"strings"
	"testing"
)

func TestSpecs(t *testing.T) {
	here, err := filepath.Abs("x.so")
	if err != nil {
		t.Fatal(err)
	}
	for _, c := range []struct {
		spec    string
		kind    Kind
		path    string
		options []string
	}{
		{"", KindAuto, "", nil},
		{"xla", KindXLA, "", nil},
		{"xla:", KindXLA, "", nil},
		{"stablehlo", KindXLA, "", nil},
		{"cpu", KindCPU, "", nil},
		{"xla:cpu", KindCPU, "", nil},
		{"cuda", KindCUDA, "", nil},
		{"cuda,tf32", KindCUDA, "", []string{"tf32"}},
		{"xla:cuda,tf32=true,visible_devices=0;1", KindCUDA, "", []string{"tf32=true", "visible_devices=0;1"}},
		{"xla:,notf32", KindXLA, "", []string{"notf32"}},
		{"xla:/opt/a/xla_cpu_pjrt.so", KindCPU, "/opt/a/xla_cpu_pjrt.so", nil},
		{"xla:/opt/cpu/xla_cuda_plugin.so,preallocate", KindCUDA, "/opt/cpu/xla_cuda_plugin.so", []string{"preallocate"}},
		{"xla:/opt/cuda/xla_cpu_pjrt.so", KindCPU, "/opt/cuda/xla_cpu_pjrt.so", nil},
		{"xla:/opt/thing.so", KindXLA, "/opt/thing.so", nil},
		{"xla:./x.so", KindXLA, here, nil},
		{"xla:x.so", KindXLA, here, nil},
		{"go", KindGo, "", nil},
		{"go:whatever=3", KindGo, "", nil},
	} {
		r, err := parseSpec(c.spec)
		if err != nil || r.kind != c.kind || r.path != c.path || !slices.Equal(r.options, c.options) {
			t.Errorf("%q: %+v, %v", c.spec, r, err)
		}
	}
	for _, spec := range []string{"tpu", "xla:rocm", "Go", "gomlx", "xla:cuda,tf33=1", "cpu,help", "cpu,devices=0", "cpu,devices=x", ":", ",tf32", "cpu:cuda", "xla;cpu"} {
		if r, err := parseSpec(spec); !errors.Is(err, ErrSpec) {
			t.Errorf("%q is taken: %+v, %v", spec, r, err)
		}
	}
}

func TestParityIsTheDefaultOnCUDA(t *testing.T) {
	for spec, want := range map[string][]string{
		"cuda":                         {"tf32=false", "preallocate=false", "memory_fraction=0.9", "shared_buffers=false"},
		"cuda,tf32=true":               {"tf32=true", "preallocate=false", "memory_fraction=0.9", "shared_buffers=false"},
		"cuda,memory_fraction=0.5":     {"memory_fraction=0.5", "tf32=false", "preallocate=false", "shared_buffers=false"},
		"cuda,notf32,preallocate=true": {"notf32", "preallocate=true", "shared_buffers=false"}, // and the plugin's own fraction
	} {
		r, err := parseSpec(spec)
		if got := r.pluginOptions(KindCUDA); err != nil || !slices.Equal(got, want) {
			t.Errorf("%s: %v, %v", spec, got, err)
		}
	}
	for _, spec := range []string{"cpu", "cpu,tf32=true", "cpu,tf32", "xla,tf32=true", "cpu,notf32", "cpu,tf32=false"} { // which the processor has not
		r, err := parseSpec(spec)
		if got := r.pluginOptions(KindCPU); err != nil || !slices.Equal(got, []string{"shared_buffers=true", "devices=1"}) {
			t.Errorf("%s: %v, %v", spec, got, err)
		}
		if asked := spec == "cpu,tf32=true" || spec == "cpu,tf32"; asked != strings.Contains(r.note, "GPU") {
			t.Errorf("%s: the note is %q", spec, r.note)
		}
	}
}

func FuzzSpec(f *testing.F) {
	for _, s := range []string{"", "xla:cuda,tf32=true", "go:x", "xla:/a.so,b", ":::", "xla:,,,"} {
		f.Add(s)
	}
	f.Fuzz(func(t *testing.T, spec string) {
		r, err := parseSpec(spec)
		if err != nil && !errors.Is(err, ErrSpec) {
			t.Errorf("%q: %v", spec, err)
		}
		if err == nil && r.path != "" && !filepath.IsAbs(r.path) {
			t.Errorf("%q: relative path %q", spec, r.path)
		}
	})
}
