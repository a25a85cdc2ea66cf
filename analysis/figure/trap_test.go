package figure_test

import (
	"bytes"
	"compress/zlib"
	"encoding/base64"
	"errors"
	"image"
	"image/color"
	"image/png"
	"io"
	"math"
	"os"
	"path/filepath"
	"regexp"
	"strconv"
	"strings"
	"testing"

	"github.com/seed-516990b0/golxmert/analysis"
	"github.com/seed-516990b0/golxmert/analysis/figure"
	"github.com/seed-516990b0/golxmert/lxmert"
)

var nan, inf = math.NaN(), math.Inf(1)

func matrix(values [][]float64) analysis.Matrix {
	return analysis.Matrix{Meta: analysis.Meta{Method: "m"}, Panels: []analysis.MatrixPanel{{Name: "head 0", Values: values}}}
}

func curve() analysis.Curve {
	return analysis.Curve{Meta: analysis.Meta{Method: "entropy", Unit: "nats"}, XName: "level", YName: "entropy", X: []float64{0, 1, 2},
		Series: []analysis.CurveSeries{{Name: "words", Y: []float64{3, 2, 1}, Low: []float64{2.5, 1.5, 0.5}, High: []float64{3.5, 2.5, 1.5}}, {Name: "regions", Y: []float64{3, 2.5, 2}}}}
}

func filled(rows, cols int, f func(i, j int) float64) [][]float64 {
	out := make([][]float64, rows)
	for i := range out {
		out[i] = make([]float64, cols)
		for j := range out[i] {
			out[i][j] = f(i, j)
		}
	}
	return out
}

// drawn is a result in a format.
func drawn(t *testing.T, r analysis.Result, format string, dpi int) []byte {
	t.Helper()
	f, err := figure.Draw(r, figure.Options{Bare: true})
	if err != nil {
		t.Fatal(err)
	}
	var b bytes.Buffer
	if err := f.Write(&b, format, dpi); err != nil {
		t.Fatal(err)
	}
	return b.Bytes()
}

// has counts the pixels of a colour.
func has(m image.Image, c color.NRGBA) int {
	n := 0
	for y := range m.Bounds().Dy() {
		for x := range m.Bounds().Dx() {
			if color.NRGBAModel.Convert(m.At(x, y)) == c {
				n++
			}
		}
	}
	return n
}

var (
	lowest    = color.NRGBA{0x44, 0x01, 0x54, 0xff} // of viridis
	highest   = color.NRGBA{0xfd, 0xe7, 0x25, 0xff}
	undefined = color.NRGBA{0xe2, 0xe2, 0xe2, 0xff}
	middle    = color.NRGBA{0xdd, 0xdd, 0xdd, 0xff} // of the diverging scale
)

func TestMatricesOfAllKindsHaveTheirColours(t *testing.T) {
	constant := func(x float64) [][]float64 { return filled(4, 4, func(int, int) float64 { return x }) }
	for name, c := range map[string]struct {
		m         analysis.Matrix
		cell      color.NRGBA
		undefined bool
	}{
		"zero everywhere":     {matrix(constant(0)), lowest, false},
		"one number":          {matrix(constant(0.7)), highest, false}, // the scale goes from 0 to it
		"NaN everywhere":      {matrix(constant(nan)), undefined, true},
		"an end of the range": {withRange(matrix(constant(1)), 0, 1), highest, false},
		"the other end":       {withRange(matrix(constant(0)), 0, 1), lowest, false},
		"beyond the range":    {withRange(matrix(constant(7)), 0, 1), highest, false},
		"below the range":     {withRange(matrix(constant(0.1)), 0.5, 1), lowest, false},
		"0 between both":      {withRange(matrix(constant(0)), -1, 1), middle, false},
		"the largest number":  {matrix(constant(math.MaxFloat64)), highest, false},
		"the smallest number": {matrix(constant(math.SmallestNonzeroFloat64)), highest, false},
		"more than 50 by 50":  {matrix(filled(60, 60, func(int, int) float64 { return 1 })), highest, false},
	} {
		t.Run(name, func(t *testing.T) {
			m := decode(t, drawn(t, c.m, "png", 144))
			if n := has(m, c.cell); n < 600 {
				t.Errorf("%d pixels of %v", n, c.cell)
			}
			if n := has(m, undefined); (n > 50) != c.undefined {
				t.Errorf("%d pixels say not defined", n)
			}
			for _, format := range []string{"svg", "pdf"} {
				if at := noNumber(t, drawn(t, c.m, format, 0)); at != "" {
					t.Errorf("a place in the %s is %s", format, at)
				}
			}
		})
	}
}

