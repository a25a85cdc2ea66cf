package figure

import (
	"bytes"
	"fmt"
	"io"
	"slices"

	"github.com/seed-516990b0/golxmert/analysis"
	"github.com/seed-516990b0/golxmert/analysis/display"
	"github.com/seed-516990b0/golxmert/analysis/report"
)

// Fill draws what an order asks for.
func Fill(o display.Order) (d display.Drawn, err error) {
	var page, file bytes.Buffer
	if o.Page {
		if err := report.Write(&page, o.Result, report.Options{Fragment: true}); err != nil {
			return d, err
		}
		o.Result = still(o.Result)
	}
	if !o.Page || o.Format != "" && o.Result != nil {
		if err := fillFile(&file, o, Options{DPI: o.DPI, Bare: o.Bare, Top: o.Top}); err != nil {
			return d, err
		}
	}
	return display.Drawn{Page: page.Bytes(), Figure: file.Bytes()}, nil
}

// still is the result whose figure stands for a page where no page is shown: a collection of matrices or of examples itself, of one
// with examples side by side the first of these above the first table, of any other one the curve, matrix, bars, table or explanation that comes first; nil of an empty one.
func still(r analysis.Result) analysis.Result {
	c, ok := r.(analysis.Collection)
	if !ok {
		return r
	}
	if examples, _ := besides(c); examples != nil || stackable(c) != nil {
		return r
	}
	if pair, ok := analysis.First[analysis.Collection](c); ok {
		if table, ok := analysis.First[analysis.Table](c); ok {
			pair.Results = append(slices.Clone(pair.Results), table)
		}
		return pair
	}
	if r, ok := analysis.First[analysis.Curve](c); ok {
		return r
	}
	if r, ok := analysis.First[analysis.Matrix](c); ok {
		return r
	}
	if r, ok := analysis.First[analysis.Bars](c); ok {
		return r
	}
	if r, ok := analysis.First[analysis.Table](c); ok {
		return r
	}
	if len(c.Results) > 0 {
		return c.Results[0]
	}
	return nil
}

func fillFile(w io.Writer, o display.Order, opt Options) error {
	if !o.PictureAlone {
		return Write(w, o.Format, o.Result, opt)
	}
	s, ok := o.Result.(analysis.Scores)
	if !ok {
		return fmt.Errorf("a %s has no picture that could be drawn alone", analysis.KindOf(o.Result))
	}
	f, err := Picture(s, opt)
	if err != nil {
		return err
	}
	return f.Write(w, o.Format, opt.DPI)
}
