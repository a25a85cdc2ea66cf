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
	f.addWeights(cmd)
	cmd.Flags().BoolVar(&f.bf16, "bf16", false, "keep weights and layers in bfloat16 (fast on GPUs, slow on CPUs)")
}

// addWeights adds the flags that say which weights.
func (f *modelFlags) addWeights(cmd *cobra.Command) {
	cmd.Flags().StringVar(&f.load, "load", "", "weights: a .pth or .safetensors file (the suffix may be left out), a Hugging Face folder, or toy: the toy world's model")
	cmd.Flags().StringVar(&f.config, "config", "", "JSON file with the sizes that the weights' shapes do not tell (default: looked for beside the weights)")
	cmd.Flags().BoolVar(&f.unused, "allow-unused", false, "leave tensors alone that are not part of the model, such as an optimiser's, and count them (default: they are an error)")
}

// open opens the model; Close frees it and its backend.
func (f *modelFlags) open(cmd *cobra.Command) (*lxrt.Model, error) {
	if f.load == "" {
		return nil, usage("--load is needed: which weights?")
	}
	spec, err := cmd.Flags().GetString("backend")
	if err != nil {
		return nil, err
	}
	return lxrt.Load(cmd.Context(), f.load, lxrt.LoadOptions{
		Backend: spec, Config: f.config, Options: lxrt.Options{BFloat16: f.bf16, AllowUnused: f.unused, Log: cmd.ErrOrStderr()},
	})
}

// openOn opens the model on a backend that others share. Close frees the model alone.
func (f *modelFlags) openOn(cmd *cobra.Command, b *backend.Backend) (*lxrt.Model, error) {
	return lxrt.Open(b, f.load, f.config, lxrt.Options{BFloat16: f.bf16, AllowUnused: f.unused, Log: cmd.ErrOrStderr()})
}

// noteHeads says so if the number of a model's attention heads is a guess.
func noteHeads(w io.Writer, m *weights.Model) {
	if note := m.HeadsNote(); note != "" {
		fmt.Fprintln(w, note)
	}
}
