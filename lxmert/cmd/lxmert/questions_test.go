package main

import (
	"encoding/json"
	"fmt"
	"os"
	"path/filepath"
	"strings"
	"testing"

	"github.com/seed-516990b0/golxmert/internal/goldentest"
	"github.com/seed-516990b0/golxmert/lxmert/dataset"
)

// inFolder writes files by name, in a working folder of its own.
func inFolder(t *testing.T, files map[string]string) {
	t.Helper()
	t.Chdir(t.TempDir())
	for name, text := range files {
		if err := os.MkdirAll(filepath.Dir(name), 0o777); err != nil {
			t.Fatal(err)
		}
		if err := os.WriteFile(name, []byte(text), 0o666); err != nil {
			t.Fatal(err)
		}
	}
}

const (
	vqaQuestions   = `{"questions": [{"question_id": 1, "image_id": 42, "question": "what is it?"}, {"question_id": 2, "image_id": 42, "question": "is it?"}], "data_type": "mscoco", "data_subtype": "val2014"}`
	vqaAnnotations = `{"annotations": [{"question_id": 1, "image_id": 42, "multiple_choice_answer": "cat", "answers": [{"answer": "cat"}, {"answer": "The cat."}, {"answer": "dog"}]},
		{"question_id": 2, "image_id": 42, "multiple_choice_answer": "Yes", "answers": [{"answer": "Yes"}]}, {"question_id": 3, "multiple_choice_answer": "cat"}]}`
	gqaQuestions = `{"01": {"imageId": "n1", "question": "who?", "answer": "cat"}, "02": {"imageId": "n2", "question": "who else?", "answer": "dog"}}`
	nlvr2Lines   = `{"identifier": "dev-1-0-0", "sentence": "a", "label": "True"}` + "\n" + `{"identifier": "dev-1-0-1", "sentence": "b", "label": "False"}` + "\n"
)

// TestQuestionsOfEveryLayoutBecomeTheTasks: what a file is tells its content, and what is odd is counted.
func TestQuestionsOfEveryLayoutBecomeTheTasks(t *testing.T) {
	inFolder(t, map[string]string{"q.json": vqaQuestions, "a.json": vqaAnnotations, "g.json": gqaQuestions, "dev.json": nlvr2Lines})
	for _, c := range []struct {
		args     string
		out, err []string // what is printed
		task     *dataset.Task
		file     string
		want     []string // of the examples
	}{
		{"q.json a.json --threshold 2 --out data/vqa/train.json",
			[]string{"trainval_label2ans.json: 1 answer of 2, those to at least 2 questions; 66.7 % of all questions have one of them", "data/vqa/train.json: 2 questions about 1 picture"},
			[]string{"1 of 2 questions without an answer of the table (the first: 2)", "1 of 2 questions with neither one nor ten annotators, scored by the rule for ten (the first: 1)", "1 annotation of no question here (the first: 3)"},
			dataset.VQA, "data/vqa/train.json", []string{"1 [COCO_val2014_000000000042] what is it? [{cat 0.6}] -1", "2 [COCO_val2014_000000000042] is it? [] -1"}},
		{"a.json q.json --out data/vqa/again.json", []string{"again.json: 2 questions"}, nil, // the table in the folder
			dataset.VQA, "data/vqa/again.json", []string{"1 [COCO_val2014_000000000042] what is it? [{cat 0.6}] -1"}},
		{"q.json --image-names own%03d --out data/vqa/test.json", nil, nil, dataset.VQA, "data/vqa/test.json", []string{"1 [own042] what is it? [] -1"}},
		{"g.json --out data/gqa/train.json", []string{"data/gqa/train.json: 2 questions about 2 pictures"}, nil, dataset.GQA, "data/gqa/train.json", []string{"01 [n1] who? [{cat 1}] -1", "02 [n2] who else? [{dog 1}] -1"}},
		{"g.json --threshold 1 --out own/train.json", []string{"2 answers of 2"}, nil, dataset.GQA, "own/train.json", []string{"01 [n1] who? [{cat 1}] -1"}},
		{"dev.json --out data/nlvr2/valid.json", []string{"2 statements about 2 pictures"}, nil, dataset.NLVR2, "data/nlvr2/valid.json", []string{"nlvr2_valid_0 [dev-1-0-img0 dev-1-0-img1] a [] 1", "nlvr2_valid_1 [dev-1-0-img0 dev-1-0-img1] b [] 0"}},
		{"dev.json --split test --out data/nlvr2/mine.json", nil, nil, dataset.NLVR2, "data/nlvr2/mine.json", []string{"nlvr2_test_0 [dev-1-0-img0 dev-1-0-img1] a [] 1"}},
		// In its own place: what it was is kept.
		{"g.json --out g.json", nil, []string{"g.json was in GQA's layout and is kept as g.official.json"}, dataset.GQA, "g.json", []string{"01 [n1] who? [{cat 1}] -1"}},
		{"g.official.json --overwrite --out g.json", nil, nil, dataset.GQA, "g.json", []string{"01 [n1] who? [{cat 1}] -1"}},
	} {
		out, notes, err := execute(questionsCommand(), strings.Fields(c.args)...)
		if err != nil {
			t.Fatalf("%s: %v", c.args, err)
		}
		for _, want := range c.out {
			if !strings.Contains(out, want) {
				t.Errorf("%s: printed %q, not %q", c.args, out, want)
			}
		}
		for _, want := range c.err {
			if !strings.Contains(notes, want) {
				t.Errorf("%s: noted %q, not %q", c.args, notes, want)
			}
		}
		f, err := os.Open(c.file)
		if err != nil {
			t.Fatal(err)
		}
		examples, err := dataset.ReadExamples(t.Context(), c.task, f, c.file)
		f.Close()
		if err != nil || len(examples) != 2 {
			t.Fatalf("%s: %d, %v", c.args, len(examples), err)
		}
		for i, want := range c.want {
			e := examples[i]
			if got := fmt.Sprint(e.ID, " ", e.Images, " ", e.Text, " ", e.Labels, " ", e.Class); got != want {
				t.Errorf("%s: %s, want %s", c.args, got, want)
			}
		}
	}
	if text, err := os.ReadFile("g.official.json"); err != nil || string(text) != gqaQuestions {
		t.Errorf("what is kept is %s, %v", text, err)
	}
}

