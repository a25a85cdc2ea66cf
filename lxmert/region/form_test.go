package region

import (
	"bytes"
	"encoding/base64"
	"fmt"
	"math"
	"math/rand/v2"
	"os"
	"os/exec"
	"path/filepath"
	"slices"
	"strings"
	"testing"

	"github.com/seed-516990b0/golxmert/internal/goldentest"
	"github.com/seed-516990b0/golxmert/internal/half"
)

// tsvForm is a way in which people write rows, with what is said about it.
type tsvForm struct {
	name, said, header string
	row                func(t testing.TB, r *Regions, fields []string) []string
}

var tsvForms = []tsvForm{
	{"as published", "", "", func(_ testing.TB, _ *Regions, f []string) []string { return f }},
	{"the detector's six columns", "six columns of the bottom-up-attention detector", "", func(_ testing.TB, _ *Regions, f []string) []string {
		return []string{f[colID], f[colWidth], f[colHeight], f[colCount], f[colBoxes], f[colFeatures]}
	}},
	{"a header", "the first line names the columns", strings.Join(columnNames[:], "\t") + "\r\n", func(_ testing.TB, _ *Regions, f []string) []string { return f }},
	{"a header of other columns in another order", "the first line names the columns", "features\tboxes\tcls_prob\tWidth\theight\timage_id\tnum_boxes\n", func(_ testing.TB, _ *Regions, f []string) []string {
		return []string{f[colFeatures], f[colBoxes], "AAAA", f[colWidth], f[colHeight], f[colID], f[colCount]}
	}},
	{"a mark of UTF-8", "", "\xef\xbb\xbf", func(_ testing.TB, _ *Regions, f []string) []string { return f }},
	{"bytes as Python prints them", "b'…'", "", func(_ testing.TB, _ *Regions, f []string) []string {
		return printed(f, colObjectIDs, colObjectConf, colAttrIDs, colAttrConf, colBoxes, colFeatures)
	}},
	{"all of it as Python prints bytes", "b'…'", "", func(_ testing.TB, _ *Regions, f []string) []string {
		return printed(f, colID, colObjectIDs, colObjectConf, colAttrIDs, colAttrConf, colBoxes, colFeatures)
	}},
	{"sizes as floats", "sizes are written like 480.0", "", func(_ testing.TB, _ *Regions, f []string) []string {
		f[colWidth], f[colHeight], f[colCount] = f[colWidth]+".0", f[colHeight]+".0", f[colCount]+".0"
		return f
	}},
	{"int32 ids", "objects_id is int32", "", func(t testing.TB, r *Regions, f []string) []string {
		f[colObjectIDs], f[colAttrIDs] = encoded(t, r.ObjectIDs), encoded(t, r.AttrIDs)
		return f
	}},
	{"float64 boxes and confidences", "boxes are float64", "", func(t testing.TB, r *Regions, f []string) []string {
		f[colBoxes], f[colObjectConf], f[colAttrConf] = encoded(t, wide(r.Boxes)), encoded(t, wide(r.ObjectConf)), encoded(t, wide(r.AttrConf))
		return f
	}},
	{"float64 features", "features are float64", "", func(t testing.TB, r *Regions, f []string) []string {
		f[colFeatures] = encoded(t, wide(r.Features))
		return f
	}},
}

func printed(fields []string, which ...int) []string {
	for _, i := range which {
		fields[i] = "b'" + fields[i] + "'"
	}
	return fields
}

func encoded(t testing.TB, values any) string {
	return base64.StdEncoding.EncodeToString(raw(t, values))
}

func wide(values []float32) (out []float64) {
	for _, v := range values {
		out = append(out, float64(v))
	}
	return out
}

// withoutLabels is what is left of an image where a form has none.
func withoutLabels(r *Regions) *Regions {
	c := *r
	c.ObjectIDs, c.AttrIDs, c.ObjectConf, c.AttrConf = nil, nil, nil, nil
	return &c
}

