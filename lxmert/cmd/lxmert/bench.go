package main

import (
	"errors"
	"io"
	"os"
	"slices"
	"strings"

	"github.com/spf13/cobra"
	"github.com/spf13/pflag"

	"github.com/seed-516990b0/golxmert/lxmert/bench"
)

// benchCommand is `lxmert bench`: how fast the model is.
func benchCommand() *cobra.Command {
	cmd := &cobra.Command{
		Use:   "bench",
		Short: "Measure speed and memory, on its own or side by side with PyTorch",
	}
	cmd.AddCommand(benchForwardCommand(), benchTrainCommand(), benchPretrainCommand(), benchAnalysisCommand(), benchDataCommand(), benchTokenizerCommand(), benchGPUCommand(), benchMeasureCommand())
	return cmd
}

// benchReport is what a measurement found.
type benchReport interface{ Print(io.Writer) error }

// runBench starts a measurement and prints what it found.
func runBench(cmd *cobra.Command, runs *bench.Runs, asJSON bool, measure func() (benchReport, error)) error {
	self, err := os.Executable()
	if err != nil {
		return err
	}
	// To package bench 0 means its own default, which nobody asks for by writing 0.
	cmd.Flags().Visit(func(f *pflag.Flag) {
		if n, notNumber := cmd.Flags().GetInt(f.Name); notNumber == nil && n < 1 && err == nil {
			err = usage("--%s is %d, must be at least 1", f.Name, n)
		}
	})
	if err != nil {
		return err
	}
	runs.Self, runs.Log = []string{self, "bench", "measure"}, cmd.ErrOrStderr()
	report, err := measure()
	if errors.Is(err, bench.ErrOptions) {
		return usage("%w", err)
	}
	if err != nil {
		return err
	}
	if asJSON {
		return writeJSON(cmd.OutOrStdout(), report)
	}
	return report.Print(cmd.OutOrStdout())
}

func benchForwardCommand() *cobra.Command {
	var o bench.Options
	asJSON, engine := false, ""
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
measurement has a process of its own. The first one compiles; later ones, as usual, read the compiled programs from a
folder, and are listed apart.

--peer runs the same model in PyTorch, on the same file and inputs, in turns with this program: in each round once
with OMP_WAIT_POLICY=PASSIVE GOMP_SPINCOUNT=0 and once without, and of the two the better counts, row by row. It is
an error if the logits differ by more than 1e-3 of the largest (with --bf16, 5e-2). How soon PyTorch has its first
output is also timed with torch.load(mmap=True), where it can do that. This program uses all cores that it may;
taskset limits both.

--engine torch measures libtorch in the place of a peer's PyTorch, in the same turns and tables, in a program that was
built with it ("lxmert backend install libtorch" says how).

--json prints one object instead of the tables. Times are in milliseconds where the name ends in _ms, else in seconds;
memory is in bytes:

  version, machine {os, arch, cpu, cores}, repeat, rounds
  model {weights, file_bytes, parameters, answers, words, regions, dtype, flops_per_example}
  peak {gflop_per_s, product {m, k, n}}
  ours, torch[] {engine, device, setting, threads, processes,
    rows[] {batch, best_ms, median_ms, examples_per_s, gflop_per_s, share_of_peak (0 to 1), compile_s, runs},
    opening {total_s, start_s, library_s, load_s, compile_s, forward_s}, opening_median_s, opening_anew {as opening},
    peak_rss_bytes, peak_device_bytes}
  torch_mapped {as ours, rows empty}
  versus[] {batch, ours_best_ms, ours_median_ms, torch_best_ms, torch_median_ms, ratio_best, ratio_median}
  torch_over_ours_opening, torch_over_ours_opening_anew, logits_difference

torch and what follows it are there with --peer or --engine torch only. Ratios are PyTorch's time divided by ours.`,
		Example: `  lxmert bench forward
  lxmert bench forward --batches 1,64 --backend cuda --bf16
  lxmert bench forward --peer python3 --json > bench.json`,
		Args: cobra.NoArgs,
		RunE: func(cmd *cobra.Command, _ []string) error {
			return runBench(cmd, &o.Runs, asJSON, func() (benchReport, error) {
				switch o.Backend = backendSpec(cmd); engine {
				case "gomlx":
				case "torch":
					o.Libtorch = true
				default:
					return nil, usage("--engine %s: there are gomlx and torch", engine)
				}
				return bench.Forward(cmd.Context(), o)
			})
		},
	}
	benchModelFlags(cmd.Flags(), &o, []int{1, 8, 32})
	cmd.Flags().StringVar(&engine, "engine", "gomlx", "what is measured: gomlx, or torch: libtorch beside it, in a program built with it")
	benchRunFlags(cmd.Flags(), &o.Runs, 15, "timed runs per batch size and process", "PyTorch")
	cmd.Flags().BoolVar(&asJSON, "json", false, "print JSON")
	return cmd
}

