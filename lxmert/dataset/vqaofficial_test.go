package dataset

import (
	"context"
	"encoding/json"
	"errors"
	"os"
	"path/filepath"
	"reflect"
	"slices"
	"strconv"
	"strings"
	"testing"

	"github.com/seed-516990b0/golxmert/internal/goldentest"
)

const vqaQuestionsText = `{"info": {"year": 2017}, "license": {}, "questions": [
	{"image_id": 458752, "question": "What is this photo taken looking through?", "question_id": 458752000},
	{"image_id": 458752, "question": "What position is this man playing?", "question_id": 458752001},
	{"image_id": 262146, "question": "What colour is the player's shirt \u2603?", "question_id": 458752002}],
	"data_type": "mscoco", "data_subtype": "train2014"}`

const vqaAnnotationsText = `{"info": {}, "annotations": [
	{"question_id": 458752001, "image_id": 458752, "question_type": "what", "answer_type": "other", "multiple_choice_answer": "pitcher",
		"answers": [{"answer": "pitcher", "answer_confidence": "yes", "answer_id": 1}, {"answer": "Catcher.", "answer_id": 2}, {"answer": "pitcher"},
		{"answer": "pitcher"}, {"answer": "zzz"}, {"answer": "zzz"}, {"answer": "zzz"}, {"answer": "zzz"}, {"answer": "zzz"}, {"answer": "zzz"}]},
	{"question_id": 458752000, "image_id": 458752, "question_type": "what is this", "answer_type": "other", "multiple_choice_answer": "net",
		"answers": [{"answer": "net"}]},
	{"question_id": 9, "image_id": 1, "answers": [{"answer": "net"}]},
	{"question_id": 9, "image_id": 1, "answers": [{"answer": "net"}]}]}`

func annotations(t *testing.T, table *Answers, texts ...string) *Annotations {
	t.Helper()
	a := NewAnnotations(table)
	for _, text := range texts {
		if err := a.Add(t.Context(), strings.NewReader(text), "a.json"); err != nil {
			t.Fatal(err)
		}
	}
	return a
}

// TestOfficialVQA: questions in their order, each with what its annotation says, in LXMERT's form.
func TestOfficialVQA(t *testing.T) {
	const want = `[
    {
        "answer_type": "other",
        "img_id": "COCO_train2014_000000458752",
        "label": {
            "net": 1
        },
        "question_id": 458752000,
        "question_type": "what is this",
        "sent": "What is this photo taken looking through?"
    },
    {
        "answer_type": "other",
        "img_id": "COCO_train2014_000000458752",
        "label": {
            "catcher": 0.3,
            "pitcher": 0.9
        },
        "question_id": 458752001,
        "question_type": "what",
        "sent": "What position is this man playing?"
    },
    {
        "img_id": "COCO_train2014_000000262146",
        "question_id": 458752002,
        "sent": "What colour is the player's shirt \u2603?"
    }
]`
	table := NewAnswers(VQA, []string{"net", "pitcher", "catcher"})
	o, err := Inspect(strings.NewReader(vqaQuestionsText), "q.json")
	if err != nil || o != (Official{"q.json", VQAQuestions, "train2014"}) {
		t.Fatalf("%+v, %v", o, err)
	}
	var out strings.Builder
	c := NewConverter(&out)
	c.Answers, c.Annotations = table, annotations(t, table, vqaAnnotationsText)
	c.HasImage = func(id string) bool { return id != "COCO_train2014_000000262146" }
	if err := c.Add(t.Context(), strings.NewReader(vqaQuestionsText), o); err != nil {
		t.Fatal(err)
	}
	done, err := c.Close()
	if err != nil || out.String() != want {
		t.Fatalf("%v\n%s", err, out.String())
	}
	if want := (Converted{Entries: 3, Images: 2, Unanswered: Finding{1, "458752002"}, Unasked: Finding{1, "9"}, NoImage: Finding{1, "458752002"}}); done != want {
		t.Errorf("%+v, want %+v", done, want)
	}
	if c.Annotations.Duplicates != (Finding{1, "9"}) {
		t.Errorf("%+v", c.Annotations.Duplicates)
	}
}