// TestTSVsOfAllFormsHoldTheSame writes the golden images in each form and reads them in every way.
func TestTSVsOfAllFormsHoldTheSame(t *testing.T) {
	for _, dir := range goldentest.Folders(t, "model") {
		images := goldenImages(t, dir)
		for _, form := range tsvForms {
			t.Run(filepath.Base(dir)+"/"+form.name, func(t *testing.T) {
				text := form.header
				var want []*Regions
				for _, r := range images {
					fields := form.row(t, r, strings.Split(asRow(t, r), "\t"))
					text += strings.Join(fields, "\t") + "\r\n"
					if len(fields) < columns {
						r = withoutLabels(r)
					}
					want = append(want, r)
				}
				path := filepath.Join(t.TempDir(), "mine.tsv")
				if err := os.WriteFile(path, []byte(text), 0o666); err != nil {
					t.Fatal(err)
				}
				zipped := filepath.Join(t.TempDir(), "mine.zip")
				writeZip(t, zipped, map[string]string{"mine.tsv": path})
				sameAll(t, path, want)
				for _, src := range []string{path, zipped} {
					sameAll(t, packed(t, src, PackOptions{}).Path(), want)
					r := verified(t, src, VerifyOptions{Rows: len(want)})
					if !r.OK() || !strings.Contains(strings.Join(r.Notes, "; "), form.said) || form.said == "" && r.Notes != nil {
						t.Errorf("%s is called %+v", src, r)
					}
				}
				s, err := Open(path)
				if err != nil {
					t.Fatal(err)
				}
				defer s.Close()
				look, err := Examine(t.Context(), s)
				if lines := strings.Join(look.Lines(path, nil), "\n"); err != nil || !strings.Contains(lines, form.said) || form.said != "" && !strings.Contains(lines, "note: "+path) || strings.Contains(lines, "warning") {
					t.Errorf("it is said %q, error %v", lines, err)
				}
			})
		}
	}
}

// sameAll compares all images of a source, and each of them alone.
func sameAll(t *testing.T, path string, want []*Regions) {
	t.Helper()
	got := collect(t, path)
	if len(got) != len(want) {
		t.Fatalf("%s has %d images, must have %d", path, len(got), len(want))
	}
	for i, r := range want {
		sameRegions(t, got[i], r)
		found, err := Find(t.Context(), path, r.ID)
		if err != nil {
			t.Fatal(err)
		}
		sameRegions(t, found, r)
	}
}

// TestAPackOfAnotherFormGoesOnInTheMiddle, where there is no first line to tell it.
func TestAPackOfAnotherFormGoesOnInTheMiddle(t *testing.T) {
	rng := rand.New(rand.NewPCG(20, 20))
	form := tsvForms[slices.IndexFunc(tsvForms, func(f tsvForm) bool { return f.name == "a header of other columns in another order" })]
	text := form.header
	for i := range shardRecords + 50 {
		r := randomRegions(rng, fmt.Sprint("image", i), 3, 32)
		text += strings.Join(form.row(t, r, strings.Split(asRow(t, r), "\t")), "\t") + "\n"
	}
	src := filepath.Join(t.TempDir(), "x.tsv")
	if err := os.WriteFile(src, []byte(text), 0o666); err != nil {
		t.Fatal(err)
	}
	whole := packed(t, src, PackOptions{})
	dst := filepath.Join(t.TempDir(), "x.store")
	if err := os.CopyFS(dst, os.DirFS(whole.Path())); err != nil {
		t.Fatal(err)
	}
	remove(t, filepath.Join(dst, shardName(1)))
	report, err := Pack(t.Context(), src, dst, PackOptions{})
	if err != nil || report.Resumed != shardRecords || !strings.Contains(strings.Join(report.Notes, ""), form.said) {
		t.Fatalf("%+v, %v", report, err)
	}
	sameFiles(t, contents(t, dst), contents(t, whole.Path()))
	s, err := OpenStore(dst)
	if err != nil {
		t.Fatal(err)
	}
	defer s.Close()
	if look, err := Examine(t.Context(), s); err != nil || len(look.Notes) != 1 || !strings.Contains(look.Notes[0], "packed from another form") || !strings.Contains(look.Notes[0], form.said) {
		t.Errorf("%+v, %v", look, err)
	}
}

func TestTypesAreToldByTheirValues(t *testing.T) {
	rng := rand.New(rand.NewPCG(21, 21))
	for range 200 {
		r := randomRegions(rng, "a", 1+rng.IntN(40), 32)
		var halves []uint16
		for _, v := range r.Features {
			halves = append(halves, half.Round(v))
		}
		for e, text := range map[element]string{float32s: encoded(t, r.Features), float64s: encoded(t, wide(r.Features)), float16s: encoded(t, halves)} {
			if got := featureType([]byte(text)); got != e {
				t.Fatalf("%s of %d boxes are taken for %s", e.named(), r.N, got.named())
			}
		}
		var small []int32
		var large []int64
		for _, v := range r.Boxes {
			small, large = append(small, int32(v)), append(large, int64(v))
		}
		for e, b := range map[element][]byte{float32s: raw(t, r.Boxes), float64s: raw(t, wide(r.Boxes)), int32s: raw(t, small), int64s: raw(t, large)} {
			if got := boxType(b, 4*r.N); got != e {
				t.Fatalf("boxes of %s are taken for %s", e.named(), got.named())
			}
		}
	}
	// Features of any size are float32 where they are float32.
	for range 200 {
		scale := math.Pow(10, 8*rng.Float64()-4)
		values := make([]float32, 2048)
		for i := range values {
			values[i] = float32(scale * rng.NormFloat64())
			if rng.IntN(2) == 0 {
				values[i] = 0
			}
		}
		if got := featureType([]byte(encoded(t, values))); got != float32s {
			t.Fatalf("float32 around %g are taken for %s", scale, got.named())
		}
	}
	for _, values := range []any{make([]float32, 100), []float32{1}, make([]float64, 100)} {
		if got := featureType([]byte(encoded(t, values))); got != float32s {
			t.Errorf("%v are taken for %s", values, got.named())
		}
	}
}

