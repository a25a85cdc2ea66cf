package lx

import (
	"errors"
	"fmt"
	"os"
	"path/filepath"
	"strings"
)

// Setting is where a notebook plays: a model with its pictures and questions, and what to train with. [World] makes it.
type Setting struct {
	Name   string // what World was given
	Folder string // that holds data/ and snap/; "" is the built-in world, which the session finds by its name

	Weights string // what [Setting.Open] opens, with Spec
	Spec    Spec
	// Pretrained are weights with all heads of pre-training, and no other: for [Open], with the same Spec.
	Pretrained string

	Split     string   // questions that the model was not trained on, for [Model.Questions]
	Picture   string   // the first picture of Split
	Questions []string // about Picture, two or more
}

// World is the setting that a notebook names in its first cell: "toy" is the built-in world, "published" the published
// weights and data, in the folders data/ and snap/ where `lxmert fetch` and the original's scripts put them: here, or in
// the next folder above that has them. A name with a slash is a folder which holds these two.
func World(name string) *Setting { return must(world(name)) }

func world(name string) (*Setting, error) {
	switch {
	case name == "toy":
		return &Setting{
			Name: name, Weights: "toy", Pretrained: "toy-pretrained", Spec: Spec{Vocab: "toy"}, Split: "heldout", Picture: "COCO_test2015_000000500001",
			Questions: []string{"what color is the star?", "what shape is the yellow thing?"},
		}, nil
	case name == "published":
		here, err := os.Getwd()
		if err != nil {
			return nil, err
		}
		folder, err := publishedFolder(here)
		if err != nil {
			return nil, err
		}
		return published(name, folder)
	case strings.ContainsRune(name, filepath.Separator):
		folder, err := filepath.Abs(name)
		if err != nil {
			return nil, err
		}
		if !holdsData(folder) {
			return nil, fmt.Errorf("%s has no data/vqa, data/gqa or data/nlvr2: World takes a folder with data/ and snap/ in it; `lxmert fetch weights vqa --dir %s` brings the published ones, and `lxmert questions` makes data/vqa/train.json and the like of your own questions", folder, folder)
		}
		return published(name, folder)
	}
	return nil, fmt.Errorf(`there is no world %q; there are "toy", "published", and the names of folders that hold data/ and snap/, such as "../lxmert"`, name)
}

// publishedFolder is the next folder, from here upwards, with questions in it.
func publishedFolder(here string) (string, error) {
	for dir := here; ; dir = filepath.Dir(dir) {
		if holdsData(dir) {
			return dir, nil
		}
		if dir == filepath.Dir(dir) {
			return "", fmt.Errorf("the published data are neither in %s nor above it: no data/vqa, data/gqa or data/nlvr2 there; `lxmert fetch weights vqa` brings them to where it runs, or give World the folder that holds data/ and snap/", here)
		}
	}
}

func holdsData(dir string) bool {
	for task := range publishedRecipes {
		if info, err := os.Stat(filepath.Join(dir, "data", dataFolder(task))); err == nil && info.IsDir() {
			return true
		}
	}
	return false
}

// published describes a folder of the published layout. The model that answers is the one fine-tuned on VQA if the
// original's script has made it, else that of pre-training with its 9,500 answers.
func published(name, folder string) (*Setting, error) {
	in := func(parts ...string) string { return filepath.Join(append([]string{folder}, parts...)...) }
	s := &Setting{Name: name, Folder: folder, Split: "minival", Weights: in("snap", "pretrained", "model")}
	s.Pretrained = s.Weights
	if _, err := os.Stat(in("snap", "vqa", "vqa_lxr955", "BEST.pth")); err == nil {
		s.Weights = in("snap", "vqa", "vqa_lxr955", "BEST")
	}
	s.Spec = Spec{Regions: []string{in("data", "mscoco_imgfeat", "val2014_obj36.tsv")}, Folder: folder}
	for name, to := range map[string]*string{"images": &s.Spec.Images, "vocab.txt": &s.Spec.Vocab} {
		if _, err := os.Stat(in("data", name)); err == nil {
			*to = in("data", name)
		}
	}
	var err error
	path := in("data", "vqa", s.Split+".json")
	if s.Picture, s.Questions, err = firstPicture(path); errors.Is(err, os.ErrNotExist) {
		return s, nil // a folder for GQA or NLVR2 alone; whoever asks for questions hears what is missing
	}
	return s, err
}

// firstPicture is the first picture of a question file that two questions are about, near the file's beginning.
func firstPicture(path string) (picture string, questions []string, err error) {
	if _, err := os.Stat(path); err != nil {
		return "", nil, err
	}
	const maxSearched = 5000 // questions; a file may have half a million
	read, err := cell().Questions(cell().ctx, path, maxSearched)
	if err != nil {
		return "", nil, err
	}
	about := map[string][]string{}
	for _, q := range read {
		image := q.Images[0]
		if about[image] = append(about[image], q.Text); len(about[image]) == 2 {
			return image, about[image], nil
		}
	}
	return "", nil, fmt.Errorf("%s asks about no picture twice in its first %d questions; notebooks show two questions about one picture", path, maxSearched)
}

// Open opens the world's model, with its pictures. Files that are named replace the world's, such as the Regions and Images
// of your own pictures.
func (s *Setting) Open(with ...Spec) *Model {
	spec := s.Spec
	if len(with) > 0 {
		spec = must(s.with(with[0]))
	}
	return Open(s.Weights, spec)
}

