package layout_test

import (
	"fmt"

	"github.com/seed-516990b0/golxmert/analysis"
	"github.com/seed-516990b0/golxmert/analysis/layout"
)

// What a drawing of curves needs to know: axes, ticks, and a legend in which series of one method share a colour.
func ExampleNewCurve() {
	c := layout.NewCurve(analysis.Curve{
		Meta: analysis.Meta{Method: "perturbation of regions", Unit: "accuracy"},
		X:    []float64{0, 0.5, 1},
		Series: []analysis.CurveSeries{
			{Name: "relevance, negative", Y: []float64{0.8, 0.75, 0.3}, Area: 0.65},
			{Name: "relevance, positive", Y: []float64{0.8, 0.35, 0.3}, Area: 0.45, Style: "dashed"},
			{Name: "random", Y: []float64{0.8, 0.6, 0.3}, Style: "random"},
		},
		Levels: map[string]float64{"chance": 0.25},
	})
	fmt.Println(c.Title)
	_, ys := c.Ticks(3, 5)
	for _, y := range ys {
		fmt.Print(layout.TickText(y), " ")
	}
	fmt.Println("broken:", c.Broken)
	for _, k := range c.Keys {
		fmt.Println(len(k.Looks), k.Text)
	}
	fmt.Println(c.Looks[0].Color == c.Looks[1].Color, c.Looks[0].Dashed, c.Looks[1].Dashed)
	// Output:
	// perturbation of regions (accuracy)
	// 0 0.2 0.4 0.6 0.8 broken: false
	// 1 negative
	// 1 positive
	// 2 relevance (AUC 0.65 / 0.45)
	// 1 random
	// 0 chance
	// true false true
}
