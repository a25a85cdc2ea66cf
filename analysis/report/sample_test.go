package report_test

import (
	"fmt"
	"image"
	"image/color"
	"image/png"
	"maps"
	"math"
	"math/rand/v2"
	"os"
	"path/filepath"
	"slices"
	"strings"

	"github.com/seed-516990b0/golxmert/analysis"
	"github.com/seed-516990b0/golxmert/lxmert"
	"github.com/seed-516990b0/golxmert/lxmert/toy"
)

const (
	nWords   = 14
	nRegions = 36
	nHeads   = 12
)

// sample is an explanation of a made-up answer about a picture in dir. Every number is known: each word w attends in
// x.k.ti, head h, to region (w+h+k) % 36 with 0.5 and evenly to the others; so does each region j in x.k.it to position
// (j+h+k) % 14.
func sample(dir string) analysis.Explanation {
	scene := &toy.Scene{ID: "scene", Width: toy.Side, Height: toy.Side}
	info := lxmert.ImageInfo{ID: "scene", Width: toy.Side, Height: toy.Side, File: filepath.Join(dir, "scene.png"), Source: "toy"}
	var boxes [][4]float64
	for j, o := range []toy.Object{
		{Shape: "circle", Color: "red", Size: "large", Box: [4]float32{12, 20, 52, 60}},
		{Shape: "square", Color: "blue", Size: "large", Box: [4]float32{92, 34, 134, 76}},
		{Shape: "triangle", Color: "green", Size: "small", Box: [4]float32{60, 100, 82, 122}},
		{Shape: "star", Color: "yellow", Size: "small", Box: [4]float32{24, 108, 46, 130}},
	} {
		o.ROI = j
		scene.Objects = append(scene.Objects, o)
		info.Objects = append(info.Objects, o.Shape)
		boxes = append(boxes, [4]float64{float64(o.Box[0]) / toy.Side, float64(o.Box[1]) / toy.Side, float64(o.Box[2]) / toy.Side, float64(o.Box[3]) / toy.Side})
	}
	rng := rand.New(rand.NewPCG(1, 2))
	for len(boxes) < nRegions {
		w, h := 0.1+0.35*rng.Float64(), 0.1+0.35*rng.Float64()
		x, y := rng.Float64()*(1-w), rng.Float64()*(1-h)
		boxes = append(boxes, [4]float64{x, y, x + w, y + h})
		info.Objects = append(info.Objects, "background")
	}
	if err := writePNG(info.File, toy.Render(scene)); err != nil {
		panic(err)
	}
	text := wordsOf("What colour is the unbelievable circle left of the square?",
		"[CLS]", "what", "colour", "is", "the", "un", "##believable", "circle", "left", "of", "the", "square", "?", "[SEP]")
	words := []float64{0.02, 0.05, 0.31, 0.01, 0.02, 0.03, 0.05, 0.24, 0.11, 0.02, 0.01, 0.14, 0.03, 0.4}
	regions := make([]float64, nRegions)
	for j := range regions {
		regions[j] = 0.04 * rng.Float64()
	}
	regions[0], regions[1], regions[2], regions[3] = 0.62, 0.28, 0.09, 0.06
	meta := analysis.Meta{Method: "bi-modal relevance", Target: "answer red", N: 1, Features: "toy/val_obj36.tsv", Seed: 7,
		Model: lxmert.Provenance{Weights: "BEST.pth", Hash: "sha256:0123456789abcdef0123456789abcdef", Backend: "xla:cpu", DType: "float32", Version: "0.5"}}
	base := analysis.Scores{Meta: meta, Words: words, Regions: regions, Text: text, Image: info, Boxes: boxes, Answer: "red"}
	signed := base
	signed.Method, signed.Unit = "integrated gradients", "logit"
	signed.Words, signed.Regions = make([]float64, nWords), make([]float64, nRegions)
	for t := range signed.Words {
		signed.Words[t] = words[t] - 0.1
	}
	for j := range signed.Regions {
		signed.Regions[j] = regions[j] - 0.02
	}
	signed.Regions[5] = math.NaN()
	rollout := base
	rollout.Method, rollout.Words = "joint rollout", nil
	return analysis.Explanation{Scores: base, Methods: []analysis.Scores{signed, rollout}, Maps: sampleMaps(),
		Answers: []analysis.Candidate{{Text: "red", Probability: 0.93}, {Text: "blue", Probability: 0.04}}}
}