// benchModelFlags are the flags of measurements of the model.
func benchModelFlags(f *pflag.FlagSet, o *bench.Options, batches []int) {
	f.StringVar(&o.Load, "load", "", "weights with a task's head: a .pth or .safetensors file (the suffix may be left out) or a folder (default: made up)")
	f.StringVar(&o.Config, "config", "", "JSON file with the sizes that the weights' shapes do not tell (default: looked for beside the weights)")
	f.StringVar(&o.Keep, "keep", "", "write the made-up weights to this `FILE`.pth and leave it there")
	f.BoolVar(&o.BF16, "bf16", false, "bfloat16 on both sides (fast on GPUs, slow on CPUs)")
	f.BoolVar(&o.TF32, "tf32", false, "multiply float32 numbers by TensorFloat-32 on both sides, on GPUs that can")
	f.IntSliceVar(&o.Batches, "batches", batches, "batch sizes")
	f.IntVar(&o.Words, "words", 20, "word pieces of a sentence")
	f.IntVar(&o.Regions, "regions", 36, "regions of a picture")
	f.IntVar(&o.Threads, "threads", 0, "PyTorch's threads (default: the number of cores)")
}

// benchRunFlags are the flags of all measurements. peerHas is a package that the peer needs, if any.
func benchRunFlags(f *pflag.FlagSet, r *bench.Runs, repeat int, repeated, peerHas string) {
	f.IntVar(&r.Repeat, "repeat", repeat, repeated)
	f.IntVar(&r.Rounds, "rounds", 0, "how often the engines take turns (default: 3 with --peer, else 1)")
	if peerHas != "" {
		peerHas = " that has " + peerHas
	}
	f.StringVar(&r.Peer, "peer", "", "a `PYTHON`"+peerHas+", to run beside")
}

func benchTrainCommand() *cobra.Command {
	var o bench.TrainOptions
	asJSON := false
	cmd := &cobra.Command{
		Use:   "train",
		Short: "Measure a training step of a model with a task's head",
		Long: `Measures full training steps of a model with a task's head, for several batch sizes: forward with a dropout of 0.1,
the loss of soft answers, backward, clipping of the gradients' global norm at 5, and BertAdam. Printed are the best
and the median time of repeated steps after a warm-up, examples and floating-point operations per second (three times
those of the forward pass), the share of the fastest matrix product of the same backend in the same process, the time
to compile, and peak memory. Heads of pre-training are left out.

Weights are made up or come from --load, as in ` + "`lxmert bench forward`" + `. Every step starts with inputs and ends with
the loss and the model's answers in the host's memory. Each engine, setting and batch size has processes of its own:
with the published sizes each needs some 6 GB, and more for larger batches; never two run at the same time.

--peer trains the same model in PyTorch, with dropout in the same places and the published optimizer's loop over
parameters, in turns with this program: on a CPU in each round once with OMP_WAIT_POLICY=PASSIVE GOMP_SPINCOUNT=0 and
once without; with --compile once more through torch.compile (on a CPU with these variables). Of these the best
counts, number by number. Before anything is timed both make 3 steps without dropout at a learning rate of 1e-3: it is
an error if the losses differ by more than 1e-3 of PyTorch's (with --bf16, which is autocast there, 5e-2).

--rematerialize, --accumulate and --devices change how this program makes a step, not what it computes. --lora trains adapters
of queries and values, and the head, instead of the whole model.

--json prints one object instead of the tables. Times are in milliseconds where the name ends in _ms, else in seconds;
memory is in bytes, of the host, or of a GPU where it is called device:

  version, machine {os, arch, cpu, cores}, repeat, rounds, pretrain, lora, rematerialize, accumulate, devices
  model {weights, file_bytes, parameters, answers, words, regions, dtype, flops_per_example}
  peak {gflop_per_s, product {m, k, n}}
  ours, torch[] {engine, device, setting, threads,
    rows[] {batch, best_ms, median_ms, examples_per_s, gflop_per_s, share_of_peak (0 to 1), compile_s, runs,
      processes, peak_rss_bytes, peak_device_bytes}}
  versus[] {batch, ours_best_ms, ours_median_ms, torch_best_ms, torch_median_ms, ratio_best, ratio_median,
    ours_peak_rss_bytes, torch_peak_rss_bytes, ratio_memory}
  losses[], loss_difference

torch and what follows it are there with --peer only. Ratios are what PyTorch needs divided by what this program
needs.`,
		Example: `  lxmert bench train
  lxmert bench train --batches 32 --backend cuda --bf16 --peer python3 --compile
  lxmert bench train --peer python3 --json > train.json`,
		Args: cobra.NoArgs,
		RunE: func(cmd *cobra.Command, _ []string) error {
			return runBench(cmd, &o.Runs, asJSON, func() (benchReport, error) {
				o.Backend = backendSpec(cmd)
				return bench.Train(cmd.Context(), o)
			})
		},
	}
	benchStepFlags(cmd.Flags(), &o, []int{8, 32}, &asJSON)
	return cmd
}

