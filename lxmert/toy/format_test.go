package toy

import (
	"bytes"
	"math"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"testing"

	"github.com/seed-516990b0/golxmert/lxmert/token"
	"github.com/seed-516990b0/golxmert/lxmert/weights"
)

// featureFiles says in which feature file the reference looks for a split's pictures.
var featureFiles = []struct{ path, task, splits string }{
	{"mscoco_imgfeat/stage1", "vqa", "stage1"}, {"mscoco_imgfeat/stage2", "vqa", "stage2"},
	{"mscoco_imgfeat/train2014", "vqa", "train"}, {"mscoco_imgfeat/val2014", "vqa", "minival,nominival"},
	{"mscoco_imgfeat/heldout", "vqa", "heldout"}, {"mscoco_imgfeat/test2015", "vqa", "heldout"}, {"mscoco_imgfeat/novel", "vqa", "novel"},
	{"vg_gqa_imgfeat/vg_gqa", "gqa", "train,valid,submit"}, {"vg_gqa_imgfeat/gqa_testdev", "gqa", "testdev"},
	{"nlvr2_imgfeat/train", "nlvr2", "train"}, {"nlvr2_imgfeat/valid", "nlvr2", "valid"}, {"nlvr2_imgfeat/test", "nlvr2", "test"},
}

func TestFeatureFilesHoldWhatTheScenesSay(t *testing.T) {
	w := smallWorld(t)
	for _, file := range featureFiles {
		var scenes []*Scene
		for _, split := range strings.Split(file.splits, ",") {
			scenes = append(scenes, readScenes(t, w, file.task, split)...)
		}
		all := readRegions(t, w, featurePath(file.path))
		if len(all) != len(scenes) {
			t.Fatalf("%s has %d pictures, %d were drawn", file.path, len(all), len(scenes))
		}
		for i, r := range all {
			s := scenes[i]
			if r.ID != s.ID || r.Width != Side || r.Height != Side || r.N != s.ROIs() || r.Dim != FeatDim {
				t.Fatalf("%s: %s %dx%d with %d RoIs of %d features, drawn was %s with %d", file.path, r.ID, r.Width, r.Height, r.N, r.Dim, s.ID, s.ROIs())
			}
			if err := r.CheckFinite(); err != nil {
				t.Fatal(err)
			}
			if _, err := r.NormalBoxes(nil); err != nil {
				t.Fatal(err)
			}
			for _, o := range s.Objects {
				if !slices.Equal(r.Boxes[4*o.ROI:4*o.ROI+4], o.Box[:]) {
					t.Fatalf("%s: RoI %d has the box %v, the object %v", s.ID, o.ROI, r.Boxes[4*o.ROI:4*o.ROI+4], o.Box)
				}
				if Shapes[r.ObjectIDs[o.ROI]] != o.Shape || Colors[r.AttrIDs[o.ROI]] != o.Color || r.ObjectConf[o.ROI] < 0.6 || r.AttrConf[o.ROI] < 0.5 {
					t.Fatalf("%s: RoI %d is labelled %d, %d", s.ID, o.ROI, r.ObjectIDs[o.ROI], r.AttrIDs[o.ROI])
				}
			}
			for _, d := range s.Distractors {
				if !slices.Equal(r.Boxes[4*d.ROI:4*d.ROI+4], d.Box[:]) || r.ObjectConf[d.ROI] > 0.45 || r.AttrConf[d.ROI] > 0.4 {
					t.Fatalf("%s: RoI %d", s.ID, d.ROI)
				}
			}
			for roi := range r.N {
				confidences := []float32{r.ObjectConf[roi], r.AttrConf[roi]}
				if slices.Min(confidences) <= 0 || slices.Max(confidences) >= 1 || int(r.ObjectIDs[roi]) >= len(Shapes) || int(r.AttrIDs[roi]) >= len(Colors) {
					t.Fatalf("%s: RoI %d is labelled %d, %d, %v", s.ID, roi, r.ObjectIDs[roi], r.AttrIDs[roi], confidences)
				}
			}
		}
	}
}

