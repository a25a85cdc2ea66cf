package main

import (
	"bufio"
	"cmp"
	"context"
	"errors"
	"fmt"
	"os"
	"path/filepath"
	"slices"

	"github.com/spf13/cobra"

	"github.com/seed-516990b0/golxmert/analysis"
	"github.com/seed-516990b0/golxmert/analysis/datamap"
	"github.com/seed-516990b0/golxmert/analysis/relevance"
	"github.com/seed-516990b0/golxmert/internal/atomicfile"
	"github.com/seed-516990b0/golxmert/internal/filesearch"
	"github.com/seed-516990b0/golxmert/lxmert"
	"github.com/seed-516990b0/golxmert/lxmert/dataset"
	"github.com/seed-516990b0/golxmert/lxmert/question"
	"github.com/seed-516990b0/golxmert/lxmert/region"
	"github.com/seed-516990b0/golxmert/lxmert/task"
)

// mapping is what the flags of `lxmert map` say.
type mapping struct {
	model                  modelFlags
	run, out, data, images string
	vocab                  string
	objects, attributes    string
	hardest                int
	noExplanations         bool
	task                   *dataset.Task
	found                  *datamap.Map
	questions              []datamap.Question
	hardestFile            string
}

// mapCommand is `lxmert map`: which examples a run learned easily, which never, and why.
func mapCommand() *cobra.Command {
	x := &mapping{}
	cmd := &cobra.Command{
		Use:   "map RUN --out FOLDER",
		Short: "Map the examples of a training run: easy, ambiguous and hard ones, each of the hardest explained",
		Long: `Reads what a run of fine-tuning kept of each example, epoch by epoch (dynamics.safetensors in its folder), and makes a map of
the data set (Swayamdipta et al., 2020): confidence, the mean probability of the label over the epochs, over variability, its
standard deviation. Ambiguous examples varied more than two thirds of all; of the others, those with a confidence of 0.5 or
more are easy to learn, the rest hard: often labelled wrongly, or not to be known from the picture.

FOLDER gets map.html, with the map, the regions, the kinds of question where the question file names them, and the hardest
examples, the row of each of which leads to its explanation by the run's weights (BEST.pth, else LAST.pth); each table and the map as .pdf,
.csv and .json; and questions.json, those of the hardest, for "lxmert analyze --data". A run may be under way.`,
		Example: `  lxmert map snap/vqa/vqa_lxr955 --out map --images data/mscoco/images
  lxmert map snap/nlvr2/run --out map --noExplanations`,
		Args: cobra.ExactArgs(1),
		RunE: func(cmd *cobra.Command, args []string) error {
			x.run = args[0]
			return x.make(cmd)
		},
	}
	f := cmd.Flags()
	f.StringVar(&x.out, "out", "", "folder for what comes out")
	f.IntVar(&x.hardest, "hardest", 100, "how many of the hardest examples are listed and explained")
	f.BoolVar(&x.noExplanations, "noExplanations", false, "do not explain them, which needs the run's weights and the regions")
	f.StringVar(&x.data, "data", "", "the data folder (default: where it was when the run was made)")
	f.StringVar(&x.images, "images", "", "folder with the pictures, found by their ids (default: examples are shown on an empty canvas)")
	f.StringVar(&x.vocab, "vocab", "", "vocab.txt of bert-base-uncased (default: looked for in the data folder, beside the weights and in Hugging Face's cache)")
	addClasses(f, &x.objects, &x.attributes)
	x.model.add(cmd)
	f.Lookup("load").Usage = "weights that explain (default: the run's BEST.pth, else its LAST.pth)"
	return cmd
}

