package report

import (
	"bytes"
	"encoding/base64"
	"fmt"
	"html/template"
	"image"
	"image/color"
	"image/png"
	"math"
	"strings"

	"github.com/seed-516990b0/golxmert/analysis"
	"github.com/seed-516990b0/golxmert/analysis/layout"
)

// maxElements is how many cells of a panel are elements of their own, with a text to point at; beyond they are pixels.
const maxElements = 2500

// newMatrix draws the panels of a matrix, in as many columns as fit, on one scale.
func newMatrix(result analysis.Matrix) *chart {
	m := layout.NewMatrix(result, layout.Viridis)
	rows, cols := m.NRows, m.NCols
	rowLabels, colLabels := shortLabels(m.RowLabels), shortLabels(m.ColLabels)
	longest := 0
	for _, l := range rowLabels {
		longest = max(longest, len([]rune(l)))
	}
	left := 26 + 6.2*float64(longest)
	low := 26.0
	if rows > 0 {
		for _, l := range colLabels {
			low = max(low, 20+4.6*float64(len([]rune(l))))
		}
	}
	const page = 1040.0
	side := min(18, max(2, (page-left)/float64(max(cols, 1))))
	panelW, panelH := left+side*float64(cols)+16, 24+side*float64(rows)+low
	perRow := max(1, min(len(m.Panels), int(page/panelW)))
	lines := (len(m.Panels) + perRow - 1) / perRow
	s := &svg{w: max(panelW*float64(perRow), left+scaleWidth(m)), h: panelH*float64(lines) + 40}
	for i, p := range m.Panels {
		x, y := panelW*float64(i%perRow)+left, panelH*float64(i/perRow)+24
		s.w = max(s.w, x+textWidth(p.Name)*12/11)
		if p.Name != "" {
			s.text(x, y-8, "start", `font-size="12" font-weight="600"`, p.Name)
		}
		if rows*cols <= maxElements {
			drawCells(s, p, x, y, side, m, rowLabels, colLabels)
		} else {
			s.add(`<image x="%.1f" y="%.1f" width="%.1f" height="%.1f" preserveAspectRatio="none" style="image-rendering:pixelated" href="%s"/>`,
				x, y, side*float64(cols), side*float64(rows), pixels(p, rows, cols, m.Colors))
		}
		s.add(`<rect x="%.1f" y="%.1f" width="%.1f" height="%.1f" fill="none" stroke="currentColor" stroke-opacity="0.4"/>`, x, y, side*float64(cols), side*float64(rows))
		every := max(1, int(math.Ceil(11/side)))
		for r := 0; r < rows; r += every {
			s.text(x-5, y+side*(float64(r)+0.5)+4, "end", "", rowLabels[r])
		}
		for c := 0; c < cols; c += every {
			cx, cy := x+side*(float64(c)+0.5)+3, y+side*float64(rows)+10
			s.text(cx, cy, "end", fmt.Sprintf(`transform="rotate(-45 %.1f %.1f)"`, cx, cy), colLabels[c])
		}
	}
	drawScale(s, m, left)
	label := fmt.Sprintf("%s: %d panels of %d by %d", headline(m.Meta), len(m.Panels), rows, cols)
	return &chart{SVG: s.html(label), Facts: layout.Facts(m.Meta)}
}

func shortLabels(all []string) []string {
	out := make([]string, len(all))
	for i, l := range all {
		out[i] = shortened(l, 18)
	}
	return out
}

func drawCells(s *svg, p analysis.MatrixPanel, x, y, side float64, m layout.Matrix, rowLabels, colLabels []string) {
	for r, row := range p.Values {
		for c, v := range row {
			text := notDefined
			if !math.IsNaN(v) {
				text = layout.Number(v)
			}
			s.add(`<rect x="%.1f" y="%.1f" width="%.1f" height="%.1f" fill="%s" shape-rendering="crispEdges"><title>%s</title></rect>`,
				x+side*float64(c), y+side*float64(r), side, side, css(m.Colors.At(v)), template.HTMLEscapeString(rowLabels[r]+", "+colLabels[c]+": "+text))
			if m.IsUnder(v) {
				hatch(s, x+side*float64(c), y+side*float64(r), side, m.Colors.At(v))
			}
		}
	}
}

