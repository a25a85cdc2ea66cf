package task

import (
	"context"
	"errors"
	"fmt"
	"slices"
	"strings"

	"github.com/seed-516990b0/golxmert/lxmert"
	"github.com/seed-516990b0/golxmert/lxmert/backend"
	"github.com/seed-516990b0/golxmert/lxmert/dataset"
	"github.com/seed-516990b0/golxmert/lxmert/internal/peak"
	"github.com/seed-516990b0/golxmert/lxmert/train"
)

const (
	clip   = 5.0 // of the gradients' global norm
	warmup = 0.1
)

// Train fine-tunes a task as the reference's training commands do and leaves log.log, BEST.pth and LAST.pth in the output
// folder; or it pre-trains, and leaves log.log, BEST_EVAL_LOSS_LXRT.pth and EpochNN_LXRT.pth.
func Train(ctx context.Context, b *backend.Backend, t *dataset.Task, o Options) (out *train.Outcome, err error) {
	if out, err := Already(t, o); out != nil || err != nil {
		return out, err
	}
	if t.Pretrains {
		return pretrain(ctx, b, t, o)
	}
	settings := o.settings(t)
	o.settle()
	s, err := newSession(b, t, &o)
	if err != nil {
		return nil, err
	}
	defer func() { err = errors.Join(err, s.Close()) }()
	if err := guardRandom(t, &o); err != nil {
		return nil, err
	}
	phases, err := s.phases(ctx)
	if err != nil {
		return nil, err
	}
	var valid *dataset.Set
	if len(o.Valid) > 0 {
		if valid, err = s.load(ctx, o.Valid, o.limit()); err != nil {
			return nil, err
		}
		if s.found(valid.Listed, valid.Len()) == 0 {
			return nil, fmt.Errorf("task: the split %s has no question with a picture; --valid \"\" trains without validation", strings.Join(o.Valid, ","))
		}
	}
	if err := s.checkAnswers(setsOf(phases)); err != nil {
		return nil, err
	}
	begin, err := s.begin(phases[0].set)
	if err != nil {
		return nil, err
	}
	defer func() { err = errors.Join(err, begin.Close()) }() // closing twice does nothing

	phases, total := cutPhases(&o, phases)
	job := train.Job{Names: names, Steps: stepsIn(phases)}
	fmt.Fprintf(o.Out, t.StepsLine+"\n", total)
	fmt.Fprintf(o.Out, "Splits in Train data: %s\n", pythonList(o.Train))
	if valid == nil {
		fmt.Fprintln(o.Out, "DO NOT USE VALIDATION")
	} else {
		oracle, err := s.oracleScore(valid)
		if err != nil {
			return nil, err
		}
		fmt.Fprintf(o.Out, "Splits in Valid data: %s\n", pythonList(o.Valid))
		fmt.Fprintf(o.Out, "Valid Oracle: %0.2f\n", 100*oracle)
		noteTrained(o.Notes, o.Train, o.Valid)
	}

	lengths, err := s.lengths(setsOf(phases), begin.cfg, total)
	if err != nil {
		return nil, err
	}
	kind := training{clip, warmup, o.Own == nil, s.objective()}
	if s.planning != nil {
		return nil, s.outline(ctx, begin, kind, phases, valid, lengths)
	}
	trainer, err := s.trainer(ctx, begin, kind, total)
	if err != nil {
		return nil, err
	}
	defer func() { err = errors.Join(err, trainer.Close()) }()
	if err := begin.Close(); err != nil { // what was mapped need not stay in memory
		return nil, err
	}
	keeps, err := s.keeps()
	if err != nil {
		return nil, err
	}
	if keeps {
		job.Prepare = func(ctx context.Context, largest []train.Part) (err error) {
			s.kept, err = s.keep(ctx, trainer, setsOf(phases), largest)
			return err
		}
	}

	job.Batches = func(ctx context.Context, epoch, from int) (train.Batches, error) {
		return s.batches(ctx, phases[epoch], from, lengths), nil
	}
	job.Largest = func(ctx context.Context) (train.Batches, error) {
		return s.batches(ctx, phases[0], 0, lengths[len(lengths)-1:]), nil
	}
	job.Score = func(p train.Part, outputs []any) (float64, int, error) {
		set := p.Origin.(*dataset.Set)
		classes := outputs[classOutput].([]int32)
		right := 0.0
		for i, k := range p.Index {
			right += s.score(&set.Examples[k], int(classes[i]))
		}
		return right, len(p.Index), nil
	}
	if !o.NoDynamics {
		if job.Dynamics, err = s.dynamics(setsOf(phases)); err != nil {
			return nil, err
		}
	}
	if valid != nil {
		job.Validate = func(ctx context.Context, epoch int, m lxmert.Engine) (float64, error) {
			classes, err := s.validate(ctx, trainer, m, valid)
			if err != nil {
				return 0, err
			}
			score := s.mean(valid, classes)
			if epoch == 0 {
				warnChance(o.Notes, score, majority(valid, s.answers), &o)
			}
			return score, nil
		}
	}
	// What a step costs that computes some gradients only is not known.
	if r, err := phases[0].set.Regions(ctx, phases[0].set.Examples[0].Images[0]); err == nil && trainer.Trained().Frozen == nil {
		job.FLOPs = lxmert.FLOPs(begin.cfg, lengths[len(lengths)-1], r.N, head(t))
	}
	return s.run(ctx, trainer, job, settings, fingerprints(phases))
}

