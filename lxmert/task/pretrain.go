package task

import (
	"context"
	"errors"
	"fmt"
	"slices"
	"strconv"
	"strings"

	"github.com/gomlx/compute/dtypes"
	. "github.com/gomlx/gomlx/core/graph"

	"github.com/seed-516990b0/golxmert/lxmert"
	"github.com/seed-516990b0/golxmert/lxmert/backend"
	"github.com/seed-516990b0/golxmert/lxmert/dataset"
	"github.com/seed-516990b0/golxmert/lxmert/lxrt"
	"github.com/seed-516990b0/golxmert/lxmert/train"
)

// This file pre-trains a model (LXMERT, section 3, and its code): the walk from flags to snapshots.

// What pre-training has other than fine-tuning.
const (
	pretrainClip   = 1.0
	pretrainWarmup = 0.05
	validImages    = 5000 // of each feature file, at most
)

// Pretraining are the choices that only pre-training has, the reference's flags.
type Pretraining struct {
	// The tasks: masked words, whether the sentence is about the picture, masked regions, and answers. None: all.
	MaskLM, Matched, Objects, QA bool
	VisualLosses                 []string // of Objects: "obj", "attr", "feat"
	QASets                       []string // whose answers the answer head has; none: all
	WordMaskRate, ObjMaskRate    float64  // at which words and regions are asked for
	// MaskedOnly: objects and attributes are learnt of masked regions only, as the paper has it. The published code learns those
	// of all regions, most of which it sees.
	MaskedOnly bool
	// ObjectList and AttributeList are files that name the classes of the regions' objects and attributes, one per line; "": as
	// many classes as the weights or the configuration have, else the published model.
	ObjectList, AttributeList string
}

// DefaultPretraining are the published choices.
func DefaultPretraining() Pretraining {
	return Pretraining{VisualLosses: []string{"obj", "attr", "feat"}, WordMaskRate: 0.15, ObjMaskRate: 0.15}
}

// settle switches every task on if none is.
func (p *Pretraining) settle() {
	if !p.MaskLM && !p.Matched && !p.Objects && !p.QA {
		p.MaskLM, p.Matched, p.Objects, p.QA = true, true, true, true
	}
}

// visual says whether one of the losses over regions is on.
func (p *Pretraining) visual(name string) bool {
	for _, v := range p.VisualLosses {
		if v == name {
			return p.Objects
		}
	}
	return false
}

func (p *Pretraining) check() error {
	if err := (dataset.Masking{Words: p.WordMaskRate, Regions: p.ObjMaskRate}).Check(); err != nil {
		return err
	}
	for _, v := range p.VisualLosses {
		if v != "obj" && v != "attr" && v != "feat" {
			return fmt.Errorf("task: --visualLosses has %q; there are obj, attr and feat", v)
		}
	}
	if p.Objects && len(p.VisualLosses) == 0 {
		return errors.New("task: --taskObjPredict needs a loss: --visualLosses obj,attr,feat")
	}
	return nil
}

// settings are what the outcome depends on.
func (p Pretraining) settings() map[string]string {
	p.settle()
	rate := func(x float64) string { return strconv.FormatFloat(x, 'g', -1, 64) }
	s := map[string]string{
		"taskMaskLM": strconv.FormatBool(p.MaskLM), "taskMatched": strconv.FormatBool(p.Matched), "taskObjPredict": strconv.FormatBool(p.Objects),
		"taskQA": strconv.FormatBool(p.QA), "visualLosses": strings.Join(p.VisualLosses, ","), "qaSets": strings.Join(p.QASets, ","),
		"wordMaskRate": rate(p.WordMaskRate), "objMaskRate": rate(p.ObjMaskRate),
	}
	for name, value := range map[string]string{"objects": p.ObjectList, "attributes": p.AttributeList} {
		if value != "" {
			s[name] = value
		}
	}
	if p.MaskedOnly {
		s["maskedOnly"] = "true"
	}
	return s
}

