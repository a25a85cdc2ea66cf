package backend

import (
	"bytes"
	"context"
	"errors"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"testing"

	"github.com/gomlx/compute/gobackend"

	_ "github.com/seed-516990b0/golxmert/lxmert/speed" // what rows and products are tested of
)

func TestMain(m *testing.M) {
	MaybeProbe()
	os.Exit(m.Run())
}

// fakeMachine is a machine with nothing on it, whose plugins all load unless their name says otherwise.
func fakeMachine(t *testing.T) (*machine, map[string]string) {
	t.Helper()
	root, env := t.TempDir(), map[string]string{}
	m := &machine{
		os: "linux", arch: "amd64", root: root, canXLA: true,
		home: filepath.Join(root, "home"), cache: filepath.Join(root, "cache"),
		getenv: func(name string) string { return env[name] },
		probe: func(_ context.Context, path string) probeResult {
			if strings.Contains(filepath.Base(path), "broken") {
				return probeResult{Err: "crashes (segmentation fault)"}
			}
			return probeResult{API: "0.1", Devices: []string{"fake"}}
		},
		load: func(path string, _ Kind, _ []string) (loaded, error) {
			if strings.Contains(filepath.Base(path), "liar") {
				return loaded{}, errors.New("not in this process")
			}
			b, err := gobackend.New("ops_sequential")
			return loaded{backend: b, api: "0.1", devices: []string{"fake"}}, err
		},
	}
	return m, env
}

// putPlugin writes the smallest file that looks like a shared library for linux/amd64.
func putPlugin(t *testing.T, parts ...string) string {
	t.Helper()
	path := filepath.Join(parts...)
	elf := make([]byte, 64)
	copy(elf, "\x7fELF\x02\x01\x01")
	elf[16], elf[18], elf[20] = 3, 62, 1 // ET_DYN, x86-64, version
	elf[52], elf[54], elf[58] = 64, 56, 64
	putFile(t, path, string(elf))
	return path
}

func putFile(t *testing.T, path, text string) {
	t.Helper()
	if err := os.MkdirAll(filepath.Dir(path), 0o755); err != nil {
		t.Fatal(err)
	}
	if err := os.WriteFile(path, []byte(text), 0o755); err != nil {
		t.Fatal(err)
	}
}

