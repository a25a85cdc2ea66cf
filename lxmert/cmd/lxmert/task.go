package main

import (
	"errors"
	"fmt"
	"io"
	"os"
	"path/filepath"
	"strings"
	"sync/atomic"
	"time"

	"github.com/spf13/cobra"
	"github.com/spf13/pflag"

	"github.com/seed-516990b0/golxmert/internal/progress"
	"github.com/seed-516990b0/golxmert/lxmert/backend"
	"github.com/seed-516990b0/golxmert/lxmert/dataset"
	"github.com/seed-516990b0/golxmert/lxmert/task"
	"github.com/seed-516990b0/golxmert/lxmert/task/cli"
	"github.com/seed-516990b0/golxmert/lxmert/train"
)

// taskCommand is `lxmert vqa`, or that of another task.
func taskCommand(t *dataset.Task) *cobra.Command {
	f := &taskFlags{Line: cli.New(t)}
	cmd := &cobra.Command{
		Use:   t.Name,
		Short: "Fine-tune, validate and predict: " + t.About,
		Long: fmt.Sprintf(`Fine-tunes a model on %s, or with --test predicts with a fine-tuned one.

Flags, files and folders are the reference's: questions in data/%s, region features in data/*_imgfeat, and in the output
folder log.log, BEST.pth (the best validation score) and LAST.pth, which PyTorch loads. Feature files are packed when
they are first used, into a folder beside them, so that memory does not grow with them.

Names of weights have no suffix: --load X reads X.pth, --loadLXMERT X and --loadLXMERTQA X read X_LXRT.pth.

A run that was interrupted or killed goes on with the same command and --resume, to the very same end; on a GPU that takes
--deterministic from the beginning, without which some sums and choices vary there.`, t.About, t),
		Example: examples(t),
		Args:    cobra.NoArgs,
	}
	if t.Pretrains {
		cmd.Short, cmd.Long, cmd.Example = "Pre-train: "+t.About, pretrainHelp, pretrainExamples
	}
	f.add(cmd.Flags())
	cmd.RunE = func(cmd *cobra.Command, _ []string) error {
		if err := f.Complete(); err != nil {
			return asUsage(err)
		}
		return f.run(cmd)
	}
	return cmd
}

// examples are the command lines of a task's published recipe.
func examples(t *dataset.Task) string {
	output := fmt.Sprintf("snap/%s/%s_lxr955", t, t)
	lines := []string{fmt.Sprintf("  lxmert %s %s --output %s", t, strings.Replace(t.Recipe.FineTune, " --batchSize", " \\\n    --batchSize", 1), output)}
	for _, split := range t.Recipe.Predict {
		lines = append(lines, fmt.Sprintf("  lxmert %s --test %s --load %s/BEST --output %s_results", t, split, output, output))
	}
	return strings.Join(lines, "\n")
}

// taskFlags are a task's command line, and how it is spoken of.
type taskFlags struct {
	*cli.Line
	// again is the command line that resumes, for messages; nil: the process's own.
	again []string
	// resumes says that the command goes on by itself.
	resumes bool
	requeue bool // see withRequeue
}

// add defines the flags of the task, and those of this command.
func (f *taskFlags) add(s *pflag.FlagSet) {
	f.Add(s)
	addRequeue(s, &f.requeue)
}

// Complete reads what the flags say, after they were parsed.
func (f *taskFlags) Complete() error {
	if f.requeue && !f.Options.Resume {
		return usage("--requeue needs --resume, with which the job goes on when it runs again")
	}
	return f.Line.Complete()
}

func (f *taskFlags) run(cmd *cobra.Command) error {
	b, err := openBackend(cmd)
	if err != nil {
		return err
	}
	defer b.Finalize()
	f.useDevices(b)
	return withRequeue(cmd, f.requeue, func() error {
		_, err := f.runOn(cmd, b)
		return err
	})
}

// useDevices lets --multiGPU take all devices that there are.
func (f *taskFlags) useDevices(b *backend.Backend) {
	if f.MultiGPU {
		f.Options.Devices = int(b.NumDevices())
	}
}

// taskResult is what a run of a task command gave.
type taskResult struct {
	outcome *train.Outcome // of training
	scored  []task.Scored  // of --test
}

