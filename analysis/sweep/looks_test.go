package sweep

import (
	"errors"
	"math"
	"strings"
	"testing"
)

// looksLine has measures of some examples.
func looksLine(first int, right, lost []float64) *line {
	l := &line{First: first, Looks: []looked{
		{Name: "accuracy", Unit: "share", Model: right, Blind: make(rounded, len(right))},
		{Name: "perceptual score", Unit: "share", Of: "accuracy", Model: lost, Blind: make(rounded, len(right))},
	}}
	for range right {
		l.Examples = append(l.Examples, Example{ID: "q", Images: []string{"p"}, Regions: []int{3}})
	}
	return l
}

// TestMeasuresOfBatchesAreThoseOfTheWhole: means over all examples, and a score that is normalised is so by the accuracy of
// all of them, not by that of each batch.
func TestMeasuresOfBatchesAreThoseOfTheWhole(t *testing.T) {
	s := someSettings
	s.Methods = []string{Looks}
	dir := t.TempDir()
	p, err := openPart(dir, s, false, nil)
	if err != nil {
		t.Fatal(err)
	}
	err = errors.Join(p.append(looksLine(0, []float64{1, 0}, []float64{0.5, 0})), p.append(looksLine(2, []float64{1, 1}, []float64{0.75, 0.25})),
		p.append(&line{First: 4, Examples: []Example{{ID: "q", Images: []string{"p"}, Regions: []int{3}}}}), p.Close())
	if err != nil {
		t.Fatal(err)
	}
	sum, err := Read(t.Context(), dir, nil)
	if err != nil {
		t.Fatal(err)
	}
	table := sum.Tables[0].Result
	if sum.Tables[0].Name != "looks" || table.Rows[0][2] != 0.75 || math.Abs(table.Rows[1][2].(float64)-1.5/3) > 1e-12 || table.Rows[1][8] != 4 {
		t.Errorf("%s: %v", sum.Tables[0].Name, table.Rows)
	}
	for _, m := range sum.numbers() {
		if m.measured == (measured{method: "model", what: "accuracy"}) && m.value != 0.75 {
			t.Errorf("accuracy %g", m.value)
		}
	}
	c := newCollector(s)
	broken := looksLine(0, []float64{1, 0}, []float64{1})
	if err := c.add(broken); err == nil || !strings.Contains(err.Error(), "want 2") {
		t.Errorf("a measure of one of two examples: %v", err)
	}
}

func TestSweepsOfOtherBatchesExchangeOtherPictures(t *testing.T) {
	change := func(methods []string, batch int) func(*Settings) {
		return func(s *Settings) { s.Methods, s.Batch = methods, batch }
	}
	scoring := []string{"relevance", "attention"}
	if _, _, err := Seeds([]*Summary{drawnRun(t, "a", 1, change(scoring, 2)), drawnRun(t, "b", 2, change(scoring, 3))}); err != nil {
		t.Errorf("batches of scoring methods: %v", err)
	}
	withLooks := append(scoring, Looks)
	if _, _, err := Seeds([]*Summary{drawnRun(t, "a", 1, change(withLooks, 2)), drawnRun(t, "b", 2, change(withLooks, 3))}); err == nil || !strings.Contains(err.Error(), "batch 2") {
		t.Errorf("other batches of looks: %v", err)
	}
}
