package sweep

import (
	"context"
	"errors"
	"fmt"
	"os"
	"slices"

	"github.com/seed-516990b0/golxmert/analysis"
	"github.com/seed-516990b0/golxmert/lxmert"
)

// This file gives out again what was kept of a model's runs.

// keptRow is a row of a batch without its regions' features. Its numbers are those of [keptOf], one activation after
// another, without padding at the end; after those of all rows of the line come those of the model with random weights.
type keptRow struct {
	IDs      []int32          `json:"ids"`
	Segments []int32          `json:"segments,omitempty"`
	Mask     []float32        `json:"mask,omitempty"`
	Words    lxmert.Words     `json:"words,omitzero"`
	Image    lxmert.ImageInfo `json:"image,omitzero"`
	Regions  []float32        `json:"regions"` // mask of the regions, without padding at the end
	Boxes    []float32        `json:"boxes"`   // of the same
}

func newKeptRow(b *lxmert.Batch, row int) keptRow {
	k := keptRow{IDs: b.IDs[row]}
	if b.Segments != nil {
		k.Segments = b.Segments[row]
	}
	if b.TextMask != nil {
		k.Mask = b.TextMask[row]
	}
	if b.Words != nil {
		k.Words = b.Words[row]
	}
	if b.Images != nil {
		k.Image = b.Images[row]
	}
	regions := analysis.ValidRegions(b, row)
	regions = regions[:lastTrue(regions)]
	k.Regions, k.Boxes = []float32{}, []float32{}
	for v, there := range regions {
		k.Regions, k.Boxes = append(k.Regions, oneIf(there)), append(k.Boxes, b.Boxes.Row(row).Row(v).Data...)
	}
	return k
}

// words is how many positions of the row's text are kept.
func (k *keptRow) words() int {
	if k.Mask == nil {
		return len(k.IDs)
	}
	n := len(k.Mask)
	for n > 0 && !(k.Mask[n-1] > 0) {
		n--
	}
	return n
}

// check says what of a row cannot be.
func (k *keptRow) check(cfg lxmert.Config) error {
	switch {
	case len(k.IDs) == 0 || k.Mask != nil && len(k.Mask) != len(k.IDs) || k.Segments != nil && len(k.Segments) != len(k.IDs):
		return fmt.Errorf("%d word pieces, a mask of %d and %d segments", len(k.IDs), len(k.Mask), len(k.Segments))
	case len(k.Boxes) != len(k.Regions)*cfg.BoxDim:
		return fmt.Errorf("%d regions and %d numbers of boxes", len(k.Regions), len(k.Boxes))
	}
	n := len(k.IDs)
	if w := k.Words; !slices.Equal([]int{len(w.Start), len(w.End), len(w.Word)}, slices.Repeat([]int{len(w.Pieces)}, 3)) || len(w.Pieces) != 0 && len(w.Pieces) != n {
		return fmt.Errorf("%d word pieces of %d ids", len(k.Words.Pieces), n)
	}
	for i, start := range k.Words.Start {
		if end := k.Words.End[i]; start > end || end > len(k.Words.Text) || start >= 0 && end < 0 {
			return fmt.Errorf("word piece %d is from byte %d to %d of %d", i, start, end, len(k.Words.Text))
		}
	}
	return nil
}

// replay goes through the sample of a sweep again.
type replay struct {
	ctx          context.Context
	settings     Settings
	paths        []string
	kept, random []lxmert.Activation
	// The rows of the batch that was given out last, in the one of which it is a part.
	values map[string]lxmert.Tensor
	err    error // of reading
}

func newReplay(ctx context.Context, s Settings, paths []string) (*replay, error) {
	p := &replay{ctx: ctx, settings: s, paths: paths}
	var err error
	p.kept, p.random, err = keptOf(*s.Config, s.Methods)
	return p, err
}

// errEnough ends the reading: parts follow each other as their questions do, so that no later one has more of the sample.
var errEnough = errors.New("enough")

// batches are those of the sample, as far as they are done, one for each line. Each must be done with before the next.
func (p *replay) batches(yield func(*lxmert.Batch, error) bool) {
	for _, path := range p.paths {
		err := p.part(path, func(b *lxmert.Batch) error {
			if !yield(b, nil) {
				return errEnough
			}
			return nil
		})
		if errors.Is(err, errEnough) {
			return
		}
		if err != nil {
			p.err = err
			yield(nil, err)
			return
		}
	}
}