// runOn trains or predicts.
func (f *taskFlags) runOn(cmd *cobra.Command, b *backend.Backend) (r taskResult, err error) {
	o := f.Options
	screen := newScreen(cmd, f.TQDM)
	o.Out, o.Notes = screen.out, screen.notes
	packing := screen.bar("packing", "B")
	o.Packing = func(done, total int64, images int) {
		screen.set(packing, done, total, progress.Count(int64(images))+" images")
		if done >= total && total > 0 {
			packing.Finish()
		}
	}
	if o.Test != "" {
		bar := screen.bar("predicting", f.Task.Noun)
		o.Predict = func(done, all int) { screen.set(bar, int64(done), int64(all), "") }
		r.scored, err = task.Test(cmd.Context(), b, f.Task, o)
		screen.finish()
		return r, err
	}
	if f.Plan {
		return r, task.Plan(cmd.Context(), b, f.Task, o)
	}
	bar := screen.bar("training", "steps")
	label := func(p train.Progress) {
		done, all := int64(p.Step), int64(p.Steps)
		screen.set(bar, done, all, fmt.Sprintf("loss %.3f, right %.1f %%, %.0f/s, epoch %d of %d, all in %s",
			p.Loss, p.Accuracy, p.Rate, p.Epoch+1, p.Epochs, progress.Clock(p.Left)))
	}
	o.Progress = label
	valid := screen.bar("validating", f.Task.Noun)
	o.Predict = func(done, all int) { screen.set(valid, int64(done), int64(all), "") }
	r.outcome, err = task.Train(cmd.Context(), b, f.Task, o)
	screen.finish()
	switch {
	case errors.Is(err, train.ErrInterrupted):
		return r, fmt.Errorf("%w; go on with: %s", err, f.resumeCommand())
	case err != nil:
		return r, err
	case r.outcome.Already:
		fmt.Fprintf(screen.notes, "%s holds this run, finished after %d steps; --overwrite makes it anew\n", o.Output, r.outcome.Steps)
	default:
		fmt.Fprintf(screen.notes, "%d steps in %s; %s has log.log, metrics.jsonl and %s\n", r.outcome.Steps-r.outcome.Resumed,
			progress.Clock(r.outcome.Duration), o.Output, snapshotNote(f.Task, o.Output))
	}
	return r, nil
}

// snapshotNote says which snapshots a run left in its folder.
func snapshotNote(t *dataset.Task, dir string) string {
	note, best := "LAST.pth", "BEST.pth"
	if t.Pretrains {
		note, best = "EpochNN_LXRT.pth of every epoch", "BEST_EVAL_LOSS_LXRT.pth"
	}
	if _, err := os.Stat(filepath.Join(dir, best)); err == nil {
		note += " and " + best
	}
	return note
}

// resumeCommand is the process's command line with --resume.
func (f *taskFlags) resumeCommand() string {
	args := f.again
	if args == nil {
		args = append([]string{"lxmert"}, os.Args[1:]...)
	}
	again := cli.Again(args)
	if f.resumes {
		again = args
	}
	return quoteArgs(again)
}

// quoteArgs writes a command line as a shell reads it.
func quoteArgs(args []string) string { return cli.Quote(args) }

// openBackend opens what --backend names.
func openBackend(cmd *cobra.Command) (*backend.Backend, error) {
	spec, err := cmd.Flags().GetString("backend")
	if err != nil {
		return nil, err
	}
	return backend.Open(cmd.Context(), spec, cmd.ErrOrStderr())
}

// screen is where a command writes: results to the standard output, remarks and bars to the standard error. Where both
// are one terminal, lines appear above the bar.
type screen struct {
	out, notes io.Writer
	err        io.Writer
	show       bool // bars even where there is no terminal
	terminal   bool
	bars       []*progress.Bar
	drawn      atomic.Pointer[progress.Bar] // the one that was set last
}

func newScreen(cmd *cobra.Command, show bool) *screen {
	s := &screen{out: cmd.OutOrStdout(), err: cmd.ErrOrStderr(), show: show}
	s.terminal = progress.IsTerminal(s.err)
	s.notes = lines{s, s.err}
	if s.terminal && progress.IsTerminal(s.out) {
		s.out = lines{s, s.out}
	}
	return s
}

// bar makes a bar that is drawn on a terminal, and in a log too if that was asked for or takes long.
func (s *screen) bar(label, unit string) *progress.Bar {
	every := 30 * time.Second
	if s.show {
		every = 10 * time.Second
	}
	b := progress.New(s.err, progress.Options{Label: label, Unit: unit, Every: every})
	s.bars = append(s.bars, b)
	return b
}

// set says how far a bar is, and that it is the one to be seen.
func (s *screen) set(b *progress.Bar, done, total int64, extra string) {
	s.drawn.Store(b)
	b.Set(done, total, extra)
}

// stages draws a bar for each thing that is done, one after another. units are those of its numbers; of others there is none.
func (s *screen) stages(units map[string]string) func(what string, done, total int64) {
	bars := map[string]*progress.Bar{}
	last := ""
	return func(what string, done, total int64) {
		if what != last && last != "" {
			bars[last].Finish()
		}
		if last = what; bars[what] == nil {
			bars[what] = s.bar(what, units[what])
		}
		s.set(bars[what], done, total, "")
	}
}

func (s *screen) finish() {
	for _, b := range s.bars {
		b.Finish()
	}
}

// lines writes whole lines where a bar may be.
type lines struct {
	s *screen
	w io.Writer
}

func (l lines) Write(p []byte) (int, error) {
	if b := l.s.drawn.Load(); b != nil && l.s.terminal {
		return b.Write(p)
	}
	return l.w.Write(p)
}