func benchPretrainCommand() *cobra.Command {
	o := bench.TrainOptions{Pretrain: true}
	asJSON := false
	cmd := &cobra.Command{
		Use:   "pretrain",
		Short: "Measure a step of pre-training",
		Long: `Measures full steps of pre-training as ` + "`lxmert pretrain`" + ` makes them: forward with a dropout of 0.1, all six losses and how strongly
each pulls, backward, clipping of the gradients' global norm at 1, and BertAdam; with made-up words and regions of which
as many are masked as in pre-training. All else, what is printed and --json too, is as in ` + "`lxmert bench train`" + `. Operations count
as in the published loss, whose masked-word head is computed at every word; this program computes it at masked words.

--peer makes the same steps in PyTorch, with the losses as the published code computes them.`,
		Example: `  lxmert bench pretrain
  lxmert bench pretrain --batches 8 --peer python3`,
		Args: cobra.NoArgs,
		RunE: func(cmd *cobra.Command, _ []string) error {
			return runBench(cmd, &o.Runs, asJSON, func() (benchReport, error) {
				o.Backend = backendSpec(cmd)
				return bench.Train(cmd.Context(), o)
			})
		},
	}
	benchStepFlags(cmd.Flags(), &o, []int{8}, &asJSON)
	return cmd
}

// benchStepFlags are those of steps of training.
func benchStepFlags(f *pflag.FlagSet, o *bench.TrainOptions, batches []int, asJSON *bool) {
	benchModelFlags(f, &o.Options, batches)
	benchRunFlags(f, &o.Runs, 5, "timed steps per batch size and process", "PyTorch")
	f.BoolVar(&o.Compile, "compile", false, "run PyTorch with torch.compile, too")
	f.BoolVar(&o.Rematerialize, "rematerialize", false, "compute activations again on the way back instead of keeping them (less memory)")
	f.IntVar(&o.LoRA, "lora", 0, "train adapters of this rank instead of the whole model (default: none)")
	f.IntVar(&o.Accumulate, "accumulate", 1, "make a step of this many parts of a batch, one after the other (less memory)")
	f.IntVar(&o.Devices, "devices", 1, "devices of the backend that share a step")
	f.BoolVar(asJSON, "json", false, "print JSON")
}

