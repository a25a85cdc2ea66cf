package main

import (
	"errors"
	"fmt"
	"os"
	"os/exec"
	"os/signal"
	"strings"
	"syscall"

	"github.com/spf13/cobra"
	"github.com/spf13/pflag"

	"github.com/seed-516990b0/golxmert/internal/excerpt"
	"github.com/seed-516990b0/golxmert/lxmert/train"
)

// This file asks SLURM to run a job again that has to end before its work is done.

func addRequeue(s *pflag.FlagSet, requeue *bool) {
	s.BoolVar(requeue, "requeue", false, "in a SLURM job: when SIGUSR1 or SIGTERM says that its time is over, save and have the job queued again (scontrol requeue)")
}

// withRequeue does some work, which a signal ends early, and then has the SLURM job queued again if that is asked for. An
// interrupt from a terminal, and a job that SLURM has cancelled, are not to be queued again.
func withRequeue(cmd *cobra.Command, requeue bool, work func() error) error {
	if !requeue {
		return work()
	}
	signals := make(chan os.Signal, 2)
	signal.Notify(signals, syscall.SIGUSR1, syscall.SIGTERM)
	defer signal.Stop(signals)
	err := work()
	if !errors.Is(err, train.ErrInterrupted) && (err == nil || cmd.Context().Err() == nil) {
		return err
	}
	select {
	case <-signals:
	default:
		return err // an interrupt
	}
	note, asked := requeueJob()
	if asked != nil {
		return errors.Join(err, asked)
	}
	fmt.Fprintln(cmd.ErrOrStderr(), note)
	return err
}

// requeueJob has the job of this process queued again.
func requeueJob() (note string, err error) {
	job := os.Getenv("SLURM_JOB_ID")
	if array := os.Getenv("SLURM_ARRAY_JOB_ID"); array != "" {
		job = array + "_" + os.Getenv("SLURM_ARRAY_TASK_ID")
	}
	if job == "" {
		return "", errors.New("--requeue: SLURM_JOB_ID is not set, so this is not a job of SLURM, and nobody can be asked to run it again")
	}
	state, err := scontrol("show", "job", "--oneliner", job)
	if err != nil {
		return "", err
	}
	if now := jobState(state); now != "RUNNING" {
		return fmt.Sprintf("SLURM has ended job %s (%s): it is not queued again", job, now), nil
	}
	if _, err := scontrol("requeue", job); err != nil {
		return "", err
	}
	return fmt.Sprintf("SLURM was asked to run job %s again", job), nil
}

// jobState is the word after JobState= in a job's description.
func jobState(description string) string {
	_, rest, _ := strings.Cut(description, "JobState=")
	state, _, _ := strings.Cut(rest, " ")
	return strings.TrimSpace(state)
}

// scontrol asks SLURM something.
func scontrol(args ...string) (string, error) {
	out, err := exec.Command("scontrol", args...).Output()
	if err == nil {
		return string(out), nil
	}
	why := err.Error()
	if failed := new(exec.ExitError); errors.As(err, &failed) && len(failed.Stderr) > 0 {
		why = excerpt.Line(string(failed.Stderr), longestReason)
	}
	return "", fmt.Errorf("scontrol %s: %s; the state is saved: queue the job again by hand", strings.Join(args, " "), why)
}
