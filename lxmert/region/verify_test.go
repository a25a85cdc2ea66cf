package region

import (
	"context"
	"errors"
	"math"
	"math/rand/v2"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"testing"

	"github.com/seed-516990b0/golxmert/internal/goldentest"
)

func verified(t *testing.T, path string, opt VerifyOptions) Report {
	t.Helper()
	r, err := Verify(t.Context(), path, opt)
	if err != nil {
		t.Fatal(err)
	}
	return r
}

// TestGoldenFilesAreSound also checks that a file and its store have one fingerprint.
func TestGoldenFilesAreSound(t *testing.T) {
	for _, dir := range goldentest.Folders(t, "model") {
		for _, path := range tsvFiles(t, dir) {
			r := verified(t, path, VerifyOptions{})
			if !r.OK() || r.Kind != "TSV" || r.Rows == 0 {
				t.Errorf("%+v", r)
			}
			store := verified(t, packed(t, path, PackOptions{}).Path(), VerifyOptions{Rows: r.Rows})
			if !store.OK() || store.Kind != "store" || store.Fingerprint != r.Fingerprint || store.Images != r.Images {
				t.Errorf("%+v, expected as in %+v", store, r)
			}
		}
	}
}

func TestAllProblemsAreCollected(t *testing.T) {
	path := filepath.Join(t.TempDir(), "x.tsv")
	var rows, want []string
	add := func(row, problem string) {
		rows = append(rows, row)
		if problem != "" {
			want = append(want, problem)
		}
	}
	add(rowText("a", 3, 4, nil), "")
	add(rowText("b", 3, 4, map[int]string{colBoxes: strings.Repeat("!", 64)}), "x.tsv:2:boxes: character 1 is not proper base64")
	add("c\t1\t2", "x.tsv:3:objects_id: missing")
	add("", "")
	add(rowText("d", 3, 4, map[int]string{colHeight: "50"}), `x.tsv: box outside the picture: image "d", y0 of box 0 is 100`)
	add(rowText("e", 3, 5, nil), `image "e" has 5 features per box, the first one has 4`)
	nan := randomRegions(rand.New(rand.NewPCG(1, 1)), "f", 2, 4)
	nan.Features[5] = float32(math.NaN())
	add(asRow(t, nan), `x.tsv: image "f": features of box 1, number 1, is NaN`)
	add(rowText("a", 3, 4, nil), "")
	if err := os.WriteFile(path, []byte(strings.Join(rows, "\n")+"\n"), 0o666); err != nil {
		t.Fatal(err)
	}
	r := verified(t, path, VerifyOptions{Rows: 8})
	want = append(want, "x.tsv: 5 rows, there must be 8")
	if len(r.Problems) != len(want) {
		t.Fatalf("%q, expected %q", r.Problems, want)
	}
	for i, w := range want {
		if !strings.Contains(r.Problems[i], w) || strings.Contains(r.Problems[i], "unreadable") {
			t.Errorf("problem %q does not say %q", r.Problems[i], w)
		}
	}
	if r.Rows != 5 || r.Images != 4 || r.More != 0 || r.Fingerprint.Infinite != 1 || r.Fingerprint.Outside != 3 || !strings.Contains(r.Warnings[0], `1 ids occur more than once, such as "a"`) {
		t.Errorf("%+v", r)
	}
	if math.IsNaN(r.Fingerprint.Mean) || math.IsNaN(r.Fingerprint.Std) {
		t.Errorf("%+v", r.Fingerprint)
	}

	bad := strings.Repeat("c\t1\t2\n", 50)
	if err := os.WriteFile(path, []byte(bad), 0o666); err != nil {
		t.Fatal(err)
	}
	if r := verified(t, path, VerifyOptions{}); len(r.Problems) != maxProblems || r.More != 30 {
		t.Errorf("%d problems and %d more", len(r.Problems), r.More)
	}
}

