package question

import (
	"context"
	"fmt"
	"os"
	"path/filepath"
	"slices"
	"strings"

	"github.com/seed-516990b0/golxmert/lxmert/dataset"
)

// Questions reads the first n questions (0: all) of a file of VQA's, GQA's or NLVR2's format, whose name ends in .json. Else
// the name is that of a split, such as "minival", which is looked for in the data folder that Options.Regions are in, as
// data/vqa/minival.json beside data/mscoco_imgfeat/val2014_obj36.tsv.
func (a *Asker) Questions(ctx context.Context, name string, n int) ([]dataset.Example, error) {
	path, err := a.questionFile(name)
	if err != nil {
		return nil, err
	}
	return dataset.ReadQuestions(ctx, path, n)
}

// questionFile finds the file of a split.
func (a *Asker) questionFile(name string) (string, error) {
	if strings.HasSuffix(name, ".json") {
		return name, nil
	}
	var tried []string
	for _, regions := range a.opt.Regions {
		data := filepath.Dir(filepath.Dir(regions))
		for _, task := range dataset.Tasks() {
			if task.Pictures() != max(1, a.head.Images) {
				continue
			}
			path := filepath.Join(data, task.Name, name+".json")
			if _, err := os.Stat(path); err == nil {
				return path, nil
			}
			if !slices.Contains(tried, path) {
				tried = append(tried, path)
			}
		}
	}
	if len(tried) == 0 {
		return "", fmt.Errorf("%s has no feature files to look for the questions %q beside; name a file that ends in .json", a.model(), name)
	}
	return "", fmt.Errorf("there are no questions %q: tried %s; name a file that ends in .json", name, strings.Join(tried, ", "))
}
