package main

import (
	"errors"
	"fmt"
	"io"
	"os"
	"path/filepath"
	"strings"

	"github.com/spf13/cobra"
	"github.com/spf13/pflag"

	"github.com/seed-516990b0/golxmert/internal/atomicfile"
	"github.com/seed-516990b0/golxmert/internal/excerpt"
	"github.com/seed-516990b0/golxmert/internal/smallfile"
	"github.com/seed-516990b0/golxmert/lxmert/backend"
	"github.com/seed-516990b0/golxmert/lxmert/dataset"
	"github.com/seed-516990b0/golxmert/lxmert/task"
	"github.com/seed-516990b0/golxmert/lxmert/task/cli"
)

// sweepCommand is `lxmert sweep`: a task with every combination of some values of its flags.
func sweepCommand() *cobra.Command {
	cmd := &cobra.Command{
		Use:   "sweep TASK --grid FLAG=VALUE,VALUE... [flags of the task]",
		Short: "Train with every combination of some values of flags, and compare the runs",
		Long: `Trains a task with every combination of the values of --grid, one run after the other, as grids of argparse programs and
Hydra's --multirun do. Each run has a folder below --output that its settings name, such as lr=1e-5,batchSize=16, with all
that a run of the task leaves. All command lines are checked before the first run begins.

The standard output has a table of the runs, the best of which has a star: that with the best validation, or with the
lowest loss where nothing is validated. --output has it as sweep.csv and sweep.tex, the curves as sweep.pdf and sweep.png,
and both as a page, sweep.html; they are written anew after each run. A run that fails is named with its reason, and the
others go on.

The same command goes on with a sweep that was interrupted or killed: runs that are done are not done again, a half-done one
resumes, failed ones are tried again. More values in --grid add runs.

On a cluster --slurm writes a script that runs the same grid as an array of SLURM jobs, one for each run; then --show makes
the table of what is there.`,
		FParseErrWhitelist: cobra.FParseErrWhitelist{UnknownFlags: true}, // they are those of a task
		RunE: func(cmd *cobra.Command, args []string) error {
			if len(args) == 0 {
				return cmd.Help()
			}
			_, err := dataset.FindTraining(args[0])
			return usage("%s", strings.TrimPrefix(fmt.Sprint(err), "dataset: "))
		},
	}
	for _, t := range dataset.Trainings() {
		cmd.AddCommand(sweepTaskCommand(t))
	}
	return cmd
}

// sweepTaskCommand is `lxmert sweep vqa`, or that of another task.
func sweepTaskCommand(t *dataset.Task) *cobra.Command {
	s := &gridSweep{task: t, line: &taskFlags{Line: cli.New(t)}}
	cmd := &cobra.Command{
		Use:   t.Name + " --grid FLAG=VALUE,VALUE... [flags]",
		Short: "Compare runs of " + t.About,
		Long: fmt.Sprintf("Trains %s with every combination of the values of --grid: `lxmert sweep --help` says how.\n"+
			"The other flags are those of `lxmert %s`, for all runs; --output is the folder of all of them.", t.Title, t),
		Example: fmt.Sprintf(`  lxmert sweep %[1]s --grid lr=1e-5,5e-5 --grid batchSize=16,32 --epochs 4 --output snap/%[1]s/sweep
  lxmert sweep %[1]s --grid seed=1,2,3,4 --epochs 4 --output snap/%[1]s/seeds --slurm seeds.sh && sbatch --gres=gpu:1 seeds.sh
  lxmert sweep %[1]s --grid seed=1,2,3,4 --epochs 4 --output snap/%[1]s/seeds --show`, t),
		Args: cobra.NoArgs,
	}
	s.line.Line.Add(cmd.Flags())
	for _, name := range []string{"resume", "overwrite", "test"} {
		cmd.Flags().Lookup(name).Hidden = true // a sweep always resumes, and it trains
	}
	cmd.Flags().StringArrayVar(&s.grid, "grid", nil, cli.GridHelp)
	cmd.Flags().BoolVar(&s.show, "show", false, "run nothing: show what there is of these runs")
	s.addCluster(cmd.Flags())
	cmd.RunE = func(cmd *cobra.Command, _ []string) error { return s.run(cmd) }
	return cmd
}

// gridSweep is a sweep's command line and its runs.
type gridSweep struct {
	task *dataset.Task
	line *taskFlags // the flags that all runs have
	grid []string
	show bool
	cluster

	points []cli.Point
}

func (s *gridSweep) run(cmd *cobra.Command) (err error) {
	if s.points, err = cli.Points(s.task, givenFlags(cmd.Flags(), s.task), s.grid); err != nil {
		return asUsage(err)
	}
	if err := s.cluster.check(cmd.Flags(), len(s.points), s.show); err != nil {
		return err
	}
	switch {
	case s.script != "":
		return s.writeScript(cmd)
	case s.show:
		_, err := s.report(cmd.OutOrStdout())
		return err
	case cmd.Flags().Changed("point"):
		return s.runPoint(cmd)
	}
	if err := s.all(cmd); err != nil {
		return err
	}
	failed, err := s.report(cmd.OutOrStdout())
	if err != nil {
		return err
	}
	if failed > 0 {
		return fmt.Errorf("%d of %d runs failed; the same command tries them again", failed, len(s.points))
	}
	return nil
}

