package dataset

import (
	"errors"
	"os"
	"path/filepath"
	"reflect"
	"strings"
	"testing"

	"github.com/seed-516990b0/golxmert/internal/goldentest"
)

// TestQuestionsAreReadWhateverTheirTask: the golden files of all tasks give what they give where the task is said.
func TestQuestionsAreReadWhateverTheirTask(t *testing.T) {
	for _, dir := range goldentest.Folders(t, "model") {
		for _, c := range []struct {
			task *Task
			file string
		}{{VQA, "vqa/minival.json"}, {GQA, "gqa/testdev.json"}, {NLVR2, "nlvr2/valid.json"}} {
			path := filepath.Join(dir, "toy", "data", filepath.FromSlash(c.file))
			f, err := os.Open(path)
			if err != nil {
				t.Fatal(err)
			}
			want, err := ReadExamples(t.Context(), c.task, f, path)
			f.Close()
			if err != nil {
				t.Fatal(err)
			}
			for _, n := range []int{0, 1, 3, len(want), len(want) + 1} {
				got, err := ReadQuestions(t.Context(), path, n)
				if err != nil {
					t.Fatal(err)
				}
				expected := want
				if n > 0 && n < len(want) {
					expected = want[:n]
				}
				if !reflect.DeepEqual(got, expected) {
					t.Errorf("%s, the first %d: %d examples that differ from the %d of %s", path, n, len(got), len(expected), c.task)
				}
			}
		}
	}
}

func TestQuestionsOfOnesOwnNeedNoIDs(t *testing.T) {
	path := filepath.Join(t.TempDir(), "q.json")
	write := func(text string) {
		if err := os.WriteFile(path, []byte(text), 0o666); err != nil {
			t.Fatal(err)
		}
	}
	for name, c := range map[string]struct {
		text, want string // "": it is read
	}{
		"bare":              {`[{"img_id": "a", "sent": "is it?"}]`, ""},
		"a test's":          {`[{"question_id": "7", "img_id": "a", "sent": "is it?", "label": null}]`, ""},
		"a statement":       {`[{"sent": "is it?", "img1": "b", "img0": "a"}]`, ""},
		"no list":           {`{"a": 1}`, "must be a list of questions"},
		"official":          {`{"info": {}, "questions": []}`, "VQA's official questions, not questions as LXMERT reads them: `lxmert questions "},
		"cut":               {`[{"sent": "is it`, "cut short"},
		"no picture":        {`[{"sent": "is it?", "question_id": 1}]`, "neither img_id nor NLVR2's img0 and img1"},
		"one of two":        {`[{"sent": "is it?", "img0": "a", "identifier": "x"}]`, "img1 is missing"},
		"no sentence":       {`[{"img_id": "a", "question_id": 1}]`, "there is no sent"},
		"an empty one":      {`[{"img_id": "a", "sent": ""}]`, "sent is empty"},
		"a truth value":     {`[{"sent": "is it?", "img0": "a", "img1": "b", "label": 2}]`, "label is 2, must be 0 or 1"},
		"labels of another": {`[{"sent": "is it?", "img_id": "a", "label": ["yes"]}]`, "label is a list"},
	} {
		write(c.text)
		got, err := ReadQuestions(t.Context(), path, 0)
		if c.want == "" && (err != nil || len(got) != 1 || got[0].Text != "is it?" || got[0].Images[0] != "a" || got[0].Class != -1 || got[0].Labels != nil) {
			t.Errorf("%s: %+v, %v", name, got, err)
		}
		if c.want != "" && (!errors.Is(err, ErrFormat) || !strings.Contains(err.Error(), c.want) || !strings.Contains(err.Error(), path)) {
			t.Errorf("%s: %v, want %q", name, err, c.want)
		}
	}
	// What stands after the questions that are wanted is not read.
	write(`[{"img_id": "a", "sent": "is it?"}, {`)
	if got, err := ReadQuestions(t.Context(), path, 1); err != nil || len(got) != 1 {
		t.Errorf("the first of a damaged file: %+v, %v", got, err)
	}
	if _, err := ReadQuestions(t.Context(), filepath.Dir(path), 0); err == nil || !strings.Contains(err.Error(), "is not a file") {
		t.Errorf("a folder: %v", err)
	}
}
