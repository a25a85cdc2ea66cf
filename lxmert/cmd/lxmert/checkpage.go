package main

import (
	"fmt"
	"math"
	"strings"

	"github.com/seed-516990b0/golxmert/analysis"
	"github.com/seed-516990b0/golxmert/lxmert"
	"github.com/seed-516990b0/golxmert/lxmert/check"
	"github.com/seed-516990b0/golxmert/lxmert/lxrt"
)

// checkPage is a comparison of engines as a page: what became of each engine, how differences grow from level to level, and all
// of them by name.
func checkPage(r *check.Report) analysis.Collection {
	meta := analysis.Meta{
		Model: lxmert.Provenance{Weights: r.Weights, Version: lxrt.Version()}, N: r.Rows,
		Notes: []string{"Inputs: " + r.Inputs + ".", "Compared with: " + r.Reference + ".", "Allowed: " + r.Bound + "."},
	}
	page := analysis.Collection{Title: "The same weights in several engines", Meta: meta}
	page.Results = append(page.Results, checkEngines(r, meta))
	for _, stream := range []struct{ prefix, name string }{{"hid.t.", "words"}, {"hid.i.", "regions"}} {
		if c := checkLevels(r, meta, stream.prefix, stream.name); len(c.X) > 1 {
			page.Results = append(page.Results, c)
		}
	}
	page.Results = append(page.Results, checkActivations(r, meta))
	return page
}

func checkEngines(r *check.Report, meta analysis.Meta) analysis.Table {
	meta.Method = "Engines"
	t := analysis.Table{Meta: meta, Columns: []string{"engine", "verdict", "largest difference, as a share of what is allowed", "at", "seconds", "what it is"}}
	for _, e := range r.Engines {
		about := e.About
		if e.Skipped != "" {
			about = e.Skipped
		}
		t.Rows = append(t.Rows, []any{e.Name, e.Verdict, float64(e.Share), e.Worst, e.Seconds, about})
	}
	return t
}

// checkLevels is how differences of one stream grow from level to level.
func checkLevels(r *check.Report, meta analysis.Meta, prefix, stream string) analysis.Curve {
	meta.Method = "Differences at the levels of " + stream
	c := analysis.Curve{Meta: meta, XName: "level", YName: "difference / allowed", Levels: map[string]float64{"allowed": 1}}
	for _, e := range r.Compared() {
		s := analysis.CurveSeries{Name: e.Name}
		c.X = nil
		for _, a := range r.Activations {
			level, ok := strings.CutPrefix(a.Name, prefix)
			d := a.Of(e.Name)
			if !ok || d.Engine == "" {
				continue
			}
			var k float64
			fmt.Sscan(level, &k)
			c.X, s.Y = append(c.X, k), append(s.Y, float64(d.Largest/a.Allowed))
		}
		c.Series = append(c.Series, s)
	}
	return c
}

func checkActivations(r *check.Report, meta analysis.Meta) analysis.Table {
	meta.Method = "Every activation: largest difference, and as a share of its largest entry"
	t := analysis.Table{Meta: meta, Columns: []string{"activation", "what it is", "verdict", "allowed"}}
	compared := r.Compared()
	for _, e := range compared {
		t.Columns = append(t.Columns, e.Name, "relative")
	}
	for _, a := range r.Activations {
		if len(a.Apart) == 0 {
			continue
		}
		var verdicts []string
		var numbers []any
		for _, e := range compared {
			d := a.Of(e.Name)
			switch {
			case d.Engine == "":
				d.Largest, d.Relative = check.Number(math.NaN()), check.Number(math.NaN())
				verdicts = append(verdicts, e.Name+" has none")
			case d.Why != "":
				verdicts = append(verdicts, e.Name+": "+d.Why)
			case !d.Agrees:
				verdicts = append(verdicts, e.Name+" is apart")
			}
			numbers = append(numbers, float64(d.Largest), float64(d.Relative))
		}
		verdict := strings.Join(verdicts, "; ")
		if verdict == "" {
			verdict = "agree"
		}
		t.Rows = append(t.Rows, append([]any{a.Name, a.What, verdict, float64(a.Allowed)}, numbers...))
	}
	return t
}
