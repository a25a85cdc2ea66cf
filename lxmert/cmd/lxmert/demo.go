package main

import (
	"context"
	"fmt"
	"io"
	"math"
	"os"
	"path/filepath"
	"strings"
	"time"

	"github.com/spf13/cobra"

	"github.com/seed-516990b0/golxmert/internal/progress"
	"github.com/seed-516990b0/golxmert/lxmert/backend"
	"github.com/seed-516990b0/golxmert/lxmert/dataset"
	"github.com/seed-516990b0/golxmert/lxmert/task"
	"github.com/seed-516990b0/golxmert/lxmert/toy"
)

// demoCommand is `lxmert demo`: everything on a world of our own.
func demoCommand() *cobra.Command {
	d := demo{}
	cmd := &cobra.Command{
		Use:   "demo",
		Short: "Make a small world of pictures and questions, and fine-tune a model on it",
		Long: `Makes a world of pictures with coloured shapes, of regions that a detector might have found in them, and of questions
about them, in the formats of the published data; fine-tunes a small LXMERT on the questions in a few minutes; and
compares what it gets right with a second model that was trained alike but sees no pictures.

Training, prediction and files are those of the command vqa, and each command line is shown. A second run finds the
world and the models and only predicts again.`,
		Args: cobra.NoArgs,
		RunE: func(cmd *cobra.Command, _ []string) error { return d.run(cmd) },
	}
	cmd.Flags().StringVar(&d.dir, "dir", "lxmert-demo", "folder of the world and the models")
	cmd.Flags().Uint64Var(&d.seed, "seed", 1, "of the model and its training")
	cmd.Flags().Float64Var(&d.scale, "scale", 1, "how many pictures there are, as a part of the usual number (a smaller world teaches less)")
	cmd.Flags().BoolVar(&d.overwrite, "overwrite", false, "train anew")
	return cmd
}

type demo struct {
	dir       string
	seed      uint64
	scale     float64
	overwrite bool
}

func (d *demo) path(parts ...string) string {
	return filepath.Join(append([]string{d.dir}, parts...)...)
}

func (d *demo) run(cmd *cobra.Command) error {
	say := func(format string, args ...any) { fmt.Fprintf(cmd.OutOrStdout(), format+"\n", args...) }
	if err := backend.Ready(cmd.Context(), backendSpec(cmd)); err != nil {
		return err
	}
	if err := d.makeWorld(cmd); err != nil {
		return err
	}
	b, err := openBackend(cmd)
	if err != nil {
		return err
	}
	defer b.Finalize()
	if b.Kind != backend.KindCPU && !strings.HasPrefix(string(b.Kind), "xla") {
		say("With this backend the demo takes an hour or more instead of minutes. `lxmert backend install cpu` brings the\nfast one; interrupt this with ctrl-C first.")
	}

	say("\n== Training a model that sees the pictures")
	seeing, err := d.train(cmd, b, "toy")
	if err != nil {
		return err
	}
	say("\n== Training a model alike that sees no pictures")
	blind, err := d.train(cmd, b, "toy_blind", "--blind")
	if err != nil {
		return err
	}

	say("\n== Asking both about pictures that they have never seen")
	heldout, err := d.test(cmd, b, "toy", "heldout")
	if err != nil {
		return err
	}
	novel, err := d.test(cmd, b, "toy", "novel")
	if err != nil {
		return err
	}
	questions, err := d.test(cmd, b, "toy_blind", "heldout", "--blind")
	if err != nil {
		return err
	}
	if _, err := d.test(cmd, b, "toy", "test"); err != nil {
		return err
	}
	say("\n== Right answers, in percent\n")
	writeKinds(cmd.OutOrStdout(), heldout, novel, questions)
	return d.ending(cmd.Context(), say, seeing, blind)
}

// makeWorld makes the world, or finds it.
func (d *demo) makeWorld(cmd *cobra.Command) error {
	fmt.Fprintf(cmd.OutOrStdout(), "== The world, in %s\n", d.dir)
	screen := newScreen(cmd, false)
	bar := screen.bar("drawing", "pictures")
	_, err := toy.Make(cmd.Context(), d.dir, toy.Options{
		Scale: d.scale, Log: screen.notes,
		Progress: func(done, total int) { screen.set(bar, int64(done), int64(total), "") },
	})
	screen.finish()
	return err
}

