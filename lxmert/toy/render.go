package toy

import (
	"image"
	"image/color"
	"image/draw"
	"math"
	"slices"

	"golang.org/x/image/vector"
)

// paper is the colour of the background, paints those of Colors.
var (
	paper  = color.RGBA{0xf5, 0xf2, 0xea, 0xff}
	paints = []color.RGBA{
		{0xd6, 0x2b, 0x2b, 0xff}, {0x2a, 0x5f, 0xd0, 0xff}, {0x2c, 0x97, 0x45, 0xff},
		{0xf2, 0xb9, 0x05, 0xff}, {0x80, 0x3b, 0xb0, 0xff}, {0x1d, 0x1d, 0x1f, 0xff},
	}
)

// levels are the steps from paper to paint. With them a picture needs 241 colours, and a pixel one byte.
const levels = 40

// outlines are the corners of shapes in a box from 0 to 1, x and y by turns.
var outlines = map[string][]float32{
	"circle":   circle(12),
	"square":   {0, 0, 1, 0, 1, 1, 0, 1},
	"triangle": {0.5, 0, 1, 1, 0, 1},
	"star": {0.5, 0, 0.642, 0.347, 1, 0.382, 0.73, 0.631, 0.809, 1, // a little fatter than usual, as wide as its box
		0.5, 0.807, 0.191, 1, 0.27, 0.631, 0, 0.382, 0.358, 0.347},
	"cross": {0.33, 0, 0.67, 0, 0.67, 0.33, 1, 0.33, 1, 0.67, 0.67, 0.67, 0.67, 1, 0.33, 1, 0.33, 0.67, 0, 0.67, 0, 0.33, 0.33, 0.33},
}

// circle has 4n corners with rational coordinates: no sine, which is not the same on every machine.
func circle(n int) []float32 {
	var out []float32
	for quarter := range 4 {
		for k := range n {
			x, y := float32(n*n-k*k)/float32(n*n+k*k), float32(2*n*k)/float32(n*n+k*k)
			for range quarter {
				x, y = -y, x
			}
			out = append(out, (1+x)/2, (1+y)/2)
		}
	}
	return out
}

// Render draws a scene: its objects, anti-aliased, on plain paper. Files in the world's folder images are these pictures.
func Render(s *Scene) *image.Paletted {
	picture := image.NewPaletted(image.Rect(0, 0, s.Width, s.Height), palette)
	for _, o := range s.Objects {
		paint(picture, o)
	}
	return picture
}

// palette holds the paper and, for each paint, its levels.
var palette = func() color.Palette {
	p := color.Palette{paper}
	for _, paint := range paints {
		for level := 1; level <= levels; level++ {
			mix := func(from, to uint8) uint8 {
				return uint8((int(from)*(levels-level) + int(to)*level + levels/2) / levels)
			}
			p = append(p, color.RGBA{mix(paper.R, paint.R), mix(paper.G, paint.G), mix(paper.B, paint.B), 0xff})
		}
	}
	return p
}()

// paint draws an object. What a scene file holds may be anything, so colours and boxes that are none draw nothing.
func paint(picture *image.Paletted, o Object) {
	first := slices.Index(Colors, o.Color)*levels + 1
	area := image.Rectangle{
		Min: image.Pt(int(math.Floor(float64(o.Box[0]))), int(math.Floor(float64(o.Box[1])))),
		Max: image.Pt(int(math.Ceil(float64(o.Box[2]))), int(math.Ceil(float64(o.Box[3])))),
	}
	corners := outlines[o.Shape]
	if first < 1 || corners == nil || area.Empty() || !area.In(picture.Rect) {
		return
	}
	z := vector.NewRasterizer(area.Dx(), area.Dy())
	z.DrawOp = draw.Src
	for i := 0; i < len(corners); i += 2 {
		// To a 64th of a pixel, so that no machine's rounding shows.
		at := func(corner, from, to float32, origin int) float32 {
			return float32(math.Round(64*float64(from-float32(origin)+float32(corner*(to-from))))) / 64
		}
		x, y := at(corners[i], o.Box[0], o.Box[2], area.Min.X), at(corners[i+1], o.Box[1], o.Box[3], area.Min.Y)
		if i == 0 {
			z.MoveTo(x, y)
		} else {
			z.LineTo(x, y)
		}
	}
	z.ClosePath()
	mask := image.NewAlpha(image.Rect(0, 0, area.Dx(), area.Dy()))
	z.Draw(mask, mask.Rect, image.Opaque, image.Point{})
	for y := range area.Dy() {
		row := picture.Pix[picture.PixOffset(area.Min.X, area.Min.Y+y):]
		for x, alpha := range mask.Pix[y*mask.Stride:][:area.Dx()] {
			if level := (int(alpha)*levels + 127) / 255; level > 0 {
				row[x] = uint8(first + level - 1)
			}
		}
	}
}
