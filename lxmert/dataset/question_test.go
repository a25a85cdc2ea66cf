package dataset

import (
	"context"
	"errors"
	"fmt"
	"path/filepath"
	"reflect"
	"slices"
	"strings"
	"testing"
	"unsafe"
)

func read(task *Task, text string) ([]Example, error) {
	return ReadExamples(context.Background(), task, strings.NewReader(text), "x.json")
}

func TestExamplesKeepWhatTheFileSays(t *testing.T) {
	cases := []struct {
		task *Task
		text string
		want Example
	}{
		{VQA, `{"question_id": 458752000, "img_id": "COCO_1", "sent": " What? \n", "label": {"net": 1, "": 0.3}, "question_type": "what", "answer_type": "other", "more": [{}]}`,
			Example{ID: "458752000", Images: []string{"COCO_1"}, Text: " What? \n", Labels: []Label{{"net", 1}, {"", 0.3}}, Class: -1, QuestionType: "what", AnswerType: "other"}},
		{VQA, `{"label": {}, "sent": "", "img_id": "1", "question_id": -0}`, Example{ID: "0", Images: []string{"1"}, Class: -1, Labels: []Label{}}},
		{VQA, `{"sent": "é\u00e9", "img_id": "1", "question_id": 123456789012345678901234567890}`,
			Example{ID: "123456789012345678901234567890", Images: []string{"1"}, Text: "éé", Class: -1}},
		{VQA, `{"sent": "a", "sent": "b", "img_id": "1", "img_id": "2", "question_id": 1, "question_id": 22, "label": {"x": 1, "y": 0.5, "x": 0.25}}`,
			Example{ID: "22", Images: []string{"2"}, Text: "b", Class: -1, Labels: []Label{{"x", 0.25}, {"y", 0.5}}}},
		{GQA, `{"question_id": "0012", "img_id": "n1", "sent": "Who?", "label": {"a man": 1.0}}`,
			Example{ID: "0012", Images: []string{"n1"}, Text: "Who?", Labels: []Label{{"a man", 1}}, Class: -1}},
		{NLVR2, `{"uid": "nlvr2_train_0", "identifier": "train-1-0-0", "img0": "a", "img1": "b", "sent": "Two.", "label": 1}`,
			Example{ID: "nlvr2_train_0", Images: []string{"a", "b"}, Text: "Two.", Class: 1, Identifier: "train-1-0-0"}},
		{NLVR2, `{"uid": "u", "identifier": "i", "img0": "a", "img1": "a", "sent": "", "label": 0.0}`,
			Example{ID: "u", Images: []string{"a", "a"}, Class: 0, Identifier: "i"}},
		{NLVR2, `{"uid": "u", "identifier": "i", "img0": "a", "img1": "b", "sent": "s"}`,
			Example{ID: "u", Images: []string{"a", "b"}, Text: "s", Class: -1, Identifier: "i"}},
	}
	for _, c := range cases {
		got, err := read(c.task, "[\n"+c.text+"]\n")
		if err != nil || len(got) != 1 || !reflect.DeepEqual(got[0], c.want) {
			t.Errorf("%s: %+v, %v\nwant %+v", c.text, got, err, c.want)
		}
	}
}

func TestBadQuestionFilesAreNamedByLineAndEntry(t *testing.T) {
	good := `{"question_id": 1, "img_id": "1", "sent": "a"}`
	statement := `{"uid": "u", "identifier": "i", "img0": "a", "img1": "b", "sent": "s"`
	cases := []struct {
		task       *Task
		text, want string
	}{
		{VQA, "[" + good + ",\n{\"question_id\": 1, \"sent\": \"a\"}]", "x.json:2: entry 2: there is no img_id"},
		{VQA, `[{"question_id": 1, "img_id": 7, "sent": "a"}]`, "x.json:1: entry 1: img_id is a number, must be a string"},
		{VQA, `[{"question_id": "1", "img_id": "7", "sent": "a"}]`, "question_id is a string, must be a number"},
		{VQA, `[{"question_id": 1.5, "img_id": "7", "sent": "a"}]`, `question_id is "1.5", must be an integer`},
		{VQA, `[{"question_id": 1, "img_id": "7", "sent": null}]`, "sent is null, must be a string"},
		{VQA, `[{"question_id": 1, "img_id": "7", "sent": "a", "label": "net"}]`, "label is a string, must be an object"},
		{VQA, `[{"question_id": 1, "img_id": "7", "sent": "a", "label": {"net": "1"}}]`, "the score of an answer is a string, must be a number"},
		{VQA, `[{"question_id": 1, "img_id": "7", "sent": "a", "answer_type": 1}]`, "answer_type is a number"},
		{VQA, `["a"]`, "the entry is a string, must be an object"},
		{GQA, `[{"question_id": 1, "img_id": "7", "sent": "a"}]`, "question_id is a number, must be a string"},
		{NLVR2, "[" + statement + `, "label": "True"}]`, "label is a string, must be a number"},
		{NLVR2, "[" + statement + `, "label": 2}]`, "label is 2, must be 0 or 1"},
		{NLVR2, `[{"uid": "u"}]`, "there is no identifier"},
		{VQA, "[" + good, "the file ends here, in the middle of a value: it was cut short"},
		{VQA, "[" + good + "] x", "after the end"},
		{VQA, " \n", "the file is empty"},
		{VQA, `{"questions": []}`, "an object, must be a list of questions; `lxmert questions` converts official files of VQA"},
		{GQA, `{"07333408": {}}`, "an object, must be a list of questions; `lxmert questions` converts official files of GQA"},
		{NLVR2, `{"identifier": "train-1-0-0"}`, "an object, must be a list of questions; `lxmert questions` converts official files of NLVR2"},
		{VQA, "<html>", "x.json:1: a web page, not JSON"},
		{VQA, "version https://git-lfs.github.com/spec/v1", "Git LFS"},
		{VQA, "PK\x03\x04", "a zip archive, not JSON: it is compressed: unpack it first, with unzip"},
		{VQA, "\xff\xfe[\x00{\x00", "text in UTF-16, not JSON: save it as UTF-8"},
		{VQA, "[{'question_id': 1}]", "text that Python printed, not JSON"},
		{VQA, "404: Not Found", "a message of a server, not JSON"},
		{VQA, `"a"`, "the file is a string, must be a list"},
	}
	for _, c := range cases {
		if _, err := read(c.task, c.text); !errors.Is(err, ErrFormat) || !strings.Contains(err.Error(), c.want) {
			t.Errorf("%s %s: %v, want %s", c.task, c.text, err, c.want)
		}
	}
	if _, err := read(nil, "[]"); err == nil || !strings.Contains(err.Error(), "no task is given; there are vqa, gqa and nlvr2") {
		t.Error(err)
	}
}