// Already is the outcome of a run that is to be resumed and has come to its end before; nil if there is something left to do.
// It needs neither data nor a backend.
func Already(t *dataset.Task, o Options) (*train.Outcome, error) {
	if !o.Resume {
		return nil, nil
	}
	settings := o.settings(t)
	o.settle()
	return train.Already(o.Output, settings)
}

// peak is what the devices of training could compute in a second, judged by a matrix product. Those of a CPU share its
// cores.
func (s *session) peak(ctx context.Context) (float64, error) {
	p, err := peak.Measure(ctx, s.backend.Backend, peak.Precision{BFloat16: s.opt.BF16, TF32: s.opt.TF32}, peak.Quick, peak.Side)
	if err != nil {
		return 0, err
	}
	flops := 1e9 * p.GFLOPS
	if s.backend.Kind != backend.KindCPU && s.backend.Kind != backend.KindGo {
		flops *= float64(max(1, s.opt.Devices))
	}
	return flops, nil
}

// phases loads the training splits.
func (s *session) phases(ctx context.Context) ([]phase[*dataset.Set], error) {
	o := s.opt
	return phasesOf(o, func(splits []string) (*dataset.Set, int, error) {
		set, err := s.load(ctx, splits, o.limit())
		if err != nil {
			return nil, 0, err
		}
		n := s.found(set.Listed, set.Len())
		if n < o.BatchSize {
			return nil, 0, fmt.Errorf("task: the split %s has %d questions with a picture, fewer than --batchSize %d", strings.Join(splits, ","), n, o.BatchSize)
		}
		return set, n / o.BatchSize, nil
	})
}

// checkAnswers says how many training questions have an answer that the head does not have. For GQA the reference ignores such
// answers; for VQA it stops when it meets one (Truth.Strict), which is better known before the first step.
func (s *session) checkAnswers(sets []*dataset.Set) error {
	if s.answers == nil {
		return nil
	}
	for _, set := range sets {
		n, first := s.answers.Outside(set.Examples)
		switch {
		case n > 0 && s.task.Truth.Strict:
			return fmt.Errorf("task: %d of %d training questions have an answer outside the answer table, such as %q; take the table that belongs to the questions", n, set.Len(), first)
		case n > 0:
			fmt.Fprintf(s.opt.Notes, "note: %d of %d training questions have an answer outside the answer table, such as %q: nothing is right for them\n", n, set.Len(), first)
		}
	}
	return nil
}

// names are the ids of a part's questions.
func names(p train.Part) []string {
	var ids []string
	for _, k := range p.Index {
		ids = append(ids, p.Origin.(*dataset.Set).Examples[k].ID)
	}
	return ids
}