func TestOpenTakesTheBestThatWorks(t *testing.T) {
	const (
		cpu  = "site/xla_plugins/xla_cpu_pjrt/xla_cpu_pjrt.so"
		cuda = "site/jax_plugins/xla_cuda13/xla_cuda_plugin.so"
	)
	for _, c := range []struct {
		name    string
		plugins []string
		files   []string // others, such as devices
		env     string   // GOMLX_BACKEND
		spec    string
		want    Kind
		plugin  string
		log     string
		err     string
	}{
		{name: "nothing there", want: KindGo, log: "lxmert backend install cpu"},
		{name: "nothing but a GPU", files: []string{"dev/nvidia0"}, want: KindGo, log: "lxmert backend install cuda"},
		{name: "CPU plugin", plugins: []string{cpu}, want: KindCPU, plugin: cpu},
		{name: "both, no GPU", plugins: []string{cpu, cuda}, want: KindCPU, plugin: cpu},
		{name: "both and a GPU", plugins: []string{cpu, cuda}, files: []string{"dev/nvidia0"}, want: KindCUDA, plugin: cuda},
		{name: "GPU under /proc", plugins: []string{cuda}, files: []string{"proc/driver/nvidia/gpus/0000:01:00.0/x"}, want: KindCUDA, plugin: cuda},
		{name: "a GPU but no CUDA plugin", plugins: []string{cpu}, files: []string{"dev/nvidia0"}, want: KindCPU, plugin: cpu, log: "lxmert backend install cuda"},
		{name: "CPU asked for on a GPU machine", plugins: []string{cpu, cuda}, files: []string{"dev/nvidia0"}, spec: "cpu", want: KindCPU, plugin: cpu},
		{name: "best XLA", plugins: []string{cpu, cuda}, files: []string{"dev/nvidia0"}, spec: "xla", want: KindCUDA, plugin: cuda},
		{name: "CUDA asked for without a GPU in sight", plugins: []string{cuda}, spec: "cuda", want: KindCUDA, plugin: cuda},
		{name: "broken, then a good one", plugins: []string{"own/broken_pjrt_plugin_cpu.so", "own/pjrt_c_api_cpu_broken_plugin.so", cpu}, want: KindCPU, plugin: cpu, log: "skipped"},
		{name: "only a broken one", plugins: []string{"own/pjrt_c_api_cpu_broken_plugin.so"}, want: KindGo, log: "crashes (segmentation fault)"},
		{name: "works in the child only", plugins: []string{"own/pjrt_c_api_cpu_liar_plugin.so"}, want: KindGo, log: "not in this process"},
		{name: "only a broken one, XLA asked for", plugins: []string{"own/pjrt_c_api_cpu_broken_plugin.so"}, spec: "xla", err: "crashes (segmentation fault)"},
		{name: "no CPU plugin", spec: "xla:cpu", err: "lxmert backend install cpu"},
		{name: "no CUDA plugin", plugins: []string{cpu}, spec: "cuda", err: "lxmert backend install cuda"},
		{name: "CUDA asked for without a GPU", plugins: []string{cpu, "own/pjrt_c_api_cuda_broken_plugin.so"}, spec: "cuda", err: `this machine has no NVIDIA GPU (no /dev/nvidia*, no nvidia-smi); the backend "cpu" computes on the processor`},
		{name: "a GPU, and a CUDA plugin that does not work", plugins: []string{"own/pjrt_c_api_cuda_broken_plugin.so"}, files: []string{"dev/nvidia0"}, spec: "cuda", err: "lxmert backend install cuda"},
		{name: "environment says go", plugins: []string{cpu}, env: "go", want: KindGo},
		{name: "environment says go in parallel", plugins: []string{cpu}, env: "go:ops_parallel", want: KindGo, log: "GOMLX_BACKEND=go:ops_parallel: opened as go:ops_sequential instead"},
		{name: "environment says xla", plugins: []string{cpu}, env: "xla", want: KindCPU, plugin: cpu},
		{name: "spec beats environment", plugins: []string{cpu}, env: "go", spec: "cpu", want: KindCPU, plugin: cpu},
		{name: "environment says nonsense", plugins: []string{cpu}, env: "tpu9", err: "GOMLX_BACKEND"},
		{name: "blank spec", spec: "  ", plugins: []string{cpu}, want: KindCPU, plugin: cpu},
	} {
		t.Run(c.name, func(t *testing.T) {
			m, env := fakeMachine(t)
			env["PJRT_PLUGIN_LIBRARY_PATH"] = filepath.Join(m.root, "own") + ":" + filepath.Join(m.root, "site")
			env["GOMLX_BACKEND"] = c.env
			for _, p := range c.plugins {
				putPlugin(t, m.root, p)
			}
			for _, f := range c.files {
				putFile(t, filepath.Join(m.root, f), "")
			}
			// What opens is ready, and what is not does not open. Only opening shows that a plugin works in a child alone.
			if ready := m.ready(t.Context(), c.spec); (ready == nil) != (c.err == "") || ready != nil && !strings.Contains(ready.Error(), c.err) {
				t.Errorf("ready says %v, want an error with %q", ready, c.err)
			}
			var log bytes.Buffer
			b, err := m.open(t.Context(), c.spec, &log)
			if c.err != "" {
				if err == nil || !strings.Contains(err.Error(), c.err) {
					t.Fatalf("error %v, want one with %q", err, c.err)
				}
				if !errors.Is(err, ErrNotFound) && !errors.Is(err, ErrSpec) {
					t.Errorf("error %v wraps no sentinel", err)
				}
				return
			}
			if err != nil {
				t.Fatal(err)
			}
			plugin, _ := filepath.Rel(m.root, b.Plugin)
			if b.Plugin == "" {
				plugin = ""
			}
			if b.Kind != c.want || plugin != c.plugin {
				t.Errorf("took %s %s, want %s %s", b.Kind, plugin, c.want, c.plugin)
			}
			if !strings.Contains(log.String(), c.log) {
				t.Errorf("log %q has no %q", log.String(), c.log)
			}
			lines := strings.Split(strings.TrimSpace(log.String()), "\n")
			if last := lines[len(lines)-1]; !strings.Contains(last, string(c.want)) {
				t.Errorf("the last line %q does not say what was taken", last)
			}
		})
	}
}

