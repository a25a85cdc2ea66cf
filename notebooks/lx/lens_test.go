package lx

import (
	"bytes"
	"fmt"
	"math"
	"strings"
	"testing"

	"github.com/seed-516990b0/golxmert/analysis"
)

func TestTheLensEndsWithTheAnswer(t *testing.T) {
	m := tinyWorld(t)
	about := m.Questions("minival", 1)[0]
	q := Ask(m, about.Text, about.Images...)
	c := Lens(q)
	curve, ok1 := analysis.First[analysis.Curve](c)
	table, ok2 := analysis.First[analysis.Table](c)
	levels := m.Config().LangLayers + m.Config().CrossLayers + 1
	if !ok1 || !ok2 || len(curve.X) != levels || len(table.Rows) != levels {
		t.Fatalf("%d levels of %d, %d rows", len(curve.X), levels, len(table.Rows))
	}
	last := table.Rows[levels-1]
	if last[2] != q.Best().Text || last[4] != 1 {
		t.Errorf("the last level says %v, the model %s", last, q.Best().Text)
	}
	if s, err := shownOf(c); err != nil || len(s.png) == 0 {
		t.Errorf("shown: %v", err)
	}
}

func TestTheTunedLensStandsBesideThePlainOne(t *testing.T) {
	m := tinyWorld(t)
	questions := m.Questions("minival", 40)
	q := Ask(m, questions[0].Text, questions[0].Images...)
	plain, _ := analysis.First[analysis.Curve](Lens(q))
	c := TunedLens(q, questions)
	both, ok := analysis.First[analysis.Curve](c)
	if !ok || len(both.Series) != 2 || both.Target != "answer "+q.Best().Text || both.Target != plain.Target {
		t.Fatalf("%d lines, of %q", len(both.Series), both.Target)
	}
	for k, y := range both.Series[0].Y {
		if math.Abs(y-plain.Series[0].Y[k]) > 1e-5 {
			t.Errorf("level %d is %g through the plain lens, alone %g", k, y, plain.Series[0].Y[k])
		}
	}
	if notes := strings.Join(both.Notes, " "); !strings.Contains(notes, fmt.Sprintf("%d questions of minival", len(questions))) {
		t.Errorf("the lens says it was fitted so: %q", notes)
	}
	if s, err := shownOf(c); err != nil || !bytes.HasPrefix(s.png, []byte("\x89PNG")) || !strings.Contains(s.html, "tuned lens") {
		t.Errorf("shown: %v", err)
	}
	other := q.Ranked[1].Text
	if named := TunedLens(q, questions, "answer "+other); !strings.Contains(named.Target, other) {
		t.Errorf("the lens of %s is of %s", other, named.Target)
	}
	if named := Lens(q, "answer "+other); !strings.Contains(named.Target, other) {
		t.Errorf("the plain lens of %s is of %s", other, named.Target)
	}
	for text, call := range map[string]func(){
		"needs questions": func() { TunedLens(q, nil) },
		`"nonsense" is`:   func() { TunedLens(q, questions, "nonsense") },
		"one target":      func() { Lens(q, "blue", "red") },
	} {
		if said := failing(t, call); !strings.Contains(said, text) {
			t.Errorf("it says %q, expected %q", said, text)
		}
	}
}
