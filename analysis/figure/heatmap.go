package figure

import (
	"cmp"
	"fmt"
	"math"
	"slices"
	"strconv"

	"github.com/seed-516990b0/golxmert/analysis"
	"github.com/seed-516990b0/golxmert/analysis/layout"
)

// Heatmap draws the panels of a matrix on one scale: words by regions, heads by layers, levels by levels. Labels of
// columns stand slanted above them; labels that occur more than once, of anything but words, have their index before them.
// Rows and columns whose labels would not fit are labelled in steps. [ByRelevance] sorts the columns.
//
// The scale is the matrix's own range if it has one, else that of the values, with 0 in it; a range with negative numbers
// is centred on 0. NaN is light grey and what lies below a matrix's own range is hatched, and a remark says so.
func Heatmap(m analysis.Matrix, opt Options) (*Figure, error) {
	h, err := newHeat(m, opt)
	if err != nil {
		return nil, err
	}
	return h.lay(), nil
}

func newHeat(m analysis.Matrix, opt Options) (*heat, error) {
	if err := checkMatrix(m); err != nil {
		return nil, err
	}
	h := &heat{m: layout.NewMatrix(m, opt.Scale), opt: opt, width: opt.width(Column)}
	if opt.Width == 0 && (len(m.Panels) > 1 || h.m.NCols > 12) {
		h.width = opt.width(Page)
	}
	return h, nil
}

// checkMatrix says what cannot be drawn.
func checkMatrix(m analysis.Matrix) error {
	if err := m.Check(); err != nil {
		return err
	}
	if _, cols := m.Size(); cols == 0 {
		return fmt.Errorf("panel %q is empty", m.Panels[0].Name)
	}
	for _, panel := range m.Panels {
		for i, row := range panel.Values {
			for j, x := range row {
				if math.IsInf(x, 0) {
					return fmt.Errorf("panel %q, row %d, column %d is infinite: it has no place on a scale", panel.Name, i, j)
				}
			}
		}
	}
	return nil
}

// ByRelevance returns the matrix with its columns sorted by a number for each, such as the relevance of regions, largest
// first; without numbers by the sum of the column in all panels. Labels keep the columns' indices. NaN comes last.
func ByRelevance(m analysis.Matrix, relevance []float64) (analysis.Matrix, error) {
	if err := checkMatrix(m); err != nil {
		return m, err
	}
	_, cols := m.Size()
	if relevance == nil {
		relevance = make([]float64, cols)
		for _, panel := range m.Panels {
			for _, row := range panel.Values {
				for j, x := range row {
					if !math.IsNaN(x) {
						relevance[j] += x
					}
				}
			}
		}
	}
	if len(relevance) != cols {
		return m, fmt.Errorf("%d numbers to sort %d columns by", len(relevance), cols)
	}
	order := make([]int, cols)
	for j := range order {
		order[j] = j
	}
	slices.SortStableFunc(order, func(a, b int) int { return cmp.Compare(relevance[b], relevance[a]) }) // NaN is less than any
	pick := func(row []float64) []float64 {
		out := make([]float64, cols)
		for to, from := range order {
			out[to] = row[from]
		}
		return out
	}
	labels := layout.NewMatrix(m, ByKind).ColLabels
	m.Cols.Labels = make([]string, cols)
	for to, from := range order {
		m.Cols.Labels[to] = labels[from]
	}
	m.Panels = slices.Clone(m.Panels)
	for k, panel := range m.Panels {
		values := make([][]float64, len(panel.Values))
		for i, row := range panel.Values {
			values[i] = pick(row)
		}
		m.Panels[k].Values = values
	}
	return m, nil
}

// heat is a heat map while it is laid out.
type heat struct {
	m                 layout.Matrix
	opt               Options
	width             float64
	cell              float64 // side, points
	left, above, over float64 // room for labels: before the first panel, above and after every one
	perLine           int     // panels beside each other
}

const (
	panelGap      = 14.0
	barGap        = 10.0
	maxLabelWidth = 76.0 // longest label, points
	labelAngle    = math.Pi / 4
	maxCellSide   = 12.0
)

// measure finds the room for labels.
func (h *heat) measure() {
	for i := range h.m.NRows {
		h.left = max(h.left, tick.width(tick.short(h.m.RowLabels[i], maxLabelWidth)))
	}
	h.left += 4
	if h.m.Rows.Name != "" {
		h.left += tick.leading() + 1
	}
	if h.numbers() { // these stand upright
		h.above = tick.size + 1
		return
	}
	longest := 0.0
	for j := range h.m.NCols {
		longest = max(longest, tick.width(tick.short(h.m.ColLabels[j], maxLabelWidth)))
	}
	h.above = longest*math.Sin(labelAngle) + tick.size
	h.over = longest * math.Cos(labelAngle) // the last label hangs over the panel
}

// numbers says that columns have no labels but their indices.
func (h *heat) numbers() bool { return h.m.Cols.Labels == nil }

// behind is the room right of the last panel: the label of its last column hangs over above the colour bar.
func (h *heat) behind() float64 { return max(barRoom+barGap, h.over) }

// fits is how large cells are with this many panels beside each other. They share the labels of the rows, and slanted
// labels of columns are parallel from panel to panel.
func (h *heat) fits(perLine int) float64 {
	room := h.width - 2*margin - h.behind() - h.left - float64(perLine-1)*panelGap
	return room / float64(perLine*h.m.NCols)
}