// TestQuestionsWithoutAnnotations, as those of test sets, and lists alone, with names for pictures.
func TestQuestionsWithoutAnnotations(t *testing.T) {
	const list = `[{"question_id": "12", "image_id": 7, "question": "a"}, {"question_id": 13, "image_id": "x.jpg", "question": "b"}, {"question_id": 12, "image_id": 7, "question": "c"}]`
	for _, c := range []struct {
		pattern, set string
		images       []string
	}{
		{"", "", []string{"7", "x.jpg"}},
		{"", "test-dev2015", []string{"COCO_test2015_000000000007", "x.jpg"}},
		{"", "mine2026", []string{"7", "x.jpg"}},
		{"p_%03d", "train2014", []string{"p_007", "x.jpg"}},
	} {
		var out strings.Builder
		conv := NewConverter(&out)
		conv.ImageName = c.pattern
		if err := conv.Add(t.Context(), strings.NewReader(list), Official{"q.json", VQAQuestions, c.set}); err != nil {
			t.Fatal(err)
		}
		done, err := conv.Close()
		if err != nil || done.Duplicates != (Finding{1, "12"}) {
			t.Fatalf("%+v, %v", done, err)
		}
		examples, err := ReadExamples(t.Context(), VQA, strings.NewReader(out.String()), "x.json")
		if err != nil {
			t.Fatal(err)
		}
		for i, e := range examples {
			if want := (Example{ID: []string{"12", "13"}[i], Images: []string{c.images[i]}, Text: []string{"a", "b"}[i], Class: -1}); !reflect.DeepEqual(e, want) {
				t.Errorf("%+v: %+v, want %+v", c, e, want)
			}
		}
	}
}

// TestQuestionsMayHaveTheirAnswers, and one answer alone is right.
func TestQuestionsMayHaveTheirAnswers(t *testing.T) {
	const text = `[{"question_id": 1, "image_id": "a", "question": "?", "answers": ["no", "no", "yes"]}, {"question_id": 2, "image_id": "b", "question": "?", "multiple_choice_answer": "Yes!"},
		{"question_id": 3, "image_id": "b", "question": "?", "answers": ["perhaps"]}]`
	out, done, err := convert(text, VQAQuestions, Converter{Answers: NewAnswers(VQA, []string{"yes", "no"})})
	if err != nil || done.Outside != (Finding{1, "3"}) || done.OtherNumbers != (Finding{1, "1"}) {
		t.Fatalf("%+v, %v", done, err)
	}
	examples, err := read(VQA, out)
	if err != nil || !reflect.DeepEqual(examples[0].Labels, []Label{{"no", 0.6}, {"yes", 0.3}}) || !reflect.DeepEqual(examples[1].Labels, []Label{{"yes", 1}}) ||
		examples[2].Labels == nil || len(examples[2].Labels) != 0 {
		t.Errorf("%+v, %v", examples, err)
	}
	if _, _, err := convert(text, VQAQuestions, Converter{}); err == nil || !strings.Contains(err.Error(), "x.json:1: question 1: it has answers, for which there is no answer table") {
		t.Errorf("without a table: %v", err)
	}
}

func TestBadVQAFilesAreNamedByTheirEntries(t *testing.T) {
	for text, want := range map[string]string{
		`{"questions": {}}`:                     "questions is an object, must be a list",
		`{"info": {}}`:                          "there is no list of questions",
		`[1]`:                                   "question 1: the entry is a number",
		`[{"image_id": 1, "question": "a"}]`:    "there is no question_id",
		`[{"question_id": 1, "question": "a"}]`: "there is no image_id",
		`[{"question_id": 1, "image_id": 1}]`:   "there is no question",
		`[{"question_id": 1.5, "image_id": 1, "question": "a"}]`:                `question_id is "1.5", must be a whole number`,
		`[{"question_id": "a", "image_id": 1, "question": "a"}]`:                "question_id is not a whole number",
		`[{"question_id": 1, "image_id": "", "question": "a"}]`:                 "image_id is empty",
		`[{"question_id": 1, "image_id": 1, "question": "a", "answers": [{}]}]`: `has no "answer"`,
		`[{"question_id": 1, "image_id": 1, "question": "a", "answers": {}}]`:   "answers is an object, must be a list",
		"[\n{\"question_id\": 1, \"image_id\": 1, \"question\": \"a\"},\n{":     "x.json:3: question 2:",
		`[] []`: "after the end",
	} {
		if _, _, err := convert(text, VQAQuestions, Converter{}); err == nil || !strings.Contains(err.Error(), want) {
			t.Errorf("%s: %v, want %s", text, err, want)
		}
	}
	if err := NewAnnotations(NewAnswers(VQA, nil)).Add(t.Context(), strings.NewReader(`{"annotations": [{"question_id": 1}]}`), "a.json"); err == nil || !strings.Contains(err.Error(), "a.json:1: annotation 1: there are neither answers") {
		t.Errorf("%v", err)
	}
}

