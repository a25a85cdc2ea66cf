package main

import (
	"bufio"
	"errors"
	"fmt"
	"os"
	"path/filepath"
	"strings"

	"github.com/spf13/cobra"

	"github.com/seed-516990b0/golxmert/analysis/report"
	"github.com/seed-516990b0/golxmert/internal/atomicfile"
	"github.com/seed-516990b0/golxmert/lxmert"
	"github.com/seed-516990b0/golxmert/lxmert/check"
	"github.com/seed-516990b0/golxmert/lxmert/lxrt"
	"github.com/seed-516990b0/golxmert/lxmert/question"
	"github.com/seed-516990b0/golxmert/lxmert/toy"
)

// checking is what the flags of `lxmert check` say.
type checking struct {
	opt         check.Options
	model       modelFlags
	inputs      string
	regions     []string
	data, vocab string
	rows        int
	out, script string
	world       *toy.Named // nil: the model is another's
}

func checkCommand() *cobra.Command {
	var x checking
	cmd := &cobra.Command{
		Use:   "check --load WEIGHTS [--python PYTHON [--lxmert DIR] [--hf]] [--script M.pt] [--inputs IN.safetensors | --regions FEATURES --data FILE]",
		Short: "Compare engines on the same weights and inputs: XLA, Go, and your PyTorch",
		Long: `Runs the same inputs through the same weights in every engine that there is, each in a process of its own, and compares every
attention map, level and head: by how much engines differ, where they part first, and whether rounding explains it. The exit
code is 1 if two engines do not agree.

Engines of this project are XLA (cpu, cuda), XLA on the processor without what this project makes faster ("plain"), and GoMLX's
Go backend; --backend takes one instead. --python names a Python of yours with PyTorch, and is what all others are compared with:

  --hf           transformers' LXMERT (the default; any version from 4.33 on was tried up to 5.24)
  --lxmert DIR   the original, in your own copy of github.com/airsplay/lxmert, which is not changed: a script of ours listens to
                 its modules. It needs nothing but torch

libtorch computes too where this program was built with it ("lxmert backend install libtorch"). There --script M.pt also compares
a TorchScript module that you traced. What it takes and returns stands beside it in M.json, the outputs in their order by their
names here ("" for one that is not compared):

  {"inputs": ["input_ids", "segment_ids", "input_mask", "feats", "boxes"], "outputs": ["out.qa", "x.0.ti", "hid.t.5"]}

Inputs may also be visual_mask; masks are int64, or with "mask_type": "float32" what that says.

Weights are your own file where that engine reads it, else a copy in a temporary folder (TMPDIR names another).

Inputs are a safetensors file as "lxmert trace" takes it, or the first --rows questions of a data set, or, with neither, random
ones that are always the same.

Two engines add numbers up in another order, so they differ by rounding. How far that carries is measured with these weights and
inputs: activations are moved by up to their last bit, and twice what comes of it is allowed. Another formula, mask or
precision (TF32) is beyond that. --tolerance R allows R of an activation's largest entry instead.

--out writes a page (.html) or all numbers (.json):

  weights, inputs, rows, words, regions, bound, reference, agree,
  engines[] {name, about, skipped, seconds, compared, parts, worst, share, agrees, verdict}
  activations[] {name, what, largest_entry, allowed, apart[] {engine, largest, relative, why, agrees}}

--save-script writes the script, which gives you all maps in Python by their names here, as a program or as a module: its
--help says how.`,
		Example: `  lxmert check --load snap/pretrained/model --python python3
  lxmert check --load snap/pretrained/model --python ~/venv/bin/python --lxmert ~/lxmert \
      --regions data/mscoco_imgfeat/val2014_obj36.tsv --data data/vqa/minival.json --out check.html
  lxmert check --save-script lxmert_activations.py`,
		Args: cobra.NoArgs,
		RunE: func(cmd *cobra.Command, _ []string) error {
			if x.script != "" {
				return x.saveScript(cmd)
			}
			return x.run(cmd)
		},
	}
	x.model.addWeights(cmd)
	f := cmd.Flags()
	f.StringVar(&x.opt.Python, "python", "", "a Python with PyTorch to compare with")
	f.StringVar(&x.opt.Original, "lxmert", "", "your copy of the original code, for --python")
	f.BoolVar(&x.opt.Transformers, "hf", false, "compare with transformers in --python (default where --lxmert is not given)")
	f.StringVar(&x.opt.Script, "script", "", "a TorchScript module (M.pt, with M.json beside it) to compare with")
	f.StringVar(&x.inputs, "inputs", "", "safetensors file with the batch")
	f.StringSliceVar(&x.regions, "regions", nil, "regions of the pictures, for --data")
	f.StringVar(&x.data, "data", "", "questions: a JSON file of VQA, GQA or NLVR2, or the name of a split")
	f.StringVar(&x.vocab, "vocab", "", "vocab.txt of bert-base-uncased (default: looked for beside the weights, in data and in Hugging Face's cache)")
	f.IntVar(&x.rows, "rows", 4, "how many questions of --data")
	f.StringSliceVar(&x.opt.Want, "want", nil, "names of activations, comma-separated; patterns as in 'x.*.ti' or '*' (default: maps, levels and heads)")
	f.Float64Var(&x.opt.Tolerance, "tolerance", 0, "largest difference that is allowed, as a share of an activation's largest entry (default: what rounding explains)")
	f.StringVar(&x.out, "out", "", "page (.html) or numbers (.json) to write")
	f.StringVar(&x.script, "save-script", "", "write the script that gives activations in Python, and stop")
	return cmd
}

