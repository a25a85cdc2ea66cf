package report_test

import (
	"bytes"
	"cmp"
	"image"
	"image/color"
	"image/png"
	"math"
	"os"
	"path/filepath"
	"slices"
	"testing"

	"github.com/chromedp/chromedp"

	"github.com/seed-516990b0/golxmert/analysis"
	"github.com/seed-516990b0/golxmert/analysis/report"
)

// TestScreenshotsShowThePages makes the pictures in testdata when LXMERT_UPDATE_SCREENSHOTS is set, for a person to look at:
// letters differ from machine to machine, so that they are not compared. What each of them must show is tested elsewhere.
func TestScreenshotsShowThePages(t *testing.T) {
	const most = 300_000 // bytes of a picture
	update := os.Getenv("LXMERT_UPDATE_SCREENSHOTS") != ""
	x := sample(t.TempDir())
	x.Maps = livelyMaps(x.Scores.Boxes)
	run := pictured(t.TempDir())
	for name, c := range map[string]struct {
		r    analysis.Result
		look look
	}{
		"report":      {x, look{Width: 1200, Height: 900}},
		"report-dark": {x, look{Width: 1200, Height: 900, Dark: true}},
		"run":         {run.page(), look{Width: 1200, Height: 900}},
	} {
		path := filepath.Join("testdata", name+".png")
		if update {
			p := visit(t, saved(t, c.r, report.Options{TopK: 3}), c.look)
			if name != "run" {
				p.Click(".lxr-overview summary")
				p.Do(chromedp.WaitReady(".lxr-strip canvas", chromedp.ByQuery))
				p.Click(circle)
			}
			p.Leave()
			var shot []byte
			p.Do(chromedp.FullScreenshot(&shot, 100))
			img, err := png.Decode(bytes.NewReader(shot))
			if err != nil {
				t.Fatal(err)
			}
			var b bytes.Buffer
			if err := (&png.Encoder{CompressionLevel: png.BestCompression}).Encode(&b, reduced(img)); err != nil {
				t.Fatal(err)
			}
			if err := os.WriteFile(path, b.Bytes(), 0o644); err != nil {
				t.Fatal(err)
			}
		}
		info, err := os.Stat(path)
		if err != nil {
			t.Fatalf("%v (LXMERT_UPDATE_SCREENSHOTS=1 makes it)", err)
		}
		if info.Size() > most {
			t.Errorf("%s has %d bytes, at most %d are kept", path, info.Size(), most)
		}
	}
}

// pictured is a run as a sweep makes it: nothing in it but the examples is about one answer, and many methods are compared.
func pictured(dir string) *parts {
	run := sampleRun(dir)
	for i := range run.Examples {
		run.Examples[i].Maps = livelyMaps(run.Examples[i].Scores.Boxes)
	}
	table, matrix, curve := &run.Tables[0], &run.Matrices[0], run.Curves[0]
	run.Meta.Target, table.Target, matrix.Target, curve.Target = "", "", "", ""
	table.Columns = []string{"method", "hit rate", "low", "high", "examples"}
	table.Rows = nil
	curve.Series, curve.Rules, curve.Levels = nil, nil, map[string]float64{"nothing removed": 0.9}
	for k, name := range []string{"relevance", "attention", "gradcam", "rollout", "joint-rollout", "flow"} {
		rate := 0.9 - 0.1*float64(k)
		table.Rows = append(table.Rows, []any{name, rate, rate - 0.03, rate + 0.03, 500})
		for _, order := range []string{"negative", "positive"} {
			s := analysis.CurveSeries{Name: name + ", " + order}
			if order == "positive" {
				s.Style = "dashed"
			}
			for _, x := range curve.X {
				y := 0.9 - 0.6*math.Pow(x, 7-float64(k))
				if order == "positive" {
					y = 0.3 + 0.6*math.Pow(1-x, 7-float64(k))
				}
				s.Y, s.Low, s.High = append(s.Y, y), append(s.Low, y-0.02), append(s.High, y+0.02)
			}
			s.Area = analysis.Mean(s.Y)
			curve.Series = append(curve.Series, s)
		}
	}
	random := analysis.CurveSeries{Name: "random", Style: "random", Area: 0.6}
	for _, x := range curve.X {
		random.Y = append(random.Y, 0.9-0.6*x)
	}
	curve.Series = append(curve.Series, random)
	run.Curves = []analysis.Curve{curve}
	return run
}

// reduced is a picture of its 256 most frequent colours, which takes a third of the bytes.
func reduced(img image.Image) image.Image {
	const bits = 5 // of a channel that tell colours apart
	type bin struct{ n, r, g, b uint64 }
	bins := map[[3]uint8]*bin{}
	at := func(c color.Color) ([3]uint8, color.NRGBA) {
		rgb := color.NRGBAModel.Convert(c).(color.NRGBA)
		return [3]uint8{rgb.R >> (8 - bits), rgb.G >> (8 - bits), rgb.B >> (8 - bits)}, rgb
	}
	for y := range img.Bounds().Dy() {
		for x := range img.Bounds().Dx() {
			k, c := at(img.At(x, y))
			if bins[k] == nil {
				bins[k] = &bin{}
			}
			b := bins[k]
			b.n, b.r, b.g, b.b = b.n+1, b.r+uint64(c.R), b.g+uint64(c.G), b.b+uint64(c.B)
		}
	}
	var keys [][3]uint8
	for k := range bins {
		keys = append(keys, k)
	}
	slices.SortFunc(keys, func(a, b [3]uint8) int {
		return cmp.Or(cmp.Compare(bins[b].n, bins[a].n), slices.Compare(a[:], b[:]))
	})
	var palette color.Palette
	for _, k := range keys[:min(len(keys), 256)] {
		b := bins[k]
		palette = append(palette, color.NRGBA{uint8(b.r / b.n), uint8(b.g / b.n), uint8(b.b / b.n), 0xff})
	}
	index := map[[3]uint8]uint8{}
	for k, b := range bins {
		index[k] = uint8(palette.Index(color.NRGBA{uint8(b.r / b.n), uint8(b.g / b.n), uint8(b.b / b.n), 0xff}))
	}
	out := image.NewPaletted(image.Rect(0, 0, img.Bounds().Dx(), img.Bounds().Dy()), palette)
	for y := range img.Bounds().Dy() {
		for x := range img.Bounds().Dx() {
			k, _ := at(img.At(x, y))
			out.SetColorIndex(x, y, index[k])
		}
	}
	return out
}
