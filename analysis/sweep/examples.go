package sweep

import (
	"context"
	"fmt"
	"math"
	"slices"
)

// This file gives out what was found one example after the other, for who wants to see examples and not means.

// Number is one number of an example that a method found.
type Number struct {
	Method, Name, Unit string
	Value              float64 // NaN: there is none
}

// Examples calls each with every example that [Run] has found so far, in the order of the data set, and with the numbers that were
// found of it: those of an example are not always those of the one before, as a method may be fitted to some. begin is called before,
// with the settings of the whole. What parts must be like is said at [Read].
func Examples(ctx context.Context, dir string, progress func(what string, done, total int64), begin func(Settings) error, each func(*Example, []Number) error) error {
	if progress == nil {
		progress = func(string, int64, int64) {}
	}
	begun := false
	r := &reading{ctx: ctx, progress: progress}
	r.begin = func(s Settings) error {
		if begun {
			return nil
		}
		begun = true
		return begin(s)
	}
	r.each = func(l *line) error {
		for i := range l.Examples {
			numbers, err := l.numbersOf(i)
			if err != nil {
				return err
			}
			if err := each(&l.Examples[i], numbers); err != nil {
				return err
			}
		}
		return nil
	}
	_, err := r.folder(dir)
	return err
}

// numbersOf are the numbers of one of a batch's examples.
func (l *line) numbersOf(i int) (out []Number, err error) {
	add := func(method, name, unit string, values rounded) {
		if i >= len(values) {
			err = fmt.Errorf("sweep: the batch of example %d has %d values of %s, want %d", l.First, len(values), name, len(l.Examples))
			return
		}
		out = append(out, Number{method, name, unit, values[i]})
	}
	for _, m := range l.Looks {
		add(Looks, m.Name, m.Unit, m.Model)
	}
	for _, v := range l.Values {
		for _, n := range v.Of {
			add(v.Method, n.Name, n.Unit, n.Values)
		}
	}
	return out, err
}

// Hit says whether a method's largest region of the example's picture number g is a right one. known is false where nobody has said
// which regions are.
func (e *Example) Hit(method string, g int) (hit, known bool) {
	results := e.Results[method]
	if g >= len(e.Gold) || len(e.Gold[g]) == 0 || g >= len(e.Regions) || g >= len(results) {
		return false, false
	}
	best, regions := -1, results[g].Regions
	for v, x := range regions {
		if !math.IsNaN(x) && (best < 0 || x > regions[best]) {
			best = v
		}
	}
	return slices.Contains(e.Gold[g], best), true
}
