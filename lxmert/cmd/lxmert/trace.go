package main

import (
	"fmt"
	"io"
	"maps"
	"slices"
	"text/tabwriter"
	"time"

	"github.com/spf13/cobra"

	"github.com/seed-516990b0/golxmert/internal/progress"
	"github.com/seed-516990b0/golxmert/lxmert"
	"github.com/seed-516990b0/golxmert/lxmert/lxrt"
	"github.com/seed-516990b0/golxmert/lxmert/torch"
	"github.com/seed-516990b0/golxmert/lxmert/toy"
	"github.com/seed-516990b0/golxmert/lxmert/weights"
)

// tracing is what the flags of `lxmert trace` say.
type tracing struct {
	ask                   asking // model and question
	inputs, question, out string
	want                  []string
	list                  bool
	engine, script        string
}

func traceCommand() *cobra.Command {
	var x tracing
	cmd := &cobra.Command{
		Use:   `trace --load WEIGHTS (--inputs IN.safetensors | --question "…" --image ID --regions FEATURES) --want NAMES --out OUT.safetensors`,
		Short: "Run a batch and save any activations of it",
		Long: `Runs the model on a batch of inputs and saves the activations that --want names: any of the attention maps, their
scores before softmax, levels, sublayer outputs, insides of feed-forward blocks and heads. "*" stands for one dot-separated
part of a name, and alone for everything.

Inputs are a safetensors file with input_ids [N,T], feats [N,V,F] and boxes [N,V,4], and if need be segment_ids,
input_mask (or attention_mask) and visual_mask; names may start with "input.". Missing segments are zeros. Where a mask
is missing nothing counts as padding: what looks like it is a warning.

Instead of inputs a question may be given, with --image and --regions as in "lxmert ask".`,
		Example: `  lxmert trace --load snap/pretrained/model --list
  lxmert trace --load toy --question "what color is the star?" --image test/500001 --want 'x.*.ti,out.task' --out trace.safetensors
  lxmert trace --load snap/pretrained/model --inputs batch.safetensors --want 'x.*.ti,out.qa' --out trace.safetensors`,
		Args: cobra.NoArgs,
		RunE: func(cmd *cobra.Command, _ []string) error {
			if x.list {
				return listNames(cmd, x.ask.model)
			}
			return x.run(cmd)
		},
	}
	x.ask.model.add(cmd)
	cmd.Flags().StringVar(&x.inputs, "inputs", "", "safetensors file with the batch")
	cmd.Flags().StringVar(&x.question, "question", "", "a question to run, instead of --inputs")
	x.ask.addQuestion(cmd)
	cmd.Flags().StringSliceVar(&x.want, "want", nil, "names of activations, comma-separated; patterns as in 'x.*.ti' or '*'")
	cmd.Flags().StringVar(&x.out, "out", "", "safetensors file to write")
	cmd.Flags().StringVar(&x.engine, "engine", "gomlx", "what computes: gomlx (see --backend), or torch: libtorch, in a program built with it")
	cmd.Flags().StringVar(&x.script, "script", "", "a TorchScript module (M.pt, with M.json beside it) that computes instead of the weights, for --engine torch")
	cmd.Flags().BoolVar(&x.list, "list", false, "print the names of all activations, with their shapes, and stop")
	return cmd
}

// listNames prints every activation of a model, or of the published one where no weights are named.
func listNames(cmd *cobra.Command, model modelFlags) error {
	cfg, w := lxmert.LXR955(), cmd.OutOrStdout()
	if _, err := model.findToy(); err != nil {
		return err
	}
	if model.load != "" {
		m, err := weights.OpenModel(model.load, model.config)
		if err != nil {
			return err
		}
		cfg = m.Config
		noteHeads(cmd.ErrOrStderr(), m)
		if err := m.Close(); err != nil {
			return err
		}
	}
	t := tabwriter.NewWriter(w, 0, 0, 2, ' ', 0)
	fmt.Fprintf(t, "NAME\tSHAPE\tWHAT\n")
	names := cfg.Names()
	for _, a := range names {
		fmt.Fprintf(t, "%s\t%s\t%s\n", a.Name, a.Shape(), a.What)
	}
	if err := t.Flush(); err != nil {
		return err
	}
	_, err := fmt.Fprintf(w, "\n%d activations, %d of them attention maps. Rows come first; T words, V regions, H=%d heads, D=%d hidden, d=%d per head, I=%d inside feed-forward blocks, F=%d features, C classes.\n",
		len(names), len(cfg.Maps()), cfg.Heads, cfg.Hidden, cfg.HeadDim(), cfg.Intermediate, cfg.FeatDim)
	return err
}

