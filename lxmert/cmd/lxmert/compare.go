package main

import (
	"cmp"
	"context"
	"errors"
	"fmt"
	"os"
	"path/filepath"
	"strings"

	"github.com/spf13/cobra"

	"github.com/seed-516990b0/golxmert/analysis/compare"
	"github.com/seed-516990b0/golxmert/analysis/figure"
	"github.com/seed-516990b0/golxmert/analysis/relevance"
	"github.com/seed-516990b0/golxmert/internal/filelock"
	"github.com/seed-516990b0/golxmert/lxmert"
	"github.com/seed-516990b0/golxmert/lxmert/backend"
	"github.com/seed-516990b0/golxmert/lxmert/dataset"
	"github.com/seed-516990b0/golxmert/lxmert/question"
	"github.com/seed-516990b0/golxmert/lxmert/region"
	"github.com/seed-516990b0/golxmert/lxmert/weights"
)

// comparing is what the flags of `lxmert compare` say.
type comparing struct {
	dataFlags      // of both models, but for what only one has
	out            string
	names, configs []string
	answerFiles    []string
	bf16, unused   bool
	limit, batch   int
	overwrite      bool
	opt            compare.Options
}

func compareCommand() *cobra.Command {
	c := &comparing{}
	cmd := &cobra.Command{
		Use:   "compare WEIGHTS WEIGHTS --regions FILE --data FILE --out FOLDER",
		Short: "Ask two models the same questions: before and after fine-tuning, or two training runs",
		Long: `Asks two models the same questions and writes what is different into a folder: compare.html with all of it, each table and figure as
.pdf, .csv and .json, and questions.csv with a line for every question.

  answers      how many changed, how many of each are right, got better and got worse; heads with other answers are compared by the
               answers' names
  relevance    whether both find the same words and regions relevant for the first model's answer (rank correlation)
  attention    how far apart the rows of each head are: Jensen-Shannon divergence, 0 alike, 1 disjoint
  states       how alike each level of one is to each level of the other: debiased linear CKA
  weights      how far they have moved, block by block: length of the difference, divided by that of the first model's weights

The questions whose answers changed most are explained in both models, side by side, with all attention maps to point at.

What the models do not share is left out, and the page says so: heads without a common answer, attention where the numbers of heads
differ, weights of other shapes. They must take the same word pieces and the same features. Both are in memory at once.

A comparison that was interrupted or killed goes on with the same command: what it has found is kept in the folder, every half minute,
until it is done.`,
		Example: `  lxmert compare snap/pretrained/Epoch20_LXRT snap/vqa/vqa_lxr955/BEST --names before,after --regions data/mscoco_imgfeat/val2014_obj36.tsv \
      --data data/vqa/minival.json --out compared
  lxmert compare toy-pretrained toy --data data/vqa/heldout.json --out compared`,
		Args: cobra.ExactArgs(2),
		RunE: func(cmd *cobra.Command, args []string) error { return c.run(cmd, args) },
	}
	c.dataFlags.add(cmd)
	f := cmd.Flags()
	f.Lookup("task").Usage = dataset.TaskNames("or") + " (default: nlvr2 if the models have its head, else vqa)"
	f.StringVar(&c.out, "out", "", "folder for what comes out")
	f.StringSliceVar(&c.names, "names", nil, "what tables and figures call the two, such as before,after (default: as much of their files' names as differs)")
	f.StringSliceVar(&c.configs, "config", nil, "JSON file with sizes that the weights' shapes do not tell, for both models or one for each: A,B (default: looked for beside the weights)")
	f.StringVar(&c.images, "images", "", "folder with the pictures, found by their ids (default: questions are shown on an empty canvas)")
	f.StringSliceVar(&c.answerFiles, "answers", nil, "JSON list that names the answers, for both models or one for each: A,B (default: looked for beside the weights and in data)")
	addClasses(f, &c.objects, &c.attributes)
	f.StringVar(&c.opt.Method, "method", "relevance", "by which relevance is compared: "+strings.Join(methodNames(), ", "))
	f.IntVar(&c.limit, "limit", 500, "only the first questions; 0: all")
	f.IntVar(&c.batch, "batchSize", 32, "questions at a time")
	f.IntVar(&c.opt.Show, "examples", 10, "how many questions whose answers changed are explained")
	f.Uint64Var(&c.opt.Seed, "seed", 0, "of the intervals")
	f.BoolVar(&c.bf16, "bf16", false, "keep weights and layers in bfloat16 (fast on GPUs, slow on CPUs)")
	f.BoolVar(&c.overwrite, "overwrite", false, "throw away what a comparison that was cut off has left in the folder, and begin anew")
	f.BoolVar(&c.unused, "allow-unused", false, "leave tensors alone that are not part of a model, such as an optimiser's, and count them (default: they are an error)")
	return cmd
}

