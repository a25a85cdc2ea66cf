package check

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"os"
	"path/filepath"
	"slices"
	"strconv"
	"strings"

	"github.com/seed-516990b0/golxmert/lxmert/backend"
	"github.com/seed-516990b0/golxmert/lxmert/internal/process"
	"github.com/seed-516990b0/golxmert/lxmert/torch"
	"github.com/seed-516990b0/golxmert/lxmert/weights"
)

// engine computes activations in a process of its own.
type engine struct {
	name string
	// skipped says why this machine does without it; "": it does not.
	skipped string
	// program leaves activations in the file out. about says what computed, once it has run.
	program func(out string) (p process.Program, about func() string, err error)
}

// engines is the table of what is compared, the reference first: what the user knows, or else what compiles nothing.
func (c *comparison) engines(ctx context.Context) ([]engine, error) {
	all, err := c.pythons(ctx)
	if err != nil {
		return nil, err
	}
	const onGo = "go"
	if c.Backend == "" || strings.HasPrefix(c.Backend, onGo) {
		all = append(all, c.own(ctx, onGo, onGo))
	}
	specs := []string{c.Backend}
	if c.Backend == "" {
		specs = []string{"cpu", "cuda"}
	}
	for _, spec := range specs {
		if strings.HasPrefix(spec, onGo) {
			continue
		}
		all = append(all, c.own(ctx, spec, spec))
		if kind, _, _ := strings.Cut(strings.TrimPrefix(spec, "xla:"), ","); kind == "cpu" {
			all = append(all, c.own(ctx, spec+", plain", spec, "GOLXMERT_MATMUL=0", "GOLXMERT_POOL=0", "GOLXMERT_PROGRAMS=0"))
		}
	}
	if torch.Built && c.Backend == "" {
		all = append(all, c.trace("libtorch", c.names, []string{"--engine", "torch"}))
	}
	if c.Script != "" {
		script, err := c.script()
		if err != nil {
			return nil, err
		}
		all = append(all, script)
	}
	return all, nil
}

// script is the user's TorchScript module, of which its signature says what it returns.
func (c *comparison) script() (engine, error) {
	if !torch.Built {
		return engine{}, fmt.Errorf("--script %s: %w", c.Script, torch.ErrNotBuilt)
	}
	signature, err := torch.ReadSignature(c.Script, c.model.Config)
	if err != nil {
		return engine{}, fmt.Errorf("--script: %w", err)
	}
	names := slices.DeleteFunc(slices.Clone(c.names), func(name string) bool { return !slices.Contains(signature.Outputs, name) })
	if len(names) == 0 {
		return engine{}, fmt.Errorf("--script %s: none of its outputs (%s) is compared; --want names what is", c.Script, strings.Join(signature.Outputs, ", "))
	}
	return c.trace("torchscript", names, []string{"--engine", "torch", "--script", c.Script}), nil
}

// own is an engine of this project on a backend.
func (c *comparison) own(ctx context.Context, name, spec string, environment ...string) engine {
	e := engine{name: name}
	if err := backend.Ready(ctx, spec); err != nil {
		if errors.Is(err, backend.ErrSpec) || c.Backend != "" {
			e.program = func(string) (process.Program, func() string, error) { return process.Program{}, nil, err }
			return e
		}
		e.skipped = err.Error()
		return e
	}
	return c.trace(name, c.names, []string{"--backend", spec}, environment...)
}

// trace is an engine of this project: the command of that name, with the names of activations that it has and flags that say what
// computes, in an environment with more variables.
func (c *comparison) trace(name string, want, flags []string, environment ...string) engine {
	return engine{name: name, program: func(out string) (process.Program, func() string, error) {
		args := append([]string{"trace", "--load", c.Load, "--inputs", c.inputs, "--want", strings.Join(want, ","), "--out", out}, flags...)
		if c.Config != "" {
			args = append(args, "--config", c.Config)
		}
		if c.AllowUnused {
			args = append(args, "--allow-unused")
		}
		const notes = "backend: "
		var said bytes.Buffer
		about := func() string { return strings.TrimPrefix(strings.TrimSpace(said.String()), notes) }
		return process.Program{Who: name, Argv: slices.Concat(c.Self, args), Env: append(os.Environ(), environment...), Notes: notes, Log: &said}, about, nil
	}}
}

