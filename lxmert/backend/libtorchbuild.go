package backend

import (
	"context"
	"debug/elf"
	"errors"
	"fmt"
	"os"
	"os/exec"
	"path/filepath"
	"regexp"
	"strings"
	"time"
)

// torchLibrary is the file that computes on processors.
const torchLibrary = "libtorch_cpu.so"

// libtorch is an unpacked libtorch 2.1: the folders lib and include.
type libtorch struct {
	dir     string
	version string
	oldABI  bool // strings are those from before C++11, as in PyTorch's wheels
	cuda    bool
	whole   bool // libtorch.so can be linked with, which it cannot where it asks for a libtorch_cuda.so that is not there
}

var torchVersion = regexp.MustCompile(`(?m)^#define TORCH_VERSION_(MAJOR|MINOR|PATCH) (\d+)`)

// openLibtorch examines a folder. The error says what of a libtorch it lacks.
func openLibtorch(dir string) (*libtorch, error) {
	if strings.ContainsAny(dir, "\"',\n") {
		return nil, fmt.Errorf("%q: compilers do not take quotes and commas in a folder's name; move it", dir)
	}
	header := filepath.Join(dir, "include/torch/csrc/api/include/torch/version.h")
	text, err := os.ReadFile(header)
	if err != nil {
		return nil, fmt.Errorf("%s is no libtorch with its headers: %w; %s", dir, err, libtorchByHand)
	}
	var parts []string
	for _, m := range torchVersion.FindAllStringSubmatch(string(text), -1) {
		parts = append(parts, m[2])
	}
	l := &libtorch{dir: dir, version: strings.Join(parts, ".")}
	if !strings.HasPrefix(l.version, "2.1.") {
		return nil, fmt.Errorf("%s has libtorch %q, this is built with 2.1 only: gotch 0.9.1 has its functions; %s", dir, l.version, libtorchByHand)
	}
	for _, name := range []string{torchLibrary, "libc10.so"} {
		if _, err := needed(l.lib(name)); err != nil {
			return nil, fmt.Errorf("%s is not a whole libtorch: %w; %s", dir, err, libtorchByHand)
		}
	}
	if l.oldABI, err = oldABI(l.lib("libc10.so")); err != nil {
		return nil, err
	}
	_, err = os.Stat(l.lib("libtorch_cuda.so"))
	l.cuda = err == nil
	needs, err := needed(l.lib("libtorch.so"))
	l.whole = err == nil && (l.cuda || !strings.Contains(strings.Join(needs, " "), "libtorch_cuda"))
	return l, nil
}

func (l *libtorch) lib(name string) string { return filepath.Join(l.dir, "lib", name) }

// oldABI says whether libc10.so was compiled with the strings from before C++11: the name of a function of it that returns one
// then lacks their mark.
func oldABI(path string) (bool, error) {
	f, err := elf.Open(path)
	if err != nil {
		return false, err
	}
	defer f.Close()
	symbols, err := f.DynamicSymbols()
	if err != nil {
		return false, fmt.Errorf("%s: %w", path, err)
	}
	for _, s := range symbols {
		if s.Section != elf.SHN_UNDEF && strings.HasPrefix(s.Name, "_ZN3c1018GetExceptionString") {
			return !strings.Contains(s.Name, "B5cxx11"), nil
		}
	}
	return false, fmt.Errorf("%s is not that of libtorch 2.1: it lacks c10::GetExceptionString", path)
}

// needed are the libraries that a library asks for.
func needed(path string) ([]string, error) {
	f, err := elf.Open(path)
	if err != nil {
		return nil, err
	}
	defer f.Close()
	return f.ImportedLibraries()
}

// gotchLibraries are what gotch asks the linker for besides libtorch_cpu and libc10, on every machine.
var gotchLibraries = []string{
	"torch", "cuda", "cudart", "cublas", "cudnn", "caffe2_nvrtc", "nvrtc-builtins", "nvrtc", "nvToolsExt", "c10_cuda", "torch_cuda",
}

// emptyArchive is a static library with nothing in it, which leaves no trace in what is linked with it.
const emptyArchive = "!<arch>\n"

// writeStubs makes a folder of empty libraries, in the place of those that this libtorch does not have.
func (l *libtorch) writeStubs(dir string) error {
	if err := os.RemoveAll(dir); err != nil {
		return err
	}
	for _, name := range gotchLibraries {
		if _, err := os.Stat(l.lib("lib" + name + ".so")); err == nil && (name != "torch" || l.whole) {
			continue
		}
		if err := writeFile(filepath.Join(dir, "lib"+name+".a"), []byte(emptyArchive)); err != nil {
			return err
		}
	}
	return nil
}

// buildFlags are what compiler and linker are told.
type buildFlags struct{ cxx, ld []string }

