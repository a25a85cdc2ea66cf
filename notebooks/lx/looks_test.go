package lx

import (
	"bytes"
	"math"
	"strings"
	"testing"
)

func TestHowMuchAModelLooksIsShown(t *testing.T) {
	m := tinyWorld(t)
	questions := m.Questions("minival", 6)
	table := Looks(m, questions)
	rows := map[string][]any{}
	for _, row := range table.Rows {
		rows[row[0].(string)] = row
	}
	for _, name := range []string{"accuracy", "EMAP gap", "perceptual score, picture", "V-SHAP"} {
		if rows[name] == nil {
			t.Fatalf("the table lacks %s: %v", name, table.Rows)
		}
	}
	for _, name := range []string{"EMAP gap", "V-SHAP"} {
		if x := rows[name][5].(float64); x != 0 && !math.IsNaN(x) {
			t.Errorf("%s with closed eyes is %g", name, x)
		}
	}
	points := EMAP(m, questions)
	if n := len(points.Groups[0].X) + len(points.Groups[1].X); n != len(questions) {
		t.Errorf("%d points of %d questions", n, len(questions))
	}
	q := Ask(m, questions[0].Text, questions[0].Images...)
	s := Shapley(q)
	sum := 0.0
	for _, x := range append(s.Scores[0].Inner(), s.Scores[0].Unmasked()...) {
		sum += x
	}
	if off := math.Abs(sum - (s.Whole - s.Nothing)); off > 1e-9*(1+math.Abs(s.Whole)) || s.Scores[0].Answer != q.Best().Text {
		t.Errorf("values sum to %g of %g to %g, for %q", sum, s.Nothing, s.Whole, s.Scores[0].Answer)
	}
	other := q.Ranked[1].Text + "-" + q.Ranked[2].Text
	if named, pairs := Shapley(q, other), Synergy(q, other); named.Scores[0].Target != "logit of "+other || pairs.Target != named.Scores[0].Target || named.Whole == s.Whole {
		t.Errorf("values of %s are of %q, of pairs %q", other, named.Scores[0].Target, pairs.Target)
	}
	weighted, plain := ValueWeighted(q, "x.1.ti"), q.Map("x.1.ti")
	if len(weighted.Panels) != len(plain.Panels)+1 || weighted.Panels[0].Values[0][0] == plain.Panels[0].Values[0][0] {
		t.Errorf("value-weighted there are %d panels of %d heads", len(weighted.Panels), len(plain.Panels))
	}
	for what, x := range map[string]any{"a table": table, "points": points, "shares": s, "synergy": Synergy(q), "norms": Norms(m, questions), "value-weighted": ValueWeighted(q, "x.1.ti"), "alignment": Align(m, questions),
		"two models": Compare(m, m, questions, "one", "two")} {
		if shown, err := shownOf(x); err != nil || !bytes.HasPrefix(shown.png, []byte("\x89PNG")) || shown.html == "" {
			t.Errorf("%s: %v", what, err)
		}
	}
	for what, call := range map[string]func(){"Looks": func() { Looks(m, questions[:1]) }, "EMAP": func() { EMAP(m, nil) }} {
		if said := failing(t, call); !strings.Contains(said, what) || !strings.Contains(said, "several") {
			t.Errorf("%s of one question: %s", what, said)
		}
	}
}
