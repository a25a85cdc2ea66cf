package sweep

import (
	"errors"
	"math"
	"math/rand/v2"
	"slices"
	"strings"
	"testing"
)

// drawnRun is a finished sweep of random results, by weights of the given hash, read from a folder.
func drawnRun(t *testing.T, hash string, seed uint64, change func(*Settings)) *Summary {
	t.Helper()
	s := someSettings
	s.Methods, s.Examples, s.Perturb, s.Gold = []string{"relevance", "attention"}, 30, true, true
	s.Model.Hash = hash
	if change != nil {
		change(&s)
	}
	dir := t.TempDir()
	p, err := openPart(dir, s, false, nil)
	if err != nil {
		t.Fatal(err)
	}
	random := rand.New(rand.NewPCG(seed, 1))
	if err := errors.Join(p.append(drawnLine(0, 30, random)), p.Close()); err != nil {
		t.Fatal(err)
	}
	out, err := Read(t.Context(), dir, nil)
	if err != nil {
		t.Fatal(err)
	}
	return out
}

func TestSeedsAreMeansOverModelsWithStudentsIntervals(t *testing.T) {
	var runs []*Summary
	for i, hash := range []string{"a", "b", "c", "d", "e"} {
		runs = append(runs, drawnRun(t, hash, uint64(i), nil))
	}
	overview, all, err := Seeds(runs)
	if err != nil {
		t.Fatal(err)
	}
	for _, c := range []struct {
		row     []any // of all: method, number, modality, measure, order
		table   string
		of      []any // first cells of the row in each run's own table
		at      int
		columns string // of the overview
	}{
		{[]any{"", "accuracy", "", "", ""}, "answers", nil, 0, ""},
		{[]any{"attention", "hit rate", "image", "", ""}, "hits", []any{"attention"}, 1, "hit rate"},
		{[]any{"random", "hit rate", "image", "", ""}, "hits", []any{"random"}, 1, "hit rate"},
		{[]any{"relevance", "gap", "image", "probability", "gap"}, "perturbation", []any{"relevance", "image", "probability", "gap"}, 4, "gap image"},
		{[]any{"relevance", "AUC", "image", "probability", "negative"}, "perturbation", []any{"relevance", "image", "probability", "negative"}, 4, "negative image"},
		{[]any{"random", "AUC", "image", "probability", "random"}, "perturbation", []any{"random", "image", "probability", "random"}, 4, "positive image"},
	} {
		var values []float64
		for _, run := range runs {
			for _, table := range run.Tables {
				for _, row := range table.Result.Rows {
					if table.Name == c.table && slices.Equal(row[:len(c.of)], c.of) {
						values = append(values, row[c.at].(float64))
						break // random rankings are listed beside one method only
					}
				}
			}
		}
		mean, squares := 0.0, 0.0
		for _, x := range values {
			mean += x / 5
		}
		for _, x := range values {
			squares += (x - mean) * (x - mean)
		}
		half := 2.7764451051977987 * math.Sqrt(squares/4/5) // of four degrees of freedom
		i := slices.IndexFunc(all.Rows, func(row []any) bool { return slices.Equal(row[:5], c.row) })
		if i < 0 || len(values) != 5 {
			t.Errorf("%v: not there, or of %d models", c.row, len(values))
			continue
		}
		row := all.Rows[i]
		if !near(row[5], mean) || !near(row[6], mean-half) || !near(row[7], mean+half) || row[8] != 5 {
			t.Errorf("%v, expected %g ± %g", row, mean, half)
		}
		if c.columns != "" {
			column := slices.Index(overview.Columns, c.columns)
			i := slices.IndexFunc(overview.Rows, func(row []any) bool { return row[0] == c.row[0] })
			if i < 0 || column < 0 || !near(overview.Rows[i][column], mean) || !near(overview.Rows[i][column+1], half) {
				t.Errorf("%v of the overview %v %v, expected %g ± %g", c.row, overview.Columns, overview.Rows, mean, half)
			}
		}
	}
	if last := overview.Rows[len(overview.Rows)-1]; last[0] != "random" || len(overview.Rows) != 3 || overview.Rows[0][1].(float64) < overview.Rows[1][1].(float64) {
		t.Errorf("the overview is not ordered by hit rate, with random last: %v", overview.Rows)
	}
}

func near(x any, want float64) bool { return math.Abs(x.(float64)-want) < 1e-9 }

func TestSweepsThatDoNotBelongTogetherAreNotAveraged(t *testing.T) {
	first := drawnRun(t, "a", 1, nil)
	for want, runs := range map[string][]*Summary{
		"need at least two":                      {first},
		"sweeps 1 and 2 are of the same weights": {first, drawnRun(t, "a", 2, nil)},
		"sweep 2 is another one than the first, which was made with data minival.json, now it is other.json": {first, drawnRun(t, "b", 1, func(s *Settings) { s.Data = "other.json" })},
		"of sweep 2 only 30 of 31 examples": {first, drawnRun(t, "b", 1, func(s *Settings) { s.Examples = 31 })},
	} {
		if _, _, err := Seeds(runs); err == nil || !strings.Contains(err.Error(), want) {
			t.Errorf("%v, expected an error with %q", err, want)
		}
	}
	if _, _, err := Seeds([]*Summary{first, drawnRun(t, "b", 1, func(s *Settings) { s.Show, s.Model.Backend = 3, "xla:cuda" })}); err != nil {
		t.Errorf("what changes no number: %v", err)
	}
}

func TestStudentsTIsThatOfTheTables(t *testing.T) {
	for freedom, want := range map[int]float64{1: 12.7062, 2: 4.3027, 3: 3.1824, 4: 2.7764, 9: 2.2622, 10: 2.2281, 30: 2.0423, 1000: 1.9623} {
		if got := studentWithin(0.95, freedom); math.Abs(got-want) > 1e-4 {
			t.Errorf("%d degrees of freedom: %g, expected %g", freedom, got, want)
		}
	}
	if mean, half := student([]float64{3}); mean != 3 || !math.IsNaN(half) {
		t.Errorf("a single value is %g ± %g", mean, half)
	}
}
