package intervene

import (
	"fmt"
	"slices"
	"strconv"
	"strings"

	"github.com/seed-516990b0/golxmert/analysis"
	"github.com/seed-516990b0/golxmert/lxmert"
)

// asked is one question while changes are made to it: a row for each of its pictures, each with a text and a picture of its own.
type asked struct {
	cfg      lxmert.Config
	question lxmert.Question
	b        *lxmert.Batch // RegionMask is never nil
	rows     []int         // those that a change is made to
	edits    []lxmert.Edit // in the order in which they apply; tensors have a row for each of b's, or one
	needs    []need
	touched  [][2][]int // of each row the words and regions that edits are about
}

// need says that an edit's value is that of another run, from, or is made of what the question's own run reads once the edits
// before it have been made.
type need struct {
	edit  int
	from  *lxmert.Batch
	reads string
	make  func(read lxmert.Tensor) lxmert.Tensor
}

func newAsked(cfg lxmert.Config, question lxmert.Question, b *lxmert.Batch) *asked {
	q := &asked{cfg: cfg, question: question, b: own(b), touched: make([][2][]int, b.Rows())}
	for row := range b.Rows() {
		q.rows = append(q.rows, row)
	}
	return q
}

// own is a batch whose regions and what is known of them can be changed. Its region mask is there.
func own(b *lxmert.Batch) *lxmert.Batch {
	rows := make([]int, b.Rows())
	for n := range rows {
		rows[n] = n
	}
	out := b.Part(rows...)
	for n := range rows {
		mask := make([]float32, b.V())
		for v := range mask {
			mask[v] = 1
		}
		if out.RegionMask == nil || n >= len(out.RegionMask) {
			out.RegionMask = append(out.RegionMask, mask)
		} else {
			out.RegionMask[n] = slices.Clone(out.RegionMask[n])
		}
	}
	for i := range out.Images {
		info := &out.Images[i]
		info.Objects, info.Attributes = slices.Clone(info.Objects), slices.Clone(info.Attributes)
		info.ObjectIDs, info.AttributeIDs = slices.Clone(info.ObjectIDs), slices.Clone(info.AttributeIDs)
	}
	return out
}

// sameWidths says that regions of two batches cannot be exchanged.
func sameWidths(a, b *lxmert.Batch) error {
	if a.Feats.Shape[2] != b.Feats.Shape[2] || a.Boxes.Shape[2] != b.Boxes.Shape[2] {
		return fmt.Errorf("regions of %d features and %d numbers of a box cannot stand for such of %d and %d",
			b.Feats.Shape[2], b.Boxes.Shape[2], a.Feats.Shape[2], a.Boxes.Shape[2])
	}
	return nil
}

// rename gives a region the names that the detector has for another.
func (q *asked) rename(row, v int, from *lxmert.Batch, other int) {
	if q.b.Images == nil {
		return
	}
	info, source := &q.b.Images[row], lxmert.ImageInfo{}
	if from.Images != nil {
		source = from.Images[0]
	}
	for _, names := range []struct {
		to   []string
		from []string
	}{{info.Objects, source.Objects}, {info.Attributes, source.Attributes}} {
		if v < len(names.to) {
			names.to[v] = ""
			if other < len(names.from) {
				names.to[v] = names.from[other]
			}
		}
	}
	for _, ids := range []struct {
		to   []int32
		from []int32
	}{{info.ObjectIDs, source.ObjectIDs}, {info.AttributeIDs, source.AttributeIDs}} {
		if v < len(ids.to) {
			ids.to[v] = -1 // of which nothing is known
			if other < len(ids.from) {
				ids.to[v] = ids.from[other]
			}
		}
	}
}

func (q *asked) edit(e lxmert.Edit) { q.edits = append(q.edits, e) }

// eachMap calls do for the attention maps of some names, patterns among them, with what says of each head whether it is named.
func (q *asked) eachMap(names []string, do func(a lxmert.Activation, heads []bool) error) error {
	for _, name := range names {
		pattern, only, some := strings.Cut(name, ":")
		heads := make([]bool, q.cfg.Heads)
		for h := range heads {
			heads[h] = !some
		}
		if some {
			for _, part := range strings.Split(only, ",") {
				h, err := q.head(part)
				if err != nil {
					return fmt.Errorf("%s: %w", name, err)
				}
				heads[h] = true
			}
		}
		found, err := q.cfg.Find(pattern)
		if err != nil {
			return err
		}
		maps := 0
		for _, a := range found {
			if !a.IsMap() {
				continue
			}
			maps++
			if err := do(a, heads); err != nil {
				return err
			}
		}
		if maps == 0 {
			return fmt.Errorf("%s is not an attention map; maps are called l.k.tt, r.k.ii, x.k.ti, x.k.it, x.k.tt and x.k.ii", pattern)
		}
	}
	return nil
}