func TestFeatureFilesLookAsPythonWritesThem(t *testing.T) {
	text, err := os.ReadFile(filepath.Join(smallWorld(t).Data(), "mscoco_imgfeat", "heldout_obj36.tsv"))
	if err != nil {
		t.Fatal(err)
	}
	rows := bytes.SplitAfter(text, []byte("\r\n"))
	if last := rows[len(rows)-1]; len(last) > 0 {
		t.Errorf("the last row ends in %q", last[max(0, len(last)-10):])
	}
	for _, row := range rows[:len(rows)-1] {
		if n := bytes.Count(row, []byte("\t")); n != 9 || bytes.Count(row, []byte("\n")) != 1 {
			t.Fatalf("a row has %d tabs: %.80q", n, row)
		}
	}
}

func TestTestIsHeldoutWithoutAnswers(t *testing.T) {
	w := smallWorld(t)
	test, heldout := readJSON[[]entry](t, w, "data/vqa/test.json"), readJSON[[]entry](t, w, "data/vqa/heldout.json")
	if len(test) != len(heldout) {
		t.Fatalf("%d questions in test, %d in heldout", len(test), len(heldout))
	}
	for i, e := range heldout {
		e.Label, e.Kind, e.AnswerType = nil, "", ""
		if test[i].Text != e.Text || !bytes.Equal(test[i].ID, e.ID) || test[i].Image != e.Image || test[i].Label != nil || test[i].Kind != "" {
			t.Fatalf("question %d is %+v in test and %+v in heldout", i, test[i], e)
		}
	}
	for _, e := range readJSON[[]entry](t, w, "data/gqa/submit.json") {
		if e.Label != nil {
			t.Fatalf("GQA's submit gives away the answer of %s", e.ID)
		}
	}
}

func TestQuestionsAndPicturesHaveIDsOfTheirOwn(t *testing.T) {
	w := smallWorld(t)
	pictures, questions := map[string]bool{}, map[string]bool{}
	for _, split := range w.Splits {
		for _, s := range readScenes(t, w, split.Task, split.Name) {
			if pictures[s.ID] {
				t.Fatalf("picture %s is in two splits", s.ID)
			}
			pictures[s.ID] = true
		}
		for _, q := range readTruths(t, w, split.Task, split.Name) {
			if questions[split.Task+q.ID] {
				t.Fatalf("%s has question %s twice", split.Task, q.ID)
			}
			questions[split.Task+q.ID] = true
		}
	}
}

func TestIDsAreThoseOfThePublishedData(t *testing.T) {
	w := smallWorld(t)
	for _, want := range []struct{ task, split, picture, question string }{
		{"vqa", "train", "COCO_train2014_000000000001", "1000"}, {"vqa", "minival", "COCO_val2014_000000300001", "300001000"},
		{"vqa", "heldout", "COCO_test2015_000000500001", "500001000"}, {"gqa", "train", "2300001", `"23000010"`},
		{"gqa", "testdev", "n2330001", `"23300010"`},
	} {
		e := readJSON[[]entry](t, w, questionPath(want.task+"/"+want.split))[0]
		if e.Image != want.picture || string(e.ID) != want.question {
			t.Errorf("%s %s begins with %s of %s, not %s of %s", want.task, want.split, e.ID, e.Image, want.question, want.picture)
		}
	}
	if e := readJSON[[]entry](t, w, "data/nlvr2/valid.json")[1]; e.Identifier != "dev-0-1-0" || e.Left != "dev-0-1-img0" {
		t.Errorf("NLVR2's second is %+v", e)
	}
}

