package figure_test

import (
	"fmt"
	"math"
	"path/filepath"

	"github.com/seed-516990b0/golxmert/analysis"
	"github.com/seed-516990b0/golxmert/analysis/figure"
)

// Shapley values of one answer as a waterfall, from the value of nothing to that of everything.
func ExampleBars() {
	b := analysis.Bars{Meta: meta("Shapley values", "logit"), XName: "logit", Parts: []string{"words", "regions"}, Waterfall: true, Start: -1.25}
	none := math.NaN()
	for _, x := range []struct {
		name  string
		word  float64
		there float64
	}{{"0 circle", none, 3.1}, {"circle", 1.4, none}, {"color", 0.9, none}, {"1 square", none, -0.6}, {"3 triangle", none, 0.35}, {"what", 0.2, none}, {"5 more", -0.1, none}} {
		bar := analysis.Bar{Name: x.name, Values: []float64{x.word, x.there}}
		if x.name == "0 circle" {
			bar.Error = 0.2
		}
		b.Bars = append(b.Bars, bar)
	}
	fmt.Println(figure.Save(filepath.Join(out, "waterfall.png"), b, figure.Options{DPI: 100}))
	// Output: <nil>
}

// The shares of words and regions in several answers.
func ExampleBars_shares() {
	b := analysis.Bars{Meta: meta("MM-SHAP", "share"), XName: "share of all absolute Shapley values", Parts: []string{"T-SHAP, words", "V-SHAP, regions"}}
	b.Target, b.N = "the predicted answers", 4
	for i, question := range []string{"what color is the circle?", "is there a star?", "how many squares are there?", "what is left of the star?"} {
		v := 0.35 + 0.12*float64(i)
		b.Bars = append(b.Bars, analysis.Bar{Name: question, Values: []float64{1 - v, v}})
	}
	fmt.Println(figure.Save(filepath.Join(out, "shares.png"), b, figure.Options{DPI: 100, Width: 12}))
	// Output: <nil>
}