// noNumber finds NaN and Inf in an SVG, or in the contents of a PDF.
func noNumber(t *testing.T, file []byte) string {
	t.Helper()
	text := string(file)
	if bytes.HasPrefix(file, []byte("%PDF")) {
		if text = streams(t, file); !strings.Contains(text, " re") && !strings.Contains(text, " l\n") {
			t.Error("the contents of the PDF were not found")
		}
	}
	return regexp.MustCompile(`\b(NaN|Inf)\b`).FindString(text)
}

func withRange(m analysis.Matrix, low, high float64) analysis.Matrix {
	m.Low, m.High = low, high
	return m
}

func TestWhatIsNotDefinedIsExplained(t *testing.T) {
	for want, values := range map[bool][][]float64{true: {{1, nan}}, false: {{1, 2}}} {
		if got := bytes.Contains(drawn(t, matrix(values), "svg", 0), []byte(">not defined<")); got != want {
			t.Errorf("%v: remark %v", values, got)
		}
	}
}

func TestWhatHasNoPlaceIsAnError(t *testing.T) {
	change := func(f func(s *analysis.Scores)) analysis.Scores { s := scores(); f(&s); return s }
	spoilt := func(f func(c *analysis.Curve)) analysis.Curve { c := curve(); f(&c); return c }
	for name, r := range map[string]analysis.Result{
		"a matrix with +Inf":       matrix([][]float64{{1, inf}}),
		"a matrix with -Inf":       matrix([][]float64{{1, -inf}}),
		"a matrix without rows":    matrix(nil),
		"a matrix without columns": matrix([][]float64{{}}),
		"a matrix without panels":  analysis.Matrix{},
		"a ragged matrix":          matrix([][]float64{{1, 2}, {3}}),
		"labels of another number": analysis.Matrix{Rows: analysis.Axis{Labels: []string{"a", "b"}}, Panels: matrix([][]float64{{1}}).Panels},
		"scores of nothing":        analysis.Scores{},
		"a score of +Inf":          change(func(s *analysis.Scores) { s.Regions[0] = inf }),
		"a word of -Inf":           change(func(s *analysis.Scores) { s.Words[1] = -inf }),
		"fewer boxes":              change(func(s *analysis.Scores) { s.Boxes = s.Boxes[1:] }),
		"a picture that is gone":   change(func(s *analysis.Scores) { s.Image.File = "gone.png" }),
		"a curve without points":   analysis.Curve{Series: []analysis.CurveSeries{{Name: "a"}}},
		"a curve without series":   analysis.Curve{X: []float64{1}},
		"a short series":           spoilt(func(c *analysis.Curve) { c.Series[0].Y = c.Series[0].Y[:2] }),
		"a short band":             spoilt(func(c *analysis.Curve) { c.Series[0].Low = c.Series[0].Low[:2] }),
		"half a band":              spoilt(func(c *analysis.Curve) { c.Series[0].High = nil }),
		"a point at +Inf":          spoilt(func(c *analysis.Curve) { c.Series[1].Y = []float64{1, inf, 2} }),
		"an axis with NaN":         spoilt(func(c *analysis.Curve) { c.X = []float64{0, nan, 2} }),
		"a level of NaN":           spoilt(func(c *analysis.Curve) { c.Levels = map[string]float64{"chance": nan} }),
		"no maps":                  analysis.Maps{},
		"a map of a batch":         analysis.Maps{Maps: map[string]lxmert.Tensor{"x.0.ti": lxmert.NewTensor(1, 1, 2, 2)}},
		"a map that is none":       analysis.Maps{Maps: map[string]lxmert.Tensor{"hid.t.0": lxmert.NewTensor(1, 2, 2)}},
		"a table without columns":  analysis.Table{},
	} {
		if _, err := figure.Draw(r, figure.Options{}); err == nil {
			t.Errorf("%s is drawn", name)
		}
	}
}

