package backend

import (
	"context"
	"errors"
	"fmt"
	"os"
	"path"
	"path/filepath"
	"strings"
	"time"

	"github.com/seed-516990b0/golxmert/internal/progress"
	"github.com/seed-516990b0/golxmert/internal/shell"
)

// pack is a wheel of which more than a plugin is taken: of all that stands below a folder in it, what has the given names there.
type pack struct {
	wheel
	from, to string   // folder in the wheel, and in the installation
	names    []string // patterns as of [path.Match]; nil: everything
}

// place says where a member of the wheel goes, relative to the installation; "": it is not taken.
func (p pack) place(member string) string {
	rest, below := strings.CutPrefix(member, p.from+"/")
	if !below || rest == "" || strings.HasSuffix(rest, "/") {
		return ""
	}
	for _, pattern := range p.names {
		if ok, _ := path.Match(pattern, rest); ok {
			return path.Join(p.to, rest)
		}
	}
	if p.names == nil {
		return path.Join(p.to, rest)
	}
	return ""
}

// torchWheel is PyTorch as its project publishes it for Linux. Its libtorch is that of CUDA, but without libtorch_cuda.so, which
// nothing else in it asks for, it is one for processors: a third of what is downloaded stays on disk, and the wheels of NVIDIA's
// libraries, gigabytes, stay away but for the two that libtorch_cpu.so names.
var torchWheel = wheel{
	project: "torch", version: "2.1.0", platform: "manylinux1_x86_64", python: "3.11", size: 670_193_698,
	sha256: "2224622407ca52611cbc5b628106fde22ed8e679031f5a99ce286629fc696128",
}

// libtorchPacks are what [Install] makes a libtorch of, by operating system and processor.
var libtorchPacks = map[string][]pack{
	"linux/amd64": {
		{torchWheel, "torch/lib", "lib", []string{"libc10.so", "libtorch_cpu.so", "libgomp*.so*"}},
		{torchWheel, "torch/include", "include", nil},
		{wheel{
			project: "nvidia-cuda-cupti-cu12", version: "12.1.105", platform: "manylinux1_x86_64", size: 14_109_015,
			sha256: "e54fde3983165c624cb79254ae9818a456eb6e87a7fd4d56a2352c24ee542d7e",
		}, "nvidia/cuda_cupti/lib", "lib", []string{"libcupti.so.12"}},
		{wheel{
			project: "nvidia-cuda-runtime-cu12", version: "12.1.105", platform: "manylinux1_x86_64", size: 823_596,
			sha256: "6e258468ddf5796e25f1dc591a31029fa317d97a0a94ed93468fc86301d61e40",
		}, "nvidia/cuda_runtime/lib", "lib", []string{"libcudart.so.12"}},
	},
}

// libtorchUnpacked is about what stays of the wheels, in bytes.
const libtorchUnpacked = 540_000_000

// libtorchDir is where libtorch is installed.
func (in *installation) libtorchDir() string { return filepath.Join(in.cache, "libtorch") }

// installLibtorch makes a libtorch ready to build with: the one in a folder, or one of PyTorch's wheel.
func (in *installation) installLibtorch(ctx context.Context) (err error) {
	if in.os != "linux" {
		return fmt.Errorf("libtorch is installed on Linux, not on %s; `go doc github.com/seed-516990b0/golxmert/lxmert/torch` says how to build with one by hand", in.os)
	}
	dir := in.libtorch
	if dir != "" {
		if dir, err = filepath.Abs(dir); err != nil {
			return err
		}
	} else if dir, err = in.obtainLibtorch(ctx); err != nil {
		return err
	}
	lib, err := openLibtorch(dir)
	if err != nil {
		return err
	}
	stubs := filepath.Join(in.libtorchDir(), "stub")
	if err := lib.writeStubs(stubs); err != nil {
		return err
	}
	flags, err := lib.flags(stubs)
	if err != nil {
		return err
	}
	about, err := in.tryLibtorch(ctx, flags)
	if err != nil {
		return err
	}
	fmt.Fprintf(in.log, "backend: it works: %s\n", about)
	script := filepath.Join(in.libtorchDir(), "env.sh")
	if err := writeFile(script, flags.script(lib)); err != nil {
		return err
	}
	fmt.Fprintf(in.log, "backend: in the folder of this project's source, this builds with it (the first time it takes minutes):\n. %s && go build -p 1 -tags gotch ./lxmert/cmd/lxmert\n",
		shell.Word(script))
	return nil
}