// with puts files into the place of the world's. Relative names are the cell's own, not those of the world's folder.
func (s *Setting) with(own Spec) (Spec, error) {
	spec := s.Spec
	set := func(to *string, name string) (err error) {
		if name != "" && name != "toy" {
			name, err = filepath.Abs(name)
		}
		if name != "" {
			*to = name
		}
		return err
	}
	if len(own.Regions) > 0 {
		spec.Regions = make([]string, len(own.Regions))
	}
	err := errors.Join(
		set(&spec.Config, own.Config), set(&spec.Vocab, own.Vocab), set(&spec.Answers, own.Answers),
		set(&spec.Objects, own.Objects), set(&spec.Attributes, own.Attributes), set(&spec.Images, own.Images),
	)
	for i, name := range own.Regions {
		err = errors.Join(err, set(&spec.Regions[i], name))
	}
	spec.BFloat16 = spec.BFloat16 || own.BFloat16
	if own.Engine != "" {
		spec.Engine = own.Engine
	}
	return spec, err
}

// Recipe is how a task is trained and evaluated in a world.
type Recipe struct {
	Flags  string // of the command line: splits, what to begin with, sizes of steps
	Trial  string // what to add for a short run that is only to show whether all works
	Test   string // the split to report on, for [Evaluate]
	HandIn string // the split whose predictions a leaderboard takes
}

// Recipe returns how to train on "vqa", "gqa" or "nlvr2": for published data as the original's scripts do, in the toy world
// for seconds, from its model. That of "pretrain" goes on with pre-training from the world's pre-trained weights.
func (s *Setting) Recipe(task string) Recipe { return must(s.recipe(task)) }

func (s *Setting) recipe(task string) (r Recipe, err error) {
	recipes := publishedRecipes
	if s.Folder == "" {
		recipes = toyRecipes
	}
	r, ok := recipes[task]
	if !ok {
		return r, fmt.Errorf(`there is no task %q; there are "vqa", "gqa", "nlvr2" and "pretrain"`, task)
	}
	if s.Folder == "" {
		return r, nil
	}
	// A run's own folder is the notebook's, not that of the data.
	data := filepath.Join(s.Folder, "data")
	if info, err := os.Stat(filepath.Join(data, dataFolder(task))); err != nil || !info.IsDir() {
		return r, fmt.Errorf("%s has no data of %s; `lxmert fetch weights %s --dir %s` brings the published ones, and `lxmert questions` makes them of your own", data, task, task, s.Folder)
	}
	r.Flags = strings.ReplaceAll(r.Flags, pretrained, quoted(filepath.Join(s.Folder, pretrained))) + " --data " + quoted(data)
	return r, nil
}

// dataFolder is what a task's folder in data/ is called.
func dataFolder(task string) string {
	if task == "pretrain" {
		return "lxmert"
	}
	return task
}

// pretrained are the published weights, relative to the folder of data/ and snap/.
const pretrained = "snap/pretrained/model"

// publishedRecipes are the published run/*_finetune.bash, and one that goes on with pre-training.
var publishedRecipes = map[string]Recipe{
	"vqa": {
		Flags: "--train train,nominival --valid minival --loadLXMERTQA " + pretrained + " --batchSize 32 --optim bert --lr 5e-5 --epochs 4",
		Trial: "--tiny --epochs 1", Test: "minival", HandIn: "test",
	},
	"gqa": {
		Flags: "--train train,valid --valid testdev --loadLXMERTQA " + pretrained + " --batchSize 32 --optim bert --lr 1e-5 --epochs 4",
		Trial: "--tiny --epochs 1", Test: "testdev", HandIn: "submit",
	},
	"nlvr2": {
		Flags: "--train train --valid valid --loadLXMERT " + pretrained + " --batchSize 32 --optim bert --lr 5e-5 --epochs 4",
		Trial: "--tiny --epochs 1", Test: "valid", HandIn: "test",
	},
	"pretrain": {
		Flags: "--train mscoco_nominival --valid mscoco_minival --loadLXMERT " + pretrained + " --batchSize 32 --optim bert --lr 1e-5 --epochs 1",
		Trial: "--tiny",
	},
}

// toyRecipes go on with the toy world's model: on VQA's questions that it has not seen, on the same kinds of questions in
// GQA's files, and for NLVR2 with a head that has yet to learn.
var toyRecipes = map[string]Recipe{
	"vqa": {
		Flags: "--train nominival --valid minival --load toy --data toy --batchSize 32 --lr 1e-4 --epochs 2",
		Trial: "--epochs 3", Test: "heldout", HandIn: "test",
	},
	"gqa": {
		Flags: "--train train --valid valid --load toy --data toy --batchSize 32 --lr 1e-4 --epochs 2",
		Trial: "--epochs 3", Test: "testdev", HandIn: "submit",
	},
	"nlvr2": {
		Flags: "--train train --valid valid --loadLXMERT toy --data toy --batchSize 32 --lr 3e-4 --epochs 4",
		Trial: "--epochs 6", Test: "valid", HandIn: "test",
	},
	"pretrain": {
		Flags: "--train mscoco_nominival --valid mscoco_minival --loadLXMERT toy-pretrained --data toy --batchSize 32 --lr 1e-4 --epochs 2",
		Trial: "--epochs 1",
	},
}

// quoted is a word of a line of flags, as [FineTune] takes it apart.
func quoted(word string) string {
	if !strings.ContainsAny(word, " \t\n'\"") {
		return word
	}
	return `"` + strings.ReplaceAll(word, `"`, `"'"'"`) + `"`
}
