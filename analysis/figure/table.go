package figure

import (
	"errors"
	"fmt"

	"github.com/seed-516990b0/golxmert/analysis"
	"github.com/seed-516990b0/golxmert/analysis/layout"
)

// tableRows is how many rows a typeset table has at most; the rest is counted below it.
const tableRows = 60

// Typeset draws a table as papers print them: three rules, names to the left, numbers to the right with up to three
// digits. Columns called "low" and "high" are the interval of the column before them and stand after its numbers, in
// brackets. Columns share the width by what they need: a page's if that of a column does not do and none is asked for. Only the first 60 rows are drawn; data formats have them all.
func Typeset(t analysis.Table, opt Options) (*Figure, error) {
	if err := checkTable(t); err != nil {
		return nil, err
	}
	width := opt.width(Column)
	if opt.Width == 0 && len(t.Columns) > 5 {
		width = opt.width(Page)
	}
	laid := layout.NewTable(t, tableRows)
	bold := label
	bold.bold = true
	var columns []column
	for _, c := range laid.Columns {
		need := bold.width(c.Name)
		for _, text := range c.Texts {
			need = max(need, label.width(text))
		}
		columns = append(columns, column{Column: c, need: need})
	}
	if opt.Width == 0 && !fits(columns, width-2*margin) {
		width = opt.width(Page)
	}
	share(columns, width-2*margin)

	y := margin
	head, room := heading(laid.Title, width)
	y += room
	top := y
	line := label.leading() + 1.5
	bottom := top + 4 + float64(laid.Rows+1)*line + 3
	y = bottom + 2
	var foot paragraph
	foot.ink = small
	text := ""
	if len(t.Rows) > laid.Rows {
		text = fmt.Sprintf("%d of %d rows. ", laid.Rows, len(t.Rows))
	}
	if !opt.Bare {
		text += layout.Provenance(t.Meta)
	}
	foot.lines = small.wrap(text, width-2*margin, 4)
	foot.y = y + 2 + small.height()
	y += 2 + float64(len(foot.lines))*small.leading()
	return &Figure{w: width, h: y + margin, draw: func(p *pen) {
		p.paragraph(margin, head)
		p.line(margin, top, width-margin, top, 0.8, black)
		p.line(margin, top+line+2.5, width-margin, top+line+2.5, 0.5, black)
		p.line(margin, bottom, width-margin, bottom, 0.8, black)
		for _, c := range columns {
			c.draw(p, top+line-1, c.Name, bold)
			for i, text := range c.Texts {
				c.draw(p, top+4+float64(i+2)*line-1.5, text, label)
			}
		}
		p.paragraph(margin, foot)
	}}, nil
}

// checkTable says what cannot be written.
func checkTable(t analysis.Table) error {
	if len(t.Columns) == 0 {
		return errors.New("a table without columns: there is nothing to draw")
	}
	return t.Check()
}

// column is one column of a typeset table.
type column struct {
	layout.Column
	need, width float64
	x           float64
}

const columnGap = 7.0

// fits says whether columns have the width that they need.
func fits(columns []column, width float64) bool {
	width -= columnGap * float64(len(columns)-1)
	for _, c := range columns {
		width -= c.need
	}
	return width >= 0
}

// share gives columns their places: what they need if that fits, else less to the widest ones.
func share(columns []column, width float64) {
	room := width - columnGap*float64(len(columns)-1)
	most := room
	for range 40 { // the widest that makes all fit
		sum := 0.0
		for _, c := range columns {
			sum += min(c.need, most)
		}
		if sum <= room {
			break
		}
		most *= 0.93
	}
	sum := 0.0
	for j := range columns {
		columns[j].width = min(columns[j].need, most)
		sum += columns[j].width
	}
	extra := max(0, room-sum) / float64(max(len(columns)-1, 1))
	x := margin
	for j := range columns {
		columns[j].x = x
		x += columns[j].width + columnGap + extra
	}
}

func (c column) draw(p *pen, y float64, text string, k ink) {
	text = k.short(text, c.width)
	if c.Number {
		p.text(c.x+c.width, y, 1, text, k)
		return
	}
	p.text(c.x, y, 0, text, k)
}