func sampleMaps() map[string]lxmert.Tensor {
	maps := map[string]lxmert.Tensor{}
	add := func(name string, layer, rows, cols int) {
		m := lxmert.NewTensor(nHeads, rows, cols)
		for h := range nHeads {
			for r := range rows {
				for c := range cols {
					x := 0.5 / float32(cols-1)
					if c == (r+h+layer)%cols {
						x = 0.5
					}
					m.Data[(h*rows+r)*cols+c] = x
				}
			}
		}
		maps[name] = m
	}
	for k := range 9 {
		add(fmt.Sprintf("l.%d.tt", k), k, nWords, nWords)
	}
	for k := range 5 {
		add(fmt.Sprintf("r.%d.ii", k), k, nRegions, nRegions)
		add(fmt.Sprintf("x.%d.ti", k), k, nWords, nRegions)
		add(fmt.Sprintf("x.%d.it", k), k, nRegions, nWords)
		add(fmt.Sprintf("x.%d.tt", k), k, nWords, nWords)
		add(fmt.Sprintf("x.%d.ii", k), k, nRegions, nRegions)
	}
	return maps
}

// wordsOf places pieces in a sentence whose words they spell in order.
func wordsOf(text string, pieces ...string) lxmert.Words {
	w := lxmert.Words{Text: text, Pieces: pieces}
	at, number := 0, -1
	for _, p := range pieces {
		letters := strings.TrimPrefix(p, "##")
		found := strings.Index(strings.ToLower(text[at:]), letters)
		if strings.HasPrefix(p, "[") || found < 0 {
			w.Start, w.End, w.Word = append(w.Start, -1), append(w.End, -1), append(w.Word, -1)
			continue
		}
		if !strings.HasPrefix(p, "##") {
			number++
		}
		w.Start, w.End, w.Word = append(w.Start, at+found), append(w.End, at+found+len(letters)), append(w.Word, number)
		at += found + len(letters)
	}
	return w
}

func writePNG(path string, img image.Image) error {
	f, err := os.Create(path)
	if err != nil {
		return err
	}
	defer f.Close()
	return png.Encode(f, img)
}

// photograph is a picture that compresses badly.
func photograph(w, h int) image.Image {
	rng := rand.New(rand.NewPCG(3, 4))
	img := image.NewRGBA(image.Rect(0, 0, w, h))
	for y := range h {
		for x := range w {
			img.Set(x, y, color.RGBA{R: uint8(rng.UintN(256)), G: uint8(x * 255 / w), B: uint8(rng.UintN(128)), A: 255})
		}
	}
	return img
}

// parts are what a pass over a data set might find.
type parts struct {
	Title    string
	Meta     analysis.Meta
	Tables   []analysis.Table
	Curves   []analysis.Curve
	Matrices []analysis.Matrix
	Examples []analysis.Explanation
}

func (p *parts) page() analysis.Collection {
	c := analysis.Collection{Title: p.Title, Meta: p.Meta, Results: analysis.Collect(nil, p.Tables...)}
	c.Results = analysis.Collect(c.Results, p.Curves...)
	c.Results = analysis.Collect(c.Results, p.Matrices...)
	c.Results = analysis.Collect(c.Results, p.Examples...)
	return c
}