// obtainLibtorch returns the folder of a libtorch that is made of wheels, if it is not there yet.
func (in *installation) obtainLibtorch(ctx context.Context) (string, error) {
	packs := in.packs[in.os+"/"+in.arch]
	if len(packs) == 0 {
		return "", fmt.Errorf("there is no wheel for %s/%s; %s", in.os, in.arch, libtorchByHand)
	}
	first, dir := packs[0].wheel, filepath.Join(in.libtorchDir(), packs[0].version)
	_, err := openLibtorch(dir)
	if have, whole := installed(dir); whole && err == nil && have.SHA256 == first.sha256 {
		fmt.Fprintf(in.log, "backend: libtorch of %s is already in %s\n", first.requirement(), dir)
		return dir, nil
	}
	var wheels []wheel // each once
	for _, p := range packs {
		if len(wheels) == 0 || wheels[len(wheels)-1] != p.wheel {
			wheels = append(wheels, p.wheel)
		}
	}
	files, err := in.fetchAll(ctx, wheels)
	if err != nil {
		return "", err
	}
	start := time.Now()
	stage, err := in.stage(in.libtorchDir())
	if err != nil {
		return "", err
	}
	defer os.RemoveAll(stage)
	made := filepath.Join(stage, "libtorch")
	written := int64(0)
	for _, p := range packs {
		n, err := p.unpackTree(ctx, files[p.project], made)
		if err != nil {
			return "", err
		}
		written += n
	}
	m := manifest{Source: first.project, Version: first.version, SHA256: first.sha256, File: filepath.Join("lib", torchLibrary)}
	if m.FileSum, m.Size, err = fileSum(filepath.Join(made, m.File)); err != nil {
		return "", err
	}
	if err := writeManifest(made, m); err != nil {
		return "", err
	}
	if err := swapFolder(made, dir, filepath.Join(stage, "old")); err != nil {
		return "", err
	}
	fmt.Fprintf(in.log, "backend: unpacked %s into %s in %s\n", progress.Bytes(written), dir, progress.Since(start))
	return dir, os.RemoveAll(in.wheelsDir())
}

// wheelsDir keeps what was downloaded until all of it is installed.
func (in *installation) wheelsDir() string { return filepath.Join(in.libtorchDir(), "wheels") }

// fetchAll returns the files of wheels by their projects. Those that an installation has already brought which did not come to
// its end are not downloaded again.
func (in *installation) fetchAll(ctx context.Context, wheels []wheel) (map[string]string, error) {
	files, have := map[string]string{}, map[string]bool{}
	need := int64(libtorchUnpacked)
	for _, w := range wheels {
		files[w.project] = filepath.Join(in.wheelsDir(), w.project+".whl")
		if have[w.project] = w.verify(files[w.project]) == nil; !have[w.project] {
			need += w.size
		}
	}
	if err := in.free.Check(in.libtorchDir(), need); err != nil {
		return nil, fmt.Errorf("%w; make room, or let XDG_CACHE_HOME name a folder on a larger disk", err)
	}
	for _, w := range wheels {
		if have[w.project] {
			fmt.Fprintf(in.log, "backend: %s was downloaded before\n", w.requirement())
			continue
		}
		if err := in.fetchInto(ctx, w, files[w.project]); err != nil {
			if errors.As(err, new(notFetched)) && ctx.Err() == nil {
				err = fmt.Errorf("%w; %s", err, libtorchByHand)
			}
			return nil, err
		}
	}
	return files, nil
}

// fetchInto downloads a wheel to a file.
func (in *installation) fetchInto(ctx context.Context, w wheel, to string) error {
	stage, err := in.stage(in.libtorchDir())
	if err != nil {
		return err
	}
	defer os.RemoveAll(stage)
	file, err := in.fetch(ctx, w, stage)
	if err != nil {
		return err
	}
	if err := os.MkdirAll(filepath.Dir(to), 0o755); err != nil {
		return err
	}
	return os.Rename(file, to)
}

const libtorchByHand = "unpack libtorch 2.1 of PyTorch's site (or install torch 2.1 in a Python environment and take its folder torch in site-packages) and run `lxmert backend install libtorch --libtorch DIR`"
