package intervene

import (
	"errors"
	"fmt"
	"slices"
	"strings"

	"github.com/seed-516990b0/golxmert/analysis"
	"github.com/seed-516990b0/golxmert/lxmert"
)

// Change is one thing that is done to what a model gets, or to what it computes of it, for one question. It is a value that
// knows no question yet; [WhatIf] fits it to one.
//
// Whom a change is about is named as people see it: "words", "regions", "heads"; "word 3", "region 7" and "head 0" by
// position, from 0; "[CLS]" and "[SEP]"; a word of the question, with all its pieces; or what the detector calls a region, as
// figures write it: "star" is every region of that name, "star 17" region 17. Where a name is both a word and an object,
// "word star" or "region star" says which.
type Change struct {
	name  string
	steps []step
}

// step is a part of a change. Steps that change the input come before those that edit activations.
type step struct {
	input func(q *asked) error
	edit  func(q *asked) error
}

// ErrChange is wrapped by every error that says that a [Change] does not fit a question.
var ErrChange = errors.New("the change cannot be made")

// String says what is done, such as "without star 17".
func (c Change) String() string { return c.name }

// Edits says whether the change is made to what the model computes, and not only to what it gets.
func (c Change) Edits() bool {
	return slices.ContainsFunc(c.steps, func(s step) bool { return s.edit != nil })
}

// As gives a change another name, for tables and figures.
func (c Change) As(name string) Change {
	c.name = name
	return c
}

// Together makes several changes at once.
func Together(changes ...Change) Change {
	var all Change
	var names []string
	for _, c := range changes {
		names = append(names, c.name)
		all.steps = append(all.steps, c.steps...)
	}
	all.name = strings.Join(names, ", ")
	return all
}

// OnPicture makes a change to the first (0) or the second (1) picture of a question about two alone. Words are those of both.
func OnPicture(picture int, c Change) Change {
	out := Change{name: fmt.Sprintf("%s (picture %d)", c.name, picture+1)}
	only := func(do func(q *asked) error) func(q *asked) error {
		if do == nil {
			return nil
		}
		return func(q *asked) error {
			if picture < 0 || picture >= q.b.Rows() {
				return fmt.Errorf("there is no picture %d, the question is about %d", picture, q.b.Rows())
			}
			one := *q
			one.rows = []int{picture}
			err := do(&one)
			q.b, q.edits, q.needs = one.b, one.edits, one.needs
			return err
		}
	}
	for _, s := range c.steps {
		out.steps = append(out.steps, step{only(s.input), only(s.edit)})
	}
	return out
}

// Instead asks something else: b is the model's input of one question, such as the same picture with other words, or the same
// words about another picture.
func Instead(b *lxmert.Batch) Change {
	name := "another input"
	if len(b.Words) > 0 {
		name = b.Words[0].Text
	}
	return Change{name, []step{{input: func(q *asked) error {
		if b.Rows() != q.b.Rows() {
			return fmt.Errorf("%q is about %d pictures, the question about %d", name, b.Rows(), q.b.Rows())
		}
		q.b = own(b)
		return nil
	}}}}
}

// Without takes regions away, as if the detector had not found them; of nothing, all of them. Words cannot be taken away,
// as those that are left would move: ask with other words instead.
func Without(regions ...string) Change {
	if len(regions) == 0 {
		regions = []string{"regions"}
	}
	return Change{"without " + strings.Join(regions, ", "), []step{{input: func(q *asked) error {
		for _, row := range q.rows {
			at, err := q.find(row, analysis.RegionStream, regions...)
			if err != nil {
				return err
			}
			for _, v := range at {
				q.b.RegionMask[row][v] = 0
			}
		}
		return nil
	}}}}
}

// WithRegion puts a region of another picture, its features and its box, in the place of one: the region of that name in the
// first picture of from.
func WithRegion(region string, from *lxmert.Batch, other string) Change {
	name := fmt.Sprintf("%s replaced by %s", region, other)
	if len(from.Images) > 0 {
		name += " of " + from.Images[0].ID
	}
	return Change{name, []step{{input: func(q *asked) error {
		there := newAsked(q.cfg, lxmert.Question{}, from)
		v, err := there.one(0, other)
		if err != nil {
			return err
		}
		for _, row := range q.rows {
			at, err := q.one(row, region)
			if err != nil {
				return err
			}
			if err := sameWidths(q.b, there.b); err != nil {
				return err
			}
			copy(q.b.Feats.Row(row).Row(at).Data, there.b.Feats.Row(0).Row(v).Data)
			copy(q.b.Boxes.Row(row).Row(at).Data, there.b.Boxes.Row(0).Row(v).Data)
			q.rename(row, at, there.b, v)
		}
		return nil
	}}}}
}