// methodNames are those of the methods that score words and regions.
func methodNames() (names []string) {
	for _, m := range relevance.Methods() {
		names = append(names, m.Name)
	}
	return names
}

// side is one of the two models, and what it is asked with.
type side struct {
	modelFlags
	dataFlags
	file  *weights.Model
	asker *question.Asker
}

// one is the entry of a flag for a model: for both, or one for each.
func one(flag string, values []string, i int) (string, error) {
	switch len(values) {
	case 0:
		return "", nil
	case 1:
		return values[0], nil
	case 2:
		return values[i], nil
	}
	return "", usage("--%s names %d files, must be one for both models or one for each", flag, len(values))
}

// run compares. What can be wrong is looked at before what takes long.
func (c *comparing) run(cmd *cobra.Command, args []string) (err error) {
	for _, needed := range [][2]string{{"data", c.data}, {"out", c.out}} {
		if needed[1] == "" {
			return usage("--%s is needed", needed[0])
		}
	}
	switch {
	case c.batch < 1:
		return usage("--batchSize is %d, must be at least 1", c.batch)
	case c.limit < 0:
		return usage("--limit is %d, must be a number of questions, or 0 for all", c.limit)
	case c.names == nil:
		c.names = compare.ShortNames(args[0], args[1])
	case len(c.names) != 2:
		return usage("--names has %d names, must have one for each model, such as before,after", len(c.names))
	}
	if c.names[0] == c.names[1] {
		return usage("both models are called %s: --names calls them otherwise", c.names[0])
	}
	if _, err := relevance.Find(c.opt.Method); err != nil {
		return usage("--method: %w", err)
	}
	if c.opt.Show == 0 {
		c.opt.Show = -1
	}
	if err := backend.Ready(cmd.Context(), backendSpec(cmd)); err != nil { // before files are packed
		return err
	}
	var set *dataset.Set
	find := func(ctx context.Context, id string) (*region.Regions, error) { return set.Regions(ctx, id) }
	sides := [2]*side{{dataFlags: c.dataFlags}, {dataFlags: c.dataFlags}}
	for i, s := range sides {
		s.load, s.bf16, s.unused = args[i], c.bf16, c.unused
		if s.config, err = one("config", c.configs, i); err != nil {
			return err
		}
		if s.world, err = s.findToy(); err != nil {
			return err
		}
	}
	share(sides)
	switch {
	case len(c.regions) > 0:
	case sides[0].world == nil:
		return usage("--regions is needed")
	default:
		c.regions = sides[0].world.Regions
	}
	screen := newScreen(cmd, false)
	defer screen.finish()
	for i, s := range sides {
		if s.file, err = weights.OpenModel(s.load, s.config); err != nil {
			return err
		}
		defer s.file.Close()
		if s.answers, err = one("answers", c.answerFiles, i); err != nil {
			return err
		}
		if s.asker, err = s.prepare(s.load, s.file.Config, find, screen); err != nil {
			return err
		}
		defer s.asker.Close()
	}
	t, err := taskFor(c.task, sides[0].file.Config)
	if err != nil {
		return err
	}
	if set, err = c.set(cmd.Context(), t, sides[0].load, screen); err != nil {
		return err
	}
	defer set.Close()
	unlock, err := c.keep()
	if err != nil {
		return err
	}
	defer unlock()
	found, err := c.compare(cmd, sides, set, screen)
	screen.finish()
	if errors.Is(err, compare.ErrSaved) {
		return fmt.Errorf("%w, or name another folder; --overwrite removes it", err)
	}
	if err != nil {
		if _, missing := os.Stat(c.opt.Saved); missing == nil && errors.Is(err, context.Canceled) {
			fmt.Fprintf(cmd.ErrOrStderr(), "what was found is in %s; the same command goes on from there\n", c.out)
		}
		return err
	}
	if err := c.save(cmd, found); err != nil {
		return err
	}
	return os.Remove(c.opt.Saved)
}

