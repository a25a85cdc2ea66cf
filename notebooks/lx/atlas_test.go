package lx

import (
	"bytes"
	"math"
	"slices"
	"strings"
	"testing"

	"github.com/seed-516990b0/golxmert/analysis"
)

func TestTheAtlasEstimatesWhatPatchingDoes(t *testing.T) {
	m := tinyWorld(t)
	about := m.Questions("minival", 1)[0]
	clean := Ask(m, "what color is the star?", about.Images...)
	corrupted := Ask(m, "what shape is the star?", about.Images...)
	atlas := Atlas(clean, corrupted)
	cfg := m.Config()
	if heads := atlas.Results[0].(analysis.Matrix); len(atlas.Results) != 3 || len(heads.Rows.Labels) != cfg.Heads || len(heads.Cols.Labels) != len(cfg.Maps()) {
		t.Fatalf("the atlas has %d matrices, the first is %+v", len(atlas.Results), heads.Cols)
	}
	if words := atlas.Results[1].(analysis.Matrix); words.Cols.Labels[2] != "color/shape" || words.Cols.Labels[1] != "what" {
		t.Errorf("the words are %v", words.Cols.Labels)
	}
	s, err := shownOf(atlas)
	if err != nil || !bytes.HasPrefix(s.png, []byte("\x89PNG")) || !strings.Contains(s.html, "x.1.ti") {
		t.Errorf("shown: %v", err)
	}
	if noising := Atlas(clean, corrupted, "noising"); noising.Method != "attribution patching, noising" || !slices.Equal(noising.Results[1].(analysis.Matrix).Cols.Labels, atlas.Results[1].(analysis.Matrix).Cols.Labels) {
		t.Errorf("the other way it is called %s", noising.Method)
	}
	table := Largest(clean, corrupted, 5)
	if len(table.Rows) != 5 {
		t.Fatalf("the table is %v", table.Rows)
	}
	for _, row := range table.Rows {
		if math.IsNaN(row[2].(float64)) {
			t.Errorf("%v was not checked", row)
		}
	}
	other := clean.Ranked[2].Text + "-" + clean.Ranked[3].Text
	if contrast := Atlas(clean, corrupted, other); contrast.Target != "logit of "+other {
		t.Errorf("the atlas of %s is of %s", other, contrast.Target)
	}
	if text := failing(t, func() { Largest(clean, corrupted, 1, "blue", "red") }); !strings.Contains(text, "one target") {
		t.Errorf("two targets: %q", text)
	}
	if text := failing(t, func() { Atlas(clean, Ask(m, "is there a star?", about.Images...)) }); !strings.Contains(text, "as many pieces") {
		t.Errorf("questions of different lengths: %q", text)
	}
}

func TestPruningEndsWithoutHeads(t *testing.T) {
	m := tinyWorld(t)
	c := Prune(m, m.Questions("minival", 6))
	if c.N != 3 || len(c.Series) != 3 || c.Series[0].Y[0] != c.Series[1].Y[0] || !(c.Series[0].Y[0] > 0) {
		t.Errorf("%d questions, %+v", c.N, c.Series)
	}
	if text := failing(t, func() { Prune(m, m.Questions("minival", 1)) }); !strings.Contains(text, "needs two questions") {
		t.Errorf("one question: %q", text)
	}
}
