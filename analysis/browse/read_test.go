package browse_test

import (
	"context"
	"errors"
	"fmt"
	"math"
	"os"
	"path/filepath"
	"strings"
	"testing"

	"github.com/seed-516990b0/golxmert/analysis/browse"
	"github.com/seed-516990b0/golxmert/analysis/suite"
)

// file writes a file into a folder.
func file(t *testing.T, dir, name, text string) string {
	t.Helper()
	path := filepath.Join(dir, name)
	if err := os.WriteFile(path, []byte(text), 0o600); err != nil {
		t.Fatal(err)
	}
	return path
}

// said is what a column has of each example; a missing number is NaN.
func said(l *browse.Listing, name string) string {
	for _, c := range l.Columns {
		if c.Name != name {
			continue
		}
		if c.Numbers != nil {
			return fmt.Sprint(c.Numbers)
		}
		return strings.Join(c.Texts, ",")
	}
	return "no such column"
}

func expect(t *testing.T, what string, got, want any) {
	t.Helper()
	if fmt.Sprint(got) != fmt.Sprint(want) {
		t.Errorf("%s: %v, want %v", what, got, want)
	}
}

const vqaQuestions = `[
{"question_id": 7, "img_id": "a", "sent": "what colour is it?", "label": {"red": 0.3, "blue": 1}, "question_type": "what", "answer_type": "other"},
{"question_id": 8, "img_id": "b", "sent": "is it there?", "label": {}, "question_type": "is", "answer_type": "yes/no"},
{"question_id": 9, "img_id": "a", "sent": "how many?", "label": {"2": 0.9}, "question_type": "how many", "answer_type": "number"}]`

func TestPredictionsStandBesideTheirLabels(t *testing.T) {
	dir := t.TempDir()
	questions := []string{file(t, dir, "questions.json", vqaQuestions)}
	path := file(t, dir, "predict.json", ` [ {"answer": "red", "question_id": 7}, {"answer": "no", "question_id": 8}, {"answer": "2", "question_id": 9} ]`)
	l, err := browse.Read(context.Background(), browse.Source{Path: path, Questions: questions})
	if err != nil {
		t.Fatal(err)
	}
	expect(t, "answers", said(l, "answer"), "red,no,2")
	expect(t, "labels", said(l, "label"), "blue,,2")
	expect(t, "right", said(l, "right"), "[0.3 0 0.9]")
	expect(t, "types", said(l, "answer type"), "other,yes/no,number")
	expect(t, "accuracy", l.Params["accuracy"], "40.00 %")
	expect(t, "pictures", l.Examples[1].Images, "[b]")

	gqa := file(t, dir, "gqa.json", `[{"prediction": "red", "questionId": "7"}]`)
	if l, err = browse.Read(context.Background(), browse.Source{Path: gqa, Questions: questions}); err != nil {
		t.Fatal(err)
	}
	expect(t, "GQA's form", said(l, "answer"), "red")

	if l, err = browse.Read(context.Background(), browse.Source{Path: path, Questions: questions, Limit: 2}); err != nil {
		t.Fatal(err)
	}
	expect(t, "limited", fmt.Sprint(len(l.Examples), l.Total), "2 3")
}

func TestPredictionsOfStatementsAreLines(t *testing.T) {
	dir := t.TempDir()
	questions := []string{file(t, dir, "dev.json", `[
{"identifier": "dev-1-0-0", "uid": "u1", "img0": "l", "img1": "r", "sent": "two dogs", "label": 1},
{"identifier": "dev-1-0-1", "uid": "u2", "img0": "l", "img1": "r", "sent": "a cat", "label": 0}]`)}
	path := file(t, dir, "predict.csv", "dev-1-0-0,True\ndev-1-0-1,True\n")
	l, err := browse.Read(context.Background(), browse.Source{Path: path, Questions: questions})
	if err != nil {
		t.Fatal(err)
	}
	expect(t, "labels", said(l, "label"), "True,False")
	expect(t, "right", said(l, "right"), "[1 0]")
	expect(t, "pictures", l.Examples[0].Images, "[l r]")
}

