package task

import (
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
	p.heads(b, from)
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

// heads gives the model the heads of the tasks, with as many classes as the weights, the configuration or the published model
// have, and as many answers as the table. Like the reference's, a model always has the heads of words and of matching.
func (p *pretraining) heads(b *start, from *weights.Model) {
	o := &p.opt.Pretraining
	known, published := b.recipe.Config, lxmert.LXR955()
	if from != nil {
		known = from.Config
	}
	b.cfg.LM, b.cfg.Match = true, true
	b.cfg.Special, _ = p.tok.SpecialIDs()
	if o.visual("obj") {
		if b.cfg.Objects = known.Objects; b.cfg.Objects == 0 {
			b.cfg.Objects = published.Objects
		}
	}
	if o.visual("attr") {
		if b.cfg.Attributes = known.Attributes; b.cfg.Attributes == 0 {
			b.cfg.Attributes = published.Attributes
		}
	}
	b.cfg.FeatHead = o.visual("feat")
	if o.QA {
		b.cfg.Answers = p.table.Len()
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