func sampleRun(dir string) *parts {
	x := sample(dir)
	meta := x.Scores.Meta
	meta.N, meta.Level = 500, 0.95
	steps := []float64{0, 0.25, 0.5, 0.75, 0.8, 0.85, 0.9, 0.95, 1}
	series := func(name, style string, from, to, area float64) analysis.CurveSeries {
		s := analysis.CurveSeries{Name: name, Style: style, Area: area}
		for _, x := range steps {
			y := from + (to-from)*x*x
			s.Y, s.Low, s.High = append(s.Y, y), append(s.Low, y-0.03), append(s.High, y+0.03)
		}
		return s
	}
	meta.Method, meta.Unit = "perturbation of regions", "accuracy"
	curve := analysis.Curve{Meta: meta, XName: "share removed", YName: "accuracy", X: steps, Rules: map[string]float64{"half": 0.5},
		Series: []analysis.CurveSeries{series("relevance, negative", "solid", 0.8, 0.5, 0.71), series("relevance, positive", "dashed", 0.8, 0.1, 0.42), series("random", "random", 0.8, 0.3, 0.57)}}
	meta.Method, meta.Unit = "head importance", "logit"
	matrix := analysis.Matrix{Meta: meta, Rows: analysis.Axis{Name: "layer"}, Cols: analysis.Axis{Name: "head"}}
	rng := rand.New(rand.NewPCG(5, 6))
	for _, kind := range []string{"x.ti", "x.it"} {
		p := analysis.MatrixPanel{Name: kind}
		for range 5 {
			row := make([]float64, nHeads)
			for h := range row {
				row[h] = rng.Float64() * rng.Float64()
			}
			p.Values = append(p.Values, row)
		}
		p.Values[4][3] = math.NaN()
		matrix.Panels = append(matrix.Panels, p)
	}
	matrix.Rows.Labels = []string{"x.0", "x.1", "x.2", "x.3", "x.4"}
	meta.Method, meta.Unit = "hit rate", "share"
	table := analysis.Table{Meta: meta, Columns: []string{"method", "hit rate", "examples", "beats chance"},
		Rows: [][]any{{"bi-modal relevance", 0.8125, 500, true}, {"random", math.NaN(), 500, false}}}
	return &parts{Title: "Toy world, 500 questions", Meta: meta, Curves: []analysis.Curve{curve}, Matrices: []analysis.Matrix{matrix},
		Tables: []analysis.Table{table}, Examples: []analysis.Explanation{x, x}}
}

// livelyMaps are maps such as a model might have, for pictures of the report: words look at what they name, regions at
// those they share ground with, some heads at [SEP], and the later the layer the sharper.
func livelyMaps(boxes [][4]float64) map[string]lxmert.Tensor {
	rng := rand.New(rand.NewPCG(7, 8))
	names := map[[2]int]float64{{7, 0}: 1, {2, 0}: 0.8, {8, 0}: 0.4, {8, 1}: 0.5, {11, 1}: 1} // circle, colour, left, square
	affinity := func(kind string, q, k int) float64 {
		switch kind {
		case "ti":
			return 4 * names[[2]int{q, k}]
		case "it":
			return 3 * names[[2]int{k, q}]
		case "ii":
			return 5 * shared(boxes[q], boxes[k])
		}
		return 2 / (1 + math.Abs(float64(q-k)))
	}
	all := sampleMaps()
	for _, name := range slices.Sorted(maps.Keys(all)) {
		m, kind := all[name], name[len(name)-2:]
		layer := float64(name[2] - '0')
		for h := range nHeads {
			sharp, lazy := (0.3+rng.Float64())*(0.4+0.2*layer), kind[1] == 't' && rng.Float64() < 0.3
			for q := range m.Shape[1] {
				row, sum := m.Data[(h*m.Shape[1]+q)*m.Shape[2]:][:m.Shape[2]], float32(0)
				for k := range row {
					x := sharp * (affinity(kind, q, k) + 0.8*rng.NormFloat64())
					if lazy && k == nWords-1 {
						x += 4
					}
					row[k] = float32(math.Exp(x))
					sum += row[k]
				}
				for k := range row {
					row[k] /= sum
				}
			}
		}
	}
	return all
}

// shared is how much of two boxes is of both: intersection over union.
func shared(a, b [4]float64) float64 {
	w, h := min(a[2], b[2])-max(a[0], b[0]), min(a[3], b[3])-max(a[1], b[1])
	if w <= 0 || h <= 0 {
		return 0
	}
	both := w * h
	return both / ((a[2]-a[0])*(a[3]-a[1]) + (b[2]-b[0])*(b[3]-b[1]) - both)
}