// head reads the number of a head.
func (q *asked) head(text string) (int, error) {
	h, err := strconv.Atoi(strings.TrimSpace(text))
	if err != nil || h < 0 || h >= q.cfg.Heads {
		return 0, fmt.Errorf("there is no head %q, the model has heads 0 to %d", strings.TrimSpace(text), q.cfg.Heads-1)
	}
	return h, nil
}

// edges is 0 for the edges of a map from some to others, in the heads that are named, and 1 for all others, [rows,H,Q,K]; the
// zero tensor if the map has no such edges.
func (q *asked) edges(a lxmert.Activation, heads []bool, from, to string) (keep lxmert.Tensor, err error) {
	dims := a.Dims(q.cfg, q.b.T(), q.b.V())
	keep = ones(append([]int{q.b.Rows()}, dims...)...)
	cut := false
	for _, row := range q.rows {
		who, err := q.named(row, from)
		if err != nil {
			return keep, err
		}
		whom, err := q.named(row, to)
		if err != nil {
			return keep, err
		}
		if who.stream != streamOf(a.Axes[1]) || whom.stream != streamOf(a.Axes[2]) {
			continue
		}
		q.touch(row, who)
		q.touch(row, whom)
		for h, on := range heads {
			for _, i := range who.at {
				for _, j := range whom.at {
					if on {
						keep.Data[((row*dims[0]+h)*dims[1]+i)*dims[2]+j] = 0
						cut = true
					}
				}
			}
		}
	}
	if !cut {
		return lxmert.Tensor{}, nil
	}
	return keep, nil
}

func streamOf(axis lxmert.Axis) analysis.Stream {
	if axis == lxmert.AxisRegion {
		return analysis.RegionStream
	}
	return analysis.WordStream
}

// mask is 1 where a patch goes: at the heads, words or regions that are named, or everywhere but on padding. Axes that it says
// nothing about are 1 long.
func (q *asked) mask(a lxmert.Activation, at []string) (lxmert.Tensor, error) {
	shape := []int{q.b.Rows()}
	for i, n := range a.Dims(q.cfg, q.b.T(), q.b.V()) {
		if x := a.Axes[i]; x != lxmert.AxisHead && x != lxmert.AxisWord && x != lxmert.AxisRegion {
			n = 1
		}
		shape = append(shape, n)
	}
	mask := lxmert.NewTensor(shape...)
	for _, row := range q.rows {
		chosen, err := q.chosen(row, a, at)
		if err != nil {
			return mask, err
		}
		part := mask.Row(row)
		for i := range part.Data {
			inside := true
			for axis, rest := len(part.Shape)-1, i; axis >= 0; axis-- {
				k := rest % part.Shape[axis]
				rest /= part.Shape[axis]
				if c := chosen[a.Axes[axis]]; c != nil && !slices.Contains(c, k) {
					inside = false
				}
			}
			if inside {
				part.Data[i] = 1
			}
		}
	}
	return mask, nil
}

// chosen are the heads, and the positions of the first axis of words or regions, that are named; nil: all.
func (q *asked) chosen(row int, a lxmert.Activation, at []string) (map[lxmert.Axis][]int, error) {
	chosen := map[lxmert.Axis][]int{}
	for _, name := range at {
		if number, ok := strings.CutPrefix(name, "head "); ok {
			h, err := q.head(number)
			if err != nil {
				return nil, err
			}
			if !slices.Contains(a.Axes, lxmert.AxisHead) {
				return nil, fmt.Errorf("%s has no heads", a.Name)
			}
			chosen[lxmert.AxisHead] = append(chosen[lxmert.AxisHead], h)
			continue
		}
		n, err := q.named(row, name)
		if err != nil {
			return nil, err
		}
		axis := lxmert.AxisWord
		if n.stream == analysis.RegionStream {
			axis = lxmert.AxisRegion
		}
		if !slices.Contains(a.Axes, axis) {
			return nil, fmt.Errorf("%s has no %ss", a.Name, streamName(n.stream))
		}
		q.touch(row, n)
		chosen[axis] = append(chosen[axis], n.at...)
	}
	return chosen, nil
}

// touch remembers what an edit is about, for the picture of it.
func (q *asked) touch(row int, n names) {
	side := &q.touched[row][n.stream]
	for _, i := range n.at {
		if !n.whole && !slices.Contains(*side, i) {
			*side = append(*side, i)
		}
	}
}
