package backend

import (
	"os"
	"path/filepath"
	"strings"
	"testing"
)

func TestPluginsAreFoundWhereTheyAreInstalled(t *testing.T) {
	const (
		cpuWheelFile  = "xla_plugins/xla_cpu_pjrt/xla_cpu_pjrt.so"
		cudaWheelFile = "jax_plugins/xla_cuda13/xla_cuda_plugin.so"
		site          = "lib/python3.12/site-packages"
	)
	for _, c := range []struct {
		name, file string
		kind       Kind
		env        map[string]string // %ROOT% is the machine's root
	}{
		{"our own", "cache/pjrt/cpu/xla_cpu_pjrt.so", KindCPU, nil},
		{"our own, through go-xla's installer", "cache/pjrt/cpu/pjrt_c_api_cpu_v0.114.0_plugin.so", KindCPU, nil},
		{"our own CUDA", "cache/pjrt/cuda/" + cudaWheelFile, KindCUDA, nil},
		{"go-xla's", "home/.local/lib/go-xla/pjrt_c_api_cpu_v0.114.0_plugin.so", KindCPU, nil},
		{"go-xla's CUDA", "home/.local/lib/go-xla/nvidia/pjrt_c_api_cuda_plugin.so", KindCUDA, nil},
		{"go-xla's, for all users", "usr/local/lib/go-xla/pjrt_c_api_cpu_plugin.so", KindCPU, nil},
		{"LD_LIBRARY_PATH", "x/pjrt-plugin-cpu.so", KindCPU, map[string]string{"LD_LIBRARY_PATH": "relative:%ROOT%/x"}},
		{"a folder of plugins", "x/xla_cpu_pjrt.so", KindCPU, map[string]string{"PJRT_PLUGIN_LIBRARY_PATH": "%ROOT%/x"}},
		{"a folder with signs that globs read", "x[1]*/xla_cpu_pjrt.so", KindCPU, map[string]string{"PJRT_PLUGIN_LIBRARY_PATH": "%ROOT%/x[1]*"}},
		{"virtual environment", "v/" + site + "/" + cpuWheelFile, KindCPU, map[string]string{"VIRTUAL_ENV": "%ROOT%/v"}},
		{"virtual environment, CUDA", "v/" + site + "/" + cudaWheelFile, KindCUDA, map[string]string{"VIRTUAL_ENV": "%ROOT%/v"}},
		{"Conda", "c/" + site + "/" + cudaWheelFile, KindCUDA, map[string]string{"CONDA_PREFIX": "%ROOT%/c"}},
		{"python3 on PATH", "p/" + site + "/" + cpuWheelFile, KindCPU, map[string]string{"PATH": "/nowhere:%ROOT%/p/bin"}},
		{"a link to a python3", "q/" + site + "/" + cpuWheelFile, KindCPU, map[string]string{"PATH": "%ROOT%/linked"}},
		{"pyenv", "pyenv/versions/3.12.1/" + site + "/" + cpuWheelFile, KindCPU, map[string]string{"PATH": "%ROOT%/pyenv/shims"}},
		{"the user's packages", "home/.local/" + site + "/" + cpuWheelFile, KindCPU, nil},
		{"the system's packages", "usr/lib/python3/dist-packages/" + cpuWheelFile, KindCPU, nil},
	} {
		t.Run(c.name, func(t *testing.T) {
			m, env := fakeMachine(t)
			for k, v := range c.env {
				env[k] = strings.ReplaceAll(v, "%ROOT%", m.root)
			}
			for _, exe := range []string{"p/bin/python3", "q/bin/python3.12", "pyenv/shims/python3"} {
				putFile(t, filepath.Join(m.root, exe), "#!/bin/sh\n")
			}
			putFile(t, filepath.Join(m.root, "pyenv/version"), "3.12.1\n")
			if err := os.Mkdir(filepath.Join(m.root, "linked"), 0o755); err != nil {
				t.Fatal(err)
			}
			if err := os.Symlink(filepath.Join(m.root, "q/bin/python3.12"), filepath.Join(m.root, "linked/python3")); err != nil {
				t.Skip(err)
			}
			path := putPlugin(t, m.root, c.file)
			found := m.search(c.kind, m.places())
			if len(found) != 1 || found[0].path != path || found[0].kind != c.kind || found[0].where == "" {
				t.Errorf("found %+v, want %s", found, path)
			}
			if kindOfFile(path) != c.kind {
				t.Errorf("%s is taken for %q", path, kindOfFile(path))
			}
		})
	}
}

