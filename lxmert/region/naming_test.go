package region

import (
	"archive/zip"
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
)

// matrix is an array of float32, [n,width], given row by row; turned stands the other way round, [width,n].
func matrix(t testing.TB, values []float32, width int, turned bool) []byte {
	n := len(values) / width
	if !turned {
		return npy("<f4", fmt.Sprintf("(%d, %d)", n, width), raw(t, values))
	}
	other := make([]float32, len(values))
	for i := range n {
		for k := range width {
			other[k*n+i] = values[i*width+k]
		}
	}
	return npy("<f4", fmt.Sprintf("(%d, %d)", width, n), raw(t, other))
}

// number is an array with one.
func number(t testing.TB, v int) []byte { return npy("<i8", "()", raw(t, int64(v))) }

// shares are an image's boxes divided by its size, as [n,width] with further numbers.
func shares(t testing.TB, r *Regions, width int) []float32 {
	t.Helper()
	normal, err := r.NormalBoxes(nil)
	if err != nil {
		t.Fatal(err)
	}
	var out []float32
	for b := normal; len(b) > 0; b = b[4:] {
		w, h := b[2]-b[0], b[3]-b[1]
		out = append(out, append(slices.Clone(b[:4]), w, h, w*h)[:width]...)
	}
	return out
}

// arrayForms are what other programs write about an image, with what is said about it.
var arrayForms = []struct {
	name, said, ending string
	members            func(t testing.TB, r *Regions) []member
}{
	{"OpenVQA", "x is [features, boxes]", ".jpg.npz", func(t testing.TB, r *Regions) []member {
		return []member{{"x", matrix(t, r.Features, r.Dim, true)}, {"bbox", matrix(t, r.Boxes, 4, false)}, {"num_bbox", number(t, r.N)}, {"image_h", number(t, r.Height)}, {"image_w", number(t, r.Width)}}
	}},
	{"bottom-up-attention.pytorch", "info, a Python object, is not read", ".npz", func(t testing.TB, r *Regions) []member {
		return []member{
			{"x", matrix(t, r.Features, r.Dim, false)}, {"bbox", matrix(t, r.Boxes, 4, false)}, {"num_bbox", number(t, r.N)}, {"image_h", number(t, r.Height)}, {"image_w", number(t, r.Width)},
			{"info", npyWith("{'descr': '|O', 'fortran_order': False, 'shape': (), }", []byte("\x80\x04K\x01."))},
		}
	}},
	{"UNITER", "norm_bb are shares of a picture whose size the file does not say", ".npz", func(t testing.TB, r *Regions) []member {
		soft := make([]float32, r.N*publishedClasses)
		for i, class := range r.ObjectIDs {
			soft[i*publishedClasses] = 0.6 // the background does not count
			soft[i*publishedClasses+1+int(class)] = 0.4
		}
		return []member{
			{"features", matrix(t, r.Features, r.Dim, false)}, {"norm_bb", matrix(t, shares(t, r, 6), 6, false)},
			{"conf", npy("<f4", fmt.Sprintf("(%d,)", r.N), raw(t, r.ObjectConf))}, {"soft_labels", matrix(t, soft, publishedClasses, false)},
		}
	}},
	{"shares of four numbers, and sizes", "norm_bb are shares of the picture's size", ".npz", func(t testing.TB, r *Regions) []member {
		return []member{{"features", matrix(t, r.Features, r.Dim, false)}, {"norm_bb", matrix(t, shares(t, r, 4), 4, false)}, {"width", number(t, r.Width)}, {"height", number(t, r.Height)}}
	}},
	{"shares of seven numbers", "norm_bb are shares", ".npz", func(t testing.TB, r *Regions) []member {
		return []member{{"x", matrix(t, r.Features, r.Dim, true)}, {"norm_bb", matrix(t, shares(t, r, 7), 7, false)}}
	}},
}