// train fine-tunes one of the models, or finds it.
func (d *demo) train(cmd *cobra.Command, b *backend.Backend, name string, more ...string) (time.Duration, error) {
	args := append(toy.TrainFlags(d.dir, name, d.seed), more...)
	if d.overwrite {
		args = append(args, "--overwrite")
	} else {
		args = append(args, "--resume")
	}
	r, err := d.vqa(cmd, b, args)
	if err != nil {
		return 0, err
	}
	return r.outcome.Duration, nil
}

// test predicts a split with one of the models.
func (d *demo) test(cmd *cobra.Command, b *backend.Backend, name, split string, more ...string) (task.Scored, error) {
	r, err := d.vqa(cmd, b, append([]string{
		"--test", split, "--load", d.path("snap", "vqa", name, "LAST"), "--data", d.path("data"), "--config", d.path("config.json"),
		"--output", d.path("snap", "vqa", name+"_results"),
	}, more...))
	if err != nil {
		return task.Scored{}, err
	}
	return r.scored[0], nil
}

// vqa runs a command line of the command vqa, and shows it.
func (d *demo) vqa(cmd *cobra.Command, b *backend.Backend, args []string) (taskResult, error) {
	fmt.Fprintf(cmd.OutOrStdout(), "\n$ lxmert vqa %s\n", quoteArgs(args))
	f, sub, err := parseTask(cmd, dataset.VQA, args)
	if err != nil {
		return taskResult{}, err
	}
	f.again = []string{"lxmert", "demo", "--dir", d.dir}
	f.resumes = true
	return f.runOn(sub, b)
}

// writeKinds writes a table of scores by kind of question, and what the pictures are worth.
func writeKinds(w io.Writer, heldout, novel, blind task.Scored) {
	fmt.Fprintf(w, "%-10s %8s %8s %10s\n", "", "trained", "never", "questions")
	fmt.Fprintf(w, "%-10s %8s %8s %10s\n", "", "combin.", "trained", "only")
	row := func(name string, scores ...float64) {
		fmt.Fprintf(w, "%-10s %8.1f %8.1f %10.1f\n", name, 100*scores[0], 100*scores[1], 100*scores[2])
	}
	row("all", heldout.Score, novel.Score, blind.Score)
	find := func(s task.Scored, name string) float64 {
		for _, k := range s.Kinds {
			if k.Name == name {
				return k.Score
			}
		}
		return 0
	}
	least, at := math.Inf(1), ""
	for _, kind := range toy.Kinds {
		row(kind, find(heldout, kind), find(novel, kind), find(blind, kind))
		if worth := find(heldout, kind) - find(blind, kind); worth < least {
			least, at = worth, kind
		}
	}
	fmt.Fprintf(w, "\nSeeing the pictures is worth %.1f points in all, and in each kind at least %.1f (%s).\n", 100*(heldout.Score-blind.Score), 100*least, at)
}

// ending says what is where, and what to try next.
func (d *demo) ending(ctx context.Context, say func(string, ...any), seeing, blind time.Duration) error {
	q, err := d.question(ctx)
	if err != nil {
		return err
	}
	say(`
Pictures with combinations that were never trained have, for instance, a red circle; circles and red things were.

%s (this run: %s) and %s (%s) have:
  LAST.pth, BEST.pth      weights; PyTorch loads them
  log.log, metrics.jsonl  what happened in training
%s has the predictions, test_predict.json ready to be handed in.

Ask it something, and see in explanation.html which words and regions carried the answer:
  lxmert ask --load %s --config %s --vocab %s \
    --answers %s --regions %s \
    --image %s %q --explain --images %s`,
		d.path("snap", "vqa", "toy"), progress.Clock(seeing), d.path("snap", "vqa", "toy_blind"), progress.Clock(blind),
		d.path("snap", "vqa", "toy_results"),
		d.path("snap", "vqa", "toy", "LAST"), d.path("config.json"), d.path("data", "vocab.txt"), d.path("data", "vqa", "trainval_label2ans.json"),
		d.path("data", "mscoco_imgfeat", "heldout_obj36.tsv"), q.Images[0], q.Text, d.path("images"))
	return nil
}

// question is one about two things, as its explanation shows most.
func (d *demo) question(ctx context.Context) (dataset.Example, error) {
	path := d.path("data", "vqa", "heldout.json")
	f, err := os.Open(path)
	if err != nil {
		return dataset.Example{}, err
	}
	defer f.Close()
	all, err := dataset.ReadExamples(ctx, dataset.VQA, f, path)
	if err != nil {
		return dataset.Example{}, err
	}
	for _, q := range all {
		if q.QuestionType == toy.KindPosition {
			return q, nil
		}
	}
	return all[0], nil
}
