package own

import (
	"context"
	"errors"
	"fmt"
	"io"
	"os"
	"os/signal"
	"syscall"

	"github.com/spf13/pflag"

	"github.com/seed-516990b0/golxmert/internal/progress"
	"github.com/seed-516990b0/golxmert/lxmert/backend"
	"github.com/seed-516990b0/golxmert/lxmert/dataset"
	"github.com/seed-516990b0/golxmert/lxmert/task"
	"github.com/seed-516990b0/golxmert/lxmert/task/cli"
	"github.com/seed-516990b0/golxmert/lxmert/train"
)

// Main is the whole of a program: it trains, or with --test predicts, with the flags of the process's command line, saves when it is
// interrupted, and ends the process with 0, 1 (failed) or 2 (a mistake in the flags).
func Main(t *dataset.Task, o task.Own) {
	backend.MaybeProbe()
	ctx, stop := signal.NotifyContext(context.Background(), os.Interrupt, syscall.SIGTERM, syscall.SIGUSR1)
	_, err := Run(ctx, t, o, os.Args[1:], os.Stdout, os.Stderr)
	stop()
	switch {
	case err == nil:
	case errors.Is(err, pflag.ErrHelp):
	case errors.Is(err, cli.ErrUsage), errors.Is(err, backend.ErrSpec):
		fmt.Fprintf(os.Stderr, "%s: %v\n", o.Name, err)
		os.Exit(2)
	case errors.Is(err, train.ErrInterrupted):
		fmt.Fprintf(os.Stderr, "%s: %v; go on with: %s\n", o.Name, err, cli.Quote(cli.Again(os.Args)))
		os.Exit(1)
	default:
		fmt.Fprintf(os.Stderr, "%s: %v\n", o.Name, err)
		os.Exit(1)
	}
}

// Run trains, or with --test predicts, with the flags of a command line, which are those of the task and --backend; "toy" as the name of weights, of --data,
// --config or --vocab is the built-in world's. out has what the reference prints, notes the rest. Errors in the flags wrap
// [cli.ErrUsage]; a run that ctx has ended early wraps [train.ErrInterrupted]. With --plan and --test there
// is no outcome.
func Run(ctx context.Context, t *dataset.Task, o task.Own, args []string, out, notes io.Writer) (*train.Outcome, error) {
	l := cli.New(t)
	flags := pflag.NewFlagSet(o.Name, pflag.ContinueOnError)
	flags.SetOutput(out)
	l.Add(flags)
	spec := flags.String("backend", "", "compute backend: cpu, cuda, go, or xla:/path/to/plugin.so (default: the fastest found)")
	if err := l.Read(flags, args); err != nil {
		return nil, err
	}
	b, err := backend.Open(ctx, *spec, notes)
	if err != nil {
		return nil, err
	}
	defer b.Finalize()
	opt := l.Options
	opt.Own, opt.Out, opt.Notes = &o, out, notes
	if l.MultiGPU {
		opt.Devices = int(b.NumDevices())
	}
	if l.Plan {
		return nil, task.Plan(ctx, b, t, opt)
	}
	if opt.Test != "" {
		bar := progress.New(notes, progress.Options{Label: "predicting", Unit: "questions"})
		opt.Predict = func(done, total int) { bar.Set(int64(done), int64(total), "") }
		_, err := task.Test(ctx, b, t, opt)
		bar.Finish()
		return nil, err
	}
	bar := progress.New(notes, progress.Options{Label: "training", Unit: "steps"})
	opt.Progress = func(p train.Progress) {
		bar.Set(int64(p.Step), int64(p.Steps), fmt.Sprintf("loss %.3f, right %.1f %%, epoch %d of %d, all in %s", p.Loss, p.Accuracy, p.Epoch+1, p.Epochs, progress.Clock(p.Left)))
	}
	outcome, err := task.Train(ctx, b, t, opt)
	bar.Finish()
	return outcome, err
}
