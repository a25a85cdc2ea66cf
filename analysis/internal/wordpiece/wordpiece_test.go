package wordpiece_test

import (
	"fmt"
	"testing"

	"github.com/seed-516990b0/golxmert/analysis"
	"github.com/seed-516990b0/golxmert/analysis/internal/wordpiece"
	"github.com/seed-516990b0/golxmert/lxmert"
)

func giraffes(method string) analysis.Scores {
	return analysis.Scores{
		Meta:  analysis.Meta{Method: method},
		Words: []float64{9, 0.5, 0.25, 0.75, 9, 0},
		Text: lxmert.Words{
			Text:   "See Giraffes",
			Pieces: []string{"[CLS]", "see", "gir", "##affes", "[SEP]", "[PAD]"},
			Start:  []int{-1, 0, 4, 7, -1, -1},
			End:    []int{-1, 3, 7, 12, -1, -1},
			Word:   []int{-1, 0, 1, 1, -1, -1},
		},
	}
}

func show(words []wordpiece.Word) string {
	text := ""
	for _, w := range words {
		text += fmt.Sprint(w.Label, " ", w.Value, " ", w.Special, w.Positions, "; ")
	}
	return text
}

func TestPiecesOfAWordAreAddedForRelevanceAndAveragedForAttention(t *testing.T) {
	for _, c := range []struct {
		method string
		merge  wordpiece.Merge
		want   string
	}{
		{"bi-modal relevance", wordpiece.Auto, "[CLS] 9 true [0]; See 0.5 false [1]; Giraffes 1 false [2 3]; [SEP] 9 true [4]; "},
		{"raw attention", wordpiece.Auto, "[CLS] 9 true [0]; See 0.5 false [1]; Giraffes 0.5 false [2 3]; [SEP] 9 true [4]; "},
		{"raw attention", wordpiece.Sum, "[CLS] 9 true [0]; See 0.5 false [1]; Giraffes 1 false [2 3]; [SEP] 9 true [4]; "},
		{"", wordpiece.None, "[CLS] 9 true [0]; see 0.5 false [1]; gir 0.25 false [2]; ##affes 0.75 false [3]; [SEP] 9 true [4]; "},
	} {
		if got := show(wordpiece.Words(giraffes(c.method), c.merge)); got != c.want {
			t.Errorf("%s, %d:\n%s, want\n%s", c.method, c.merge, got, c.want)
		}
	}
}

func TestSpecialPiecesDoNotSetTheRange(t *testing.T) {
	if low, high := wordpiece.Range(wordpiece.Words(giraffes(""), wordpiece.Sum)); low != 0 || high != 1 {
		t.Errorf("range %g to %g, want 0 to 1", low, high)
	}
}

func TestSentencesThatDoNotFitAreStillLabelled(t *testing.T) {
	s := giraffes("")
	s.Text.Start, s.Text.End = nil, []int{99, 99, 99, 99}
	if got := wordpiece.Words(s, wordpiece.Sum)[2].Label; got != "giraffes" {
		t.Errorf("word is %q, want what its pieces make", got)
	}
	s.Text = lxmert.Words{}
	if got := wordpiece.Words(s, wordpiece.Sum)[3].Label; got != "#3" {
		t.Errorf("word is %q, want its number", got)
	}
}
