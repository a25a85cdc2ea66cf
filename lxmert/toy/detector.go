package toy

import (
	"errors"
	"image"
	"image/color"
	"image/draw"
	"slices"

	"golang.org/x/image/vector"

	"github.com/seed-516990b0/golxmert/lxmert/region"
)

// Detector finds shapes in a picture and makes of them what a world's feature files hold, so that somebody's own pictures
// can be shown to a model that was trained on the world. It is the world's features without their noise.
//
// Shapes are those of [Shapes], in [Colors], apart from each other on a plain background. It goes by pixels alone: what
// hangs together is a thing, its colour is the nearest paint of most of its pixels, its shape the outline that covers the
// same part of its box.
type Detector struct{ directions directions }

// NewDetector returns the detector of the worlds with a seed, 0 meaning 1. To a model of another seed its features say
// nothing.
func NewDetector(seed uint64) *Detector { return &Detector{newDirections(max(1, seed))} }

// ErrNothing is the error of a picture in which no shapes are found.
var ErrNothing = errors.New("toy: there is no shape in the picture: the detector sees coloured shapes on a plain background, which is the colour of the corner at the top left")

// minRegions is how many regions a picture has at least, as in the world: what shapes leave shows the background.
const minRegions = 8

// Detect finds shapes, the topmost first, and adds regions that show background until there are eight. Each region has its
// classes, the places in [Shapes] and [Colors], and how sure the detector is: for shapes, the share of pixels that agree
// with the outline; for colours, the share that are of the paint. The id is left for the caller.
func (d *Detector) Detect(picture image.Image) (*region.Regions, error) {
	things := findThings(picture)
	if len(things) == 0 {
		return nil, ErrNothing
	}
	bounds := picture.Bounds()
	r := &region.Regions{Width: bounds.Dx(), Height: bounds.Dy(), Dim: FeatDim}
	add := func(box image.Rectangle, signal func(i int) int64) {
		box = box.Sub(bounds.Min)
		r.N++
		r.Boxes = append(r.Boxes, float32(box.Min.X), float32(box.Min.Y), float32(box.Max.X), float32(box.Max.Y))
		for i := range FeatDim {
			r.Features = append(r.Features, float32(signal(i))/one)
		}
	}
	label := func(object, attribute int, objectConf, attributeConf float32) {
		r.ObjectIDs, r.AttrIDs = append(r.ObjectIDs, int32(object)), append(r.AttrIDs, int32(attribute))
		r.ObjectConf, r.AttrConf = append(r.ObjectConf, objectConf), append(r.AttrConf, attributeConf)
	}
	var taken []image.Rectangle
	for _, t := range things {
		paint, paintShare := t.color(picture)
		outline, fit := t.shape()
		size := Sizes[0]
		// Halfway between the largest small and the smallest large side, as shares of the picture.
		if t.box.Dx()*2*span > bounds.Dx()*(sides["small"][1]+sides["large"][0]) {
			size = Sizes[1]
		}
		s, c, z := d.directions.shape[Shapes[outline]], d.directions.color[Colors[paint]], d.directions.size[size]
		add(t.box, func(i int) int64 { return s[i] + c[i] + z[i] })
		label(outline, paint, fit, paintShare)
		taken = append(taken, t.box)
	}
	for r.N < minRegions {
		box := emptiest(bounds, taken)
		add(box, func(i int) int64 { return d.directions.background[i] * backgroundGain / 100 })
		label(0, 0, 0, 0)
		taken = append(taken, box)
	}
	return r, nil
}

// thing is a part of a picture that hangs together.
type thing struct {
	box    image.Rectangle
	pixels []image.Point
}

const (
	minContrast   = 60  // distance from the background in RGB, of which 442 is the largest, that makes a pixel part of a thing
	minThingShare = 500 // a thing has at least this share of a picture's pixels: one in 500
)