func TestWhatTheUserSetComesFirst(t *testing.T) {
	m, env := fakeMachine(t)
	env["PJRT_PLUGIN_LIBRARY_PATH"] = filepath.Join(m.root, "mine")
	env["VIRTUAL_ENV"] = filepath.Join(m.root, "v")
	var want []string
	for _, p := range []string{
		"mine/xla_cpu_pjrt.so", "cache/pjrt/cpu/xla_cpu_pjrt.so", "home/.local/lib/go-xla/pjrt_c_api_cpu_plugin.so",
		"v/lib/python3.12/site-packages/xla_plugins/xla_cpu_pjrt/xla_cpu_pjrt.so",
	} {
		want = append(want, putPlugin(t, m.root, p))
	}
	link := filepath.Join(m.root, "mine", "pjrt_c_api_cpu_plugin.so") // the same file under another name
	if err := os.Symlink(want[0], link); err != nil {
		t.Skip(err)
	}
	found := m.search(KindCPU, m.places())
	if len(found) != len(want) {
		t.Fatalf("found %d: %+v", len(found), found)
	}
	for i := range want {
		if found[i].path != want[i] {
			t.Errorf("place %d: %s, want %s", i, found[i].path, want[i])
		}
	}
}

func TestNewerCUDAComesFirst(t *testing.T) {
	m, env := fakeMachine(t)
	env["VIRTUAL_ENV"] = m.root
	for _, v := range []string{"xla_cuda12", "xla_cuda13"} {
		putPlugin(t, m.root, "lib/python3.12/site-packages/jax_plugins", v, "xla_cuda_plugin.so")
	}
	found := m.search(KindCUDA, m.places())
	if len(found) != 2 || filepath.Base(filepath.Dir(found[0].path)) != "xla_cuda13" {
		t.Errorf("found %+v", found)
	}
}

func TestNVIDIASMIIsAskedWhereThereAreNoDeviceFiles(t *testing.T) {
	for script, want := range map[string]bool{
		"echo 'GPU 0: NVIDIA Something (UUID: GPU-1)'": true,
		"echo 'No devices were found'":                 false,
		"echo 'GPU 0: gone'; exit 9":                   false,
	} {
		m, env := fakeMachine(t)
		env["PATH"] = filepath.Join(m.root, "bin")
		putFile(t, filepath.Join(m.root, "bin/nvidia-smi"), "#!/bin/sh\n"+script+"\n")
		if found, how := m.findGPU(t.Context()); found != want || how == "" {
			t.Errorf("%s: %v (%s)", script, found, how)
		}
	}
}

func TestCUDALibrariesAreFoundInBothLayouts(t *testing.T) {
	root := t.TempDir()
	for _, c := range []struct{ plugin, nvidia, data, library string }{
		{"site/jax_plugins/xla_cuda13/xla_cuda_plugin.so", "site/nvidia", "site/nvidia/cu13", "cu13/lib/libcublas.so.13"},
		{"old/jax_plugins/xla_cuda12/xla_cuda_plugin.so", "old/nvidia", "old/nvidia/cuda_nvcc", "cudnn/lib/libcudnn.so.9"},
		{"go-xla/nvidia/pjrt_c_api_cuda_plugin.so", "go-xla/nvidia", "go-xla/nvidia", "nccl/lib/libnccl.so.2"},
	} {
		nvidia := filepath.Join(root, c.nvidia)
		putFile(t, filepath.Join(nvidia, c.library), "")
		if err := os.MkdirAll(filepath.Join(root, c.data), 0o755); err != nil {
			t.Fatal(err)
		}
		plugin := putPlugin(t, root, c.plugin)
		if got := nvidiaFolder(plugin); got != nvidia {
			t.Errorf("%s: libraries in %s", c.plugin, got)
		}
		if got := cudaDataDir(nvidia); got != filepath.Join(root, c.data) {
			t.Errorf("%s: data in %s", c.plugin, got)
		}
		if got := nvidiaLibraries(nvidia); len(got) != 1 || got[0] != filepath.Join(nvidia, c.library) {
			t.Errorf("%s: libraries %v", c.plugin, got)
		}
	}
	if got := nvidiaFolder(filepath.Join(root, "lone/xla_cuda_plugin.so")); got != "" {
		t.Errorf("a lone plugin has libraries in %s", got)
	}
	for flags, want := range map[string]string{
		"":                              "--xla_gpu_cuda_data_dir=/n/cu13",
		"--xla_x=1":                     "--xla_x=1 --xla_gpu_cuda_data_dir=/n/cu13",
		"--xla_gpu_cuda_data_dir=/mine": "--xla_gpu_cuda_data_dir=/mine",
	} {
		if got := withCUDAData(flags, "/n/cu13"); got != want {
			t.Errorf("flags %q became %q", flags, got)
		}
	}
	if got := withCUDAData("", "/a b"); got != `--xla_gpu_cuda_data_dir="/a b"` {
		t.Errorf("a path with a space became %s", got)
	}
}
