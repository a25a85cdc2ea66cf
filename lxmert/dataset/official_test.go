package dataset

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"reflect"
	"strings"
	"testing"
)

func TestOfficialNLVR2(t *testing.T) {
	const official = `{"validations": {"a": "True"}, "writer": 21, "sentence": "There are \"two\" dogs — 犬🐕.\r\t\u0007\n", "identifier": "train-10171-0-0", "label": "True", "left_url": "http://x/a.jpg"}
{"sentence": "None.", "identifier": "train-4-1-3", "label": "False"}
{"sentence": "Hidden.", "identifier": "test2-4-1-3"}
`
	const want = `[
    {
        "identifier": "train-10171-0-0",
        "img0": "train-10171-0-img0",
        "img1": "train-10171-0-img1",
        "label": 1,
        "sent": "There are \"two\" dogs \u2014 \u72ac\ud83d\udc15.\r\t\u0007\n",
        "uid": "nlvr2_train_0"
    },
    {
        "identifier": "train-4-1-3",
        "img0": "train-4-1-img0",
        "img1": "train-4-1-img1",
        "label": 0,
        "sent": "None.",
        "uid": "nlvr2_train_1"
    },
    {
        "identifier": "test2-4-1-3",
        "img0": "test2-4-1-img0",
        "img1": "test2-4-1-img1",
        "sent": "Hidden.",
        "uid": "nlvr2_train_2"
    }
]`
	out, done, err := convert(official, NLVR2Lines, Converter{Split: "train"})
	if done.Entries != 3 || done.Images != 6 || err != nil || out != want {
		t.Fatalf("%+v, %v\n%s", done, err, out)
	}
	examples, err := read(NLVR2, out)
	if err != nil {
		t.Fatal(err)
	}
	first := Example{
		ID: "nlvr2_train_0", Images: []string{"train-10171-0-img0", "train-10171-0-img1"}, Text: "There are \"two\" dogs — 犬🐕.\r\t\a\n",
		Class: 1, Identifier: "train-10171-0-0",
	}
	if !reflect.DeepEqual(examples[0], first) || examples[2].Class != -1 {
		t.Errorf("%+v", examples)
	}
}

func TestOfficialGQA(t *testing.T) {
	const official = `{"02930152": {"semantic": [{"operation": "select", "dependencies": []}], "isBalanced": true, "question": "Is the sky dark?",
		"imageId": "2354786", "types": {"structural": "verify"}, "answer": "yes", "fullAnswer": "Yes, the sky is dark."},
		"201": {"imageId": "n1", "question": "Who?"}}`
	const want = `[
    {
        "img_id": "2354786",
        "label": {
            "yes": 1.0
        },
        "question_id": "02930152",
        "sent": "Is the sky dark?"
    },
    {
        "img_id": "n1",
        "question_id": "201",
        "sent": "Who?"
    }
]`
	out, done, err := convert(official, GQAQuestions, Converter{})
	if done.Entries != 2 || done.Images != 2 || err != nil || out != want {
		t.Fatalf("%+v, %v\n%s", done, err, out)
	}
	examples, err := read(GQA, out)
	if err != nil {
		t.Fatal(err)
	}
	if e := (Example{ID: "02930152", Images: []string{"2354786"}, Text: "Is the sky dark?", Labels: []Label{{"yes", 1}}, Class: -1}); !reflect.DeepEqual(examples[0], e) {
		t.Errorf("%+v", examples[0])
	}
	if examples[1].Labels != nil {
		t.Errorf("%+v", examples[1])
	}
	if out, done, err := convert("{}", GQAQuestions, Converter{}); done.Entries != 0 || err != nil || out != "[]" {
		t.Errorf("%+v, %v, %s", done, err, out)
	}
}

// convert converts one file of a layout with the fields of a converter.
func convert(text string, layout Layout, fields Converter) (string, Converted, error) {
	var out strings.Builder
	done, err := convertTo(&out, text, layout, fields)
	return out.String(), done, err
}

func convertTo(dst io.Writer, text string, layout Layout, fields Converter) (Converted, error) {
	c := NewConverter(dst)
	fields.w, fields.images = c.w, c.images
	if err := fields.Add(context.Background(), strings.NewReader(text), Official{File: "x.json", Layout: layout}); err != nil {
		return Converted{}, err
	}
	return fields.Close()
}

// TestWhatConversionMeets is counted: ids that repeat, pictures without features, answers outside the table.
func TestWhatConversionMeets(t *testing.T) {
	has := func(id string) bool { return !strings.HasPrefix(id, "none") }
	_, done, err := convert(`{"1": {"imageId": "a", "question": "?", "answer": "yes"}, "01": {"imageId": "none", "question": "?", "answer": "no"},
		"x": {"imageId": "a", "question": "?", "answer": ""}, "1": {"imageId": "none", "question": "?"}, "x": {"imageId": "none", "question": "?"}}`,
		GQAQuestions, Converter{HasImage: has, Answers: NewAnswers(GQA, []string{"yes"})})
	want := Converted{Entries: 3, Images: 2, Duplicates: Finding{2, "1"}, Outside: Finding{1, "01"}, NoImage: Finding{1, "01"}}
	if err != nil || done != want {
		t.Errorf("%+v, %v; want %+v", done, err, want)
	}
	_, done, err = convert(`{"identifier": "a-1-0", "sentence": "a", "label": "True"}{"identifier": "none-1-0", "sentence": "a"}{"identifier": "a-1-0", "sentence": "b"}`,
		NLVR2Lines, Converter{HasImage: has, Split: "test"})
	want = Converted{Entries: 2, Images: 4, Duplicates: Finding{1, "a-1-0"}, NoImage: Finding{1, "none-1-0"}}
	if err != nil || done != want {
		t.Errorf("%+v, %v; want %+v", done, err, want)
	}
}

