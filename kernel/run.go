package main

import (
	"context"
	"log"
	"os"
	"os/signal"

	"github.com/spf13/cobra"

	"github.com/seed-516990b0/golxmert/kernel/client"
	"github.com/seed-516990b0/golxmert/kernel/install"
	"github.com/seed-516990b0/golxmert/kernel/proxy"
)

// runCommand is `kernel run`, which Jupyter calls: the kernel itself.
func runCommand() *cobra.Command {
	var dir string
	cmd := &cobra.Command{
		Use:   "run CONNECTION_FILE",
		Short: "Be the kernel that a connection file describes; Jupyter calls this",
		Args:  cobra.ExactArgs(1),
		RunE: func(cmd *cobra.Command, args []string) error {
			place, err := install.Find(dir)
			if err != nil {
				return err
			}
			// SIGINT interrupts a cell, not the kernel.
			ctx := context.WithoutCancel(cmd.Context())
			program, err := os.Executable()
			if err != nil {
				return err
			}
			return proxy.Run(ctx, args[0], proxy.Options{
				GoNB: place.Program("gonb"), Gopls: place.Program("gopls"), Prelude: place.Prelude(), Program: program,
				Magics: magics(program), Env: cellEnvironment(program), Log: log.New(cmd.ErrOrStderr(), "kernel: ", 0),
			})
		},
	}
	dirFlag(cmd, &dir)
	return cmd
}

// cellEnvironment is what the programs of cells find in their environment: which program to start as the session, and
// whose turn it is.
func cellEnvironment(program string) map[string]string {
	env := map[string]string{client.ProgramEnv: program}
	if notebook := os.Getenv("JPY_SESSION_NAME"); notebook != "" {
		env[client.NotebookEnv] = notebook
	}
	return env
}

// watchdogCommand is the process that cleans up behind a kernel.
func watchdogCommand() *cobra.Command {
	return &cobra.Command{
		Use:    proxy.WatchdogCommand + " FOLDER",
		Short:  "Wait until the kernel that writes to standard input has ended, and remove what it leaves",
		Hidden: true,
		Args:   cobra.ExactArgs(1),
		RunE: func(cmd *cobra.Command, args []string) error {
			signal.Ignore(os.Interrupt) // it ends when the kernel does
			return proxy.Watch(cmd.InOrStdin(), args[0])
		},
	}
}
