package analysis_test

import (
	"errors"
	"fmt"
	"slices"
	"strings"
	"testing"

	"github.com/seed-516990b0/golxmert/analysis"
	"github.com/seed-516990b0/golxmert/lxmert"
)

func TestTargetsAreReadByTheirNames(t *testing.T) {
	head := lxmert.AnswerHead{Output: "out.qa", Answers: []string{"blue", "red", "2", "t-shirt", "a", "a-b", "b"}, Classes: 7}
	cfg := lxmert.Config{Hidden: 2, Heads: 1, FeatDim: 1, BoxDim: 4, Answers: 7, Match: true, LM: true, Vocab: 20, MaxPositions: 9, TokenTypes: 2}
	cfg.Special.Mask = 3
	b := &lxmert.Batch{
		IDs: [][]int32{{1, 11, 12, 13, 14, 2}}, Feats: lxmert.NewTensor(1, 1, 1), Boxes: lxmert.NewTensor(1, 1, 4),
		Words: []lxmert.Words{{
			Text: "Is it starry?", Pieces: []string{"[CLS]", "is", "it", "star", "##ry", "[SEP]"},
			Start: []int{-1, 0, 3, 6, 10, -1}, End: []int{-1, 2, 5, 10, 12, -1}, Word: []int{-1, 0, 1, 2, 2, -1},
		}},
	}
	sum := func(terms []lxmert.Term) string {
		var s []string
		for _, x := range terms {
			s = append(s, fmt.Sprint(x.Weight[0], " ", x.Output, " ", x.Class, " ", x.Position))
		}
		return strings.Join(s, ", ")
	}
	for name, want := range map[string]string{
		"blue": "1 out.qa [0] []", "1": "1 out.qa [1] []", "2": "1 out.qa [2] []", "3": "1 out.qa [3] []", "answer 2": "1 out.qa [2] []",
		"blue-red": "1 out.qa [0] [], -1 out.qa [1] []", " blue - red ": "1 out.qa [0] [], -1 out.qa [1] []", "t-shirt": "1 out.qa [3] []",
		"t-shirt-red": "1 out.qa [3] [], -1 out.qa [1] []", "0-1": "1 out.qa [0] [], -1 out.qa [1] []", "match": "1 out.match [1] []", "foil": "1 out.match [0] []",
		"match-foil": "1 out.match [1] [], -1 out.match [0] []", "masked it": "1 out.mlm [12] [2]", "masked word 1": "1 out.mlm [11] [1]",
		"masked starry": "1 out.mlm [13] [3], 1 out.mlm [14] [4]",
	} {
		target, err := analysis.ReadTarget(name, head, b)
		if err != nil {
			t.Errorf("%s: %v", name, err)
			continue
		}
		bound, err := target.Prepare(cfg, b)
		if err != nil {
			t.Errorf("%s: %v", name, err)
			continue
		}
		if got := sum(bound.Terms); got != want || bound.Names[0] != "logit of "+strings.TrimSpace(name) {
			t.Errorf("%s: %s, called %q; expected %s", name, got, bound.Names, want)
		}
		if hidden := slices.Contains(bound.Batch.IDs[0], 3); hidden != strings.HasPrefix(name, "masked") {
			t.Errorf("%s: the model gets %v", name, bound.Batch.IDs)
		}
	}
	if target, err := analysis.ReadTarget("predicted", head, b); err != nil || target.String() != analysis.Predicted().String() {
		t.Errorf("predicted: %v, %v", target, err)
	}
	for name, says := range map[string]string{
		"cat": "the answers are blue, red", "blue-cat": "such as \"blue-red\"", "masked cat": "no such word", "masked word 0": "[1 2 3 4]",
		"masked word x": "position from 0", "": "neither",
	} {
		if _, err := analysis.ReadTarget(name, head, b); !errors.Is(err, analysis.ErrTarget) || !strings.Contains(err.Error(), says) {
			t.Errorf("%q: %v, must say %q", name, err, says)
		}
	}
	if _, err := analysis.ReadTarget("masked it", head, nil); !errors.Is(err, analysis.ErrTarget) || !strings.Contains(err.Error(), "masked word 3") {
		t.Errorf("a word of many questions: %v", err)
	}
	double := lxmert.AnswerHead{Answers: []string{"a", "a-b", "b-c", "c"}}
	if _, err := analysis.ReadTarget("a-b-c", double, nil); !errors.Is(err, analysis.ErrTarget) || !strings.Contains(err.Error(), "in 2 ways") {
		t.Errorf("two readings: %v", err)
	}
}
