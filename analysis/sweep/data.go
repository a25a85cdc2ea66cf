package sweep

import (
	"context"
	"errors"
	"fmt"

	"github.com/seed-516990b0/golxmert/analysis"
	"github.com/seed-516990b0/golxmert/lxmert"
	"github.com/seed-516990b0/golxmert/lxmert/dataset"
	"github.com/seed-516990b0/golxmert/lxmert/region"
	"github.com/seed-516990b0/golxmert/lxmert/token"
)

// Data is a data set, and what is known about it beside its questions.
type Data struct {
	Name     string // such as its file; it is kept with the results
	Set      *dataset.Set
	Tokens   *token.WordPiece
	Length   int              // word pieces of a sentence, with [CLS] and [SEP]: shorter ones are padded, longer ones cut
	Answers  []string         // the model's, by class; nil: they are numbered, and it is not known which are right
	Objects  []string         // names of the detector's classes; nil: regions are numbered
	Pictures *region.Pictures // nil: examples are shown on an empty canvas
	Gold     Gold             // nil: it is not known which regions are the right ones
}

// batch makes the rows of some questions: one each, or, where a question is about two pictures, two.
func (d *Data) batch(ctx context.Context, index []int) (*lxmert.Batch, error) {
	return d.Set.Batch(ctx, d.Tokens, d.Length, index)
}

// rows is how many rows of a batch a question has.
func (d *Data) rows() int {
	if d.Set.Task == dataset.NLVR2 {
		return 2
	}
	return 1
}

// answer names a class.
func (d *Data) answer(class int) string {
	if class < len(d.Answers) {
		return d.Answers[class]
	}
	return fmt.Sprint(class)
}

// labels says for each of some questions how much each answer counts; nil if that is not known of all of them.
func (d *Data) labels(index []int, classes int) [][]float64 {
	byName := map[string]int{}
	for class, name := range d.Answers {
		byName[name] = class
	}
	var labels [][]float64
	for _, i := range index {
		e := &d.Set.Examples[i]
		row := make([]float64, classes)
		switch {
		case e.Class >= 0 && e.Class < classes:
			row[e.Class] = 1
		case e.Labels == nil || d.Answers == nil:
			return nil
		}
		for _, l := range e.Labels {
			if class, ok := byName[l.Answer]; ok && class < classes {
				row[class] = l.Score
			}
		}
		labels = append(labels, row)
	}
	return labels
}

// show names what a reader of one example wants to see: the detector's objects and the picture's file.
func (d *Data) show(ctx context.Context, s *analysis.Scores) error {
	if d.Objects != nil {
		r, err := d.Set.Regions(ctx, s.Image.ID)
		if err != nil {
			return err
		}
		s.Image.Objects = nil
		for _, id := range r.ObjectIDs {
			name := fmt.Sprintf("object %d", id)
			if id >= 0 && int(id) < len(d.Objects) {
				name = d.Objects[id]
			}
			s.Image.Objects = append(s.Image.Objects, name)
		}
	}
	if d.Pictures != nil {
		if file, ok := d.Pictures.Find(s.Image.ID); ok {
			s.Image.File = file
		}
	}
	return nil
}

func (d *Data) check(cfg lxmert.Config) error {
	switch {
	case d.Set == nil || d.Tokens == nil:
		return errors.New("sweep: there is no data set, or no vocabulary")
	case d.Set.Len() == 0:
		return errors.New("sweep: the data set has no question with a picture")
	case d.Set.Dim != cfg.FeatDim:
		return fmt.Errorf("sweep: the regions have %d features each, the model takes %d: they are of another detector", d.Set.Dim, cfg.FeatDim)
	case d.Tokens.Size() > cfg.Vocab:
		return fmt.Errorf("sweep: the vocabulary has %d word pieces, the model %d", d.Tokens.Size(), cfg.Vocab)
	case d.Length < 3:
		return fmt.Errorf("sweep: sentences of %d word pieces have no room for a word", d.Length)
	case d.rows() == 2 && cfg.TaskImages != 2:
		return fmt.Errorf("sweep: the questions of %s are about two pictures each (%s), the model answers about one: take a model fine-tuned on NLVR2, or questions of VQA or GQA", d.Name, d.Set.Task)
	case d.rows() == 1 && cfg.TaskImages == 2:
		return fmt.Errorf("sweep: the questions of %s are about one picture each (%s), the model answers about two: take questions of NLVR2, or another model", d.Name, d.Set.Task)
	}
	return nil
}
