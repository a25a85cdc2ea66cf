package figure_test

import (
	"flag"
	"fmt"
	"image/png"
	"math"
	"os"
	"path/filepath"
	"strings"
	"testing"

	"github.com/seed-516990b0/golxmert/analysis"
	"github.com/seed-516990b0/golxmert/analysis/figure"
	"github.com/seed-516990b0/golxmert/lxmert"
	"github.com/seed-516990b0/golxmert/lxmert/toy"
)

var update = flag.Bool("update", false, "write the figures that the examples draw to testdata")

// out is where examples write.
var out string

func TestMain(m *testing.M) {
	flag.Parse()
	dir, err := os.MkdirTemp("", "figure")
	if err == nil {
		out = dir
		err = drawScene(filepath.Join(out, "scene.png"))
	}
	if err != nil {
		fmt.Fprintln(os.Stderr, err)
		os.Exit(1)
	}
	code := m.Run()
	os.RemoveAll(dir)
	os.Exit(code)
}

// objects are what is in the example's picture, in pixels of 160 x 160.
var objects = []toy.Object{
	{Shape: "circle", Color: "red", Size: "large", Box: [4]float32{14, 18, 60, 64}},
	{Shape: "square", Color: "blue", Size: "large", Box: [4]float32{92, 22, 138, 68}, ROI: 1},
	{Shape: "star", Color: "yellow", Size: "small", Box: [4]float32{40, 104, 64, 128}, ROI: 2},
	{Shape: "triangle", Color: "green", Size: "small", Box: [4]float32{108, 110, 131, 133}, ROI: 3},
}

func drawScene(path string) error {
	f, err := os.Create(path)
	if err != nil {
		return err
	}
	defer f.Close()
	return png.Encode(f, toy.Render(&toy.Scene{ID: "scene", Width: toy.Side, Height: toy.Side, Objects: objects}))
}

func meta(method, unit string) analysis.Meta {
	return analysis.Meta{
		Method: method, Target: "answer “red”", Unit: unit, N: 1, Features: "minival_obj36.tsv",
		Model: lxmert.Provenance{Weights: "toy.safetensors", Hash: "sha256:3fa9c15d77e04b21", Backend: "xla:cpu", DType: "float32"},
	}
}

// sentence cuts at spaces; words with a | in them are of several pieces.
func sentence(text string) lxmert.Words {
	w := lxmert.Words{Text: strings.ReplaceAll(text, "|", "")}
	add := func(piece string, start, end, word int) {
		w.Pieces, w.Start = append(w.Pieces, piece), append(w.Start, start)
		w.End, w.Word = append(w.End, end), append(w.Word, word)
	}
	add("[CLS]", -1, -1, -1)
	at := 0
	for n, word := range strings.Fields(text) {
		for k, piece := range strings.Split(word, "|") {
			name := piece
			if k > 0 {
				name = "##" + piece
			}
			add(name, at, at+len(piece), n)
			at += len(piece)
		}
		at++
	}
	add("[SEP]", -1, -1, -1)
	return w
}

// scores is an explanation such as a model would give of the example's picture.
func scores() analysis.Scores {
	s := analysis.Scores{
		Meta:    meta("bi-modal relevance", ""),
		Words:   []float64{0, 0.09, 0.31, 0.04, 0.02, 0.17, 0.12, 0.13, 0.02, 0.03, 0.21, 0.05, 0.62},
		Regions: []float64{0.31, 0.187, 0.021, 0.012, 0.094, 0.006, 0.048, 0.003},
		Text:    sentence("what colour is the cir|cle left of the square ?"),
		Image: lxmert.ImageInfo{ID: "scene", Width: toy.Side, Height: toy.Side, File: filepath.Join(out, "scene.png"),
			Objects: []string{"red circle", "blue square", "yellow star", "green triangle", "red circle", "paper", "blue square", "paper"}},
		Answer: "red (0.93)",
	}
	for _, o := range objects {
		s.Boxes = append(s.Boxes, normal(o.Box))
	}
	for _, b := range [][4]float32{{4, 8, 84, 80}, {60, 70, 100, 100}, {92, 22, 116, 68}, {4, 132, 84, 156}} {
		s.Boxes = append(s.Boxes, normal(b))
	}
	return s
}

func normal(box [4]float32) (b [4]float64) {
	for i, v := range box {
		b[i] = float64(v) / toy.Side
	}
	return b
}

// wave is a number from 0 to 1 that looks measured and is the same everywhere.
func wave(i, j int) float64 {
	x := math.Sin(float64(i)*12.9898+float64(j)*78.233) * 43.7585453
	return x - math.Floor(x)
}

// write writes a figure as PNG, small enough to be kept.
func write(path string, f *figure.Figure) error {
	w, err := os.Create(path)
	if err != nil {
		return err
	}
	defer w.Close()
	return f.Write(w, "png", 100)
}