func benchAnalysisCommand() *cobra.Command {
	var o bench.Options
	asJSON := false
	cmd := &cobra.Command{
		Use:   "analysis",
		Short: "Measure methods of analysis",
		Long: `Measures how many explanations a second bi-modal relevance gives, for several batch sizes. Each begins with inputs and
ends with the relevance of every word and region for the most probable answer, in the host's memory. Weights are made
up or come from --load, as in ` + "`lxmert bench forward`" + `.

--peer explains the same examples in PyTorch the published way: one at a time, by a backward pass that fills the
gradients of all parameters; and a second time with the gradients of the attention maps alone. Both take turns with
this program, on a CPU in each round once with OMP_WAIT_POLICY=PASSIVE GOMP_SPINCOUNT=0 and once without. It is an
error if the relevance differs by more than 1e-3 of the largest (with --bf16 5e-2).

--json prints one object instead of the tables. Times are in milliseconds where the name ends in _ms, else in seconds;
memory is in bytes:

  version, machine {os, arch, cpu, cores}, method, repeat, rounds
  model {weights, file_bytes, parameters, answers, words, regions, dtype}
  ours, torch[], torch_maps_only[] {engine, device, setting, threads, processes, peak_rss_bytes, peak_device_bytes,
    rows[] {batch, best_ms, median_ms, examples_per_s, compile_s, runs}}
  versus[] {batch, ours_ms, torch_ms, torch_maps_only_ms, ratio, ratio_maps_only}
  difference

torch and what follows it are there with --peer only. Ratios are PyTorch's time per explanation divided by ours.

--method emap measures EMAP instead, of which --batches examples all texts meet all pictures; --method shapley exact Shapley
values, for which all subsets of --batches words and regions are asked about. The peer makes one pass for each pair of a text
and a picture, as published code does, and times are of one pass: "batch" is how many of them one computation stands for.

--method patching measures how many heads and levels a second are patched from the run on a picture with empty
features into the run on the picture as it is: exactly, 32 to a run, and by attribution patching, all at once. PyTorch patches
one to a pass. It is an error if what patching changes differs by more than 1e-3 of the largest change. --batches does not
count here, and the JSON has

  ours, torch[] as above, with the number of nodes as batch: exact, then by attribution
  versus[] {way, nodes, ours_ms, torch_ms, ratio}    of one node
  difference

--method embed measures how fast activations are written to files as "lxmert embed" does, the pooled output and all levels,
beside the forward pass that computes as much; it has no peer, and the JSON has

  ours as above, of each batch size the rows that ways names
  ways[] {way, batch, rows_per_s, share}             of the forward pass's own speed`,
		Example: `  lxmert bench analysis
  lxmert bench analysis --method emap --peer python3
  lxmert bench analysis --method patching --peer python3
  lxmert bench analysis --peer python3`,
		Args: cobra.NoArgs,
		RunE: func(cmd *cobra.Command, _ []string) error {
			return runBench(cmd, &o.Runs, asJSON, func() (benchReport, error) {
				o.Backend = backendSpec(cmd)
				if o.Method == bench.PatchingMethod {
					return bench.Patching(cmd.Context(), o)
				}
				if o.Method != bench.Relevance && !cmd.Flags().Changed("batches") {
					o.Batches = nil // each method has sizes of its own
				}
				if o.Method == bench.EmbedMethod {
					return bench.Embed(cmd.Context(), o)
				}
				return bench.Analysis(cmd.Context(), o)
			})
		},
	}
	benchModelFlags(cmd.Flags(), &o, []int{1, 8, 32})
	benchRunFlags(cmd.Flags(), &o.Runs, 5, "timed runs per batch size and process", "PyTorch")
	cmd.Flags().BoolVar(&asJSON, "json", false, "print JSON")
	cmd.Flags().StringVar(&o.Method, "method", bench.Relevance, strings.Join(append(slices.Clone(bench.AnalysisMethods), bench.PatchingMethod, bench.EmbedMethod), ", "))
	return cmd
}

