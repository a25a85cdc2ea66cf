package display

import (
	"bytes"
	"encoding/gob"
	"errors"
	"fmt"
	"reflect"
	"slices"

	"github.com/seed-516990b0/golxmert/analysis"
)

// Order says what is to be drawn, and how. figure.Fill does it.
type Order struct {
	// Page becomes HTML for a notebook: what report.Write takes, by value. Nil: there is no page.
	Page any
	// Figure becomes a figure or a file: what figure.Save takes, by value. Nil: there is none.
	Figure any
	Format string // of the figure: a suffix that figure.Save knows, without its dot
	DPI    int    // of a PNG; 0: that of figure.Options
	// PictureAlone draws of scores the picture without the sentence.
	PictureAlone bool
	Bare         bool // no line that says where the numbers come from
	Top          int  // regions that are labelled; 0: 5, negative: none
}

// Drawn is what an [Order] has become.
type Drawn struct {
	Page   []byte // HTML
	Figure []byte // a file of the order's format
}

// kinds are what an order may be about.
var kinds = []any{Explanation{}, Run{}, Maps{}, analysis.Scores{}, []analysis.Scores{}, analysis.Matrix{}, analysis.Curve{}, analysis.Table{}}

func init() {
	for _, kind := range kinds {
		gob.Register(kind)
	}
}

// ErrKind is wrapped by errors that say a thing of this type cannot be drawn.
var ErrKind = errors.New("not a result of an analysis")

// Encode writes an order as bytes.
func (o Order) Encode() ([]byte, error) {
	for _, x := range []any{o.Page, o.Figure} {
		if x != nil && !slices.ContainsFunc(kinds, func(kind any) bool { return reflect.TypeOf(kind) == reflect.TypeOf(x) }) {
			return nil, fmt.Errorf("%w: %T", ErrKind, x)
		}
	}
	return encode(o)
}

// DecodeOrder reads what [Order.Encode] wrote. Empty slices and maps have become nil.
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
		return fmt.Errorf("display: these bytes are no %T: %w", into, err)
	}
	return nil
}
