package suite_test

import (
	"errors"
	"reflect"
	"strings"
	"testing"

	"github.com/seed-516990b0/golxmert/analysis/suite"
)

// items reads a text as a file of a suite.
func items(t *testing.T, name, file, text string) (all []suite.Item, err error) {
	t.Helper()
	s, err := suite.Find(name)
	if err != nil {
		t.Fatal(err)
	}
	for x, err := range s.Items(strings.NewReader(text), file) {
		if err != nil {
			return all, err
		}
		all = append(all, x)
	}
	return all, nil
}

const svoHeader = "sentence,pos_triplet,neg_triplet,pos_url,neg_url,pos_image_id,neg_image_id,subj_neg,verb_neg,obj_neg\n"

// foils are a right caption, one whose wrong word is of two words, one whose wrong word stands before a full stop, and one in which it does
// not stand.
const foils = `{"images": [{"id": 9, "file_name": "9.jpg"}], "annotations": [
	{"id": 5, "image_id": 9, "caption": "A dog.", "foil": false, "target_word": "ORIG", "foil_word": "ORIG"},
	{"id": 6, "image_id": 9, "caption": "A dog traffic light, on the street", "foil": true, "target_word": "bicycle", "foil_word": "traffic light"},
	{"id": 7, "image_id": 9, "caption": "Two Cats.", "foil": true, "target_word": "bird", "foil_word": "cats"},
	{"id": 8, "image_id": 9, "caption": "Two cats.", "foil": true, "target_word": "bird", "foil_word": "zebra"}]}`