func TestLayoutsAreToldFromTheirFirstValues(t *testing.T) {
	for text, want := range map[string]Layout{
		vqaQuestionsText:   VQAQuestions,
		vqaAnnotationsText: VQAAnnotations,
		`{"data_subtype": "x", "questions": [{"question_id": 1`:                                          VQAQuestions, // cut short
		`[{"question_id": 1, "image_id": 1, "question": "a"}]`:                                           VQAQuestions,
		`[{"question_id": 1, "image_id": 1, "question": "a", "answers": []}]`:                            VQAQuestions,
		`[{"question_id": 1, "image_id": 1, "answers": []}]`:                                             VQAAnnotations,
		`{"annotations": [{"question_id": 1, "question": "a", "image_id": 1, "answers": []}]}`:           VQAAnnotations,
		`{"02": {"semantic": [], "imageId": "n1", "question": "a"}, `:                                    GQAQuestions,
		`{"sentence": "a", "identifier": "dev-1-0-0", "validations": {"question": 1}}` + "\n" + `{"sent`: NLVR2Lines,
		`[{"question_id": 1, "img_id": "a", "sent": "b"}]`:                                               LXMERTLayout,
		`[{"uid": "a", "sent": "b"}]`:                                                                    LXMERTLayout,
		`[]`:                                                                                             LXMERTLayout,
		`[{"img_id": "a", "sentf": {"mscoco": []}}]`:                                                     PretrainLayout,
	} {
		if o, err := Inspect(strings.NewReader(text), "x.json"); err != nil || o.Layout != want {
			t.Errorf("%s: %q, %v; want %q", text, o.Layout, err, want)
		}
	}
	for text, want := range map[string]string{
		`{}`: "in no layout that is known", `{"images": [], "annotations": [{"image_id": 1, "caption": "a"}]}`: "in no layout that is known",
		`["yes"]`: "in no layout", `{"yes": 1}`: "in no layout", ``: "cut short", `{"a": `: "cut short", `1`: "the file is a number", `<html>`: "a web page",
	} {
		if o, err := Inspect(strings.NewReader(text), "x.json"); err == nil || !strings.Contains(err.Error(), want) {
			t.Errorf("%s: %q, %v; want %s", text, o.Layout, err, want)
		}
	}
}

// TestOfficialFilesGivenToATaskAreNamedWithTheCommand that converts that very file.
func TestOfficialFilesGivenToATaskAreNamedWithTheCommand(t *testing.T) {
	t.Chdir(t.TempDir())
	for _, c := range []struct {
		task *Task
		file string
		text string
		want string
	}{
		{VQA, "data/vqa/train.json", vqaQuestionsText, "data/vqa/train.json: VQA's official questions, not questions as LXMERT reads them: `lxmert questions data/vqa/train.json ANNOTATIONS.json --out data/vqa/train.json` converts it"},
		{VQA, "data/vqa/my list.json", `[{"question_id": 1, "image_id": 7, "question": "a"}]`, "`lxmert questions 'data/vqa/my list.json' ANNOTATIONS.json --out 'data/vqa/my list.json'`"},
		{VQA, "data/vqa/a.json", vqaAnnotationsText, "VQA's official annotations, not questions as LXMERT reads them: `lxmert questions QUESTIONS.json data/vqa/a.json --out data/vqa/a.json`"},
		{GQA, "data/gqa/train.json", `{"1": {"imageId": "n1", "question": "a"}}`, "`lxmert questions data/gqa/train.json --out data/gqa/train.json` converts it, and keeps what it is beside it"},
		{NLVR2, "data/nlvr2/dev.json", `{"identifier": "dev-1-0-0", "sentence": "a"}`, "`lxmert questions data/nlvr2/dev.json --out data/nlvr2/dev.json`"},
		{VQA, "data/vqa/g.json", `{"1": {"imageId": "n1", "question": "a"}}`, "g.json: GQA's official questions, not questions of VQA"},
		{VQA, "data/vqa/p.json", `[{"img_id": "a", "sentf": {}}]`, "sentences of LXMERT's pre-training, not questions of VQA"},
		{VQA, "data/vqa/bad.json", `[{"question_id": 1, "img_id": "a", "sent": 7}]`, "bad.json:1: entry 1: sent is a number"},
		{VQA, "data/vqa/odd.json", `{"a": 1}`, "odd.json:1: an object, must be a list of questions; `lxmert questions` converts official files of VQA"},
	} {
		if err := os.MkdirAll(filepath.Dir(c.file), 0o777); err != nil {
			t.Fatal(err)
		}
		if err := os.WriteFile(c.file, []byte(c.text), 0o666); err != nil {
			t.Fatal(err)
		}
		split := strings.TrimSuffix(filepath.Base(c.file), ".json")
		_, err := Load(t.Context(), c.task, []string{split}, Options{})
		if !errors.Is(err, ErrFormat) || !strings.Contains(err.Error(), c.want) || strings.Contains(err.Error(), "\n") {
			t.Errorf("%s: %v, want %s", c.file, err, c.want)
		}
	}
	for file, want := range map[string]string{ // whatever the task
		"data/vqa/train.json": "`lxmert questions data/vqa/train.json ANNOTATIONS.json --out data/vqa/train.json` converts it",
		"data/vqa/g.json":     "`lxmert questions data/vqa/g.json --out data/vqa/g.json` converts it",
		"data/vqa/p.json":     "p.json: sentences of LXMERT's pre-training, not questions as LXMERT reads them",
		"data/vqa/odd.json":   "an object, must be a list of questions; `lxmert questions` converts official files",
	} {
		if _, err := ReadQuestions(t.Context(), file, 10); !errors.Is(err, ErrFormat) || !strings.Contains(err.Error(), want) {
			t.Errorf("%s: %v, want %s", file, err, want)
		}
	}
}

