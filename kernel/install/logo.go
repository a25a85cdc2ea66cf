package install

import (
	"bytes"
	"fmt"
	"image"
	"image/color"
	"image/png"
	"math"
)

// The logo: three words, three regions, and what each word attends to; in a square of side 1.

type point struct{ x, y float64 }

var (
	logoGround  = color.NRGBA{0x0b, 0x2a, 0x3c, 0xff}
	logoWords   = color.NRGBA{0x00, 0xad, 0xd8, 0xff}
	logoRegions = color.NRGBA{0xff, 0xb0, 0x3b, 0xff}
	logoLine    = color.NRGBA{0xff, 0xff, 0xff, 0xff}

	words   = []point{{0.24, 0.22}, {0.24, 0.50}, {0.24, 0.78}}
	regions = []point{{0.76, 0.22}, {0.76, 0.50}, {0.76, 0.78}}
	// attention is how much a word looks at a region.
	attention = [3][3]float64{{0.15, 0.80, 0.15}, {0.95, 0.20, 0.45}, {0.10, 0.30, 0.90}}
)

const (
	logoCorner = 0.18
	logoDot    = 0.095 // radius of a word, and half the side of a region
	logoStroke = 0.028
)

// logoSVG is the logo as a drawing.
func logoSVG() []byte {
	var b bytes.Buffer
	hex := func(c color.NRGBA) string { return fmt.Sprintf("#%02x%02x%02x", c.R, c.G, c.B) }
	fmt.Fprintf(&b, `<svg xmlns="http://www.w3.org/2000/svg" viewBox="0 0 1 1" width="128" height="128"><rect width="1" height="1" rx="%g" fill="%s"/>`, logoCorner, hex(logoGround))
	for i, w := range words {
		for j, r := range regions {
			fmt.Fprintf(&b, `<line x1="%g" y1="%g" x2="%g" y2="%g" stroke="%s" stroke-width="%g" stroke-opacity="%g"/>`,
				w.x, w.y, r.x, r.y, hex(logoLine), 2*logoStroke, attention[i][j])
		}
	}
	for i := range words {
		fmt.Fprintf(&b, `<circle cx="%g" cy="%g" r="%g" fill="%s"/>`, words[i].x, words[i].y, logoDot, hex(logoWords))
		fmt.Fprintf(&b, `<rect x="%g" y="%g" width="%g" height="%g" fill="%s"/>`, regions[i].x-logoDot, regions[i].y-logoDot, 2*logoDot, 2*logoDot, hex(logoRegions))
	}
	b.WriteString("</svg>\n")
	return b.Bytes()
}

// logoPNG is the logo as an image of size x size pixels.
func logoPNG(size int) []byte {
	img := image.NewNRGBA(image.Rect(0, 0, size, size))
	const samples = 4 // samples per pixel, in both directions
	for y := range size {
		for x := range size {
			var sum [4]float64
			for s := range samples * samples {
				at := point{(float64(x) + (float64(s%samples)+0.5)/samples) / float64(size), (float64(y) + (float64(s/samples)+0.5)/samples) / float64(size)}
				c := logoAt(at)
				a := float64(c.A)
				sum[0], sum[1], sum[2], sum[3] = sum[0]+a*float64(c.R), sum[1]+a*float64(c.G), sum[2]+a*float64(c.B), sum[3]+a
			}
			if sum[3] > 0 {
				img.SetNRGBA(x, y, color.NRGBA{uint8(sum[0] / sum[3]), uint8(sum[1] / sum[3]), uint8(sum[2] / sum[3]), uint8(sum[3] / (samples * samples))})
			}
		}
	}
	var b bytes.Buffer
	if err := png.Encode(&b, img); err != nil { // a buffer takes everything
		panic(err)
	}
	return b.Bytes()
}

// logoAt is the logo's colour at a point.
func logoAt(p point) color.NRGBA {
	// Distance from the square whose corners are cut by a quarter of a circle.
	dx, dy := max(math.Abs(p.x-0.5)-0.5+logoCorner, 0), max(math.Abs(p.y-0.5)-0.5+logoCorner, 0)
	if math.Hypot(dx, dy) > logoCorner {
		return color.NRGBA{}
	}
	for i := range words {
		if math.Hypot(p.x-words[i].x, p.y-words[i].y) < logoDot {
			return logoWords
		}
		if max(math.Abs(p.x-regions[i].x), math.Abs(p.y-regions[i].y)) < logoDot {
			return logoRegions
		}
	}
	c := logoGround
	for i, w := range words {
		for j, r := range regions {
			if distance(p, w, r) < logoStroke {
				c = mix(c, logoLine, attention[i][j])
			}
		}
	}
	return c
}

// distance is that of a point from the line between two others.
func distance(p, a, b point) float64 {
	dx, dy := b.x-a.x, b.y-a.y
	t := min(1, max(0, ((p.x-a.x)*dx+(p.y-a.y)*dy)/(dx*dx+dy*dy)))
	return math.Hypot(p.x-a.x-t*dx, p.y-a.y-t*dy)
}

func mix(under, over color.NRGBA, share float64) color.NRGBA {
	m := func(a, b uint8) uint8 { return uint8(float64(a)*(1-share) + float64(b)*share) }
	return color.NRGBA{m(under.R, over.R), m(under.G, over.G), m(under.B, over.B), 0xff}
}
