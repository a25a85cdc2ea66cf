package patch

import (
	"cmp"
	"context"
	"fmt"
	"slices"
	"strings"

	"github.com/seed-516990b0/golxmert/analysis"
	"github.com/seed-516990b0/golxmert/lxmert"
)

// Matching says which regions of two pictures belong together.
type Matching struct {
	// Of are, for each region of the clean picture, its partner in the corrupted one, or -1; IoU is what their boxes have in common
	// of what they cover together, 0 to 1.
	Of  []int
	IoU []float64
	// Clean and Corrupted are the regions of either picture that have no partner.
	Clean, Corrupted []int
}

// Match pairs the regions of a row's two pictures: of the same class, as far as the detector named them, and with an intersection
// over union of at least least (0: a half). The two that cover each other best come first.
func Match(clean, corrupted *lxmert.Batch, row int, least float64) Matching {
	if least == 0 {
		least = 0.5
	}
	type candidate struct {
		a, b int
		iou  float64
	}
	var all []candidate
	here, there := analysis.ValidRegions(clean, row), analysis.ValidRegions(corrupted, row)
	for a, ok := range here {
		for b, ok2 := range there {
			if !ok || !ok2 || objectOf(clean, row, a) != objectOf(corrupted, row, b) {
				continue
			}
			if iou := overlap(numbers(clean, clean.Boxes, row, a), numbers(corrupted, corrupted.Boxes, row, b)); iou >= least {
				all = append(all, candidate{a, b, iou})
			}
		}
	}
	slices.SortStableFunc(all, func(x, y candidate) int { return cmp.Compare(y.iou, x.iou) })
	m := Matching{Of: slices.Repeat([]int{-1}, len(here)), IoU: make([]float64, len(here))}
	for _, c := range all {
		if m.Of[c.a] < 0 && !slices.Contains(m.Of, c.b) {
			m.Of[c.a], m.IoU[c.a] = c.b, c.iou
		}
	}
	for a, ok := range here {
		if ok && m.Of[a] < 0 {
			m.Clean = append(m.Clean, a)
		}
	}
	for b, ok := range there {
		if ok && !slices.Contains(m.Of, b) {
			m.Corrupted = append(m.Corrupted, b)
		}
	}
	return m
}

func objectOf(b *lxmert.Batch, row, region int) string {
	_, image := b.Pair(row)
	if image >= len(b.Images) || region >= len(b.Images[image].Objects) {
		return ""
	}
	return b.Images[image].Objects[region]
}

// overlap is the intersection over union of two boxes x0 y0 x1 y1.
func overlap(a, b []float32) float64 {
	if len(a) < 4 || len(b) < 4 {
		return 0
	}
	area := func(x0, y0, x1, y1 float32) float64 { return float64(max(0, x1-x0)) * float64(max(0, y1-y0)) }
	both := area(max(a[0], b[0]), max(a[1], b[1]), min(a[2], b[2]), min(a[3], b[3]))
	if both == 0 {
		return 0
	}
	return both / (area(a[0], a[1], a[2], a[3]) + area(b[0], b[1], b[2], b[3]) - both)
}

// NewMatchedPair is [NewPair] of two pictures in each row, whose regions [Match] pairs. Regions without a partner are taken away
// from both: the runs are those of what the pictures have in common. The matchings list them, and so does a note of every
// result. The regions of the clean picture keep their numbers. A row of which nothing pairs is an error that wraps [ErrPair].
func NewMatchedPair(ctx context.Context, eng lxmert.Engine, clean, corrupted *lxmert.Batch, target analysis.Target, least float64) (*Pair, []Matching, error) {
	if clean.Rows() != corrupted.Rows() {
		return nil, nil, fmt.Errorf("%w: %d rows and %d", ErrPair, clean.Rows(), corrupted.Rows())
	}
	var rows []int
	var all []Matching
	for row := range clean.Rows() {
		m := Match(clean, corrupted, row, least)
		if !slices.ContainsFunc(m.Of, func(b int) bool { return b >= 0 }) {
			return nil, nil, fmt.Errorf("%w: no region of row %d has one of the same class in the same place", ErrPair, row)
		}
		rows, all = append(rows, row), append(all, m)
	}
	first, second := clean.Part(rows...), corrupted.Part(rows...)
	other := *second
	v := first.V()
	other.Feats, other.Boxes = lxmert.NewTensor(len(rows), v, second.Feats.Shape[2]), lxmert.NewTensor(len(rows), v, second.Boxes.Shape[2])
	other.Images, other.RegionMask, first.RegionMask = slices.Clone(second.Images), nil, nil
	for row, m := range all {
		mask := make([]float32, v)
		var objects []string // of which the partners are the same; their other labels are those of other places
		for a, b := range m.Of {
			if objects = append(objects, objectOf(first, row, a)); b < 0 {
				continue
			}
			mask[a] = 1
			copy(other.Feats.Row(row).Row(a).Data, second.Feats.Row(row).Row(b).Data)
			copy(other.Boxes.Row(row).Row(a).Data, second.Boxes.Row(row).Row(b).Data)
		}
		first.RegionMask, other.RegionMask = append(first.RegionMask, mask), append(other.RegionMask, mask)
		if other.Images != nil {
			info := &other.Images[row]
			info.Objects, info.Attributes, info.ObjectIDs, info.AttributeIDs = objects, nil, nil, nil
		}
	}
	p, err := newPair(ctx, eng, first, &other, target, wordsOfPair)
	if err != nil {
		return nil, all, err
	}
	for row, m := range all {
		p.notes = append(p.notes, m.note(clean, corrupted, row))
	}
	return p, all, nil
}

// note lists the regions without a partner in a sentence; "": there are none.
func (m Matching) note(clean, corrupted *lxmert.Batch, row int) string {
	var sides []string
	for _, side := range []struct {
		name  string
		b     *lxmert.Batch
		alone []int
	}{{"the clean picture", clean, m.Clean}, {"the corrupted one", corrupted, m.Corrupted}} {
		axis := analysis.RegionAxis(side.b, row)
		var names []string
		for _, v := range side.alone {
			names = append(names, axis.Labels[v])
		}
		if names != nil {
			sides = append(sides, strings.Join(names, ", ")+" of "+side.name)
		}
	}
	if sides == nil {
		return ""
	}
	return "Regions without a partner of the same class in the same place, taken away from both: " + strings.Join(sides, "; ") + "."
}
