package dataset

import (
	"strings"
	"testing"

	"github.com/seed-516990b0/golxmert/lxmert/internal/release"
)

func TestKnownTasksAreWholeAndFoundByTheirNames(t *testing.T) {
	for _, task := range Tasks() {
		if err := task.Check(); err != nil {
			t.Error(err)
		}
		if found, err := FindTask(task.Name); found != task || err != nil {
			t.Errorf("%s is found as %s, %v", task, found, err)
		}
		for _, l := range task.Layouts {
			if l.Task() != task {
				t.Errorf("%s belongs to %s, not %s", l, l.Task(), task)
			}
		}
		for split, name := range task.Features.Splits {
			if path := "data/" + task.Features.Folder + "/" + name + "_obj36.tsv"; release.Bring(path) == "" {
				t.Errorf("%s %s takes %s, which is not among the published files", task, split, path)
			}
		}
		for _, split := range task.Recipe.Predict {
			if path := "data/" + task.Name + "/" + split + ".json"; release.Bring(path) == "" {
				t.Errorf("%s: the recipe predicts %s, which is not among the published files", task, path)
			}
			if task.Features.Splits[split] == "" {
				t.Errorf("%s: the recipe predicts %s, which is not a published split", task, split)
			}
		}
	}
}

func TestCheckSaysWhatADescriptionLacks(t *testing.T) {
	for want, change := range map[string]func(*Task){
		"cannot be called":          func(t *Task) { t.Name = "../vqa" },
		"says no Title":             func(t *Task) { t.Title = "" },
		"says no Entry.ID":          func(t *Task) { t.Entry.ID = "" },
		"says no Entry.Pictures":    func(t *Task) { t.Entry.Pictures = []string{""} },
		"says no Features.Folder":   func(t *Task) { t.Features.Folder = "" },
		"says no Head or Loss":      func(t *Task) { t.Loss = "" },
		"of which it has the other": func(t *Task) { t.Dump.ID = "" },
		"so its predictions are":    func(t *Task) { t.Truth.Table = false },
		"says no Dump.Answer and":   func(t *Task) { t.Dump = Dump{} },
	} {
		task := *VQA
		change(&task)
		if err := task.Check(); err == nil || !strings.Contains(err.Error(), want) {
			t.Errorf("%v, want %q", err, want)
		}
		if _, err := Load(t.Context(), &task, []string{"train"}, Options{Root: t.TempDir()}); err == nil || !strings.Contains(err.Error(), want) {
			t.Errorf("loading: %v, want %q", err, want)
		}
	}
}
