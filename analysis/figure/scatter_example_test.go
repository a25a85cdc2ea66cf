package figure_test

import (
	"fmt"
	"log"
	"math"
	"path/filepath"

	"github.com/seed-516990b0/golxmert/analysis"
	"github.com/seed-516990b0/golxmert/analysis/datamap"
	"github.com/seed-516990b0/golxmert/analysis/figure"
	"github.com/seed-516990b0/golxmert/lxmert/dynamics"
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

// The map of a data set: what a run saw of 300 made-up examples in five epochs. A quarter is learned at once, a tenth never.
func ExampleScatter_map() {
	seen := &dynamics.File{About: dynamics.About{Task: "vqa", Kind: "sigmoid", Epochs: 5, Parts: []dynamics.Part{{Splits: []string{"train"}, Examples: 300}}}}
	for i := range 300 {
		seen.IDs = append(seen.IDs, fmt.Sprint(i))
	}
	for e := range seen.Epochs {
		var probabilities, scores []float32
		for i := range 300 {
			p := 0.5 + 0.5*math.Tanh((float64(e)+0.5-float64(i%20)/3)+0.7*wave(i+7*e, 4))
			switch {
			case i%10 == 0:
				p = 0.12 + 0.1*math.Abs(wave(i+e, 5))
			case i%4 == 1:
				p = 0.97 - 0.1*math.Abs(wave(i+e, 6))
			}
			probabilities, scores = append(probabilities, float32(p)), append(scores, float32(math.Round(p)))
		}
		seen.Probabilities, seen.Scores = append(seen.Probabilities, probabilities), append(seen.Scores, scores)
	}
	m, err := datamap.New(seen)
	if err != nil {
		log.Fatal(err)
	}
	fmt.Println(figure.Save(filepath.Join(out, "datamap.png"), m.Scatter(), figure.Options{DPI: 100}))
	// Output: <nil>
}
