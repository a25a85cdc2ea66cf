package region

import (
	"archive/zip"
	"bytes"
	"encoding/binary"
	"errors"
	"fmt"
	"os"
	"os/exec"
	"path/filepath"
	"slices"
	"strings"
	"testing"

	"github.com/seed-516990b0/golxmert/internal/goldentest"
	"github.com/seed-516990b0/golxmert/internal/half"
	"github.com/seed-516990b0/golxmert/internal/safetensors"
)

// npy is an array file; values are the bytes of its numbers.
func npy(descr string, shape string, values []byte) []byte {
	header := fmt.Sprintf("{'descr': '%s', 'fortran_order': False, 'shape': %s, }", descr, shape)
	return npyWith(header, values)
}

func npyWith(header string, values []byte) []byte {
	header += strings.Repeat(" ", 63-(10+len(header))%64) + "\n"
	b := append([]byte("\x93NUMPY\x01\x00"), byte(len(header)), byte(len(header)>>8))
	return append(append(b, header...), values...)
}

type member struct {
	name string
	data []byte
}

func writeNPZ(t testing.TB, path string, method uint16, members ...member) {
	t.Helper()
	var b bytes.Buffer
	z := zip.NewWriter(&b)
	for _, m := range members {
		w, err := z.CreateHeader(&zip.FileHeader{Name: m.name + ".npy", Method: method})
		if err == nil {
			_, err = w.Write(m.data)
		}
		if err != nil {
			t.Fatal(err)
		}
	}
	if err := z.Close(); err != nil {
		t.Fatal(err)
	}
	if err := os.WriteFile(path, b.Bytes(), 0o666); err != nil {
		t.Fatal(err)
	}
}

func raw(t testing.TB, values any) []byte {
	t.Helper()
	b, err := binary.Append(nil, binary.LittleEndian, values)
	if err != nil {
		t.Fatal(err)
	}
	return b
}

// utf32 is what NumPy's str arrays hold: width characters of each string.
func utf32(width int, texts ...string) (b []byte) {
	for _, s := range texts {
		runes := append([]rune(s), make([]rune, width)...)
		for _, r := range runes[:width] {
			b = binary.LittleEndian.AppendUint32(b, uint32(r))
		}
	}
	return b
}

// goldenImages are images with equal numbers of boxes.
func goldenImages(t testing.TB, dir string) []*Regions {
	return collect(t, filepath.Join(dir, "toy", "data", "vg_gqa_imgfeat", "gqa_testdev_obj36.tsv"))
}

// asSet makes the arrays of a file with several images, padded to one more box.
func asSet(t testing.TB, images []*Regions) []member {
	n, v, dim := len(images), images[0].N+1, images[0].Dim
	var ids []string
	var feats, boxes []float32
	var widths, heights, counts []int64
	var objects []int32
	var conf []float32
	for _, r := range images {
		ids, widths, heights, counts = append(ids, r.ID), append(widths, int64(r.Width)), append(heights, int64(r.Height)), append(counts, int64(r.N))
		feats = append(append(feats, r.Features...), make([]float32, dim)...)
		boxes = append(append(boxes, r.Boxes...), make([]float32, 4)...)
		objects = append(append(objects, r.ObjectIDs...), 0)
		conf = append(append(conf, r.AttrConf...), 0)
	}
	return []member{
		{"ids", npy("<U7", fmt.Sprintf("(%d,)", n), utf32(7, ids...))},
		{"features", npy("<f4", fmt.Sprintf("(%d, %d, %d)", n, v, dim), raw(t, feats))},
		{"boxes", npy("<f4", fmt.Sprintf("(%d, %d, 4)", n, v), raw(t, boxes))},
		{"width", npy("<i8", fmt.Sprintf("(%d,)", n), raw(t, widths))},
		{"height", npy("<i8", fmt.Sprintf("(%d,)", n), raw(t, heights))},
		{"num_boxes", npy("<i8", fmt.Sprintf("(%d,)", n), raw(t, counts))},
		{"objects", npy("<i4", fmt.Sprintf("(%d, %d)", n, v), raw(t, objects))},
		{"attrs", npy("<f4", fmt.Sprintf("(%d, %d)", n, v), raw(t, conf))},
		{"notes", []byte("anything")},
	}
}

