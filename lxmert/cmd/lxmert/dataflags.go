package main

import (
	"context"
	"errors"
	"fmt"
	"path/filepath"
	"slices"
	"strings"

	"github.com/spf13/cobra"
	"github.com/spf13/pflag"

	"github.com/seed-516990b0/golxmert/analysis/sweep"
	"github.com/seed-516990b0/golxmert/lxmert"
	"github.com/seed-516990b0/golxmert/lxmert/dataset"
	"github.com/seed-516990b0/golxmert/lxmert/question"
	"github.com/seed-516990b0/golxmert/lxmert/region"
	"github.com/seed-516990b0/golxmert/lxmert/toy"
)

// dataFlags are the flags of commands that go through the questions of a file.
type dataFlags struct {
	regions             []string
	data, task          string
	images              string
	vocab, answers      string
	objects, attributes string
	world               *toy.Named // nil: the model is another's
}

// add adds the flags that every such command has. Those that name what is shown are a command's own.
func (d *dataFlags) add(cmd *cobra.Command) {
	f := cmd.Flags()
	f.StringSliceVar(&d.regions, "regions", nil, "regions of the pictures: a TSV (packed on its first use), a packed store, .npz or .safetensors files, or a folder of these")
	f.StringVar(&d.data, "data", "", "questions: a JSON file of VQA, GQA or NLVR2, such as data/vqa/minival.json")
	f.StringVar(&d.task, "task", "", dataset.TaskNames("or")+" (default: nlvr2 if the model has its head, else vqa)")
	f.StringVar(&d.vocab, "vocab", "", "vocab.txt of bert-base-uncased (default: looked for beside the weights, in data and in Hugging Face's cache)")
}

// addClasses adds the flags that name the detector's classes, for commands that show regions.
func addClasses(f *pflag.FlagSet, objects, attributes *string) {
	f.StringVar(objects, "objects", "", "text file that names the detector's object classes, one per line (objects_vocab.txt)")
	f.StringVar(attributes, "attributes", "", "text file that names the detector's attributes, one per line (attributes_vocab.txt)")
}

// find takes the files of the toy world where its model is named, and says which flag is missing.
func (d *dataFlags) find(model *modelFlags, out string) (err error) {
	if d.world, err = model.findToy(); err != nil {
		return err
	}
	if d.world != nil && len(d.regions) == 0 {
		d.regions = d.world.Regions
	}
	for _, needed := range [][2]string{{"load", model.load}, {"data", d.data}, {"out", out}, {"regions", strings.Join(d.regions, "")}} {
		if needed[1] == "" {
			return usage("--%s is needed", needed[0])
		}
	}
	return nil
}

// open reads everything but the weights.
func (d *dataFlags) open(cmd *cobra.Command, model *modelFlags, cfg lxmert.Config, screen *screen) (_ *sweep.Data, err error) {
	t, err := taskFor(d.task, cfg)
	if err != nil {
		return nil, err
	}
	data := &sweep.Data{Name: filepath.Base(d.data)}
	find := func(ctx context.Context, id string) (*region.Regions, error) { return data.Set.Regions(ctx, id) }
	if data.Asker, err = d.prepare(model.load, cfg, find, screen); err != nil {
		return nil, err
	}
	if data.Set, err = d.set(cmd.Context(), t, model.load, screen); err != nil {
		return nil, errors.Join(err, data.Asker.Close())
	}
	return data, nil
}

// prepare prepares to ask a model, with the regions that are found, and says what there is to note.
func (d *dataFlags) prepare(load string, cfg lxmert.Config, find func(context.Context, string) (*region.Regions, error), screen *screen) (*question.Asker, error) {
	opt := question.Options{
		Weights: load, Vocab: d.vocab, Answers: d.answers, Images: d.images, Objects: d.objects, Attributes: d.attributes, Pad: true, Flags: true, Find: find,
	}
	fillToy(&opt, d.world)
	asker, err := question.Open(cfg, opt)
	if err != nil {
		return nil, err
	}
	if err := asker.Prepare(); err != nil {
		return nil, errors.Join(err, asker.Close())
	}
	for _, note := range asker.Notes() {
		fmt.Fprintln(screen.notes, note)
	}
	return asker, nil
}

// set reads the questions, and opens their pictures' regions.
func (d *dataFlags) set(ctx context.Context, t *dataset.Task, load string, screen *screen) (*dataset.Set, error) {
	return dataset.LoadFiles(ctx, t, []string{d.data}, d.regions, dataset.Options{Notes: screen.notes, Trained: region.TrainedOn(load)})
}

// taskFor is the task with a name; "": the first whose examples have as many pictures as the model's head takes.
func taskFor(name string, cfg lxmert.Config) (*dataset.Task, error) {
	if name != "" {
		return dataset.FindTask(name)
	}
	tasks := dataset.Tasks()
	return tasks[max(0, slices.IndexFunc(tasks, func(t *dataset.Task) bool { return t.Pictures() == max(1, cfg.TaskImages) }))], nil
}
