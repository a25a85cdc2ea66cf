package task

import (
	"context"
	"errors"
	"fmt"

	"github.com/seed-516990b0/golxmert/internal/excerpt"
	"github.com/seed-516990b0/golxmert/internal/progress"
	"github.com/seed-516990b0/golxmert/lxmert"
	"github.com/seed-516990b0/golxmert/lxmert/backend"
	"github.com/seed-516990b0/golxmert/lxmert/dataset"
	"github.com/seed-516990b0/golxmert/lxmert/internal/devicememory"
	"github.com/seed-516990b0/golxmert/lxmert/region"
	"github.com/seed-516990b0/golxmert/lxmert/token"
	"github.com/seed-516990b0/golxmert/lxmert/train"
)

// This file brings the regions of all training pictures to the GPUs where that is asked for or they fit, see [train.Trainer.Keep].

// kept are the numbers of pictures whose regions are there.
type kept map[dataset.Picture]int32

// batch makes a batch without regions, and says which pictures it has; nil where not all of them are kept.
func (k kept) batch(set *dataset.Set, tok *token.WordPiece, length int, index []int) (b *lxmert.Batch, numbers []int32, err error) {
	if k == nil {
		return nil, nil, nil
	}
	b, pictures, err := set.TextBatch(tok, length, index)
	if err != nil {
		return nil, nil, err
	}
	for _, p := range pictures {
		number, ok := k[p]
		if !ok {
			return nil, nil, nil
		}
		numbers = append(numbers, number)
	}
	return b, numbers, nil
}

// errUneven says that pictures have different numbers of regions, so that batches need masks.
var errUneven = errors.New("pictures have different numbers of regions")

// keepAsked is the value of --keepFeatures that has features kept without asking whether they fit.
const keepAsked = "yes"

// keeps says whether pictures are to be kept where they fit.
func (s *session) keeps() (bool, error) {
	onGPU, value := s.backend.Kind == backend.KindCUDA, s.opt.KeepFeatures
	if value == keepAsked && !onGPU {
		return false, errors.New("task: --keepFeatures yes is for a GPU; the processor reads features where they are")
	}
	return onGPU && value != "no" && !s.opt.Blind, nil
}

// keep keeps the pictures of some sets, beside which there is to be room for the largest steps, and says why not where that would be
// expected; nil: batches bring their regions.
func (s *session) keep(ctx context.Context, t *train.Trainer, sets []*dataset.Set, largest []train.Part) (kept, error) {
	o := s.opt
	asked := o.KeepFeatures == keepAsked
	list, numbers, err := picturesOf(sets)
	if err != nil {
		return nil, err
	}
	first, err := list[0].Source.Find(ctx, list[0].ID)
	if err != nil {
		return nil, err
	}
	c := t.Model().Config()
	bytes := train.KeptBytes(c, o.BF16, len(list), first.N)
	if !asked {
		m, ok := s.backend.Memory()
		if !ok {
			return nil, nil
		}
		training, ok, err := t.StepBytes(largest...)
		if err != nil {
			return nil, err
		}
		if !ok { // the compiler does not say
			training = trainingBytes(c, o, s.task.Pictures())
		}
		if why := room(m, bytes, training); why != "" {
			fmt.Fprintf(o.Notes, "note: features are sent with each step: %s\n", why)
			return nil, nil
		}
	}
	fmt.Fprintf(o.Notes, "features of %d pictures, %s, stay on the GPU; --keepFeatures no sends them with each step\n", len(list), progress.Bytes(bytes))
	err = t.Keep(ctx, len(list), first.N, func(ctx context.Context, at int, feats, boxes []float32) error {
		return readPictures(ctx, list[at:at+len(boxes)/(first.N*c.BoxDim)], first.N, o.loadingWorkers(), feats, boxes)
	})
	const after = "note: features are sent with each step after all: %v\n"
	switch {
	case devicememory.Exhausted(err):
		fmt.Fprintf(o.Notes, after, s.full())
		return nil, nil
	case errors.Is(err, errUneven) && !asked:
		fmt.Fprintf(o.Notes, after, err)
		return nil, nil
	case err != nil:
		return nil, err
	}
	return numbers, nil
}

// full says that a GPU's memory ran out although what it should hold would have fitted, as far as was known: it may be in pieces, or
// others use it.
func (s *session) full() string {
	text := "the GPU's memory ran out while they were brought there"
	if m, ok := s.backend.Memory(); ok && m.Limit > 0 {
		text += fmt.Sprintf(", and %s of %s are in use without them", progress.Bytes(m.InUse), progress.Bytes(m.Limit))
	}
	return text
}

// room says why features of so many bytes are not kept beside a training that takes others; "": they fit.
func room(m backend.Memory, features, training int64) string {
	free, known := m.Free()
	switch {
	case !known:
		return "the GPU does not say how much memory is free; --keepFeatures yes keeps them all the same"
	case features+training > free:
		return fmt.Sprintf("they take %s, and training about %s; of the GPU's memory %s are free", progress.Bytes(features), progress.Bytes(training), progress.Bytes(free))
	}
	return ""
}

// picturesOf lists the pictures of some sets, each once, and numbers them.
func picturesOf(sets []*dataset.Set) (list []dataset.Picture, numbers kept, err error) {
	numbers = kept{}
	for _, set := range sets {
		for i := range set.Examples {
			for _, id := range set.Examples[i].Images {
				p, err := set.Picture(id)
				if err != nil {
					return nil, nil, err
				}
				if _, ok := numbers[p]; !ok {
					numbers[p] = int32(len(list))
					list = append(list, p)
				}
			}
		}
	}
	return list, numbers, nil
}

// readPictures fills features and boxes as those of a batch are.
func readPictures(ctx context.Context, list []dataset.Picture, regions, workers int, feats, boxes []float32) error {
	f, b := len(feats)/len(list), len(boxes)/len(list)
	l := dataset.NewLoader(ctx, len(list), workers, func(ctx context.Context, i int) (struct{}, error) {
		r, err := list[i].Source.Find(ctx, list[i].ID)
		if err != nil {
			return struct{}{}, err
		}
		if r.N != regions {
			return struct{}{}, fmt.Errorf("task: %w: %s has %d, others have %d", errUneven, excerpt.Quote(r.ID), r.N, regions)
		}
		if err := r.CheckFinite(); err != nil {
			return struct{}{}, err
		}
		var one lxmert.Batch
		if err := region.Fill(&one, r); err != nil {
			return struct{}{}, err
		}
		if len(one.Feats.Data) != f || len(one.Boxes.Data) != b {
			return struct{}{}, fmt.Errorf("task: picture %s has %d features per region, the model needs %d", excerpt.Quote(r.ID), r.Dim, f/regions)
		}
		copy(feats[i*f:], one.Feats.Data)
		copy(boxes[i*b:], one.Boxes.Data)
		return struct{}{}, nil
	})
	defer l.Close()
	for range list {
		if _, err := l.Next(); err != nil {
			return err
		}
	}
	return nil
}
