package figure_test

import (
	"fmt"
	"math"
	"path/filepath"

	"github.com/seed-516990b0/golxmert/analysis"
	"github.com/seed-516990b0/golxmert/analysis/figure"
)

// A statistic from layer to layer, with 95 % bands; the cross layers begin at the dotted line.
func ExampleCurves() {
	c := analysis.Curve{
		Meta: meta("entropy of attention", "nats"), XName: "level", YName: "entropy (nats)",
		Rules: map[string]float64{"cross layers": 9},
	}
	c.Target, c.N, c.Level = "", 500, 0.95
	words, regions := analysis.CurveSeries{Name: "words"}, analysis.CurveSeries{Name: "regions"}
	for k := range 15 {
		c.X = append(c.X, float64(k))
		add(&words, 2.4-0.08*float64(k)+0.2*wave(k, 1), 0.07)
		if k < 4 { // the tower of regions is shorter: it begins later
			add(&regions, math.NaN(), 0)
		} else {
			add(&regions, 3.1-0.1*float64(k-4)+0.2*wave(k, 2), 0.1)
		}
	}
	c.Series = []analysis.CurveSeries{words, regions}
	fmt.Println(figure.Save(filepath.Join(out, "layers.png"), c, figure.Options{DPI: 100}))
	// Output: <nil>
}

// A perturbation test of two methods. The most relevant regions are removed last (negative, solid) or first (positive,
// dashed).
func ExampleCurves_perturbation() {
	c := analysis.Curve{Meta: meta("perturbation of regions", ""), XName: "share of regions removed", YName: "accuracy"}
	c.Target, c.N, c.Level, c.Seed = "", 500, 0.95, 9595
	relevance := analysis.CurveSeries{Name: "relevance, negative", Area: 0.63}
	relevance1 := analysis.CurveSeries{Name: "relevance, positive", Area: 0.35, Style: "dashed"}
	raw := analysis.CurveSeries{Name: "attention, negative", Area: 0.58}
	raw1 := analysis.CurveSeries{Name: "attention, positive", Area: 0.41, Style: "dashed"}
	random := analysis.CurveSeries{Name: "random", Area: 0.5, Style: "random"}
	for _, x := range []float64{0, 0.25, 0.5, 0.75, 0.8, 0.85, 0.9, 0.95, 1} {
		c.X = append(c.X, x)
		add(&relevance, 0.7-0.3*math.Pow(x, 8), 0.02)
		add(&relevance1, 0.4+0.3*math.Pow(1-x, 5), 0.02)
		add(&raw, 0.7-0.3*math.Pow(x, 4), 0.02)
		add(&raw1, 0.4+0.3*math.Pow(1-x, 2.5), 0.02)
		add(&random, 0.7-0.3*math.Pow(x, 1.6), 0.02)
	}
	c.Series = []analysis.CurveSeries{relevance, relevance1, raw, raw1, random}
	c.Levels = map[string]float64{"nothing removed": 0.7}
	fmt.Println(figure.Save(filepath.Join(out, "perturbation.png"), c, figure.Options{DPI: 100}))
	// Output: <nil>
}

// The same test of ten methods: each has a graph of its own, and all have the same axes.
func ExampleCurves_methods() {
	c := analysis.Curve{Meta: meta("perturbation of regions", ""), XName: "share of regions removed", YName: "probability of the answer"}
	c.Target, c.N, c.Level, c.Seed = "", 240, 0.95, 1
	for k := range 9 {
		c.X = append(c.X, float64(k)/8)
	}
	for n, name := range []string{"relevance", "relevance-nonorm", "relevance-noself", "attention", "gradcam", "rollout", "joint-rollout", "flow", "gradxinput", "ig"} {
		negative := analysis.CurveSeries{Name: name + ", negative", Area: 0.83 - 0.02*float64(n)}
		positive := analysis.CurveSeries{Name: name + ", positive", Area: 0.46 + 0.02*float64(n), Style: "dashed"}
		for _, x := range c.X {
			add(&negative, 0.95-0.6*math.Pow(x, 8-0.7*float64(n)), 0.03)
			add(&positive, 0.35+0.6*math.Pow(1-x, 8-0.7*float64(n)), 0.03)
		}
		c.Series = append(c.Series, negative, positive)
	}
	random := analysis.CurveSeries{Name: "random", Area: 0.67, Style: "random"}
	for _, x := range c.X {
		add(&random, 0.95-0.6*x, 0.02)
	}
	c.Series = append(c.Series, random)
	c.Levels = map[string]float64{"nothing removed": 0.95}
	fmt.Println(figure.Save(filepath.Join(out, "methods.png"), c, figure.Options{DPI: 100}))
	// Output: <nil>
}

func add(s *analysis.CurveSeries, y, half float64) {
	s.Y, s.Low, s.High = append(s.Y, y), append(s.Low, y-half), append(s.High, y+half)
}

// What a probe reads at each level: the probe with its band, the control task dashed, their difference filled, a model with
// random weights in grey, and the most frequent label as a level.
func ExampleCurves_probe() {
	c := analysis.Curve{
		Meta: meta("probe: the attribute of the only region whose object a word names", "share"), XName: "level of words", YName: "accuracy",
		Rules: map[string]float64{"cross layers": 9.5}, Levels: map[string]float64{"most frequent label": 0.21},
	}
	c.Target, c.N, c.Level = "", 2000, 0.95
	probe, control := analysis.CurveSeries{Name: "named-attribute, probe"}, analysis.CurveSeries{Name: "named-attribute, control task", Style: "dashed"}
	selectivity := analysis.CurveSeries{Name: "named-attribute, selectivity", Style: "area"}
	random := analysis.CurveSeries{Name: "random weights", Style: "random"}
	for k := range 15 {
		c.X = append(c.X, float64(k))
		known := 0.22 + 0.6/(1+math.Exp(float64(11-k))) + 0.01*wave(k, 1)
		remembered := 0.2 + 0.05/(1+math.Exp(float64(11-k))) + 0.01*wave(k, 2)
		add(&probe, known, 0.03)
		control.Y, selectivity.Y = append(control.Y, remembered), append(selectivity.Y, known-remembered)
		random.Y = append(random.Y, 0.22+0.01*wave(k, 3))
	}
	c.Series = []analysis.CurveSeries{probe, control, selectivity, random}
	fmt.Println(figure.Save(filepath.Join(out, "probe.png"), c, figure.Options{DPI: 100}))
	// Output: <nil>
}

// What the head says of each level: read as it stands, dashed, and through a lens that was fitted to a sample.
func ExampleCurves_lens() {
	c := analysis.Curve{
		Meta: meta("lens, tuned on 200 questions of minival", "probability"), XName: "level", YName: "probability",
		Rules: map[string]float64{"cross layers": 9.5},
	}
	plain, tuned := analysis.CurveSeries{Name: "logit lens", Style: "dashed"}, analysis.CurveSeries{Name: "tuned lens"}
	for k := range 15 {
		c.X = append(c.X, float64(k))
		plain.Y = append(plain.Y, 0.02+0.9/(1+math.Exp(1.5*float64(13-k)))+0.02*wave(k, 1))
		tuned.Y = append(tuned.Y, 0.12+0.8/(1+math.Exp(0.7*float64(10-k)))+0.02*wave(k, 2))
	}
	c.Series = []analysis.CurveSeries{plain, tuned}
	fmt.Println(figure.Save(filepath.Join(out, "lens.png"), c, figure.Options{DPI: 100}))
	// Output: <nil>
}