func (p *replay) part(path string, each func(*lxmert.Batch) error) error {
	f, err := os.Open(path)
	if err != nil {
		return fmt.Errorf("sweep: %w", err)
	}
	defer f.Close()
	states := &stateReader{path: statesName(path)}
	defer states.Close()
	_, err = readPart(path, f, func(Settings) error { return nil }, func(l *line) error {
		if err := p.ctx.Err(); err != nil {
			return err
		}
		if l.First >= p.settings.Sample {
			return errEnough
		}
		if len(l.Kept) == 0 {
			return nil
		}
		if err := states.read(l); err != nil {
			return err
		}
		b, err := p.batch(l)
		if err != nil {
			return fmt.Errorf("sweep: %s, the batch of example %d: %w; the files were changed, overwrite them", path, l.First, err)
		}
		return each(b)
	})
	return err
}

// batch makes a batch of the rows of a line, and gets ready what is known of it. Its regions have one feature, by which a row is
// known: its number.
func (p *replay) batch(l *line) (*lxmert.Batch, error) {
	cfg, rows := *p.settings.Config, len(l.Kept)
	t, v := 0, 1
	for i := range l.Kept {
		if err := l.Kept[i].check(cfg); err != nil {
			return nil, err
		}
		t, v = max(t, len(l.Kept[i].IDs)), max(v, len(l.Kept[i].Regions))
	}
	b := &lxmert.Batch{Feats: lxmert.NewTensor(rows, v, 1), Boxes: lxmert.NewTensor(rows, v, cfg.BoxDim)}
	for row, k := range l.Kept {
		mask, regions := k.Mask, make([]float32, v)
		if mask == nil {
			mask = slices.Repeat([]float32{1}, len(k.IDs))
		}
		segments := k.Segments
		if segments == nil {
			segments = make([]int32, len(k.IDs))
		}
		copy(regions, k.Regions)
		copy(b.Boxes.Row(row).Data, k.Boxes)
		for i := range v {
			b.Feats.Row(row).Row(i).Data[0] = float32(row)
		}
		b.IDs, b.Segments, b.TextMask = append(b.IDs, k.IDs), append(b.Segments, segments), append(b.TextMask, mask)
		b.RegionMask, b.Words, b.Images = append(b.RegionMask, regions), append(b.Words, k.Words), append(b.Images, k.Image)
	}
	if len(b.Words[0].Pieces) == 0 {
		b.Words = nil
	}
	left := l.numbers
	p.values = map[string]lxmert.Tensor{}
	for _, side := range []struct {
		prefix string
		kept   []lxmert.Activation
	}{{"", p.kept}, {randomly, p.random}} {
		for _, a := range side.kept {
			p.values[side.prefix+a.Name] = lxmert.NewTensor(append([]int{rows}, a.Dims(cfg, t, v)...)...)
		}
		for row := range l.Kept {
			for _, a := range side.kept {
				dims := a.Dims(cfg, l.Kept[row].words(), len(l.Kept[row].Regions))
				if n := lxmert.Size(dims); n > len(left) {
					return nil, fmt.Errorf("%s of row %d has %d numbers, there are %d more", a.Name, row, n, len(left))
				}
				left = fillCorner(p.values[side.prefix+a.Name].Row(row), dims, left)
			}
		}
	}
	if len(left) > 0 {
		return nil, fmt.Errorf("there are %d numbers too many", len(left))
	}
	return b, nil
}

// randomly goes before the names of activations of a model with random weights.
const randomly = "random "

// replayed is a model of which a [replay] knows what it computed.
type replayed struct {
	of     *replay
	prefix string
}

func (e replayed) Config() lxmert.Config { return *e.of.settings.Config }

// Run returns what was kept of the rows of a batch that the replay gave out last, or of a part of it.
func (e replayed) Run(_ context.Context, b *lxmert.Batch, r lxmert.Request) (*lxmert.Trace, error) {
	if len(r.Edits) > 0 || r.Grad != nil {
		return nil, errors.New("sweep: what was kept of a run cannot be run with something changed")
	}
	b = analysis.Separate(b)
	t := &lxmert.Trace{Values: map[string]lxmert.Tensor{}, Batch: b, Provenance: e.of.settings.Model}
	for _, want := range r.Want {
		found, err := e.Config().Find(want.Name)
		if err != nil {
			return nil, err
		}
		for _, a := range found {
			all, ok := e.of.values[e.prefix+a.Name]
			if !ok {
				return nil, fmt.Errorf("sweep: %s was not kept", e.prefix+a.Name)
			}
			out := lxmert.NewTensor(append([]int{b.Rows()}, all.Shape[1:]...)...)
			for row := range b.Rows() {
				copy(out.Row(row).Data, all.Row(int(b.Feats.Row(row).Data[0])).Data)
			}
			t.Values[a.Name] = out
		}
	}
	return t, nil
}
