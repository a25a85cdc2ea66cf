package figure_test

import (
	"fmt"
	"path/filepath"

	"github.com/seed-516990b0/golxmert/analysis"
	"github.com/seed-516990b0/golxmert/analysis/figure"
)

// The logit of the answer before and after EMAP: where the sum of words and picture is all there is, points lie on the line.
func ExampleScatter() {
	s := analysis.Scatter{Meta: meta("EMAP", "logit"), XName: "logit of the answer", YName: "logit after EMAP", Diagonal: true}
	s.Target, s.N = "", 40
	stays, changes := analysis.Points{Name: "the answer stays"}, analysis.Points{Name: "the answer changes"}
	for i := range 40 {
		x := 1 + 6*float64(i)/39 + wave(i, 1)
		if i%3 == 0 {
			changes.X, changes.Y = append(changes.X, x), append(changes.Y, 0.4*x+wave(i, 2)-1)
		} else {
			stays.X, stays.Y = append(stays.X, x), append(stays.Y, 0.9*x+0.5*wave(i, 3))
		}
	}
	s.Groups = []analysis.Points{stays, changes}
	fmt.Println(figure.Save(filepath.Join(out, "scatter.png"), s, figure.Options{DPI: 100}))
	// Output: <nil>
}