// fold decides how many panels stand beside each other, and how large cells are.
func (h *heat) fold() (lines int) {
	n := len(h.m.Panels)
	for h.perLine = n; h.perLine > 1; h.perLine-- {
		if h.fits(h.perLine) >= 8 || h.m.NCols > 24 && h.fits(h.perLine)*float64(h.m.NCols) >= 110 {
			break
		}
	}
	lines = (n + h.perLine - 1) / h.perLine
	h.perLine = (n + lines - 1) / lines // as many in each line
	h.cell = min(max(h.fits(h.perLine), 0.5), maxCellSide)
	return lines
}

func (h *heat) lay() *Figure {
	h.measure()
	lines := h.fold()
	panelW, panelH := h.cell*float64(h.m.NCols), h.cell*float64(h.m.NRows)
	used := margin + h.left + float64(h.perLine)*(panelW+panelGap) - panelGap
	if h.opt.Width == 0 { // no wider than the panels need
		h.width = min(h.width, max(h.opt.width(Column), used+h.behind()+margin))
	}
	head, room := heading(h.m.Title, h.width)
	top := margin + room
	nameRoom := 0.0
	named := len(h.m.Panels) > 1 || h.m.Panels[0].Name != ""
	if named {
		nameRoom = label.leading() + 1
	}
	if h.m.Cols.Name != "" {
		nameRoom += tick.leading()
	}
	lineH := nameRoom + h.above + panelH + panelGap
	y := top + float64(lines)*lineH - panelGap + 3
	noteY := y + 2
	if h.m.Gaps || h.m.Under {
		y += 2 + tick.leading()
	}
	foot, room := footing(h.m.Meta, h.opt, h.width, y)
	return &Figure{w: h.width, h: y + room + margin, draw: func(p *pen) {
		p.paragraph(margin, head)
		p.paragraph(margin, foot)
		for k, panel := range h.m.Panels {
			x := margin + h.left + float64(k%h.perLine)*(panelW+panelGap)
			y := top + float64(k/h.perLine)*lineH
			if named {
				bold := label
				bold.bold = true
				p.text(x, y+label.height(), 0, bold.short(panel.Name, panelW+panelGap-3), bold)
			}
			h.drawPanel(p, rect{x, y + nameRoom + h.above, panelW, panelH}, panel.Values, k%h.perLine == 0)
		}
		barY := top + nameRoom + h.above
		p.uprightBar(rect{used + barGap, barY, 6, min(max(panelH, 44), 120)}, h.m.Colors, h.m.ScaleName)
		box := rect{margin + h.left, noteY + 1, 7, 7}
		remark := func(text string) {
			p.stroke(box, 0.4, grey)
			p.text(box.x+box.w+3, noteY+tick.height()+1, 0, text, tick)
			box.x += box.w + 12 + tick.width(text)
		}
		if h.m.Gaps {
			p.fill(box, layout.Undefined)
			remark("not defined")
		}
		if h.m.Under {
			p.fill(box, h.m.Colors.At(h.m.Low))
			p.hatch(box, layout.Legible(h.m.Colors.At(h.m.Low)))
			remark(layout.BelowScale)
		}
	}}
}

// drawPanel draws cells and labels; r is where the cells are. Rows count down, as in a printed matrix; of panels beside
// each other the first names them.
func (h *heat) drawPanel(p *pen, r rect, values [][]float64, first bool) {
	p.cells(r, values, h.m.Colors)
	for i, row := range values {
		for j, x := range row {
			if h.m.IsUnder(x) {
				p.hatch(rect{r.x + float64(j)*h.cell, r.y + float64(i)*h.cell, h.cell, h.cell}, layout.Legible(h.m.Colors.At(x)))
			}
		}
	}
	p.stroke(r, 0.4, grey)
	step := func(room float64) int { return max(1, int(math.Ceil(room/h.cell-1e-9))) }
	if first {
		for i := 0; i < h.m.NRows; i += step(tick.size) {
			text := tick.short(h.m.RowLabels[i], maxLabelWidth)
			p.text(r.x-3, r.y+(float64(i)+0.5)*h.cell+tick.height()/2, 1, text, tick)
		}
		name := tick.short(h.m.Rows.Name, max(r.h, 40))
		p.slanted(r.x-h.left+tick.height(), r.y+r.h/2+tick.width(name)/2, math.Pi/2, name, tick)
	}
	room := 1.25 * tick.size // of letters that are slanted
	if h.numbers() {
		room = tick.width(strconv.Itoa(h.m.NCols)) + 3
	}
	for j := 0; j < h.m.NCols; j += step(room) {
		x := r.x + (float64(j)+0.5)*h.cell
		text := tick.short(h.m.ColLabels[j], maxLabelWidth)
		if h.numbers() {
			p.text(x, r.y-2.5, 0.5, text, tick)
		} else {
			p.slanted(x+tick.height()/3, r.y-2, labelAngle, text, tick)
		}
	}
	if name := tick.short(h.m.Cols.Name, r.w+panelGap-3); name != "" {
		x := r.x + max(r.w-tick.width(name), 0)/2
		if !h.numbers() {
			x = r.x // where no label slants into it
		}
		p.text(x, r.y-h.above-2, 0, name, tick)
	}
}
