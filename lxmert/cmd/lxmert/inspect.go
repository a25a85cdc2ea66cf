package main

import (
	"fmt"
	"io"
	"strconv"
	"strings"
	"text/tabwriter"

	"github.com/spf13/cobra"

	"github.com/seed-516990b0/golxmert/internal/progress"
	"github.com/seed-516990b0/golxmert/lxmert"
	"github.com/seed-516990b0/golxmert/lxmert/weights"
)

// inspectCommand is `lxmert inspect`: what a file of weights holds.
func inspectCommand() *cobra.Command {
	asJSON, config := false, ""
	cmd := &cobra.Command{
		Use:   "inspect FILE",
		Short: "Say what a file of weights is, and list its tensors",
		Long: `List the tensors of a .pth or .safetensors file (name, type, shape, size) and say what the file is: a
pre-training snapshot, a fine-tuned one, an encoder, a Hugging Face model or something else; which sizes
the model has; and which command loads it. What a .pth file holds beside tensors (flags, paths, dates, NumPy
values, objects of any class) is listed by what it is called and left alone.

FILE may leave its suffix away (FILE.pth, FILE_LXRT.pth, FILE.safetensors are tried) and may be a Hugging Face
folder. Nothing in the file is executed, damaged or hostile files are safe to look at, and large ones take no
longer than small ones.

How many attention heads a model has cannot be seen in its weights. It is taken from --config, from notes in
the file, or from a config.json or bert_config.json beside it or one folder up; else 64 units per head are
assumed, as in BERT.`,
		Example: `  lxmert inspect snap/pretrained/model_LXRT.pth
  lxmert inspect snap/pretrained/model
  lxmert inspect unc-nlp/lxmert-base-uncased --json`,
		Args: cobra.ExactArgs(1),
		RunE: func(cmd *cobra.Command, args []string) error {
			found, err := inspect(args[0], config)
			if err != nil {
				return err
			}
			if asJSON {
				return writeJSON(cmd.OutOrStdout(), found)
			}
			return found.print(cmd.OutOrStdout())
		},
	}
	cmd.Flags().BoolVar(&asJSON, "json", false, "print JSON")
	cmd.Flags().StringVar(&config, "config", "", "`FILE` with the model's configuration (JSON of lxmert, BERT or Hugging Face)")
	return cmd
}

// inspection is what `lxmert inspect --json` prints.
type inspection struct {
	Path    string `json:"path"`
	Format  string `json:"format"`
	Bytes   int64  `json:"bytes"`
	What    string `json:"what"`
	NoModel string `json:"no_model,omitempty"` // why it is not an LXMERT model

	Config    *lxmert.Config `json:"config,omitempty"`
	Words     string         `json:"config_in_words,omitempty"`
	HeadsFrom string         `json:"heads_from,omitempty"`
	LoadWith  string         `json:"load_with,omitempty"`
	Note      string         `json:"note,omitempty"`
	Missing   []string       `json:"missing,omitempty"`
	Unused    []string       `json:"unused,omitempty"`
	Reshaped  []string       `json:"reshaped,omitempty"`

	Metadata   map[string]string `json:"metadata,omitempty"`
	Parameters int64             `json:"parameters"` // values, shared ones once
	Tensors    []inspected       `json:"tensors"`
	Extras     []inspectedExtra  `json:"extras,omitempty"` // what is beside the tensors
	MoreExtras int               `json:"more_extras,omitempty"`
}

type inspectedExtra struct {
	Name string `json:"name"`
	What string `json:"what"`
}

type inspected struct {
	Name   string        `json:"name"`
	DType  weights.DType `json:"dtype"`
	Shape  []int         `json:"shape"`
	Bytes  int64         `json:"bytes"`
	Shares string        `json:"shares_storage_with,omitempty"`
}

