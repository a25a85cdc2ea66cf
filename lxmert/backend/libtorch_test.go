//go:build unix

package backend

import (
	"bytes"
	"context"
	"crypto/sha256"
	"debug/elf"
	"encoding/binary"
	"errors"
	"fmt"
	"io"
	"os"
	"os/exec"
	"path/filepath"
	"slices"
	"strings"
	"testing"

	"github.com/seed-516990b0/golxmert/internal/diskspace"
)

// The names that both kinds of strings give to the function by which they are told apart.
const (
	stringsBefore11 = "_ZN3c1018GetExceptionStringERKSt9exception"
	stringsSince11  = "_ZN3c1018GetExceptionStringB5cxx11ERKSt9exception"
)

// libraryWith is a shared library that defines a function and asks for other libraries.
func libraryWith(symbol string, needs ...string) string {
	names := "\x00" + symbol + "\x00" // of symbols and libraries
	dynamic := []elf.Dyn64{}
	for _, n := range needs {
		dynamic = append(dynamic, elf.Dyn64{Tag: int64(elf.DT_NEEDED), Val: uint64(len(names))})
		names += n + "\x00"
	}
	dynamic = append(dynamic, elf.Dyn64{Tag: int64(elf.DT_NULL)})
	encode := func(parts ...any) string {
		var buf bytes.Buffer
		for _, p := range parts {
			if err := binary.Write(&buf, binary.LittleEndian, p); err != nil {
				panic(err)
			}
		}
		return buf.String()
	}
	symbols := encode(elf.Sym64{}, elf.Sym64{Name: 1, Info: elf.ST_INFO(elf.STB_GLOBAL, elf.STT_FUNC), Shndx: 1, Value: 1})
	const sectionNames = "\x00.dynsym\x00.dynstr\x00.dynamic\x00.shstrtab\x00"
	at := uint64(64)
	sections := []elf.Section64{{}}
	content := ""
	for _, s := range []struct {
		name  uint32
		kind  elf.SectionType
		link  uint32
		entry uint64
		data  string
	}{
		{1, elf.SHT_DYNSYM, 2, 24, symbols}, {9, elf.SHT_STRTAB, 0, 0, names}, {17, elf.SHT_DYNAMIC, 2, 16, encode(dynamic)}, {26, elf.SHT_STRTAB, 0, 0, sectionNames},
	} {
		sections = append(sections, elf.Section64{Name: s.name, Type: uint32(s.kind), Off: at, Size: uint64(len(s.data)), Link: s.link, Entsize: s.entry})
		content += s.data
		at += uint64(len(s.data))
	}
	header := elf.Header64{Type: uint16(elf.ET_DYN), Machine: uint16(elf.EM_X86_64), Version: 1, Shoff: at, Ehsize: 64, Shentsize: 64, Shnum: uint16(len(sections)), Shstrndx: 4}
	copy(header.Ident[:], "\x7fELF\x02\x01\x01")
	return encode(header) + content + encode(sections)
}

const versionHeader = "#pragma once\n#define TORCH_VERSION_MAJOR 2\n#define TORCH_VERSION_MINOR 1\n#define TORCH_VERSION_PATCH 0\n"

// libtorchFiles are the files of a libtorch for processors whose strings are the older ones.
func libtorchFiles() map[string]string {
	return map[string]string{
		"include/torch/csrc/api/include/torch/version.h": versionHeader,
		"include/ATen/ATen.h":                            "",
		"lib/libc10.so":                                  libraryWith(stringsBefore11),
		"lib/libtorch_cpu.so":                            libraryWith("f", "libcupti.so.12"),
	}
}

func putLibtorch(t *testing.T, dir string, files map[string]string) string {
	t.Helper()
	for name, text := range files {
		putFile(t, filepath.Join(dir, name), text)
	}
	return dir
}

