package dataset

import (
	"fmt"
	"maps"
	"os"
	"path/filepath"
	"slices"
	"strings"
)

// This file finds the files of a task's splits.

// FeatureFiles lists the feature files of a task in the data folder, by their published names, those that are packed only,
// too.
func FeatureFiles(root string, t *Task) (paths []string) {
	folders := []string{t.Features.Folder}
	if t.Pretrains {
		folders = corpusFeatureFolders()
	}
	for _, folder := range folders {
		for _, ending := range []string{".tsv", ".store"} {
			found, err := filepath.Glob(filepath.Join(root, folder, "*_obj36"+ending))
			if err != nil {
				return nil // a folder whose name is a broken pattern has none that can be found like this
			}
			for _, path := range found {
				if path = path[:len(path)-len(ending)] + ".tsv"; !slices.Contains(paths, path) {
					paths = append(paths, path)
				}
			}
		}
	}
	return paths
}

// AnswerFile is the file below a data folder that names the answers of a task's head, or of pre-training's answer head.
func AnswerFile(root string, t *Task) string {
	if t.Pretrains {
		return AnswerTable(root)
	}
	return below(root, t.Name, answerList)
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

// File is a file that splits are made of.
type File struct {
	Path     string
	Features bool // region features, by their published name, see [region.OpenPacked]
	Rows     int  // of the features, only the first; 0: all
}

// Files lists the files that [Load] or [LoadCorpus] would read for some splits or sources, without reading them.
func Files(t *Task, root string, splits []string, limit int) ([]File, error) {
	of := func() (plan, error) { return planOf(t, root, splits, limit) }
	if t.Pretrains {
		of = func() (plan, error) { return corpusFiles(root, splits, limit) }
	}
	p, err := of()
	if err != nil {
		return nil, err
	}
	var files []File
	for _, path := range p.questions {
		files = append(files, File{Path: path})
	}
	for _, f := range p.features {
		files = append(files, File{f.path, true, f.rows})
	}
	return files, nil
}

// planOf follows the reference's rules (sections 4.2 to 4.5), as the task's [Features] say them.
func planOf(t *Task, root string, splits []string, limit int) (plan, error) {
	var p plan
	if err := t.Check(); err != nil {
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
		p.questions = append(p.questions, below(root, t.Name, split+".json"))
	}
	from := &t.Features
	file := func(name string) string { return below(root, from.Folder, name+"_obj36.tsv") }
	add := func(name string, rows int) {
		p.features = append(p.features, featureFile{path: file(name), rows: rows, once: from.OncePerRun})
	}
	names := make([]string, len(splits)) // of the feature file of each split
	for i, split := range splits {
		names[i] = from.name(split, file)
	}
	if from.PerSplit {
		for i, split := range splits {
			rows := limit
			if limit == 0 {
				rows = from.First[split]
			}
			add(names[i], rows)
		}
		return p, nil
	}
	if from.Alone != "" && slices.Contains(names, from.Alone) {
		add(from.Alone, 0)
		published := slices.Collect(maps.Values(from.Splits))
		names = slices.DeleteFunc(names, func(n string) bool { return slices.Contains(published, n) })
	}
	for _, name := range distinct(names, from.Order...) {
		add(name, limit)
	}
	return p, nil
}

// name is which feature file a split takes. A split that is not published takes its own, <split>_obj36.tsv; where that is
// not there, what the reference would load for it.
func (f *Features) name(split string, file func(name string) string) string {
	if name, ok := f.Splits[split]; ok {
		return name
	}
	if present(file(split)) {
		return split
	}
	name := split
	for _, other := range f.Others {
		if !strings.Contains(split, other.Contains) {
			continue
		}
		if name = other.File; present(file(name)) {
			break
		}
	}
	return name
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
