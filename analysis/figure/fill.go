package figure

import (
	"bytes"
	"fmt"
	"io"

	"github.com/seed-516990b0/golxmert/analysis"
	"github.com/seed-516990b0/golxmert/analysis/display"
	"github.com/seed-516990b0/golxmert/analysis/report"
)

// Fill draws what an order asks for.
func Fill(o display.Order) (d display.Drawn, err error) {
	var page, file bytes.Buffer
	if o.Page != nil {
		if err := report.Write(&page, o.Page, report.Options{Fragment: true}); err != nil {
			return d, err
		}
	}
	if o.Figure != nil {
		opt := Options{DPI: o.DPI, Bare: o.Bare, Top: o.Top}
		if err := fillFile(&file, o, opt); err != nil {
			return d, err
		}
	}
	return display.Drawn{Page: page.Bytes(), Figure: file.Bytes()}, nil
}

func fillFile(w io.Writer, o display.Order, opt Options) error {
	if !o.PictureAlone {
		return Write(w, o.Format, o.Figure, opt)
	}
	s, ok := o.Figure.(analysis.Scores)
	if !ok {
		return fmt.Errorf("%w with a picture: %T", ErrKind, o.Figure)
	}
	f, err := Picture(s, opt)
	if err != nil {
		return err
	}
	return f.Write(w, o.Format, opt.DPI)
}
