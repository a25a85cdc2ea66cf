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
	"strconv"
	"strings"

	"github.com/seed-516990b0/golxmert/analysis"
)

// mostCells is how many cells of a panel are elements of their own, with a text to point at; beyond they are pixels.
const mostCells = 2500

// newMatrix draws the panels of a matrix, in as many columns as fit, on one scale: more colour is more, orange above zero
// and blue below.
func newMatrix(m analysis.Matrix) *chart {
	rows, cols := m.Size()
	limit := scaleLimit(m)
	rowLabels, colLabels := labels(m.Rows, rows), labels(m.Cols, cols)
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
	s := &svg{w: max(panelW*float64(perRow), left+scaleW+10+textWidth(scaleWords(m))), h: panelH*float64(lines) + 40}
	for i, p := range m.Panels {
		x, y := panelW*float64(i%perRow)+left, panelH*float64(i/perRow)+24
		s.w = max(s.w, x+textWidth(p.Name)*12/11)
		if p.Name != "" {
			s.text(x, y-8, "start", `font-size="12" font-weight="600"`, p.Name)
		}
		if rows*cols <= mostCells {
			drawCells(s, p, x, y, side, limit, rowLabels, colLabels)
		} else {
			s.add(`<image x="%.1f" y="%.1f" width="%.1f" height="%.1f" preserveAspectRatio="none" style="image-rendering:pixelated" href="%s"/>`,
				x, y, side*float64(cols), side*float64(rows), pixels(p, rows, cols, limit))
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
	drawScale(s, m, limit, left)
	label := fmt.Sprintf("%s: %d panels of %d by %d", headline(m.Meta), len(m.Panels), rows, cols)
	return &chart{SVG: s.html(label), Facts: facts(m.Meta)}
}

// scaleLimit is the value of full colour.
func scaleLimit(m analysis.Matrix) float64 {
	low, high := m.Low, m.High
	if low == 0 && high == 0 {
		for _, p := range m.Panels {
			if l, h, ok := finite(p.Values...); ok {
				low, high = min(low, l), max(high, h)
			}
		}
	}
	if limit := max(math.Abs(low), math.Abs(high)); limit > 0 {
		return limit
	}
	return 1
}

func labels(a analysis.Axis, n int) []string {
	out := make([]string, n)
	for i := range out {
		out[i] = strconv.Itoa(i)
		if i < len(a.Labels) {
			out[i] = shortened(a.Labels[i], 18)
		}
	}
	return out
}

func drawCells(s *svg, p analysis.MatrixPanel, x, y, side, limit float64, rowLabels, colLabels []string) {
	for r, row := range p.Values {
		for c, v := range row {
			fill, alpha, text := "#888888", 0.35, "not defined"
			if !math.IsNaN(v) {
				var share float64
				share, fill = strength(v, limit)
				alpha, text = share, tableNumber(v)
			}
			s.add(`<rect x="%.1f" y="%.1f" width="%.1f" height="%.1f" fill="%s" fill-opacity="%.3f"><title>%s</title></rect>`,
				x+side*float64(c), y+side*float64(r), side, side, fill, alpha, template.HTMLEscapeString(rowLabels[r]+", "+colLabels[c]+": "+text))
		}
	}
}

// pixels is a panel as a picture, one pixel per cell.
func pixels(p analysis.MatrixPanel, rows, cols int, limit float64) string {
	img := image.NewNRGBA(image.Rect(0, 0, cols, rows))
	for r, row := range p.Values {
		for c, v := range row {
			at := color.NRGBA{0x88, 0x88, 0x88, 0x59}
			if !math.IsNaN(v) {
				share, _ := strength(v, limit)
				at = color.NRGBA{0xd5, 0x5e, 0x00, uint8(255 * share)}
				if v < 0 {
					at = color.NRGBA{0x00, 0x72, 0xb2, at.A}
				}
			}
			img.SetNRGBA(c, r, at)
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
func drawScale(s *svg, m analysis.Matrix, limit, left float64) {
	const width, height = scaleW, 10.0
	y := s.h - 30
	low := 0.0
	for _, p := range m.Panels {
		if l, _, ok := finite(p.Values...); ok {
			low = min(low, l)
		}
	}
	if low = min(low, m.Low); low < 0 {
		low = -limit
	}
	const steps = 64
	for i := range steps {
		v := low + (limit-low)*(float64(i)+0.5)/steps
		share, color := strength(v, limit)
		s.add(`<rect x="%.2f" y="%.1f" width="%.2f" height="%.1f" fill="%s" fill-opacity="%.3f"/>`, left+width*float64(i)/steps, y, width/steps, height, color, share)
	}
	s.add(`<rect x="%.1f" y="%.1f" width="%.1f" height="%.1f" fill="none" stroke="currentColor" stroke-opacity="0.4"/>`, left, y, width, height)
	s.text(left, y+height+12, "start", "", tickText(low))
	s.text(left+width, y+height+12, "end", "", tickText(limit))
	s.text(left+width+10, y+height-1, "start", "", scaleWords(m))
}

// scaleWords say what the colours are of, and what rows and columns are.
func scaleWords(m analysis.Matrix) string {
	var parts []string
	for _, part := range [][2]string{{"in ", m.Unit}, {"rows: ", m.Rows.Name}, {"columns: ", m.Cols.Name}} {
		if part[1] != "" {
			parts = append(parts, part[0]+shortened(part[1], 60))
		}
	}
	return strings.Join(parts, "; ")
}
