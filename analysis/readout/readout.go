package readout

import (
	"cmp"
	"context"
	"errors"
	"fmt"
	"slices"
	"strconv"
	"strings"

	"github.com/seed-516990b0/golxmert/analysis"
	"github.com/seed-516990b0/golxmert/lxmert"
)

// Options are those of [Read]. The zero value reads everything.
type Options struct {
	Names lxmert.ClassNames // of the classes; without any they are numbered
	Top   int               // guesses that are kept of each reading; 0: 5
	// Words are positions of the words that are hidden, each by itself with all of its pieces; nil: every word.
	Words []int
	// Regions are those that are hidden, each by itself; nil: every one.
	Regions []int
}

// defaultTop is how many guesses are kept.
const defaultTop = 5

// Readout is what the heads say of one sentence and one picture.
type Readout struct {
	analysis.Meta
	Sayings []Saying
	Names   lxmert.ClassNames

	batch *lxmert.Batch
	mask  int32   // the id of [MASK]
	masks [][]int // the pieces that are hidden together
}

// ErrNoHeads is wrapped by the error about a model that has none of the heads of pre-training.
var ErrNoHeads = errors.New("the model has none of the heads of pre-training")

// regionHeads are read at regions.
var regionHeads = []string{"out.obj", "out.attr", "out.feat"}

// Positions are those of the words that are named, or of a piece by its position, "word 3"; nil of no names.
func Positions(b *lxmert.Batch, names ...string) (all []int, err error) {
	for _, name := range names {
		number, isPosition := strings.CutPrefix(name, "word ")
		if at, err := strconv.Atoi(number); isPosition && err == nil {
			if err := thereIs(b, at); err != nil {
				return nil, err
			}
			all = append(all, at)
			continue
		}
		at := analysis.PositionsOf(b, 0, name)
		if len(at) == 0 {
			sentence := ""
			if len(b.Words) > 0 {
				sentence = b.Words[0].Text
			}
			return nil, fmt.Errorf("there is no word %q in %q", name, sentence)
		}
		all = append(all, at...)
	}
	return all, nil
}

// thereIs says whether a position is that of a word.
func thereIs(b *lxmert.Batch, at int) error {
	if inner := analysis.InnerWords(b, 0); !slices.Contains(inner, at) {
		return fmt.Errorf("there is no word at position %d, words are at %v", at, inner)
	}
	return nil
}

// CanRead returns an error, which wraps [ErrNoHeads], if a model has nothing to be read out.
func CanRead(cfg lxmert.Config) error {
	for _, head := range append([]string{"out.mlm", "out.match", "out.qa"}, regionHeads...) {
		if cfg.ClassCount(head) > 0 {
			return nil
		}
	}
	return fmt.Errorf("%w: it has %s; weights such as Epoch20_LXRT.pth, or those that `lxmert pretrain` writes, have them", ErrNoHeads, cfg.Predictions())
}

// Read reads all heads that a model has of a batch of one row: words and regions while they are seen and, each by itself,
// hidden; words, match and answer with the picture and without it.
func Read(ctx context.Context, eng lxmert.Engine, b *lxmert.Batch, opt Options) (*Readout, error) {
	cfg := eng.Config()
	if err := CanRead(cfg); err != nil {
		return nil, err
	}
	if err := b.Check(cfg); err != nil {
		return nil, err
	}
	if b.Rows() != 1 {
		return nil, fmt.Errorf("heads are read of one sentence and one picture, the batch has %d rows: take one by Part", b.Rows())
	}
	if opt.Top <= 0 {
		opt.Top = defaultTop
	}
	r := &Readout{Names: opt.Names, batch: analysis.Separate(b)}
	err := r.choose(cfg, &opt)
	if err != nil {
		return nil, err
	}
	for _, ask := range []func(lxmert.Config, Options) (*lxmert.Batch, []Ask){r.seen, r.hiddenWords, r.hiddenRegions} {
		batch, asks := ask(cfg, opt)
		if len(asks) == 0 {
			continue
		}
		said, from, err := Say(ctx, eng, batch, asks, opt.Top)
		if err != nil {
			return nil, err
		}
		r.Sayings, r.Model = append(r.Sayings, said...), from
	}
	if len(r.Sayings) == 0 {
		return nil, errors.New("there is neither a word nor a region to read a head at")
	}
	r.Meta = analysis.NewScores(r.meta(cfg), r.batch, 0, nil, nil).Meta
	return r, nil
}

