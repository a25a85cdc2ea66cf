package sweep

import (
	"context"
	"errors"
	"fmt"

	"github.com/seed-516990b0/golxmert/analysis"
	"github.com/seed-516990b0/golxmert/lxmert"
	"github.com/seed-516990b0/golxmert/lxmert/dataset"
	"github.com/seed-516990b0/golxmert/lxmert/question"
)

// Data is a data set, and what is known about it beside its questions.
type Data struct {
	Name string // such as its file; it is kept with the results
	Set  *dataset.Set
	// Asker makes the model's input of the set's questions, with the names of the model's answers, and where they are known
	// those of the detector's classes and the pictures' files: examples are shown with these. It is opened with the set's
	// method Regions as question.Options.Find, and with Pad, so that one compiled program serves all batches.
	Asker *question.Asker
	Gold  Gold // nil: it is not known which regions are the right ones
}

// batch makes the rows of some questions: one each, or, where a question is about two pictures, two. Each has a text and a
// picture of its own.
func (d *Data) batch(ctx context.Context, index []int) (*question.Batch, error) {
	return d.reworded(ctx, index, nil)
}

// reworded is the batch with other texts in the place of those of some questions, by their ids.
func (d *Data) reworded(ctx context.Context, index []int, texts map[string]string) (*question.Batch, error) {
	b, err := d.shared(ctx, index, texts)
	if err != nil {
		return nil, err
	}
	b.Batch = analysis.Separate(b.Batch)
	return b, nil
}

// shared is the batch with each text and each picture only once.
func (d *Data) shared(ctx context.Context, index []int, texts map[string]string) (*question.Batch, error) {
	questions := make([]lxmert.Question, len(index))
	for i, k := range index {
		e := &d.Set.Examples[k]
		questions[i] = lxmert.Question{Text: e.Text, Images: e.Images}
		if text, ok := texts[e.ID]; ok {
			questions[i].Text = text
		}
	}
	return d.Asker.Batch(ctx, questions)
}

// source says which weights these are, as the smallest run there is tells, and where the regions come from.
func (d *Data) source(ctx context.Context, eng lxmert.Engine) (model lxmert.Provenance, features string, err error) {
	b, err := d.batch(ctx, []int{0})
	if err != nil {
		return model, "", err
	}
	t, err := eng.Run(ctx, b.Batch, lxmert.Request{Want: lxmert.All("hid.t.0")})
	if err != nil {
		return model, "", err
	}
	if len(b.Images) > 0 {
		features = b.Images[0].Source
	}
	return t.Provenance, features, nil
}

// rows is how many rows of a batch a question has.
func (d *Data) rows() int {
	return d.Set.Task.Pictures()
}

// labels says for each of some questions how much each answer counts; nil if that is not known of all of them. The answers of
// pre-training's head are written as its table has them, see [dataset.Convert].
func (d *Data) labels(index []int, classes int) [][]float64 {
	byName, names := map[string]int{}, d.Asker.Head().Answers
	for class, name := range names {
		byName[name] = class
	}
	written := func(answer string) string { return answer }
	if d.Asker.Head().Output == "out.qa" {
		written = dataset.Convert
	}
	var labels [][]float64
	for _, i := range index {
		e := &d.Set.Examples[i]
		row := make([]float64, classes)
		switch {
		case e.Class >= 0 && e.Class < classes:
			row[e.Class] = 1
		case e.Labels == nil || names == nil:
			return nil
		}
		for _, other := range []bool{false, true} { // one that becomes equal to another takes that one's place
			for _, l := range e.Labels {
				name := written(l.Answer)
				if class, ok := byName[name]; ok && class < classes && other == (name != l.Answer) {
					row[class] = l.Score
				}
			}
		}
		labels = append(labels, row)
	}
	return labels
}

func (d *Data) check(cfg lxmert.Config) error {
	switch {
	case d.Set == nil || d.Asker == nil:
		return errors.New("sweep: there is no data set, or nobody to make batches of it")
	case d.Set.Len() == 0:
		return errors.New("sweep: the data set has no question with a picture")
	case d.Set.Dim != cfg.FeatDim:
		return fmt.Errorf("sweep: the regions have %d features each, the model takes %d: they are of another detector", d.Set.Dim, cfg.FeatDim)
	case d.rows() == 2 && cfg.TaskImages != 2:
		return fmt.Errorf("sweep: the questions of %s are about two pictures each (%s), the model answers about one: take a model fine-tuned on NLVR2, or questions of VQA or GQA", d.Name, d.Set.Task)
	case d.rows() == 1 && cfg.TaskImages == 2:
		return fmt.Errorf("sweep: the questions of %s are about one picture each (%s), the model answers about two: take questions of NLVR2, or another model", d.Name, d.Set.Task)
	}
	return nil
}
