package main

import (
	"fmt"
	"io"
	"path/filepath"
	"slices"
	"strings"

	"github.com/spf13/cobra"

	"github.com/seed-516990b0/golxmert/analysis"
	"github.com/seed-516990b0/golxmert/analysis/figure"
	"github.com/seed-516990b0/golxmert/analysis/relevance"
	"github.com/seed-516990b0/golxmert/analysis/report"
	"github.com/seed-516990b0/golxmert/lxmert"
)

// explaining is what the flags say about --explain.
type explaining struct {
	on     bool
	out    string
	images string
}

// figureSuffixes are the files that an explanation can be.
var figureSuffixes = []string{".pdf", ".svg", ".png", ".html", ".csv", ".json", ".safetensors"}

func (e *explaining) add(cmd *cobra.Command) {
	cmd.Flags().BoolVar(&e.on, "explain", false, "say which words and regions carried the answer, by bi-modal relevance, and draw it")
	cmd.Flags().StringVar(&e.out, "out", "explanation.html", "what --explain writes: "+strings.Join(figureSuffixes, ", "))
	cmd.Flags().StringVar(&e.images, "images", "", "folder with the pictures, found by their ids (default: regions are drawn on an empty canvas)")
}

func (e *explaining) check(cmd *cobra.Command) error {
	for _, name := range []string{"out", "images"} {
		if !e.on && cmd.Flags().Changed(name) {
			return usage("--%s is for --explain", name)
		}
	}
	if suffix := filepath.Ext(e.out); e.on && !slices.Contains(figureSuffixes, suffix) {
		return usage("--out %s: a file ends in one of %s", e.out, strings.Join(figureSuffixes, ", "))
	}
	return nil
}

// sayMissing counts the pictures, by their ids, that a folder lacks.
func sayMissing(w io.Writer, missing []string, of int, folder string) error {
	if len(missing) == 0 {
		return nil
	}
	_, err := fmt.Fprintf(w, "%d of %d pictures shown are not in %s (such as %s): their regions are drawn on an empty canvas\n", len(missing), of, folder, plain(missing[0]))
	return err
}

// explain writes why the model gave its answer. A statement about two pictures becomes two files.
func (e *explaining) explain(cmd *cobra.Command, m lxmert.Engine, a *lxmert.Answer, top int) error {
	scores, err := relevance.BiModal(cmd.Context(), m, a.Batch, analysis.Predicted(), relevance.Options{})
	if err != nil {
		return err
	}
	best := a.Best()
	for i, s := range scores {
		s.Answer = best.Text
		s.Params = map[string]string{"probability of answers": a.Head.Kind}
		s.Target = fmt.Sprintf("logit of %q, the most probable answer", best.Text)
		path := e.out
		if len(scores) > 1 {
			suffix := filepath.Ext(e.out)
			path = strings.TrimSuffix(e.out, suffix) + [2]string{"-left", "-right"}[i%2] + suffix
		}
		if filepath.Ext(path) == ".html" {
			err = e.page(cmd, m, a, i, path, s, top)
		} else {
			err = figure.Save(path, s, figure.Options{})
		}
		if err != nil {
			return err
		}
		fmt.Fprintf(cmd.ErrOrStderr(), "%s shows which words and regions carried the answer %q\n", path, best.Text)
	}
	return nil
}

// page writes a page for a browser, with all attention maps to look at.
func (e *explaining) page(cmd *cobra.Command, m lxmert.Engine, a *lxmert.Answer, row int, path string, s analysis.Scores, top int) error {
	trace, err := m.Run(cmd.Context(), a.Batch, lxmert.Request{Want: lxmert.All(m.Config().Maps()...), NoRegions: a.Batch.NoRegions()})
	if err != nil {
		return err
	}
	x := report.Explanation{Scores: s, Maps: map[string]lxmert.Tensor{}}
	for name, map_ := range trace.Values {
		x.Maps[name] = map_.Row(row)
	}
	for _, r := range a.Ranked[:min(len(a.Ranked), top)] {
		x.Answers = append(x.Answers, report.Answer{Text: r.Text, Probability: r.Probability})
	}
	return report.Save(path, x, report.Options{})
}