// TestSuitesReadTheirOwnFiles: the layouts are those of the published files, the contents are made up.
func TestSuitesReadTheirOwnFiles(t *testing.T) {
	for _, c := range []struct {
		suite, file, text string
		want              []suite.Item
	}{
		{"pairs", "", `{"images": ["val2014/17"], "sentences": ["a", "b"]}` + "\r\n\n" + `{"id": "x", "group": "g", "images": ["pictures/1.jpg", "2.PNG"], "sentences": ["c"], "right": [[0, 1]]}`, []suite.Item{
			{ID: "1", Images: []string{"val2014/17"}, Sentences: []string{"a", "b"}, Right: [][]int{{1}, {0}}},
			{ID: "x", Group: "g", Images: []string{"1", "2"}, Sentences: []string{"c"}, Right: [][]int{{0, 1}}},
		}},
		{"valse", "data/plurals.json", `{"a_0": {"dataset": "d", "image_file": "p_1.jpg", "caption": "one cat", "foil": "some cats", "classes": "cat", "mturk": {"foil": 0, "caption": 3, "other": 0}},
			"a_1": {"image_file": "p_2.jpg", "caption": "x", "foil": "y", "mturk": {"foil": 2, "caption": 1, "other": 0}},
			"a_2": {"image_file": "p_3.jpg", "caption": ["two cats", "two more"], "foil": ["a cat"], "mturk": {"foil": 1, "caption": 2, "other": 0}}}`, []suite.Item{
			{ID: "a_0", Group: "plurals", Images: []string{"p_1"}, Sentences: []string{"one cat", "some cats"}, Right: [][]int{{1}, {0}}},
			{ID: "a_2", Group: "plurals", Images: []string{"p_3"}, Sentences: []string{"two cats", "a cat"}, Right: [][]int{{1}, {0}}},
		}},
		{"foil", "", `{"info": {}, "annotations": [{"id": 5, "image_id": 9, "caption": "a dog", "foil": false, "foil_id": 1, "target_word": "ORIG", "foil_word": "ORIG"},
			{"id": 5, "image_id": 9, "caption": "a cat", "foil": true, "foil_id": 2, "target_word": "dog", "foil_word": "cat"}], "images": [{"id": 9, "file_name": "COCO_val2014_000000000009.jpg"}]}`, []suite.Item{
			{ID: "5", Images: []string{"COCO_val2014_000000000009"}, Sentences: []string{"a dog"}, Right: [][]int{{1}}},
			{ID: "5", Images: []string{"COCO_val2014_000000000009"}, Sentences: []string{"a cat"}, Right: [][]int{{0}}},
		}},
		{"foil-word", "", foils, []suite.Item{
			{ID: "6", Images: []string{"9"}, Sentences: []string{"A traffic light, on the street", "A dog on the street", "A dog traffic light, on the"}, Right: [][]int{{0}, {1}, {0}}},
			{ID: "7", Images: []string{"9"}, Sentences: []string{"Cats.", "Two"}, Right: [][]int{{0}, {1}}},
		}},
		{"foil-correction", "", foils, []suite.Item{
			{ID: "6", Images: []string{"9"}, Sentences: []string{"A dog bicycle, on the street", "A dog bird, on the street"}, Right: [][]int{{1}, {0}}},
			{ID: "7", Images: []string{"9"}, Sentences: []string{"Two bicycle.", "Two bird."}, Right: [][]int{{0}, {1}}},
		}},
		{"svo", "", svoHeader + `"A dog, running.","dog,run,road","dog,sit,road",u,v,11,12.0,False,True,False` + "\nA cat.,\"cat,sit,mat\",\"dog,sit,bed\",u,v,13,14,True,False,True\n", []suite.Item{
			{ID: "2", Group: "verb", Images: []string{"11", "12"}, Sentences: []string{"A dog, running."}, Right: [][]int{{1, 0}}},
		}},
		{"masked-svo", "", svoHeader + `"A dog, Running.","dog,run,road","dog,sit,road",u,v,11,12,False,True,False` + "\n" + `"A dog, Running.","dog,run,road","cat,run,road",u,v,11,15,True,False,False` + "\nA cat sat.,\"cat,sit,mat\",\"dog,sit,bed\",u,v,13,14,True,False,True\n", []suite.Item{
			{ID: "2", Images: []string{"11"}, Sentences: []string{"A dog, Running."}, Right: [][]int{{1}}, Mask: "running"},
		}},
		{"winoground", "", `{"id": 0, "image_0": "ex_0_img_0", "image_1": "ex_0_img_1", "caption_0": "a b", "caption_1": "b a", "tag": "t", "collapsed_tag": "Object"}` + "\n" + `{"id": 1, "caption_0": "c d", "caption_1": "d c"}` + "\n", []suite.Item{
			{ID: "0", Group: "Object", Images: []string{"ex_0_img_0", "ex_0_img_1"}, Sentences: []string{"a b", "b a"}, Right: [][]int{{1, 0}, {0, 1}}},
			{ID: "1", Images: []string{"ex_1_img_0", "ex_1_img_1"}, Sentences: []string{"c d", "d c"}, Right: [][]int{{1, 0}, {0, 1}}},
		}},
		{"vsr", "", `{"image": "000000050403.jpg", "image_link": "l", "caption": "The bear is behind the person.", "label": 0, "relation": "behind", "annotator_id": 31}`, []suite.Item{
			{ID: "1", Group: "behind", Images: []string{"000000050403"}, Sentences: []string{"The bear is behind the person."}, Right: [][]int{{0}}},
		}},
		{"sugarcrepe", "swap_att.json", `{"0": {"filename": "000000544519.jpg", "caption": "a green shirt", "negative_caption": "a blue shirt"}}`, []suite.Item{
			{ID: "0", Group: "swap_att", Images: []string{"000000544519"}, Sentences: []string{"a green shirt", "a blue shirt"}, Right: [][]int{{1}, {0}}},
		}},
		{"aro", "", `[{"image_id": 3, "image_path": "2373554.jpg", "true_caption": "a on b", "false_caption": "b on a", "relation_name": "on", "bbox_x": 1},
			{"image_path": "2.jpg", "true_caption": "c", "false_caption": "d", "attributes": ["red", "big"]}]`, []suite.Item{
			{ID: "0", Group: "on", Images: []string{"2373554"}, Sentences: []string{"a on b", "b on a"}, Right: [][]int{{1}, {0}}},
			{ID: "1", Group: "red_big", Images: []string{"2"}, Sentences: []string{"c", "d"}, Right: [][]int{{1}, {0}}},
		}},
		{"retrieval", "coco_karpathy_test.json", `[{"image": "val2014/COCO_val2014_000000391895.jpg", "caption": ["a", "b"]}, {"image": "x.jpg", "caption": "c"}]`, []suite.Item{
			{ID: "coco_karpathy_test", Images: []string{"COCO_val2014_000000391895", "x"}, Sentences: []string{"a", "b", "c"}, Right: [][]int{{1, 0}, {1, 0}, {0, 1}}},
		}},
		{"masked", "", `{"images": ["1"], "sentences": ["a cat"], "mask": "cat"}`, []suite.Item{{ID: "1", Images: []string{"1"}, Sentences: []string{"a cat"}, Right: [][]int{{1}}, Mask: "cat"}}},
	} {
		got, err := items(t, c.suite, c.file, c.text)
		if err != nil || !reflect.DeepEqual(got, c.want) {
			t.Errorf("%s: %+v, %v; want %+v", c.suite, got, err, c.want)
		}
	}
}

