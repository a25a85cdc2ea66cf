package lx

import (
	"context"
	"path/filepath"

	"github.com/seed-516990b0/golxmert/analysis"
	"github.com/seed-516990b0/golxmert/analysis/display"
)

// ordered has the session draw: it has fonts, page and encoders at hand, and a cell that does not link them is built in half
// the time.
func ordered(ctx context.Context, o display.Order) (display.Drawn, error) {
	result, err := analysis.WithScores(o.Result, located)
	if err != nil {
		return display.Drawn{}, err
	}
	o.Result = result
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

// located are scores whose picture is named by where it is and not from the cell's folder.
func located(s analysis.Scores) analysis.Scores {
	if s.Image.File != "" {
		if path, err := filepath.Abs(s.Image.File); err == nil {
			s.Image.File = path
		}
	}
	return s
}
