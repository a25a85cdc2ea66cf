package toy

import (
	"fmt"
	"math"
	"path"
)

// pictureSet is a run of pictures of one kind, and the files that they and what is said about them go to.
type pictureSet struct {
	task, name  string // of the split
	pictures    int    // of the whole world; for NLVR2, groups of 8
	drawn       int    // how many of them are rendered; -1: all
	captioned   int    // how many of them draw captions before their features, from the same random numbers
	told        int    // how many of them go to pretrain
	recipe      recipe
	image       string   // format of a picture's id
	first       int      // number of the first picture
	features    []string // TSVs
	unlabelled  string   // questions without answers, if there is such a file
	pretrain    string   // captions and questions for pre-training, if there is such a file
	captionsSet string   // what pretrain calls the captions
}

// The full world. The first three are the curriculum: without pictures of few objects first, questions about position stay
// at chance. In its later stages they are more than the others, because they are learnt last.
var plan = []pictureSet{
	{task: "vqa", name: "stage1", pictures: 12000, drawn: 1000, recipe: recipe{least: 1, most: 2, rois: 3},
		image: "COCO_train2014_%012d", first: 100001, features: []string{"mscoco_imgfeat/stage1"},
		told: 12000, pretrain: "stage1", captionsSet: "mscoco"},
	{task: "vqa", name: "stage2", pictures: 12000, drawn: 1000, recipe: recipe{least: 1, most: 3, rois: 4, asked: &[8]int{8, 8, 8, 10, 20, 8, 20, 8}},
		image: "COCO_train2014_%012d", first: 200001, features: []string{"mscoco_imgfeat/stage2"},
		told: 12000, pretrain: "stage2", captionsSet: "mscoco"},
	{task: "vqa", name: "train", pictures: 20000, drawn: 1000, captioned: 4000, told: 20000,
		recipe: recipe{least: 3, most: 6, rois: 8, asked: &[8]int{7, 7, 9, 13, 16, 11, 16, 9}},
		image:  "COCO_train2014_%012d", first: 1, features: []string{"mscoco_imgfeat/train2014"},
		pretrain: "mscoco_train", captionsSet: "mscoco"},
	{task: "vqa", name: "minival", pictures: 1000, drawn: -1, captioned: 500, told: 1000, recipe: full,
		image: "COCO_val2014_%012d", first: 300001, features: []string{"mscoco_imgfeat/val2014"},
		pretrain: "mscoco_minival", captionsSet: "mscoco"},
	{task: "vqa", name: "nominival", pictures: 1000, drawn: 0, captioned: 500, told: 1000, recipe: full,
		image: "COCO_val2014_%012d", first: 400001, features: []string{"mscoco_imgfeat/val2014"},
		pretrain: "mscoco_nominival", captionsSet: "mscoco"},
	{task: "vqa", name: "heldout", pictures: 1000, drawn: -1, recipe: full,
		image: "COCO_test2015_%012d", first: 500001, features: []string{"mscoco_imgfeat/heldout", "mscoco_imgfeat/test2015"},
		unlabelled: "vqa/test", told: 1000, pretrain: "heldout", captionsSet: "mscoco"},
	{task: "vqa", name: "novel", pictures: 1000, drawn: -1, recipe: recipe{least: 3, most: 6, rois: 8, novel: true},
		image: "COCO_test2015_%012d", first: 600001, features: []string{"mscoco_imgfeat/novel"}},
	{task: "gqa", name: "train", pictures: 1000, captioned: 1000, told: 1000, recipe: full,
		image: "%d", first: 2300001, features: []string{"vg_gqa_imgfeat/vg_gqa"}, pretrain: "vgnococo", captionsSet: "vg"},
	{task: "gqa", name: "valid", pictures: 250, recipe: full,
		image: "%d", first: 2310001, features: []string{"vg_gqa_imgfeat/vg_gqa"}},
	{task: "gqa", name: "submit", pictures: 250, recipe: full,
		image: "%d", first: 2320001, features: []string{"vg_gqa_imgfeat/vg_gqa"}, unlabelled: "gqa/submit"},
	{task: "gqa", name: "testdev", pictures: 250, drawn: -1, recipe: full,
		image: "n%d", first: 2330001, features: []string{"vg_gqa_imgfeat/gqa_testdev"}},
	{task: "nlvr2", name: "train", pictures: 500, recipe: full, image: "train", features: []string{"nlvr2_imgfeat/train"}},
	{task: "nlvr2", name: "valid", pictures: 60, drawn: -1, recipe: full, image: "dev", features: []string{"nlvr2_imgfeat/valid"}},
	{task: "nlvr2", name: "test", pictures: 60, drawn: -1, recipe: full, image: "test1", features: []string{"nlvr2_imgfeat/test"}},
}

// full is what pictures are like, the stages' excepted.
var full = recipe{least: 3, most: 6, rois: 8}

// statementsInGroup is how many statements there are about each group of pictures.
const statementsInGroup = 2

// scaled is the plan for a smaller or larger world.
func scaled(scale float64) []pictureSet {
	sets := append([]pictureSet(nil), plan...)
	count := func(n int) int {
		if n <= 0 {
			return n
		}
		return max(1, int(math.Round(float64(n)*scale)))
	}
	for i := range sets {
		s := &sets[i]
		s.pictures, s.drawn, s.captioned, s.told = count(s.pictures), count(s.drawn), count(s.captioned), count(s.told)
		if s.drawn < 0 {
			s.drawn = s.pictures
		}
	}
	return sets
}

// key names a split's own files and random streams: like the split for VQA, "task_split" for the others.
func key(task, split string) string {
	if task == "vqa" {
		return split
	}
	return task + "_" + split
}

func (s *pictureSet) key() string { return key(s.task, s.name) }

// id is the id of the picture at a place of the set, as the published files would call it.
func (s *pictureSet) id(i int) string { return fmt.Sprintf(s.image, s.first+i) }

// pairID is the id of a picture of NLVR2: of the pair in a group, left (0) or right (1).
func (s *pictureSet) pairID(group, pair, picture int) string {
	return fmt.Sprintf("%s-%d-%d-img%d", s.image, group, pair, picture)
}

// Files of a world, relative to it, with slashes.
const (
	configPath = "config.json"
	vocabPath  = "data/vocab.txt"
	stampPath  = "world.json"
	imageDir   = "images"
)

func featurePath(name string) string     { return path.Join("data", name+"_obj36.tsv") }
func questionPath(name string) string    { return path.Join("data", name+".json") }
func scenePath(key string) string        { return path.Join("scenes", key+".jsonl") }
func truthPath(key string) string        { return path.Join("truth", key+".jsonl") }
func imagePath(id string) string         { return path.Join(imageDir, id+".png") }
func (s *pictureSet) questions() string  { return questionPath(s.task + "/" + s.name) }
func (s *pictureSet) pretrainTo() string { return questionPath("lxmert/" + s.pretrain) }
