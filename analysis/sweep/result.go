package sweep

import (
	"fmt"

	"github.com/seed-516990b0/golxmert/analysis"
)

// Page is what the summary shows as one page: tables, curves, grids and the first examples. report.Save writes it.
func (s *Summary) Page() analysis.Collection {
	page := analysis.Collection{Title: fmt.Sprintf("%s: %d examples", s.Settings.Data, s.Examples)}
	page.Meta = (&collector{settings: s.Settings, n: s.Examples}).meta("sweep over a data set")
	drawn, _ := s.Named()
	for _, r := range drawn {
		page.Results = append(page.Results, r.Result)
	}
	page.Results = analysis.Collect(page.Results, s.Shown...)
	return page
}

// Named are the results with the names of their files: those that figures show, and those that are numbers only. Their
// order is that of the page. figure.SaveAll writes them.
func (s *Summary) Named() (drawn, numbers []analysis.Named) {
	drawn = named(drawn, s.Tables)
	drawn = named(drawn, s.Curves)
	drawn = named(drawn, s.Matrices)
	drawn = named(drawn, s.Scatters)
	return drawn, named(nil, s.Steps)
}

func named[R analysis.Result](to []analysis.Named, results []Named[R]) []analysis.Named {
	for _, r := range results {
		to = append(to, analysis.Named{Name: r.Name, Result: r.Result})
	}
	return to
}
