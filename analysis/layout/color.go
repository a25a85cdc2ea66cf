package layout

import (
	"image/color"
	"math"

	"gonum.org/v1/plot/palette/moreland"
)

// Scale is a sequence of colours for numbers.
type Scale int

const (
	// ByKind takes Paper for scores and Viridis for everything else.
	ByKind Scale = iota
	// Paper goes from nearly white to dark blue. What is not relevant disappears on a white page, and what is stands out on
	// a photograph.
	Paper
	// Viridis goes from dark violet to yellow.
	Viridis
	// Cividis goes from dark blue to yellow and looks nearly alike to people with and without colour blindness.
	Cividis
	// diverging goes from blue over light grey to red, for numbers of both signs.
	diverging
)

// Categories are colours to tell things apart (Okabe and Ito). The last is that of text.
var Categories = [...]color.NRGBA{
	{0x00, 0x72, 0xb2, 0xff}, {0xd5, 0x5e, 0x00, 0xff}, {0x00, 0x9e, 0x73, 0xff}, {0xcc, 0x79, 0xa7, 0xff},
	{0xe6, 0x9f, 0x00, 0xff}, {0x56, 0xb4, 0xe9, 0xff}, {0x33, 0x33, 0x33, 0xff},
}

// Colours of what is not on a scale.
var (
	Text       = color.NRGBA{0x1a, 0x1a, 0x1a, 0xff}
	Undefined  = color.NRGBA{0xe2, 0xe2, 0xe2, 0xff} // not a number
	RandomGrey = color.NRGBA{0x8a, 0x8a, 0x8a, 0xff} // series of chance
	white      = color.NRGBA{0xff, 0xff, 0xff, 0xff}
)

// stops are control points at equal distances.
var stops = [...][]color.NRGBA{
	Paper: {rgb(0xfdfdf2), rgb(0xeaf5c4), rgb(0xc7e6b6), rgb(0x84cbbb), rgb(0x46b0c1), rgb(0x228cbd), rgb(0x2260a5), rgb(0x253a8c), rgb(0x0c1f58)},
	Viridis: {rgb(0x440154), rgb(0x482878), rgb(0x3e4a89), rgb(0x31688e), rgb(0x26828e), rgb(0x1f9e89), rgb(0x35b779),
		rgb(0x6ece58), rgb(0xb5de2b), rgb(0xfde725)},
	Cividis: {rgb(0x00224e), rgb(0x123570), rgb(0x3b496c), rgb(0x575d6d), rgb(0x707173), rgb(0x8a8678), rgb(0xa59c74),
		rgb(0xc3b369), rgb(0xe1cc55), rgb(0xfee838)},
	diverging: sampled(9),
}

func rgb(hex uint32) color.NRGBA {
	return color.NRGBA{uint8(hex >> 16), uint8(hex >> 8), uint8(hex), 0xff}
}

// sampled are n colours of gonum's diverging map, which was made to be even in luminance.
func sampled(n int) []color.NRGBA {
	m := moreland.SmoothBlueRed()
	m.SetMin(0)
	m.SetMax(1)
	out := make([]color.NRGBA, n)
	for i := range out {
		c, err := m.At(float64(i) / float64(n-1))
		if err != nil {
			panic(err) // 0 and 1 and what is between them are in the map
		}
		out[i] = color.NRGBAModel.Convert(c).(color.NRGBA)
	}
	return out
}

// Or is the scale itself, or what a kind of figure takes by default.
func (s Scale) Or(byKind Scale) Scale {
	if s <= ByKind || s >= diverging {
		return byKind
	}
	return s
}

// Colors gives numbers from low to high their colours. Both may be the same.
type Colors struct {
	Scale     Scale
	Low, High float64
}

// Scaled is a scale for numbers in this range: centred on 0 where there are negative ones.
func Scaled(s Scale, low, high float64) Colors {
	if low < 0 {
		far := math.Max(-low, high)
		return Colors{diverging, -far, far}
	}
	return Colors{s, low, high}
}

// Share is where on the scale a number stands, 0 to 1.
func (c Colors) Share(x float64) float64 {
	if c.High <= c.Low {
		if c.Scale == diverging {
			return 0.5
		}
		return 0
	}
	return math.Max(0, math.Min(1, (x-c.Low)/(c.High-c.Low)))
}

// At is the colour of a number.
func (c Colors) At(x float64) color.NRGBA {
	if math.IsNaN(x) {
		return Undefined
	}
	points := stops[c.Scale]
	f := c.Share(x) * float64(len(points)-1)
	i := min(int(f), len(points)-2)
	return mix(points[i], points[i+1], f-float64(i))
}

// mix is a colour between two, at 0 the first.
func mix(a, b color.NRGBA, f float64) color.NRGBA {
	between := func(a, b uint8) uint8 { return uint8(math.Round(float64(a) + f*(float64(b)-float64(a)))) }
	return color.NRGBA{between(a.R, b.R), between(a.G, b.G), between(a.B, b.B), between(a.A, b.A)}
}

// luminance is the relative luminance of WCAG 2, 0 to 1.
func luminance(c color.NRGBA) float64 {
	linear := func(v uint8) float64 {
		x := float64(v) / 255
		if x <= 0.04045 {
			return x / 12.92
		}
		return math.Pow((x+0.055)/1.055, 2.4)
	}
	return 0.2126*linear(c.R) + 0.7152*linear(c.G) + 0.0722*linear(c.B)
}

// contrast of two colours by WCAG 2, 1 to 21.
func contrast(a, b color.NRGBA) float64 {
	x, y := luminance(a), luminance(b)
	return (math.Max(x, y) + 0.05) / (math.Min(x, y) + 0.05)
}

// Legible is black or white, whichever is easier to read on the colour.
func Legible(on color.NRGBA) color.NRGBA {
	if contrast(on, color.NRGBA{A: 0xff}) >= contrast(on, white) {
		return color.NRGBA{A: 0xff}
	}
	return white
}

// Faded is a colour with this alpha, 0 to 1.
func Faded(c color.NRGBA, alpha float64) color.NRGBA {
	c.A = uint8(math.Round(255 * alpha))
	return c
}

// Darker is the colour itself if a bar of it is seen on white, else as much darker as that needs.
func Darker(c color.NRGBA) color.NRGBA {
	for range 8 {
		if contrast(c, white) >= 1.6 {
			break
		}
		c = mix(c, color.NRGBA{A: 0xff}, 0.1)
	}
	return c
}

// Ticks are the numbers at a colour bar, at most n: round ones, each where it is on the scale.
func (c Colors) Ticks(most int) []float64 { return Ticks(c.Low, c.High, max(2, most)) }
