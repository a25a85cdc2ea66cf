// Command kernel is the Jupyter kernel and what belongs to it: see `kernel --help`.
package main

import (
	"context"
	"os"
	"os/signal"
	"syscall"

	"github.com/spf13/cobra"

	"github.com/seed-516990b0/golxmert/internal/commandline"
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

// run runs a command line and returns the exit code, see [commandline.Run].
func run(ctx context.Context, root *cobra.Command, args []string) int {
	return commandline.Run(ctx, root, args)
}

func rootCommand() *cobra.Command {
	root := &cobra.Command{
		Use:   "kernel",
		Short: "The Jupyter kernel for LXMERT in Go, and what belongs to it",
		Long: `These commands bring JupyterLab with a Go kernel that knows LXMERT into a folder of its own, look after it, and run the
process that keeps models between cells. Nothing outside that folder is touched.`,
		Version: lxrt.Version(),
	}
	commandline.Prepare(root)
	for _, c := range commands {
		root.AddCommand(c())
	}
	return root
}

func usage(format string, args ...any) error {
	return commandline.Usage(format, args...)
}