func TestWhatCannotBeReadIsNamed(t *testing.T) {
	dir := t.TempDir()
	questions := []string{file(t, dir, "questions.json", vqaQuestions)}
	for name, c := range map[string]struct {
		path      string
		questions []string
		kind      error
		want      string
	}{
		"no questions":     {file(t, dir, "p1.json", `[{"answer": "red", "question_id": 7}]`), nil, browse.ErrQuestions, "p1.json"},
		"other questions":  {file(t, dir, "p2.json", `[{"answer": "red", "question_id": 7}, {"answer": "red", "question_id": 70}]`), questions, browse.ErrPrediction, "of 2 predictions 1 are about questions, such as 70, that are not in "},
		"nothing":          {file(t, dir, "p3.json", `[]`), questions, browse.ErrPrediction, "it has none"},
		"empty":            {file(t, dir, "p4.json", " \n"), questions, browse.ErrPrediction, "it is empty"},
		"cut":              {file(t, dir, "p5.json", `[{"answer": "red", "question_id": 7},`), questions, browse.ErrPrediction, "entry 2"},
		"other members":    {file(t, dir, "p6.json", `[{"a": 1}]`), questions, browse.ErrPrediction, "question_id with answer (VQA) nor questionId with prediction (GQA)"},
		"other lines":      {file(t, dir, "p7.csv", "a,maybe\n"), questions, browse.ErrPrediction, "line 1"},
		"not there":        {filepath.Join(dir, "none"), nil, os.ErrNotExist, "none"},
		"an empty folder":  {t.TempDir(), nil, nil, "neither the examples*.jsonl of an analysis nor the items.jsonl of a suite"},
		"part of analysis": {file(t, dir, "examples.jsonl", ""), nil, nil, "of an analysis name the folder"},
		"broken items":     {file(t, dir, "items.jsonl", `{"images": ["a"], "sentences": ["b"], "Pairs": []}`), nil, suite.ErrItem, "items.jsonl:1"},
	} {
		_, err := browse.Read(context.Background(), browse.Source{Path: c.path, Questions: c.questions})
		if err == nil || !strings.Contains(err.Error(), c.want) || c.kind != nil && !errors.Is(err, c.kind) {
			t.Errorf("%s: %v, want %v: %q", name, err, c.kind, c.want)
		}
	}
}

// TestPairsByHand: match logits of two items. In the first the right sentence is ahead by 3 - 1; in the second, of two pictures,
// sentence 1 is ahead with its own picture by 2 - 1 = 1 and, of its picture, by 2 - 0; sentence 2 is behind by 0.5 - 1.
func TestPairsByHand(t *testing.T) {
	dir := t.TempDir()
	file(t, dir, "items.jsonl", `{"id": "x", "group": "colour", "images": ["a"], "sentences": ["a red star", "a blue star"], "right": [[1], [0]], "Pairs": [[[0, 3]], [[2, 1]]], "Word": [{"Rank": 0, "Bits": 0}, {"Rank": 0, "Bits": 0}]}
{"id": "y", "images": ["a", "b"], "sentences": ["one", "two"], "right": [[1, 0], [0, 1]], "Pairs": [[[0, 2], [0, 1]], [[0, 0], [0, 0.5]]], "Word": [{"Rank": 0, "Bits": 0}, {"Rank": 0, "Bits": 0}]}
{"id": "z", "images": ["a"], "sentences": ["a red star"], "mask": "red", "right": [[1]], "Pairs": null, "Word": [{"Rank": 2, "Bits": 1.5}, {"Rank": 9, "Bits": 4}]}
`)
	l, err := browse.Read(context.Background(), browse.Source{Path: dir})
	if err != nil {
		t.Fatal(err)
	}
	expect(t, "examples", fmt.Sprint(len(l.Examples), l.Total), "7 7")
	expect(t, "together", said(l, "belong together"), "yes,no,yes,no,no,yes,")
	expect(t, "told right", said(l, "told right"), "yes,yes,yes,no,yes,yes,")
	expect(t, "margins", said(l, "margin of the item"), "[2 2 -0.5 -0.5 -0.5 -0.5 NaN]")
	expect(t, "ranks", said(l, "rank"), "[NaN NaN NaN NaN NaN NaN 2]")
	expect(t, "bits without", said(l, "bits without picture"), "[NaN NaN NaN NaN NaN NaN 4]")
	expect(t, "hidden", said(l, "hidden"), ",,,,,,red")
	for _, c := range l.Columns {
		if c.Name == "match" && math.Abs(c.Numbers[0]-1/(1+math.Exp(-3))) > 1e-12 {
			t.Errorf("match: %g", c.Numbers[0])
		}
	}
	expect(t, "pictures of a pair", l.Examples[3].Images, "[b]")

	// Parts are one, and a line that was cut off is left out.
	text, err := os.ReadFile(filepath.Join(dir, "items.jsonl"))
	if err != nil {
		t.Fatal(err)
	}
	parts := t.TempDir()
	lines := strings.SplitAfter(string(text), "\n")
	file(t, parts, "items-00000-of-00002.jsonl", lines[0]+lines[2])
	if _, err := browse.Read(context.Background(), browse.Source{Path: parts}); err == nil || !strings.Contains(err.Error(), "lxmert merge") {
		t.Errorf("one part of two: %v", err)
	}
	file(t, parts, "items-00001-of-00002.jsonl", lines[1]+lines[0][:40])
	if l, err = browse.Read(context.Background(), browse.Source{Path: parts}); err != nil {
		t.Fatal(err)
	}
	expect(t, "margins of parts", said(l, "margin of the item"), "[2 2 NaN -0.5 -0.5 -0.5 -0.5]")
}
