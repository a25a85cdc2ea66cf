package figure

import (
	"image"
	"image/color"
	"math"

	xdraw "golang.org/x/image/draw"

	"github.com/seed-516990b0/golxmert/analysis/layout"
)

// minRasterCells is the number of cells from which on a panel is a picture instead of as many rectangles: files of large
// matrices stay small, and viewers quick.
const minRasterCells = 50 * 50

// cells fills r with the values' colours, the first row at the top.
func (p *pen) cells(r rect, values [][]float64, c layout.Colors) {
	rows, cols := len(values), len(values[0])
	if rows*cols > minRasterCells {
		p.cellPicture(r, values, c)
		return
	}
	w, h := r.w/float64(cols), r.h/float64(rows)
	for i, row := range values {
		for j, x := range row {
			cell := rect{r.x + float64(j)*w, r.y + float64(i)*h, w, h}
			if j < cols-1 { // cells overlap a little, or viewers show seams between them
				cell.w += 0.25
			}
			if i < rows-1 {
				cell.h += 0.25
			}
			p.fill(cell, c.At(x))
		}
	}
}

// hatch draws slanted lines in r.
func (p *pen) hatch(r rect, c color.NRGBA) {
	for _, f := range []float64{1.0 / 3, 2.0 / 3, 1} {
		p.line(r.x, r.y+f*r.h, r.x+f*r.w, r.y, 0.35, c)
	}
	for _, f := range []float64{1.0 / 3, 2.0 / 3} {
		p.line(r.x+f*r.w, r.y+r.h, r.x+r.w, r.y+f*r.h, 0.35, c)
	}
}

// cellPicture is [pen.cells] as a picture; cells have several pixels, because viewers blur what they enlarge.
func (p *pen) cellPicture(r rect, values [][]float64, c layout.Colors) {
	rows, cols := len(values), len(values[0])
	m := image.NewNRGBA(image.Rect(0, 0, cols, rows))
	for i, row := range values {
		for j, x := range row {
			m.SetNRGBA(j, i, c.At(x))
		}
	}
	times := max(1, int(math.Ceil(max(r.w, r.h)/72*400))/max(rows, cols)) // 400 dots per inch
	large := image.NewNRGBA(image.Rect(0, 0, cols*times, rows*times))
	xdraw.NearestNeighbor.Scale(large, large.Bounds(), m, m.Bounds(), xdraw.Src, nil)
	p.image(r, large)
}
