package lx

import (
	"bytes"
	"strings"
	"testing"

	"github.com/seed-516990b0/golxmert/analysis"
	"github.com/seed-516990b0/golxmert/analysis/concept"
)

func TestWhatErasingAConceptDoesIsShown(t *testing.T) {
	m := tinyWorld(t)
	questions := m.Questions("minival", 0)
	all := Erase(m, questions, "attribute")
	curve, ok := analysis.First[analysis.Curve](all)
	cfg := m.Config()
	if !ok || len(curve.Series) != 2 || len(curve.X) != cfg.RegionLayers+cfg.CrossLayers+1 || curve.Series[0].Name != concept.Whole || curve.N != len(questions)-len(questions)/2 {
		t.Fatalf("%d lines of %d levels, %d examples of %d questions", len(curve.Series), len(curve.X), curve.N, len(questions))
	}
	if s, err := shownOf(all); err != nil || !bytes.HasPrefix(s.png, []byte("\x89PNG")) || !strings.Contains(s.html, concept.Shuffled) {
		t.Errorf("shown: %v", err)
	}
	one, _ := analysis.First[analysis.Curve](Erase(m, questions, "attribute=blue", "red"))
	if len(one.Series) != 4 || one.Target != "logit of red" {
		t.Errorf("of red alone there are %d lines, of %q", len(one.Series), one.Target)
	}
	for text, call := range map[string]func(){
		`no probing task "colour"`:      func() { Erase(m, questions, "colour") },
		`nothing has the label "beige"`: func() { Erase(m, questions, "attribute=beige") },
		"one concept":                   func() { Erase(m, questions[:1], "attribute") },
		"one target":                    func() { Erase(m, questions, "attribute", "blue", "red") },
		"pre-training heads":            func() { Ablation(m, questions) },
	} {
		if said := failing(t, call); !strings.Contains(said, text) {
			t.Errorf("it says %q, expected %q", said, text)
		}
	}
}

func TestCrossModalAblationIsShown(t *testing.T) {
	tinyWorld(t)
	m := Open("toy-pretrained")
	table := Ablation(m, m.Questions("minival", 0))
	sides := map[string]bool{}
	for _, row := range table.Rows {
		side, _, _ := strings.Cut(row[0].(string), ":")
		sides[side] = true
	}
	if !sides["word hidden"] || !sides["region hidden"] || table.N == 0 || table.Model.Hash == "" {
		t.Errorf("the table of %d examples is about %v", table.N, sides)
	}
	if s, err := shownOf(table); err != nil || !bytes.HasPrefix(s.png, []byte("\x89PNG")) {
		t.Errorf("shown: %v", err)
	}
}