func TestOddScoresAndCurvesAreDrawn(t *testing.T) {
	allNaN, zero, boxless := scores(), scores(), scores()
	for i := range allNaN.Words {
		allNaN.Words[i], zero.Words[i] = nan, 0
	}
	for j := range allNaN.Regions {
		allNaN.Regions[j], zero.Regions[j] = nan, 0
		boxless.Boxes[j] = [4]float64{nan, -3, 7, nan}
	}
	gaps, one := curve(), curve()
	gaps.Series[0].Y, gaps.Series[1].Y, gaps.Series[0].Low, gaps.Series[0].High = []float64{nan, nan, nan}, []float64{nan, 2, nan}, nil, nil
	one.X = one.X[:1]
	for k := range one.Series {
		one.Series[k] = analysis.CurveSeries{Name: one.Series[k].Name, Y: one.Series[k].Y[:1]}
	}
	for name, r := range map[string]analysis.Result{"NaN everywhere": allNaN, "zero everywhere": zero, "boxes that are nowhere": boxless,
		"a curve of gaps": gaps, "a curve of one point": one, "a table without rows": analysis.Table{Columns: []string{"a", "b"}}} {
		for _, format := range []string{"png", "svg", "pdf"} {
			s := drawn(t, r, format, 72)
			if at := noNumber(t, s); format != "png" && at != "" {
				t.Errorf("%s: a place in the %s is %s", name, format, at)
			}
		}
	}
}

// A picture whose upper half is red and whose only box is in its lower right, half seen through nothing.
func upright(t *testing.T) analysis.Scores {
	t.Helper()
	path := filepath.Join(t.TempDir(), "half.png")
	m := image.NewNRGBA(image.Rect(0, 0, 80, 80))
	for y := range 80 {
		for x := range 80 {
			c := color.NRGBA{0, 0, 0xff, 0xff}
			if y < 40 {
				c = color.NRGBA{0xff, 0, 0, 0xff}
			}
			m.SetNRGBA(x, y, c)
		}
	}
	var b bytes.Buffer
	if err := png.Encode(&b, m); err != nil {
		t.Fatal(err)
	}
	if err := os.WriteFile(path, b.Bytes(), 0o600); err != nil {
		t.Fatal(err)
	}
	return analysis.Scores{Regions: []float64{1}, Boxes: [][4]float64{{0.5, 0.6, 0.9, 0.9}}, Image: lxmert.ImageInfo{File: path, Width: 80, Height: 80}}
}

func TestPicturesAndBoxesAreUprightInAllFormats(t *testing.T) {
	s := upright(t)
	paper := color.NRGBA{0x0c, 0x1f, 0x58, 0xff} // the box, and its plate
	m := decode(t, drawn(t, s, "png", 144))
	mean := func(want func(c color.NRGBA) bool) float64 {
		sum, n := 0.0, 0.0
		for y := range m.Bounds().Dy() {
			for x := range m.Bounds().Dx() * 3 / 4 { // without the colour bar
				if want(color.NRGBAModel.Convert(m.At(x, y)).(color.NRGBA)) {
					sum, n = sum+float64(y)/float64(m.Bounds().Dy()), n+1
				}
			}
		}
		return sum / n
	}
	red := mean(func(c color.NRGBA) bool { return c.R > 0xa0 && c.B < 0x80 })
	blue := mean(func(c color.NRGBA) bool { return c.B > 0xa0 && c.R < 0x80 })
	box := mean(func(c color.NRGBA) bool { return c == paper })
	if !(red < 0.4 && blue > 0.5 && box > 0.55) {
		t.Errorf("heights in the PNG: red %.2f, blue %.2f, box %.2f", red, blue, box)
	}

	// SVG of gonum counts upwards inside of a group that it turns over; a picture within must be turned back.
	svg := string(drawn(t, s, "svg", 0))
	raw, err := base64.StdEncoding.DecodeString(regexp.MustCompile(`base64,([^"]+)"`).FindStringSubmatch(svg)[1])
	if err != nil {
		t.Fatal(err)
	}
	if top := color.NRGBAModel.Convert(decode(t, raw).At(5, 5)).(color.NRGBA); top.R < top.B {
		t.Errorf("the picture in the SVG begins with %v", top)
	}
	if !regexp.MustCompile(`<g transform="scale\(1, -1\) translate\(0, -[\d.]+\)">`).MatchString(svg) {
		t.Error("the SVG does not count upwards")
	}
	if image := regexp.MustCompile(`<image[^>]*>`).FindString(svg); !strings.Contains(image, "scale(1, -1)") {
		t.Errorf("the picture is not turned back: %.120s", regexp.MustCompile(`base64[^"]*`).ReplaceAllString(image, ""))
	}
}

