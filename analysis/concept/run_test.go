package concept_test

import (
	"fmt"
	"math"
	"strings"
	"testing"

	"github.com/seed-516990b0/golxmert/analysis"
	"github.com/seed-516990b0/golxmert/analysis/concept"
	"github.com/seed-516990b0/golxmert/analysis/probe"
	"github.com/seed-516990b0/golxmert/lxmert"
)

// labelled gives every region an object, each picture another name.
func labelled(b *lxmert.Batch) *lxmert.Batch {
	out := *b
	out.Images = nil
	for row := range b.Feats.Shape[0] {
		info := lxmert.ImageInfo{ID: fmt.Sprint(row), Source: "given"}
		for v := range b.V() {
			info.Objects = append(info.Objects, []string{"star", "ring", "moon"}[(row+2*v)%3])
			info.Attributes = append(info.Attributes, []string{"red", "blue"}[(row+v)%2])
		}
		out.Images = append(out.Images, info)
	}
	return &out
}

// halves are the first rows of a batch, to fit erasers to, and the others.
func halves(b *lxmert.Batch) (fitted, tried *lxmert.Batch) {
	var rows []int
	for n := range b.Rows() {
		rows = append(rows, n)
	}
	return b.Part(rows[:len(rows)/2]...), b.Part(rows[len(rows)/2:]...)
}

// TestAConceptIsErasedFromEveryLevel and what that does is that of the erasers one by one; from the last level of regions, which
// no answer is read from, it does nothing.
func TestAConceptIsErasedFromEveryLevel(t *testing.T) {
	onGo(t, func(t *testing.T, eng lxmert.Engine, b *lxmert.Batch, _ string) {
		fitted, tried := halves(labelled(b))
		target := analysis.Predicted()
		for label, each := range map[string]int{"": 2, "ring": 4} { // erasers of a level
			opt := concept.Options{Task: "object", Label: label, Target: target, Seed: 3}
			c, err := concept.Run(t.Context(), eng, probe.One(fitted, nil), probe.One(tried, nil), opt)
			if err != nil {
				t.Fatal(err)
			}
			table, ok := analysis.First[analysis.Table](c)
			levels := analysis.Levels(eng.Config(), analysis.RegionStream)
			if err := c.Check(); err != nil || !ok || len(c.Results) != 3 || len(table.Rows) != each*len(levels) || table.N != tried.Rows() {
				t.Fatalf("%v, %d results, %d rows of %d levels, %d examples", err, len(c.Results), len(table.Rows), len(levels), table.N)
			}
			for i, row := range table.Rows {
				size, changed := row[7].(float64), row[8].(float64)
				if last := row[0] == levels[len(levels)-1]; last && size+changed != 0 || !last && row[1] == concept.Whole && !(size > 1e-4) {
					t.Errorf("%v at %v changes the score by %g and %g of the answers", row[1], row[0], size, changed)
				}
				if slope := row[9].(float64); math.IsNaN(slope) != (i%each < 2) {
					t.Errorf("%v at %v has slopes above 0 in %g", row[1], row[0], slope)
				}
			}
			curve := c.Results[0].(analysis.Curve)
			if len(curve.Series) != each || curve.Series[0].Y[0] != table.Rows[0][7] {
				t.Errorf("%d lines, the first begins at %g, in the table at %v", len(curve.Series), curve.Series[0].Y[0], table.Rows[0][7])
			}
			states, err := probe.ReadLabelled(t.Context(), eng, probe.One(fitted, nil), second(probe.FindTasks("object"))[0], 5000, 20)
			if err == nil && label != "" {
				states, err = states.Against(label)
			}
			if err != nil {
				t.Fatal(err)
			}
			erasers := second(concept.Fit(states, states.Levels, 3))
			alone := second(concept.Effects(t.Context(), eng, tried, target, erasers[0].Level, erasers[0].Named))
			if got, want := table.Rows[0][4].(float64), alone.Rows[1][3].(float64); math.Abs(got-want) > 1e-5*(1+math.Abs(want)) {
				t.Errorf("erased at %s the score changes by %g, alone by %g", erasers[0].Level, got, want)
			}
		}
	})
}

func TestConceptsThatAreNotThereAreErrors(t *testing.T) {
	onGo(t, func(t *testing.T, eng lxmert.Engine, b *lxmert.Batch, _ string) {
		fitted, tried := halves(labelled(b))
		none := func(func(*lxmert.Batch, error) bool) {}
		for said, c := range map[string]struct {
			fitted, tried probe.Batches
			opt           concept.Options
		}{
			`no probing task "colour"`:    {probe.One(fitted, nil), probe.One(tried, nil), concept.Options{Task: "colour"}},
			`nothing has the label "sun"`: {probe.One(fitted, nil), probe.One(tried, nil), concept.Options{Task: "object", Label: "sun"}},
			"no two labels":               {probe.One(b.Part(0), nil), probe.One(tried, nil), concept.Options{Task: "object"}},
			"no questions left":           {probe.One(fitted, nil), none, concept.Options{Task: "object"}},
		} {
			if _, err := concept.Run(t.Context(), eng, c.fitted, c.tried, c.opt); err == nil || !strings.Contains(err.Error(), said) {
				t.Errorf("the error is %v, it should say %q", err, said)
			}
		}
	})
}
