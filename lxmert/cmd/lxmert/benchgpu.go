package main

import (
	"fmt"
	"os"
	"path/filepath"

	"github.com/spf13/cobra"

	"github.com/seed-516990b0/golxmert/lxmert/bench"
)

// benchGPUCommand measures what is wanted of a GPU that is there for a short time.
func benchGPUCommand() *cobra.Command {
	var o bench.GPUOptions
	asJSON, without := false, false
	cmd := &cobra.Command{
		Use:   "gpu",
		Short: "Measure a GPU that is there for a quarter of an hour",
		Long: `Measures on a GPU, the most wanted first: whether outputs are the original's (with --golden), training steps with batches of 32
and 256 in bfloat16, TensorFloat-32 and float32, explanations with batches of 32, predictions with batches of 512, how soon a
process has its first output, and the most of the GPU's memory that was in use; with --peer beside PyTorch, eager and through torch.compile.

Each row is written into the folder --out, as NAME.json, when it is done. Calling the command again goes on: rows that are
there stay, rows that failed, or took longer than --limit, are tried again. The weights, of the published size and made
up, are written there, too (about 860 MB), unless --load names others.

A machine without a network needs this program, a CUDA plugin, which JAX's packages have (` + "`lxmert backend`" + ` lists what was
found), and for --golden a folder with config.json, tiny/weights.safetensors and tiny/forward.safetensors, as
lxmert/testdata/golden/model-1 is; one called golden beside the program is taken without being named.

--without-gpu finds out on a machine without one what an H100 would be given: every program of training, prediction and
explanation, on one device and on four, is built as it is for a GPU and compiled by CUDA's plugin ahead of time
(` + "`lxmert backend install cuda`" + ` brings that, 2.5 GB; it needs no GPU). The table has each program's memory, kernels, operations
and bytes, and the least time that these take; what the compiler made of each is written beside the rows. --peer names a
Python with JAX then, whose programs of the same model are compiled beside ours. It takes half an hour on a few cores.

--backend cpu tries all of it without a GPU. --json prints one object instead of the tables, in which times are in
milliseconds where the name ends in _ms, else in seconds, and memory is in bytes:

  machine {os, arch, cpu, cores}, folder
  rows[] {name, version, device, torch, seconds, error, batch, best_ms, examples_per_s, compile_s, peak_device_bytes,
    torch_peak_device_bytes, torch_ms, torch_compiled_ms, cold_start_s, warm_start_s, difference}

and with --without-gpu, in which seconds of cost are reckoned, not measured:

  machine, folder, plugin
  rows[] {name, version, plugin, seconds, error, devices, programs[], jax, jax_version}
    programs[], jax {name, fallback (what was wrong with Triton's products), compile_s,
      need {argument_bytes, output_bytes, aliased_bytes, temporary_bytes}, cost {kernels, flops {type: operations}, bytes, seconds}}
  wholes[] {name, cost, jax, ratio}`,
		Example: `  lxmert bench gpu --out h100 --peer python3
  lxmert bench gpu --out h100 --backend xla:/path/xla_cuda_plugin.so --golden golden
  lxmert bench gpu --out h100 --without-gpu --peer python3`,
		Args: cobra.NoArgs,
		RunE: func(cmd *cobra.Command, _ []string) error {
			if cmd.Flags().Changed("limit") && o.Limit <= 0 {
				return usage("--limit is %s, must be longer than 0", o.Limit)
			}
			if without {
				return benchWithoutGPU(cmd, o, asJSON)
			}
			if o.Golden == "" {
				o.Golden = goldenBeside()
			}
			var found *bench.GPUReport
			err := runBench(cmd, &o.Runs, asJSON, func() (r benchReport, err error) {
				o.Backend = backendSpec(cmd)
				found, err = bench.GPU(cmd.Context(), o)
				return found, err
			})
			if err == nil && found.Failed() > 0 {
				return fmt.Errorf("%d of %d rows were not measured; the same command tries them again", found.Failed(), len(found.Rows))
			}
			return err
		},
	}
	f := cmd.Flags()
	f.StringVar(&o.Dir, "out", "", "`FOLDER` for the results")
	f.StringVar(&o.Golden, "golden", "", "folder with outputs of the original (default: golden beside the program, if there is one)")
	f.StringVar(&o.Load, "load", "", "weights with a task's head (default: made up)")
	f.IntVar(&o.MaxBatch, "maxBatch", 0, "make larger batches this large, for a GPU with little memory (default: batches of up to 512)")
	f.DurationVar(&o.Limit, "limit", 0, "for one row (default 2m0s, 30m0s with --without-gpu)")
	f.IntVar(&o.Repeat, "repeat", 10, "timed runs of each row")
	f.StringVar(&o.Peer, "peer", "", "a `PYTHON` that has PyTorch, to run beside; with --without-gpu one that has JAX")
	f.BoolVar(&without, "without-gpu", false, "compile every program for an H100 that is not there, and measure nothing")
	f.BoolVar(&asJSON, "json", false, "print JSON")
	return cmd
}

// benchWithoutGPU compiles what else is measured.
func benchWithoutGPU(cmd *cobra.Command, o bench.GPUOptions, asJSON bool) error {
	for _, name := range []string{"golden", "load", "repeat"} {
		if cmd.Flags().Changed(name) {
			return usage("--%s is for what a GPU computes; leave it out with --without-gpu", name)
		}
	}
	ahead := bench.AheadOptions{Options: o.Options, Dir: o.Dir, MaxBatch: o.MaxBatch, Limit: o.Limit}
	var found *bench.AheadReport
	err := runBench(cmd, &ahead.Runs, asJSON, func() (r benchReport, err error) {
		ahead.Backend = backendSpec(cmd)
		found, err = bench.Ahead(cmd.Context(), ahead)
		return found, err
	})
	if err == nil && found.Failed() > 0 {
		return fmt.Errorf("%d of %d rows are not complete; the same command tries them again", found.Failed(), len(found.Rows))
	}
	return err
}

// goldenBeside is the folder golden beside this program, "" if there is none.
func goldenBeside() string {
	self, err := os.Executable()
	if err != nil {
		return ""
	}
	dir := filepath.Join(filepath.Dir(self), "golden")
	if _, err := os.Stat(filepath.Join(dir, "tiny", "forward.safetensors")); err != nil {
		return ""
	}
	return dir
}
