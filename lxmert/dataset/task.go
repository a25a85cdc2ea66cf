package dataset

import (
	"fmt"
	"os"
	"path/filepath"
	"slices"
	"strings"
)

// Task is one of the three fine-tuning tasks.
type Task string

// The fine-tuning tasks. Their names are those of the folders with their question files.
const (
	VQA   Task = "vqa"
	GQA   Task = "gqa"
	NLVR2 Task = "nlvr2"
)

// minivalRows are the first images of the COCO validation file, which are the pictures of VQA's minival.
const minivalRows = 5000

// published says which feature file each published split of a task takes, without "_obj36.tsv".
var published = map[Task]map[string]string{
	VQA: {"train": "train2014", "valid": "val2014", "minival": "val2014", "nominival": "val2014", "test": "test2015"},
	GQA: {
		"train": "vg_gqa", "valid": "vg_gqa", "submit": "vg_gqa", "train_all": "vg_gqa", "valid_all": "vg_gqa", "submit_all": "vg_gqa",
		"testdev": "gqa_testdev", "testdev_all": "gqa_testdev",
	},
	NLVR2: {"train": "train", "valid": "valid", "test": "test"},
}

// featureFolder is where a task's feature files are, below the data folder.
var featureFolder = map[Task]string{VQA: "mscoco_imgfeat", GQA: "vg_gqa_imgfeat", NLVR2: "nlvr2_imgfeat"}

// FeatureFiles lists the feature files of a task in the data folder, by their published names, those that are packed only,
// too. An unknown task has none.
func FeatureFiles(root string, t Task) (paths []string) {
	dir, ok := featureFolder[t]
	if !ok {
		return nil
	}
	for _, ending := range []string{".tsv", ".store"} {
		found, err := filepath.Glob(filepath.Join(root, dir, "*_obj36"+ending))
		if err != nil {
			return nil // a folder whose name is a broken pattern has none that can be found like this
		}
		for _, path := range found {
			if path = path[:len(path)-len(ending)] + ".tsv"; !slices.Contains(paths, path) {
				paths = append(paths, path)
			}
		}
	}
	return paths
}

// check says whether t is a task.
func (t Task) check() error {
	if _, ok := published[t]; !ok {
		return fmt.Errorf("dataset: there is no task %q; there are vqa, gqa and nlvr2", string(t))
	}
	return nil
}

// featureFile is a feature file as a split takes it.
type featureFile struct {
	path string
	rows int // only the first; 0: all
	once bool
}

// plan is which files some splits are made of.
type plan struct {
	questions []string // one per split
	features  []featureFile
}

// planOf follows the reference's rules (sections 4.2 to 4.5). A file may be listed twice: VQA's is loaded for every split
// that names it. GQA's are loaded once per run.
func planOf(t Task, root string, splits []string, limit int) (plan, error) {
	var p plan
	if err := t.check(); err != nil {
		return p, err
	}
	if limit < 0 {
		return p, fmt.Errorf("dataset: a limit of %d images, must be 0 for all, or more", limit)
	}
	if len(splits) == 0 {
		return p, fmt.Errorf("dataset: no split of %s is named", t)
	}
	for _, split := range splits {
		if split == "" || split == "." || split == ".." || strings.ContainsAny(split, `/\`) {
			return p, fmt.Errorf("dataset: %q cannot be the name of a split", split)
		}
		p.questions = append(p.questions, below(root, string(t), split+".json"))
	}
	file := func(name string) string { return below(root, featureFolder[t], name+"_obj36.tsv") }
	names := make([]string, len(splits)) // of the feature file of each split
	for i, split := range splits {
		names[i] = featureName(t, split, file)
	}
	switch t {
	case VQA:
		for i, split := range splits {
			rows := limit
			if split == "minival" && limit == 0 {
				rows = minivalRows
			}
			p.features = append(p.features, featureFile{path: file(names[i]), rows: rows})
		}
	case GQA:
		// The test-dev pictures replace all others, and are never limited.
		if slices.Contains(names, "gqa_testdev") {
			p.features = append(p.features, featureFile{path: file("gqa_testdev"), once: true})
			names = slices.DeleteFunc(names, func(n string) bool { return n == "gqa_testdev" || n == "vg_gqa" })
		}
		for _, name := range distinct(names, "vg_gqa") {
			p.features = append(p.features, featureFile{path: file(name), rows: limit, once: true})
		}
	case NLVR2:
		for _, name := range distinct(names, "train", "valid", "test") {
			p.features = append(p.features, featureFile{path: file(name), rows: limit})
		}
	}
	return p, nil
}

// featureName is which feature file a split takes. A split that is not published takes its own, <split>_obj36.tsv; where
// that is not there, what the reference would load for it.
func featureName(t Task, split string, file func(name string) string) string {
	if name, ok := published[t][split]; ok {
		return name
	}
	switch own := present(file(split)); {
	case t == GQA && !own:
		return "vg_gqa"
	case t == NLVR2 && !own && (strings.Contains(split, "test") || strings.Contains(split, "hidden")):
		// The reference loads nothing for the split "hidden", whose pictures are usually put into one of these files.
		if hidden := "hidden"; strings.Contains(split, hidden) && present(file(hidden)) {
			return hidden
		}
		return "test"
	}
	return split
}

// present says whether there is a feature file of that name, or what it can be packed from, or its packed store.
func present(tsv string) bool {
	base := strings.TrimSuffix(tsv, ".tsv")
	for _, ending := range []string{".tsv", ".zip", ".store"} {
		if _, err := os.Stat(filepath.FromSlash(base + ending)); err == nil {
			return true
		}
	}
	return false
}

// distinct lists the names that occur, those in first in that order, then the others in theirs.
func distinct(names []string, first ...string) []string {
	var out []string
	for _, name := range first {
		if slices.Contains(names, name) {
			out = append(out, name)
		}
	}
	for _, name := range names {
		if !slices.Contains(out, name) {
			out = append(out, name)
		}
	}
	return out
}

// below joins a path as the reference writes it: the root as it was given.
func below(root string, parts ...string) string {
	if root == "" {
		root = "data"
	}
	if !strings.HasSuffix(root, "/") {
		root += "/"
	}
	return root + strings.Join(parts, "/")
}