// make makes the map, and what comes with it.
func (x *mapping) make(cmd *cobra.Command) error {
	if x.out == "" {
		return usage("--out is needed: a folder for what comes out")
	}
	if x.hardest < 0 {
		return usage("--hardest %d: must be 0 or more", x.hardest)
	}
	ctx := cmd.Context()
	if err := x.read(ctx); err != nil {
		return err
	}
	if err := makeFolder("out", x.out); err != nil {
		return err
	}
	if err := x.writeHardest(); err != nil {
		return err
	}
	screen := newScreen(cmd, false)
	defer screen.finish()
	if !x.noExplanations && len(x.questions) > 0 {
		if err := x.explain(cmd, screen); err != nil {
			return fmt.Errorf("explaining the hardest examples: %w; --noExplanations makes the map without", err)
		}
	}
	screen.finish()
	named := x.found.Named(x.questions)
	page := filepath.Join(x.out, "map.html")
	beside, err := saveResults(x.out, page, x.found.Collection(x.questions), named, nil)
	if err != nil {
		return err
	}
	for _, n := range named {
		if t, ok := n.Result.(analysis.Table); ok {
			printTable(cmd.OutOrStdout(), t, n.Name)
		}
	}
	explained := 0
	for _, q := range x.questions {
		explained += len(q.Explanations)
	}
	fmt.Fprintf(cmd.OutOrStdout(), "%s has the map, with %d examples explained; %d files beside it have the figures and the numbers, %s the questions of the hardest\n",
		page, explained, beside, x.hardestFile)
	return nil
}

// read makes the map of what the run has kept, and reads the questions.
func (x *mapping) read(ctx context.Context) error {
	var err error
	x.found, err = datamap.Open(x.run)
	if errors.Is(err, os.ErrNotExist) {
		return fmt.Errorf("%w: RUN is the folder of a run of fine-tuning that was made without --noDynamics", err)
	}
	if err != nil {
		return err
	}
	x.data = cmp.Or(x.data, x.found.About.Data)
	if x.task, err = dataset.FindTask(x.found.About.Task); err != nil {
		return err
	}
	x.questions, err = x.found.Questions(ctx, x.data, x.found.Hardest(x.hardest))
	return err
}

// writeHardest writes the questions of the hardest examples as a question file.
func (x *mapping) writeHardest() error {
	var asked []dataset.Example
	for _, q := range x.questions {
		asked = append(asked, q.Asked)
	}
	x.hardestFile = filepath.Join(x.out, "questions.json")
	return atomicfile.Replace(x.hardestFile, func(_ *os.File, w *bufio.Writer) error {
		return dataset.WriteExamples(w, x.task, asked)
	})
}

// explain explains the hardest examples by the run's weights.
func (x *mapping) explain(cmd *cobra.Command, screen *screen) error {
	if x.model.load == "" {
		x.model.load = task.Weights(x.task, x.run)
	}
	cfg, err := modelConfig(x.model)
	if err != nil {
		return err
	}
	set, err := x.open(cmd.Context(), screen)
	if err != nil {
		return err
	}
	defer set.Close()
	opt := question.Options{
		Weights: x.model.load, Vocab: x.vocab, Images: x.images, Objects: x.objects, Attributes: x.attributes, Pad: true, Flags: true, Log: screen.notes,
		Find: set.Regions,
	}
	if own := filepath.Join(x.data, "vocab.txt"); opt.Vocab == "" && filesearch.IsFile(own) {
		opt.Vocab = own
	}
	if x.task.Truth.Table {
		opt.Answers = dataset.AnswerFile(x.data, x.task)
	}
	asker, err := question.Open(cfg, opt)
	if err != nil {
		return err
	}
	defer asker.Close()
	m, err := x.model.open(cmd)
	if err != nil {
		return err
	}
	defer m.Close()
	var asked []lxmert.Question
	for _, q := range x.questions {
		asked = append(asked, lxmert.Question{Text: q.Asked.Text, Images: q.Asked.Images})
	}
	answers, err := asker.AskAll(cmd.Context(), m, asked...)
	if err != nil {
		return err
	}
	bar := screen.bar("explaining", "examples")
	for i, a := range answers {
		screen.set(bar, int64(i), int64(len(answers)), "")
		found, err := relevance.Explain(cmd.Context(), m, a)
		if err != nil {
			return err
		}
		x.questions[i] = x.questions[i].Explained(found)
	}
	return nil
}

// open opens the regions of the hardest examples' pictures: the feature files of the run's splits.
func (x *mapping) open(ctx context.Context, screen *screen) (*dataset.Set, error) {
	var splits []string
	for _, p := range x.found.About.Parts {
		splits = append(splits, p.Splits...)
	}
	files, err := dataset.Files(x.task, x.data, splits, 0)
	if err != nil {
		return nil, err
	}
	var features []string
	for _, f := range files {
		if f.Features && !slices.Contains(features, f.Path) {
			features = append(features, f.Path)
		}
	}
	return dataset.LoadFiles(ctx, x.task, []string{x.hardestFile}, features, dataset.Options{Notes: screen.notes, Trained: region.TrainedOn(x.model.load)})
}