// TestIDsAreToldApart: those of digits are packed, and 7, 07 and 007 are three.
func TestIDsAreToldApart(t *testing.T) {
	var s idSet
	ids := []string{"7", "07", "007", "", "0", "00", "-7", "+7", "9999999999999999", "99999999999999999", "18446744073709551615", "a", "7a", "288230376151711743"}
	for _, id := range ids {
		if !s.add(id) {
			t.Errorf("%q was there before", id)
		}
	}
	for _, id := range ids {
		if s.add(id) {
			t.Errorf("%q was not there", id)
		}
	}
}

func TestBadOfficialFiles(t *testing.T) {
	line := `{"identifier": "dev-1-0-0", "sentence": "a", "label": "True"}` + "\n"
	for text, want := range map[string]string{
		"":                                      "the file is empty",
		line + `{"sentence": "a"}`:              "2: statement 2: there is no identifier",
		`{"identifier": "dev-1-0-0"}`:           "there is no sentence",
		`{"identifier": "dev", "sentence": ""}`: `identifier is "dev", must be like train-10171-0-0`,
		`{"identifier": "a-0", "sentence": "", "label": ""}`: `label is "", must be True or False`,
		`{"identifier": "a-0", "sentence": "", "label": 1}`:  "label is a number, must be a string",
		line + line[:20]: "cut short",
		"[" + line + "]": "the line is a list, must be an object",
	} {
		if _, _, err := convert(text, NLVR2Lines, Converter{}); !errors.Is(err, ErrFormat) || !strings.Contains(err.Error(), want) {
			t.Errorf("%s: %v, want %s", text, err, want)
		}
	}
	for text, want := range map[string]string{
		"":                             "the file ends here",
		`{"1": {"question": "a"}}`:     `question 1: "1" has no imageId`,
		`{"1": {"imageId": "a"}}`:      `"1" has no question`,
		`{"1": {"imageId": 1}}`:        "imageId is a number",
		`{"1": {"answer": []}}`:        "answer is a list",
		"{\n\"1\": {}, ":               "x.json:2:",
		`[{"questionId": "1"}]`:        "the file is a list, must be an object",
		`{"1": {"imageId": "a", "q": `: "cut short",
	} {
		if _, _, err := convert(text, GQAQuestions, Converter{}); !errors.Is(err, ErrFormat) || !strings.Contains(err.Error(), want) {
			t.Errorf("%s: %v, want %s", text, err, want)
		}
	}
}

// full is a disk that takes so many bytes.
type full struct{ room int }

var errFull = errors.New("no space left")

func (f *full) Write(p []byte) (int, error) {
	if f.room -= len(p); f.room < 0 {
		return 0, errFull
	}
	return len(p), nil
}

func TestAFullDiskIsAnError(t *testing.T) {
	var lines strings.Builder
	for i := range 300 {
		fmt.Fprintf(&lines, `{"identifier": "dev-%d-0", "sentence": "%s", "label": "True"}`+"\n", i, strings.Repeat("a", 1000))
	}
	for _, room := range []int{0, 100_000} {
		if _, err := convertTo(&full{room}, lines.String(), NLVR2Lines, Converter{}); !errors.Is(err, errFull) {
			t.Errorf("room for %d: %v", room, err)
		}
		if _, err := convertTo(&full{room}, `{"1": {"imageId": "`+strings.Repeat("a", 200_000)+`", "question": "a"}}`, GQAQuestions, Converter{}); !errors.Is(err, errFull) {
			t.Errorf("room for %d: %v", room, err)
		}
	}
}

// FuzzOfficial: what is converted is JSON and can be loaded.
func FuzzOfficial(f *testing.F) {
	layouts := []Layout{NLVR2Lines, GQAQuestions, VQAQuestions}
	f.Add(`{"identifier": "dev-1-0-0", "sentence": "a\u0000\ud83d\udc15\"\\", "label": "True"}`, uint8(0))
	f.Add(`{"02": {"imageId": "n1", "question": "Who?", "answer": "x"}}`, uint8(1))
	f.Add(`{"questions": [{"question_id": 1, "image_id": 2, "question": "Who?", "answers": [{"answer": "yes"}, "no"], "answer_type": "other"}]}`, uint8(2))
	f.Add(`[{"question_id": "12", "image_id": "a.jpg", "question": "Who?", "multiple_choice_answer": "No."}]`, uint8(2))
	f.Fuzz(func(t *testing.T, text string, kind uint8) {
		layout := layouts[int(kind)%len(layouts)]
		if o, err := Inspect(strings.NewReader(text), "x.json"); err != nil && o.Layout != "" {
			t.Fatalf("%v, and an error: %v", o, err)
		}
		out, done, err := convert(text, layout, Converter{Answers: NewAnswers(VQA, []string{"yes", "no"})})
		if err != nil {
			return
		}
		examples, err := ReadExamples(context.Background(), layout.Task(), strings.NewReader(out), "x.json")
		if err != nil || len(examples) != done.Entries || !json.Valid([]byte(out)) {
			t.Fatalf("%d of %d, %v:\n%s", len(examples), done.Entries, err, out)
		}
	})
}
