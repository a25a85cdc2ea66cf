package region

import (
	"context"
	"errors"
	"fmt"
	"iter"
	"math"
	"math/rand/v2"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"testing"

	"github.com/seed-516990b0/golxmert/internal/excerpt"
	"github.com/seed-516990b0/golxmert/internal/goldentest"
	"github.com/seed-516990b0/golxmert/internal/half"
	"github.com/seed-516990b0/golxmert/lxmert"
)

// changed is a copy of an image with other boxes.
func changed(r *Regions, box func(b []float32, w, h float32)) *Regions {
	c := *r
	c.Boxes = slices.Clone(r.Boxes)
	for i := range c.N {
		box(c.Boxes[4*i:4*i+4], float32(r.Width), float32(r.Height))
	}
	return &c
}

func divided(b []float32, w, h float32) { b[0], b[1], b[2], b[3] = b[0]/w, b[1]/h, b[2]/w, b[3]/h }
func cornered(b []float32, _, _ float32) {
	b[2], b[3] = b[2]-b[0], b[3]-b[1]
}

// asDoubles are features as they look when the bytes of float64 are read as float32.
func asDoubles(r *Regions, of func(float32) float64) *Regions {
	c := *r
	c.Dim *= 2
	c.Features = nil
	for _, v := range r.Features {
		bits := math.Float64bits(of(v))
		c.Features = append(c.Features, math.Float32frombits(uint32(bits)), math.Float32frombits(uint32(bits>>32)))
	}
	return &c
}

// TestWhatIsCertainlyAnotherFormIsAnError takes golden images and random ones, and changes them as files come.
func TestWhatIsCertainlyAnotherFormIsAnError(t *testing.T) {
	rng := rand.New(rand.NewPCG(3, 4))
	var images []*Regions
	for _, dir := range goldentest.Folders(t, "model") {
		images = append(images, goldenImages(t, dir)...)
	}
	for range 50 {
		images = append(images, randomRegions(rng, "random", 10+rng.IntN(90), 32))
	}
	for _, r := range images {
		if err := r.Check(); err != nil {
			t.Fatalf("the image itself: %v", err)
		}
		for name, c := range map[string]struct {
			image *Regions
			want  string
		}{
			"divided": {changed(r, divided), "they were divided by the picture's size already"},
			"divided, float16": {changed(r, func(b []float32, w, h float32) {
				divided(b, w, h)
				for i, v := range b {
					b[i] = half.Widen(half.Round(v))
				}
			}), "they were divided by the picture's size already"},
			"widened":    {asDoubles(r, func(v float32) float64 { return float64(v) }), fmt.Sprintf("%d features per box are %d float64", 2*r.Dim, r.Dim)},
			"normalised": {asDoubles(r, func(v float32) float64 { return float64(v) / 3 }), "write float32"},
		} {
			err := c.image.Check()
			if !errors.Is(err, ErrForm) || !strings.Contains(err.Error(), c.want) || !strings.Contains(err.Error(), excerpt.Quote(r.ID)) {
				t.Errorf("%s: error %v does not say %q", name, err, c.want)
			}
			if e := Fill(new(lxmert.Batch), c.image); e == nil || e.Error() != err.Error() {
				t.Errorf("%s: a batch of it has the error %v", name, e)
			}
		}
	}
}

// TestCornersAndSizesAreToldApart: a file of x, y, width and height is known by boxes that end before they begin.
func TestCornersAndSizesAreToldApart(t *testing.T) {
	rng := rand.New(rand.NewPCG(5, 6))
	found := 0
	for range 200 {
		r := randomRegions(rng, "a", 36, 2)
		c := changed(r, cornered)
		inverted := 0
		for i := range c.N {
			if b := c.Boxes[4*i:]; b[2] < b[0] || b[3] < b[1] {
				inverted++
			}
		}
		err := c.Check()
		if want := 8*inverted >= c.N; errors.Is(err, ErrForm) != want || want && !strings.Contains(err.Error(), "boxes[:, 2:] += boxes[:, :2]") {
			t.Fatalf("%d of %d boxes are inverted, error %v", inverted, c.N, err)
		}
		if err != nil {
			found++
		}
	}
	if found == 0 {
		t.Error("no such file was recognised")
	}
	one := &Regions{ID: "a", Width: 100, Height: 100, N: 36, Dim: 1, Features: make([]float32, 36)}
	for range 36 {
		one.Boxes = append(one.Boxes, 10, 10, 20, 20)
	}
	one.Boxes[2] = 5 // one box of a detector that is wrong is a doubt
	if err := one.Check(); err != nil {
		t.Error(err)
	}
}