func TestManyAnswersKeepTheirOrder(t *testing.T) {
	var text, again strings.Builder
	var want []Label
	for i := range 5000 {
		fmt.Fprintf(&text, `"answer %d": %d,`, i, i)
		fmt.Fprintf(&again, `"answer %d": %d,`, i, i+1)
		want = append(want, Label{fmt.Sprintf("answer %d", i), float64(i) + 1})
	}
	want = append(want, Label{"last", 0.5})
	got, err := read(VQA, `[{"question_id": 1, "img_id": "1", "sent": "a", "label": {`+text.String()+again.String()+`"last": 0.5}}]`)
	if err != nil || !slices.Equal(got[0].Labels, want) {
		t.Errorf("%v, %.100v", err, got)
	}
}

func TestWhatRepeatsIsKeptOnce(t *testing.T) {
	entry := `{"question_id": 1, "img_id": "COCO_1", "sent": "a", "label": {"yes": 1}, "answer_type": "yes/no"}`
	got, err := read(VQA, "["+entry+","+entry+"]")
	if err != nil {
		t.Fatal(err)
	}
	a, b := got[0], got[1]
	if &a.Images[0] != &b.Images[0] || &a.Labels[0] != &b.Labels[0] || unsafe.StringData(a.AnswerType) != unsafe.StringData(b.AnswerType) {
		t.Error("equal pictures, labels or types are kept twice")
	}
}

func TestManyQuestionsTakeLittleMoreMemoryThanTheyNeed(t *testing.T) {
	var text strings.Builder
	const n = 20_000
	for i := range n {
		fmt.Fprintf(&text, `,{"question_id": %d, "img_id": "1", "sent": %q}`, i, strings.Repeat("a", i%50))
	}
	path := filepath.Join(t.TempDir(), "train.json")
	writeFile(t, path, "["+text.String()[1:]+"]")
	got, err := newReader(VQA).readFile(context.Background(), nil, path)
	if err != nil || len(got) != n || cap(got) > n*11/10 {
		t.Errorf("%d questions, room for %d, %v", len(got), cap(got), err)
	}
}

func TestDuplicatesAreCounted(t *testing.T) {
	for ids, want := range map[string]int{"": 0, "a b c": 0, "a b a": 1, "a b a c b": 2, "a a b b b a": 4} {
		var examples []Example
		for _, id := range strings.Fields(ids) {
			examples = append(examples, Example{ID: id})
		}
		if got := duplicates(examples); got != want {
			t.Errorf("%s: %d, want %d", ids, got, want)
		}
	}
}

func TestReadingStopsWithItsContext(t *testing.T) {
	ctx, cancel := context.WithCancel(context.Background())
	cancel()
	if _, err := ReadExamples(ctx, VQA, strings.NewReader(`[{}]`), "x.json"); !errors.Is(err, context.Canceled) {
		t.Error(err)
	}
}

// FuzzExamples: whatever a question file holds, reading it ends, and what is read is complete.
func FuzzExamples(f *testing.F) {
	f.Add([]byte(`[{"question_id": 1, "img_id": "1", "sent": "a", "label": {"x": 1, "y": 2}}]`), uint8(0))
	f.Add([]byte(`[{"question_id": "1", "img_id": "1", "sent": "a", "label": {"x": 1}}, {}]`), uint8(1))
	f.Add([]byte(`[{"uid": "u", "identifier": "i", "img0": "a", "img1": "b", "sent": "s", "label": 1}]`), uint8(2))
	f.Fuzz(func(t *testing.T, data []byte, task uint8) {
		x := []*Task{VQA, GQA, NLVR2}[task%3]
		examples, err := read(x, string(data))
		if err != nil {
			if !errors.Is(err, ErrFormat) {
				t.Fatal(err)
			}
			return
		}
		for _, e := range examples {
			if images := len(e.Images); images != 1 && x != NLVR2 || images != 2 && x == NLVR2 || e.Class < -1 || e.Class > 1 {
				t.Fatalf("%+v", e)
			}
			for i, l := range e.Labels {
				if slices.ContainsFunc(e.Labels[:i], func(other Label) bool { return other.Answer == l.Answer }) {
					t.Fatalf("%q twice", l.Answer)
				}
			}
		}
	})
}
