package main

import (
	"context"
	"fmt"
	"iter"
	"os"
	"path/filepath"
	"strings"

	"github.com/spf13/cobra"

	"github.com/seed-516990b0/golxmert/analysis"
	"github.com/seed-516990b0/golxmert/analysis/figure"
	"github.com/seed-516990b0/golxmert/analysis/suite"
	"github.com/seed-516990b0/golxmert/lxmert"
	"github.com/seed-516990b0/golxmert/lxmert/question"
)

// suiting is what the flags of `lxmert suite` say.
type suiting struct {
	model   modelFlags
	regions []string
	vocab   string
	shard   string
	to      suite.Folder // where scores are kept; no Dir: nowhere
	opt     suite.Options
}

func suiteCommand() *cobra.Command {
	var s suiting
	cmd := &cobra.Command{
		Use:   "suite SUITE FILE... --load WEIGHTS --regions FEATURES",
		Short: "Ask which sentence belongs to which picture: VALSE, Winoground, SVO-Probes and other suites of pairs",
		Long: `Scores sentences with pictures by the match head of pre-trained weights, without fine-tuning, and prints the measures that each
suite defines, for all items and for each group, with 95 % intervals and what guessing gives. Files are the suites' own:

` + suiteLines() + `
Of your own, "pairs" takes JSON lines: {"images": ["val2014/17"], "sentences": ["a red star", "a blue star"]}, the first sentence
is the right one; or {"images": [...], "sentences": [...], "right": [[1, 0], [0, 1]], "group": "colour"}; "masked" takes
{"images": ["val2014/17"], "sentences": ["a red star"], "mask": "red"}.

Regions of a suite's pictures must have been found by LXMERT's detector. They are sought by the name of the picture file without
folder and suffix; twelve digits stand for any COCO id that ends in them. Items whose pictures are missing are counted and left
out. Match is class 1 of out.match.

--blind scores the sentences alone as well, without any picture, by the masked-word head: what a measure is worth to a model that
does not look. It takes a run of the model for each sentence, with a row for each word.

With --out every score is kept, and a run that was cut off goes on where it stopped when the same command is given again; only an
item that is a whole file, as in retrieval, begins anew. --shard does one part of several, for several machines.`,
		Example: `  lxmert suite valse existence.json plurals.json --load snap/pretrained/Epoch20_LXRT --regions features/valse --blind
  lxmert suite winoground examples.jsonl --load snap/pretrained/Epoch20_LXRT --regions winoground_obj36.tsv --out winoground
  lxmert suite pairs mine.jsonl --load toy-pretrained`,
		Args: cobra.MinimumNArgs(2),
		RunE: func(cmd *cobra.Command, args []string) error { return s.run(cmd, args[0], args[1:]) },
	}
	s.model.add(cmd)
	f := cmd.Flags()
	f.StringSliceVar(&s.regions, "regions", nil, "regions of the pictures: TSVs, packed stores, .npz or .safetensors files, or folders of the last two; the first that has a picture counts")
	f.StringVar(&s.vocab, "vocab", "", "vocab.txt of bert-base-uncased (default: looked for beside the weights, in data and in Hugging Face's cache)")
	f.BoolVar(&s.opt.Blind, "blind", false, "score the sentences without pictures as well")
	f.IntVar(&s.opt.Limit, "limit", 0, "only the first items (default: all)")
	f.Uint64Var(&s.opt.Seed, "seed", 0, "of the intervals")
	f.StringVar(&s.shard, "shard", "", "do one part of several, such as 0/8 to 7/8; `lxmert merge` joins them")
	f.BoolVar(&s.to.Overwrite, "overwrite", false, "throw away what the folder has and begin anew")
	f.StringVar(&s.to.Dir, "out", "", "folder for the table, as .pdf, .csv, .tex and .json, items.jsonl with every score, and citation.bib")
	return cmd
}

func suiteLines() string {
	var s strings.Builder
	for _, x := range suite.Suites() {
		fmt.Fprintf(&s, "  %-11s %s\n", x.Name, x.About)
	}
	return s.String()
}

func (s *suiting) run(cmd *cobra.Command, name string, files []string) error {
	x, err := suite.Find(name)
	if err != nil {
		return usage("%w", err)
	}
	if s.to.Shard, s.to.Shards, err = readShard(s.shard); err != nil {
		return err
	}
	if s.to.Dir == "" && (s.to.Shards > 0 || s.to.Overwrite) {
		return usage("--shard and --overwrite are about what --out keeps: which folder?")
	}
	s.to.Files = files
	for _, path := range files { // before anything takes long
		if _, err := os.Stat(path); err != nil {
			return err
		}
	}
	asker, err := s.open(cmd, x)
	if err != nil {
		return err
	}
	defer asker.Close()
	names, err := asker.Names()
	if err != nil {
		return err
	}
	s.opt.Mask = names.Mask()
	ids, err := asker.ImageIDs(cmd.Context())
	if err != nil {
		return err
	}
	s.opt.Picture = suite.Pictures(ids)
	return s.score(cmd, asker, x, files)
}