func TestQuestionsRefusesWhatWouldLoseOrMeanNothing(t *testing.T) {
	inFolder(t, map[string]string{
		"q.json": vqaQuestions, "a.json": vqaAnnotations, "g.json": gqaQuestions, "g.official.json": "x", "dev.json": nlvr2Lines, "there.json": "precious",
		"ours.json": `[{"question_id": 1, "img_id": "a", "sent": "b"}]`, "cut.json": gqaQuestions[:90], "page.html": "<html>", "t/trainval_label2ans.json": `["cat"]`, "t/trainval_ans2label.json": `{"cat": 0}`,
	})
	for args, want := range map[string]string{
		"q.json":                     "usage: --out FILE says where to write",
		"q.json --out t":             "usage: --out t is a folder; a file in it, such as t/train.json",
		"q.json a.json --out x.json": "the answers of a.json need an answer table, and . has none: --answers FOLDER names one, --threshold 9 makes one",
		"q.json a.json --out x.json --threshold 9":     "none of the 2 answers is the right one for 9 questions; --threshold 1 takes all of them",
		"q.json --out x.json --threshold 1":            "there are no answers to make a table of",
		"q.json a.json --out t/x.json --threshold 1":   "t has an answer table already: leave --threshold out to use it, or replace it with --overwrite",
		"q.json --answers t --threshold 1 --out x":     "usage: --answers takes a table and --threshold makes one",
		"q.json --threshold 0 --out x":                 "usage: --threshold is 0, must be at least 1",
		"q.json --image-names coco --out x":            "usage: --image-names coco has no number in it",
		"q.json --image-names %s --out x":              "usage: --image-names %s has no number in it",
		"g.json --image-names %d --out x":              "usage: --image-names is for VQA",
		"dev.json --threshold 1 --out x":               "usage: NLVR2 has no answer table",
		"g.json --out there.json":                      "there.json is there already; --overwrite replaces it",
		"g.json --out g.json":                          "g.json would be kept as g.official.json, which is there already",
		"a.json --out x.json":                          "a.json has answers only; give the file with the questions, too",
		"q.json g.json --out x.json":                   "g.json has GQA's official questions, but q.json has VQA's official questions: convert them one after the other",
		"ours.json --out x.json":                       "ours.json has questions as LXMERT reads them: it is not for this command",
		"cut.json --out x.json":                        "cut.json:1: question 2: the file ends here",
		"page.html --out x.json":                       "page.html:1: a web page, not JSON",
		"none.json --out x.json":                       "none.json: no such file",
		"q.json --regions none.tsv --out x.json":       "none.tsv",
		"q.json a.json --answers nowhere --out x.json": "nowhere/trainval_label2ans.json",
	} {
		_, _, err := execute(questionsCommand(), strings.Fields(args)...)
		if err == nil || !strings.Contains(err.Error(), want) || strings.Contains(err.Error(), "\n") {
			t.Errorf("%s: %v, want %s", args, err, want)
		}
	}
	if _, err := os.Stat("x.json"); err == nil {
		t.Error("a file was written all the same")
	}
	if text, _ := os.ReadFile("there.json"); string(text) != "precious" {
		t.Errorf("there.json is %s", text)
	}
}

// TestQuestionsLooksForPictures in features of any kind.
func TestQuestionsLooksForPictures(t *testing.T) {
	for _, dir := range goldentest.Folders(t, "model") {
		data := filepath.Join(dir, "toy", "data")
		text, err := os.ReadFile(filepath.Join(data, "gqa", "valid.json"))
		if err != nil {
			t.Fatal(err)
		}
		var entries []struct {
			ID    string `json:"question_id"`
			Image string `json:"img_id"`
			Sent  string
		}
		if err := json.Unmarshal(text, &entries); err != nil {
			t.Fatal(err)
		}
		official := map[string]map[string]string{"0": {"imageId": "nowhere", "question": "?"}}
		for _, e := range entries {
			official[e.ID] = map[string]string{"imageId": e.Image, "question": e.Sent}
		}
		text, err = json.Marshal(official)
		if err != nil {
			t.Fatal(err)
		}
		inFolder(t, map[string]string{"q.json": string(text)})
		_, notes, err := execute(questionsCommand(), "q.json", "--out", "x.json", "--regions", filepath.Join(data, "vg_gqa_imgfeat", "vg_gqa_obj36.tsv"))
		if want := fmt.Sprintf("1 of %d questions with a picture of which", len(entries)+1); err != nil || !strings.Contains(notes, want) || !strings.Contains(notes, "(the first: 0)") {
			t.Errorf("%v, %q, want %q", err, notes, want)
		}
	}
}