func TestGoBackendIsAlwaysSequential(t *testing.T) {
	for _, spec := range []string{"go", "go:", "go:ops_parallel", "go:parallelism=8", "go:ops_sequential,ops_parallel", "go,ops_parallel"} {
		m, _ := fakeMachine(t)
		var log bytes.Buffer
		b, err := m.open(t.Context(), spec, &log)
		if err != nil {
			t.Fatalf("%s: %v", spec, err)
		}
		if b.Spec != GoSpec || !strings.Contains(log.String(), GoSpec) {
			t.Errorf("%s: opened as %q, log %q", spec, b.Spec, log.String())
		}
	}
}

func TestBrokenFilesAreListedWithTheReasonAndPassedOver(t *testing.T) {
	m, env := fakeMachine(t)
	dir := filepath.Join(m.root, "plugins")
	env["PJRT_PLUGIN_LIBRARY_PATH"] = dir
	whole, err := os.ReadFile(putPlugin(t, dir, "pjrt_c_api_cpu_z_plugin.so"))
	if err != nil {
		t.Fatal(err)
	}
	arm := slices.Clone(whole)
	arm[18] = 183
	for name, text := range map[string]string{
		"pjrt_c_api_cpu_a_plugin.so": "not a library, but prose", "pjrt_c_api_cpu_b_plugin.so": "",
		"pjrt_c_api_cpu_c_plugin.so": "\x7fELF" + strings.Repeat("\xff", 200), "pjrt_c_api_cpu_d_plugin.so": string(arm),
	} {
		putFile(t, filepath.Join(dir, name), text)
	}
	list, err := m.list(t.Context(), "")
	if err != nil {
		t.Fatal(err)
	}
	want := []string{"is not a shared library", "is empty", "is not a shared library", "AARCH64", ""}
	if len(list) != len(want)+1 {
		t.Fatalf("%d entries: %+v", len(list), list)
	}
	for i, w := range want {
		if !strings.Contains(list[i].Err, w) || list[i].Loads != (w == "") || list[i].Chosen != (w == "") {
			t.Errorf("%s: loads %v, chosen %v, reason %q, want %q", list[i].Path, list[i].Loads, list[i].Chosen, list[i].Err, w)
		}
	}
	b, err := m.open(t.Context(), "", nil)
	if err != nil || filepath.Base(b.Plugin) != "pjrt_c_api_cpu_z_plugin.so" {
		t.Errorf("opened %v, %v", b, err)
	}
}

func TestListAgreesWithOpen(t *testing.T) {
	for _, spec := range []string{"", "xla", "cpu", "cuda", "go", "nonsense"} {
		for _, gpu := range []bool{false, true} {
			m, env := fakeMachine(t)
			env["PJRT_PLUGIN_LIBRARY_PATH"] = m.root
			putPlugin(t, m.root, "xla_cpu_pjrt.so")
			putPlugin(t, m.root, "xla_cuda_plugin.so")
			if gpu {
				putFile(t, filepath.Join(m.root, "dev/nvidia3"), "")
			}
			list, listErr := m.list(t.Context(), spec)
			b, err := m.open(t.Context(), spec, nil)
			if len(list) != 3 || errors.Is(listErr, ErrSpec) != errors.Is(err, ErrSpec) {
				t.Errorf("%q: %d entries, %v; open says %v", spec, len(list), listErr, err)
			}
			for _, c := range list {
				if c.Chosen && (b == nil || c.Kind != b.Kind || c.Path != b.Plugin) {
					t.Errorf("%q, GPU %v: the list chooses %s, open %+v (%v)", spec, gpu, c.Kind, b, err)
				}
			}
		}
	}
}