// TestATableHasTheFrequentAnswers, in the order in which they occur, and is read back as it was written.
func TestATableHasTheFrequentAnswers(t *testing.T) {
	var c AnswerCount
	for _, f := range []struct {
		layout Layout
		text   string
	}{
		{VQAAnnotations, `[{"question_id": 1, "multiple_choice_answer": "The Dog.", "answers": ["cat", "cat"]}, {"question_id": 2, "answers": ["cat", "dog", "dog"]}, {"question_id": 3, "answers": ["\u00e9"]}]`},
		{VQAAnnotations, `{"annotations": [{"question_id": 4, "multiple_choice_answer": "a"}, {"question_id": 4, "multiple_choice_answer": "a"}, {"question_id": 5, "multiple_choice_answer": "the"}]}`},
		{VQAQuestions, `[{"question_id": 6, "multiple_choice_answer": "dog"}, {"question_id": 7}]`},
	} {
		if err := c.Add(t.Context(), strings.NewReader(f.text), Official{"x.json", f.layout, ""}); err != nil {
			t.Fatal(err)
		}
	}
	table, covered := c.Table(VQA, 2)
	if !reflect.DeepEqual(table.list, []string{"dog", ""}) || covered != 5 || c.Distinct() != 3 || c.Questions != 6 {
		t.Errorf("%q, %d of %d, of %d answers", table.list, covered, c.Questions, c.Distinct())
	}
	table, _ = c.Table(VQA, 1)
	dir := filepath.ToSlash(t.TempDir())
	if err := table.Write(dir); err != nil {
		t.Fatal(err)
	}
	again, err := ReadAnswers(dir, VQA)
	if err != nil || !reflect.DeepEqual(again, table) {
		t.Errorf("%+v, %v; want %+v", again, err, table)
	}
	text, err := os.ReadFile(filepath.Join(dir, "trainval_ans2label.json"))
	if want := "{\n    \"dog\": 0,\n    \"\\u00e9\": 1,\n    \"\": 2\n}"; err != nil || string(text) != want {
		t.Errorf("%s, %v; want %s", text, err, want)
	}
	if err := c.Add(t.Context(), strings.NewReader("[]"), Official{"x.json", LXMERTLayout, ""}); err == nil || !strings.Contains(err.Error(), "not answers in their authors' layout") {
		t.Errorf("%v", err)
	}
}