func (x *tracing) run(cmd *cobra.Command) error {
	switch {
	case x.engine != "gomlx" && x.engine != "torch":
		return usage("--engine %s: there are gomlx and torch", x.engine)
	case x.script != "" && x.engine != "torch":
		return usage("--script is for --engine torch, which runs TorchScript modules")
	case x.out == "" || len(x.want) == 0 || x.inputs == "" && x.question == "":
		return usage("--inputs (or --question), --want and --out are needed (or --list, which prints the names)")
	case x.inputs != "" && (x.question != "" || x.ask.regions != "" || len(x.ask.images) > 0):
		return usage("--inputs has all of the batch: --question, --image and --regions are for a question instead")
	case x.question != "" && x.ask.regions == "" && !toy.IsWeights(x.ask.model.load):
		return usage("--regions is needed for --question: a TSV, .npz or .safetensors file, or a folder of the last two")
	}
	b, r, err := x.batch(cmd)
	if err != nil {
		return err
	}
	m, err := x.open(cmd)
	if err != nil {
		return err
	}
	defer m.Close()
	wanted, err := m.Config().FindAll(x.want...)
	if err != nil {
		return err
	}
	start := time.Now()
	for _, a := range wanted {
		r.Want = append(r.Want, lxmert.Read{Name: a.Name})
	}
	t, err := m.Run(cmd.Context(), b, r)
	if err != nil {
		return err
	}
	if err := t.Save(x.out); err != nil {
		return err
	}
	fmt.Fprintf(cmd.ErrOrStderr(), "%s: %d activations of %d rows, %.1f s\n", x.out, len(t.Values), b.Rows(), time.Since(start).Seconds())
	if bad, all, in := notFinite(t); bad > 0 {
		fmt.Fprintf(cmd.ErrOrStderr(), "warning: %s of %s values are NaN or infinite, in %s\n", progress.Count(int64(bad)), progress.Count(int64(all)), firstNames(in))
	}
	return nil
}

// closing is an engine that has something to free.
type closing interface {
	lxmert.Engine
	io.Closer
}

// open opens the model on the engine that --engine names.
func (x *tracing) open(cmd *cobra.Command) (closing, error) {
	if x.engine != "torch" {
		return x.ask.model.open(cmd)
	}
	f := &x.ask.model
	if f.load == "" {
		return nil, usage("--load is needed: which weights?")
	}
	if x.script != "" {
		cfg, err := modelConfig(*f)
		if err != nil {
			return nil, err
		}
		return torch.OpenScript(x.script, cfg, cmd.ErrOrStderr())
	}
	return torch.Open(f.load, f.config, lxrt.Options{BFloat16: f.bf16, AllowUnused: f.unused, Log: cmd.ErrOrStderr()})
}

// batch reads or makes the model's input, and says how it is to be asked. Inputs are taken as the reference takes them.
func (x *tracing) batch(cmd *cobra.Command) (*lxmert.Batch, lxmert.Request, error) {
	var r lxmert.Request
	if x.inputs != "" {
		b, err := lxrt.ReadBatch(x.inputs)
		if err != nil {
			return nil, r, err
		}
		for _, doubt := range b.Doubts() {
			fmt.Fprintf(cmd.ErrOrStderr(), "warning: %s: %s\n", x.inputs, doubt)
		}
		_, err = x.ask.model.findToy()
		return b, r, err
	}
	asker, err := x.ask.open(cmd, false)
	if err != nil {
		return nil, r, err
	}
	defer asker.Close()
	b, err := x.ask.batch(cmd, asker, x.question)
	if err != nil {
		return nil, r, err
	}
	for _, note := range b.Notes {
		fmt.Fprintf(cmd.ErrOrStderr(), "warning: %s\n", note)
	}
	r.NoRegions = b.NoRegions()
	return b.Batch, r, nil
}

// notFinite counts a trace's values that are NaN or infinite, and names the activations that have some.
func notFinite(t *lxmert.Trace) (bad, all int, in []string) {
	for _, name := range slices.Sorted(maps.Keys(t.Values)) {
		before := bad
		for _, v := range t.Values[name].Data {
			if v-v != 0 {
				bad++
			}
		}
		if all += len(t.Values[name].Data); bad > before {
			in = append(in, name)
		}
	}
	return bad, all, in
}