func sameImage(t *testing.T, got, want *Regions) {
	t.Helper()
	if got.ID != want.ID || got.Width != want.Width || got.Height != want.Height || got.N != want.N || got.Dim != want.Dim {
		t.Errorf("%s %dx%d, %d boxes of %d features, expected %s %dx%d, %d of %d", got.ID, got.Width, got.Height, got.N, got.Dim, want.ID, want.Width, want.Height, want.N, want.Dim)
	}
	equal(t, want.ID+" boxes", got.Boxes, want.Boxes)
	equal(t, want.ID+" features", got.Features, want.Features)
	equal(t, want.ID+" objects", got.ObjectIDs, want.ObjectIDs)
	equal(t, want.ID+" attrs", got.AttrConf, want.AttrConf)
}

func TestSetsHoldWhatTheTSVHolds(t *testing.T) {
	for _, dir := range goldentest.Folders(t, "model") {
		images := goldenImages(t, dir)
		for name, method := range map[string]uint16{"stored.npz": zip.Store, "deflated.npz": zip.Deflate} {
			path := filepath.Join(t.TempDir(), name)
			writeNPZ(t, path, method, asSet(t, images)...)
			got := collect(t, path)
			if len(got) != len(images) {
				t.Fatalf("%d images, expected %d", len(got), len(images))
			}
			for i, want := range images {
				sameImage(t, got[i], want)
				found, err := Find(t.Context(), path, want.ID)
				if err != nil {
					t.Fatal(err)
				}
				sameImage(t, found, want)
			}
			_, err := Find(t.Context(), path, "n10")
			if !errors.Is(err, ErrNotFound) || !strings.Contains(err.Error(), images[0].ID) {
				t.Error(err)
			}
		}
	}
}

// writeSafetensors writes the regions of one image.
func writeSafetensors(t testing.TB, path string, r *Regions) {
	t.Helper()
	number := func(name string, v int) safetensors.Item {
		return safetensors.Item{Name: name, DType: "I64", Values: safetensors.Raw(raw(t, int64(v)))}
	}
	items := []safetensors.Item{
		number("width", r.Width), number("height", r.Height),
		{Name: "features", DType: "F32", Shape: []int{r.N, r.Dim}, Values: safetensors.Raw(raw(t, r.Features))},
		{Name: "boxes", DType: "F32", Shape: []int{r.N, 4}, Values: safetensors.Raw(raw(t, r.Boxes))},
		{Name: "objects_id", DType: "I32", Shape: []int{r.N}, Values: safetensors.Raw(raw(t, r.ObjectIDs))},
		{Name: "attrs_conf", DType: "F32", Shape: []int{r.N}, Values: safetensors.Raw(raw(t, r.AttrConf))},
	}
	var b bytes.Buffer
	if err := safetensors.Write(&b, items, nil); err != nil {
		t.Fatal(err)
	}
	if err := os.WriteFile(path, b.Bytes(), 0o666); err != nil {
		t.Fatal(err)
	}
}

func TestAFolderHoldsOneFilePerImage(t *testing.T) {
	for _, dir := range goldentest.Folders(t, "model") {
		images, at := goldenImages(t, dir), t.TempDir()
		if err := os.Mkdir(filepath.Join(at, "val"), 0o777); err != nil {
			t.Fatal(err)
		}
		var ids []string
		for _, r := range images {
			r.ID = "val/" + r.ID
			ids = append(ids, r.ID)
			writeSafetensors(t, filepath.Join(at, r.ID+".safetensors"), r)
		}
		s, err := Open(at)
		if err != nil {
			t.Fatal(err)
		}
		got, err := s.IDs(t.Context())
		if err != nil || !slices.Equal(got, ids) {
			t.Errorf("ids %q, %v, expected %q", got, err, ids)
		}
		for i, r := range collect(t, at) {
			sameImage(t, r, images[i])
		}
		for _, want := range images {
			r, err := s.Find(t.Context(), want.ID)
			if err != nil {
				t.Fatal(err)
			}
			sameImage(t, r, want)
		}
		for _, id := range []string{"../" + filepath.Base(at) + "/" + ids[0], "/etc/passwd", "val", ""} {
			if _, err := s.Find(t.Context(), id); !errors.Is(err, ErrNotFound) {
				t.Errorf("%q: %v", id, err)
			}
		}
	}
}

