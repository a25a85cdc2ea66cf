package figure_test

import (
	"bytes"
	"fmt"
	"image"
	imagedraw "image/draw"
	"image/png"
	"os"
	"path/filepath"
	"testing"

	"github.com/seed-516990b0/golxmert/analysis"
	"github.com/seed-516990b0/golxmert/analysis/figure"
)

func TestFiguresLookAsTheyDidWhenSomebodyLooked(t *testing.T) {
	for _, c := range []struct {
		name    string
		example func()
	}{
		{"explanation", ExampleExplanation},
		{"whatif", ExampleBeside},
		{"models", ExampleBeside_models},
		{"picture", ExamplePicture},
		{"strip", ExampleWordStrip},
		{"heatmap", ExampleHeatmap},
		{"regions", ExampleByRelevance},
		{"heads", ExampleHeatmap_heads},
		{"modelgrid", ExampleModelGrid},
		{"atlas", ExampleStacked},
		{"training", ExampleStacked_curves},
		{"layers", ExampleCurves},
		{"perturbation", ExampleCurves_perturbation},
		{"methods", ExampleCurves_methods},
		{"probe", ExampleCurves_probe},
		{"lens", ExampleCurves_lens},
		{"interactions", ExampleHeatmap_interactions},
		{"cka", ExampleHeatmap_cka},
		{"table", ExampleTypeset},
		{"scatter", ExampleScatter},
		{"datamap", ExampleScatter_map},
		{"waterfall", ExampleBars},
		{"shares", ExampleBars_shares},
	} {
		t.Run(c.name, func(t *testing.T) {
			c.example()
			drawn, err := os.ReadFile(filepath.Join(out, c.name+".png"))
			if err != nil {
				t.Fatal(err)
			}
			path := filepath.Join("testdata", c.name+".png")
			if *update {
				if err := os.WriteFile(path, drawn, 0o644); err != nil {
					t.Fatal(err)
				}
			}
			want, err := os.ReadFile(path)
			if err != nil {
				t.Fatalf("%v (the flag -update writes it)", err)
			}
			compare(t, drawn, want)
		})
	}
}

func compare(t *testing.T, got, want []byte) {
	t.Helper()
	if err := differ(decode(t, got), decode(t, want)); err != nil {
		t.Errorf("%v: look at the figure; if it is right, -update keeps it", err)
	}
}

const (
	shade = 0x1800 // how far a channel may be off, of 0xffff, without being seen
	block = 16     // pixels
	// maxOff is how many pixels of a block may be off.
	maxOff = 4
)

// differ allows for arithmetic that rounds differently on other machines: edges of letters and lines may be off by more
// than a shade, in a four-hundredth of all pixels and in four of each block of 16 by 16. Another digit is more than that.
func differ(a, b image.Image) error {
	if a.Bounds() != b.Bounds() {
		return fmt.Errorf("the figure is %v, was %v", a.Bounds().Size(), b.Bounds().Size())
	}
	total, w, h := 0, a.Bounds().Dx(), a.Bounds().Dy()
	for top := 0; top < h; top += block {
		for left := 0; left < w; left += block {
			off := 0
			for y := top; y < min(top+block, h); y++ {
				for x := left; x < min(left+block, w); x++ {
					r0, g0, b0, _ := a.At(x, y).RGBA()
					r1, g1, b1, _ := b.At(x, y).RGBA()
					if max(r0, r1)-min(r0, r1) > shade || max(g0, g1)-min(g0, g1) > shade || max(b0, b1)-min(b0, b1) > shade {
						off++
					}
				}
			}
			if total += off; off > maxOff {
				return fmt.Errorf("%d pixels of the block at %d, %d differ", off, left, top)
			}
		}
	}
	if total > w*h/400 {
		return fmt.Errorf("%d of %d pixels differ", total, w*h)
	}
	return nil
}

func TestTheComparisonOfFiguresSeesWhatAReaderSees(t *testing.T) {
	draw := func(change func(s *analysis.Scores)) image.Image {
		s := scores()
		change(&s)
		f, err := figure.Explanation(s, figure.Options{Top: 3})
		if err != nil {
			t.Fatal(err)
		}
		var b bytes.Buffer
		if err := f.Write(&b, "png", 100); err != nil {
			t.Fatal(err)
		}
		return decode(t, b.Bytes())
	}
	want := draw(func(*analysis.Scores) {})
	if err := differ(draw(func(*analysis.Scores) {}), want); err != nil {
		t.Errorf("the same figure twice: %v", err)
	}
	for name, change := range map[string]func(s *analysis.Scores){
		"another caption":     func(s *analysis.Scores) { s.Method = "bi-modal reverence" },
		"another answer":      func(s *analysis.Scores) { s.Answer = "red (0.98)" },
		"a label of a region": func(s *analysis.Scores) { s.Image.Objects[0] = "red circus" },
		"a word":              func(s *analysis.Scores) { s.Text = sentence("what colour is the cir|cle lift of the square ?") },
		"a colour of a word":  func(s *analysis.Scores) { s.Words[1] = 0.2 },
		"a box":               func(s *analysis.Scores) { s.Boxes[3][0] -= 0.02 },
		"a number of a word":  func(s *analysis.Scores) { s.Words[10] += 0.01 },
	} {
		if err := differ(draw(change), want); err == nil {
			t.Errorf("%s: not seen", name)
		}
	}
	// A caption that is missing leaves white behind.
	missing := image.NewNRGBA(want.Bounds())
	imagedraw.Draw(missing, missing.Bounds(), want, image.Point{}, imagedraw.Src)
	imagedraw.Draw(missing, image.Rect(0, 22, want.Bounds().Dx(), 46), image.White, image.Point{}, imagedraw.Src)
	if err := differ(missing, want); err == nil {
		t.Error("a missing caption: not seen")
	}
}

func decode(t *testing.T, data []byte) image.Image {
	t.Helper()
	m, err := png.Decode(bytes.NewReader(data))
	if err != nil {
		t.Fatal(err)
	}
	return m
}