// hatch draws slanted lines over a cell, through which it can be pointed at.
func hatch(s *svg, x, y, side float64, on color.NRGBA) {
	third := side / 3
	s.add(`<path d="M%.1f,%.1fl%.1f,%.1fM%.1f,%.1fl%.1f,%.1fM%.1f,%.1fl%.1f,%.1f" stroke="%s" fill="none" pointer-events="none"/>`,
		x, y+2*third, 2*third, -2*third, x, y+side, side, -side, x+third, y+side, 2*third, -2*third, css(layout.Legible(on)))
}

const notDefined = "not defined"

// pixels is a panel as a picture, one pixel per cell.
func pixels(p analysis.MatrixPanel, rows, cols int, colors layout.Colors) string {
	img := image.NewNRGBA(image.Rect(0, 0, cols, rows))
	for r, row := range p.Values {
		for c, v := range row {
			img.SetNRGBA(c, r, colors.At(v))
		}
	}
	var buf bytes.Buffer
	if err := png.Encode(&buf, img); err != nil { // into memory, of a picture that has pixels
		panic(err)
	}
	return "data:image/png;base64," + base64.StdEncoding.EncodeToString(buf.Bytes())
}

// scaleW is the width of the scale, in the drawing's units.
const scaleW = 160.0

// drawScale draws what the colours mean, below the panels.
func drawScale(s *svg, m layout.Matrix, left float64) {
	const width, height, steps = scaleW, 10.0, 64
	y, c := s.h-30, m.Colors
	for i := range steps {
		v := c.Low + (c.High-c.Low)*(float64(i)+0.5)/steps
		s.add(`<rect x="%.2f" y="%.1f" width="%.2f" height="%.1f" fill="%s"/>`, left+width*float64(i)/steps, y, width/steps, height, css(c.At(v)))
	}
	s.add(`<rect x="%.1f" y="%.1f" width="%.1f" height="%.1f" fill="none" stroke="currentColor" stroke-opacity="0.4"/>`, left, y, width, height)
	for _, t := range c.Ticks(4) {
		x := left + width*c.Share(t)
		s.add(`<line x1="%.1f" x2="%.1f" y1="%.1f" y2="%.1f" stroke="currentColor"/>`, x, x, y+height, y+height+3)
		s.text(x, y+height+14, "middle", "", layout.TickText(t))
	}
	x := left + width + 14
	s.text(x, y+height-1, "start", "", scaleWords(m))
	if m.Gaps {
		x += textWidth(scaleWords(m)) + 12
		s.add(`<rect x="%.1f" y="%.1f" width="%.1f" height="%.1f" fill="%s" stroke="currentColor" stroke-opacity="0.4"/>`, x, y, height, height, css(layout.Undefined))
		s.text(x+height+4, y+height-1, "start", "", notDefined)
		x += height + 4 + textWidth(notDefined)
	} else {
		x += textWidth(scaleWords(m))
	}
	if m.Under {
		x += 12
		s.add(`<rect x="%.1f" y="%.1f" width="%.1f" height="%.1f" fill="%s"/>`, x, y, height, height, css(c.At(m.Low)))
		hatch(s, x, y, height, c.At(m.Low))
		s.text(x+height+4, y+height-1, "start", "", layout.BelowScale)
	}
}

// scaleWidth is the room for all that [drawScale] draws.
func scaleWidth(m layout.Matrix) float64 {
	w := scaleW + 14 + textWidth(scaleWords(m))
	if m.Gaps {
		w += 12 + 14 + textWidth(notDefined)
	}
	if m.Under {
		w += 12 + 14 + textWidth(layout.BelowScale)
	}
	return w
}

// scaleWords say what the colours are of, and what rows and columns are.
func scaleWords(m layout.Matrix) string {
	var parts []string
	for _, part := range [][2]string{{"", m.ScaleName}, {"rows: ", m.Rows.Name}, {"columns: ", m.Cols.Name}} {
		if part[1] != "" {
			parts = append(parts, part[0]+shortened(part[1], 60))
		}
	}
	return strings.Join(parts, "; ")
}
