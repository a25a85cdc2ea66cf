package figure_test

import (
	"bytes"
	"errors"
	"fmt"
	"math"
	"strings"
	"testing"

	"github.com/seed-516990b0/golxmert/analysis"
	"github.com/seed-516990b0/golxmert/analysis/display"
	"github.com/seed-516990b0/golxmert/analysis/figure"
	"github.com/seed-516990b0/golxmert/analysis/report"
)

// ordered draws an order after it has been bytes, as in another process.
func ordered(t *testing.T, o display.Order) (display.Drawn, error) {
	t.Helper()
	data, err := o.Encode()
	if err != nil {
		t.Fatal(err)
	}
	read, err := display.DecodeOrder(data)
	if err != nil {
		t.Fatal(err)
	}
	d, err := figure.Fill(read)
	if err != nil {
		return d, err
	}
	if data, err = d.Encode(); err != nil {
		t.Fatal(err)
	}
	d, err = display.DecodeDrawn(data)
	return d, err
}

// TestOrdersAreFilledLikeWhatIsDrawnHere, for every kind of result, with numbers that are none.
func TestOrdersAreFilledLikeWhatIsDrawnHere(t *testing.T) {
	t.Parallel()
	x := explained()
	x.Answers = append(x.Answers, display.Answer{Text: "not known", Probability: math.NaN()})
	holes := curve()
	holes.Series[0].Y[0] = math.NaN()
	words := scores()
	words.Regions = nil
	tab := analysis.Table{Meta: meta("a table", ""), Columns: []string{"what", "n", "share", "is"}, Rows: [][]any{{"a", 1, 0.5, true}, {"b", 2, math.NaN(), false}}}
	for name, c := range map[string]struct {
		page, figure any
		formats      []string
	}{
		"explanation": {x, x, []string{"png", "json", "html"}},
		"scores":      {scores(), scores(), []string{"png", "csv", "safetensors"}},
		"words":       {words, words, []string{"svg", "csv"}},
		"methods":     {[]analysis.Scores{scores(), scores()}, nil, nil},
		"matrix":      {matrix([][]float64{{1, math.NaN()}, {-3, 4}}), matrix([][]float64{{1, math.NaN()}, {-3, 4}}), []string{"svg", "json"}},
		"curve":       {holes, holes, []string{"svg", "csv"}},
		"table":       {tab, tab, []string{"svg", "csv", "json"}},
		"maps":        {nil, figure.Maps{Meta: meta("attention", "share"), Maps: x.Maps, Text: x.Scores.Text}, []string{"png", "safetensors"}},
		"run":         {report.Run{Title: "a run", Tables: []analysis.Table{tab}, Curves: []analysis.Curve{holes}, Examples: []report.Explanation{x}}, nil, nil},
	} {
		if c.page != nil {
			var want bytes.Buffer
			if err := report.Write(&want, c.page, report.Options{Fragment: true}); err != nil {
				t.Fatalf("%s: %v", name, err)
			}
			got, err := ordered(t, display.Order{Page: c.page})
			if err != nil || !bytes.Equal(got.Page, want.Bytes()) || got.Figure != nil {
				t.Errorf("%s: %v, a page of %d bytes, expected %d, and a figure of %d", name, err, len(got.Page), want.Len(), len(got.Figure))
			}
		}
		for _, format := range c.formats {
			var want bytes.Buffer
			if err := figure.Write(&want, format, c.figure, figure.Options{DPI: 72, Bare: true, Top: 2}); err != nil {
				t.Fatalf("%s: %s: %v", name, format, err)
			}
			got, err := ordered(t, display.Order{Figure: c.figure, Format: format, DPI: 72, Bare: true, Top: 2})
			if err != nil || !bytes.Equal(got.Figure, want.Bytes()) || got.Page != nil {
				t.Errorf("%s: %s: %v, %d bytes, expected %d, and a page of %d", name, format, err, len(got.Figure), want.Len(), len(got.Page))
			}
		}
	}
	alone, err := figure.Picture(scores(), figure.Options{Bare: true})
	if err != nil {
		t.Fatal(err)
	}
	var want bytes.Buffer
	if err := alone.Write(&want, "png", 72); err != nil {
		t.Fatal(err)
	}
	if got, err := ordered(t, display.Order{Figure: scores(), Format: "png", DPI: 72, Bare: true, PictureAlone: true}); err != nil || !bytes.Equal(got.Figure, want.Bytes()) {
		t.Errorf("the picture alone: %v, %d bytes, expected %d", err, len(got.Figure), want.Len())
	}
}

func TestOrdersThatCannotBeFilledAreErrors(t *testing.T) {
	t.Parallel()
	for _, x := range []any{3, "text", struct{ A int }{1}, &analysis.Table{}, fmt.Errorf("an error")} {
		if _, err := (display.Order{Figure: x, Format: "png"}).Encode(); !errors.Is(err, display.ErrKind) || !strings.Contains(err.Error(), fmt.Sprintf("%T", x)) {
			t.Errorf("%T: %v", x, err)
		}
	}
	for name, c := range map[string]struct {
		order display.Order
		says  string
	}{
		"no such format":         {display.Order{Figure: scores(), Format: "bmp"}, `"bmp" is not a format`},
		"no format":              {display.Order{Figure: scores()}, `"" is not a format`},
		"a picture of a curve":   {display.Order{Figure: curve(), Format: "png", PictureAlone: true}, "analysis.Curve"},
		"a figure of a run":      {display.Order{Figure: report.Run{}, Format: "png"}, "display.Run"},
		"a page of maps":         {display.Order{Page: figure.Maps{}}, "display.Maps"},
		"a page of no scores":    {display.Order{Page: []analysis.Scores{}}, "no scores"},
		"an example without one": {display.Order{Figure: display.Explanation{}, Format: "png"}, "neither"},
	} {
		if _, err := ordered(t, c.order); err == nil || !strings.Contains(err.Error(), c.says) {
			t.Errorf("%s: %v, expected something about %s", name, err, c.says)
		}
	}
}

// FuzzDecodeOrder: bytes from somewhere are an error, or something that is drawn or refused.
func FuzzDecodeOrder(f *testing.F) {
	for _, o := range []display.Order{{Page: scores()}, {Figure: curve(), Format: "svg"}, {Figure: figure.Maps{}, Format: "png"}} {
		data, err := o.Encode()
		if err != nil {
			f.Fatal(err)
		}
		f.Add(data)
		f.Add(data[:len(data)/2])
		broken := bytes.Clone(data)
		broken[len(broken)/3] ^= 0x55
		f.Add(broken)
	}
	f.Add([]byte{})
	f.Fuzz(func(t *testing.T, data []byte) {
		if o, err := display.DecodeOrder(data); err == nil {
			_, _ = figure.Fill(o)
		}
	})
}
