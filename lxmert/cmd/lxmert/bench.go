package main

import (
	"encoding/json"
	"errors"
	"os"

	"github.com/spf13/cobra"

	"github.com/seed-516990b0/golxmert/lxmert/bench"
)

// benchCommand is `lxmert bench`: how fast the model is.
func benchCommand() *cobra.Command {
	cmd := &cobra.Command{
		Use:   "bench",
		Short: "Measure speed and memory, on its own or side by side with PyTorch",
	}
	cmd.AddCommand(benchForwardCommand(), benchMeasureCommand())
	return cmd
}

func benchForwardCommand() *cobra.Command {
	var o bench.Options
	asJSON := false
	cmd := &cobra.Command{
		Use:   "forward",
		Short: "Measure the forward pass to a task's logits",
		Long: `Measures the forward pass of a model with a task's head, for several batch sizes: the best and the median time of
repeated runs after a warm-up, examples and floating-point operations per second, the share of the fastest matrix
product of the same backend in the same process, the time to compile, peak memory, and the time from starting a
process to its first output.

Without --load, weights of the published size (LXR955 and all heads, with VQA's 3129 answers) are made up and written
to a temporary .pth of about 940 MB, in the folder that TMPDIR names. Speed does not depend on their values. --keep
writes them to a file that stays, for a later --load.

Operations are counted for the whole model, two per multiplication and addition of its matrix products, whatever an
engine leaves out because only the logits are wanted, or adds because it fills batches up to the next power of two.
Every timed run starts with inputs and ends with logits in the host's memory. Weights come from the page cache. Each
measurement has a process of its own.

--peer runs the same model in PyTorch, on the same file and inputs, in turns with this program: in each round once
with OMP_WAIT_POLICY=PASSIVE GOMP_SPINCOUNT=0 and once without, and of the two the better counts, row by row. It is
an error if the logits differ by more than 1e-3 of the largest (with --bf16, 5e-2). How soon PyTorch has its first
output is also timed with torch.load(mmap=True), where it can do that. This program uses all cores that it may;
taskset limits both.

--json prints one object instead of the tables. Times are in milliseconds where the name ends in _ms, else in seconds;
memory is in bytes:

  version, machine {os, arch, cpu, cores}, repeat, rounds
  model {weights, file_bytes, parameters, answers, words, regions, dtype, flops_per_example}
  peak {gflop_per_s, product {m, k, n}}
  ours, torch[] {engine, device, setting, threads, processes,
    rows[] {batch, best_ms, median_ms, examples_per_s, gflop_per_s, share_of_peak (0 to 1), compile_s, runs},
    opening {total_s, start_s, library_s, load_s, compile_s, forward_s}, opening_median_s, peak_rss_bytes}
  torch_mapped {as ours, rows empty}
  versus[] {batch, ours_best_ms, ours_median_ms, torch_best_ms, torch_median_ms, ratio_best, ratio_median}
  torch_over_ours_opening, logits_difference

torch and what follows it are there with --peer only. Ratios are PyTorch's time divided by ours.`,
		Example: `  lxmert bench forward
  lxmert bench forward --batches 1,64 --backend cuda --bf16
  lxmert bench forward --peer python3 --json > bench.json`,
		Args: cobra.NoArgs,
		RunE: func(cmd *cobra.Command, _ []string) error {
			self, err := os.Executable()
			if err != nil {
				return err
			}
			if o.Backend, err = cmd.Flags().GetString("backend"); err != nil {
				return err
			}
			for _, name := range []string{"words", "regions", "repeat", "rounds", "threads"} {
				if n, err := cmd.Flags().GetInt(name); err == nil && n < 1 && cmd.Flags().Changed(name) {
					return usage("--%s is %d, must be at least 1", name, n)
				}
			}
			o.Self, o.Log = []string{self, "bench", "measure"}, cmd.ErrOrStderr()
			report, err := bench.Forward(cmd.Context(), o)
			if errors.Is(err, bench.ErrOptions) {
				return usage("%w", err)
			}
			if err != nil {
				return err
			}
			if asJSON {
				out := json.NewEncoder(cmd.OutOrStdout())
				out.SetIndent("", "  ")
				return out.Encode(report)
			}
			return report.Print(cmd.OutOrStdout())
		},
	}
	f := cmd.Flags()
	f.StringVar(&o.Load, "load", "", "weights with a task's head: a .pth or .safetensors file (the suffix may be left out) or a folder (default: made up)")
	f.StringVar(&o.Config, "config", "", "JSON file with the sizes that the weights' shapes do not tell (default: looked for beside the weights)")
	f.StringVar(&o.Keep, "keep", "", "write the made-up weights to this `FILE`.pth and leave it there")
	f.BoolVar(&o.BF16, "bf16", false, "bfloat16 on both sides (fast on GPUs, slow on CPUs)")
	f.IntSliceVar(&o.Batches, "batches", []int{1, 8, 32}, "batch sizes")
	f.IntVar(&o.Words, "words", 20, "word pieces of a sentence")
	f.IntVar(&o.Regions, "regions", 36, "regions of a picture")
	f.IntVar(&o.Repeat, "repeat", 15, "timed runs per batch size and process")
	f.IntVar(&o.Rounds, "rounds", 0, "how often the engines take turns (default: 3 with --peer, else 1)")
	f.StringVar(&o.Peer, "peer", "", "a `PYTHON` that has PyTorch, to run beside")
	f.IntVar(&o.Threads, "threads", 0, "PyTorch's threads (default: the number of cores)")
	f.BoolVar(&asJSON, "json", false, "print JSON")
	return cmd
}

// benchMeasureCommand is the process that `lxmert bench forward` starts for each measurement.
func benchMeasureCommand() *cobra.Command {
	return &cobra.Command{
		Use:    "measure SPEC",
		Short:  "Measure in this process, as `lxmert bench forward` asks for",
		Args:   cobra.ExactArgs(1),
		Hidden: true,
		RunE: func(cmd *cobra.Command, args []string) error {
			return bench.Serve(cmd.Context(), args[0], cmd.OutOrStdout(), cmd.ErrOrStderr())
		},
	}
}
