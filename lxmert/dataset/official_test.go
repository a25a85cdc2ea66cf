package dataset

import (
	"context"
	"encoding/json"
	"errors"
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
	var out strings.Builder
	n, err := ConvertNLVR2(&out, strings.NewReader(official), "train")
	if n != 3 || err != nil || out.String() != want {
		t.Fatalf("%d, %v\n%s", n, err, out.String())
	}
	examples, err := read(NLVR2, out.String())
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
	var out strings.Builder
	n, err := ConvertGQA(&out, strings.NewReader(official))
	if n != 2 || err != nil || out.String() != want {
		t.Fatalf("%d, %v\n%s", n, err, out.String())
	}
	examples, err := read(GQA, out.String())
	if err != nil {
		t.Fatal(err)
	}
	if e := (Example{ID: "02930152", Images: []string{"2354786"}, Text: "Is the sky dark?", Labels: []Label{{"yes", 1}}, Class: -1}); !reflect.DeepEqual(examples[0], e) {
		t.Errorf("%+v", examples[0])
	}
	if examples[1].Labels != nil {
		t.Errorf("%+v", examples[1])
	}
	out.Reset()
	if n, err := ConvertGQA(&out, strings.NewReader("{}")); n != 0 || err != nil || out.String() != "[]" {
		t.Errorf("%d, %v, %s", n, err, out.String())
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
		if _, err := ConvertNLVR2(new(strings.Builder), strings.NewReader(text), "valid"); !errors.Is(err, ErrFormat) || !strings.Contains(err.Error(), want) {
			t.Errorf("%s: %v, want %s", text, err, want)
		}
	}
	for text, want := range map[string]string{
		"":                             "the file ends here",
		`{"1": {"question": "a"}}`:     `question 1: "1" has no imageId`,
		`{"1": {"imageId": "a"}}`:      `"1" has no question`,
		`{"1": {"imageId": 1}}`:        "imageId is a number",
		`{"1": {"answer": []}}`:        "answer is a list",
		"{\n\"1\": {}, ":               "GQA's official file:2:",
		`[{"questionId": "1"}]`:        "the file is a list, must be an object",
		`{"1": {"imageId": "a", "q": `: "cut short",
	} {
		if _, err := ConvertGQA(new(strings.Builder), strings.NewReader(text)); !errors.Is(err, ErrFormat) || !strings.Contains(err.Error(), want) {
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
	line := `{"identifier": "dev-1-0-0", "sentence": "` + strings.Repeat("a", 1000) + `", "label": "True"}` + "\n"
	for _, room := range []int{0, 100_000} {
		if _, err := ConvertNLVR2(&full{room}, strings.NewReader(strings.Repeat(line, 300)), "valid"); !errors.Is(err, errFull) {
			t.Errorf("room for %d: %v", room, err)
		}
		if _, err := ConvertGQA(&full{room}, strings.NewReader(`{"1": {"imageId": "`+strings.Repeat("a", 200_000)+`", "question": "a"}}`)); !errors.Is(err, errFull) {
			t.Errorf("room for %d: %v", room, err)
		}
	}
}

// FuzzOfficial: what is converted is JSON and can be loaded.
func FuzzOfficial(f *testing.F) {
	f.Add(`{"identifier": "dev-1-0-0", "sentence": "a\u0000\ud83d\udc15\"\\", "label": "True"}`, false)
	f.Add(`{"02": {"imageId": "n1", "question": "Who?", "answer": "x"}}`, true)
	f.Fuzz(func(t *testing.T, text string, gqa bool) {
		var out strings.Builder
		var n int
		var err error
		task := NLVR2
		if gqa {
			task = GQA
			n, err = ConvertGQA(&out, strings.NewReader(text))
		} else {
			n, err = ConvertNLVR2(&out, strings.NewReader(text), "valid")
		}
		if err != nil {
			return
		}
		examples, err := ReadExamples(context.Background(), task, strings.NewReader(out.String()), "x.json")
		if err != nil || len(examples) != n || !json.Valid([]byte(out.String())) {
			t.Fatalf("%d of %d, %v:\n%s", len(examples), n, err, out.String())
		}
	})
}