// open prepares to make batches.
func (s *suiting) open(cmd *cobra.Command, x suite.Suite) (*question.Asker, error) {
	if s.model.load == "" {
		return nil, usage("--load is needed: which weights?")
	}
	world, err := s.model.findToy()
	if err != nil {
		return nil, err
	}
	opt := question.Options{Weights: s.model.load, Vocab: s.vocab, Regions: s.regions, Length: x.Length, Pad: true, Log: cmd.ErrOrStderr(), Flags: true}
	fillToy(&opt, world)
	if len(opt.Regions) == 0 {
		return nil, usage("--regions is needed: the regions of the suite's pictures")
	}
	cfg, err := modelConfig(s.model)
	if err != nil {
		return nil, err
	}
	return question.Open(cfg, opt)
}

// score asks the model, and prints and keeps the table.
func (s *suiting) score(cmd *cobra.Command, asker *question.Asker, x suite.Suite, files []string) error {
	m, err := s.model.open(cmd)
	if err != nil {
		return err
	}
	defer m.Close()
	screen := newScreen(cmd, false)
	defer screen.finish()
	bar := screen.bar("matching", "items")
	s.opt.Progress = func(n int) { screen.set(bar, int64(n), 0, "") }
	input := func(ctx context.Context, questions []lxmert.Question) (*lxmert.Batch, error) {
		b, err := asker.Batch(ctx, questions)
		if err != nil {
			return nil, err
		}
		return b.Batch, nil
	}
	r, err := s.ask(cmd.Context(), m, input, x, itemsOf(x, files))
	screen.finish()
	switch {
	case err != nil && cmd.Context().Err() != nil && s.to.Dir != "":
		fmt.Fprintf(cmd.ErrOrStderr(), "what was scored is in %s; the same command goes on from there\n", s.to.Dir)
		return err
	case err != nil:
		return err
	case s.to.Shards > 1:
		fmt.Fprintf(cmd.OutOrStdout(), "part %s is done; when all are, `lxmert merge %s` writes the table\n", s.shard, quoteArgs([]string{s.to.Dir}))
		return nil
	}
	return saveSuite(cmd, s.to.Dir, r)
}

// ask runs the suite, in a folder if there is one.
func (s *suiting) ask(ctx context.Context, m lxmert.Engine, input suite.Input, x suite.Suite, items iter.Seq2[suite.Item, error]) (*suite.Result, error) {
	if s.to.Dir == "" {
		return suite.Run(ctx, m, input, x, items, s.opt)
	}
	return suite.RunIn(ctx, s.to, m, input, x, items, s.opt)
}

// saveSuite prints what a suite found and, if there is a folder, leaves the table there.
func saveSuite(cmd *cobra.Command, dir string, r *suite.Result) error {
	table := r.Table()
	writeResultTable(cmd.OutOrStdout(), table)
	for _, note := range r.Notes {
		fmt.Fprintln(cmd.ErrOrStderr(), note)
	}
	if dir == "" {
		return nil
	}
	for _, suffix := range tableSuffixes() {
		if err := figure.Save(filepath.Join(dir, r.Suite.Name+suffix), table, figure.Options{Width: figure.Page}); err != nil {
			return err
		}
	}
	if err := saveCitation(dir, []analysis.Result{table}, r.Suite.Name); err != nil {
		return err
	}
	fmt.Fprintf(cmd.OutOrStdout(), "%s has the table, items.jsonl every score, and %s how to cite them\n", dir, citationFile)
	return nil
}

// itemsOf goes through the items of several files.
func itemsOf(x suite.Suite, files []string) iter.Seq2[suite.Item, error] {
	return func(yield func(suite.Item, error) bool) {
		for _, path := range files {
			f, err := os.Open(path)
			if err != nil {
				yield(suite.Item{}, err)
				return
			}
			for item, err := range x.Items(f, path) {
				if err != nil {
					err = fmt.Errorf("%s: %w", path, err)
				}
				if !yield(item, err) || err != nil {
					f.Close()
					return
				}
			}
			if err := f.Close(); err != nil {
				yield(suite.Item{}, err)
				return
			}
		}
	}
}