func TestGoodPluginIsTriedOnceUntilItChanges(t *testing.T) {
	m, env := fakeMachine(t)
	env["PJRT_PLUGIN_LIBRARY_PATH"] = m.root
	path := putPlugin(t, m.root, "xla_cpu_pjrt.so")
	tries := 0
	m.probe = func(context.Context, string) probeResult {
		tries++
		return probeResult{API: "0.1", Devices: []string{"fake"}}
	}
	open := func(want int) {
		t.Helper()
		if _, err := m.open(t.Context(), "", nil); err != nil || tries != want {
			t.Fatalf("tried %d times, want %d; %v", tries, want, err)
		}
	}
	open(1)
	open(1)
	putFile(t, path, "\x7fELF") // no longer a plugin
	open(1)
	putPlugin(t, m.root, "xla_cpu_pjrt.so")
	if err := os.Truncate(path, 100); err != nil {
		t.Fatal(err)
	}
	open(2)

	// What cannot be read, or says nothing, is tried again.
	if err := os.WriteFile(m.noteFile(path), []byte(`{"devices":[]}`), 0o644); err != nil {
		t.Fatal(err)
	}
	open(3)
	m.cache = "" // nowhere to remember
	open(4)
	open(5)
}

func TestExplicitPathIsOpenedDirectly(t *testing.T) {
	m, _ := fakeMachine(t)
	path := putPlugin(t, m.root, "my_cuda_thing.so")
	m.probe = func(context.Context, string) probeResult { t.Error("tried in a child"); return probeResult{} }
	var got []string
	load := m.load
	m.load = func(p string, k Kind, options []string) (loaded, error) {
		got = options
		return load(p, k, options)
	}
	b, err := m.open(t.Context(), "xla:"+path+",visible_devices=0;1", nil)
	if err != nil || b.Plugin != path || b.Kind != KindCUDA {
		t.Fatalf("%+v, %v", b, err)
	}
	want := []string{"visible_devices=0;1", "tf32=false", "preallocate=false", "memory_fraction=0.9", "shared_buffers=false"}
	if !slices.Equal(got, want) || b.Spec != "xla:"+path+","+strings.Join(want, ",") {
		t.Errorf("options %v, spec %s", got, b.Spec)
	}
	if again, err := m.open(t.Context(), b.Spec, nil); err != nil || again.Spec != b.Spec {
		t.Errorf("its spec opens %+v, %v", again, err)
	}
	if _, err := m.open(t.Context(), "xla:"+filepath.Join(m.root, "absent.so"), nil); err == nil || !strings.Contains(err.Error(), "absent.so") {
		t.Errorf("missing file: %v", err)
	}
}

func TestACUDAPluginByItsPathNeedsAGPUToo(t *testing.T) {
	for _, name := range []string{"cuda_liar.so", "cuda_broken.so"} {
		m, _ := fakeMachine(t)
		path := putPlugin(t, m.root, name)
		check := m.ready // as tried in a child
		if name == "cuda_liar.so" {
			check = func(ctx context.Context, spec string) error { _, err := m.open(ctx, spec, nil); return err }
		}
		if err := check(t.Context(), "xla:"+path); err == nil || !strings.Contains(err.Error(), path) || !strings.Contains(err.Error(), "this machine has no NVIDIA GPU") {
			t.Errorf("%s: %v", name, err)
		}
		putFile(t, filepath.Join(m.root, "dev/nvidia0"), "")
		if err := check(t.Context(), "xla:"+path); err == nil || strings.Contains(err.Error(), "no NVIDIA GPU") {
			t.Errorf("%s, with a GPU: %v", name, err)
		}
	}
}

func TestProgramWithoutXLAUsesGo(t *testing.T) {
	m, env := fakeMachine(t)
	m.canXLA = false
	env["PJRT_PLUGIN_LIBRARY_PATH"] = m.root
	path := putPlugin(t, m.root, "xla_cpu_pjrt.so")
	b, err := m.open(t.Context(), "", nil)
	if err != nil || b.Kind != KindGo || !strings.Contains(b.Why, "cgo") {
		t.Errorf("%+v, %v", b, err)
	}
	for _, spec := range []string{"xla", "cpu", "xla:" + path} {
		if _, err := m.open(t.Context(), spec, nil); err == nil || !strings.Contains(err.Error(), "built without XLA") {
			t.Errorf("%s: %v", spec, err)
		}
	}
}

func TestOpenStopsWithItsContext(t *testing.T) {
	m, env := fakeMachine(t)
	env["PJRT_PLUGIN_LIBRARY_PATH"] = m.root
	putPlugin(t, m.root, "xla_cpu_pjrt.so")
	ctx, cancel := context.WithCancel(t.Context())
	cancel()
	if _, err := m.open(ctx, "", nil); !errors.Is(err, context.Canceled) {
		t.Errorf("error %v", err)
	}
}
