// Command lxmert runs LXMERT: see `lxmert --help`.
package main

import (
	"context"
	"fmt"
	"os"
	"os/signal"
	"slices"
	"strings"
	"syscall"

	"github.com/spf13/cobra"
	"github.com/spf13/pflag"

	"github.com/seed-516990b0/golxmert/internal/commandline"
	"github.com/seed-516990b0/golxmert/lxmert/backend"
	"github.com/seed-516990b0/golxmert/lxmert/dataset"
	"github.com/seed-516990b0/golxmert/lxmert/lxrt"
	_ "github.com/seed-516990b0/golxmert/lxmert/speed"
)

func main() {
	backend.MaybeProbe()
	// Clusters end a job with SIGTERM, and say before with SIGUSR1 that they will: as with ctrl-C, what runs is saved.
	ctx, stop := signal.NotifyContext(context.Background(), os.Interrupt, syscall.SIGTERM, syscall.SIGUSR1)
	defer stop()
	os.Exit(run(ctx, rootCommand(), os.Args[1:]))
}

// run runs a command line and returns the exit code, see [commandline.Run].
func run(ctx context.Context, root *cobra.Command, args []string) int {
	return commandline.Run(ctx, root, expandFlags(root, args), backend.ErrSpec)
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

func rootCommand() *cobra.Command {
	root := &cobra.Command{
		Use:   "lxmert",
		Short: "LXMERT: a vision-and-language transformer, open to look inside",
		Long: `LXMERT answers questions about pictures from regions that a detector found in them. These commands run the model,
show what is inside it, and read and write its published files.`,
		Version: lxrt.Version(),
	}
	commandline.Prepare(root)
	root.PersistentFlags().String("backend", "", "compute backend: cpu, cuda, go, or xla:/path/to/plugin.so (default: the fastest found; see the command backend)")
	root.SetGlobalNormalizationFunc(func(_ *pflag.FlagSet, name string) pflag.NormalizedName { return pflag.NormalizedName(name) })
	root.AddCommand(traceCommand(), inspectCommand(), convertCommand(), backendCommand(), benchCommand(), askCommand(), readoutCommand(), suiteCommand(), compareCommand(),
		runCommand(), demoCommand(), fetchCommand(), questionsCommand(), packCommand(), verifyCommand(), checkCommand(), analyzeCommand(), embedCommand(), pageCommand(), mergeCommand(), mapCommand(), sweepCommand(), exportCommand(), reproduceCommand())
	for _, t := range dataset.Trainings() {
		root.AddCommand(taskCommand(t))
	}
	return root
}

func usage(format string, args ...any) error {
	return commandline.Usage(format, args...)
}

// makeFolder makes the folder that a flag names, where it is not there.
func makeFolder(flag, dir string) error {
	if err := os.MkdirAll(dir, 0o777); err != nil {
		return fmt.Errorf("--%s: %w; choose another folder", flag, err)
	}
	return nil
}
