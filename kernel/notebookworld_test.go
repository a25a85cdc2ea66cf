package main

import (
	"encoding/json"
	"os"
	"path/filepath"
	"testing"

	"github.com/seed-516990b0/golxmert/lxmert/toy"
	"github.com/seed-516990b0/golxmert/lxmert/weights"
)

// TestPublishedIsOneLine runs the notebooks with their other world, on a folder of the published layout: the toy world's
// data, which have the published names, weights of its sizes, and the notebooks below that folder.
func TestPublishedIsOneLine(t *testing.T) {
	n := openNotebooks(t)
	root := publishedLayout(t)
	n.folder = filepath.Join(root, "notebooks")
	makeFolder(t, n.folder)
	ownFeatures(t, filepath.Join(n.folder, "out", "mine"))
	const toy, published = `const world = "toy"`, `const world = "published"`

	n.run(t, "01", "-published", toy, published).expect(t, `COCO_val2014_000000300001\]`, `bi-modal relevance`, `% of 200 questions`)
	n.run(t, "02", "-published", toy, published).expect(t, `wrote out/entropy.csv`)
	n.run(t, "03", "-published", toy, published).expect(t, `relevance\tpositive`, `spearman`)
	n.run(t, "06", "-published", toy, published).expect(t, `--train train,nominival --valid minival --loadLXMERTQA `+root+`/snap/pretrained/model .* --data `+root+`/data`,
		`snap/notebook06/published-vqa: done, best`, `-stopped: stopped`, `-stopped: done`, `minival: \d+ predictions`, `test: \d+ predictions`)
	config := "--config " + filepath.Join(root, "snap", "pretrained", "config.json") // these data are narrower than the published
	n.run(t, "09", "-published", toy, published, "--loadLXMERT= --fromScratch", "--loadLXMERT= "+config+" --fromScratch",
		"--loadLXMERTQA= --fromScratch", "--loadLXMERTQA= "+config+" --fromScratch").expect(t, `--loadLXMERT `+root+`/snap/pretrained/model .* --data `+root+`/data`,
		`snap/notebook09/published: done`, `mscoco AUC 0\.`, `-scratch: done`, `-vqa: done`, `-vqa-scratch: done`)
	n.run(t, "08", "-published", toy, published).expect(t, `\[garden\]`, `right is map\[blue:1\]`, `2 pictures in`, `run: done`, `after:  [\d.]+ %`)
}

func makeFolder(t *testing.T, path string) {
	t.Helper()
	if err := os.MkdirAll(path, 0o777); err != nil {
		t.Fatal(err)
	}
}

// publishedLayout makes a folder with data/ and snap/. Its questions for training are few.
func publishedLayout(t *testing.T) string {
	t.Helper()
	world, err := toy.Folder()
	if err != nil {
		t.Fatal(err)
	}
	root, err := filepath.EvalSymlinks(t.TempDir())
	if err != nil {
		t.Fatal(err)
	}
	link := func(from string, to ...string) {
		t.Helper()
		path := filepath.Join(append([]string{root}, to...)...)
		makeFolder(t, filepath.Dir(path))
		if err := os.Symlink(filepath.Join(world, from), path); err != nil {
			t.Fatal(err)
		}
	}
	for _, name := range []string{"vocab.txt", "lxmert", "mscoco_imgfeat"} {
		link("data/"+name, "data", name)
	}
	for _, name := range []string{"minival", "test", "trainval_ans2label", "trainval_label2ans"} {
		link("data/vqa/"+name+".json", "data", "vqa", name+".json")
	}
	for _, split := range []string{"train", "nominival"} {
		var questions []json.RawMessage
		text, err := os.ReadFile(filepath.Join(world, "data", "vqa", split+".json"))
		if err == nil {
			err = json.Unmarshal(text, &questions)
		}
		if err == nil {
			text, err = json.Marshal(questions[:min(320, len(questions))])
		}
		if err == nil {
			err = os.WriteFile(filepath.Join(root, "data", "vqa", split+".json"), text, 0o666)
		}
		if err != nil {
			t.Fatal(err)
		}
	}
	link("images", "data", "images")
	link("snap/vqa/toy/LAST.pth", "snap", "vqa", "vqa_lxr955", "BEST.pth")
	link("config.json", "snap", "vqa", "vqa_lxr955", "config.json")
	if _, err := toy.FindWeights(toy.Pretrained); err != nil { // which puts them where they are linked from
		t.Fatal(err)
	}
	link("snap/pretrained/model_LXRT.pth", "snap", "pretrained", "model_LXRT.pth")
	link("config.json", "snap", "pretrained", "config.json")
	return root
}

// ownFeatures are what notebook 08 asks for beside photographs: features of garden and harbour.
func ownFeatures(t *testing.T, folder string) {
	t.Helper()
	makeFolder(t, filepath.Join(folder, "features"))
	makeFolder(t, filepath.Join(folder, "pictures"))
	for _, id := range []string{"garden", "harbour"} {
		scene := &toy.Scene{ID: id, Width: toy.Side, Height: toy.Side, Objects: []toy.Object{
			{Shape: "circle", Color: "blue", Size: "large", Box: [4]float32{20, 20, 60, 60}},
			{Shape: "square", Color: "red", Size: "small", Box: [4]float32{100, 90, 120, 110}},
		}}
		r, err := toy.NewDetector(1).Detect(toy.Render(scene))
		if err != nil {
			t.Fatal(err)
		}
		err = weights.Write(filepath.Join(folder, "features", id+".safetensors"), []weights.Item{
			weights.FromFloats("features", []int{r.N, r.Dim}, r.Features, weights.F32),
			weights.FromFloats("boxes", []int{r.N, 4}, r.Boxes, weights.F32),
			weights.FromFloats("width", nil, []float32{float32(r.Width)}, weights.F32),
			weights.FromFloats("height", nil, []float32{float32(r.Height)}, weights.F32),
		}, nil)
		if err != nil {
			t.Fatal(err)
		}
	}
}
