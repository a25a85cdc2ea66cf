// Package display is how a program that links no fonts, encoders and pages, such as a notebook's cell, has a result drawn by
// one that does: an [Order] goes there as bytes, and what was [Drawn] comes back.
package display

import (
	"bytes"
	"encoding/gob"
	"fmt"

	"github.com/seed-516990b0/golxmert/analysis"
)

// Order says what is to be drawn, and how. figure.Fill does it.
type Order struct {
	Result analysis.Result
	// Page asks for HTML for a notebook. With a page the figure of a collection is that of the result in it that says most.
	Page   bool
	Format string // of the figure or file: a suffix that figure.Save knows, without its dot; "" beside a page: there is none
	DPI    int    // of a PNG; 0: that of figure.Options
	// PictureAlone draws of scores the picture without the sentence.
	PictureAlone bool
	Bare         bool // no line that says where the numbers come from
	Top          int  // regions that are labelled; 0: 5, negative: none
}

// MostBeside is how many examples one figure shows side by side.
const MostBeside = 30

// Drawn is what an [Order] has become.
type Drawn struct {
	Page   []byte // HTML
	Figure []byte // a file of the order's format
}

func init() {
	for _, kind := range analysis.Kinds() {
		gob.Register(kind.Zero)
	}
}

// Encode writes an order as bytes.
func (o Order) Encode() ([]byte, error) {
	r, err := analysis.Value(o.Result)
	if err != nil {
		return nil, err
	}
	o.Result = r
	return encode(o)
}

// DecodeOrder reads what [Order.Encode] wrote. Empty slices and maps have become nil, but for those of scores.
func DecodeOrder(data []byte) (o Order, err error) { return o, decode(data, &o) }

// Encode writes what was drawn as bytes.
func (d Drawn) Encode() ([]byte, error) { return encode(d) }

// DecodeDrawn reads what [Drawn.Encode] wrote.
func DecodeDrawn(data []byte) (d Drawn, err error) { return d, decode(data, &d) }

func encode(v any) ([]byte, error) {
	var b bytes.Buffer
	if err := gob.NewEncoder(&b).Encode(v); err != nil {
		return nil, fmt.Errorf("display: %w", err)
	}
	return b.Bytes(), nil
}

func decode(data []byte, into any) error {
	if err := gob.NewDecoder(bytes.NewReader(data)).Decode(into); err != nil {
		return fmt.Errorf("display: these bytes are not a %T: %w", into, err)
	}
	return nil
}