// TestArraysOfOtherProgramsHoldTheSame writes the golden images in each form, as files in a folder, and reads them alone,
// by their folder and through a store.
func TestArraysOfOtherProgramsHoldTheSame(t *testing.T) {
	for _, dir := range goldentest.Folders(t, "model") {
		for _, form := range arrayForms {
			t.Run(filepath.Base(dir)+"/"+form.name, func(t *testing.T) {
				folder := t.TempDir()
				images := map[string]*Regions{}
				for _, r := range goldenImages(t, dir) {
					images[r.ID] = r
					path := filepath.Join(folder, r.ID+form.ending)
					writeNPZ(t, path, zip.Deflate, form.members(t, r)...)
					alone := collect(t, path)
					if len(alone) != 1 {
						t.Fatalf("%d images in %s", len(alone), path)
					}
					sameNormal(t, alone[0], r)
				}
				store := packed(t, folder, PackOptions{})
				for _, path := range []string{folder, store.Path()} {
					all := collect(t, path)
					if len(all) != len(images) {
						t.Fatalf("%d images in %s, must be %d", len(all), path, len(images))
					}
					for _, got := range all {
						if images[got.ID] == nil {
							t.Fatalf("there is an image %s in %s", got.ID, path)
						}
						sameNormal(t, got, images[got.ID])
						found, err := Find(t.Context(), path, got.ID)
						if err != nil {
							t.Fatal(err)
						}
						sameNormal(t, found, images[got.ID])
					}
					r := verified(t, path, VerifyOptions{Rows: len(images)})
					if !r.OK() {
						t.Errorf("%+v", r)
					}
					s, err := Open(path)
					if err != nil {
						t.Fatal(err)
					}
					look, err := Examine(t.Context(), s)
					if err != nil || !strings.Contains(strings.Join(look.Notes, "; "), form.said) || len(look.Doubts) > 0 {
						t.Errorf("%s: %+v, error %v", path, look, err)
					}
					if err := s.Close(); err != nil {
						t.Error(err)
					}
				}
			})
		}
	}
}

// sameNormal compares what a model sees: features bit for bit, and boxes as shares of the picture, to the last bits where
// they were multiplied by its size; and labels where there are some.
func sameNormal(t *testing.T, got, want *Regions) {
	t.Helper()
	if got.ID != want.ID || got.N != want.N || got.Dim != want.Dim || got.Width != want.Width && got.Width != 1 || got.Height != want.Height && got.Height != 1 {
		t.Errorf("%s %dx%d, %d boxes of %d features, expected %s %dx%d, %d of %d", got.ID, got.Width, got.Height, got.N, got.Dim, want.ID, want.Width, want.Height, want.N, want.Dim)
	}
	equal(t, want.ID+" features", got.Features, want.Features)
	boxes, err := got.NormalBoxes(nil)
	if err != nil {
		t.Fatal(err)
	}
	normal, err := want.NormalBoxes(nil)
	if err != nil {
		t.Fatal(err)
	}
	for i, v := range normal {
		if d := boxes[i] - v; d > 2e-7 || -d > 2e-7 || got.Width == 1 && d != 0 {
			t.Fatalf("%s: coordinate %d is %v, expected %v", want.ID, i, boxes[i], v)
		}
	}
	if got.ObjectIDs != nil {
		equal(t, want.ID+" classes", got.ObjectIDs, want.ObjectIDs)
	}
	if got.ObjectConf != nil {
		equal(t, want.ID+" confidences", got.ObjectConf, want.ObjectConf)
	}
	if info := got.Info(); info.Width == 1 || info.Height == 1 {
		t.Errorf("%s: a picture of %d x %d pixels would be drawn", want.ID, info.Width, info.Height)
	}
}

// TestOtherProgramsInPython writes with the calls of those programs, in half precision where they do.
func TestOtherProgramsInPython(t *testing.T) {
	python := goldentest.Python(t)
	dir := t.TempDir()
	script := exec.Command(python, "-c", `
import numpy as np
x = (np.arange(24) / 7).astype("float32").reshape(3, 8)
b = np.array([[0, 0, 320, 240], [10, 20, 30, 40], [600, 400, 640, 480]], dtype="float32")
n = np.concatenate([b / [640, 480, 640, 480], (b[:, 2:] - b[:, :2]) / [640, 480]], 1)
np.savez_compressed("COCO_val2014_000000000042.jpg.npz", x=x.T, bbox=b, num_bbox=len(x), image_h=480, image_w=640)
np.savez_compressed("COCO_val2014_000000000043.npz", x=x, bbox=b, num_bbox=np.int64(3), image_h=480, image_w=640, info=np.array({"image_id": "43"}, dtype=object))
np.savez_compressed("coco_val2014_000000000044.npz", norm_bb=n.astype("float16"), features=x.astype("float16"), conf=np.ones(3, "float16") / 2, soft_labels=np.eye(3, 1601, 7, dtype="float16"))
`)
	script.Dir = dir
	if out, err := script.CombinedOutput(); err != nil {
		t.Fatalf("%v: %s", err, out)
	}
	s, err := Open(dir)
	if err != nil {
		t.Fatal(err)
	}
	defer s.Close()
	ids, err := s.IDs(t.Context())
	if err != nil || !slices.Equal(ids, []string{"COCO_val2014_000000000042", "COCO_val2014_000000000043", "coco_val2014_000000000044"}) {
		t.Errorf("%q, %v", ids, err)
	}
	for _, id := range ids {
		r, err := s.Find(t.Context(), id)
		if err != nil {
			t.Fatal(err)
		}
		halves := strings.HasPrefix(id, "coco")
		round := func(v float32) float32 {
			if halves {
				return half.Widen(half.Round(v))
			}
			return v
		}
		for i, v := range r.Features {
			if want := round(float32(float64(i) / 7)); v != want || r.N != 3 || r.Dim != 8 {
				t.Fatalf("%s: %d x %d, feature %d is %v, expected %v", id, r.N, r.Dim, i, v, want)
			}
		}
		normal, err := r.NormalBoxes(nil)
		if err != nil {
			t.Fatal(err)
		}
		for i, v := range []float32{0, 0, 0.5, 0.5, 10. / 640, 20. / 480, 30. / 640, 40. / 480, 600. / 640, 400. / 480, 1, 1} {
			if d := normal[i] - round(v); d > 1e-7 || -d > 1e-7 {
				t.Errorf("%s: coordinate %d is %v, expected %v", id, i, normal[i], round(v))
			}
		}
		if halves && (!slices.Equal(r.ObjectIDs, []int32{6, 7, 8}) || !slices.Equal(r.ObjectConf, []float32{0.5, 0.5, 0.5})) {
			t.Errorf("labels %v %v", r.ObjectIDs, r.ObjectConf)
		}
	}
	if r, err := s.Find(t.Context(), "COCO_val2014_000000000042.jpg"); err != nil || r.N != 3 {
		t.Errorf("by its file's name: %v", err)
	}
}

