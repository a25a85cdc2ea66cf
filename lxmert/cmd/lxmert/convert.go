package main

import (
	"errors"
	"fmt"
	"io"
	"strings"

	"github.com/spf13/cobra"

	"github.com/seed-516990b0/golxmert/internal/progress"
	"github.com/seed-516990b0/golxmert/lxmert"
	"github.com/seed-516990b0/golxmert/lxmert/weights"
)

// convertCommand is `lxmert convert`: between .pth, .safetensors and Hugging Face's folders.
func convertCommand() *cobra.Command {
	dtype, to := choice{allowed: []string{"f32", "f16", "bf16"}}, choice{value: "lxmert", allowed: []string{"lxmert", "hf"}}
	config, lora := "", ""
	cmd := &cobra.Command{
		Use:   "convert SRC DST",
		Short: "Convert weights between .pth, .safetensors and Hugging Face",
		Long: `Read the weights of an LXMERT model and write them in another format, under the reference's names or Hugging
Face's.

SRC is any file or folder that "lxmert inspect" knows. With --to lxmert, DST is a .pth, which the reference and
torch.load(weights_only=True) read, or a .safetensors; prefixes such as "module." are gone, and the model's
configuration is in the file itself (safetensors: metadata "lxmert_config"; .pth: an attribute of the state
dict that PyTorch ignores), so no config.json is needed beside it. With --to hf, DST is a folder with
config.json and model.safetensors; the command says which class of transformers opens it.

--dtype converts all floating-point values, rounding to nearest even; without it every tensor keeps its type.
Values that f16 cannot hold (65,520 and beyond) become infinite and are counted.
--lora adds the adapters that training with --lora has left beside its snapshots to SRC, the weights that it began with, and
writes the plain model that BEST.pth or LAST.pth is, too. Weights that the adapters do not belong to are an error.

DST is replaced only when the new file is complete. Tensors that are not part of the model, such as an
optimiser's, are left out and counted.`,
		Example: `  lxmert convert model_LXRT.pth model.safetensors
  lxmert convert model_LXRT.pth half_LXRT.pth --dtype f16
  lxmert convert model_LXRT.pth lxmert-hf --to hf
  lxmert convert lxmert-hf model_LXRT.pth
  lxmert convert snap/pretrained/model tuned.pth --lora snap/vqa/mine/BEST.lora.safetensors`,
		Args: cobra.ExactArgs(2),
		RunE: func(cmd *cobra.Command, args []string) error {
			m, err := weights.OpenModel(args[0], config)
			if err != nil {
				return err
			}
			defer m.Close()
			noteHeads(cmd.ErrOrStderr(), m)
			kind := weights.DType(strings.ToUpper(dtype.value))
			if lora != "" {
				if to.value == "hf" {
					return usage("--lora writes the reference's layout; convert what it writes with --to hf")
				}
				return mergeAdapters(cmd.OutOrStdout(), m, lora, args[1], kind)
			}
			done, left := "", []string(nil)
			if to.value == "hf" {
				class, err := weights.SaveHuggingFace(args[1], m, kind)
				if err != nil {
					return err
				}
				left = weights.HuggingFaceLeaves(m.Config)
				done = fmt.Sprintf("open it with transformers.%s.from_pretrained(%q)", class, args[1])
			} else {
				items, err := m.Items(kind)
				if err != nil {
					return err
				}
				if err := weights.Save(args[1], m.Config, items, nil); err != nil {
					return err
				}
				done = m.Kind()
			}
			values := m.Config.NumParams()
			for _, name := range left {
				values -= lxmert.Size(m.Shape(name))
			}
			fmt.Fprintf(cmd.OutOrStdout(), "%s: %s values, %s\n", args[1], progress.Count(int64(values)), done)
			if len(left) > 0 {
				fmt.Fprintf(cmd.ErrOrStderr(), "left out %d parameters of pre-training's answer head, whose place the fine-tuned one takes: %s\n", len(left), firstNames(left))
			}
			switch n, names, err := m.Overflow(kind); {
			case err != nil:
				return err
			case n > 0:
				fmt.Fprintf(cmd.ErrOrStderr(), "warning: %s values are too large for %s and became infinite, in %s; bf16 and f32 reach further\n", progress.Count(int64(n)), dtype.value, firstNames(names))
			}
			if unused := m.Report(m.Config).Unused; len(unused) > 0 {
				fmt.Fprintf(cmd.ErrOrStderr(), "left out %d tensors that are not part of the model: %s\n", len(unused), firstNames(unused))
			}
			return nil
		},
	}
	cmd.Flags().Var(&dtype, "dtype", "type of floating-point values: f32, f16 or bf16 (default: as they are)")
	cmd.Flags().Var(&to, "to", "names and layout: lxmert or hf")
	cmd.Flags().StringVar(&config, "config", "", "`FILE` with the model's configuration (JSON of lxmert, BERT or Hugging Face)")
	cmd.Flags().StringVar(&lora, "lora", "", "`FILE` of adapters to add to SRC, such as snap/vqa/mine/BEST.lora.safetensors")
	return cmd
}

// mergeAdapters writes a model with the adapters of a file added to its weights.
func mergeAdapters(out io.Writer, base *weights.Model, lora, path string, kind weights.DType) (err error) {
	a, err := weights.OpenAdapters(lora)
	if err != nil {
		return err
	}
	defer func() { err = errors.Join(err, a.Close()) }()
	items, err := a.Merge(base, kind)
	if err != nil {
		return err
	}
	if err := weights.Save(path, a.Config, items, nil); err != nil {
		return err
	}
	fmt.Fprintf(out, "%s: %s values, %s with adapters of rank %d added to %d layers\n", path, progress.Count(int64(a.Config.NumParams())), weights.Words(a.Config), a.Rank, len(a.Layers))
	return nil
}

func firstNames(names []string) string {
	if len(names) > 3 {
		return printable(strings.Join(names[:3], ", ")) + ", …"
	}
	return printable(strings.Join(names, ", "))
}

// choice is a flag with a few allowed values.
type choice struct {
	value   string
	allowed []string
}

func (c *choice) String() string { return c.value }
func (c *choice) Type() string   { return strings.Join(c.allowed, "|") }

// Set implements pflag.Value.
func (c *choice) Set(s string) error {
	for _, a := range c.allowed {
		if s == a {
			c.value = s
			return nil
		}
	}
	return fmt.Errorf("must be %s", strings.Join(c.allowed, " or "))
}