// HeadsOff switches heads of attention maps off, so that they hand on nothing: "x.1.ti:0,2" are heads 0 and 2 of a map,
// "x.*.ti" all heads of all maps that fit the pattern. What a head looks at stays; what it would have seen is lost.
func HeadsOff(maps ...string) Change {
	return Change{"heads off: " + strings.Join(maps, ", "), []step{{edit: func(q *asked) error {
		return q.eachMap(maps, func(a lxmert.Activation, heads []bool) error {
			gate := lxmert.NewTensor(1, len(heads), 1, 1)
			for h, off := range heads {
				if !off {
					gate.Data[h] = 1
				}
			}
			q.edit(lxmert.Edit{Name: a.Name, Op: lxmert.Multiply, Value: gate})
			return nil
		})
	}}}}
}

// Cut keeps some from seeing others: the edges of attention from who looks to what is looked at are cut, and what is left of
// each row of a map sums to 1 again. Who sees nothing any more goes on with what it is. "[CLS]" to "regions" is one such cut,
// "star 17" to "words" another. Maps are those in which edges are cut, named as for [HeadsOff]; none are those of all layers.
func Cut(from, to string, maps ...string) Change {
	name := fmt.Sprintf("cut %s -> %s", from, to)
	in := "all layers"
	if len(maps) > 0 {
		in = strings.Join(maps, ", ")
		name += " in " + in
	} else {
		maps = []string{"*"}
	}
	return Change{name, []step{{edit: func(q *asked) error {
		before := len(q.edits)
		err := q.eachMap(maps, func(a lxmert.Activation, heads []bool) error {
			keep, err := q.edges(a, heads, from, to)
			if err == nil && !keep.IsZero() {
				q.edit(lxmert.Edit{Name: a.Name, Op: lxmert.Cut, Value: keep})
			}
			return err
		})
		if err == nil && len(q.edits) == before {
			err = fmt.Errorf("no map of %s leads from %s to %s", in, from, to)
		}
		return err
	}}}}
}

// Patch gives an activation the values that it has in another run, that of the batch from: all of it, or at the words,
// regions or heads that are named. It may be a level such as "hid.t.3", the weighted values of heads such as "x.1.ti.ctx",
// or a map; of a pattern every activation that fits.
//
// Words of two runs pair by their places, so both must have as many word pieces; regions pair only where the pictures have
// their regions in the same places, or differ in one region. Anything else is an error that wraps [patch.ErrPair].
func Patch(from *lxmert.Batch, name string, at ...string) Change {
	what := fmt.Sprintf("%s of another run", name)
	if len(at) > 0 {
		what = fmt.Sprintf("%s of another run at %s", name, strings.Join(at, ", "))
	}
	if len(from.Words) > 0 {
		what += fmt.Sprintf(" (%s)", from.Words[0].Text)
	}
	return Change{what, []step{{edit: func(q *asked) error {
		found, err := q.cfg.Find(name)
		if err != nil {
			return err
		}
		for _, a := range found {
			if err := pairs(a, q.b, from); err != nil {
				return err
			}
			mask, err := q.mask(a, at)
			if err != nil {
				return err
			}
			q.needs = append(q.needs, need{edit: len(q.edits), from: from})
			q.edit(lxmert.Edit{Name: a.Name, Op: lxmert.Set, Mask: mask})
		}
		return nil
	}}}}
}

// Edited makes any edits of activations. Values and masks have a row for each picture of the question, or one for all.
func Edited(name string, edits ...lxmert.Edit) Change {
	return Change{name, []step{{edit: func(q *asked) error {
		for _, e := range edits {
			found, err := q.cfg.Find(e.Name)
			if err != nil {
				return err
			}
			for _, a := range found {
				e.Name = a.Name
				if err := e.Check(a); err != nil {
					return fmt.Errorf("%s: %w", a.Name, err)
				}
				q.edit(e)
			}
		}
		return nil
	}}}}
}