func TestUnusualPicturesAreNotRefused(t *testing.T) {
	some := []float32{0, 0.5, 1, 0, 0.25, 2, 0, 3}
	for name, r := range map[string]*Regions{
		"one pixel":                 {Width: 1, Height: 1, N: 2, Dim: 4, Boxes: []float32{0, 0, 1, 1, 0.1, 0.2, 0.7, 0.9}, Features: some},
		"an icon":                   {Width: 16, Height: 16, N: 2, Dim: 4, Boxes: []float32{0, 0, 1, 1, 0.1, 0.2, 0.7, 0.9}, Features: some},
		"a strip":                   {Width: 4000, Height: 1, N: 2, Dim: 4, Boxes: []float32{0, 0, 4000, 1, 17, 0, 18, 1}, Features: some},
		"a box that was made up":    {Width: 640, Height: 480, N: 1, Dim: 4, Boxes: []float32{0, 0, 1, 1}, Features: some[:4]},
		"no box at all, but padded": {Width: 640, Height: 480, N: 2, Dim: 4, Boxes: make([]float32, 8), Features: make([]float32, 8)},
		"a panorama":                {Width: 20001, Height: 333, N: 2, Dim: 4, Boxes: []float32{0.5, 0.5, 20000.5, 332.5, 3, 4, 5, 6}, Features: some},
	} {
		if err := r.Check(); err != nil {
			t.Errorf("%s: %v", name, err)
		}
	}
	// Features of all sizes that networks put out, negative ones too, are not halves.
	rng := rand.New(rand.NewPCG(7, 8))
	for range 300 {
		scale := math.Pow(10, 10*rng.Float64()-5)
		values := make([]float32, 2*halvesSample)
		for i := range values {
			if rng.IntN(3) > 0 {
				values[i] = float32(scale * rng.NormFloat64())
			}
		}
		if areHalves(values) {
			t.Fatalf("numbers around %g are taken for halves", scale)
		}
	}
}

func TestSwappedSizesAreNamed(t *testing.T) {
	r := &Regions{ID: "a", Width: 480, Height: 640, N: 2, Dim: 1, Boxes: []float32{0, 0, 639, 479, 100, 100, 500, 200}, Features: []float32{1, 2}}
	err := r.Check()
	if !errors.Is(err, ErrBox) || !strings.Contains(err.Error(), "all its boxes are within 640 x 480, so width and height may be swapped") {
		t.Error(err)
	}
	if _, e := r.NormalBoxes(nil); e == nil || e.Error() != err.Error() {
		t.Errorf("%v, not %v", e, err)
	}
	r.Boxes[3] = 700
	if err := r.Check(); !errors.Is(err, ErrBox) || strings.Contains(err.Error(), "swapped") {
		t.Error(err)
	}
}

// counted is a source of equal images that counts how many are asked for.
type counted struct {
	image *Regions
	size  int
	read  int
	fails int // from this one on; 0: never
}

func (c *counted) Find(context.Context, string) (*Regions, error) { return c.image, nil }
func (c *counted) IDs(context.Context) ([]string, error)          { return nil, nil }
func (c *counted) Close() error                                   { return nil }
func (c *counted) All(context.Context) iter.Seq2[*Regions, error] {
	return func(yield func(*Regions, error) bool) {
		for i := range c.size {
			c.read++
			if c.fails > 0 && i >= c.fails {
				yield(nil, errors.New("damaged"))
				return
			}
			r := *c.image
			r.ID = fmt.Sprint(i)
			if !yield(&r, nil) {
				return
			}
		}
	}
}

