package question

import (
	"fmt"
	"os"
	"path/filepath"

	"github.com/seed-516990b0/golxmert/lxmert/dataset"
)

// nameAnswers finds the names of the head's classes: in the file that is named, else in one beside the weights or in data/
// that has as many. Where there is none a note says how to get them.
func (a *Asker) nameAnswers() error {
	h := &a.head
	if path := a.opt.Answers; path != "" {
		if h.Classes == 0 {
			a.notes = append(a.notes, fmt.Sprintf("%s is not used: these weights have no head that answers", path))
			return nil
		}
		names, err := a.readAnswers(path)
		if err != nil {
			return err
		}
		if len(names) != h.Classes {
			return wrong(ErrOptions, "%s has %d answers, %s has %d: they are of another data set", path, len(names), a.model(), h.Classes)
		}
		h.Answers = names
		return nil
	}
	if h.Classes == 0 {
		return nil
	}
	if h.Images == 2 && h.Classes == 2 {
		names := dataset.StatementAnswers()
		h.Answers = names[:]
		return nil
	}
	for _, path := range a.answerFiles() {
		if _, err := os.Stat(path); err != nil {
			continue
		}
		names, err := a.readAnswers(path)
		if err != nil {
			return err
		}
		if len(names) == h.Classes {
			h.Answers, a.opt.Answers = names, path
			return nil
		}
	}
	how := "as Answers"
	if a.opt.Flags {
		how = "by --answers FILE"
	}
	a.notes = append(a.notes, fmt.Sprintf("no file names the %d answers of %s, so they are numbered: give VQA's or GQA's trainval_label2ans.json, or pre-training's all_ans.json, %s", h.Classes, a.model(), how))
	return nil
}

// answerFiles are the places where names may be.
func (a *Asker) answerFiles() (paths []string) {
	name, sets := "trainval_label2ans.json", []string(nil)
	for _, task := range dataset.Tasks() {
		if task.Truth.Table {
			sets = append(sets, task.Name)
		}
	}
	if a.head.Output == "out.qa" {
		name, sets = "all_ans.json", []string{"lxmert"}
	}
	if w := a.opt.Weights; w != "" {
		paths = append(paths, filepath.Join(w, name), filepath.Join(filepath.Dir(w), name))
	}
	for _, set := range sets {
		paths = append(paths, filepath.Join(a.opt.Folder, "data", set, name))
	}
	return paths
}

func (a *Asker) readAnswers(path string) ([]string, error) {
	names, release, err := a.files.Answers(path)
	if err != nil {
		return nil, err
	}
	release()
	return names, nil
}
