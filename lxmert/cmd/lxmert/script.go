package main

import (
	"fmt"
	"os"
	"slices"
	"strings"

	"github.com/spf13/cobra"

	"github.com/seed-516990b0/golxmert/lxmert/dataset"
	"github.com/seed-516990b0/golxmert/lxmert/task/cli"
)

// runCommand is `lxmert run`: the published scripts by name.
func runCommand() *cobra.Command {
	var table strings.Builder
	for _, s := range cli.Scripts() {
		fmt.Fprintf(&table, "  %-15s %s %s\n", s.Name, s.Task, s.Flags)
	}
	return &cobra.Command{
		Use:   "run SCRIPT GPUS NAME [flags]",
		Short: "Run one of the published scripts by its name, as in `bash run/vqa_finetune.bash 0 vqa_lxr955`",
		Long: `Runs one of the published run/*.bash by its name. GPUS are the numbers of the GPUs to use (CUDA_VISIBLE_DEVICES); NAME
is the experiment, whose folder is snap/<task>/NAME; further flags are added to the script's own.

Every script has --llayers 9 --xlayers 5 --rlayers 5 --tqdm, unless flags say otherwise, and:

` + table.String(),
		Example: `  lxmert run vqa_finetune 0 vqa_lxr955_tiny --tiny
  lxmert run vqa_test 0 vqa_lxr955_results --test minival --load snap/vqa/vqa_lxr955/BEST`,
		DisableFlagParsing: true,
		RunE: func(cmd *cobra.Command, args []string) error {
			if slices.Contains(args, "--help") || slices.Contains(args, "-h") || len(args) == 0 {
				return cmd.Help()
			}
			return runScript(cmd, args)
		},
	}
}

func runScript(cmd *cobra.Command, args []string) error {
	t, flags, gpus, err := cli.ScriptLine(args)
	if err != nil {
		return asUsage(err)
	}
	// As the published scripts do. The plugin reads it when it is loaded.
	if err := os.Setenv("CUDA_VISIBLE_DEVICES", gpus); err != nil {
		return err
	}
	f, sub, err := parseTask(cmd, t, flags)
	if err != nil {
		return err
	}
	f.again = append([]string{"lxmert", "run"}, args...)
	return f.run(sub)
}

// parseTask reads the flags of a task's command for another command, whose output and context it has.
func parseTask(cmd *cobra.Command, t *dataset.Task, args []string) (*taskFlags, *cobra.Command, error) {
	f := &taskFlags{Line: cli.New(t)}
	sub := &cobra.Command{Use: t.Name}
	f.add(sub.Flags())
	sub.Flags().String("backend", "", "")
	sub.SetContext(cmd.Context())
	sub.SetOut(cmd.OutOrStdout())
	sub.SetErr(cmd.ErrOrStderr())
	if err := sub.ParseFlags(cli.Expand(args, sub.Flags())); err != nil {
		return nil, nil, usage("%w", err)
	}
	if rest := sub.Flags().Args(); len(rest) > 0 {
		return nil, nil, usage("what is %q? Flags begin with --", rest[0])
	}
	return f, sub, asUsage(f.Complete())
}

// asUsage gives an error about a command line the exit code of one.
func asUsage(err error) error {
	if err == nil {
		return nil
	}
	return usage("%s", strings.TrimPrefix(err.Error(), cli.ErrUsage.Error()+": "))
}
