package main

import (
	"fmt"
	"io"

	"github.com/spf13/cobra"

	"github.com/seed-516990b0/golxmert/lxmert/backend"
	"github.com/seed-516990b0/golxmert/lxmert/lxrt"
	"github.com/seed-516990b0/golxmert/lxmert/weights"
)

// modelFlags are the flags of commands that open a model.
type modelFlags struct {
	load, config string
	bf16, unused bool
}

func (f *modelFlags) add(cmd *cobra.Command) {
	cmd.Flags().StringVar(&f.load, "load", "", "weights: a .pth or .safetensors file (the suffix may be left out) or a Hugging Face folder")
	cmd.Flags().StringVar(&f.config, "config", "", "JSON file with the sizes that the weights' shapes do not tell (default: looked for beside the weights)")
	cmd.Flags().BoolVar(&f.unused, "allow-unused", false, "leave tensors alone that are no part of the model, such as an optimiser's, and count them (default: they are an error)")
	cmd.Flags().BoolVar(&f.bf16, "bf16", false, "keep weights and layers in bfloat16 (fast on GPUs, slow on CPUs)")
}

// open opens the model; close frees it and its backend.
func (f *modelFlags) open(cmd *cobra.Command) (m *lxrt.Model, close func(), err error) {
	if f.load == "" {
		return nil, nil, usage("--load is needed: which weights?")
	}
	spec, err := cmd.Flags().GetString("backend")
	if err != nil {
		return nil, nil, err
	}
	b, err := backend.Open(cmd.Context(), spec, cmd.ErrOrStderr())
	if err != nil {
		return nil, nil, err
	}
	m, err = lxrt.Open(b, f.load, f.config, lxrt.Options{BFloat16: f.bf16, AllowUnused: f.unused, Log: cmd.ErrOrStderr()})
	if err != nil {
		b.Finalize()
		return nil, nil, err
	}
	return m, func() { m.Close(); b.Finalize() }, nil
}

// noteHeads says so if the number of a model's attention heads is a guess.
func noteHeads(w io.Writer, m *weights.Model) {
	if note := m.HeadsNote(); note != "" {
		fmt.Fprintln(w, note)
	}
}
