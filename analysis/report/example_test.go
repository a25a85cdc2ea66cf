package report_test

import (
	"fmt"
	"os"
	"path/filepath"

	"github.com/seed-516990b0/golxmert/analysis"
	"github.com/seed-516990b0/golxmert/analysis/report"
)

// A page about one example: what two methods say about it, and all attention maps to look at.
func ExampleSave() {
	dir, err := os.MkdirTemp("", "report")
	if err != nil {
		fmt.Println(err)
		return
	}
	defer os.RemoveAll(dir)
	x := sample(dir)
	page := analysis.Explanation{
		Scores:  x.Scores,  // of relevance.BiModal, for example
		Methods: x.Methods, // of other methods, to compare with
		Maps:    livelyMaps(x.Scores.Boxes),
		Answers: []analysis.Candidate{{Text: "red", Probability: 0.93}, {Text: "blue", Probability: 0.04}},
	}
	path := filepath.Join(dir, "why.html")
	if err := report.Save(path, page, report.Options{TopK: 3}); err != nil {
		fmt.Println(err)
		return
	}
	info, err := os.Stat(path)
	if err != nil {
		fmt.Println(err)
		return
	}
	fmt.Println("within half a megabyte:", info.Size() < 500_000)
	// Output: within half a megabyte: true
}

// A page about a pass over a data set: tables, curves and matrices, and examples to look at, with an index.
func ExampleSave_collection() {
	dir, err := os.MkdirTemp("", "report")
	if err != nil {
		fmt.Println(err)
		return
	}
	defer os.RemoveAll(dir)
	r := sampleRun(dir)
	run := analysis.Collection{Title: "Toy world, 500 questions", Meta: r.Meta}
	run.Results = analysis.Collect(run.Results, r.Tables...)
	run.Results = append(run.Results, r.Curves[0], r.Matrices[0]) // in the order of the page
	run.Results = analysis.Collect(run.Results, r.Examples...)
	fmt.Println(report.Save(filepath.Join(dir, "run.html"), run, report.Options{}))
	// Output: <nil>
}