// keep makes the folder, where what is found is kept until all of it is. Two processes cannot do so in one folder.
func (c *comparing) keep() (unlock func(), err error) {
	if err := makeFolder("out", c.out); err != nil {
		return nil, err
	}
	lock, err := filelock.Try(filepath.Join(c.out, ".lock-compare"))
	if held := new(filelock.HeldError); errors.As(err, &held) {
		return nil, fmt.Errorf("%s is being written by %s", c.out, held.Holder)
	}
	if err != nil {
		return nil, err
	}
	c.opt.Saved = filepath.Join(c.out, "compare.state")
	if c.overwrite {
		if err := os.Remove(c.opt.Saved); err != nil && !errors.Is(err, os.ErrNotExist) {
			return nil, errors.Join(err, lock.Close())
		}
	}
	return func() { lock.Close() }, nil
}

// share gives a model that was named by a file what the other's world has for every model: all but the names of answers.
func share(sides [2]*side) {
	for i, s := range sides {
		if other := sides[1-i].world; s.world == nil && other != nil {
			shared := *other
			shared.Answers = ""
			s.world = &shared
		}
	}
}

// compare opens both models and asks them.
func (c *comparing) compare(cmd *cobra.Command, sides [2]*side, set *dataset.Set, screen *screen) (*compare.Comparison, error) {
	b, err := openBackend(cmd)
	if err != nil {
		return nil, err
	}
	defer b.Finalize()
	var models [2]compare.Model
	for i, s := range sides {
		m, err := s.openOn(cmd, b)
		if err != nil {
			return nil, err
		}
		defer m.Close()
		names, err := s.asker.Names()
		if err != nil {
			return nil, err
		}
		models[i] = compare.Model{Name: c.names[i], Engine: m, Head: s.asker.Head(), Words: names.Words}
		c.opt.Weights[i] = s.file
	}
	var d compare.Data
	for i := range set.Examples[:min(set.Len(), cmp.Or(c.limit, set.Len()))] {
		e := &set.Examples[i]
		d.Questions = append(d.Questions, lxmert.Question{Text: e.Text, Images: e.Images})
		d.IDs, d.Right = append(d.IDs, cmp.Or(e.Identifier, e.ID)), append(d.Right, e.Right())
	}
	bar := screen.bar("comparing", "questions")
	c.opt.Maps, c.opt.Progress = true, func(done int) { screen.set(bar, int64(done), int64(len(d.Questions)), "") }
	return compare.Run(cmd.Context(), models[0], models[1], d.Ask(cmd.Context(), sides[0].asker, c.batch), c.opt)
}

// save writes everything, and prints the numbers.
func (c *comparing) save(cmd *cobra.Command, found *compare.Comparison) error {
	drawn, numbers, pairs := found.Named()
	page := filepath.Join(c.out, "compare.html")
	beside, err := saveResults(c.out, page, found.Collection(), drawn, numbers, c.opt.Method)
	if err != nil {
		return err
	}
	figures, err := figure.SaveAll(c.out, pairs, figure.Options{Width: figure.Page}, ".pdf", ".json")
	if err != nil {
		return err
	}
	out := cmd.OutOrStdout()
	writeResultTable(out, found.Summary())
	fmt.Fprintf(out, "%s has all of it, with the answers that changed and %s explained in both models; %d files beside it have the figures and the numbers\n",
		page, counted(len(pairs), "questions"), beside+len(figures))
	return nil
}
