package main

import (
	"errors"
	"fmt"
	"os"
	"path"
	"path/filepath"
	"slices"
	"strings"

	"github.com/spf13/cobra"

	"github.com/seed-516990b0/golxmert/analysis"
	"github.com/seed-516990b0/golxmert/lxmert/backend"
	"github.com/seed-516990b0/golxmert/lxmert/dataset"
	"github.com/seed-516990b0/golxmert/lxmert/fetch"
	"github.com/seed-516990b0/golxmert/lxmert/task"
	"github.com/seed-516990b0/golxmert/lxmert/task/cli"
)

// reproduceCommand is `lxmert reproduce`: the published walk of a task, and what came out beside what was published.
func reproduceCommand() *cobra.Command {
	return &cobra.Command{
		Use:   "reproduce TASK [flags of the task]",
		Short: "Run a task as it was published, and print published scores beside your own",
		Long: `Checks that the published files of vqa, gqa or nlvr2 are there, fine-tunes as the published script run/TASK_finetune.bash does,
predicts with what came out, and prints the published scores beside your own in one table. With --load W it evaluates
fine-tuned weights instead. What is missing is named, each file with its address, and the command that brings all of it.

The run is in snap/TASK/reproduce, or in --output; the same command goes on with it after an interrupt or a kill. Further
flags are those of the task and change the walk, such as --multiGPU, --bf16 or --vocab FILE. Scores that only a server can
give have the name of the file to hand in, if the questions of that split are there.`,
		Example: `  lxmert fetch vqa weights && lxmert reproduce vqa
  lxmert reproduce nlvr2 --load snap/nlvr2/nlvr2_lxr955/BEST`,
		DisableFlagParsing: true,
		RunE: func(cmd *cobra.Command, args []string) error {
			if slices.Contains(args, "--help") || slices.Contains(args, "-h") || len(args) == 0 {
				return cmd.Help()
			}
			t, err := dataset.FindTask(args[0])
			if err != nil {
				return usage("%s", strings.TrimPrefix(err.Error(), "dataset: "))
			}
			r := &reproduction{task: t, given: args[1:]}
			return r.run(cmd)
		},
	}
}

// reproduction is the walk of a task and what came out.
type reproduction struct {
	task   *dataset.Task
	given  []string // flags of the user's
	line   *taskFlags
	trains bool

	own    map[string]float64 // scores by split, 0 to 1
	handIn []string           // files for the servers
}

func (r *reproduction) run(cmd *cobra.Command) error {
	_, flags, _, err := cli.ScriptLine(append([]string{r.task.Name + "_finetune", "0", "reproduce"}, r.given...))
	if err != nil {
		return asUsage(err)
	}
	f, sub, err := parseTask(cmd, r.task, cli.Again(flags))
	if err != nil {
		return err
	}
	if f.Options.Test != "" {
		return usage("reproduce predicts what was published: leave --test out")
	}
	r.line, r.trains, r.own = f, !sub.Flags().Changed("load"), map[string]float64{}
	if err := r.checkFiles(sub); err != nil {
		return err
	}
	b, err := openBackend(sub)
	if err != nil {
		return err
	}
	defer b.Finalize()
	load := f.Options.Load
	if r.trains {
		f.again, f.resumes = append([]string{"lxmert"}, os.Args[1:]...), true
		f.useDevices(b)
		if _, err := f.runOn(sub, b); err != nil {
			return err
		}
		load = task.Weights(r.task, f.Options.Output)
	}
	if err := r.predict(sub, b, load); err != nil {
		return err
	}
	r.writeTable(cmd)
	return nil
}

// measured are the splits whose scores can be had here.
func (r *reproduction) measured() (splits []string) {
	for _, p := range r.task.Recipe.Results {
		if p.Split != "" {
			splits = append(splits, p.Split)
		}
	}
	return splits
}

// forServers are the splits whose predictions a server scores.
func (r *reproduction) forServers() (splits []string) {
	for _, p := range r.task.Predictions {
		if p.Score {
			continue
		}
		if name := p.Contains; name != "" && r.task.Features.Splits[name] != "" && !slices.Contains(r.measured(), name) {
			splits = append(splits, name)
		}
	}
	return splits
}