func (l *libtorch) flags(stubs string) (buildFlags, error) {
	if strings.ContainsAny(stubs, "\"',\n") {
		return buildFlags{}, fmt.Errorf("%q: compilers do not take quotes and commas in a folder's name; let XDG_CACHE_HOME name another", stubs)
	}
	include, lib := filepath.Join(l.dir, "include"), filepath.Join(l.dir, "lib")
	f := buildFlags{
		cxx: []string{"-O2", "-I" + include, "-I" + filepath.Join(include, "torch/csrc/api/include")},
		ld:  []string{"-L" + stubs, "-L" + lib, "-Wl,-rpath," + lib, "-Wl,-rpath-link," + lib},
	}
	if l.oldABI {
		f.cxx = append(f.cxx, "-D_GLIBCXX_USE_CXX11_ABI=0")
	}
	if l.cuda {
		f.ld = append(f.ld, "-Wl,--no-as-needed") // nothing calls libtorch_cuda.so, which makes itself known when it is loaded
	}
	return f, nil
}

// script sets the variables by which Go tells a compiler.
func (f buildFlags) script(l *libtorch) []byte {
	return fmt.Appendf(nil, `# Builds with libtorch %s in %s: source this, then go build -tags gotch.
# Go keeps what it has compiled for as long as these stay the same.
export CGO_ENABLED=1
export CGO_CXXFLAGS='%s'
export CGO_LDFLAGS='%s'
`, l.version, l.dir, goFields(f.cxx), goFields(f.ld))
}

// goFields writes words as the go command takes them apart.
func goFields(words []string) string {
	quoted := make([]string, len(words))
	for i, w := range words {
		if quoted[i] = w; strings.ContainsAny(w, " \t") {
			quoted[i] = `"` + w + `"`
		}
	}
	return strings.Join(quoted, " ")
}

// tryProgram says what libtorch says of itself. It hands over a string, which only works if both mean the same by one.
const tryProgram = `#include <iostream>
#include <string>
#include <torch/version.h>
namespace at { std::string show_config(); }
int main() {
	std::cout << "libtorch " << TORCH_VERSION << "\n" << at::show_config() << std::flush;
}
`

// tryWithCompiler builds a program with libtorch as Go would, runs it, and says in a line what libtorch it has found.
func (m *machine) tryWithCompiler(ctx context.Context, f buildFlags) (string, error) {
	compiler := strings.Fields(m.getenv("CXX"))
	if len(compiler) == 0 {
		compiler = []string{"g++"}
	}
	dir, err := os.MkdirTemp("", "libtorch-")
	if err != nil {
		return "", err
	}
	defer os.RemoveAll(dir)
	source, program := filepath.Join(dir, "try.cpp"), filepath.Join(dir, "try")
	if err := os.WriteFile(source, []byte(tryProgram), 0o644); err != nil {
		return "", err
	}
	argv := append(compiler, "-std=c++17", "-o", program, source)
	argv = append(append(argv, f.cxx...), f.ld...)
	if _, err := tryRun(ctx, 5*time.Minute, append(argv, "-ltorch", "-lc10", "-ltorch_cpu")); err != nil {
		if errors.Is(err, exec.ErrNotFound) || errors.Is(err, os.ErrNotExist) {
			return "", fmt.Errorf("%s, the C++ compiler, is not there, and building with libtorch needs one: on Debian and Ubuntu `apt-get install g++` brings it, and CXX names another", compiler[0])
		}
		return "", fmt.Errorf("%s cannot build with this libtorch: %w", compiler[0], err)
	}
	out, err := tryRun(ctx, 2*time.Minute, []string{program})
	if err != nil {
		return "", fmt.Errorf("a program built with this libtorch does not run: %w", err)
	}
	first, rest, _ := strings.Cut(out, "\n")
	for line := range strings.Lines(rest) {
		if line = strings.Trim(line, " -\n"); strings.HasPrefix(line, "CPU capability") || strings.HasPrefix(line, "CUDA Runtime") {
			first += ", " + line
		}
	}
	return first, nil
}

// tryRun returns what a program prints. The error is the line of it that says what is wrong.
func tryRun(ctx context.Context, limit time.Duration, argv []string) (string, error) {
	limited, cancel := context.WithTimeout(ctx, limit)
	defer cancel()
	out, err := exec.CommandContext(limited, argv[0], argv[1:]...).CombinedOutput()
	switch {
	case err == nil:
		return string(out), nil
	case ctx.Err() != nil:
		return "", ctx.Err()
	}
	for line := range strings.Lines(string(out)) {
		if strings.Contains(line, "error") || strings.Contains(line, "cannot find") || strings.Contains(line, "undefined reference") {
			return "", errors.New(oneLine(strings.TrimSpace(line)))
		}
	}
	return "", err
}