// TestAFolderOfOurOwnKeepsItsNames, whatever the ids end in.
func TestAFolderOfOurOwnKeepsItsNames(t *testing.T) {
	dir := t.TempDir()
	r := goldenImages(t, goldentest.Folders(t, "model")[0])[0]
	writeNPZ(t, filepath.Join(dir, "a.jpg.npz"), zip.Store,
		member{"features", matrix(t, r.Features, r.Dim, false)}, member{"boxes", matrix(t, r.Boxes, 4, false)}, member{"width", number(t, r.Width)}, member{"height", number(t, r.Height)})
	s, err := Open(dir)
	if err != nil {
		t.Fatal(err)
	}
	defer s.Close()
	if ids, err := s.IDs(t.Context()); err != nil || !slices.Equal(ids, []string{"a.jpg"}) {
		t.Errorf("%q, %v", ids, err)
	}
	if _, err := s.Find(t.Context(), "a"); !errors.Is(err, ErrNotFound) {
		t.Error(err)
	}
}

func TestFoldersOfOtherKindsAreNamed(t *testing.T) {
	for file, want := range map[string]string{
		"data.mdb": "has an LMDB database, such as \"data.mdb\": read it with Python's lmdb, and write one file per image with np.savez",
		"1.npy":    "has single NumPy arrays, such as \"1.npy\"",
		"val.h5":   "has HDF5 files, such as \"val.h5\": read them with h5py",
		"1.jpg":    "has pictures, not their regions",
	} {
		dir := t.TempDir()
		if err := os.WriteFile(filepath.Join(dir, file), nil, 0o666); err != nil {
			t.Fatal(err)
		}
		if _, err := Open(dir); !errors.Is(err, ErrFormat) || !strings.Contains(err.Error(), want) || !strings.Contains(err.Error(), dir) {
			t.Errorf("%s: error %v does not say %q", file, err, want)
		}
		if err := os.WriteFile(filepath.Join(dir, "b.npz"), nil, 0o666); err != nil {
			t.Fatal(err)
		}
		s, err := Open(dir)
		if err != nil {
			t.Fatalf("%s and a .npz: %v", file, err)
		}
		s.Close()
	}
}

// FuzzArrays: whatever a .npz holds, it is read or it is not, and what is read is whole.
func FuzzArrays(f *testing.F) {
	r := numbers()
	r.ObjectIDs, r.ObjectConf = []int32{3, 1}, []float32{0.5, 1}
	for _, form := range arrayForms {
		path := filepath.Join(f.TempDir(), "x.npz")
		writeNPZ(f, path, zip.Store, form.members(f, r)...)
		data, err := os.ReadFile(path)
		if err != nil {
			f.Fatal(err)
		}
		f.Add(data)
	}
	f.Fuzz(func(t *testing.T, data []byte) {
		path := filepath.Join(t.TempDir(), "x.npz")
		if err := os.WriteFile(path, data, 0o666); err != nil {
			t.Fatal(err)
		}
		s, err := Open(path)
		if err != nil {
			return
		}
		defer s.Close()
		for r, err := range s.All(t.Context()) {
			if err != nil {
				return
			}
			if r.N < 1 || r.Dim < 1 || len(r.Boxes) != 4*r.N || len(r.Features) != r.N*r.Dim || r.Width < 1 || r.Height < 1 || r.ID == "" {
				t.Fatalf("%+v", r)
			}
			_ = r.Check()
		}
	})
}