func inspect(name, config string) (*inspection, error) {
	path, err := weights.Resolve(name)
	if err != nil {
		return nil, err
	}
	f, err := weights.Open(path)
	if err != nil {
		return nil, err
	}
	defer f.Close()
	in := &inspection{Path: path, Format: f.Format, Bytes: f.Size(), Metadata: f.Metadata, Tensors: []inspected{}}
	firstOf := map[any]*weights.Tensor{}
	for _, name := range f.Names() {
		t, _ := f.Tensor(name)
		row := inspected{Name: name, DType: t.DType, Shape: append([]int{}, t.Shape...), Bytes: t.NumBytes()}
		if first := firstOf[t.Storage()]; first != nil {
			row.Shares = first.Name
		} else {
			firstOf[t.Storage()] = t
			in.Parameters += int64(t.Len())
		}
		in.Tensors = append(in.Tensors, row)
	}
	extras, more := f.Extras()
	for _, e := range extras {
		in.Extras = append(in.Extras, inspectedExtra(e))
	}
	in.MoreExtras = more
	m, err := weights.NewModel(f, config)
	if err != nil {
		in.What, in.NoModel = "something other than an LXMERT model", err.Error()
		if weights.IsAdapters(f) {
			in.What = "LoRA adapters, and the heads that were trained with them"
		}
		return in, nil
	}
	report := m.Report(m.Config)
	in.What, in.Config, in.Words = m.Kind(), &m.Config, weights.Words(m.Config)
	in.HeadsFrom, in.LoadWith, in.Note = m.HeadsFrom, m.LoadCommand(), m.MMFNote()
	in.Missing, in.Unused, in.Reshaped = report.Missing, report.Unused, report.Reshaped
	return in, nil
}

func (in *inspection) print(w io.Writer) error {
	table := tabwriter.NewWriter(w, 0, 8, 2, ' ', 0)
	for _, t := range in.Tensors {
		shares := ""
		if t.Shares != "" {
			shares = "\tshares the values of " + printable(t.Shares)
		}
		fmt.Fprintf(table, "%s\t%s\t%s\t%s%s\n", printable(t.Name), t.DType, shapeText(t.Shape), byteSize(t.Bytes), shares)
	}
	if err := table.Flush(); err != nil {
		return err
	}
	fmt.Fprintf(w, "\n%s: %s, %s, %d tensors, %s values\n", printable(in.Path), in.Format, byteSize(in.Bytes), len(in.Tensors), progress.Count(in.Parameters))
	if err := in.printExtras(w); err != nil {
		return err
	}
	fmt.Fprintf(w, "is      %s\n", in.What)
	if in.NoModel != "" {
		fmt.Fprintf(w, "why     %s\n", printable(in.NoModel))
		return nil
	}
	if in.Note != "" {
		fmt.Fprintf(w, "note    %s\n", printable(in.Note))
	}
	fmt.Fprintf(w, "sizes   %s\n", in.Words)
	fmt.Fprintf(w, "        attention heads from %s\n", printable(in.HeadsFrom))
	for _, g := range []struct {
		what  string
		names []string
	}{{"missing", in.Missing}, {"unused ", in.Unused}, {"odd    ", in.Reshaped}} {
		for _, name := range g.names {
			fmt.Fprintf(w, "%s %s\n", g.what, printable(name))
		}
	}
	load := in.LoadWith
	if load == "" {
		load = fmt.Sprintf("no command can: %d parameters of the model are missing or of another shape", len(in.Missing)+len(in.Reshaped))
	}
	_, err := fmt.Fprintf(w, "load    %s\n", printable(load))
	return err
}

// printExtras lists what is beside the tensors.
func (in *inspection) printExtras(w io.Writer) error {
	table := tabwriter.NewWriter(w, 0, 8, 2, ' ', 0)
	for _, e := range in.Extras {
		name := e.Name
		if name == "" {
			name = "(all of it)"
		}
		fmt.Fprintf(table, "beside  %s\t%s\n", printable(name), printable(e.What))
	}
	if err := table.Flush(); err != nil || in.MoreExtras == 0 {
		return err
	}
	_, err := fmt.Fprintf(w, "beside  and %d more\n", in.MoreExtras)
	return err
}

// printable keeps what a file says from steering the terminal.
func printable(s string) string {
	if quoted := strconv.Quote(s); len(quoted) != len(s)+2 {
		for _, r := range s {
			if !strconv.IsPrint(r) {
				return quoted
			}
		}
	}
	return s
}

func shapeText(shape []int) string {
	return strings.ReplaceAll(fmt.Sprint(shape), " ", ", ")
}

// byteSize writes bytes with a unit.
func byteSize(n int64) string {
	switch {
	case n >= 1<<30:
		return fmt.Sprintf("%.2f GiB", float64(n)/(1<<30))
	case n >= 1<<20:
		return fmt.Sprintf("%.1f MiB", float64(n)/(1<<20))
	case n >= 1<<10:
		return fmt.Sprintf("%.1f KiB", float64(n)/(1<<10))
	}
	return fmt.Sprintf("%d B", n)
}
