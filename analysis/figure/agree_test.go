package figure_test

import (
	"bytes"
	"errors"
	"fmt"
	"html"
	"io"
	"strings"
	"testing"

	"github.com/seed-516990b0/golxmert/analysis"
	"github.com/seed-516990b0/golxmert/analysis/figure"
	"github.com/seed-516990b0/golxmert/analysis/layout"
	"github.com/seed-516990b0/golxmert/analysis/report"
)

// TestPaperAndPageSayTheSame: what the layout of a result says is in its figure and on its page, as text and as colour.
func TestPaperAndPageSayTheSame(t *testing.T) {
	t.Parallel()
	c := curve()
	c.Levels = map[string]float64{"chance": 0.25}
	c.Series = append(c.Series, analysis.CurveSeries{Name: "random", Style: "random", Y: make([]float64, len(c.X)), Area: 0.125})
	curves := layout.NewCurve(c)
	texts := map[string][]string{"curve": {curves.Title, c.XName, c.YName}}
	for _, k := range curves.Keys {
		texts["curve"] = append(texts["curve"], k.Text)
	}
	colours := map[string][]string{}
	for _, l := range curves.Looks {
		colours["curve"] = append(colours["curve"], hex(l.Color.R, l.Color.G, l.Color.B))
	}

	m := matrix([][]float64{{1, 2.5}, {-3, 4}})
	m.Cols.Labels = []string{"cat", "cat"} // which have their index before them
	heat := layout.NewMatrix(m, layout.ByKind)
	texts["matrix"] = append([]string{heat.Title, heat.ScaleName}, append(heat.RowLabels, heat.ColLabels...)...)
	for _, row := range m.Panels[0].Values {
		for _, x := range row {
			at := heat.Colors.At(x)
			colours["matrix"] = append(colours["matrix"], hex(at.R, at.G, at.B))
		}
	}

	tab := analysis.Table{Meta: analysis.Meta{Method: "hits", Level: 0.95}, Columns: []string{"method", "rate", "low", "high", "n", "good"},
		Rows: [][]any{{"a", 0.51234, 0.25, 0.75, 500, true}, {"b", -1e-7, 0.0, 1.0, 12345678, nil}}}
	table := layout.NewTable(tab, len(tab.Rows))
	texts["table"] = []string{table.Title}
	for _, column := range table.Columns {
		texts["table"] = append(append(texts["table"], column.Name), column.Texts...)
	}

	points := analysis.Scatter{Meta: analysis.Meta{Method: "states"}, XName: "first", YName: "second", Diagonal: true,
		Groups: []analysis.Points{{Name: "words", X: []float64{1}, Y: []float64{2}}, {Name: "regions", X: []float64{3}, Y: []float64{1}}}}
	scattered := layout.NewScatter(points)
	texts["scatter"] = []string{scattered.Axes.Title, points.XName, points.YName}
	for _, k := range scattered.Axes.Keys {
		texts["scatter"] = append(texts["scatter"], k.Text)
	}
	for _, l := range scattered.Looks {
		colours["scatter"] = append(colours["scatter"], hex(l.Color.R, l.Color.G, l.Color.B))
	}

	bars := analysis.Bars{Meta: analysis.Meta{Method: "shares"}, XName: "share", Parts: []string{"of words", "of regions"},
		Bars: []analysis.Bar{{Name: "a", Values: []float64{0.25, 0.75}}, {Name: "b", Values: []float64{-0.5, 1}, Error: 0.1}}}
	lengths := layout.NewBars(bars, 2)
	texts["bars"] = []string{lengths.Title, bars.XName, bars.Parts[0], bars.Parts[1]}
	for _, bar := range lengths.Shown {
		texts["bars"] = append(texts["bars"], bar.Name, bar.Text)
		for _, p := range bar.Pieces {
			colours["bars"] = append(colours["bars"], hex(p.Color.R, p.Color.G, p.Color.B))
		}
	}

	s := scores()
	laid := layout.NewScores(s, layout.ScoresOptions{Top: 5})
	for _, j := range laid.Top {
		texts["scores"] = append(texts["scores"], laid.RegionText(s.Regions[j])+" "+laid.Names[j])
	}
	for _, w := range laid.Shown {
		texts["scores"] = append(texts["scores"], w.Label)
	}
	if len(laid.Top) < 2 || len(curves.Keys) < 3 || len(table.Columns) != 4 {
		t.Fatalf("%d regions, %d keys, %d columns: there is little to compare", len(laid.Top), len(curves.Keys), len(table.Columns))
	}

	for name, r := range map[string]analysis.Result{"curve": c, "matrix": m, "table": tab, "scores": s, "scatter": points, "bars": bars} {
		var page bytes.Buffer
		if err := report.Write(&page, r, report.Options{Fragment: true}); err != nil {
			t.Fatal(err)
		}
		opt := figure.Options{Width: figure.Page}
		if name == "scores" {
			opt.Width = 0
		}
		var paper bytes.Buffer
		if err := figure.Write(&paper, "svg", r, opt); err != nil {
			t.Fatal(err)
		}
		for output, text := range map[string]string{"paper": html.UnescapeString(paper.String()), "page": html.UnescapeString(page.String())} {
			for _, want := range texts[name] {
				if !strings.Contains(text, want) {
					t.Errorf("%s: %q is not on the %s", name, want, output)
				}
			}
			for _, want := range colours[name] {
				if !strings.Contains(strings.ToLower(text), want) {
					t.Errorf("%s: the colour %s is not on the %s", name, want, output)
				}
			}
		}
	}
}

// TestEveryKindHasAFigureAndAPage, except that a figure is of one result.
func TestEveryKindHasAFigureAndAPage(t *testing.T) {
	t.Parallel()
	x := explained()
	results := map[string]analysis.Result{"explanation": x, "scores": x.Scores, "curve": curve(), "matrix": matrix([][]float64{{1}}),
		"maps": analysis.Maps{Maps: x.Maps, Text: x.Scores.Text}, "table": analysis.Table{Columns: []string{"a"}},
		"scatter": analysis.Scatter{Groups: []analysis.Points{{X: []float64{1}, Y: []float64{1}}}}, "bars": analysis.Bars{Bars: []analysis.Bar{{Name: "a", Values: []float64{1}}}}, "collection": analysis.Collection{Results: []analysis.Result{curve()}}}
	for _, k := range analysis.Kinds() {
		r, ok := results[k.Name]
		if !ok {
			t.Errorf("nothing is drawn of a %s: give this test one", k.Name)
			continue
		}
		if err := report.Write(io.Discard, r, report.Options{}); err != nil {
			t.Errorf("page of a %s: %v", k.Name, err)
		}
		if _, err := figure.Draw(r, figure.Options{}); err != nil && !(k.Name == "collection" && errors.Is(err, figure.ErrKind)) {
			t.Errorf("figure of a %s: %v", k.Name, err)
		}
	}
}

// hex is a colour as both outputs write it.
func hex(r, g, b uint8) string { return fmt.Sprintf("#%02x%02x%02x", r, g, b) }
