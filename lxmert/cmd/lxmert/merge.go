package main

import (
	"fmt"
	"path/filepath"

	"github.com/spf13/cobra"

	"github.com/seed-516990b0/golxmert/analysis"
	"github.com/seed-516990b0/golxmert/analysis/figure"
	"github.com/seed-516990b0/golxmert/analysis/suite"
	"github.com/seed-516990b0/golxmert/analysis/sweep"
)

// mergeCommand is `lxmert merge`: the report of a sweep that several machines did, or the table of several models' sweeps.
func mergeCommand() *cobra.Command {
	var seeds bool
	var out string
	cmd := &cobra.Command{
		Use:   "merge FOLDER, or merge --seeds --out FOLDER FOLDER FOLDER...",
		Short: "Join the parts of an analysis, or of a suite, that was run with --shard, or the analyses of several models",
		Long: `Reads the parts that ` + "`lxmert analyze --shard`" + ` wrote into a folder, checks that all are there and belong together, and
writes the report over all of them. Of a run that is not done yet it reports what there is. Parts may come from different
machines, such as some with and some without a GPU, if the weights and the numbers' type are the same. Of the parts of
` + "`lxmert suite --shard`" + `, all of which must be done, it writes the table.

--seeds takes several folders, each with the finished analysis of one model, that differ only in the models' weights, such
as those of trainings with other seeds. It prints each method's mean hit rate, its gap and areas of the perturbation test
(by the probability of the answer), with what their 95 % intervals over models (Student's t) reach to each side, and writes
that table and one of all numbers into --out, as .pdf, .csv, .tex and .json. Where no ranking was tested, all numbers are printed.`,
		Example: `  lxmert merge minival
  lxmert merge --seeds --out seeds out/seed1 out/seed2 out/seed3`,
		Args: cobra.MinimumNArgs(1),
		RunE: func(cmd *cobra.Command, args []string) error {
			switch {
			case seeds && out == "":
				return usage("--out is needed: a folder for the table of all seeds")
			case !seeds && out != "":
				return usage("--out is for --seeds: the report of parts is written beside them")
			case !seeds && len(args) > 1:
				return usage("one folder has all parts of an analysis; several models' analyses are joined by --seeds")
			}
			screen := newScreen(cmd, false)
			defer screen.finish()
			if seeds {
				return saveSeeds(cmd, out, args, screen)
			}
			if r, found, err := suite.Read(args[0]); found || err != nil {
				if err != nil {
					return err
				}
				return saveSuite(cmd, args[0], r)
			}
			_, err := saveSweep(cmd, args[0], screen)
			return err
		},
	}
	cmd.Flags().BoolVar(&seeds, "seeds", false, "the folders are finished analyses of models trained with different seeds: average over them")
	cmd.Flags().StringVar(&out, "out", "", "with --seeds: folder for the tables")
	return cmd
}

// saveSeeds writes the tables over several models' sweeps and prints the first.
func saveSeeds(cmd *cobra.Command, out string, dirs []string, screen *screen) error {
	var runs []*sweep.Summary
	bar := screen.bar("reading results", "folders")
	for i, dir := range dirs {
		screen.set(bar, int64(i), int64(len(dirs)), "")
		s, err := sweep.Read(cmd.Context(), dir, nil)
		if err != nil {
			return err
		}
		runs = append(runs, s)
	}
	screen.finish()
	overview, all, err := sweep.Seeds(runs)
	if err != nil {
		return fmt.Errorf("%w (sweeps are counted in the order of the folders)", err)
	}
	if err := makeFolder("out", out); err != nil {
		return err
	}
	tables := []analysis.Named{{Name: "seeds", Result: overview}, {Name: "seeds-all", Result: all}}
	if _, err := figure.SaveAll(out, tables, figure.Options{Width: figure.Page}, tableSuffixes()...); err != nil {
		return err
	}
	if len(overview.Rows) == 0 { // nothing was tested, such as by looks
		overview = all
	}
	writeResultTable(cmd.OutOrStdout(), overview)
	fmt.Fprintf(cmd.OutOrStdout(), "%s has this table, seeds-all.csv beside it all numbers\n", filepath.Join(out, "seeds.csv"))
	return nil
}