func TestAnswerTablesAgree(t *testing.T) {
	w := smallWorld(t)
	if len(Answers) != 24 {
		t.Errorf("%d answers", len(Answers))
	}
	for _, task := range []string{"vqa", "gqa"} {
		list := readJSON[[]string](t, w, "data/"+task+"/trainval_label2ans.json")
		labels := readJSON[map[string]int](t, w, "data/"+task+"/trainval_ans2label.json")
		if !slices.Equal(list, Answers) || len(labels) != len(list) {
			t.Errorf("%s: %v and %v", task, list, labels)
		}
		for i, answer := range list {
			if labels[answer] != i {
				t.Errorf("%s: %s is %d, not %d", task, answer, labels[answer], i)
			}
		}
	}
	for i, a := range readJSON[[]struct {
		Answer string   `json:"ans"`
		Sets   []string `json:"dsets"`
	}](t, w, "data/lxmert/all_ans.json") {
		if a.Answer != Answers[i] || !slices.Contains(a.Sets, "vqa") || !slices.Contains(a.Sets, "gqa") {
			t.Errorf("answer %d of pre-training is %+v", i, a)
		}
	}
	used := map[string]bool{}
	for _, e := range readJSON[[]entry](t, w, "data/vqa/train.json") {
		used[e.answer(t)] = true
	}
	for _, answer := range Answers {
		if !used[answer] {
			t.Errorf("nothing is answered by %s", answer)
		}
	}
}

func TestEverySentenceFitsTheVocabulary(t *testing.T) {
	w := smallWorld(t)
	pieces, err := token.Load(w.Vocab())
	if err != nil {
		t.Fatal(err)
	}
	special, err := pieces.SpecialIDs()
	if err != nil || special != ModelConfig().Special || pieces.Size() != ModelConfig().Vocab {
		t.Errorf("%+v, %d pieces, %v", special, pieces.Size(), err)
	}
	used := map[string]bool{}
	longest := 0
	read := func(text string, most int) {
		all := pieces.Tokenize(text)
		for _, piece := range all {
			if used[piece] = true; piece == "[UNK]" {
				t.Fatalf("%q has words that are not in the vocabulary", text)
			}
		}
		if longest = max(longest, len(all)+2); len(all)+2 > most {
			t.Fatalf("%q has %d pieces with [CLS] and [SEP], at most %d were meant", text, len(all)+2, most)
		}
	}
	for _, split := range w.Splits {
		most := 14
		if split.Task == "nlvr2" {
			most = 16
		}
		for _, e := range readJSON[[]entry](t, w, questionPath(split.Task+"/"+split.Name)) {
			read(e.Text, most)
		}
	}
	for _, file := range []string{"mscoco_train", "mscoco_minival", "mscoco_nominival", "vgnococo"} {
		for _, r := range readJSON[[]struct {
			Texts map[string][]string `json:"sentf"`
		}](t, w, "data/lxmert/"+file+".json") {
			for _, texts := range r.Texts {
				for _, text := range texts {
					read(text, 18)
				}
			}
		}
	}
	for _, word := range slices.Concat(words, Shapes, Colors, Sizes) {
		if !used[word] && word != "yes" && word != "no" {
			t.Errorf("no sentence has %q", word)
		}
	}
	if longest > ModelConfig().MaxPositions {
		t.Errorf("%d pieces, the model has %d positions", longest, ModelConfig().MaxPositions)
	}
	for _, text := range append(slices.Clone(Answers), "Where's that odd-looking thing, then?") {
		if slices.Contains(pieces.Tokenize(text), "[UNK]") {
			t.Errorf("%q has no pieces", text)
		}
	}
}

func TestTheConfigurationIsAModel(t *testing.T) {
	w := smallWorld(t)
	c := ModelConfig()
	if err := c.Check(); err != nil {
		t.Error(err)
	}
	recipe, err := weights.ReadRecipe(w.Config())
	if err != nil {
		t.Fatal(err)
	}
	if recipe.Range != 0.08 || recipe.HiddenDropout != 0 || recipe.AttentionDropout != 0 {
		t.Errorf("%+v", recipe)
	}
	said := recipe.Config
	said.LM, said.Match, said.FeatHead = c.LM, c.Match, c.FeatHead // heads without a size are not in the file
	if said != c {
		t.Errorf("the file says %+v, not %+v", said, c)
	}
	parameters := 0
	for _, p := range c.Params() {
		n := 1
		for _, d := range p.Shape {
			n *= d
		}
		parameters += n
	}
	if math.Abs(float64(parameters)-280e3) > 30e3 {
		t.Errorf("%d parameters", parameters)
	}
}