// givenFlags are the flags of a task that a command line gives.
func givenFlags(given *pflag.FlagSet, t *dataset.Task) (args []string) {
	known := pflag.NewFlagSet(t.Name, pflag.ContinueOnError)
	cli.New(t).Add(known)
	given.Visit(func(f *pflag.Flag) {
		if known.Lookup(f.Name) != nil {
			args = append(args, flagArgs(f)...)
		}
	})
	return args
}

// flagArgs are the arguments that give a flag the value that it has.
func flagArgs(f *pflag.Flag) (args []string) {
	values := []string{f.Value.String()}
	if many, ok := f.Value.(pflag.SliceValue); ok {
		values = many.GetSlice()
	}
	for _, v := range values {
		args = append(args, "--"+f.Name+"="+v)
	}
	return args
}

// all does what is left to do, one run after the other. Between them it writes how far they are.
func (s *gridSweep) all(cmd *cobra.Command) error {
	var b *backend.Backend
	defer func() {
		if b != nil {
			b.Finalize()
		}
	}()
	for i := range s.points {
		p := &s.points[i]
		done, err := task.Already(s.task, p.Line.Options)
		if err == nil && done != nil {
			if err := forgetFailure(p.Line.Options.Output); err != nil {
				return err
			}
			fmt.Fprintf(cmd.ErrOrStderr(), "run %d of %d, %s, is done already\n", i+1, len(s.points), p.Name)
			continue
		}
		if b == nil {
			if b, err = openBackend(cmd); err != nil {
				return err
			}
		}
		fmt.Fprintf(cmd.ErrOrStderr(), "run %d of %d: %s\n", i+1, len(s.points), p.Name)
		err = s.train(cmd, b, p)
		if cmd.Context().Err() != nil {
			return err
		}
		if err := s.save(s.trials()); err != nil {
			return err
		}
	}
	return nil
}

// train does one run. That it failed is written down, unless it was interrupted.
func (s *gridSweep) train(cmd *cobra.Command, b *backend.Backend, p *cli.Point) error {
	dir := p.Line.Options.Output
	if err := forgetFailure(dir); err != nil {
		return err
	}
	f := &taskFlags{Line: p.Line, again: append([]string{"lxmert"}, os.Args[1:]...), resumes: true}
	f.useDevices(b)
	sub := &cobra.Command{}
	sub.SetContext(cmd.Context())
	sub.SetOut(cmd.ErrOrStderr()) // the standard output has the table
	sub.SetErr(cmd.ErrOrStderr())
	_, err := f.runOn(sub, b)
	if err == nil || cmd.Context().Err() != nil {
		return err
	}
	fmt.Fprintf(cmd.ErrOrStderr(), "%s failed: %v\n", p.Name, err)
	return errors.Join(err, noteFailure(dir, err))
}

// failureFile says in a run's folder why it failed, in a line.
const failureFile = "failed.txt"

// longestReason is how many characters of a reason are kept.
const longestReason = 1000

func noteFailure(dir string, why error) error {
	if err := os.MkdirAll(dir, 0o777); err != nil {
		return err
	}
	return atomicfile.Write(filepath.Join(dir, failureFile), 0o666, []byte(excerpt.Line(why.Error(), longestReason)+"\n"))
}

func forgetFailure(dir string) error {
	if err := os.Remove(filepath.Join(dir, failureFile)); err != nil && !errors.Is(err, os.ErrNotExist) {
		return err
	}
	return nil
}

// failure is why a run failed, "" if it did not.
func failure(dir string) string {
	text, err := smallfile.Read(filepath.Join(dir, failureFile), 1<<20, "the reason of a failure")
	if err != nil {
		return ""
	}
	return strings.TrimSpace(string(text))
}

// report writes and prints how far the runs are: the table, why runs failed, and where the figures are.
func (s *gridSweep) report(out io.Writer) (failed int, err error) {
	trials := s.trials()
	if err := s.save(trials); err != nil {
		return 0, err
	}
	table := trials.Table()
	last := len(table.Columns) - 1 // the reasons, which are too long for a column of a terminal
	table.Columns = table.Columns[:last]
	for i, row := range table.Rows {
		table.Rows[i] = row[:last]
	}
	writeResultTable(out, table)
	failures := trials.Failures()
	for _, line := range failures {
		fmt.Fprintln(out, line)
	}
	fmt.Fprintf(out, "%s has this table and the curves; sweep.csv, sweep.tex, sweep.pdf and sweep.png are beside it\n", filepath.Join(s.line.Options.Output, "sweep.html"))
	return len(failures), nil
}