func (r *Readout) meta(cfg lxmert.Config) analysis.Meta {
	m := analysis.Meta{
		Method: "heads of pre-training", Model: r.Model,
		Params: map[string]string{"match": "class 1 of out.match", "words hidden": "one at a time, with all of its pieces, by [MASK]",
			"regions hidden": "one at a time, feature zero, box kept", "picture taken away": "nobody attends to any region"},
	}
	if cfg.FeatHead {
		m.Notes = append(m.Notes, "Pre-training guessed features of hidden regions only: what out.feat says of a region that is seen was never trained.")
	}
	return m
}

// choose settles what is hidden together.
func (r *Readout) choose(cfg lxmert.Config, opt *Options) error {
	inner := analysis.InnerWords(r.batch, 0)
	if opt.Words == nil {
		opt.Words = inner
	} else if !cfg.LM {
		return fmt.Errorf("the model cannot guess words, it has no out.mlm; it has %s", cfg.Predictions())
	}
	if r.mask = cmp.Or(cfg.Special.Mask, r.Names.Mask()); cfg.LM && r.mask == 0 {
		return errors.New("nothing says which word piece is [MASK]: name the word pieces, or open the weights with a configuration that has special_ids")
	}
	for _, at := range opt.Words {
		if err := thereIs(r.batch, at); err != nil {
			return err
		}
		pieces := []int{at}
		if r.batch.Words != nil && r.batch.Words[0].Word[at] >= 0 {
			pieces = nil
			for _, t := range inner {
				if r.batch.Words[0].Word[t] == r.batch.Words[0].Word[at] {
					pieces = append(pieces, t)
				}
			}
		}
		if !slices.ContainsFunc(r.masks, func(m []int) bool { return slices.Equal(m, pieces) }) {
			r.masks = append(r.masks, pieces)
		}
	}
	there := analysis.ValidRegions(r.batch, 0)
	if opt.Regions == nil {
		for v, ok := range there {
			if ok {
				opt.Regions = append(opt.Regions, v)
			}
		}
	}
	for _, v := range opt.Regions {
		if v < 0 || v >= len(there) || !there[v] {
			return fmt.Errorf("there is no region %d", v)
		}
	}
	return nil
}

// withAndWithout are the batch's picture and the same without any region.
func (r *Readout) withAndWithout(out *lxmert.Batch) {
	v := r.batch.V()
	out.Feats, out.Boxes = lxmert.NewTensor(2, v, r.batch.Feats.Shape[2]), lxmert.NewTensor(2, v, r.batch.Boxes.Shape[2])
	out.RegionMask = [][]float32{nil, make([]float32, v)}
	for i := range 2 {
		copy(out.Feats.Row(i).Data, r.batch.Feats.Data)
		copy(out.Boxes.Row(i).Data, r.batch.Boxes.Data)
	}
	out.RegionMask[0] = r.there()
}

// there is 1 for the regions that are there.
func (r *Readout) there() []float32 {
	if r.batch.RegionMask != nil {
		return r.batch.RegionMask[0]
	}
	return slices.Repeat([]float32{1}, r.batch.V())
}

// seen asks every head while nothing is hidden; row 1 has no picture.
func (r *Readout) seen(cfg lxmert.Config, opt Options) (*lxmert.Batch, []Ask) {
	b := *r.batch
	b.Words, b.Images, b.Pairs = nil, nil, [][2]int{{0, 0}, {0, 1}}
	r.withAndWithout(&b)
	var asks []Ask
	for row, picture := range []bool{true, false} {
		for _, head := range []string{"out.match", "out.qa", "out.task"} {
			if cfg.ClassCount(head) > 0 {
				asks = append(asks, Ask{Row: row, Place: Place{Head: head, At: -1, Picture: picture, Truth: -1}})
			}
		}
		if cfg.LM {
			for _, t := range opt.Words {
				asks = append(asks, r.word(row, t, false, picture))
			}
		}
	}
	for _, v := range opt.Regions {
		asks = append(asks, r.region(cfg, 0, v, false)...)
	}
	return &b, asks
}

