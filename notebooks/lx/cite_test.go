package lx_test

import (
	"strings"
	"testing"

	"github.com/seed-516990b0/golxmert/analysis"
	"github.com/seed-516990b0/golxmert/notebooks/lx"
)

// TestWhatCanBeShownCanBeCited without a session: a list of scores, an explanation, and a result made of several.
func TestWhatCanBeShownCanBeCited(t *testing.T) {
	scores := analysis.Scores{Meta: analysis.Meta{Method: "attention flow"}}
	tested := lx.Tested{Table: analysis.Table{Meta: analysis.Meta{Method: "perturbation test of integrated gradients"}}}
	c := lx.Cite([]analysis.Scores{scores}, lx.Explanation{Scores: analysis.Scores{Meta: analysis.Meta{Method: "AttnLRP"}}}, tested)
	if got := strings.Join(c.Keys, " "); got != "golxmert tan2019lxmert abnar2020quantifying achtibat2024attnlrp sundararajan2017axiomatic chefer2021generic" {
		t.Errorf("%s", got)
	}
}
