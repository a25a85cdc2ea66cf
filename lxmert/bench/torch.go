package bench

import (
	"context"
	_ "embed"
	"fmt"
	"os"
	"slices"
	"strconv"
	"strings"

	"github.com/seed-516990b0/golxmert/lxmert/internal/process"
)

//go:embed torch_peer.py
var torchPeer []byte

// pytorch is PyTorch in a Python of the user's.
type pytorch struct {
	process.Python
	about struct {
		Torch   string `json:"torch"`
		CUDA    string `json:"cuda"`    // the GPU's name; "": none
		Mmap    bool   `json:"mmap"`    // torch.load can map files
		Compile bool   `json:"compile"` // there is torch.compile
	}
}

// findTorch checks that python can import PyTorch and leaves the peer's script in dir.
func findTorch(ctx context.Context, python, dir string) (*pytorch, error) {
	var t pytorch
	var err error
	t.Python, err = findPeer(ctx, python, dir, process.Script{File: "torch_peer.py", Source: torchPeer, Module: "torch", Product: "PyTorch", Install: "torch"}, &t.about)
	return &t, err
}

// torchSettings are the ways to try. A GPU's speed does not depend on the environment.
func torchSettings(onCUDA bool) []setting {
	if onCUDA {
		return []setting{{}}
	}
	return []setting{{env: passive}, {}}
}

// torchRun is how PyTorch runs a model.
type torchRun struct {
	setting  setting
	material *material
	threads  int
	onCUDA   bool
	bf16     bool
	tf32     bool
}

// program is PyTorch with further arguments, as a process.
func (t *pytorch) program(run torchRun, args []string) (process.Program, error) {
	if run.onCUDA && t.about.CUDA == "" {
		return process.Program{}, fmt.Errorf("--peer %s: the backend uses the GPU, but this PyTorch (%s) finds none", t.Command, t.about.Torch)
	}
	device, dtype := "cpu", "float32"
	if run.onCUDA {
		device = "cuda"
	}
	if run.bf16 {
		dtype = "bfloat16"
	}
	m := run.material
	p := t.Python.Program("torch", append([]string{"--weights", m.forTorch, "--inputs", m.inputs,
		"--heads", strconv.Itoa(m.config.Heads), "--activation", m.config.Activation,
		"--threads", strconv.Itoa(run.threads), "--device", device, "--dtype", dtype}, args...)...)
	if run.tf32 {
		p.Argv = append(p.Argv, "--tf32")
	}
	if run.setting.compile {
		p.Argv = append(p.Argv, "--compile")
	}
	p.Env = torchEnvironment(os.Environ(), run.setting.env)
	return p, nil
}

// torchEnvironment is env with exactly the given setting of OpenMP's waiting.
func torchEnvironment(env []string, setting string) []string {
	env = slices.DeleteFunc(slices.Clone(env), func(v string) bool {
		name, _, _ := strings.Cut(v, "=")
		return name == "OMP_WAIT_POLICY" || name == "GOMP_SPINCOUNT"
	})
	return append(env, strings.Fields(setting)...)
}
