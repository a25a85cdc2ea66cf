package figure

import (
	"bytes"
	"fmt"
	"image"
	"image/color"
	"image/draw"
	"io"

	stdfont "golang.org/x/image/font"
	"golang.org/x/image/font/sfnt"
	"golang.org/x/image/math/fixed"
	"golang.org/x/text/encoding/charmap"
	"gonum.org/v1/plot/font"
	"gonum.org/v1/plot/vg"
	"gonum.org/v1/plot/vg/vgimg"
	"gonum.org/v1/plot/vg/vgpdf"
	"gonum.org/v1/plot/vg/vgsvg"
)

// page is a canvas that evens out what gonum's three writers do differently. PDF has one font and one code page only, turns
// pictures upside down, and takes colours as if they were not multiplied by their alpha; SVG names a font that few machines
// have.
type page struct {
	vg.Canvas
	format string
	write  func(w io.Writer) error
	widths []float64 // of the texts of an SVG in their order, points
}

func newPage(w, h vg.Length, format string, dpi int) (*page, error) {
	p := &page{format: format}
	var to io.WriterTo
	switch format {
	case "png":
		c := vgimg.PngCanvas{Canvas: vgimg.NewWith(vgimg.UseWH(w, h), vgimg.UseDPI(dpi))}
		p.Canvas, to = c, c
	case "svg":
		c := vgsvg.New(w, h)
		p.Canvas, to = c, c
	case "pdf":
		c := vgpdf.New(w, h)
		p.Canvas, to = c, c
	default:
		return nil, fmt.Errorf("figures are written as pdf, svg or png, not as %q", format)
	}
	p.write = func(w io.Writer) error { _, err := to.WriteTo(w); return err }
	if format == "svg" {
		p.write = func(w io.Writer) error {
			var text bytes.Buffer
			if _, err := to.WriteTo(&text); err != nil {
				return err
			}
			_, err := w.Write(p.portable(text.Bytes()))
			return err
		}
	}
	return p, nil
}

// portable lets other fonts stand in for the one that widths were measured with, at the same widths, and calls embedded
// pictures what they are.
func (p *page) portable(svg []byte) []byte {
	svg = bytes.ReplaceAll(svg, []byte("font-family:Liberation Sans;"), []byte("font-family:'Liberation Sans',Arimo,Arial,Helvetica,sans-serif;"))
	svg = bytes.ReplaceAll(svg, []byte("data:image/jpg;base64,iVBOR"), []byte("data:image/png;base64,iVBOR"))
	parts := bytes.Split(svg, []byte("<text "))
	for i, w := range p.widths[:min(len(p.widths), len(parts)-1)] {
		if w > 0 {
			parts[i+1] = fmt.Appendf(nil, `textLength="%.2f" lengthAdjust="spacingAndGlyphs" %s`, w, parts[i+1])
		}
	}
	return bytes.Join(parts, []byte("<text "))
}

// straight is a colour that says its red, green and blue as they are, whatever its alpha: what gonum's PDF needs.
type straight color.NRGBA

func (s straight) RGBA() (r, g, b, a uint32) {
	return uint32(s.R) * 0x101, uint32(s.G) * 0x101, uint32(s.B) * 0x101, uint32(s.A) * 0x101
}

func (p *page) SetColor(c color.Color) {
	if p.format == "pdf" && c != nil {
		c = straight(color.NRGBAModel.Convert(c).(color.NRGBA))
	}
	p.Canvas.SetColor(c)
}

// DrawImage draws a picture the right way up.
func (p *page) DrawImage(r vg.Rectangle, m image.Image) {
	if p.format == "pdf" {
		b := m.Bounds()
		turned := image.NewNRGBA(image.Rect(0, 0, b.Dx(), b.Dy()))
		for y := range b.Dy() {
			row := image.Rect(0, y, b.Dx(), y+1)
			draw.Draw(turned, row, m, image.Pt(b.Min.X, b.Max.Y-1-y), draw.Src)
		}
		m = turned
	}
	p.Canvas.DrawImage(r, m)
}

// FillString draws text. Characters that the font lacks are boxes. In PDF, bold and slanted text and text outside of the
// code page is drawn as outlines; in PNG all is, because letters would be moved to whole pixels and turned ones be blurred.
func (p *page) FillString(face font.Face, at vg.Point, s string) {
	s = drawable(face, s)
	switch p.format {
	case "png":
		p.outline(face, at, s)
		return
	case "svg":
		p.widths = append(p.widths, float64(face.Width(s)))
	case "pdf":
		encoded, err := charmap.Windows1252.NewEncoder().String(s)
		if err != nil || face.Font.Weight != stdfont.WeightNormal || face.Font.Style != stdfont.StyleNormal {
			p.outline(face, at, s)
			return
		}
		s = encoded
	}
	p.Canvas.FillString(face, at, s)
}

// missing stands for characters that the font has no glyph of.
const missing = '□'

// drawable replaces what the font cannot draw.
func drawable(face font.Face, s string) string {
	var buf sfnt.Buffer
	out := make([]rune, 0, len(s))
	for _, r := range s {
		if r == '\t' || r == '\n' || r == '\r' {
			r = ' '
		}
		if g, err := face.Face.GlyphIndex(&buf, r); err != nil || g == 0 || r < ' ' || r == 0x7f {
			r = missing
		}
		out = append(out, r)
	}
	return string(out)
}

// outline fills the glyphs' outlines, kerned as [font.Face.Width] measures them.
func (p *page) outline(face font.Face, at vg.Point, s string) {
	var buf sfnt.Buffer
	em := fixed.Int26_6(face.Face.UnitsPerEm())
	scale := face.Font.Size / vg.Length(em)
	x := at.X
	var last sfnt.GlyphIndex
	for i, r := range s {
		g, err := face.Face.GlyphIndex(&buf, r)
		if err != nil {
			continue
		}
		if kern, err := face.Face.Kern(&buf, last, g, em, 0); err == nil && i > 0 {
			x += vg.Length(kern) * scale
		}
		last = g
		segments, err := face.Face.LoadGlyph(&buf, g, em, nil)
		if err != nil {
			continue
		}
		place := func(q fixed.Point26_6) vg.Point {
			return vg.Point{X: x + vg.Length(q.X)*scale, Y: at.Y - vg.Length(q.Y)*scale}
		}
		var path vg.Path
		for i, seg := range segments {
			switch seg.Op {
			case sfnt.SegmentOpMoveTo:
				if i > 0 {
					path.Close()
				}
				path.Move(place(seg.Args[0]))
			case sfnt.SegmentOpLineTo:
				path.Line(place(seg.Args[0]))
			case sfnt.SegmentOpQuadTo:
				path.QuadTo(place(seg.Args[0]), place(seg.Args[1]))
			case sfnt.SegmentOpCubeTo:
				path.CubeTo(place(seg.Args[0]), place(seg.Args[1]), place(seg.Args[2]))
			}
		}
		if len(path) > 0 {
			path.Close()
			p.Fill(path)
		}
		if advance, err := face.Face.GlyphAdvance(&buf, g, em, 0); err == nil {
			x += vg.Length(advance) * scale
		}
	}
}