// saveScript writes what Python runs.
func (x *checking) saveScript(cmd *cobra.Command) error {
	err := atomicfile.Replace(x.script, func(_ *os.File, w *bufio.Writer) error {
		_, err := w.Write(check.Script)
		return err
	})
	if err == nil {
		_, err = fmt.Fprintf(cmd.OutOrStdout(), "%s: `python %s --help` says how to use it\n", x.script, quoteArgs([]string{x.script}))
	}
	return err
}

func (x *checking) run(cmd *cobra.Command) error {
	switch {
	case x.model.load == "":
		return usage("--load is needed: which weights?")
	case x.inputs != "" && (x.data != "" || len(x.regions) > 0):
		return usage("--inputs has all of the batch: --regions and --data are for questions instead")
	case x.rows < 1:
		return usage("--rows is %d, must be at least 1", x.rows)
	case x.out != "" && x.writer() == nil:
		return usage("--out %s: the file's name must end in .html or .json", x.out)
	}
	var err error
	if x.world, err = x.model.findToy(); err != nil {
		return err
	}
	if x.data == "" && len(x.regions) > 0 || x.data != "" && len(x.regions) == 0 && x.world == nil {
		return usage("--regions and --data belong together: the questions, and the regions of their pictures")
	}
	if x.opt.Batch, x.opt.Inputs, err = x.batch(cmd); err != nil {
		return err
	}
	self, err := os.Executable()
	if err != nil {
		return err
	}
	o := x.opt
	o.Load, o.Config, o.AllowUnused = x.model.load, x.model.config, x.model.unused
	o.Backend, o.Self, o.Log = backendSpec(cmd), []string{self}, cmd.ErrOrStderr()
	r, err := check.Run(cmd.Context(), o)
	if errors.Is(err, check.ErrOptions) {
		return usage("%w", err)
	}
	if err != nil {
		return err
	}
	if x.out != "" {
		if err := x.writer()(r); err != nil {
			return err
		}
	}
	if err := r.Print(cmd.OutOrStdout()); err != nil {
		return err
	}
	return r.Err()
}

// writer writes what --out names; nil: files of that name are not written.
func (x *checking) writer() func(r *check.Report) error {
	switch strings.ToLower(filepath.Ext(x.out)) {
	case ".html", ".htm":
		return func(r *check.Report) error { return report.Save(x.out, checkPage(r), report.Options{}) }
	case ".json":
		return func(r *check.Report) error {
			return atomicfile.Replace(x.out, func(_ *os.File, w *bufio.Writer) error { return writeJSON(w, r) })
		}
	}
	return nil
}

// batch reads or makes the inputs, and says what they are. nil: there are none.
func (x *checking) batch(cmd *cobra.Command) (*lxmert.Batch, string, error) {
	if x.inputs != "" {
		b, err := lxrt.ReadBatch(x.inputs)
		return b, x.inputs, err
	}
	if x.data == "" {
		return nil, "", nil
	}
	opt := question.Options{Weights: x.model.load, Vocab: x.vocab, Regions: x.regions, Log: cmd.ErrOrStderr(), Flags: true}
	fillToy(&opt, x.world)
	cfg, err := modelConfig(x.model)
	if err != nil {
		return nil, "", err
	}
	asker, err := question.Open(cfg, opt)
	if err != nil {
		return nil, "", err
	}
	defer asker.Close()
	examples, err := asker.Questions(cmd.Context(), x.data, x.rows)
	if err != nil {
		return nil, "", err
	}
	var questions []lxmert.Question
	for _, e := range examples {
		questions = append(questions, lxmert.Question{Text: e.Text, Images: e.Images})
	}
	b, err := asker.Batch(cmd.Context(), questions)
	if err != nil {
		return nil, "", err
	}
	for _, note := range append(b.Notes, b.Doubts...) {
		fmt.Fprintf(cmd.ErrOrStderr(), "warning: %s\n", note)
	}
	return b.Batch, fmt.Sprintf("the first %d questions of %s", len(questions), x.data), nil
}
