package figure

import (
	"image"
	"image/color"
	"strings"
	"sync"

	stdfont "golang.org/x/image/font"
	"gonum.org/v1/plot/font"
	"gonum.org/v1/plot/font/liberation"
	"gonum.org/v1/plot/vg"
)

// pen draws on a page from its top left corner, x to the right and y down, in points: as pictures and boxes count.
// Gonum counts y upwards; at is the one place that turns it.
type pen struct {
	page *page
	h    float64 // of the page above its bottom edge
	left float64 // where its left edge is on the page
}

func (p *pen) at(x, y float64) vg.Point {
	return vg.Point{X: vg.Length(p.left + x), Y: vg.Length(p.h - y)}
}

// rect is a rectangle by its corner nearest to the origin.
type rect struct{ x, y, w, h float64 }

func (r rect) overlap(s rect) float64 {
	w := min(r.x+r.w, s.x+s.w) - max(r.x, s.x)
	h := min(r.y+r.h, s.y+s.h) - max(r.y, s.y)
	return max(w, 0) * max(h, 0)
}

func (r rect) inset(d float64) rect { return rect{r.x + d, r.y + d, r.w - 2*d, r.h - 2*d} }

func (p *pen) path(points ...[2]float64) vg.Path {
	var path vg.Path
	for i, q := range points {
		if i == 0 {
			path.Move(p.at(q[0], q[1]))
		} else {
			path.Line(p.at(q[0], q[1]))
		}
	}
	return path
}

// corners is the outline of r. It begins in the middle of a side: some writers leave a notch where a wide line closes.
func (p *pen) corners(r rect) vg.Path {
	middle := [2]float64{r.x + r.w/2, r.y}
	path := p.path(middle, [2]float64{r.x + r.w, r.y}, [2]float64{r.x + r.w, r.y + r.h}, [2]float64{r.x, r.y + r.h}, [2]float64{r.x, r.y}, middle)
	path.Close()
	return path
}

func (p *pen) fill(r rect, c color.Color) {
	if r.w > 0 && r.h > 0 {
		p.page.SetColor(c)
		p.page.Fill(p.corners(r))
	}
}

func (p *pen) stroke(r rect, width float64, c color.Color) {
	p.style(width, c)
	p.page.Stroke(p.corners(r))
}

func (p *pen) line(x0, y0, x1, y1, width float64, c color.Color) {
	p.style(width, c)
	p.page.Stroke(p.path([2]float64{x0, y0}, [2]float64{x1, y1}))
}

func (p *pen) style(width float64, c color.Color) {
	p.page.SetLineDash(nil, 0)
	p.page.SetLineWidth(vg.Length(width))
	p.page.SetColor(c)
}

func (p *pen) image(r rect, m image.Image) {
	p.page.DrawImage(vg.Rectangle{Min: p.at(r.x, r.y+r.h), Max: p.at(r.x+r.w, r.y)}, m)
}

// ink is how text looks.
type ink struct {
	size   float64 // points
	bold   bool
	italic bool
	color  color.Color // nil: black
}

var fonts = sync.OnceValue(func() *font.Cache { return font.NewCache(liberation.Collection()) })

func (k ink) face() font.Face {
	f := font.Font{Typeface: "Liberation", Variant: "Sans"}
	if k.bold {
		f.Weight = stdfont.WeightBold
	}
	if k.italic {
		f.Style = stdfont.StyleItalic
	}
	return fonts().Lookup(f, vg.Length(k.size))
}

// width of a line of text, in points.
func (k ink) width(s string) float64 {
	face := k.face()
	return float64(face.Width(drawable(face, s)))
}

// height from the baseline to the top of a digit, in points.
func (k ink) height() float64 { return 0.71 * k.size }

// leading is the distance of baselines.
func (k ink) leading() float64 { return 1.25 * k.size }

// short cuts text so that it is at most width points wide.
func (k ink) short(s string, width float64) string {
	if k.width(s) <= width {
		return s
	}
	runes := []rune(s)
	low, high := 0, len(runes)
	for low < high {
		mid := (low + high + 1) / 2
		if k.width(string(runes[:mid])+"…") <= width {
			low = mid
		} else {
			high = mid - 1
		}
	}
	return strings.TrimRight(string(runes[:low]), " ") + "…"
}

// wrap breaks text into lines of at most width points; what remains after most lines is cut.
func (k ink) wrap(s string, width float64, most int) []string {
	var lines []string
	line := ""
	for _, word := range strings.Fields(s) {
		longer := word
		if line != "" {
			longer = line + " " + word
		}
		if line == "" || k.width(longer) <= width {
			line = longer
			continue
		}
		lines = append(lines, line)
		line = word
	}
	if line != "" {
		lines = append(lines, line)
	}
	if len(lines) > most {
		lines = append(lines[:most-1:most-1], strings.Join(lines[most-1:], " "))
	}
	for i := range lines {
		lines[i] = k.short(lines[i], width)
	}
	return lines
}

// text draws a line with its baseline at y; align 0 begins at x, 0.5 is centred there, 1 ends there.
func (p *pen) text(x, y, align float64, s string, k ink) {
	if s == "" {
		return
	}
	p.page.SetColor(k.color)
	p.page.FillString(k.face(), p.at(x-align*k.width(s), y), s)
}

// slanted draws text that begins at x, y and rises by the angle, in radians.
func (p *pen) slanted(x, y, angle float64, s string, k ink) {
	p.page.Push()
	defer p.page.Pop()
	p.page.Translate(p.at(x, y))
	p.page.Rotate(angle)
	p.page.SetColor(k.color)
	p.page.FillString(k.face(), vg.Point{}, s)
}