// pretraining is a run of it.
type pretraining struct {
	*session
	table  *dataset.QATable
	cfg    lxmert.Config
	losses []lxrt.PretrainingLoss // that are on
	phases []phase[*dataset.Corpus]
	corpus *dataset.Corpus // of the last phase
	valid  *dataset.Corpus // nil: none
}

// pretrain is [Train] for pre-training.
func pretrain(ctx context.Context, b *backend.Backend, t *dataset.Task, o Options) (out *train.Outcome, err error) {
	settings := o.settings(t)
	o.Pretraining.settle()
	o.settle()
	s, err := openSession(b, t, &o)
	if err != nil {
		return nil, err
	}
	p := &pretraining{session: s}
	defer func() { err = errors.Join(err, p.Close()) }()
	if err := p.load(ctx); err != nil {
		return nil, err
	}
	begin, err := p.begin()
	if err != nil {
		return nil, err
	}
	defer func() { err = errors.Join(err, begin.Close()) }() // closing twice does nothing
	p.cfg, p.losses = begin.cfg, p.enabled()
	if err := p.checkRegions(ctx); err != nil {
		return nil, err
	}

	perEpoch := batchesPerEpoch(stepsIn(p.phases))
	phases, total := cutPhases(&o, p.phases)
	p.phases = phases
	steps := stepsIn(phases)
	fmt.Fprintf(o.Out, "Batch per epoch: %s\nTotal Iters: %d\nWarm up Iters: %d\n", perEpoch, total, int(float64(total)*pretrainWarmup))
	kind := training{pretrainClip, pretrainWarmup, !o.Pretraining.MaskLM && o.Own == nil, p.objective()}
	if p.planning != nil {
		return nil, p.outline(ctx, begin, kind)
	}
	trainer, err := p.trainer(ctx, begin, kind, total)
	if err != nil {
		return nil, err
	}
	defer func() { err = errors.Join(err, trainer.Close()) }()
	if err := begin.Close(); err != nil {
		return nil, err
	}
	job := train.Job{
		Steps: steps, Names: p.names, Parameter: func(canonical string) string { return canonical },
		Score: p.rightAnswers, Tally: p.tally,
		Batches: func(ctx context.Context, epoch, from int) (train.Batches, error) {
			return p.batches(ctx, epoch, from), nil
		},
		Largest: func(ctx context.Context) (train.Batches, error) { return p.batches(ctx, 0, 0), nil },
		Judge:   func(ctx context.Context, e *train.Epoch) (*train.Judgement, error) { return p.judge(ctx, trainer, e) },
	}
	for _, l := range p.losses {
		job.Parts = append(job.Parts, l.Name)
	}
	for _, l := range p.losses {
		job.Parts = append(job.Parts, l.Name+".norm")
	}
	job.Snapshots = snapshots(o.Output, len(steps))
	return p.run(ctx, trainer, job, settings, fingerprints(phases))
}

// load reads the answer table and the sentences.
func (p *pretraining) load(ctx context.Context) (err error) {
	o := p.opt
	if err := o.Pretraining.check(); err != nil {
		return err
	}
	if err := o.Own.checkPretraining(); err != nil {
		return err
	}
	if o.KeepFeatures == keepAsked {
		return errors.New("task: --keepFeatures yes is for fine-tuning; pre-training hides other regions of a picture each time, and sends them with each step")
	}
	if p.table, err = dataset.LoadQATable(dataset.AnswerTable(o.Root), o.Pretraining.QASets); err != nil {
		return err
	}
	read := func(sources []string, limit int) (*dataset.Corpus, error) {
		c, err := dataset.LoadCorpus(ctx, sources, p.table, dataset.Options{
			Root: o.Root, Limit: limit, Strict: o.Strict, Log: o.Out, Notes: o.Notes, Packing: o.Packing, Sources: p.sources,
			Open: p.openFeatures(),
		})
		if err != nil {
			return nil, err
		}
		p.closers = append(p.closers, c)
		if p.found(c.Listed, c.Len()) == 0 {
			return nil, fmt.Errorf("task: %s has no sentence about a picture with regions", strings.Join(sources, ","))
		}
		if o.Pretraining.Matched && c.Len() > 0 && !c.SeveralPictures() {
			return nil, fmt.Errorf("task: all sentences of %s are about one picture, so none can be swapped; leave --taskMatched out", strings.Join(sources, ","))
		}
		return c, nil
	}
	p.phases, err = phasesOf(o, func(sources []string) (*dataset.Corpus, int, error) {
		c, err := read(sources, pretrainLimit(o, false))
		if err != nil {
			return nil, 0, err
		}
		n := p.found(c.Listed, c.Len())
		if n < o.BatchSize {
			return nil, 0, fmt.Errorf("task: %s has %d sentences with a picture, fewer than --batchSize %d", strings.Join(sources, ","), n, o.BatchSize)
		}
		p.corpus = c
		return c, n / o.BatchSize, nil
	})
	if err != nil || len(o.Valid) == 0 {
		return err
	}
	p.valid, err = read(o.Valid, pretrainLimit(o, true))
	return err
}

