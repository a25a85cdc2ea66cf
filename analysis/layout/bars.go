package layout

import (
	"image/color"
	"math"

	"github.com/seed-516990b0/golxmert/analysis"
)

// Bars is what a picture of bars shows.
type Bars struct {
	analysis.Bars
	Title  string
	Shown  []Bar // from top to bottom
	X0, X1 float64
	Keys   []Key
	Zero   bool // 0 lies between the ends of the axis, where it has a line
}

// Bar is one bar: its pieces, from where to where, and the number at its end.
type Bar struct {
	Name      string
	Pieces    []Piece
	Text      string
	Begin     float64 // where it begins
	End       float64 // where its pieces end
	Low, High float64 // End less and plus the standard error; both NaN if it is not given
}

// Piece is a stretch of a bar.
type Piece struct {
	From, To float64
	Color    color.NRGBA
	Name     string // of the part; "" if bars have one only
}

// NewBars lays out the first bars whose parts fit each other, at most n.
func NewBars(b analysis.Bars, most int) Bars {
	out := Bars{Bars: b, Title: Title(b.Meta)}
	for k, name := range b.Parts {
		out.Keys = append(out.Keys, Key{Looks: []Look{{Color: Categories[k%len(Categories)], Marker: NoMarker}}, Block: true, Text: name})
	}
	begin := b.Start
	ends := []float64{}
	if !b.Waterfall {
		begin = 0
		ends = append(ends, 0)
	}
	largest := 0.0
	for _, x := range b.Bars {
		for _, v := range x.Values {
			if Finite(v) {
				largest = math.Max(largest, math.Abs(v))
			}
		}
	}
	for _, x := range b.Bars[:min(most, len(b.Bars))] {
		bar := Bar{Name: x.Name, Begin: begin, Low: math.NaN(), High: math.NaN()}
		// Pieces for and against go to their own sides, unless one follows the other.
		up, down := begin, begin
		for k, v := range x.Values {
			if !Finite(v) {
				continue
			}
			from := &up
			if v < 0 && !b.Waterfall {
				from = &down
			}
			p := Piece{From: *from, To: *from + v, Color: Categories[k%len(Categories)]}
			if len(b.Parts) > 0 {
				p.Name = b.Parts[k]
			}
			*from = p.To
			bar.Pieces = append(bar.Pieces, p)
			ends = append(ends, p.From, p.To)
		}
		bar.End = x.End(begin)
		switch {
		case len(bar.Pieces) == 0:
			bar.Text = Number(math.NaN())
		case len(bar.Pieces) == 1:
			bar.Text = NumberLike(bar.Pieces[0].To-bar.Pieces[0].From, largest)
			if b.Waterfall && bar.End > begin {
				bar.Text = "+" + bar.Text
			}
		default:
			for i, p := range bar.Pieces {
				if i > 0 {
					bar.Text += " / "
				}
				bar.Text += NumberLike(p.To-p.From, largest)
			}
		}
		if x.Error != 0 && Finite(x.Error) {
			bar.Low, bar.High = bar.End-x.Error, bar.End+x.Error
			ends = append(ends, bar.Low, bar.High)
		}
		if b.Waterfall {
			begin = bar.End
		}
		out.Shown = append(out.Shown, bar)
	}
	out.X0, out.X1 = reach(ends)
	switch {
	case out.X0 > out.X1:
		out.X0, out.X1 = 0, 1
	case out.X0 == out.X1:
		out.X0, out.X1 = out.X0-0.5, out.X1+0.5
	}
	out.Zero = out.X0 <= 0 && out.X1 >= 0
	return out
}
