// Command kernel is the Jupyter kernel and what belongs to it: see `kernel --help`.
package main

import (
	"context"
	"errors"
	"fmt"
	"os"
	"os/signal"
	"strings"
	"syscall"

	"github.com/spf13/cobra"

	"github.com/seed-516990b0/golxmert/kernel/proxy"
	"github.com/seed-516990b0/golxmert/lxmert/backend"
	"github.com/seed-516990b0/golxmert/lxmert/lxrt"
	_ "github.com/seed-516990b0/golxmert/lxmert/speed"
)

// commands are all commands, in the order in which somebody needs them.
var commands = []func() *cobra.Command{
	quickstartCommand,
	testCommand,
	installCommand,
	uninstallCommand,
	doctorCommand,
	runNotebookCommand,
	sessionCommand,
	benchCommand,
	runCommand,
	watchdogCommand,
}

func main() {
	backend.MaybeProbe()
	leaveKernel()
	// Clusters end a job with SIGTERM: it ends as with ctrl-C.
	ctx, stop := signal.NotifyContext(context.Background(), os.Interrupt, syscall.SIGTERM)
	defer stop()
	os.Exit(run(ctx, rootCommand(), os.Args[1:]))
}

// leaveKernel gives this process the user's TMPDIR if it was started by a cell, whose own goes with its kernel: the
// session outlives it.
func leaveKernel() {
	if dir, inCell := os.LookupEnv(proxy.UserTempEnv); inCell {
		os.Unsetenv(proxy.UserTempEnv)
		os.Setenv("TMPDIR", dir)
	}
}

// errUsage is wrapped by errors in the command line itself: exit code 2.
var errUsage = errors.New("usage")

// run runs a command line and returns the exit code: 0, 1 (failed) or 2 (usage).
func run(ctx context.Context, root *cobra.Command, args []string) int {
	root.SetArgs(args)
	cmd, err := root.ExecuteContextC(ctx)
	if err == nil {
		return 0
	}
	if errors.Is(err, context.Canceled) {
		err = errors.New("interrupted")
	}
	fmt.Fprintf(root.ErrOrStderr(), "kernel: %s\n", strings.TrimPrefix(err.Error(), errUsage.Error()+": "))
	if errors.Is(err, errUsage) || isUnknownCommand(err) {
		fmt.Fprintf(root.ErrOrStderr(), "`%s --help` explains the command line\n", cmd.CommandPath())
		return 2
	}
	return 1
}

// isUnknownCommand recognises cobra's own errors about a command or its arguments, which have no type.
func isUnknownCommand(err error) bool {
	for _, start := range []string{"unknown command", "accepts ", "requires ", "required flag", "if any flags in the group"} {
		if strings.HasPrefix(err.Error(), start) {
			return true
		}
	}
	return false
}

func rootCommand() *cobra.Command {
	root := &cobra.Command{
		Use:   "kernel",
		Short: "The Jupyter kernel for LXMERT in Go, and what belongs to it",
		Long: `These commands bring JupyterLab with a Go kernel that knows LXMERT into a folder of its own, look after it, and run the
process that keeps models between cells. Nothing outside that folder is touched.`,
		SilenceUsage:      true,
		SilenceErrors:     true,
		CompletionOptions: cobra.CompletionOptions{HiddenDefaultCmd: true},
		Version:           lxrt.Version(),
	}
	root.SetFlagErrorFunc(func(_ *cobra.Command, err error) error { return usage("%w", err) })
	for _, c := range commands {
		root.AddCommand(c())
	}
	return root
}

func usage(format string, args ...any) error {
	return fmt.Errorf("%w: %w", errUsage, fmt.Errorf(format, args...))
}