// TestOfficialFilesBecomeTheGoldenOnes: question files of the golden data, laid out as VQA, GQA and NLVR2 are published, are
// converted to files with the same examples.
func TestOfficialFilesBecomeTheGoldenOnes(t *testing.T) {
	for _, dir := range goldentest.Folders(t, "model") {
		data := filepath.ToSlash(filepath.Join(dir, "toy", "data"))
		for _, name := range []string{"vqa/train", "vqa/minival", "vqa/nominival", "vqa/test", "gqa/train", "gqa/valid", "gqa/testdev", "gqa/submit", "nlvr2/train", "nlvr2/valid", "nlvr2/test"} {
			task, split, _ := strings.Cut(name, "/")
			f, err := os.Open(filepath.Join(data, name+".json"))
			if err != nil {
				t.Fatal(err)
			}
			want, err := ReadExamples(t.Context(), taskNamed(t, task), f, name)
			f.Close()
			if err != nil || len(want) == 0 {
				t.Fatal(name, err)
			}
			// NLVR2's official files do not say what pictures are called, so they cannot name those of this entry.
			want = slices.DeleteFunc(want, func(e Example) bool { return strings.HasSuffix(e.ID, "_missing") })
			var out strings.Builder
			c := NewConverter(&out)
			c.Split = split
			var official string
			o := Official{File: name}
			switch taskNamed(t, task) {
			case VQA:
				var answers string
				official, answers, o.Images = officialVQA(t, want)
				o.Layout = VQAQuestions
				if c.Answers, err = LoadAnswers(data, VQA); err != nil {
					t.Fatal(err)
				}
				if want[0].Labels != nil {
					c.Annotations = annotations(t, c.Answers, answers)
				}
			case GQA:
				official, o.Layout = officialGQA(t, want), GQAQuestions
			default:
				official, o.Layout = officialNLVR2(t, want), NLVR2Lines
			}
			if err := c.Add(context.Background(), strings.NewReader(official), o); err != nil {
				t.Fatal(name, err)
			}
			if _, err := c.Close(); err != nil {
				t.Fatal(name, err)
			}
			got, err := ReadExamples(t.Context(), taskNamed(t, task), strings.NewReader(out.String()), name)
			if err != nil || len(got) != len(want) {
				t.Fatalf("%s: %d of %d, %v", name, len(got), len(want), err)
			}
			for i := range want {
				scores := func(e Example) (e2 Example, labels map[string]float64) {
					if e.Labels != nil {
						labels = map[string]float64{}
					}
					for _, l := range e.Labels {
						labels[l.Answer] = l.Score
					}
					e.Labels = nil
					return e, labels
				}
				a, x := scores(got[i])
				b, y := scores(want[i])
				if !reflect.DeepEqual(a, b) || !reflect.DeepEqual(x, y) {
					t.Errorf("%s, entry %d: %+v, want %+v", name, i, got[i], want[i])
				}
			}
		}
	}
}

func officialVQA(t *testing.T, examples []Example) (questions, answers, images string) {
	t.Helper()
	var qs, as []map[string]any
	for _, e := range examples {
		parts := strings.Split(e.Images[0], "_")
		n, err := strconv.Atoi(parts[2])
		if err != nil {
			t.Fatal(err)
		}
		images = parts[1]
		id, err := strconv.Atoi(e.ID)
		if err != nil {
			t.Fatal(err)
		}
		qs = append(qs, map[string]any{"image_id": n, "question": e.Text, "question_id": id})
		given := []map[string]any{}
		for _, l := range e.Labels {
			people, ok := map[float64]int{0.3: 1, 0.6: 2, 0.9: 3, 1: 4}[l.Score]
			if !ok {
				t.Fatalf("a score of %g", l.Score)
			}
			for range people {
				given = append(given, map[string]any{"answer": l.Answer, "answer_confidence": "yes"})
			}
		}
		for len(given) < 10 {
			given = append(given, map[string]any{"answer": "an answer that no table has"})
		}
		as = append(as, map[string]any{"image_id": n, "question_id": id, "question_type": e.QuestionType, "answer_type": e.AnswerType, "answers": given})
	}
	return jsonText(t, map[string]any{"data_type": "mscoco", "data_subtype": images, "questions": qs}), jsonText(t, map[string]any{"annotations": as}), images
}

func officialGQA(t *testing.T, examples []Example) string {
	var parts []string
	for _, e := range examples {
		q := map[string]any{"imageId": e.Images[0], "question": e.Text, "isBalanced": true, "types": map[string]any{"structural": "verify"}}
		if len(e.Labels) > 0 {
			q["answer"] = e.Labels[0].Answer
		}
		parts = append(parts, jsonText(t, e.ID)+": "+jsonText(t, q))
	}
	return "{" + strings.Join(parts, ", ") + "}"
}

func officialNLVR2(t *testing.T, examples []Example) string {
	var lines []string
	for _, e := range examples {
		line := map[string]any{"identifier": e.Identifier, "sentence": e.Text, "writer": 1, "left_url": "x"}
		if e.Class >= 0 {
			line["label"] = map[int]string{0: "False", 1: "True"}[e.Class]
		}
		lines = append(lines, jsonText(t, line))
	}
	return strings.Join(lines, "\n")
}

func jsonText(t *testing.T, v any) string {
	t.Helper()
	text, err := json.Marshal(v)
	if err != nil {
		t.Fatal(err)
	}
	return string(text)
}