// TestWhatPeopleWriteWithPythonsCSVIsRead runs the code by which bytes get into a TSV as b'…'.
func TestWhatPeopleWriteWithPythonsCSVIsRead(t *testing.T) {
	python := goldentest.Python(t)
	dir := t.TempDir()
	script := exec.Command(python, "-c", `
import base64, csv, numpy as np
F = ["img_id", "img_h", "img_w", "objects_id", "objects_conf", "attrs_id", "attrs_conf", "num_boxes", "boxes", "features"]
b64 = lambda a: base64.b64encode(np.ascontiguousarray(a))
def row(i):
    boxes = np.array([[0, 0, 10.5, 20], [1, 2, 3, 4], [600, 400, 640, 480]])
    return {"img_id": i, "img_h": 480.0, "img_w": 640.0, "objects_id": b64(np.arange(3, dtype="int32")), "objects_conf": b64(np.ones(3) / 4), "attrs_id": b64(np.arange(3)),
            "attrs_conf": b64(np.ones(3, "float32") / 2), "num_boxes": 3, "boxes": b64(boxes), "features": b64(np.arange(48).reshape(3, 16) / 7)}
with open("mine.tsv", "w", newline="") as o:
    w = csv.DictWriter(o, F, delimiter="\t")
    w.writeheader()
    for i in ("pic_a", "pic_b"):
        w.writerow(row(i))
with open("six.tsv", "w", newline="") as o:
    for i in (391895, 522418):
        r = row(i)
        csv.writer(o, delimiter="\t").writerow([i, 640, 480, 3, b64(np.float32([[0, 0, 10.5, 20], [1, 2, 3, 4], [600, 400, 640, 480]])).decode(), b64((np.arange(48) / 7).astype("float32")).decode()])
`)
	script.Dir = dir
	if out, err := script.CombinedOutput(); err != nil {
		t.Fatalf("%v: %s", err, out)
	}
	for _, c := range []struct {
		file, id string
		labels   bool
	}{{"mine.tsv", "pic_b", true}, {"six.tsv", "522418", false}} {
		r, err := Find(t.Context(), filepath.Join(dir, c.file), c.id)
		if err != nil {
			t.Fatal(err)
		}
		var features []float32
		for i := range 48 {
			features = append(features, float32(float64(i)/7))
		}
		want := &Regions{ID: c.id, Width: 640, Height: 480, N: 3, Dim: 16, Features: features, Boxes: []float32{0, 0, 10.5, 20, 1, 2, 3, 4, 600, 400, 640, 480}}
		if c.labels {
			want.ObjectIDs, want.AttrIDs, want.ObjectConf, want.AttrConf = []int32{0, 1, 2}, []int32{0, 1, 2}, []float32{0.25, 0.25, 0.25}, []float32{0.5, 0.5, 0.5}
		}
		sameRegions(t, r, want)
	}
}

// FuzzForms: whatever the first line makes of the columns, a row that decodes is whole.
func FuzzForms(f *testing.F) {
	for _, form := range tsvForms {
		r := randomRegions(rand.New(rand.NewPCG(1, 3)), "a", 2, 16)
		row := strings.Join(form.row(f, r, strings.Split(asRow(f, r), "\t")), "\t")
		f.Add([]byte(form.header + row + "\n" + row))
	}
	f.Fuzz(func(t *testing.T, data []byte) {
		s := NewScanner(bytes.NewReader(data), "x.tsv")
		for s.Scan() {
			row := s.Row()
			var r Regions
			if row.Decode(&r) != nil {
				continue
			}
			if r.N < 1 || r.Dim < 1 || len(r.Boxes) != 4*r.N || len(r.Features) != r.N*r.Dim || r.Width < 1 || r.Height < 1 || r.ID == "" {
				t.Fatalf("%+v", r)
			}
			if !bytes.Contains(data[row.Offset:], row.ID) || 2*len(r.Features) > len(data) {
				t.Fatalf("%q at %d has %d features of %d bytes", row.ID, row.Offset, len(r.Features), len(data))
			}
			_ = r.Check()
		}
	})
}
