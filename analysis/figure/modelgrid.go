package figure

import (
	"errors"
	"math"
	"strconv"
	"sync"

	"github.com/seed-516990b0/golxmert/analysis"
	"github.com/seed-516990b0/golxmert/analysis/layout"
	"github.com/seed-516990b0/golxmert/lxmert"
)

// ModelGrid draws all maps of a model as thumbnails: a row for each layer, a column for each head, in the groups language,
// regions, and the four of the cross layers. Queries are rows, keys columns; padding is left out. All of them share one
// scale, which is logarithmic from a thousandth to 1: an even share of 36 regions lies in the middle of it, so that more
// and less than even are both seen.
func ModelGrid(m analysis.Maps, opt Options) (*Figure, error) {
	laid, err := layout.NewMaps(m)
	if err != nil {
		return nil, err
	}
	if len(laid.Groups) == 0 {
		return nil, errors.New("there are no attention maps to draw")
	}
	g := grid{m: laid, opt: opt, width: opt.width(Page)}
	return g.lay(), nil
}

// grid is a model grid while it is laid out.
type grid struct {
	m     layout.Maps
	opt   Options
	width float64
	side  float64 // of a thumbnail
}

const (
	gridGap   = 9.0 // between groups
	gridBelow = 6.0
	thumbGap  = 1.2
	columns   = 2    // groups beside each other
	keyRoom   = 62.0 // of scale and remarks
)

// gridLeft is the room for the maps' names.
var gridLeft = sync.OnceValue(func() float64 { return max(tick.width("l.00.tt"), tick.width("head")) + 4 })

// lay puts the groups beside each other in pairs, each pair as high as its longer group. The scale stands under the first
// group that leaves room for it, else at the end.
func (g *grid) lay() *Figure {
	groupW := (g.width - 2*margin - gridGap) / columns
	g.side = min((groupW-gridLeft())/float64(g.m.Heads)-thumbGap, 30)
	head, room := heading(or(g.m.Title, "attention"), g.width)
	bold := plain
	bold.bold = true
	headY := margin
	if g.m.Text.Text != "" {
		headY += bold.leading() + 1
		head.y += bold.leading() + 1
	}
	y := headY + room + 2
	places := make([][2]float64, len(g.m.Groups))
	var key *rect
	free := func(x, y, h float64) {
		if key == nil && h >= keyRoom {
			key = &rect{x + gridLeft(), y + 4, groupW - gridLeft(), keyRoom}
		}
	}
	var pair []int
	flush := func() {
		rows := 0
		for _, i := range pair {
			rows = max(rows, len(g.m.Groups[i].Names))
		}
		for n, i := range pair {
			places[i] = [2]float64{margin + float64(n)*(groupW+gridGap), y}
			own := g.groupHeight(len(g.m.Groups[i].Names))
			free(places[i][0], y+own, g.groupHeight(rows)-own)
		}
		if len(pair) == 1 {
			free(margin+groupW+gridGap, y, g.groupHeight(rows))
		}
		y += g.groupHeight(rows)
		pair = nil
	}
	for i := range g.m.Groups {
		if pair = append(pair, i); len(pair) == columns {
			flush()
		}
	}
	if pair != nil {
		flush()
	}
	if key == nil {
		key = &rect{margin + gridLeft(), y, groupW - gridLeft(), keyRoom}
		y += keyRoom
	}
	foot, room := footing(g.m.Meta, g.opt, g.width, y-gridBelow+2)
	y += room - gridBelow + 2
	c := layout.Scaled(g.opt.Scale.Or(Viridis), 0, 1)
	return &Figure{w: g.width, h: y + margin, draw: func(p *pen) {
		p.text(margin, margin+bold.height(), 0, bold.short(g.m.Text.Text, g.width-2*margin), bold)
		p.paragraph(margin, head)
		for i, group := range g.m.Groups {
			g.group(p, places[i][0], places[i][1], group, c)
		}
		g.key(p, *key, c)
		p.paragraph(margin, foot)
	}}
}

// group draws one group with its title, the numbers of the heads and the names of the maps.
func (g *grid) group(p *pen, x, y float64, group layout.MapGroup, c layout.Colors) {
	step := g.side + thumbGap
	bold := label
	bold.bold = true
	p.text(x+gridLeft(), y+label.height(), 0, group.Title, bold)
	y += label.leading() + tick.height() + 1
	p.text(x+gridLeft()-4, y, 1, "head", small)
	every := max(1, int(math.Ceil((tick.width("00")+2)/step)))
	for h := 0; h < g.m.Heads; h += every {
		p.text(x+gridLeft()+float64(h)*step+g.side/2, y, 0.5, strconv.Itoa(h), small)
	}
	y += 3
	for k, name := range group.Names {
		p.text(x+gridLeft()-4, y+float64(k)*step+g.side/2+tick.height()/2, 1, name, tick)
		g.thumbnails(p, x+gridLeft(), y+float64(k)*step, group.Maps[k], c)
	}
}

func (g *grid) groupHeight(rows int) float64 {
	return label.leading() + tick.height() + 4 + float64(rows)*(g.side+thumbGap) + gridBelow
}

// thumbnails draws one map, head beside head.
func (g *grid) thumbnails(p *pen, x, y float64, t lxmert.Tensor, c layout.Colors) {
	q, k := t.Shape[1], t.Shape[2]
	for h := range t.Shape[0] {
		head := t.Row(h)
		values := make([][]float64, q)
		for i := range values {
			values[i] = make([]float64, k)
			for j := range values[i] {
				values[i][j] = layout.LogShare(float64(head.Data[i*k+j]))
			}
		}
		p.cellPicture(rect{x + float64(h)*(g.side+thumbGap), y, g.side, g.side}, values, c)
	}
}

// key draws the scale, with numbers where their logarithms are, and says how to read a thumbnail.
func (g *grid) key(p *pen, r rect, c layout.Colors) {
	y := r.y + tick.height()
	p.text(r.x, y, 0, "share of attention, logarithmic", tick)
	bar := rect{r.x, y + 4, min(150, r.w), 6}
	for i := range barSteps {
		x := bar.x + bar.w*float64(i)/barSteps
		p.fill(rect{x, bar.y, min(bar.w/barSteps+0.4, bar.x+bar.w-x), bar.h}, c.At((float64(i)+0.5)/barSteps))
	}
	p.stroke(bar, 0.4, grey)
	base := bar.y + bar.h + 3.5 + tick.height()
	for _, share := range []float64{0.001, 0.01, 0.1, 1} {
		x := bar.x + bar.w*layout.LogShare(share)
		text, align := layout.TickText(share), 0.5
		switch share {
		case 0.001:
			text, align = "≤ 0.001", 0
		case 1:
			align = 1
		}
		p.line(x, bar.y+bar.h, x, bar.y+bar.h+2, 0.4, grey)
		p.text(x, base, align, text, tick)
	}
	for i, line := range small.wrap("Rows are queries, columns are keys; rows sum to 1.", r.w, 2) {
		p.text(r.x, base+float64(i+1)*small.leading()+1, 0, line, small)
	}
}
