package task

import (
	"cmp"
	"fmt"
	"io"
	"path/filepath"
	"strings"

	"github.com/seed-516990b0/golxmert/lxmert"
	"github.com/seed-516990b0/golxmert/lxmert/dataset"
	"github.com/seed-516990b0/golxmert/lxmert/region"
	"github.com/seed-516990b0/golxmert/lxmert/weights"
)

// This file is what pre-training's heads are of, where data of one's own have other classes, answers or features than the
// weights that it goes on from: what fits is taken, and what is drawn anew is said head by head.

// heads gives the model the heads of the tasks, with as many classes as the lists name, or else as the weights or the
// configuration have, else the published model, and so many answers. Like the reference's, a model always has the heads of
// words and of matching.
func (p *Pretraining) heads(c *lxmert.Config, known lxmert.Config, answers int) error {
	published := lxmert.LXR955()
	c.LM, c.Match = true, true
	for _, h := range []struct {
		loss, flag, list string
		to               *int
		known            int
	}{
		{"obj", "objects", p.ObjectList, &c.Objects, cmp.Or(known.Objects, published.Objects)},
		{"attr", "attributes", p.AttributeList, &c.Attributes, cmp.Or(known.Attributes, published.Attributes)},
	} {
		if !p.visual(h.loss) {
			continue
		}
		*h.to = h.known
		if h.list == "" {
			continue
		}
		names, err := region.ReadLabels(h.list)
		if err != nil {
			return fmt.Errorf("task: --%s: %w", h.flag, err)
		}
		if *h.to = len(names); len(names) == 0 {
			return fmt.Errorf("task: --%s: %s names no class; it is to have one per line", h.flag, h.list)
		}
	}
	c.FeatHead = p.visual("feat")
	if p.QA {
		c.Answers = answers
	}
	return nil
}

// sized is a layer whose size depends on the data.
type sized struct {
	what, unit string
	prefix     string // of its parameters
	size, was  int    // here and in the weights; 0: there is no such layer
	from       string // where the size here is from; "": from the weights or the published model
}

// sizedLayers are those that another list, table or feature file may change.
func (p *pretraining) sizedLayers(c, was lxmert.Config) []sized {
	o := &p.opt.Pretraining
	feat := func(on bool, c lxmert.Config) int {
		if on {
			return c.FeatDim
		}
		return 0
	}
	features := strings.Join(p.opt.Train, ",")
	return []sized{
		{"region features", "numbers", "bert.encoder.visn_fc.visn_fc.", c.FeatDim, was.FeatDim, "the regions of " + features},
		{"object head", "classes", "obj_predict_head.decoder_dict.obj.", c.Objects, was.Objects, o.ObjectList},
		{"attribute head", "classes", "obj_predict_head.decoder_dict.attr.", c.Attributes, was.Attributes, o.AttributeList},
		{"feature head", "numbers", "obj_predict_head.decoder_dict.feat.", feat(c.FeatHead, c), feat(was.FeatHead, was), "the regions of " + features},
		{"answer head", "answers", "answer_head.logit_fc.3.", c.Answers, was.Answers, dataset.AnswerTable(p.opt.Root)},
	}
}

// changes say of each of these what going on from weights means to it.
func (p *pretraining) changes(c lxmert.Config, m *weights.Model) (lines []string) {
	file := filepath.Base(m.File.Path)
	for _, l := range p.sizedLayers(c, m.Config) {
		of := ""
		if l.from != "" {
			of = " of " + l.from
		}
		line := ""
		switch {
		case l.size == 0 && l.was == 0:
			continue
		case l.size == 0:
			line = fmt.Sprintf("%d %s in %s: left out, nothing here learns them", l.was, l.unit, file)
		case l.was == 0:
			line = fmt.Sprintf("%d %s%s, none in %s: drawn anew", l.size, l.unit, of, file)
		case l.size != l.was:
			line = fmt.Sprintf("%d %s -> %d%s: drawn anew", l.was, l.unit, l.size, of)
		case l.from != "":
			line = fmt.Sprintf("%d %s%s, as many as in %s: kept, so they must mean the same in the same order", l.size, l.unit, of, file)
		default:
			line = fmt.Sprintf("%d %s as in %s: kept", l.size, l.unit, file)
		}
		lines = append(lines, l.what+": "+line)
	}
	return lines
}

// takeFitting gives the parameters that a file has in the same shape their values, and says which others it draws, but for
// those that [pretraining.changes] has said.
func (b *start) takeFitting(m *weights.Model, said []sized, notes io.Writer) error {
	fits := func(name string) bool {
		t, ok := m.Tensor(name)
		return ok && fmt.Sprint(t.Shape) == fmt.Sprint(b.init.Shape(name))
	}
	for _, p := range b.cfg.Params() {
		known := fits(p.Name)
		for _, l := range said {
			known = known || strings.HasPrefix(p.Name, l.prefix)
		}
		if known {
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