func TestWhatPythonWritesIsRead(t *testing.T) {
	python := goldentest.Python(t)
	dir := t.TempDir()
	script := exec.Command(python, "-c", `
import numpy as np
x = np.arange(24, dtype="float32").reshape(3, 8)
b = np.array([[0, 0, 10, 20]] * 3, dtype="float64")
np.savez("one.npz", features=x, boxes=b, width=640, height=480)
np.savez_compressed("set.npz", features=np.stack([x, -x]).astype("float16"), boxes=np.stack([b, b]), width=[640, 320], height=480,
                    ids=np.array(["näh", "b"]), attrs_id=np.ones((2, 3), "uint8"))
np.savez("fortran.npz", features=np.asfortranarray(x), boxes=np.asfortranarray(b), width=640, height=480)
`)
	script.Dir = dir
	if out, err := script.CombinedOutput(); err != nil {
		t.Fatalf("%v: %s", err, out)
	}
	one := collect(t, filepath.Join(dir, "one.npz"))
	if r := one[0]; len(one) != 1 || r.ID != "one" || r.Features[23] != 23 || r.Boxes[7] != 20 || r.Width != 640 || r.ObjectIDs != nil {
		t.Errorf("%+v", r)
	}
	set := collect(t, filepath.Join(dir, "set.npz"))
	if r := set[1]; len(set) != 2 || set[0].ID != "näh" || r.Features[23] != -23 || r.Width != 320 || r.Height != 480 || r.AttrIDs[2] != 1 {
		t.Errorf("%+v", r)
	}
	columnwise := collect(t, filepath.Join(dir, "fortran.npz"))[0]
	columnwise.ID, columnwise.Source = one[0].ID, one[0].Source
	sameRegions(t, columnwise, one[0])
}

