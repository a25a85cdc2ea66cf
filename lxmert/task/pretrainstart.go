package task

import (
	"errors"
	"fmt"

	"github.com/seed-516990b0/golxmert/lxmert/train"
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
	if err := o.Pretraining.heads(&b.cfg, known, p.table.Len()); err != nil {
		return nil, err
	}
	b.cfg.Special, _ = p.tok.SpecialIDs()
	if o.LoadLXMERT != "" && p.corpus.Dim != 0 {
		b.cfg.FeatDim = p.corpus.Dim // what reads features is drawn anew then
	}
	if err := b.cfg.Check(); err != nil {
		return nil, err
	}
	if err := p.fits(b.cfg, p.corpus.Dim); err != nil {
		if o.Load != "" {
			err = fmt.Errorf("%w, and --loadLXMERT instead of --load takes what fits and draws the rest", err)
		}
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
		for _, line := range p.changes(b.cfg, m) {
			fmt.Fprintln(o.Notes, line)
		}
		if err := b.takeFitting(m, p.sizedLayers(b.cfg, m.Config), o.Notes); err != nil {
			return nil, err
		}
	}
	if m := opened[o.Load]; m != nil {
		fmt.Fprintf(o.Out, "Load BERT extractor from %s\n", o.Load)
		if err := m.Report(b.cfg).Err(); err != nil {
			return nil, fmt.Errorf("task: %w; --loadLXMERT takes what fits, draws the rest and says what that is", err)
		}
		if err := b.take(m, func(string) bool { return true }); err != nil {
			return nil, err
		}
	}
	if err := b.takeOwn(o); err != nil {
		return nil, err
	}
	return b, nil
}