// lengths are the numbers of word pieces that batches are cut to, ascending. Padding changes no result but dropout's
// choice of numbers; it costs time.
func (s *session) lengths(sets []*dataset.Set, c lxmert.Config, steps int) ([]int, error) {
	most := s.length(c)
	if steps > s.bucketedSteps {
		var out []int
		for n := 12; n < most; n += 4 {
			out = append(out, n)
		}
		return append(out, most), nil
	}
	longest := 0
	for _, set := range sets {
		for k := range set.Examples {
			e, err := s.tok.Encode(set.Examples[k].Text, most)
			if err != nil {
				return nil, err
			}
			longest = max(longest, pieces(e.Mask))
		}
	}
	return []int{min(most, (longest+3)/4*4)}, nil
}

// pieces is the length of a sentence without its padding.
func pieces(mask []float32) int {
	n := len(mask)
	for n > 1 && mask[n-1] == 0 {
		n--
	}
	return n
}

// batches prepares the steps of a phase ahead.
func (s *session) batches(ctx context.Context, p phase[*dataset.Set], from int, lengths []int) train.Batches {
	order := p.order(s.opt)
	size, parts := s.opt.BatchSize, max(1, s.opt.Accumulate)
	return dataset.NewLoader(ctx, p.steps-from, s.opt.loadingWorkers(), func(ctx context.Context, i int) ([]train.Part, error) {
		index := order[(from+i)*size : (from+i+1)*size]
		var out []train.Part
		for k := range parts {
			part, err := s.part(ctx, p.set, index[k*size/parts:(k+1)*size/parts], lengths)
			if err != nil {
				return nil, err
			}
			out = append(out, part)
		}
		return out, nil
	})
}

// part makes the batch and the targets of some examples.
func (s *session) part(ctx context.Context, set *dataset.Set, index []int, lengths []int) (train.Part, error) {
	b, pictures, err := s.kept.batch(set, s.tok, lengths[len(lengths)-1], index)
	if err == nil && b == nil {
		b, err = set.Batch(ctx, s.tok, lengths[len(lengths)-1], index)
	}
	if err != nil {
		return train.Part{}, err
	}
	if s.opt.Blind {
		blind(b)
	}
	longest := 0
	for _, mask := range b.TextMask {
		longest = max(longest, pieces(mask))
	}
	for _, n := range lengths {
		if n >= longest {
			shorten(b, n)
			break
		}
	}
	label, err := s.label(set, index)
	if err != nil {
		return train.Part{}, err
	}
	labels := map[string]train.Label{targetLabel: label}
	if err := s.opt.Own.label(labels, set, index); err != nil {
		return train.Part{}, err
	}
	return train.Part{Batch: b, Labels: labels, Pictures: pictures, Origin: set, Index: index}, nil
}

// blind leaves every picture one region of zeros, about which nothing is known.
func blind(b *lxmert.Batch) {
	n, dim := b.Feats.Shape[0], b.Feats.Shape[2]
	b.Feats, b.Boxes, b.RegionMask = lxmert.NewTensor(n, 1, dim), lxmert.NewTensor(n, 1, 4), nil
	b.Images = slices.Clone(b.Images)
	for i := range b.Images {
		info := &b.Images[i]
		info.Objects, info.Attributes, info.ObjectIDs, info.AttributeIDs = nil, nil, nil, nil
	}
}

// shorten cuts padding off the ends of all sentences.
func shorten(b *lxmert.Batch, n int) {
	for i := range b.IDs {
		b.IDs[i] = b.IDs[i][:n]
		b.TextMask[i] = b.TextMask[i][:n]
		if b.Segments != nil {
			b.Segments[i] = b.Segments[i][:n]
		}
	}
	b.Words = nil // training draws nothing
}

// oracleScore is the best score that one answer per question can have, by the targets.
func (s *session) oracleScore(set *dataset.Set) (float64, error) {
	total := 0.0
	for i := range set.Examples {
		e := &set.Examples[i]
		class, _, err := s.oracle(e)
		if err != nil {
			return 0, err
		}
		total += s.score(e, class)
	}
	return total / float64(set.Len()), nil
}

// mean is the score of predictions, 0 to 1.
func (s *session) mean(set *dataset.Set, classes []int) float64 {
	total := 0.0
	for i, c := range classes {
		total += s.score(&set.Examples[i], c)
	}
	if len(classes) == 0 {
		return 0
	}
	return total / float64(len(classes))
}
