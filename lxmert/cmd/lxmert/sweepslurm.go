package main

import (
	"fmt"
	"io"
	"os"
	"path/filepath"
	"strings"

	"github.com/spf13/cobra"
	"github.com/spf13/pflag"

	"github.com/seed-516990b0/golxmert/internal/atomicfile"
	"github.com/seed-516990b0/golxmert/internal/shell"
	"github.com/seed-516990b0/golxmert/lxmert/task"
)

// This file runs a sweep as an array of SLURM jobs: the script, and one job of it.

// cluster are the flags of a sweep for a cluster.
type cluster struct {
	script  string // to write; "-": the standard output
	point   int
	requeue bool
}

func (c *cluster) addCluster(s *pflag.FlagSet) {
	s.StringVar(&c.script, "slurm", "", `write a script for sbatch that runs the sweep as an array of jobs ("-": to the standard output), and run nothing`)
	s.IntVar(&c.point, "point", 0, "do only this run of the grid, from 0, as a job of an array does")
	addRequeue(s, &c.requeue)
}

func (c *cluster) check(s *pflag.FlagSet, points int, show bool) error {
	switch point := s.Changed("point"); {
	case point && (c.point < 0 || c.point >= points):
		return usage("--point %d: the grid has the runs 0 to %d", c.point, points-1)
	case c.script != "" && (point || show || c.requeue), show && (point || c.requeue):
		return usage("--slurm writes a script, --show shows what there is, and --point and --requeue are for the jobs of the script: give one of them")
	}
	return nil
}

// warning is how many seconds before its end a job is told, in which it saves its state. A step of the largest batch and
// writing the state of the published model take seconds.
const warning = 180

// writeScript writes the script of an array of jobs.
func (s *gridSweep) writeScript(cmd *cobra.Command) error {
	folder, err := os.Getwd()
	if err != nil {
		return err
	}
	program, err := os.Executable()
	if err != nil {
		return err
	}
	output := s.line.Options.Output
	logs := filepath.Join(output, "slurm-%a.log")
	if !filepath.IsAbs(logs) {
		logs = filepath.Join(folder, logs)
	}
	if strings.ContainsAny(logs, "\n") || strings.ContainsAny(folder, "\n") {
		return fmt.Errorf("the name of a folder has a line's end, which a script for SLURM cannot have")
	}
	args := []string{"sweep", s.task.Name}
	cmd.Flags().Visit(func(f *pflag.Flag) {
		if f.Name != "slurm" {
			args = append(args, flagArgs(f)...)
		}
	})
	var b strings.Builder
	fmt.Fprintf(&b, `#!/bin/bash
# %d runs of %s, a job each. What a job needs of your cluster is given to sbatch, or added here:
#   sbatch --gres=gpu:1 --time=4:00:00 --partition=... THIS_FILE
# A job that is told that its time is over, or that it has to make room, saves its state, is queued again, and goes on.
#SBATCH --job-name=lxmert-%s
#SBATCH --array=0-%d
#SBATCH --ntasks=1
#SBATCH --requeue
#SBATCH --open-mode=append
#SBATCH --signal=USR1@%d
#SBATCH --output=%s
cd %s || exit 1
exec srun --ntasks=1 %s --point="$SLURM_ARRAY_TASK_ID" --requeue
`, len(s.points), s.task.Title, s.task, len(s.points)-1, warning, escapeSpaces(logs), shell.Word(folder), shell.Line(append([]string{program}, args...)))
	if s.script == "-" {
		_, err := io.WriteString(cmd.OutOrStdout(), b.String())
		return err
	}
	// SLURM does not make the folder of its logs.
	if err := os.MkdirAll(output, 0o777); err != nil {
		return err
	}
	if err := atomicfile.Write(s.script, 0o777, []byte(b.String())); err != nil {
		return err
	}
	fmt.Fprintf(cmd.ErrOrStderr(), "%s has %d runs: sbatch %s begins them, and this command with --show instead of --slurm shows how far they are\n", s.script, len(s.points), shell.Word(s.script))
	return nil
}

// escapeSpaces writes a path as an #SBATCH line has it.
func escapeSpaces(path string) string { return strings.ReplaceAll(path, " ", `\ `) }

// runPoint does one run of the grid, as a job of an array.
func (s *gridSweep) runPoint(cmd *cobra.Command) error {
	p := &s.points[s.cluster.point]
	done, err := task.Already(s.task, p.Line.Options)
	if err == nil && done != nil {
		fmt.Fprintf(cmd.ErrOrStderr(), "%s is done already\n", p.Name)
		return forgetFailure(p.Line.Options.Output)
	}
	return withRequeue(cmd, s.requeue, func() error {
		b, err := openBackend(cmd)
		if err != nil {
			return err
		}
		defer b.Finalize()
		fmt.Fprintf(cmd.ErrOrStderr(), "run %d of %d: %s\n", s.cluster.point+1, len(s.points), p.Name)
		return s.train(cmd, b, p)
	})
}