func TestHostileArraysAreNamedErrors(t *testing.T) {
	f4 := func(n int) []byte { return make([]byte, 4*n) }
	size := []member{{"width", npy("<i4", "()", raw(t, int32(640)))}, {"height", npy("<i4", "()", raw(t, int32(480)))}}
	boxes := member{"boxes", npy("<f4", "(3, 4)", f4(12))}
	with := func(ms ...member) []member { return append(ms, size...) }
	header := func(h string) []member { return with(member{"features", npyWith(h, f4(6))}, boxes) }
	bomb := member{"features", npy("<f4", "(3, 134217728)", f4(6))}
	for _, c := range []struct {
		name, want string
		members    []member
	}{
		{"a shape that lies", "of header and 1610612736 of shape [3 134217728] belong", with(bomb, boxes)},
		{"a zip bomb", "far more than the file has", with(member{"features", npy("<f4", "(3, 8388608)", f4(3*8388608))}, boxes)},
		{"a set of 2^49 images", "562949953421312 of shape [562949953421312 1 1] belong", with(member{"features", npy("|u1", "(562949953421312, 1, 1)", nil)}, boxes)},
		{"an impossible shape", "the shape [4611686018427387904 8] is impossibly large", header("{'descr': '<f4', 'fortran_order': False, 'shape': (4611686018427387904, 8)}")},
		{"a negative shape", "not one that np.save writes", header("{'descr': '<f4', 'fortran_order': False, 'shape': (-3, 2)}")},
		{"a shape that is a number", "not one that np.save writes", header("{'descr': '<f4', 'fortran_order': False, 'shape': (6)}")},
		{"code for a shape", "not one that np.save writes", header("{'descr': '<f4', 'fortran_order': False, 'shape': exit()}")},
		{"three axes in Fortran order", "an array of more than two axes is in Fortran order", header("{'descr': '<f4', 'fortran_order': True, 'shape': (1, 3, 2)}")},
		{"two types", "not one that np.save writes", header("{'descr': '<f4', 'descr': '<f8', 'fortran_order': False, 'shape': (3, 2)}")},
		{"something more", "not one that np.save writes", header("{'descr': '<f4', 'fortran_order': False, 'shape': (3, 2), 'x': 1}")},
		{"text after the dict", "not one that np.save writes", header("{'descr': '<f4', 'fortran_order': False, 'shape': (3, 2)} or 1")},
		{"no shape", "not one that np.save writes", header("{'descr': '<f4', 'fortran_order': False}")},
		{"objects", "\"|O\" is not read", header("{'descr': '|O', 'fortran_order': False, 'shape': (3, 2)}")},
		{"records", "records or objects", header("{'descr': [('a', '<f4')], 'fortran_order': False, 'shape': (3, 2)}")},
		{"big-endian", `save x.astype("<f4")`, header("{'descr': '>f4', 'fortran_order': False, 'shape': (3, 2)}")},
		{"complex numbers", "is not read", header("{'descr': '<c8', 'fortran_order': False, 'shape': (3, 1)}")},
		{"integers", "features has type i4, must be floating-point", header("{'descr': '<i4', 'fortran_order': False, 'shape': (3, 2)}")},
		{"no header", "the values end too early", with(member{"features", []byte("\x93NUMPY\x01\x00\x76")}, boxes)},
		{"a header of 4 GB", "at most 65536 are read", with(member{"features", []byte("\x93NUMPY\x02\x00\xff\xff\xff\xff{}")}, boxes)},
		{"another version", "version 9", with(member{"features", []byte("\x93NUMPY\x09\x00\x76\x00")}, boxes)},
		{"no array", "features: not an array of NumPy", with(member{"features", []byte("hello, hello, hello")}, boxes)},
		{"no features", `no array features; it has "boxes", "height", "width"; needed are features [n,F], boxes [n,4] in pixels, width and height, or what OpenVQA`, with(boxes)},
		{"features the other way round", "boxes has shape [3 4], beside these features it must be [7 4]; if the features are [features, boxes], save them the other way round", with(member{"features", npy("<f4", "(7, 3)", f4(21))}, boxes)},
		{"boxes with their area", "boxes has shape [3 5], beside these features it must be [3 4]; boxes with more numbers", with(member{"features", npy("<f4", "(3, 7)", f4(21))}, member{"boxes", npy("<f4", "(3, 5)", f4(15))})},
		{"x of as many features as boxes", "x has shape [3 3] beside 3 boxes: either axis may be the boxes; save it as features, [boxes, features]", with(member{"x", npy("<f4", "(3, 3)", f4(9))}, member{"bbox", npy("<f4", "(3, 4)", f4(12))})},
		{"x of another number of boxes", "bbox has shape [3 4], beside these features it must be [5 4]", with(member{"x", npy("<f4", "(5, 7)", f4(35))}, member{"bbox", npy("<f4", "(3, 4)", f4(12))})},
		{"shares that are pixels", "norm_bb of box 0 is 2, must be shares of the picture's size, from 0 to 1; call them boxes if they are pixels", []member{{"features", npy("<f4", "(1, 2)", f4(2))}, {"norm_bb", npy("<f4", "(1, 4)", raw(t, []float32{0, 0, 2, 3}))}}},
		{"shares of another order", "norm_bb: the box [0 0 0.5 0.5 0.1 0.1] is not x0, y0, x1, y1, width, height", []member{{"features", npy("<f4", "(1, 2)", f4(2))}, {"norm_bb", npy("<f4", "(1, 6)", raw(t, []float32{0, 0, 0.5, 0.5, 0.1, 0.1}))}}},
		{"shares of a picture of some width", "there is no height of the pictures", []member{size[0], {"features", npy("<f4", "(1, 2)", f4(2))}, {"norm_bb", npy("<f4", "(1, 4)", f4(4))}}},
		{"no boxes", "no array boxes", with(member{"features", npy("<f4", "(3, 2)", f4(6))})},
		{"no sizes", "no width of the pictures", []member{{"features", npy("<f4", "(3, 2)", f4(6))}, boxes}},
		{"boxes of another number", "boxes has shape [3 4], beside these features it must be [5 4]", with(member{"features", npy("<f4", "(5, 2)", f4(10))}, boxes)},
		{"no boxes at all", "there is nothing in it", with(member{"features", npy("<f4", "(0, 2)", nil)}, boxes)},
		{"NaN width", "width of image 0 is not a whole number", append([]member{{"width", npy("<f4", "()", []byte{0, 0, 0xc0, 0x7f})}, {"features", npy("<f4", "(3, 2)", f4(6))}, boxes}, size[1])},
		{"a width of 2^63", "width of image 0 is not a whole number", append([]member{{"width", npy("<u8", "()", bytes.Repeat([]byte{255}, 8))}, {"features", npy("<f4", "(3, 2)", f4(6))}, boxes}, size[1])},
		{"widths of more images", "width has shape [2]", append([]member{{"width", npy("<i4", "(2,)", f4(2))}, {"features", npy("<f4", "(3, 2)", f4(6))}, boxes}, size[1])},
		{"more boxes than there are", "num_boxes of image 0 is not a whole number from 1 to 3", with(member{"features", npy("<f4", "(3, 2)", f4(6))}, boxes, member{"num_boxes", npy("|u1", "()", []byte{4})})},
		{"two arrays of one name", "two arrays are called", with(boxes, boxes)},
		{"ids that are numbers", "ids has type i4", with(member{"features", npy("<f4", "(1, 3, 2)", f4(6))}, boxes, member{"ids", npy("<i4", "(1,)", f4(1))})},
		{"objects twice", "mean the same", with(member{"features", npy("<f4", "(3, 2)", f4(6))}, boxes, member{"objects", npy("<i4", "(3,)", f4(3))}, member{"objects_id", npy("<i4", "(3,)", f4(3))})},
		{"class numbers with fractions", "attrs_id has type f4, must be integers", with(member{"features", npy("<f4", "(3, 2)", f4(6))}, boxes, member{"attrs_id", npy("<f4", "(3,)", f4(3))})},
	} {
		t.Run(c.name, func(t *testing.T) {
			path := filepath.Join(t.TempDir(), "x.npz")
			writeNPZ(t, path, zip.Deflate, c.members...)
			wantError(t, path, c.want)
		})
	}
}