// fakeLibtorchInstallation is one on a machine whose pip has the wheels of libtorch, each in a file of its project's name.
func fakeLibtorchInstallation(t *testing.T) (in *installation, log *bytes.Buffer, served string) {
	t.Helper()
	in, log = fakeInstallation(t, nil)
	served = filepath.Join(in.root, "served")
	in.free = diskspace.Free
	in.tryLibtorch = func(context.Context, buildFlags) (string, error) { return "libtorch 2.1.0", nil }
	torch := map[string]string{"torch/lib/libtorch_cuda.so": "large", "torch/include/../../../evil.h": "evil", "torch/version.py": "x"}
	for name, text := range libtorchFiles() {
		torch["torch/"+name] = text
	}
	packs := slices.Clone(libtorchPacks["linux/amd64"])
	for project, members := range map[string]map[string]string{
		"torch":                    torch,
		"nvidia-cuda-cupti-cu12":   {"nvidia/cuda_cupti/lib/libcupti.so.12": "p", "nvidia/cuda_cupti/lib/libnvperf_host.so": "x"},
		"nvidia-cuda-runtime-cu12": {"nvidia/cuda_runtime/lib/libcudart.so.12": "r"},
	} {
		file := wheelWith(t, members)
		putFile(t, filepath.Join(served, project), string(file))
		for i := range packs {
			if packs[i].project == project {
				packs[i].sha256, packs[i].size = fmt.Sprintf("%x", sha256.Sum256(file)), int64(len(file))
			}
		}
	}
	in.packs = map[string][]pack{"linux/amd64": packs}
	putFile(t, filepath.Join(in.root, "bin/python3"), `#!/bin/sh
[ "$3" = --version ] && { echo "pip 24.0 from x (python 3.12)"; exit; }
for last; do :; done
while [ "$1" != --dest ]; do shift; done
cp "`+served+`/${last%%=*}" "$2/x.whl" || { echo "ERROR: Temporary failure in name resolution"; exit 1; }
`)
	return in, log, served
}

const libtorchLeftovers = "libtorch/2.1.0/include/ATen/ATen.h libtorch/2.1.0/include/torch/csrc/api/include/torch/version.h " +
	"libtorch/2.1.0/lib/libc10.so libtorch/2.1.0/lib/libcudart.so.12 libtorch/2.1.0/lib/libcupti.so.12 libtorch/2.1.0/lib/libtorch_cpu.so libtorch/2.1.0/manifest.json " +
	"libtorch/env.sh libtorch/stub/libc10_cuda.a libtorch/stub/libcaffe2_nvrtc.a libtorch/stub/libcublas.a libtorch/stub/libcuda.a libtorch/stub/libcudart.a " +
	"libtorch/stub/libcudnn.a libtorch/stub/libnvToolsExt.a libtorch/stub/libnvrtc-builtins.a libtorch/stub/libnvrtc.a libtorch/stub/libtorch.a libtorch/stub/libtorch_cuda.a"

func TestInstallLibtorchTakesWhatIsNeededAndNothingElse(t *testing.T) {
	in, log, _ := fakeLibtorchInstallation(t)
	if err := in.install(t.Context(), "libtorch"); err != nil {
		t.Fatalf("%v\n%s", err, log)
	}
	if got := leftovers(t, in); got != libtorchLeftovers {
		t.Errorf("the cache has %s", got)
	}
	env := filepath.Join(in.libtorchDir(), "env.sh")
	if !strings.HasSuffix(log.String(), "\n. "+env+" && go build -p 1 -tags gotch ./lxmert/cmd/lxmert\n") {
		t.Errorf("it said %s", log)
	}
	out, err := exec.Command("sh", "-c", `. "$0" && printf "%s\n%s" "$CGO_CXXFLAGS" "$CGO_LDFLAGS"`, env).Output()
	dir := filepath.Join(in.libtorchDir(), "2.1.0")
	want := "-O2 -I" + dir + "/include -I" + dir + "/include/torch/csrc/api/include -D_GLIBCXX_USE_CXX11_ABI=0\n" +
		"-L" + in.libtorchDir() + "/stub -L" + dir + "/lib -Wl,-rpath," + dir + "/lib -Wl,-rpath-link," + dir + "/lib"
	if err != nil || string(out) != want {
		t.Errorf("env.sh sets %s, want %s; %v", out, want, err)
	}

	log.Reset()
	if err := in.install(t.Context(), "libtorch"); err != nil || !strings.Contains(log.String(), "already in") {
		t.Errorf("again: %v, %s", err, log)
	}
	for _, file := range []string{"lib/libtorch_cpu.so", "lib/libc10.so", "include/torch/csrc/api/include/torch/version.h"} {
		if err := os.Truncate(filepath.Join(dir, file), 10); err != nil {
			t.Fatal(err)
		}
		log.Reset()
		if err := in.install(t.Context(), "libtorch"); err != nil || strings.Contains(log.String(), "already") {
			t.Errorf("over one with a damaged %s: %v, %s", file, err, log)
		}
	}
	if got := leftovers(t, in); got != libtorchLeftovers {
		t.Errorf("in the end the cache has %s", got)
	}
}

