package main

import (
	"fmt"
	"io"
	"math"
	"path/filepath"
	"strconv"
	"text/tabwriter"

	"github.com/spf13/cobra"

	"github.com/seed-516990b0/golxmert/analysis"
	"github.com/seed-516990b0/golxmert/analysis/cite"
	"github.com/seed-516990b0/golxmert/analysis/figure"
	"github.com/seed-516990b0/golxmert/analysis/report"
	"github.com/seed-516990b0/golxmert/analysis/sweep"
	"github.com/seed-516990b0/golxmert/internal/atomicfile"
)

// This file writes and prints what a sweep found.

// saveSweep writes the report of a folder and says what is in it. It returns what it read there.
func saveSweep(cmd *cobra.Command, dir string, screen *screen) (*sweep.Summary, error) {
	s, err := sweep.Read(cmd.Context(), dir, screen.stages(map[string]string{"reading results": "B"}))
	screen.finish()
	if err != nil {
		return nil, err
	}
	page := filepath.Join(dir, "report.html")
	drawn, numbers := s.Named()
	beside, err := saveResults(dir, page, s.Page(), drawn, numbers, s.Settings.Methods...)
	if err != nil {
		return nil, err
	}
	out := cmd.OutOrStdout()
	for _, t := range s.Tables {
		printTable(out, t.Result, t.Name)
	}
	for _, line := range s.Without {
		fmt.Fprintf(cmd.ErrOrStderr(), "warning: no result of %s\n", line)
	}
	fmt.Fprintf(out, "%s has all of it, with %d examples to look at; %d files beside it have the figures and the numbers\n", page, len(s.Shown), beside)
	fmt.Fprintf(out, "`lxmert page %s` makes a page of all %d examples, to be sorted, filtered and searched\n", quoteArgs([]string{dir}), s.Examples)
	return s, nil
}

// saveResults writes a page, and into dir each result for itself: some as a figure and as numbers, some as numbers alone, and
// how to cite them. It returns how many files there are beside the page.
func saveResults(dir, page string, all analysis.Collection, drawn, numbers []analysis.Named, methods ...string) (beside int, err error) {
	opt := figure.Options{Width: figure.Page}
	for _, r := range drawn {
		suffixes := []string{".pdf", ".csv", ".json"}
		if analysis.KindOf(r.Result) == analysis.KindOf(analysis.Table{}) {
			suffixes = tableSuffixes()
		}
		files, err := figure.SaveAll(dir, []analysis.Named{r}, opt, suffixes...)
		if err != nil {
			return 0, err
		}
		beside += len(files)
	}
	tables, err := figure.SaveAll(dir, numbers, opt, ".csv", ".json")
	if err != nil {
		return 0, err
	}
	if err := saveCitation(dir, []analysis.Result{all}, methods...); err != nil {
		return 0, err
	}
	return beside + len(tables), report.Save(page, all, report.Options{})
}

// citationFile is the file beside a report that says how to cite it.
const citationFile = "citation.bib"

// saveCitation writes into a folder what was computed and with what, and BibTeX entries of the methods, also of those that are named.
func saveCitation(dir string, results []analysis.Result, methods ...string) error {
	return atomicfile.Write(filepath.Join(dir, citationFile), 0o666, []byte(cite.Of(results, methods...).String()))
}

// tableSuffixes are those of the files that a table of a report is written as.
func tableSuffixes() []string { return []string{".pdf", ".csv", ".tex", ".json"} }

// printedRows is how many rows of a table are printed at most.
const printedRows = 60

// printTable prints the first rows of a table, the rest of which is in the file of that name.
func printTable(w io.Writer, t analysis.Table, name string) {
	more := len(t.Rows) - printedRows
	if more <= 0 {
		writeResultTable(w, t)
		return
	}
	t.Rows = t.Rows[:printedRows]
	writeResultTable(w, t)
	fmt.Fprintf(w, "%d more rows are in %s.csv\n\n", more, name)
}

// writeResultTable prints a table of results with a heading.
func writeResultTable(w io.Writer, t analysis.Table) {
	fmt.Fprintf(w, "%s\n", t.Method)
	columns := tabwriter.NewWriter(w, 0, 0, 2, ' ', 0)
	row := func(cells []any) {
		for _, c := range cells {
			if x, ok := c.(float64); ok {
				if c = strconv.FormatFloat(x, 'f', 3, 64); math.IsNaN(x) {
					c = "–"
				}
			}
			fmt.Fprintf(columns, "  %v\t", c)
		}
		fmt.Fprintln(columns)
	}
	var heads []any
	for _, name := range t.Columns {
		heads = append(heads, name)
	}
	row(heads)
	for _, r := range t.Rows {
		row(r)
	}
	columns.Flush()
	fmt.Fprintln(w)
}