func wantError(t *testing.T, path, want string) {
	t.Helper()
	s, err := Open(path)
	if err == nil {
		defer s.Close()
		for _, e := range s.All(t.Context()) {
			err = e
		}
	}
	if !errors.Is(err, ErrFormat) || !strings.Contains(err.Error(), want) || !strings.Contains(err.Error(), path) || strings.Contains(err.Error(), "\n") {
		t.Errorf("error %v does not say %q", err, want)
	}
}

// TestCutAndFlippedArchives: whatever happens to a file, the answer is the image as it was or an error.
func TestCutAndFlippedArchives(t *testing.T) {
	for _, dir := range goldentest.Folders(t, "model")[:1] {
		images := goldenImages(t, dir)[:1]
		want := images[0]
		path := filepath.Join(t.TempDir(), want.ID+".safetensors")
		writeSafetensors(t, path, want)
		cutEverywhere(t, path)
		path = filepath.Join(t.TempDir(), "x.npz")
		writeNPZ(t, path, zip.Store, asSet(t, images)...)
		cutEverywhere(t, path)

		data, err := os.ReadFile(path)
		if err != nil {
			t.Fatal(err)
		}
		at := bytes.Index(data, raw(t, want.Features[:4]))
		data[at+5] ^= 1
		if err := os.WriteFile(path, data, 0o666); err != nil {
			t.Fatal(err)
		}
		wantError(t, path, "features: zip: checksum error")
	}
}

func cutEverywhere(t *testing.T, path string) {
	t.Helper()
	data, err := os.ReadFile(path)
	if err != nil {
		t.Fatal(err)
	}
	for n := 0; n < len(data); n += 1 + len(data)/150 {
		if err := os.WriteFile(path, data[:n], 0o666); err != nil {
			t.Fatal(err)
		}
		wantError(t, path, "")
	}
	if err := os.WriteFile(path, data, 0o666); err != nil {
		t.Fatal(err)
	}
}

func TestHalvesWidenExactly(t *testing.T) {
	for h, want := range map[uint16]float32{0x3c00: 1, 0xc000: -2, 0x7bff: 65504, 0x0001: 1.0 / (1 << 24), 0x0400: 1.0 / (1 << 14), 0x8000: 0, 0x3555: 0.333251953125} {
		if got := half.Widen(h); got != want {
			t.Errorf("%#x is %v, expected %v", h, got, want)
		}
	}
}