func TestAnInterruptedDownloadOfLibtorchGoesOn(t *testing.T) {
	in, log, served := fakeLibtorchInstallation(t)
	last := filepath.Join(served, "nvidia-cuda-runtime-cu12")
	if err := os.Rename(last, last+".away"); err != nil {
		t.Fatal(err)
	}
	err := in.install(t.Context(), "libtorch")
	if err == nil || !strings.Contains(err.Error(), "name resolution") || !strings.Contains(err.Error(), "--libtorch DIR") {
		t.Errorf("error %v", err)
	}
	if got := leftovers(t, in); got != "libtorch/wheels/nvidia-cuda-cupti-cu12.whl libtorch/wheels/torch.whl" {
		t.Errorf("the cache has %s", got)
	}
	if err := errors.Join(os.Rename(last+".away", last), os.Remove(filepath.Join(served, "torch"))); err != nil {
		t.Fatal(err)
	}
	log.Reset()
	if err := in.install(t.Context(), "libtorch"); err != nil || !strings.Contains(log.String(), "torch==2.1.0 was downloaded before") {
		t.Errorf("%v\n%s", err, log)
	}
	if got := leftovers(t, in); got != libtorchLeftovers {
		t.Errorf("in the end the cache has %s", got)
	}
}

func TestLibtorchThatCannotBeHadIsOneLine(t *testing.T) {
	for _, c := range []struct {
		name  string
		spoil func(t *testing.T, in *installation, served string)
		want  []string
	}{
		{"no pip", func(t *testing.T, in *installation, _ string) { os.RemoveAll(filepath.Join(in.root, "bin")) }, []string{"no Python 3 with pip", "--libtorch DIR"}},
		{"another wheel", func(t *testing.T, in *installation, served string) {
			putFile(t, filepath.Join(served, "torch"), "other")
		}, []string{"checksum differs", "torch==2.1.0"}},
		{"no room", func(_ *testing.T, in *installation, _ string) {
			in.free = func(string) (int64, bool) { return 1000, true }
		}, []string{"540 MB are needed and 1.0 kB free", "XDG_CACHE_HOME"}},
		{"another processor", func(_ *testing.T, in *installation, _ string) { in.arch = "arm64" }, []string{"no wheel for linux/arm64", "--libtorch DIR"}},
		{"another system", func(_ *testing.T, in *installation, _ string) { in.os = "darwin" }, []string{"on Linux, not on darwin"}},
		{"does not work", func(_ *testing.T, in *installation, _ string) {
			in.tryLibtorch = func(context.Context, buildFlags) (string, error) { return "", errors.New("g++ cannot") }
		}, []string{"g++ cannot"}},
		{"a wheel of a plugin", func(_ *testing.T, in *installation, _ string) { in.wheel = "p.whl" }, []string{"--libtorch names"}},
		{"a folder that is not there", func(t *testing.T, in *installation, _ string) { in.libtorch = "/nowhere" }, []string{"/nowhere is no libtorch"}},
	} {
		t.Run(c.name, func(t *testing.T) {
			in, log, served := fakeLibtorchInstallation(t)
			c.spoil(t, in, served)
			err := in.install(t.Context(), "libtorch")
			if err == nil || strings.Contains(err.Error(), "\n") {
				t.Fatalf("error %v; log %s", err, log)
			}
			for _, w := range c.want {
				if !strings.Contains(err.Error(), w) {
					t.Errorf("error %q has no %q", err, w)
				}
			}
			if strings.Contains(leftovers(t, in), "env.sh") {
				t.Error("there is an env.sh")
			}
		})
	}
	in, _, _ := fakeLibtorchInstallation(t)
	in.libtorch = t.TempDir()
	if err := in.install(t.Context(), "cpu"); !errors.Is(err, ErrSpec) {
		t.Errorf("--libtorch with XLA: %v", err)
	}
}

