package lx

import (
	"fmt"
	"math"

	"github.com/seed-516990b0/golxmert/analysis"
	"github.com/seed-516990b0/golxmert/analysis/display"
	"github.com/seed-516990b0/golxmert/analysis/intervene"
)

// Outcome is what a model says to a question as it was, and with each of some changes.
type Outcome = intervene.Outcome

// Change is one thing that is done to a question, or on the way to its answer: [Without] regions, [WithRegion] of another
// picture, [HeadsOff], [Patch] from another question, [Features] of a dictionary, or any change of package intervene.
type Change = intervene.Change

// WhatIf asks again with each of some changes, and shows the answers side by side with what was changed on the picture. A text
// is other words about the same picture:
//
//	lx.WhatIf(q, "what color is the circle?", "is there a star?")
//	lx.WhatIf(q, lx.Without("star"), lx.HeadsOff("x.1.ti:0"), intervene.Cut("[CLS]", "regions"))
func WhatIf[C string | Change](q *Answer, changes ...C) *Outcome {
	return whatIf(q, analysis.Target{}, changes...)
}

// WhatIfOf is [WhatIf] with something else to compare than the probability of the answer: "blue-red" is by how much blue is ahead of
// red. See [analysis.ReadTarget].
func WhatIfOf[C string | Change](q *Answer, target string, changes ...C) *Outcome {
	return whatIf(q, must(q.target(target)), changes...)
}

func whatIf[C string | Change](q *Answer, target analysis.Target, changes ...C) *Outcome {
	var all []Change
	for _, c := range changes {
		switch c := any(c).(type) {
		case string:
			all = append(all, Words(q, c))
		case Change:
			all = append(all, c)
		}
	}
	return must(intervene.WhatIf(cell().ctx, q.Model, q.answer(), target, all...))
}

// Cut asks again with edges of attention cut, from who looks to what is looked at: lx.Cut(q, "[CLS]", "regions"), or in some
// layers only lx.Cut(q, "star", "regions", "x.1.ti"). See intervene.Change for how words and regions are named.
func Cut(q *Answer, from, to string, maps ...string) *Outcome {
	return WhatIf(q, intervene.Cut(from, to, maps...))
}

// With is the question with its input changed, as [Words], [Without] or [WithRegion] do it: an answer like any other, to be
// explained, or to be patched into the one without the change.
func With(q *Answer, change Change) *Answer {
	if change.Edits() {
		fail(fmt.Errorf("%s changes what the model computes and not what it gets, so With cannot make a question of it: lx.WhatIf asks with it", change))
	}
	after := WhatIf(q, change).After[0].Answer
	out := &Answer{Model: q.Model, Question: after.Question, Batch: after.Batch, Ranked: after.Ranked, Matched: math.NaN()}
	if len(after.Matched) > 0 {
		out.Matched = after.Matched[0]
	}
	return out
}

// Words are other words about the pictures of a question.
func Words(q *Answer, text string) Change {
	return intervene.Instead(must(q.Model.Batch(cell().ctx, []Question{{Text: text, Images: q.Question.Images}})))
}

// Without takes regions away: "star" every region that the detector calls so, "star 17" or "region 17" one of them, nothing at
// all every region.
func Without(regions ...string) Change { return intervene.Without(regions...) }

// WithRegion puts a region of another question's picture in the place of one.
func WithRegion(region string, from *Answer, other string) Change {
	return intervene.WithRegion(region, from.Batch, other)
}

// HeadsOff switches attention heads off: "x.1.ti:0,2" two heads of a map, "x.*.ti" all heads of several.
func HeadsOff(maps ...string) Change { return intervene.HeadsOff(maps...) }

// Patch gives an activation the values that it has for another question of as many word pieces, or about the same picture with a
// region replaced: lx.Patch(other, "hid.t.3", "circle") a level at a word, lx.Patch(other, "x.1.ti.ctx", "head 0") a head.
func Patch(from *Answer, name string, at ...string) Change {
	return intervene.Patch(from.Batch, name, at...)
}

// showOutcome shows the cases side by side, with what was changed on the picture, and the table below.
func showOutcome(o *Outcome) (shown, error) {
	table, err := both(o.Table(), o.String())
	if err != nil {
		return table, err
	}
	if all := o.Collection(); len(all.Results)-1 <= display.MostBeside { // all but the table
		figure, err := drawn(all)
		if err != nil {
			return table, err
		}
		table.png = figure.png
	}
	panels := ""
	for _, c := range append([]intervene.Case{o.Before}, o.After...) {
		pictures := ""
		for _, x := range o.Marks(&c) {
			d, err := ordered(cell().ctx, display.Order{Result: x.Scores, Format: "png", DPI: screenDPI, Bare: true})
			if err != nil {
				return table, err
			}
			pictures += picture(d.Figure, x.Scores.Image.ID+", "+x.Scores.Method)
		}
		panels += fmt.Sprintf(`<div style="max-width:330px">%s%s</div>`, pictures, bars(c.Answer.Ranked, c.Answer.Matched...))
	}
	table.html = fmt.Sprintf(`<div style="font-family:sans-serif;display:flex;gap:24px;flex-wrap:wrap">%s</div>%s`, panels, table.html)
	return table, nil
}