// pythons are the engines of the user's PyTorch.
func (c *comparison) pythons(ctx context.Context) ([]engine, error) {
	if c.Python == "" {
		return nil, nil
	}
	var about pythonAbout
	script, err := process.FindPython(ctx, "--python", c.Python, c.dir, python, &about)
	if err != nil {
		return nil, err
	}
	original, transformers := c.Original, c.Transformers
	if original == "" && !transformers {
		if about.Transformers == "" {
			return nil, fmt.Errorf("--python %s: this Python has no transformers, which have an LXMERT; `%s -m pip install transformers` brings them, or --lxmert DIR names a copy of the original code", c.Python, c.Python)
		}
		transformers = true
	}
	var all []engine
	if original != "" {
		all = append(all, c.python(script, "original", "torch "+about.Torch+", "+original, func() ([]string, error) {
			path, err := c.originalWeights()
			return []string{"--lxmert", original, "--weights", path, "--heads", strconv.Itoa(c.model.Config.Heads), "--activation", c.model.Config.Activation}, err
		}))
	}
	if transformers {
		if about.Transformers == "" {
			return nil, fmt.Errorf("--python %s: this Python has no transformers; `%s -m pip install transformers` brings them", c.Python, c.Python)
		}
		all = append(all, c.python(script, "transformers", "torch "+about.Torch+", transformers "+about.Transformers, func() ([]string, error) {
			path, fineTuned, err := c.huggingFaceWeights()
			args := []string{"--hf", "--weights", path}
			if fineTuned {
				args = append(args, "--fine-tuned")
			}
			return args, err
		}))
	}
	return all, nil
}

// python is an engine of PyTorch.
func (c *comparison) python(script process.Python, name, about string, args func() ([]string, error)) engine {
	return engine{name: name, program: func(out string) (process.Program, func() string, error) {
		args, err := args()
		if err != nil {
			return process.Program{}, nil, err
		}
		args = append(args, "--inputs", c.inputs, "--want", strings.Join(c.names, ","), "--out", out)
		return script.Program("--python "+c.Python, args...), func() string { return about }, nil
	}}
}

// originalWeights is a state dict that the script reads as the original does: the user's own file where it has the original's
// names, else a copy.
func (c *comparison) originalWeights() (string, error) {
	m := c.model
	if _, isDict := m.File.Object.(weights.Dict); isDict && len(m.Report(m.Config).Unused) == 0 && !slices.ContainsFunc(m.File.Names(), func(name string) bool {
		return originalName(name) != weights.Canonical(name)
	}) {
		return m.File.Path, nil
	}
	items, err := m.Items(weights.F32)
	if err != nil {
		return "", err
	}
	path := filepath.Join(c.dir, "weights.safetensors")
	return path, weights.Write(path, items, nil)
}

// originalName is what the script makes of a name, without knowing any but the original's and what training puts in front.
func originalName(name string) string {
	parts := slices.DeleteFunc(strings.Split(name, "."), func(p string) bool { return p == "module" || p == "_orig_mod" })
	return strings.TrimPrefix(strings.Join(parts, "."), "lxrt_encoder.model.")
}

// huggingFaceWeights is a folder that transformers open: the user's own, or a copy. In a copy of a fine-tuned model the answer
// head is the task's.
func (c *comparison) huggingFaceWeights() (dir string, fineTuned bool, err error) {
	m := c.model
	own := filepath.Dir(m.File.Path)
	if _, err := os.Stat(filepath.Join(own, "config.json")); err == nil && slices.ContainsFunc(m.File.Names(), func(name string) bool { return strings.HasPrefix(name, "lxmert.") }) {
		return own, false, nil
	}
	dir = filepath.Join(c.dir, "transformers")
	_, err = weights.SaveHuggingFace(dir, m, weights.F32)
	if err != nil {
		err = fmt.Errorf("%w; --lxmert DIR compares with the original code", err)
	}
	return dir, m.Config.TaskClasses > 0, err
}