// findThings lists what is not background, by rows from the top.
func findThings(picture image.Image) (things []thing) {
	b := picture.Bounds()
	if b.Empty() {
		return nil
	}
	paper := picture.At(b.Min.X, b.Min.Y)
	seen := make([]bool, b.Dx()*b.Dy())
	visit := func(p image.Point) bool {
		if !p.In(b) {
			return false
		}
		at := (p.Y-b.Min.Y)*b.Dx() + p.X - b.Min.X
		if seen[at] {
			return false
		}
		seen[at] = true
		return distance(picture.At(p.X, p.Y), paper) > minContrast*minContrast
	}
	for y := b.Min.Y; y < b.Max.Y; y++ {
		for x := b.Min.X; x < b.Max.X; x++ {
			if !visit(image.Pt(x, y)) {
				continue
			}
			var t thing
			for todo := []image.Point{{X: x, Y: y}}; len(todo) > 0; {
				p := todo[len(todo)-1]
				todo = todo[:len(todo)-1]
				t.pixels = append(t.pixels, p)
				t.box = t.box.Union(image.Rect(p.X, p.Y, p.X+1, p.Y+1))
				for _, step := range []image.Point{{X: 1}, {X: -1}, {Y: 1}, {Y: -1}} {
					if next := p.Add(step); visit(next) {
						todo = append(todo, next)
					}
				}
			}
			if len(t.pixels)*minThingShare >= b.Dx()*b.Dy() {
				things = append(things, t)
			}
		}
	}
	return things
}

// color is the place in Colors of the paint that most pixels are nearest to, and their share.
func (t *thing) color(picture image.Image) (paint int, share float32) {
	votes := make([]int, len(paints))
	for _, p := range t.pixels {
		c, best := picture.At(p.X, p.Y), 0
		for i := range paints {
			if distance(c, paints[i]) < distance(c, paints[best]) {
				best = i
			}
		}
		votes[best]++
	}
	most := slices.Max(votes)
	return slices.Index(votes, most), float32(most) / float32(len(t.pixels))
}

// shape is the place in Shapes of the outline that fits best, and the share of the pixels of both that they have in common.
func (t *thing) shape() (shape int, fit float32) {
	w, h := t.box.Dx(), t.box.Dy()
	mine := make([]bool, w*h)
	for _, p := range t.pixels {
		mine[(p.Y-t.box.Min.Y)*w+p.X-t.box.Min.X] = true
	}
	for i, name := range Shapes {
		z := vector.NewRasterizer(w, h)
		z.DrawOp = draw.Src
		corners := outlines[name]
		for k := 0; k < len(corners); k += 2 {
			x, y := corners[k]*float32(w), corners[k+1]*float32(h)
			if k == 0 {
				z.MoveTo(x, y)
			} else {
				z.LineTo(x, y)
			}
		}
		z.ClosePath()
		mask := image.NewAlpha(image.Rect(0, 0, w, h))
		z.Draw(mask, mask.Rect, image.Opaque, image.Point{})
		both, either := 0, 0
		for k, m := range mine {
			outline := mask.Pix[k/w*mask.Stride+k%w] >= 0x80
			if m && outline {
				both++
			}
			if m || outline {
				either++
			}
		}
		if share := float32(both) / float32(max(1, either)); share > fit {
			shape, fit = i, share
		}
	}
	return shape, fit
}

// emptiest is the part of a picture, of a grid of fields with a fifth of its sides, that shows least of what is taken.
func emptiest(bounds image.Rectangle, taken []image.Rectangle) (best image.Rectangle) {
	const fields = 5
	const stride = 7 // fields that are tried one after the other are not neighbours
	least := -1
	for i := range fields * fields {
		x, y := i*stride%(fields*fields)%fields, i*stride%(fields*fields)/fields
		field := image.Rect(x*bounds.Dx()/fields, y*bounds.Dy()/fields, (x+1)*bounds.Dx()/fields, (y+1)*bounds.Dy()/fields).Add(bounds.Min)
		shown := 0
		for _, t := range taken {
			common := field.Intersect(t)
			shown += common.Dx() * common.Dy()
		}
		if least < 0 || shown < least {
			best, least = field, shown
		}
	}
	return best
}

// distance is the square of the distance of two colours in RGB, each from 0 to 255.
func distance(a, b color.Color) int {
	r, g, bl, _ := a.RGBA()
	r2, g2, bl2, _ := b.RGBA()
	square := func(x, y uint32) int {
		d := int(x>>8) - int(y>>8)
		return d * d
	}
	return square(r, r2) + square(g, g2) + square(bl, bl2)
}