func TestVerifyingAnArchiveFindsItsChecksum(t *testing.T) {
	dir := t.TempDir()
	src, zipped := filepath.Join(dir, "x.tsv"), filepath.Join(dir, "x.zip")
	randomTSV(t, src, 60)
	writeZip(t, zipped, map[string]string{"x.tsv": src})
	if r := verified(t, zipped, VerifyOptions{}); !r.OK() || r.Rows != 60 || r.Kind != "zip" {
		t.Errorf("%+v", r)
	}
	data, err := os.ReadFile(zipped)
	if err != nil {
		t.Fatal(err)
	}
	data[strings.Index(string(data), "PK\x01\x02")+16] ^= 1
	if err := os.WriteFile(zipped, data, 0o666); err != nil {
		t.Fatal(err)
	}
	if r := verified(t, zipped, VerifyOptions{}); r.OK() || !strings.Contains(r.Problems[0], "checksum error") {
		t.Errorf("%+v", r)
	}
}

func TestVerifyingCanBeCancelledAndToldOf(t *testing.T) {
	src := filepath.Join(t.TempDir(), "x.tsv")
	randomTSV(t, src, 1100)
	for _, path := range []string{src, packed(t, src, PackOptions{}).Path()} {
		var last, whole int64
		rows := 0
		verified(t, path, VerifyOptions{Progress: func(done, total int64, n int) {
			if done < last || done > total || n != rows+1 {
				t.Fatalf("%s: %d of %d bytes, %d images after %d and %d", path, done, total, n, last, rows)
			}
			last, whole, rows = done, total, n
		}})
		if rows != 1100 || last < whole*9/10 {
			t.Errorf("%s: %d images, %d of %d bytes at the end", path, rows, last, whole)
		}
		ctx, cancel := context.WithCancel(t.Context())
		_, err := Verify(ctx, path, VerifyOptions{Progress: func(int64, int64, int) { cancel() }})
		if !errors.Is(err, context.Canceled) {
			t.Error(err)
		}
	}
	if _, err := Verify(t.Context(), filepath.Join(t.TempDir(), "none.tsv"), VerifyOptions{}); err == nil {
		t.Error("a file that is not there is sound")
	}
}

// numbers is an image of two boxes whose features and boxes are easy to add up.
func numbers() *Regions {
	return &Regions{
		ID: "a", Source: "x", Width: 100, Height: 50, N: 2, Dim: 4,
		Features:   []float32{0, 1, 2, 3, 0, 0, 0, 0},
		Boxes:      []float32{0, 0, 50, 50, 20, 10, 30, 20},
		ObjectConf: []float32{0.5, 1},
	}
}

func TestFingerprintsAddUp(t *testing.T) {
	var sum tally
	r := numbers()
	sum.add(measure(r), r.N, r.Dim, r.Width, r.Height)
	want := Fingerprint{
		Images: 1, Dim: 4, Boxes: 2, MinBoxes: 2, MaxBoxes: 2,
		Mean: 0.75, Std: math.Sqrt(14.0/8 - 0.5625), Zeros: 5.0 / 8,
		BoxWidth: 0.3, BoxHeight: 0.6, BoxArea: (0.5 + 0.1*0.2) / 2, Width: 100, Height: 50, Empty: 1, Farthest: 50,
	}
	got := sum.fingerprint()
	near := func(a, b float64) bool { return math.Abs(a-b) < 1e-12 }
	if !near(got.BoxWidth, want.BoxWidth) || !near(got.BoxHeight, want.BoxHeight) || !near(got.BoxArea, want.BoxArea) || !near(got.Std, want.Std) {
		t.Errorf("%+v, expected %+v", got, want)
	}
	got.BoxWidth, got.BoxHeight, got.BoxArea, got.Std = want.BoxWidth, want.BoxHeight, want.BoxArea, want.Std
	if got != want {
		t.Errorf("%+v, expected %+v", got, want)
	}
	if f := (&tally{}).fingerprint(); f != (Fingerprint{}) || f.Warnings() != nil {
		t.Errorf("%+v of nothing", f)
	}
}