func benchDataCommand() *cobra.Command {
	var o bench.DataOptions
	asJSON := false
	cmd := &cobra.Command{
		Use:   "data",
		Short: "Measure how fast region features are packed and read",
		Long: `Measures the way of region features from a TSV into batches: packing the file into a store, which happens once;
opening the store, which happens at every start; and reading batches of random images from it, in one thread.

The TSV is made up, in the layout of the published ones, in the folder that TMPDIR names. Room is needed there for it
and for the store, which is about three quarters of its size. Both come from the page cache as far as it holds them.
Packing and reading have a process each.

--peer does the same the published code's way, in turns with this program: every start decodes the whole file into
memory with Python's csv and base64 modules and NumPy, and batches are copies from there. It is an error if any of the
batches differ by a bit.

--json prints one object instead of the tables. Times are in milliseconds where the name ends in _ms, else in seconds;
memory and sizes are in bytes, except that read_mb_per_s counts millions of bytes of text:

  version, machine {os, arch, cpu, cores}, batch, repeat, rounds
  file {bytes, images, regions, features}
  ours, python {engine, read_best_s, read_median_s, read_mb_per_s, read_peak_rss_bytes, store_bytes, open_best_s,
    open_median_s, batch_best_ms, batch_median_ms, images_per_s, peak_rss_bytes, processes, batches}
  versus {ratio_read_best, ratio_read_median, ratio_open_best, ratio_open_median, ratio_batch_best,
    ratio_batch_median, ratio_memory, ratio_read_memory}

read_ is packing and, of Python, loading; open_ is opening the store and, of Python, loading once more. python and
versus are there with --peer only. Ratios are what Python needs divided by what this program needs.`,
		Example: `  lxmert bench data
  lxmert bench data --size 3000 --peer python3`,
		Args: cobra.NoArgs,
		RunE: func(cmd *cobra.Command, _ []string) error {
			return runBench(cmd, &o.Runs, asJSON, func() (benchReport, error) { return bench.Data(cmd.Context(), o) })
		},
	}
	f := cmd.Flags()
	f.IntVar(&o.MB, "size", 300, "size of the TSV in `MB`")
	f.IntVar(&o.Batch, "batch", 32, "images of a batch")
	f.IntVar(&o.Regions, "regions", 36, "regions of an image")
	f.IntVar(&o.Dim, "features", 2048, "features of a region")
	benchRunFlags(f, &o.Runs, 50, "timed batches per process", "NumPy")
	f.BoolVar(&asJSON, "json", false, "print JSON")
	return cmd
}

func benchTokenizerCommand() *cobra.Command {
	var o bench.TokenizerOptions
	asJSON := false
	cmd := &cobra.Command{
		Use:   "tokenizer",
		Short: "Measure how fast sentences become word pieces",
		Long: `Measures how many sentences a second become ids of word pieces, in one thread. The sentences are made up, like
questions in English with some numbers, accents and unknown words; so is the vocabulary without --vocab.

--peer does the same the published code's way, in plain Python and in turns with this program. It is an error if a
sentence's ids differ.

--json prints one object instead of the table. Times are in milliseconds where the name ends in _ms, else in seconds;
memory is in bytes:

  version, machine {os, arch, cpu, cores}, vocabulary, pieces, sentences, length, repeat, rounds
  ours, python {engine, best_ms, median_ms, sentences_per_s, load_s, peak_rss_bytes, processes, runs}
  versus {ratio_best, ratio_median, ratio_load, ratio_memory}

best_ms is of a pass over all sentences, load_s of reading the vocabulary. python and versus are there with --peer
only. Ratios are what Python needs divided by what this program needs.`,
		Example: `  lxmert bench tokenizer
  lxmert bench tokenizer --vocab data/vocab.txt --peer python3`,
		Args: cobra.NoArgs,
		RunE: func(cmd *cobra.Command, _ []string) error {
			return runBench(cmd, &o.Runs, asJSON, func() (benchReport, error) { return bench.Tokenizer(cmd.Context(), o) })
		},
	}
	f := cmd.Flags()
	f.StringVar(&o.Vocab, "vocab", "", "vocabulary file, or a folder with vocab.txt (default: made up, 30,522 pieces)")
	f.IntVar(&o.Sentences, "sentences", 20000, "how many sentences to make up")
	f.IntVar(&o.Length, "length", 20, "word pieces that a sentence is cut or padded to")
	benchRunFlags(f, &o.Runs, 5, "timed passes over the sentences per process", "")
	f.BoolVar(&asJSON, "json", false, "print JSON")
	return cmd
}

// benchMeasureCommand is the process that the others start for each measurement.
func benchMeasureCommand() *cobra.Command {
	return &cobra.Command{
		Use:    "measure SPEC",
		Short:  "Measure in this process, as the other commands of bench ask for",
		Args:   cobra.ExactArgs(1),
		Hidden: true,
		RunE: func(cmd *cobra.Command, args []string) error {
			return bench.Serve(cmd.Context(), args[0], cmd.OutOrStdout(), cmd.ErrOrStderr())
		},
	}
}