// pretrainLimit is the number of images of each feature file, 0 for all.
func pretrainLimit(o *Options, validates bool) int {
	limit := o.limit()
	if o.Tiny {
		limit = 500 // fine-tuning takes 512
	}
	if validates && (limit == 0 || limit > validImages) {
		return validImages
	}
	return limit
}

// batchesPerEpoch is one number where all epochs have as many steps, as the reference prints it.
func batchesPerEpoch(steps []int) string {
	var all []string
	for _, n := range steps {
		all = append(all, strconv.Itoa(n))
	}
	return strings.Join(slices.Compact(all), ", ")
}

// enabled are the losses that are on.
func (p *pretraining) enabled() (losses []lxrt.PretrainingLoss) {
	c := &p.opt.Pretraining
	on := map[string]bool{
		"Mask_LM": c.MaskLM, "Matched": c.Matched, "Obj": c.visual("obj"), "Attr": c.visual("attr"), "Feat": c.visual("feat"), "QA": c.QA,
	}
	for _, l := range lxrt.PretrainingLosses() {
		if on[l.Name] {
			losses = append(losses, l)
		}
	}
	return losses
}

// objective is that of the losses that are on, with what is of one's own.
func (p *pretraining) objective() train.Objective {
	objective := PretrainingObjective(p.losses, p.opt.Pretraining.QA)
	if own := p.opt.Own; own != nil {
		objective = own.pretraining(objective)
	}
	return objective
}

// PretrainingObjective is the sum of losses; its outputs are each of them, how strongly each pulls, and, with answers, the ones
// that are predicted.
func PretrainingObjective(losses []lxrt.PretrainingLoss, answers bool) train.Objective {
	return func(net *lxrt.Net, label func(string) *Node) (total *Node, outputs []*Node) {
		for _, l := range losses {
			x := l.Of(net, label)
			outputs = append(outputs, x)
			if total == nil {
				total = x
			} else {
				total = Add(total, x)
			}
		}
		for _, x := range outputs[:len(losses)] {
			outputs = append(outputs, net.LossNorm(x))
		}
		if answers {
			outputs = append(outputs, ArgMax(net.Node("out.qa"), -1, dtypes.Int32))
		}
		return total, outputs
	}
}

// checkRegions says whether the first picture has what the losses are about.
func (p *pretraining) checkRegions(ctx context.Context) error {
	if p.corpus.Len() == 0 {
		return nil // in a plan whose features are not packed
	}
	r, err := p.corpus.Regions(ctx, 0)
	if err != nil {
		return err
	}
	for _, x := range []struct {
		loss, what string
		there      bool
	}{
		{"obj", "objects and their confidences", r.ObjectIDs != nil && r.ObjectConf != nil},
		{"attr", "attributes and their confidences", r.AttrIDs != nil && r.AttrConf != nil},
	} {
		if p.opt.Pretraining.visual(x.loss) && !x.there {
			return fmt.Errorf("task: %s has no %s, which --visualLosses %s learns; leave it out, as in --visualLosses feat", r.Source, x.what, x.loss)
		}
	}
	return nil
}
