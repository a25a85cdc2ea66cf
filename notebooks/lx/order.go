package lx

import (
	"context"
	"path/filepath"
	"reflect"
	"slices"

	"github.com/seed-516990b0/golxmert/analysis"
	"github.com/seed-516990b0/golxmert/analysis/display"
)

// ordered has the session draw: it has fonts, page and encoders at hand, and a cell that does not link them is built in half
// the time.
func ordered(ctx context.Context, o display.Order) (display.Drawn, error) {
	o.Page, o.Figure = located(o.Page), located(o.Figure)
	order, err := o.Encode()
	if err != nil {
		return display.Drawn{}, err
	}
	drawn, err := cell().Draw(ctx, order)
	if err != nil {
		return display.Drawn{}, err
	}
	return display.DecodeDrawn(drawn)
}

// located is a result, by value, whose pictures are named by where they are and not from the cell's folder.
func located(result any) any {
	if v := reflect.ValueOf(result); v.Kind() == reflect.Pointer && !v.IsNil() {
		result = v.Elem().Interface()
	}
	switch x := result.(type) {
	case analysis.Scores:
		return locatedScores(x)
	case []analysis.Scores:
		return locatedAll(x)
	case display.Explanation:
		return locatedExplanation(x)
	case display.Run:
		x.Examples = slices.Clone(x.Examples)
		for i, e := range x.Examples {
			x.Examples[i] = locatedExplanation(e)
		}
		return x
	}
	return result
}

func locatedExplanation(x display.Explanation) display.Explanation {
	x.Scores, x.Methods = locatedScores(x.Scores), locatedAll(x.Methods)
	return x
}

func locatedAll(list []analysis.Scores) []analysis.Scores {
	list = slices.Clone(list)
	for i, s := range list {
		list[i] = locatedScores(s)
	}
	return list
}

func locatedScores(s analysis.Scores) analysis.Scores {
	if s.Image.File != "" {
		if path, err := filepath.Abs(s.Image.File); err == nil {
			s.Image.File = path
		}
	}
	return s
}