// streams are the contents of a PDF, unpacked.
func streams(t *testing.T, pdf []byte) string {
	t.Helper()
	var all strings.Builder
	for _, at := range regexp.MustCompile(`stream\r?\n`).FindAllIndex(pdf, -1) {
		r, err := zlib.NewReader(bytes.NewReader(pdf[at[1]:]))
		if err != nil {
			continue // not packed, or the end of one
		}
		text, err := io.ReadAll(r)
		if err != nil && !errors.Is(err, io.ErrUnexpectedEOF) {
			t.Fatal(err)
		}
		all.Write(text)
		all.WriteByte('\n')
	}
	return all.String()
}

func TestBandsKeepTheirColourAndTheirTransparency(t *testing.T) {
	c := curve()
	pdf := drawn(t, c, "pdf", 0)
	if !regexp.MustCompile(`/ca 0\.1[56]\d*`).Match(pdf) {
		t.Errorf("the PDF has no transparency of 0.16: %q", regexp.MustCompile(`/ca [\d.]+`).FindAll(pdf, 9))
	}
	want := []float64{0, 0x72 / 255.0, 0xb2 / 255.0}
	found := false
	for _, m := range regexp.MustCompile(`([\d.]+) ([\d.]+) ([\d.]+) rg`).FindAllStringSubmatch(streams(t, pdf), -1) {
		off := 0.0
		for k := range want {
			x, _ := strconv.ParseFloat(m[k+1], 64)
			off = max(off, math.Abs(x-want[k]))
		}
		found = found || off < 0.01
	}
	if !found {
		t.Error("nothing in the PDF is filled with the blue of the first series")
	}
	if svg := string(drawn(t, c, "svg", 0)); !regexp.MustCompile(`fill:#007[12]B[12];fill-opacity:0\.16`).MatchString(svg) {
		t.Errorf("the SVG has no such band: %q", regexp.MustCompile(`fill:[^"]*opacity[^"]*`).FindAllString(svg, 3))
	}
}

func TestLettersHaveTheSizeThatJournalsAskFor(t *testing.T) {
	maps := analysis.Maps{Meta: meta("attention", "share"), Text: scores().Text, Maps: map[string]lxmert.Tensor{"x.0.ti": lxmert.NewTensor(12, 13, 36)}}
	for name, r := range map[string]analysis.Result{"scores": scores(), "matrix": matrix([][]float64{{1, nan}}), "curve": curve(), "maps": maps,
		"table": analysis.Table{Columns: []string{"a"}, Rows: [][]any{{1.5}}}} {
		f, err := figure.Draw(r, figure.Options{})
		if err != nil {
			t.Fatal(err)
		}
		var b bytes.Buffer
		if err := f.Write(&b, "svg", 0); err != nil {
			t.Fatal(err)
		}
		sizes := regexp.MustCompile(`font-size:([\d.]+)`).FindAllStringSubmatch(b.String(), -1)
		if len(sizes) == 0 {
			t.Errorf("%s has no letters", name)
		}
		for _, size := range sizes {
			if x, err := strconv.ParseFloat(size[1], 64); err != nil || x < 8 {
				t.Errorf("%s: letters of %s points", name, size[1])
			}
		}
	}
}

