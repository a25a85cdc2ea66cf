package bench

import (
	"context"
	_ "embed"
	"encoding/json"
	"errors"
	"fmt"
	"os"
	"os/exec"
	"path/filepath"
	"slices"
	"strconv"
	"strings"

	"github.com/seed-516990b0/golxmert/lxmert"
)

//go:embed torch_peer.py
var torchPeer []byte

// passive keeps OpenMP's threads from spinning while they wait, which is sometimes faster and sometimes slower.
const passive = "OMP_WAIT_POLICY=PASSIVE GOMP_SPINCOUNT=0"

// torch is PyTorch in a Python of the user's.
type torch struct {
	python, script string
	about          struct {
		Torch string `json:"torch"`
		CUDA  string `json:"cuda"` // the GPU's name; "": none
		Mmap  bool   `json:"mmap"` // torch.load can map files
	}
}

// findTorch checks that python can import PyTorch and leaves the peer's script in dir.
func findTorch(ctx context.Context, python, dir string) (*torch, error) {
	t := &torch{python: python, script: filepath.Join(dir, "torch_peer.py")}
	if err := os.WriteFile(t.script, torchPeer, 0o600); err != nil {
		return nil, spaceHint(err)
	}
	if _, err := exec.LookPath(python); err != nil {
		return nil, fmt.Errorf("--peer %s: %w; name a Python that has PyTorch", python, errors.Unwrap(err))
	}
	stderr := &lastLine{}
	cmd := exec.CommandContext(ctx, python, t.script, "--about")
	cmd.Stderr = stderr
	out, err := cmd.Output()
	if ctx.Err() != nil {
		return nil, ctx.Err()
	}
	if err == nil {
		err = json.Unmarshal(out, &t.about)
	}
	if err != nil || t.about.Torch == "" {
		why := stderr.String()
		if strings.Contains(why, "No module named 'torch'") {
			return nil, fmt.Errorf("--peer %s: this Python has no PyTorch; `%s -m pip install torch` brings it", python, python)
		}
		if why == "" {
			why = "it is no Python that has PyTorch"
		}
		return nil, fmt.Errorf("--peer %s: %s", python, why)
	}
	return t, nil
}

// settings are the environments to try. A GPU's speed does not depend on them.
func (t *torch) settings(onCUDA bool) []string {
	if onCUDA {
		return []string{""}
	}
	return []string{passive, ""}
}

// torchRun is how PyTorch runs the model of a Spec.
type torchRun struct {
	setting string // environment
	threads int
	onCUDA  bool
	mapped  bool // map the weights into memory, and stop at the first output
}

func (t *torch) measure(ctx context.Context, s Spec, c lxmert.Config, run torchRun) (*Result, error) {
	if run.onCUDA && t.about.CUDA == "" {
		return nil, fmt.Errorf("--peer %s: the backend uses the GPU, but this PyTorch (%s) finds none", t.python, t.about.Torch)
	}
	var batches []string
	for _, n := range s.Batches {
		batches = append(batches, strconv.Itoa(n))
	}
	device, dtype := "cpu", "float32"
	if run.onCUDA {
		device = "cuda"
	}
	if s.BF16 {
		dtype = "bfloat16"
	}
	if run.mapped {
		s.Repeat = 0
	}
	argv := []string{t.python, t.script, "--weights", s.Weights, "--inputs", s.Inputs, "--batches", strings.Join(batches, ","),
		"--repeat", strconv.Itoa(s.Repeat), "--heads", strconv.Itoa(c.Heads), "--activation", c.Activation,
		"--threads", strconv.Itoa(run.threads), "--device", device, "--dtype", dtype}
	if s.Logits {
		argv = append(argv, "--logits")
	}
	if run.mapped {
		argv = append(argv, "--mmap")
	}
	return runProcess(ctx, "torch", argv, torchEnvironment(os.Environ(), run.setting), "", nil)
}

// torchEnvironment is env with exactly the given setting of OpenMP's waiting.
func torchEnvironment(env []string, setting string) []string {
	env = slices.DeleteFunc(slices.Clone(env), func(v string) bool {
		name, _, _ := strings.Cut(v, "=")
		return name == "OMP_WAIT_POLICY" || name == "GOMP_SPINCOUNT"
	})
	return append(env, strings.Fields(setting)...)
}
