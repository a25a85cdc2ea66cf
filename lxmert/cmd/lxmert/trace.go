package main

import (
	"fmt"
	"maps"
	"slices"
	"strings"
	"text/tabwriter"
	"time"

	"github.com/spf13/cobra"

	"github.com/seed-516990b0/golxmert/lxmert"
	"github.com/seed-516990b0/golxmert/lxmert/lxrt"
	"github.com/seed-516990b0/golxmert/lxmert/weights"
)

func traceCommand() *cobra.Command {
	var model modelFlags
	var inputs, out string
	var want []string
	var list bool
	cmd := &cobra.Command{
		Use:   "trace --load WEIGHTS --inputs IN.safetensors --want NAMES --out OUT.safetensors",
		Short: "Run a batch and save any activations of it",
		Long: `Runs the model on a batch of inputs and saves the activations that --want names: any of the attention maps, their
scores before softmax, levels, sublayer outputs, insides of feed-forward blocks and heads. "*" stands for one dot-separated
part of a name, and alone for everything.

Inputs are a safetensors file with input_ids [N,T], feats [N,V,F] and boxes [N,V,4], and if need be segment_ids,
input_mask (or attention_mask) and visual_mask; names may start with "input.". Missing segments are zeros. Where a mask
is missing nothing counts as padding: what looks like it is a warning.`,
		Example: `  lxmert trace --load snap/pretrained/model --list
  lxmert trace --load snap/pretrained/model --inputs batch.safetensors --want 'x.*.ti,out.qa' --out trace.safetensors`,
		Args: cobra.NoArgs,
		RunE: func(cmd *cobra.Command, _ []string) error {
			if list {
				return listNames(cmd, model)
			}
			if inputs == "" || out == "" || len(want) == 0 {
				return usage("--inputs, --want and --out are needed (or --list, which prints the names)")
			}
			return runTrace(cmd, model, inputs, want, out)
		},
	}
	model.add(cmd)
	cmd.Flags().StringVar(&inputs, "inputs", "", "safetensors file with the batch")
	cmd.Flags().StringSliceVar(&want, "want", nil, "names of activations, comma-separated; patterns as in 'x.*.ti' or '*'")
	cmd.Flags().StringVar(&out, "out", "", "safetensors file to write")
	cmd.Flags().BoolVar(&list, "list", false, "print the names of all activations, with their shapes, and stop")
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

func runTrace(cmd *cobra.Command, model modelFlags, inputs string, want []string, out string) error {
	b, err := lxrt.ReadBatch(inputs)
	if err != nil {
		return err
	}
	if _, err := model.findToy(); err != nil {
		return err
	}
	m, err := model.open(cmd)
	if err != nil {
		return err
	}
	defer m.Close()
	names, err := expand(m.Config(), want)
	if err != nil {
		return err
	}
	for _, doubt := range b.Doubts() {
		fmt.Fprintf(cmd.ErrOrStderr(), "warning: %s: %s\n", inputs, doubt)
	}
	start := time.Now()
	t, err := m.Run(cmd.Context(), b, lxmert.Request{Want: lxmert.All(names...)})
	if err != nil {
		return err
	}
	if err := t.Save(out); err != nil {
		return err
	}
	fmt.Fprintf(cmd.ErrOrStderr(), "%s: %d activations of %d rows, %.1f s\n", out, len(t.Values), b.Rows(), time.Since(start).Seconds())
	if bad, all, in := notFinite(t); bad > 0 {
		fmt.Fprintf(cmd.ErrOrStderr(), "warning: %s of %s values are NaN or infinite, in %s\n", grouped(int64(bad)), grouped(int64(all)), firstNames(in))
	}
	return nil
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

// expand turns patterns into names, each once.
func expand(cfg lxmert.Config, patterns []string) ([]string, error) {
	var names []string
	for _, p := range patterns {
		found, err := cfg.Find(strings.TrimSpace(p))
		if err != nil {
			return nil, err
		}
		for _, a := range found {
			if !slices.Contains(names, a.Name) {
				names = append(names, a.Name)
			}
		}
	}
	return names, nil
}
