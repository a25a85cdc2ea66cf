// Package commandline runs command lines: what this module's programs have in common.
package commandline

import (
	"context"
	"errors"
	"fmt"
	"slices"
	"strings"

	"github.com/spf13/cobra"
)

// ErrUsage is wrapped by errors in the command line itself: exit code 2.
var ErrUsage = errors.New("usage")

// Usage is an error in the command line itself.
func Usage(format string, args ...any) error {
	return fmt.Errorf("%w: %w", ErrUsage, fmt.Errorf(format, args...))
}

// Prepare makes cobra leave it to [Run] to say what went wrong.
func Prepare(root *cobra.Command) {
	root.SilenceUsage, root.SilenceErrors = true, true
	root.CompletionOptions.HiddenDefaultCmd = true
	root.SetFlagErrorFunc(func(_ *cobra.Command, err error) error { return Usage("%w", err) })
}

// Run runs a command line, says in a line what went wrong, and returns the exit code: 0, 1 (failed) or 2 (usage: [ErrUsage],
// one of mistakes, or what cobra finds wrong).
func Run(ctx context.Context, root *cobra.Command, args []string, mistakes ...error) int {
	root.SetArgs(args)
	cmd, err := root.ExecuteContextC(ctx)
	if err == nil {
		return 0
	}
	if errors.Is(err, context.Canceled) {
		err = errors.New("interrupted")
	}
	fmt.Fprintf(root.ErrOrStderr(), "%s: %s\n", root.Name(), strings.TrimPrefix(err.Error(), ErrUsage.Error()+": "))
	if isMistake := func(e error) bool { return errors.Is(err, e) }; isMistake(ErrUsage) || slices.ContainsFunc(mistakes, isMistake) || isCobras(err) {
		fmt.Fprintf(root.ErrOrStderr(), "`%s --help` explains the command line\n", cmd.CommandPath())
		return 2
	}
	return 1
}

// isCobras recognises cobra's own errors about a command or its arguments, which have no type.
func isCobras(err error) bool {
	for _, start := range []string{"unknown command", "accepts ", "requires ", "required flag", "if any flags in the group"} {
		if strings.HasPrefix(err.Error(), start) {
			return true
		}
	}
	return false
}
