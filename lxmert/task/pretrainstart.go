package task

import (
	"cmp"
	"errors"
	"fmt"
	"io"

	"github.com/seed-516990b0/golxmert/lxmert"
	"github.com/seed-516990b0/golxmert/lxmert/train"
	"github.com/seed-516990b0/golxmert/lxmert/weights"
)

// This file is the model that pre-training starts from: its heads, and where their values come from.

// begin decides the sizes of the model and its heads, and gathers the values.
func (p *pretraining) begin() (_ *start, err error) {
	o := p.opt
	if o.LoadLXMERTQA != "" {
		return nil, errors.New("task: --loadLXMERTQA is for fine-tuning; --loadLXMERT loads a pre-trained model with its heads here")
	}
	if o.Load != "" && o.LoadLXMERT != "" {
		return nil, errors.New("task: --load takes a whole model and --loadLXMERT what fits; give one of them")
	}
	b := &start{}
	defer func() {
		if err != nil {
			b.Close()
		}
	}()
	opened, from, err := b.sizes(o, o.LoadLXMERT, o.Load)
	if err != nil {
		return nil, err
	}
	known := b.recipe.Config
	if from != nil {
		known = from.Config
	}
	o.Pretraining.heads(&b.cfg, known, p.table.Len())
	b.cfg.Special, _ = p.tok.SpecialIDs()
	if err := b.cfg.Check(); err != nil {
		return nil, err
	}
	if err := p.fits(b.cfg, p.corpus.Dim); err != nil {
		return nil, err
	}
	if o.InitRange > 0 {
		b.recipe.Range = o.InitRange
	}
	b.init = &train.Initial{Config: b.cfg, Seed: o.Seed, Range: b.recipe.Range}
	switch {
	case o.FromScratch && o.Bert == "":
		fmt.Fprintln(o.Out, "Train from Scratch: re-initialize all BERT weights")
	case o.Bert != "":
		if err := b.fromBERT(o.Bert, o.Notes); err != nil {
			return nil, err
		}
	case from == nil:
		fmt.Fprintln(o.Notes, "note: all parameters are drawn at random; --bert starts from BERT, --load or --loadLXMERT from a pre-trained model")
	}
	if m := opened[o.LoadLXMERT]; m != nil {
		fmt.Fprintf(o.Out, "Load BERT extractor from %s\n", o.LoadLXMERT)
		if err := b.takeFitting(m, o.Notes); err != nil {
			return nil, err
		}
	}
	if m := opened[o.Load]; m != nil {
		fmt.Fprintf(o.Out, "Load BERT extractor from %s\n", o.Load)
		if err := m.Report(b.cfg).Err(); err != nil {
			return nil, fmt.Errorf("task: %w; --loadLXMERT takes what fits and draws the rest", err)
		}
		if err := b.take(m, func(string) bool { return true }); err != nil {
			return nil, err
		}
	}
	return b, nil
}

// heads gives the model the heads of the tasks, with as many classes as the weights or the configuration have, else the
// published model, and so many answers. Like the reference's, a model always has the heads of words and of matching.
func (p *Pretraining) heads(c *lxmert.Config, known lxmert.Config, answers int) {
	published := lxmert.LXR955()
	c.LM, c.Match = true, true
	if p.visual("obj") {
		c.Objects = cmp.Or(known.Objects, published.Objects)
	}
	if p.visual("attr") {
		c.Attributes = cmp.Or(known.Attributes, published.Attributes)
	}
	c.FeatHead = p.visual("feat")
	if p.QA {
		c.Answers = answers
	}
}

// takeFitting gives the parameters that a file has in the same shape their values, and says which others it draws.
func (b *start) takeFitting(m *weights.Model, notes io.Writer) error {
	fits := func(name string) bool {
		t, ok := m.Tensor(name)
		return ok && fmt.Sprint(t.Shape) == fmt.Sprint(b.init.Shape(name))
	}
	for _, p := range b.cfg.Params() {
		if fits(p.Name) {
			continue
		}
		if t, ok := m.Tensor(p.Name); ok {
			fmt.Fprintf(notes, "note: %s is %v in %s and %v here: it is drawn\n", p.Name, t.Shape, m.File.Path, p.Shape)
		} else {
			fmt.Fprintf(notes, "note: %s is not in %s: it is drawn\n", p.Name, m.File.Path)
		}
	}
	return b.take(m, fits)
}