func TestALibtorchOfOnesOwnIsExamined(t *testing.T) {
	const newABI = "newer strings"
	for _, c := range []struct {
		name  string
		spoil func(files map[string]string)
		want  string // in the error; "": it is taken
	}{
		{"older strings", func(map[string]string) {}, ""},
		{newABI, func(files map[string]string) { files["lib/libc10.so"] = libraryWith(stringsSince11) }, ""},
		{"no headers", func(files map[string]string) { delete(files, "include/torch/csrc/api/include/torch/version.h") }, "no libtorch with its headers"},
		{"libtorch 2.2", func(files map[string]string) {
			files["include/torch/csrc/api/include/torch/version.h"] = strings.Replace(versionHeader, "MINOR 1", "MINOR 2", 1)
		}, `libtorch "2.2.0", this is built with 2.1 only`},
		{"no library", func(files map[string]string) { delete(files, "lib/libtorch_cpu.so") }, "libtorch_cpu.so: no such file"},
		{"prose", func(files map[string]string) { files["lib/libtorch_cpu.so"] = "prose" }, "not a whole libtorch"},
		{"another library", func(files map[string]string) { files["lib/libc10.so"] = libraryWith("f") }, "is not that of libtorch 2.1"},
	} {
		t.Run(c.name, func(t *testing.T) {
			files := libtorchFiles()
			c.spoil(files)
			l, err := openLibtorch(putLibtorch(t, t.TempDir(), files))
			if c.want != "" {
				if err == nil || !strings.Contains(err.Error(), c.want) || strings.Contains(err.Error(), "\n") {
					t.Errorf("error %v", err)
				}
				return
			}
			if err != nil || l.version != "2.1.0" || l.oldABI == (c.name == newABI) {
				t.Errorf("%+v, %v", l, err)
			}
		})
	}
	for _, name := range []string{"a,b", "a'b"} {
		if _, err := openLibtorch(filepath.Join(t.TempDir(), name)); err == nil || !strings.Contains(err.Error(), "move it") {
			t.Errorf("error %v", err)
		}
	}
}