func TestExaminingCostsTheSameForAnySize(t *testing.T) {
	rng := rand.New(rand.NewPCG(9, 9))
	for _, c := range []struct{ dim, size, fails, want int }{
		{32, 5, 0, 5}, {32, 32, 0, 32}, {32, 1 << 30, 0, 32}, {32, 100, 3, 4}, {maxExaminedFeatures / 36, 1 << 30, 0, 2},
	} {
		s := &counted{image: randomRegions(rng, "a", 36, c.dim), size: c.size, fails: c.fails}
		look, err := Examine(t.Context(), s)
		if err != nil || s.read != c.want || look.Fingerprint.Dim != c.dim || len(look.Notes)+len(look.Doubts) > 0 {
			t.Errorf("%+v: %d images were read, %+v, error %v", c, s.read, look, err)
		}
	}
	ctx, cancel := context.WithCancel(t.Context())
	cancel()
	if _, err := Examine(ctx, &counted{image: randomRegions(rng, "a", 1, 1), size: 1}); !errors.Is(err, context.Canceled) {
		t.Error(err)
	}
}

func TestDoubtsAreSaidOncePerFile(t *testing.T) {
	rng := rand.New(rand.NewPCG(10, 10))
	good := func() *Regions { return randomRegions(rng, "a", 36, 2048) }
	inverted := good()
	inverted.Boxes[2] = inverted.Boxes[0] - 1
	for name, c := range map[string]struct {
		image *Regions
		used  []*Regions
		want  []string
	}{
		"as published": {good(), nil, nil},
		"used image":   {good(), []*Regions{{ID: "b", Width: 100, Height: 100, N: 36, Dim: 2048, Boxes: good().Boxes, Features: make([]float32, 36*2048)}}, []string{"warning: x: the features of 36 of "}},
		"inverted":     {inverted, nil, []string{"warning: x: 3 of 108 boxes have no area"}},
		"another net":  {randomRegions(rng, "a", 10, 2048), nil, []string{"warning: x: 10 to 10 boxes per image; the published model was trained on exactly 36"}},
		"other size":   {randomRegions(rng, "a", 10, 64), nil, nil},
		"big-endian": {asChanged(good(), func(v float32) float32 {
			b := math.Float32bits(v)
			return math.Float32frombits(b>>24 | b>>8&0xff00 | b<<8&0xff0000 | b<<24)
		}), nil, []string{"they look like numbers of another type"}},
		"halves of float16": {asDoubles(randomRegions(rng, "a", 36, 1024), func(v float32) float64 { return float64(half.Widen(half.Round(v))) }), nil, []string{"every other feature is 0"}},
	} {
		look, err := Examine(t.Context(), &counted{image: c.image, size: 3}, c.used...)
		if err != nil {
			t.Errorf("%s: %v", name, err)
			continue
		}
		lines := look.Lines("x", nil)
		for _, want := range c.want {
			if n := len(slices.DeleteFunc(slices.Clone(lines), func(s string) bool { return !strings.Contains(s, want) })); n != 1 {
				t.Errorf("%s: %d of %q say %q", name, n, lines, want)
			}
		}
		if c.want == nil && len(lines) > 0 {
			t.Errorf("%s: %q", name, lines)
		}
	}
}

// TestPackAndVerifyDoubtHalvesToo, of which the values leave a doubt: float64 of numbers that float16 could hold.
func TestPackAndVerifyDoubtHalvesToo(t *testing.T) {
	rng := rand.New(rand.NewPCG(13, 13))
	var rows []string
	for i := range 3 {
		r := randomRegions(rng, fmt.Sprint("image", i), 5, 32)
		rows = append(rows, asRow(t, asDoubles(r, func(v float32) float64 { return float64(half.Widen(half.Round(v))) })))
	}
	path := filepath.Join(t.TempDir(), "x.tsv")
	if err := os.WriteFile(path, []byte(strings.Join(rows, "\n")), 0o666); err != nil {
		t.Fatal(err)
	}
	dst := filepath.Join(t.TempDir(), "x.store")
	report, err := Pack(t.Context(), path, dst, PackOptions{})
	if err != nil || !slices.Equal(report.Doubts, []string{doubtHalves}) {
		t.Errorf("packing says %q, error %v", report.Doubts, err)
	}
	for _, path := range []string{path, dst} {
		if r := verified(t, path, VerifyOptions{}); !r.OK() || !slices.Contains(r.Warnings, doubtHalves) {
			t.Errorf("verifying %s says %q and %q", path, r.Problems, r.Warnings)
		}
	}
}