func TestWhatIsNotAsPublishedIsAWarning(t *testing.T) {
	like := Fingerprint{Images: 10, Dim: 2048, Boxes: 360, MinBoxes: 36, MaxBoxes: 36, Mean: 0.4, Std: 0.9, Zeros: 0.5, BoxWidth: 0.3, BoxHeight: 0.3, BoxArea: 0.1, Width: 600, Height: 400, Farthest: 599}
	if w := like.Warnings(); len(w) > 0 {
		t.Errorf("%q", w)
	}
	if d := like.Compare(like); len(d) > 0 {
		t.Errorf("%q", d)
	}
	for _, c := range []struct {
		warning, difference string
		change              func(*Fingerprint)
	}{
		{"16 features per box", "16 features per box, not 2048", func(f *Fingerprint) { f.Dim = 16 }},
		{"8 to 100 boxes per image", "", func(f *Fingerprint) { f.MinBoxes, f.MaxBoxes = 8, 100 }},
		{"1 % of the features are negative", "", func(f *Fingerprint) { f.Negative = 0.01 }},
		{"30 % of the features are negative", "share of negative features is 0.3, not about 0", func(f *Fingerprint) { f.Negative = 0.3 }},
		{"all features are 0", "mean of the features is 0, not about 0.4", func(f *Fingerprint) { f.Mean, f.Std = 0, 0 }},
		{"the features of 7 of 360 boxes are all 0", "", func(f *Fingerprint) { f.Empty = 7 }},
		{"divided by the picture's size already", "", func(f *Fingerprint) { f.Farthest = 1 }},
		{"9 of 360 boxes have no area", "", func(f *Fingerprint) { f.Inverted = 9 }},
		{"3 confidences are not within 0 and 1", "", func(f *Fingerprint) { f.Confidence = 3 }},
		{"", "mean of the features is 0.8, not about 0.4", func(f *Fingerprint) { f.Mean = 0.8 }},
		{"", "standard deviation of the features is 0.5, not about 0.9", func(f *Fingerprint) { f.Std = 0.5 }},
		{"", "share of features that are 0 is 0.7, not about 0.5", func(f *Fingerprint) { f.Zeros = 0.7 }},
		{"", "mean number of boxes per image is 72, not about 36", func(f *Fingerprint) { f.Boxes = 720 }},
		{"", "mean width of boxes", func(f *Fingerprint) { f.BoxWidth = 0.1 }},
		{"", "mean height of boxes", func(f *Fingerprint) { f.BoxHeight = 0.9 }},
		{"", "mean area of boxes", func(f *Fingerprint) { f.BoxArea = 0.2 }},
	} {
		f := like
		c.change(&f)
		if w := strings.Join(f.Warnings(), "\n"); (w == "") != (c.warning == "") || !strings.Contains(w, c.warning) {
			t.Errorf("warnings %q do not say %q", w, c.warning)
		}
		if d := strings.Join(f.Compare(like), "\n"); (d == "") != (c.difference == "") && c.warning != "all features are 0" || !strings.Contains(d, c.difference) {
			t.Errorf("differences %q do not say %q", d, c.difference)
		}
	}
}

// TestFeaturesOfOtherPicturesAreAlike and those that were scaled are not.
func TestFeaturesOfOtherPicturesAreAlike(t *testing.T) {
	rng := rand.New(rand.NewPCG(8, 9))
	of := func(scale float32) Fingerprint {
		var sum tally
		for range 300 {
			r := randomRegions(rng, "x", 1+rng.IntN(5), 8)
			for k := range r.Features {
				r.Features[k] *= scale
			}
			sum.add(measure(r), r.N, r.Dim, r.Width, r.Height)
		}
		return sum.fingerprint()
	}
	a := of(1)
	if d := a.Compare(of(1)); len(d) > 0 {
		t.Errorf("%q", d)
	}
	if d := a.Compare(of(2)); len(d) != 2 || !slices.ContainsFunc(d, func(s string) bool { return strings.Contains(s, "mean of the features") }) {
		t.Errorf("%q", d)
	}
	src := filepath.Join(t.TempDir(), "x.tsv")
	randomTSV(t, src, 300)
	if r := verified(t, src, VerifyOptions{Against: &a}); !r.OK() || !slices.ContainsFunc(r.Warnings, func(s string) bool { return s == "3 features per box, not 8" }) {
		t.Errorf("%+v", r)
	}
}
