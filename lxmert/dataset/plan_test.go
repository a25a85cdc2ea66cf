package dataset

import (
	"fmt"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"testing"
)

func TestSplitsTakeTheFilesOfTheReference(t *testing.T) {
	cases := []struct {
		task   *Task
		splits string
		limit  int
		want   string // feature files without _obj36.tsv, with their rows; * where loaded once per run
	}{
		{VQA, "train,nominival", 0, "mscoco_imgfeat/train2014 mscoco_imgfeat/val2014"},
		{VQA, "train,nominival", 512, "mscoco_imgfeat/train2014:512 mscoco_imgfeat/val2014:512"},
		{VQA, "nominival,minival", 0, "mscoco_imgfeat/val2014 mscoco_imgfeat/val2014:5000"},
		{VQA, "minival", 512, "mscoco_imgfeat/val2014:512"},
		{VQA, "valid", 0, "mscoco_imgfeat/val2014"},
		{VQA, "test", 0, "mscoco_imgfeat/test2015"},
		{VQA, "stage1,train", 3, "mscoco_imgfeat/stage1:3 mscoco_imgfeat/train2014:3"},
		{GQA, "train,valid", 0, "vg_gqa_imgfeat/vg_gqa*"},
		{GQA, "train_all,valid_all", 512, "vg_gqa_imgfeat/vg_gqa:512*"},
		{GQA, "submit", 0, "vg_gqa_imgfeat/vg_gqa*"},
		{GQA, "testdev", 512, "vg_gqa_imgfeat/gqa_testdev*"},
		{GQA, "train,testdev_all", 512, "vg_gqa_imgfeat/gqa_testdev*"},
		{GQA, "mine", 512, "vg_gqa_imgfeat/vg_gqa:512*"}, // as the reference, where there is no file of that name
		{GQA, "own,train", 512, "vg_gqa_imgfeat/vg_gqa:512* vg_gqa_imgfeat/own:512*"},
		{GQA, "own,testdev", 512, "vg_gqa_imgfeat/gqa_testdev* vg_gqa_imgfeat/own:512*"},
		{NLVR2, "train", 0, "nlvr2_imgfeat/train"},
		{NLVR2, "test,valid,train", 5, "nlvr2_imgfeat/train:5 nlvr2_imgfeat/valid:5 nlvr2_imgfeat/test:5"},
		{NLVR2, "test1,test_two", 0, "nlvr2_imgfeat/test"},
		{NLVR2, "hidden", 0, "nlvr2_imgfeat/test"},
		{NLVR2, "own_hidden", 0, "nlvr2_imgfeat/own_hidden"},
		{NLVR2, "stage1", 0, "nlvr2_imgfeat/stage1"},
	}
	root := t.TempDir()
	for _, name := range []string{"vg_gqa_imgfeat/own_obj36.tsv", "nlvr2_imgfeat/own_hidden_obj36.zip"} {
		writeFile(t, filepath.Join(root, name), "")
	}
	for _, c := range cases {
		splits := strings.Split(c.splits, ",")
		p, err := planOf(c.task, root, splits, c.limit)
		if err != nil {
			t.Fatal(err)
		}
		var got []string
		for _, f := range p.features {
			name := strings.TrimPrefix(strings.TrimSuffix(f.path, "_obj36.tsv"), root+"/")
			if f.rows > 0 {
				name += fmt.Sprintf(":%d", f.rows)
			}
			if f.once {
				name += "*"
			}
			got = append(got, name)
		}
		if s := strings.Join(got, " "); s != c.want {
			t.Errorf("%s %s, limit %d: %s, want %s", c.task, c.splits, c.limit, s, c.want)
		}
		for i, split := range splits {
			if want := root + "/" + c.task.Name + "/" + split + ".json"; p.questions[i] != want {
				t.Errorf("%s, want %s", p.questions[i], want)
			}
		}
	}
}

func TestHiddenPicturesMayHaveAFileOfTheirOwn(t *testing.T) {
	root := t.TempDir()
	if err := os.MkdirAll(filepath.Join(root, "nlvr2_imgfeat", "hidden_obj36.store"), 0o777); err != nil {
		t.Fatal(err)
	}
	for _, split := range []string{"hidden", "hidden_half"} {
		p, err := planOf(NLVR2, root, []string{split}, 0)
		if want := root + "/nlvr2_imgfeat/hidden_obj36.tsv"; err != nil || len(p.features) != 1 || p.features[0].path != want {
			t.Errorf("%s: %v, %v", split, p, err)
		}
	}
}

func TestPathsKeepTheRootAsGiven(t *testing.T) {
	for root, want := range map[string]string{
		"": "data/vqa/test.json", "data": "data/vqa/test.json", "./data/": "./data/vqa/test.json", "/": "/vqa/test.json",
	} {
		if p, err := planOf(VQA, root, []string{"test"}, 0); err != nil || p.questions[0] != want {
			t.Errorf("%q: %v, %v, want %s", root, p.questions, err, want)
		}
	}
}

func TestNoSplitLeavesItsFolder(t *testing.T) {
	for _, split := range []string{"", ".", "..", "../vqa/train", `a\b`, "/train"} {
		if _, err := planOf(GQA, "", []string{"train", split}, 0); err == nil || !strings.Contains(err.Error(), "cannot be the name of a split") {
			t.Errorf("%q: %v", split, err)
		}
	}
	if _, err := FindTask("okvqa"); err == nil || !strings.Contains(err.Error(), `there is no task "okvqa"; there are vqa, gqa and nlvr2`) {
		t.Error(err)
	}
	if _, err := planOf(GQA, "", []string{"train"}, -1); err == nil || !strings.Contains(err.Error(), "a limit of -1") {
		t.Error(err)
	}
	if _, err := planOf(GQA, "", nil, 0); err == nil || !strings.Contains(err.Error(), "no split of gqa") {
		t.Error(err)
	}
}

func writeFile(t testing.TB, path, text string) {
	t.Helper()
	if err := os.MkdirAll(filepath.Dir(path), 0o777); err != nil {
		t.Fatal(err)
	}
	if err := os.WriteFile(path, []byte(text), 0o666); err != nil {
		t.Fatal(err)
	}
}

func TestFeatureFilesAreListedByTheirNames(t *testing.T) {
	root := t.TempDir()
	dir := filepath.Join(root, "mscoco_imgfeat")
	for _, name := range []string{"a_obj36.tsv", "a_obj36.store/x", "b_obj36.store/x", "c.tsv", "d_obj36.first512.store/x"} {
		path := filepath.Join(dir, filepath.FromSlash(name))
		if err := os.MkdirAll(filepath.Dir(path), 0o777); err != nil {
			t.Fatal(err)
		}
		if err := os.WriteFile(path, nil, 0o666); err != nil {
			t.Fatal(err)
		}
	}
	if got, want := FeatureFiles(root, VQA), []string{filepath.Join(dir, "a_obj36.tsv"), filepath.Join(dir, "b_obj36.tsv")}; !slices.Equal(got, want) {
		t.Errorf("%q, want %q", got, want)
	}
}
