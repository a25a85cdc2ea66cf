package dataset

import (
	"errors"
	"io/fs"
	"path/filepath"
	"slices"
	"strings"
	"testing"
)

func answersOf(t testing.TB, list, numbers string) (*Answers, error) {
	root := t.TempDir()
	writeFile(t, filepath.Join(root, "vqa", "trainval_label2ans.json"), list)
	writeFile(t, filepath.Join(root, "vqa", "trainval_ans2label.json"), numbers)
	return LoadAnswers(root, VQA)
}

func TestAnswerTable(t *testing.T) {
	a, err := answersOf(t, `["", "net", "A net"]`, `{"net": 1, "A net": 2, "": 0}`)
	if err != nil {
		t.Fatal(err)
	}
	if a.Len() != 3 || a.Answer(2) != "A net" {
		t.Error(a.list)
	}
	for answer, want := range map[string]int{"": 0, "net": 1, "A net": 2} {
		if i, ok := a.Label(answer); i != want || !ok {
			t.Errorf("%q: %d, %v, want %d", answer, i, ok, want)
		}
	}
	if _, ok := a.Label("Net"); ok {
		t.Error("Net is an answer")
	}
}

func TestAnswersOutsideTheTable(t *testing.T) {
	a, err := answersOf(t, `["", "net"]`, `{"net": 1, "": 0}`)
	if err != nil {
		t.Fatal(err)
	}
	e := &Example{ID: "17", Labels: []Label{{"fish", 1}, {"net", 0.3}}}
	target := []float32{7, 7}
	if err := a.Target(target, e, false); err != nil || !slices.Equal(target, []float32{0, 0.3}) {
		t.Error(target, err)
	}
	if err := a.Target(target, e, true); err == nil || !strings.Contains(err.Error(), `question 17: its answer "fish" is not one of the 2`) {
		t.Error(err)
	}
	if n, first := a.Outside([]Example{{}, {Labels: e.Labels[1:]}, {Labels: []Label{{"net", 1}, {"fish", 1}, {"eel", 1}}}, *e}); n != 2 || first != "fish" {
		t.Error(n, first)
	}
	if err := a.Target(target[:1], e, false); err == nil || !strings.Contains(err.Error(), "a target of 1 for 2 answers") {
		t.Error(err)
	}
}

func TestTablesThatDisagreeAreRefused(t *testing.T) {
	for _, c := range []struct{ list, numbers, want string }{
		{`["", "net"]`, `{"": 0, "net": 0}`, `"net" has the number 0`},
		{`["", "net"]`, `{"": 0}`, `answer "net", number 1 of `},
		{`["", "net"]`, `{"": 0, "net": 1, "x": 2}`, `"x" has the number 2`},
		{`["", "net"]`, `{"": 0, "net": 1.5}`, `"net" has the number 1.5`},
		{`["", "net"]`, `{"": -1, "net": 1}`, `"" has the number -1`},
		{`["net", "net"]`, `{"net": 1}`, `answer "net", number 0 of `},
		{`["", "net"`, `{}`, "cut short"},
		{`["", 1]`, `{}`, "trainval_label2ans.json:1: answer 2: the answer is a number"},
		{`["", "net"]`, `["", "net"]`, "trainval_ans2label.json:1: the file is a list, must be an object"},
		{`["", "net"]`, `{"": 0, "net": "1"}`, `the number of "net" is a string`},
		{`[]`, `{}`, "there are no answers"},
	} {
		if _, err := answersOf(t, c.list, c.numbers); !errors.Is(err, ErrFormat) || !strings.Contains(err.Error(), c.want) {
			t.Errorf("%s %s: %v, want %s", c.list, c.numbers, err, c.want)
		}
	}
	if _, err := LoadAnswers(t.TempDir(), GQA); !errors.Is(err, fs.ErrNotExist) || !strings.Contains(err.Error(), "`lxmert fetch gqa`") {
		t.Error(err)
	}
	if _, err := LoadAnswers(t.TempDir(), NLVR2); err == nil || !strings.Contains(err.Error(), "nlvr2 has no answer table") {
		t.Error(err)
	}
}