// hiddenWords hides one word in each text, which meets the picture and none.
func (r *Readout) hiddenWords(cfg lxmert.Config, _ Options) (*lxmert.Batch, []Ask) {
	if !cfg.LM {
		return nil, nil
	}
	b := &lxmert.Batch{}
	r.withAndWithout(b)
	var asks []Ask
	for text, pieces := range r.masks {
		ids := slices.Clone(r.batch.IDs[0])
		for _, t := range pieces {
			ids[t] = r.mask
		}
		b.IDs = append(b.IDs, ids)
		if r.batch.Segments != nil {
			b.Segments = append(b.Segments, r.batch.Segments[0])
		}
		if r.batch.TextMask != nil {
			b.TextMask = append(b.TextMask, r.batch.TextMask[0])
		}
		for image, picture := range []bool{true, false} {
			for _, t := range pieces {
				asks = append(asks, r.word(len(b.Pairs), t, true, picture))
			}
			b.Pairs = append(b.Pairs, [2]int{text, image})
		}
	}
	return b, asks
}

// hiddenRegions hides one region in each picture.
func (r *Readout) hiddenRegions(cfg lxmert.Config, opt Options) (*lxmert.Batch, []Ask) {
	b := *r.batch
	b.Words, b.Images = nil, nil
	n, v := len(opt.Regions), r.batch.V()
	b.Feats, b.Boxes = lxmert.NewTensor(n, v, r.batch.Feats.Shape[2]), lxmert.NewTensor(n, v, r.batch.Boxes.Shape[2])
	b.RegionMask, b.Pairs = nil, [][2]int{}
	var asks []Ask
	for i, hidden := range opt.Regions {
		copy(b.Feats.Row(i).Data, r.batch.Feats.Data)
		copy(b.Boxes.Row(i).Data, r.batch.Boxes.Data)
		clear(b.Feats.Row(i).Row(hidden).Data)
		b.RegionMask = append(b.RegionMask, r.there())
		b.Pairs = append(b.Pairs, [2]int{0, i})
		asks = append(asks, r.region(cfg, i, hidden, true)...)
	}
	return &b, asks
}

func (r *Readout) word(row, at int, masked, picture bool) Ask {
	return Ask{Row: row, Place: Place{Head: "out.mlm", At: at, Masked: masked, Picture: picture, Truth: int(r.batch.IDs[0][at])}}
}

// region asks every head of regions that the model has.
func (r *Readout) region(cfg lxmert.Config, row, v int, masked bool) (asks []Ask) {
	var info lxmert.ImageInfo
	if r.batch.Images != nil {
		info = r.batch.Images[0]
	}
	for _, head := range regionHeads {
		classes := cfg.ClassCount(head)
		if classes == 0 {
			continue
		}
		a := Ask{Row: row, Place: Place{Head: head, At: v, Masked: masked, Picture: true, Truth: -1}}
		switch head {
		case "out.obj":
			a.Truth = detected(info.ObjectIDs, v, classes)
		case "out.attr":
			a.Truth = detected(info.AttributeIDs, v, classes)
		default:
			a.Truth, a.Among, a.There = v, r.batch.Feats.Row(0), analysis.ValidRegions(r.batch, 0)
		}
		asks = append(asks, a)
	}
	return asks
}

// detected is what the detector takes a region for; -1: it does not say, or by a class that the head does not have.
func detected(ids []int32, v, classes int) int {
	if v < len(ids) && ids[v] >= 0 && int(ids[v]) < classes {
		return int(ids[v])
	}
	return -1
}

// Of are the sayings of a head about hidden places, or those that are seen, with the picture or without it.
func (r *Readout) Of(head string, masked, picture bool) []Saying {
	var some []Saying
	for _, s := range r.Sayings {
		if s.Head == head && s.Masked == masked && s.Picture == picture {
			some = append(some, s)
		}
	}
	return some
}

// Match is the probability that sentence and picture belong together, class 1 of out.match; ok is false if the model has no
// such head. Without the picture it says what the sentence alone does to the head.
func (r *Readout) Match(picture bool) (p float64, ok bool) {
	for _, s := range r.Of("out.match", false, picture) {
		for _, g := range s.Top {
			if g.Class == 1 {
				return g.Probability, true
			}
		}
	}
	return 0, false
}

// Name is what a guess of a head is called; of out.feat the region.
func (r *Readout) Name(head string, class int) string {
	if head == "out.feat" {
		return r.place(Place{Head: head, At: class})
	}
	return r.Names.Name(head, class)
}

// place is what a word or a region is called.
func (r *Readout) place(p Place) string {
	if p.At < 0 {
		return ""
	}
	axis := analysis.RegionAxis(r.batch, 0)
	if p.Head == "out.mlm" {
		axis = analysis.WordAxis(r.batch, 0)
	}
	if p.At < len(axis.Labels) {
		return axis.Labels[p.At]
	}
	return strconv.Itoa(p.At)
}