// checkFiles says which of the published files that the walk needs are missing.
func (r *reproduction) checkFiles(sub *cobra.Command) error {
	splits := r.measured()
	sets := []string{r.task.Name}
	if o := r.line.Options; r.trains {
		splits = append(slices.Concat(o.Train, o.Valid), splits...)
		if f := sub.Flags(); strings.HasPrefix(o.LoadLXMERT+o.LoadLXMERTQA, "snap/pretrained/model") && !f.Changed("fromScratch") {
			sets = append(sets, "weights")
		}
	}
	f := fetch.Fetcher{Have: havePacked, Refuse: otherLayout}
	if root := r.line.Options.Root; root != "data" {
		if filepath.Base(root) != "data" {
			return usage(`--data %s: the folder of published files is called "data", as "lxmert fetch" makes it`, root)
		}
		f.Dir = filepath.Dir(root)
	}
	var missing []fetch.Result
	for _, set := range sets {
		results, err := f.List(sub.Context(), set)
		if err != nil {
			return err
		}
		for _, x := range results {
			if x.State == fetch.Missing && r.needs(x.Path, splits, sub) && !slices.ContainsFunc(missing, func(m fetch.Result) bool { return m.Path == x.Path }) {
				missing = append(missing, x)
			}
		}
	}
	if missing == nil {
		return nil
	}
	printFetched(sub.ErrOrStderr(), missing)
	return fmt.Errorf("%d of the files that the published walk of %s needs are missing, see above; `lxmert fetch %s` brings them", len(missing), r.task.Title, strings.Join(sets, " "))
}

// needs says whether the walk over some splits reads a published file.
func (r *reproduction) needs(file string, splits []string, sub *cobra.Command) bool {
	name := path.Base(file)
	features, isFeatures := strings.CutSuffix(name, "_obj36.tsv")
	switch {
	case name == "vocab.txt":
		return !sub.Flags().Changed("vocab")
	case name == "all_ans.json":
		return r.trains && r.task.Truth.Joint != "" && r.line.Options.LoadLXMERTQA != ""
	case isFeatures:
		return slices.ContainsFunc(splits, func(s string) bool { return r.task.Features.Splits[s] == features })
	case slices.Contains(dataset.AnswerFiles[:], name) || strings.HasPrefix(file, "snap/"):
		return true
	}
	return slices.Contains(splits, strings.TrimSuffix(name, ".json"))
}

// predict scores the splits whose answers are there, and predicts those of the servers.
func (r *reproduction) predict(sub *cobra.Command, b *backend.Backend, load string) error {
	for _, split := range append(r.measured(), r.forServers()...) {
		server := !slices.Contains(r.measured(), split)
		if _, err := os.Stat(filepath.Join(r.line.Options.Root, r.task.Name, split+".json")); server && errors.Is(err, os.ErrNotExist) {
			fmt.Fprintf(sub.ErrOrStderr(), "the questions of %s are not there, so there is nothing to hand in\n", split)
			continue
		}
		f := &taskFlags{Line: cli.New(r.task)}
		f.Options = r.line.Options
		o := &f.Options
		o.Test, o.Load, o.LoadLXMERT, o.LoadLXMERTQA, o.Resume = split, load, "", "", false
		o.LangLayers, o.CrossLayers, o.RegionLayers = -1, -1, -1 // as many as the weights have
		result, err := f.runOn(sub, b)
		if err != nil {
			return err
		}
		for _, x := range result.scored {
			if x.HasScore {
				r.own[split] = x.Score
			} else if server {
				r.handIn = append(r.handIn, x.File)
			}
		}
	}
	return nil
}

// writeTable prints published scores beside those that came out.
func (r *reproduction) writeTable(cmd *cobra.Command) {
	t := analysis.Table{Meta: analysis.Meta{Method: r.task.Title + ", right in percent"}, Columns: []string{"score", "split", "published", "the authors expect", "here"}}
	for _, p := range r.task.Recipe.Results {
		here := "-"
		if own, ok := r.own[p.Split]; ok {
			here = fmt.Sprintf("%.2f", 100*own)
		} else if p.Split == "" && r.handIn != nil {
			here = "hand in " + strings.Join(r.handIn, ", ")
		}
		expected := "-"
		if p.High > 0 {
			expected = fmt.Sprintf("%.1f to %.1f", p.Low, p.High)
		}
		split := p.Split
		if split == "" {
			split = "(a server's)"
		}
		t.Rows = append(t.Rows, []any{p.Name, split, fmt.Sprintf("%.2f", p.Score), expected, here})
	}
	writeResultTable(cmd.OutOrStdout(), t)
}
