package figure_test

import (
	"bytes"
	"errors"
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
	x.Answers = append(x.Answers, analysis.Candidate{Text: "not known", Probability: math.NaN()})
	holes := curve()
	holes.Series[0].Y[0] = math.NaN()
	words := scores()
	words.Regions = nil
	tab := analysis.Table{Meta: meta("a table", ""), Columns: []string{"what", "n", "share", "is"}, Rows: [][]any{{"a", 1, 0.5, true}, {"b", 2, math.NaN(), false}}}
	for name, c := range map[string]struct {
		result  analysis.Result
		page    bool
		formats []string
	}{
		"explanation": {x, true, []string{"png", "json", "html"}},
		"scores":      {scores(), true, []string{"png", "csv", "safetensors"}},
		"words":       {words, true, []string{"svg", "csv"}},
		"methods":     {analysis.Compared(scores(), scores()), true, nil},
		"matrix":      {matrix([][]float64{{1, math.NaN()}, {-3, 4}}), true, []string{"svg", "json"}},
		"curve":       {holes, true, []string{"svg", "csv"}},
		"table":       {tab, true, []string{"svg", "csv", "json"}},
		"maps":        {analysis.Maps{Meta: meta("attention", "share"), Maps: x.Maps, Text: x.Scores.Text}, true, []string{"png", "safetensors"}},
		"collection":  {analysis.Collection{Title: "a run", Results: []analysis.Result{tab, holes, x}}, true, []string{"json"}},
	} {
		if c.page {
			var want bytes.Buffer
			if err := report.Write(&want, c.result, report.Options{Fragment: true}); err != nil {
				t.Fatalf("%s: %v", name, err)
			}
			got, err := ordered(t, display.Order{Result: c.result, Page: true})
			if err != nil || !bytes.Equal(got.Page, want.Bytes()) || got.Figure != nil {
				t.Errorf("%s: %v, a page of %d bytes, expected %d, and a figure of %d", name, err, len(got.Page), want.Len(), len(got.Figure))
			}
		}
		for _, format := range c.formats {
			var want bytes.Buffer
			if err := figure.Write(&want, format, c.result, figure.Options{DPI: 72, Bare: true, Top: 2}); err != nil {
				t.Fatalf("%s: %s: %v", name, format, err)
			}
			got, err := ordered(t, display.Order{Result: c.result, Format: format, DPI: 72, Bare: true, Top: 2})
			if err != nil || !bytes.Equal(got.Figure, want.Bytes()) || got.Page != nil {
				t.Errorf("%s: %s: %v, %d bytes, expected %d, and a page of %d", name, format, err, len(got.Figure), want.Len(), len(got.Page))
			}
		}
	}
	pair := analysis.Collection{Meta: meta("two models", ""), Results: []analysis.Result{x, explained()}}
	besides := pair
	besides.Results = []analysis.Result{x, explained(), tab}
	var beside bytes.Buffer
	if err := figure.Write(&beside, "png", besides, figure.Options{DPI: 72}); err != nil {
		t.Fatal(err)
	}
	got, err := ordered(t, display.Order{Result: analysis.Collection{Results: []analysis.Result{tab, holes, pair}}, Page: true, Format: "png", DPI: 72})
	if err != nil || !bytes.Equal(got.Figure, beside.Bytes()) {
		t.Errorf("examples side by side on a page: %v, a figure of %d bytes, expected %d", err, len(got.Figure), beside.Len())
	}
	alone, err := figure.Picture(scores(), figure.Options{Bare: true})
	if err != nil {
		t.Fatal(err)
	}
	var want bytes.Buffer
	if err := alone.Write(&want, "png", 72); err != nil {
		t.Fatal(err)
	}
	if got, err := ordered(t, display.Order{Result: scores(), Format: "png", DPI: 72, Bare: true, PictureAlone: true}); err != nil || !bytes.Equal(got.Figure, want.Bytes()) {
		t.Errorf("the picture alone: %v, %d bytes, expected %d", err, len(got.Figure), want.Len())
	}
}

func TestOrdersThatCannotBeFilledAreErrors(t *testing.T) {
	t.Parallel()
	for _, r := range []analysis.Result{nil, (*analysis.Table)(nil)} {
		if _, err := (display.Order{Result: r, Format: "png"}).Encode(); !errors.Is(err, analysis.ErrNoResult) {
			t.Errorf("%T: %v", r, err)
		}
	}
	for name, c := range map[string]struct {
		order display.Order
		says  string
	}{
		"no such format":         {display.Order{Result: scores(), Format: "bmp"}, `"bmp" is not a format`},
		"no format":              {display.Order{Result: scores()}, `"" is not a format`},
		"a picture of a curve":   {display.Order{Result: curve(), Format: "png", PictureAlone: true}, "curve"},
		"a figure of several":    {display.Order{Result: analysis.Collection{}, Format: "png"}, "collection"},
		"a page of half a band":  {display.Order{Result: analysis.Curve{X: []float64{1}, Series: []analysis.CurveSeries{{Y: []float64{1}, Low: []float64{1}}}}, Page: true}, "intervals"},
		"an example without one": {display.Order{Result: analysis.Explanation{}, Format: "png"}, "neither"},
	} {
		if _, err := ordered(t, c.order); err == nil || !strings.Contains(err.Error(), c.says) {
			t.Errorf("%s: %v, expected something about %s", name, err, c.says)
		}
	}
}

// FuzzDecodeOrder: bytes from somewhere are an error, or something that is drawn or refused.
func FuzzDecodeOrder(f *testing.F) {
	for _, o := range []display.Order{{Result: scores(), Page: true}, {Result: curve(), Format: "svg"}, {Result: analysis.Maps{}, Format: "png"}} {
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