func TestLargeMatricesArePicturesInVectorFiles(t *testing.T) {
	small := drawn(t, matrix(filled(50, 50, func(i, j int) float64 { return float64(i * j) })), "svg", 0)
	large := drawn(t, matrix(filled(51, 50, func(i, j int) float64 { return float64(i * j) })), "svg", 0)
	if bytes.Contains(small, []byte("<image")) || !bytes.Contains(large, []byte("<image")) {
		t.Error("50 by 50 cells are to be rectangles, more a picture")
	}
	if len(large) > len(small)/2 {
		t.Errorf("%d bytes of a picture, %d of rectangles", len(large), len(small))
	}
}

func TestPaddingIsNotDrawn(t *testing.T) {
	text := scores().Text
	whole := lxmert.NewTensor(1, len(text.Pieces), 4)
	for i := range whole.Data {
		whole.Data[i] = 1
	}
	padded := text
	padded.Pieces = append(append([]string{}, text.Pieces...), "[PAD]", "[PAD]", "[PAD]")
	long := lxmert.NewTensor(1, len(padded.Pieces), 6) // the rest is zero, which is of another colour
	for i := range text.Pieces {
		copy(long.Data[i*6:], []float32{1, 1, 1, 1})
	}
	want := drawn(t, analysis.Maps{Maps: map[string]lxmert.Tensor{"x.0.ti": whole}, Text: text}, "png", 100)
	for name, m := range map[string]analysis.Maps{
		"[PAD]":               {Maps: map[string]lxmert.Tensor{"x.0.ti": long}, Text: padded, Regions: 4},
		"beyond the sentence": {Maps: map[string]lxmert.Tensor{"x.0.ti": long}, Text: text, Regions: 4},
	} {
		if err := differ(decode(t, drawn(t, m, "png", 100)), decode(t, want)); err != nil {
			t.Errorf("%s: %v", name, err)
		}
	}
}

// TestATableThatAColumnWouldCutTakesAPage unless a width is asked for.
func TestATableThatAColumnWouldCutTakesAPage(t *testing.T) {
	long := strings.Repeat("all regions ", 6)
	for _, c := range []struct {
		name string
		opt  figure.Options
		want float64
	}{
		{"word", figure.Options{}, figure.Column}, {long, figure.Options{}, figure.Page},
		{long, figure.Options{Width: 6}, 6},
	} {
		table := analysis.Table{Meta: meta("ablation", ""), Columns: []string{"condition", "mean"}, Rows: [][]any{{c.name, 1.5}}}
		f, err := figure.Typeset(table, c.opt)
		if err != nil {
			t.Fatal(err)
		}
		if w, _ := f.Size(); math.Abs(w-c.want) > 0.01 {
			t.Errorf("a table of %q is %.1f cm wide, expected %.1f", c.name, w, c.want)
		}
	}
}

// TestAllThatIsMarkedIsSeen: without a scale nothing else would tell it from what is not.
func TestAllThatIsMarkedIsSeen(t *testing.T) {
	var sizes []int
	for marked := range 9 {
		s := scores()
		s.Marks, s.Words, s.Regions = true, nil, make([]float64, len(s.Regions))
		for v := range min(marked, len(s.Regions)) {
			s.Regions[v] = 1
		}
		f, err := figure.Picture(s, figure.Options{Bare: true})
		if err != nil {
			t.Fatal(err)
		}
		var svg bytes.Buffer
		if err := f.Write(&svg, "svg", 0); err != nil {
			t.Fatal(err)
		}
		sizes = append(sizes, bytes.Count(svg.Bytes(), []byte("<path")))
	}
	for n := 1; n < len(scores().Regions)+1; n++ {
		if sizes[n] <= sizes[n-1] {
			t.Errorf("%d marked regions are drawn with %d lines, %d with %d", n, sizes[n], n-1, sizes[n-1])
		}
	}
}