// TestOnlyLibrariesThatAreMissingHaveEmptyOnesInTheirPlace: those that are there are linked with, with CUDA.
func TestOnlyLibrariesThatAreMissingHaveEmptyOnesInTheirPlace(t *testing.T) {
	for _, c := range []struct {
		libraries map[string]string
		stubs     []string // beside those that are there in any case
		cuda      bool
	}{
		{nil, []string{"libc10_cuda.a", "libtorch.a", "libtorch_cuda.a"}, false},
		{map[string]string{"libtorch.so": libraryWith("f", "libtorch_cpu.so")}, []string{"libc10_cuda.a", "libtorch_cuda.a"}, false},
		{map[string]string{"libtorch.so": libraryWith("f", "libtorch_cuda.so")}, []string{"libc10_cuda.a", "libtorch.a", "libtorch_cuda.a"}, false},
		{map[string]string{"libtorch.so": libraryWith("f", "libtorch_cuda.so"), "libtorch_cuda.so": libraryWith("f"), "libc10_cuda.so": libraryWith("f")}, nil, true},
	} {
		files := libtorchFiles()
		for name, text := range c.libraries {
			files["lib/"+name] = text
		}
		l, err := openLibtorch(putLibtorch(t, filepath.Join(t.TempDir(), "with space"), files))
		if err != nil {
			t.Fatal(err)
		}
		stubs := filepath.Join(t.TempDir(), "stub")
		if err := l.writeStubs(stubs); err != nil {
			t.Fatal(err)
		}
		var got []string
		for _, name := range []string{"libc10_cuda.a", "libtorch.a", "libtorch_cuda.a"} {
			if _, err := os.Stat(filepath.Join(stubs, name)); err == nil {
				got = append(got, name)
			}
		}
		f, err := l.flags(stubs)
		if err != nil || !slices.Equal(got, c.stubs) || l.cuda != c.cuda || slices.Contains(f.ld, "-Wl,--no-as-needed") != c.cuda {
			t.Errorf("with %d libraries more: empty ones are %q; %+v, %v", len(c.libraries), got, f, err)
		}
		if text := string(f.script(l)); !strings.Contains(text, ` "-I`+l.dir+`/include" `) {
			t.Errorf("env.sh does not quote a folder with a space: %s", text)
		}
	}
}

func TestATrialSaysWhatIsWrongInALine(t *testing.T) {
	for _, c := range []struct{ name, compiler, want string }{
		{"no compiler", "", "needs one: on Debian"},
		{"does not compile", "echo 'x.cpp: In function'; echo \"x.cpp:3: error: ‘at’ has not been declared\" >&2; exit 1", "x.cpp:3: error: ‘at’ has not been declared"},
		{"does not link", "echo '/usr/bin/ld: cannot find -ltorch_cpu' >&2; exit 1", "cannot find -ltorch_cpu"},
		{"a library is missing", program("echo \"try: error while loading shared libraries: libcupti.so.12: cannot open\" >&2; exit 127"), "does not run: try: error while loading shared libraries: libcupti.so.12"},
		{"crashes", program("kill -SEGV $$"), "does not run: signal: segmentation fault"},
		{"works", program("echo libtorch 2.1.0; echo PyTorch built with:; echo '  - CPU capability usage: AVX2'"), ""},
	} {
		t.Run(c.name, func(t *testing.T) {
			m, env := fakeMachine(t)
			compiler := filepath.Join(m.root, "cxx")
			if env["CXX"] = compiler + " -m64"; c.compiler != "" {
				putFile(t, compiler, "#!/bin/sh\n"+c.compiler+"\n")
			}
			about, err := m.tryWithCompiler(t.Context(), buildFlags{})
			if c.want == "" {
				if err != nil || about != "libtorch 2.1.0, CPU capability usage: AVX2" {
					t.Errorf("%q, %v", about, err)
				}
				return
			}
			if err == nil || !strings.Contains(err.Error(), c.want) || strings.Contains(err.Error(), "\n") {
				t.Errorf("error %v", err)
			}
		})
	}
}

// program is a compiler that makes a script of what it is given.
func program(script string) string {
	return "while [ \"$1\" != -o ]; do shift; done\ncat >\"$2\" <<'E'\n#!/bin/sh\n" + script + "\nE\nchmod +x \"$2\""
}

func TestCancelledInstallOfLibtorchStops(t *testing.T) {
	in, _, _ := fakeLibtorchInstallation(t)
	in.log = io.Discard
	ctx, cancel := context.WithCancel(t.Context())
	cancel()
	if err := in.install(ctx, "libtorch"); !errors.Is(err, context.Canceled) {
		t.Errorf("error %v", err)
	}
	if got := leftovers(t, in); got != "" {
		t.Errorf("left %s", got)
	}
}

func TestPinnedWheelsOfLibtorchAreComplete(t *testing.T) {
	for name, packs := range libtorchPacks {
		for _, p := range packs {
			if len(p.sha256) != 64 || p.platform == "" || p.size == 0 || p.from == "" || p.to == "" {
				t.Errorf("%s: %+v", name, p)
			}
		}
	}
}