// asChanged is a copy of an image with other features, those that are not numbers left out.
func asChanged(r *Regions, feature func(float32) float32) *Regions {
	c := *r
	c.Features = slices.Clone(r.Features)
	for i, v := range c.Features {
		if v = feature(v); finite(v) {
			c.Features[i] = v
		}
	}
	return &c
}

func TestFeaturesAreComparedWithThoseOfTraining(t *testing.T) {
	rng := rand.New(rand.NewPCG(11, 11))
	of := func(images int, scale float32) Fingerprint {
		var sum tally
		for range images {
			r := randomRegions(rng, "x", 10, 64)
			for k := range r.Features {
				r.Features[k] *= scale
			}
			sum.add(measure(r), r.N, r.Dim, r.Width, r.Height)
		}
		return sum.fingerprint()
	}
	trained := map[string]Fingerprint{"other.tsv": of(300, 9), "train.tsv": of(300, 1)}
	for _, c := range []struct {
		judged Fingerprint
		far    int
	}{
		{of(300, 1), 0}, {of(300, 9), 0}, {of(300, 1.5), 2}, {of(32, 1.5), 0}, {of(32, 1), 0}, {of(32, 3), 2}, {of(3, 3), 0},
	} {
		if far := c.judged.Unlike(trained); len(far) != c.far {
			t.Errorf("of %d images with the mean %g it says %q", c.judged.Images, c.judged.Mean, far)
		}
	}
	// Features about 0, as a network without a ReLU at its end puts out: 32 images are 20,480 numbers, whose mean is within
	// 0.007 of a standard deviation, six of which the comparison allows; likewise the share of negative ones.
	signed := func(images int) Fingerprint {
		var sum tally
		for range images {
			r := randomRegions(rng, "x", 10, 64)
			for k := range r.Features {
				r.Features[k] = float32(rng.NormFloat64())
			}
			sum.add(measure(r), r.N, r.Dim, r.Width, r.Height)
		}
		return sum.fingerprint()
	}
	about0 := map[string]Fingerprint{"train.tsv": signed(300)}
	for range 20 {
		if far := signed(32).Unlike(about0); len(far) > 0 {
			t.Errorf("%q", far)
		}
	}
	if far := of(32, 1).Unlike(about0); len(far) < 3 {
		t.Errorf("of features of a ReLU it says %q", far)
	}
	narrow := of(3, 1)
	narrow.Dim = 32
	if far := narrow.Unlike(trained); len(far) != 1 || far[0] != "32 features per box, not 64" {
		t.Errorf("%q", far)
	}
	if far := narrow.Unlike(nil); far != nil {
		t.Errorf("%q of nothing", far)
	}
	if lines := (Look{Fingerprint: narrow}).Lines("a.npz", trained); len(lines) != 1 || !strings.HasPrefix(lines[0], "warning: the features of a.npz are unlike those that the model was trained on: 32 features") {
		t.Errorf("%q", lines)
	}
}

// TestPackAndVerifyRefuseOtherForms, verify once for the file, however many images it has.
func TestPackAndVerifyRefuseOtherForms(t *testing.T) {
	rng := rand.New(rand.NewPCG(12, 12))
	var rows []string
	for i := range 30 {
		rows = append(rows, asRow(t, changed(randomRegions(rng, fmt.Sprint("image", i), 5, 4), divided)))
	}
	path := filepath.Join(t.TempDir(), "divided.tsv")
	if err := os.WriteFile(path, []byte(strings.Join(rows, "\n")), 0o666); err != nil {
		t.Fatal(err)
	}
	if _, err := Pack(t.Context(), path, filepath.Join(t.TempDir(), "x.store"), PackOptions{}); !errors.Is(err, ErrForm) || !strings.Contains(err.Error(), path) {
		t.Errorf("packed: %v", err)
	}
	if _, err := OpenPacked(t.Context(), path, PackedOptions{}); !errors.Is(err, ErrForm) {
		t.Errorf("packed on first use: %v", err)
	}
	r := verified(t, path, VerifyOptions{})
	if r.OK() || len(r.Problems) != 1 || r.More != 0 || r.Rows != 30 || !strings.HasSuffix(r.Problems[0], "give 1 as width and height (and 29 other images)") {
		t.Errorf("%d problems and %d more: %q", len(r.Problems), r.More, r.Problems)
	}
}
