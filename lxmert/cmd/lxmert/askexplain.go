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
	"github.com/seed-516990b0/golxmert/lxmert/question"
)

// explaining is what the flags say about --explain.
type explaining struct {
	on     bool
	out    string
	images string
	target string
}

func (e *explaining) add(cmd *cobra.Command) {
	cmd.Flags().BoolVar(&e.on, "explain", false, "say which words and regions carried the answer, by bi-modal relevance, and draw it")
	cmd.Flags().StringVar(&e.out, "out", "explanation.html", "what --explain writes: "+strings.Join(figure.Suffixes(), ", "))
	cmd.Flags().StringVar(&e.target, "target", "predicted", "what is explained, or compared by what asks again: predicted (the most probable answer), an answer or its number, a difference (blue-red: why blue and not red), match, foil, or a masked word (masked star)")
	cmd.Flags().StringVar(&e.images, "images", "", "folder with the pictures, found by their ids (default: regions are drawn on an empty canvas)")
}

func (e *explaining) check(cmd *cobra.Command, changing bool) error {
	if !e.on && !changing && cmd.Flags().Changed("target") {
		return usage("--target is for --explain, and for what asks again, such as --without")
	}
	for _, name := range []string{"out", "images"} {
		if !e.on && cmd.Flags().Changed(name) {
			return usage("--%s is for --explain", name)
		}
	}
	if e.on {
		return checkFigureFile(e.out)
	}
	return nil
}

// checkFigureFile says whether the name of --out is that of a figure.
func checkFigureFile(out string) error {
	if !slices.Contains(figure.Suffixes(), filepath.Ext(out)) {
		return usage("--out %s: a file ends in one of %s", out, strings.Join(figure.Suffixes(), ", "))
	}
	return nil
}

// readTarget is what --target names; without it the zero target.
func (e *explaining) readTarget(cmd *cobra.Command, a *lxmert.Answer) (analysis.Target, error) {
	if !cmd.Flags().Changed("target") {
		return analysis.Target{}, nil
	}
	return readTarget(e.target, a.Head, a.Batch)
}

// sayMissing counts the pictures, by their ids, that a folder lacks.
func sayMissing(w io.Writer, missing []string, of int, folder string) error {
	if len(missing) == 0 {
		return nil
	}
	_, err := fmt.Fprintln(w, question.MissingNote(len(missing), of, plain(missing[0]), folder))
	return err
}

// explain writes why the model gave its answer. A statement about two pictures becomes two files.
func (e *explaining) explain(cmd *cobra.Command, m lxmert.Engine, a *lxmert.Answer, shown []analysis.Candidate) error {
	target, err := e.readTarget(cmd, a)
	if err != nil {
		return err
	}
	explanations, err := relevance.ExplainTarget(cmd.Context(), m, a, target)
	if err != nil {
		return err
	}
	suffix := filepath.Ext(e.out)
	if suffix == ".html" {
		if err := relevance.AddMaps(cmd.Context(), m, a, explanations); err != nil {
			return err
		}
	}
	for i, x := range explanations {
		path := e.out
		if len(explanations) > 1 {
			path = strings.TrimSuffix(e.out, suffix) + [2]string{"-left", "-right"}[i%2] + suffix
		}
		if x.Answers = shown; suffix == ".html" {
			err = report.Save(path, x, report.Options{})
		} else {
			err = figure.Save(path, x.Scores, figure.Options{})
		}
		if err != nil {
			return err
		}
		fmt.Fprintf(cmd.ErrOrStderr(), "%s shows which words and regions carried the answer %q\n", path, a.Best().Text)
	}
	return nil
}
