package sweep

import (
	"math/rand/v2"
	"slices"
	"strings"
	"testing"

	"github.com/seed-516990b0/golxmert/analysis"
	"github.com/seed-516990b0/golxmert/analysis/relevance"
)

// directed are columns of which a larger number is not always better, and what a table says of each.
var directed = map[string]string{"AUC": "lower is better", "auc": "lower is better", "AURC": "lower is better", "ECE": "lower is better", "Brier": "lower is better"}

// saysDirections finds tables with such a column that do not say it, and counts those that do.
func saysDirections(t *testing.T, tables []Named[analysis.Table]) (said int) {
	t.Helper()
	for _, x := range tables {
		notes := strings.Join(x.Result.Notes, " ")
		for column, direction := range directed {
			if !slices.Contains(x.Result.Columns, column) {
				continue
			}
			if said++; !strings.Contains(notes, direction) || !strings.Contains(notes, "higher") || !strings.Contains(strings.ToLower(notes), strings.ToLower(column)) {
				t.Errorf("%s has %s and says %q", x.Name, column, notes)
			}
		}
	}
	return said
}

// TestTablesSayInWhichDirectionTheirMeasuresAreBetter: areas of perturbation tests, which are better high in one order and low in the other,
// areas under risk, and calibration errors.
func TestTablesSayInWhichDirectionTheirMeasuresAreBetter(t *testing.T) {
	settings := someSettings
	settings.Methods, settings.Examples, settings.Perturb = []string{"relevance", "attention"}, 20, true
	c := newCollector(settings)
	if err := c.add(drawnLine(0, 20, rand.New(rand.NewPCG(1, 2)))); err != nil {
		t.Fatal(err)
	}
	s, err := c.summary()
	if err != nil {
		t.Fatal(err)
	}
	if said := saysDirections(t, s.Tables); said != 1 {
		t.Errorf("%d columns of a perturbation test have a direction", said)
	}
	tally := c.trials["relevance"].Table()
	if said := saysDirections(t, []Named[analysis.Table]{{"tally", tally}}); said != 1 || !slices.Contains(tally.Notes, relevance.BetterArea) {
		t.Errorf("a perturbation test alone says %q", tally.Notes)
	}

	found := &means{kept: map[string][]float64{}}
	drawn := &Summary{}
	drawTrust(c, found, drawn, analysis.Meta{}, nil, "the model's", "calibration-")
	if said := saysDirections(t, drawn.Tables); said != 3 {
		t.Errorf("%d columns of calibration have a direction", said)
	}
}
