package main

import (
	"cmp"
	"fmt"
	"path/filepath"
	"slices"
	"strings"

	"github.com/spf13/cobra"

	"github.com/seed-516990b0/golxmert/analysis"
	"github.com/seed-516990b0/golxmert/analysis/sweep"
)

// seriesOf are the weights that --series names, in order of their places.
func seriesOf(names []string) (weights []string, at []float64, axis string, err error) {
	for _, name := range names {
		if !strings.ContainsAny(name, "*?[") {
			weights = append(weights, name)
			continue
		}
		found, err := filepath.Glob(name)
		if err != nil {
			return nil, nil, "", usage("--series %s: %w", name, err)
		}
		if len(found) == 0 {
			return nil, nil, "", usage("--series %s: there are no such files", name)
		}
		weights = append(weights, found...)
	}
	for i, name := range weights {
		if slices.Contains(weights[:i], name) {
			return nil, nil, "", usage("--series names %s twice", name)
		}
	}
	if len(weights) < 2 {
		return nil, nil, "", usage("--series names %d file of weights, and a series has two or more: 'snap/pretrain/lxmert/Epoch*_LXRT.pth'", len(weights))
	}
	at, axis = sweep.Places(weights)
	order := make([]int, len(weights))
	for i := range order {
		order[i] = i
	}
	slices.SortStableFunc(order, func(a, b int) int { return cmp.Compare(at[a], at[b]) })
	var sorted []string
	var places []float64
	for _, i := range order {
		sorted, places = append(sorted, weights[i]), append(places, at[i])
	}
	return sorted, places, axis, nil
}

// folderOf is where the analysis of one of a series goes.
func folderOf(out, weights string) string {
	return filepath.Join(out, strings.TrimSuffix(filepath.Base(weights), filepath.Ext(weights)))
}

// runSeries analyses one model after the other, each in a folder of its own, and puts together what they found.
func (a *analyzing) runSeries(cmd *cobra.Command, methods []string) error {
	if a.model.load != "" {
		return usage("--load and --series both name weights: one of them is enough")
	}
	if a.shard != "" {
		return usage("--shard is a part of one analysis, and --series has several: leave one of them out")
	}
	if a.out == "" {
		return usage("--out is needed")
	}
	weights, at, axis, err := seriesOf(a.series)
	if err != nil {
		return err
	}
	folders := map[string]string{}
	for _, name := range weights {
		folder := folderOf(a.out, name)
		if other, taken := folders[folder]; taken {
			return usage("--series: the results of %s and %s would go to one folder, %s: give them different names", other, name, folder)
		}
		folders[folder] = name
	}
	var runs []*sweep.Summary
	for i, name := range weights {
		fmt.Fprintf(cmd.ErrOrStderr(), "%d of %d: %s\n", i+1, len(weights), name)
		one := *a
		one.series, one.model.load, one.out = nil, name, folderOf(a.out, name)
		s, err := one.run(cmd, methods)
		if err != nil {
			return fmt.Errorf("%s: %w", name, err)
		}
		runs = append(runs, s)
	}
	table, curves, err := sweep.Series(runs, at, axis)
	if err != nil {
		return err
	}
	page := analysis.Collection{Meta: table.Meta, Title: fmt.Sprintf("%d models, %d examples", len(runs), runs[0].Examples)}
	var drawn []analysis.Named
	for _, c := range curves {
		drawn = append(drawn, analysis.Named{Name: c.Name, Result: c.Result})
		page.Results = append(page.Results, c.Result)
	}
	path := filepath.Join(a.out, "series.html")
	if _, err := saveResults(a.out, path, page, drawn, []analysis.Named{{Name: "series", Result: table}}, a.opt.Methods...); err != nil {
		return err
	}
	fmt.Fprintf(cmd.OutOrStdout(), "%s has a curve of every number over the series, series.csv all of them; each model has a folder of its own beside it\n", path)
	return nil
}