func TestFilesOfOtherFormsAreErrors(t *testing.T) {
	for _, s := range suite.Suites() {
		for _, text := range []string{"[", "{", `{"a": [`, "nonsense", `[1]`, `{"a": 1}`, svoHeader + "a,b\n", "\x00\xff"} {
			if got, err := items(t, s.Name, "f", text); !errors.Is(err, suite.ErrItem) || strings.ContainsRune(err.Error(), '\n') {
				t.Errorf("%s reads %q as %v, error %v", s.Name, text, got, err)
			}
		}
	}
	for text, want := range map[string]string{
		`{"images": [], "sentences": ["a"]}`:                                      "line 1: not an item of a suite: it has 0 images and 1 sentences",
		`{"images": ["1", "2"], "sentences": ["a"]}`:                              "nothing says which of 1 sentences",
		`{"images": ["1"], "sentences": ["a", " "]}`:                              "a sentence is empty",
		`{"images": ["1"], "sentences": ["a"], "right": [[1], [0]]}`:              "right has 2 rows for 1 sentences",
		`{"images": ["1"], "sentences": ["a"], "right": [[1, 0]]}`:                "right has 2 entries for 1 images",
		`{"images": ["1"], "sentences": ["a"], "right": [[2]]}`:                   "must be 0 or 1",
		`{"images": [".jpg"], "sentences": ["a"]}`:                                "an image has no name",
		`{"images": ["1"], "sentences": ["a"]}` + "\n" + `{"images": "1"}` + "\n": "line 2 is not as expected",
	} {
		if _, err := items(t, "pairs", "f", text); !errors.Is(err, suite.ErrItem) || !strings.Contains(err.Error(), want) {
			t.Errorf("%s: %v, want %q", text, err, want)
		}
	}
	if _, err := items(t, "foil", "f", `{"annotations": [{"image_id": 1, "caption": "a"}]}`); err == nil || !strings.Contains(err.Error(), "image 1, which is not in images") {
		t.Errorf("a foil of no picture: %v", err)
	}
	if _, err := suite.Find("nothing"); err == nil || !strings.Contains(err.Error(), "winoground") {
		t.Errorf("a suite that there is not: %v", err)
	}
}

func FuzzItems(f *testing.F) {
	f.Add(`{"images": ["1"], "sentences": ["a"]}`)
	f.Add(`[{"image_path": "1.jpg", "true_caption": "a", "false_caption": "b"}]`)
	f.Add(svoHeader + `a,"b,c,d",e,f,g,1,2,True,False,False`)
	f.Fuzz(func(t *testing.T, text string) {
		for _, s := range suite.Suites() {
			for x, err := range s.Items(strings.NewReader(text), "f") {
				if err != nil && !errors.Is(err, suite.ErrItem) || err == nil && (len(x.Right) != len(x.Sentences) || len(x.Right[0]) != len(x.Images)) {
					t.Fatalf("%s: %+v, %v", s.Name, x, err)
				}
			}
		}
	})
}
