package relevance_test

import (
	"slices"
	"strings"
	"testing"

	"github.com/seed-516990b0/golxmert/analysis"
	"github.com/seed-516990b0/golxmert/analysis/relevance"
	"github.com/seed-516990b0/golxmert/lxmert"
)

// TestAnAnswerIsExplainedByWhatTheMethodsSayOfIt, for each picture that it is about.
func TestAnAnswerIsExplainedByWhatTheMethodsSayOfIt(t *testing.T) {
	onGo(t, func(t *testing.T, eng *engine, b *lxmert.Batch, folder string) {
		for images, eng := range map[int]*engine{1: eng, 2: withTask(t, folder, 2, eng.Config().Special.Mask)} {
			b := withWords(b, images)
			head, err := eng.Config().AnswerHead()
			if err != nil {
				t.Fatal(err)
			}
			answers, err := head.Ask(t.Context(), eng, []lxmert.Question{{Text: "?"}}, b)
			if err != nil {
				t.Fatal(err)
			}
			a := answers[0]
			got, err := relevance.Explain(t.Context(), eng, a, "attention", "relevance")
			if err != nil {
				t.Fatal(err)
			}
			if err := relevance.AddMaps(t.Context(), eng, a, got); err != nil {
				t.Fatal(err)
			}
			plain, err := relevance.Explain(t.Context(), eng, a)
			if err != nil {
				t.Fatal(err)
			}
			want, err := relevance.BiModal(t.Context(), eng, a.Batch, analysis.Predicted(), relevance.Options{})
			if err != nil {
				t.Fatal(err)
			}
			if len(got) != images || len(plain) != images {
				t.Fatalf("%d explanations of an answer about %d pictures", len(got), images)
			}
			for row, x := range got {
				if len(x.Methods) != 1 || !slices.Equal(x.Methods[0].Words, want[row].Words) || !slices.Equal(plain[row].Scores.Regions, want[row].Regions) {
					t.Errorf("picture %d is explained otherwise than by the methods", row)
				}
				for _, s := range []analysis.Scores{x.Methods[0], plain[row].Scores} {
					if s.Answer != a.Best().Text || s.Params["probability of answers"] != head.Kind || !strings.Contains(s.Target, a.Best().Text) {
						t.Errorf("explained is %q, %q, %v", s.Answer, s.Target, s.Params)
					}
				}
				if len(x.Answers) != min(5, head.Classes) || x.Answers[0].Probability != a.Best().Probability || len(x.Maps) != len(eng.Config().Maps()) {
					t.Errorf("%d answers and %d maps are shown", len(x.Answers), len(x.Maps))
				}
				if m := x.Maps["x.0.ti"]; !slices.Equal(m.Shape, []int{eng.Config().Heads, a.Batch.T(), a.Batch.V()}) {
					t.Errorf("a map has shape %v", m.Shape)
				}
			}
			if _, err := relevance.Explain(t.Context(), eng, a, "tea-leaves"); err == nil || !strings.Contains(err.Error(), "there are relevance") {
				t.Errorf("a method that is not there: %v", err)
			}
		}
	})
}
