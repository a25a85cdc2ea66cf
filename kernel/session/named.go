package session

import (
	"os"
	"path/filepath"

	"github.com/seed-516990b0/golxmert/internal/filesearch"
	"github.com/seed-516990b0/golxmert/kernel/client"
	"github.com/seed-516990b0/golxmert/lxmert/dataset"
	"github.com/seed-516990b0/golxmert/lxmert/task"
	"github.com/seed-516990b0/golxmert/lxmert/toy"
	"github.com/seed-516990b0/golxmert/lxmert/weights"
)

// expand finds what a spec's names stand for: the built-in world, or a run.
func (s *Server) expand(spec client.Spec) (client.Spec, error) {
	spec, err := s.expandRun(spec)
	if err != nil {
		return spec, err
	}
	return expandToy(spec)
}

// expandRun puts a run's best weights, else its last, in the place of its id or folder. What the spec does not name is what
// the run was trained with.
func (s *Server) expandRun(spec client.Spec) (client.Spec, error) {
	if _, err := weights.Resolve(spec.Weights); err == nil {
		return spec, nil
	}
	r, err := s.runs.find(filepath.Base(spec.Weights), "")
	if err != nil {
		r, err = s.runs.find(spec.Weights, "")
	}
	if err != nil {
		return spec, nil // no run: whoever opens it says what it is not
	}
	info := r.now()
	l, err := parseLine(info.Task, info.Args)
	if err != nil {
		return spec, err
	}
	in := func(name string, more ...string) string {
		return filepath.Join(append([]string{filesearch.Under(info.Folder, name)}, more...)...)
	}
	exists := func(path string) bool {
		_, err := os.Stat(path)
		return err == nil
	}
	spec.Weights = task.Weights(l.Task, info.Output)
	answers := dataset.AnswerFile(in(l.Options.Root), l.Task)
	if len(l.Options.Pretraining.QASets) > 0 {
		answers = "" // the head has fewer
	}
	for _, x := range []struct {
		to   *string
		path string
	}{
		{&spec.Config, in(l.Options.Config)}, {&spec.Vocab, in(l.Options.Vocab)}, {&spec.Vocab, in(l.Options.Root, "vocab.txt")},
		{&spec.Answers, answers},
	} {
		if *x.to == "" && x.path != "" && exists(x.path) {
			*x.to = x.path
		}
	}
	if trainedOnToy(in(l.Options.Root)) {
		for _, name := range []*string{&spec.Images, &spec.Objects, &spec.Attributes} {
			if *name == "" {
				*name = client.Toy
			}
		}
	}
	if len(spec.Regions) == 0 {
		spec.Regions = dataset.FeatureFiles(in(l.Options.Root), l.Task)
	}
	return spec, nil
}

// trainedOnToy says that a data folder is the built-in world's, whose pictures and names of things are known.
func trainedOnToy(data string) bool {
	world, err := toy.Find()
	if err != nil {
		return false
	}
	its, err := os.Stat(world.Data)
	if err != nil {
		return false
	}
	used, err := os.Stat(data)
	return err == nil && os.SameFile(its, used) // there are many names for a folder
}
