// Command lxmert runs LXMERT: see `lxmert --help`.
package main

import (
	"context"
	"errors"
	"fmt"
	"os"
	"os/signal"
	"slices"
	"strings"
	"syscall"

	"github.com/spf13/cobra"
	"github.com/spf13/pflag"

	"github.com/seed-516990b0/golxmert/lxmert/backend"
	"github.com/seed-516990b0/golxmert/lxmert/dataset"
	"github.com/seed-516990b0/golxmert/lxmert/lxrt"
	_ "github.com/seed-516990b0/golxmert/lxmert/speed"
)

func main() {
	backend.MaybeProbe()
	// Clusters end a job with SIGTERM: as with ctrl-C, what runs is saved.
	ctx, stop := signal.NotifyContext(context.Background(), os.Interrupt, syscall.SIGTERM)
	defer stop()
	os.Exit(run(ctx, rootCommand(), os.Args[1:]))
}

// errUsage is wrapped by errors in the command line itself: exit code 2.
var errUsage = errors.New("usage")

// run runs a command line and returns the exit code: 0, 1 (failed) or 2 (usage).
func run(ctx context.Context, root *cobra.Command, args []string) int {
	root.SetArgs(expandFlags(root, args))
	cmd, err := root.ExecuteContextC(ctx)
	if err == nil {
		return 0
	}
	if errors.Is(err, context.Canceled) {
		err = errors.New("interrupted")
	}
	fmt.Fprintf(root.ErrOrStderr(), "lxmert: %s\n", strings.TrimPrefix(err.Error(), errUsage.Error()+": "))
	if errors.Is(err, errUsage) || errors.Is(err, backend.ErrSpec) || isUnknownCommand(err) {
		fmt.Fprintf(root.ErrOrStderr(), "`%s --help` explains the command line\n", cmd.CommandPath())
		return 2
	}
	return 1
}

// expandFlags completes names of flags that are given in part, as Python's argparse does for the reference: --batch 32 is
// --batchSize 32 where no other flag begins like that.
func expandFlags(root *cobra.Command, args []string) []string {
	cmd, _, err := root.Find(args)
	if err != nil {
		return args
	}
	expanded := slices.Clone(args)
	for i, arg := range args {
		if arg == "--" {
			break
		}
		name, ok := strings.CutPrefix(arg, "--")
		name, value, hasValue := strings.Cut(name, "=")
		if !ok || name == "" || cmd.Flags().Lookup(name) != nil || cmd.InheritedFlags().Lookup(name) != nil {
			continue
		}
		var found []string
		add := func(f *pflag.Flag) {
			if strings.HasPrefix(f.Name, name) {
				found = append(found, f.Name)
			}
		}
		cmd.LocalFlags().VisitAll(add)
		cmd.InheritedFlags().VisitAll(add)
		if len(found) != 1 {
			continue // pflag's own error names it
		}
		expanded[i] = "--" + found[0]
		if hasValue {
			expanded[i] += "=" + value
		}
	}
	return expanded
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
		Use:   "lxmert",
		Short: "LXMERT: a vision-and-language transformer, open to look inside",
		Long: `LXMERT answers questions about pictures from regions that a detector found in them. These commands run the model,
show what is inside it, and read and write its published files.`,
		SilenceUsage:      true,
		SilenceErrors:     true,
		CompletionOptions: cobra.CompletionOptions{HiddenDefaultCmd: true},
		Version:           lxrt.Version(),
	}
	root.PersistentFlags().String("backend", "", "compute backend: cpu, cuda, go, or xla:/path/to/plugin.so (default: the fastest found; see the command backend)")
	root.SetFlagErrorFunc(func(_ *cobra.Command, err error) error { return usage("%w", err) })
	root.SetGlobalNormalizationFunc(func(_ *pflag.FlagSet, name string) pflag.NormalizedName { return pflag.NormalizedName(name) })
	root.AddCommand(traceCommand(), inspectCommand(), convertCommand(), backendCommand(), benchCommand(), askCommand(),
		runCommand(), demoCommand(), fetchCommand(), questionsCommand(), packCommand(), verifyCommand(), analyzeCommand(), mergeCommand())
	for _, t := range append(dataset.Tasks(), dataset.Pretraining) {
		root.AddCommand(taskCommand(t))
	}
	return root
}

func usage(format string, args ...any) error {
	return fmt.Errorf("%w: %w", errUsage, fmt.Errorf(format, args...))
}
