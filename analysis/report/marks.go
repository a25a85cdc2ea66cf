package report

import (
	"cmp"
	"fmt"
	"html/template"
	"math"
	"slices"
	"strings"

	"github.com/seed-516990b0/golxmert/analysis/layout"
	"github.com/seed-516990b0/golxmert/lxmert"
)

// drawWords marks the words with the numbers of the first method.
func (x *example) drawWords(p payload, laid layout.Scores) {
	limit := laid.WordColors.High
	values := p.Methods[0].Words
	for i, d := range p.Words {
		w := word{Index: i, Label: d.Label, Note: d.Label, Paint: "transparent", Bar: "width:0"}
		if d.Special {
			w.Class = " lxr-special"
		}
		if i < len(values) && values[i] != nil {
			w.Number = laid.WordText(*values[i])
			w.Note = noted(d.Label, w.Number)
			share, color := strength(*values[i], limit)
			if d.Special {
				color = "#808080"
			} else {
				w.Paint = template.CSS(fmt.Sprintf("%s%02x", color, int(0.6*share*255)))
			}
			w.Bar = template.CSS(fmt.Sprintf("width:%.0f%%;background:%s", 100*share, color))
		} else if values != nil {
			w.Number, w.Note, w.Paint = "–", w.Note+", not defined", stripes
		}
		x.Words = append(x.Words, w)
	}
}

// noted is a label with its number, if it has one.
func noted(label, number string) string {
	if number == "" {
		return label
	}
	return label + ", " + number
}

// strength is how much of the limit a value is, 0 to 1, and the colour of its sign.
func strength(v, limit float64) (float64, string) {
	color := positive
	if v < 0 {
		color = negative
	}
	if limit == 0 {
		return 0, color
	}
	return min(math.Abs(v)/limit, 1), color
}

// drawRegions draws the boxes with the numbers of the first method; the strongest carry a label, the others are not seen
// until somebody points at them: three dozen lines would hide the picture.
func (x *example) drawRegions(p payload, laid layout.Scores) {
	values := p.Methods[0].Regions
	limit, top := laid.RegionColors.High, laid.Top
	plates := newPlates(p.Width, p.Height)
	for j, d := range p.Regions {
		r := region{Index: j, X: d.Box[0], Y: d.Box[1], W: max(d.Box[2]-d.Box[0], 1), H: max(d.Box[3]-d.Box[1], 1),
			Stroke: "#888", Alpha: "0", Width: "1", Dashes: "none", Note: d.Label}
		if values == nil { // nothing else would say where they are
			r.Alpha = "0.55"
		} else if values[j] == nil {
			r.Note, r.Dashes, r.Alpha = r.Note+", not defined", "2 3", "0.55"
		} else {
			r.Note = noted(d.Label, laid.RegionText(*values[j]))
			if slices.Contains(top, j) {
				share, color := strength(*values[j], limit)
				r.Stroke, r.Class = color, " lxr-top"
				r.Alpha, r.Width = fmt.Sprintf("%.2f", 0.35+0.65*share), fmt.Sprintf("%.1f", 1.3+3.9*share)
				r.Label = laid.Label(j, d.Label)
			}
		}
		x.Regions = append(x.Regions, r)
	}
	for _, j := range top {
		r := &x.Regions[j]
		r.PlateX, r.PlateY, r.PlateW = plates.place(r.X, r.Y, r.W, r.H, r.Label)
	}
	slices.SortStableFunc(x.Regions, func(a, b region) int { return cmp.Compare(b.W*b.H, a.W*a.H) })
}

// describe says what the picture shows to those who do not see it.
func (x *example) describe(p payload, info lxmert.ImageInfo) string {
	var named []string
	for _, r := range x.Regions {
		if r.Label != "" {
			named = append(named, r.Label)
		}
	}
	text := "Picture"
	if info.ID != "" {
		text += " " + info.ID
	}
	text += fmt.Sprintf(" with %d regions", len(p.Regions))
	if len(named) > 0 {
		slices.SortFunc(named, func(a, b string) int { return strings.Compare(b, a) })
		text += "; by " + cmp.Or(p.Methods[0].Name, "score") + ": " + strings.Join(named, ", ")
	}
	return text
}
