package figure

import (
	"errors"
	"fmt"
	"image"
	"math"
	"slices"

	"github.com/seed-516990b0/golxmert/analysis"
	"github.com/seed-516990b0/golxmert/analysis/internal/wordpiece"
	"github.com/seed-516990b0/golxmert/analysis/layout"
)

// Explanation draws one example: question and answer, the picture with its most relevant regions, the sentence as a word
// strip, and in small print where the numbers come from. What the scores do not have is left out. The picture is that of
// Image.File (PNG or JPEG); without one it is blank. An error says that there is nothing to draw, that the parts do not
// fit each other, or which picture cannot be read.
func Explanation(s analysis.Scores, opt Options) (*Figure, error) {
	if err := checkScores(s); err != nil {
		return nil, err
	}
	e := explained{opt: opt, width: opt.width(Column)}
	top := opt.top()
	if s.Marks && top > 0 { // all that is marked is
		top = len(s.Regions)
	}
	e.s = layout.NewScores(s, layout.ScoresOptions{Scale: opt.Scale, Merge: opt.Merge, Top: top, Shared: opt.Shared})
	e.inner = e.width - 2*margin
	if s.Regions != nil {
		m, err := loadPicture(s)
		if err != nil {
			return nil, err
		}
		e.layPicture(m)
	}
	return e.lay(), nil
}

// checkScores says what cannot be drawn.
func checkScores(s analysis.Scores) error {
	if s.Words == nil && s.Regions == nil {
		return errors.New("scores of neither words nor regions: there is nothing to draw")
	}
	if s.Regions != nil && len(s.Boxes) != len(s.Regions) {
		return fmt.Errorf("%d regions have scores but %d have boxes", len(s.Regions), len(s.Boxes))
	}
	for _, x := range append(s.Words[:len(s.Words):len(s.Words)], s.Regions...) {
		if math.IsInf(x, 0) {
			return errors.New("a score is infinite: it has no place on a scale")
		}
	}
	return nil
}

// explained is an explanation while it is laid out.
type explained struct {
	s            layout.Scores
	opt          Options
	width, inner float64
	picture      image.Image
	at           rect // of the picture; y is set when the heading is known
}

func (e *explained) layPicture(m image.Image) {
	e.picture = m
	size := m.Bounds().Size()
	room := barRoom
	if e.s.Marks {
		room = 0
	}
	w := e.inner - room
	h := w * float64(size.Y) / float64(size.X)
	if most := 1.15 * w; h > most {
		w, h = w*most/h, most
	}
	if least := 36.0; h < least {
		h = least
	}
	e.at = rect{margin + (e.inner-room-w)/2, 0, w, h}
}

// paragraph is lines of text in a figure.
type paragraph struct {
	lines []string
	ink   ink
	y     float64 // of the first baseline
}

// lay puts the parts under each other.
func (e *explained) lay() *Figure {
	y := margin
	var paragraphs []paragraph
	add := func(text string, k ink, most int, after float64) {
		lines := k.wrap(text, e.inner, most)
		if len(lines) == 0 {
			return
		}
		paragraphs = append(paragraphs, paragraph{lines, k, y + k.height()})
		y += float64(len(lines)-1)*k.leading() + k.size + after
	}
	bold := plain
	bold.bold = true
	add(e.s.Text.Text, bold, 3, 2)
	if e.s.Answer != "" {
		add("answer: "+e.s.Answer, plain, 2, 2)
	}
	if y > margin {
		y += 1
	}
	add(e.s.Title, headInk, 2, 4)

	if e.picture != nil {
		e.at.y = y
		y += e.at.h + 7
	}
	var st strip
	stripY := y
	if e.s.Words != nil {
		st = layStrip(e.s, e.inner, e.opt.top())
		if e.picture == nil {
			st.spread(e.inner)
		}
		y += st.h
	}
	scaleY := y
	scale := e.s.Words != nil && !e.s.Marks
	if scale {
		y += 9
	}
	foot, room := footing(e.s.Meta, e.opt, e.width, y)
	return &Figure{w: e.width, h: y + room + margin, draw: func(p *pen) {
		for _, par := range paragraphs {
			p.paragraph(margin, par)
		}
		if e.picture != nil {
			drawPicture(p, e.at, e.s, e.picture)
			if !e.s.Marks && slices.ContainsFunc(e.s.Regions, func(x float64) bool { return x != 0 }) { // else there is nothing to read off
				h := min(e.at.h-8, 120)
				p.uprightBar(rect{e.at.x + e.at.w + 7, e.at.y + e.at.h - h - 4, 6, h}, e.s.RegionColors, e.s.ScaleName("regions"))
			}
		}
		if e.s.Words != nil {
			st.draw(p, margin, stripY)
		}
		if scale {
			e.wordScale(p, scaleY)
		}
		p.paragraph(margin, foot)
	}}
}

// wordScale draws the scale of the words, and what grey words are.
func (e *explained) wordScale(p *pen, y float64) {
	text := e.s.ScaleName("words")
	base := y + 3 + tick.height()/2
	p.text(margin, base, 0, text, tick)
	x := margin + tick.width(text) + 8 + tick.width(layout.Brief(e.s.WordColors.Low))
	p.flatBar(rect{x, y, 60, 6}, e.s.WordColors)
	if slices.ContainsFunc(e.s.Shown, func(w wordpiece.Word) bool { return w.Special }) {
		x += 60 + 3 + tick.width(layout.Brief(e.s.WordColors.High)) + 8
		p.text(x, base, 0, small.short("grey: not on the scale", margin+e.inner-x), small)
	}
}

func (p *pen) paragraph(x float64, par paragraph) {
	for i, line := range par.lines {
		p.text(x, par.y+float64(i)*par.ink.leading(), 0, line, par.ink)
	}
}
