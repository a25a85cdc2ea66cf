package backend

import (
	"debug/elf"
	"fmt"
	"os"
	"path/filepath"
	"slices"
	"strings"

	"github.com/seed-516990b0/golxmert/internal/filesearch"
)

// candidate is a plugin found by searching.
type candidate struct {
	kind  Kind
	path  string
	where string // which rule found it
}

// place is a folder to look in, and why.
type place struct {
	dir   string
	where string
}

// fileNames are what plugins of a kind are called: go-xla's names, and those of Python wheels below site-packages.
var fileNames = map[Kind][]string{
	KindCUDA: {
		"xla_cuda_plugin.so", "pjrt_c_api_cuda*_plugin.so", "pjrt?plugin?cuda*.so",
		"nvidia/pjrt_c_api_cuda*_plugin.so", "jax_plugins/xla_cuda*/xla_cuda_plugin.so",
	},
	KindCPU: {
		"xla_cpu_pjrt.so", "pjrt_c_api_cpu_plugin.*", "pjrt_c_api_cpu_*_plugin.*", "pjrt?plugin?cpu*.*",
		"lammps_jax_pjrt_cpu/pjrt_c_api_cpu_plugin.so", "xla_plugins/xla_cpu_pjrt/xla_cpu_pjrt.so",
	},
}

// candidates lists the plugins that a request of this kind may use, best first: CUDA before the processor, and within
// each the order of [machine.places]. CUDA plugins count only where there is a GPU, or where CUDA is asked for.
func (m *machine) candidates(kind Kind, hasGPU bool) []candidate {
	var kinds []Kind
	switch kind {
	case KindCPU:
		kinds = []Kind{KindCPU}
	case KindCUDA:
		kinds = []Kind{KindCUDA}
	default:
		if hasGPU {
			kinds = append(kinds, KindCUDA)
		}
		kinds = append(kinds, KindCPU)
	}
	if !m.canXLA {
		return nil
	}
	places := m.places()
	var found []candidate
	for _, k := range kinds {
		found = append(found, m.search(k, places)...)
	}
	return found
}

// search finds the plugins of a kind in the given places, each file once even where links lead to it.
func (m *machine) search(kind Kind, places []place) []candidate {
	var found []candidate
	seen := map[string]bool{}
	for _, p := range places {
		for _, pattern := range fileNames[kind] {
			files, _ := filepath.Glob(filepath.Join(filesearch.EscapeGlob(p.dir), pattern))
			if kind == KindCUDA {
				slices.Reverse(files) // xla_cuda13 before xla_cuda12
			}
			for _, file := range files {
				target, err := filepath.EvalSymlinks(file)
				if err != nil {
					target = file
				}
				if info, err := os.Stat(file); !isLibrary(file) || seen[target] || err == nil && info.IsDir() {
					continue
				}
				seen[target] = true
				found = append(found, candidate{kind, file, p.where})
			}
		}
	}
	return found
}

// places are the folders to search, in order. What the user set comes before what is merely there.
func (m *machine) places() []place {
	var ps []place
	add := func(where string, parts ...string) {
		if parts[0] == "" {
			return
		}
		ps = append(ps, place{filepath.Join(parts...), where})
	}
	const env = "PJRT_PLUGIN_LIBRARY_PATH"
	for _, dir := range filepath.SplitList(m.getenv(env)) {
		add(env, dir)
	}
	if m.cache != "" {
		const own = "installed by `lxmert backend install`"
		add(own, m.installDir("cpu"))
		add(own, m.installDir("cuda"))
	}
	if m.home != "" {
		switch m.os {
		case "darwin":
			add("go-xla's folder", m.home, "Library", "Application Support", "go-xla")
		case "windows":
			add("go-xla's folder", m.home, "AppData", "Local", "go-xla")
		default:
			add("go-xla's folder", m.home, ".local", "lib", "go-xla")
			add("go-xla's folder", m.home, ".local", "lib", "gomlx", "pjrt")
		}
	}
	add("go-xla's folder", m.root, "usr", "local", "lib", "go-xla")
	add("go-xla's folder", m.root, "usr", "local", "lib", "gomlx", "pjrt")
	for _, dir := range filepath.SplitList(m.getenv("LD_LIBRARY_PATH")) {
		if filepath.IsAbs(dir) {
			add("LD_LIBRARY_PATH", dir)
		}
	}
	return append(ps, m.pythonPlaces()...)
}

// installDir is where [Install] puts a plugin: <user cache>/golxmert/pjrt/<name>.
func (m *machine) installDir(name string) string { return filepath.Join(m.cache, "pjrt", name) }

// checkFile finds what is plainly no plugin for this machine before anything is loaded, so that the message can say so.
func (m *machine) checkFile(path string) error {
	info, err := os.Stat(path)
	if err != nil {
		return fmt.Errorf("XLA plugin %s cannot be read: %w", path, err)
	}
	switch {
	case info.IsDir():
		return fmt.Errorf("XLA plugin %s is a folder, not a shared library", path)
	case info.Size() == 0:
		return fmt.Errorf("XLA plugin %s is empty; delete it and install it again", path)
	case m.os != "linux":
		return nil
	}
	f, err := elf.Open(path)
	if err != nil {
		return fmt.Errorf("XLA plugin %s is not a shared library (%s); delete it and install it again", path, oneLine(err.Error()))
	}
	defer f.Close()
	want, known := map[string]elf.Machine{"amd64": elf.EM_X86_64, "arm64": elf.EM_AARCH64}[m.arch]
	switch {
	case f.Type != elf.ET_DYN:
		return fmt.Errorf("XLA plugin %s is not a shared library but an ELF file of type %s", path, f.Type)
	case known && f.Machine != want:
		return fmt.Errorf("XLA plugin %s is for %s, this machine is %s", path, strings.TrimPrefix(f.Machine.String(), "EM_"), m.arch)
	}
	for _, p := range f.Progs {
		if p.Type == elf.PT_LOAD && p.Off+p.Filesz > uint64(info.Size()) {
			return fmt.Errorf("XLA plugin %s is cut short: %d bytes of at least %d; delete it and install it again", path, info.Size(), p.Off+p.Filesz)
		}
	}
	return nil
}
