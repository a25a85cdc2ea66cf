package region

import (
	"bytes"
	"context"
	"encoding/base64"
	"errors"
	"fmt"
	"math/rand/v2"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"sync"
	"testing"

	"github.com/seed-516990b0/golxmert/internal/goldentest"
	"github.com/seed-516990b0/golxmert/internal/half"
)

// randomRegions is an image with features like those of a ReLU; every fourth image has no labels.
func randomRegions(rng *rand.Rand, id string, n, dim int) *Regions {
	r := &Regions{ID: id, Width: 100 + rng.IntN(500), Height: 100 + rng.IntN(500), N: n, Dim: dim}
	for range n * dim {
		r.Features = append(r.Features, max(0, float32(rng.NormFloat64())))
	}
	for range n {
		x, y := rng.Float32()/2*float32(r.Width), rng.Float32()/2*float32(r.Height)
		r.Boxes = append(r.Boxes, x, y, x+1+rng.Float32()*40, y+1+rng.Float32()*40)
	}
	if rng.IntN(4) > 0 {
		for range n {
			r.ObjectIDs, r.AttrIDs = append(r.ObjectIDs, rng.Int32N(1600)), append(r.AttrIDs, rng.Int32N(400))
			r.ObjectConf, r.AttrConf = append(r.ObjectConf, rng.Float32()), append(r.AttrConf, rng.Float32())
		}
	}
	return r
}

// asRow is an image as a line of a TSV, without its end.
func asRow(t testing.TB, r *Regions) string {
	ints := func(values []int32) string {
		var wide []int64
		for _, v := range values {
			wide = append(wide, int64(v))
		}
		return base64.StdEncoding.EncodeToString(raw(t, wide))
	}
	floats := func(values []float32) string { return base64.StdEncoding.EncodeToString(raw(t, values)) }
	return strings.Join([]string{
		r.ID, fmt.Sprint(r.Height), fmt.Sprint(r.Width), ints(r.ObjectIDs), floats(r.ObjectConf), ints(r.AttrIDs), floats(r.AttrConf),
		fmt.Sprint(r.N), floats(r.Boxes), floats(r.Features),
	}, "\t")
}

// randomTSV writes a TSV of so many rows of 1 to 5 boxes with three features, and returns them.
func randomTSV(t testing.TB, path string, rows int) []*Regions {
	t.Helper()
	rng := rand.New(rand.NewPCG(1, uint64(rows)))
	var all []*Regions
	var text bytes.Buffer
	for i := range rows {
		r := randomRegions(rng, fmt.Sprintf("image_%06d", i), 1+rng.IntN(5), 3)
		r.Source = path
		all = append(all, r)
		text.WriteString(asRow(t, r))
		text.WriteString([]string{"\n", "\r\n"}[rng.IntN(2)])
	}
	if err := os.WriteFile(path, text.Bytes(), 0o666); err != nil {
		t.Fatal(err)
	}
	return all
}

// packed packs a file and opens the store.
func packed(t testing.TB, src string, opt PackOptions) *Store {
	t.Helper()
	dst := filepath.Join(t.TempDir(), "x.store")
	if _, err := Pack(t.Context(), src, dst, opt); err != nil {
		t.Fatal(err)
	}
	s, err := OpenStore(dst)
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() {
		if err := s.Close(); err != nil {
			t.Error(err)
		}
	})
	return s
}

func sameRegions(t testing.TB, got, want *Regions) {
	t.Helper()
	if got.ID != want.ID || got.Width != want.Width || got.Height != want.Height || got.N != want.N || got.Dim != want.Dim {
		t.Errorf("%s %dx%d, %d boxes of %d features, expected %s %dx%d, %d of %d", got.ID, got.Width, got.Height, got.N, got.Dim, want.ID, want.Width, want.Height, want.N, want.Dim)
	}
	sameBits := func(what string, got, expected []float32) {
		t.Helper()
		if (got == nil) != (expected == nil) || !bytes.Equal(memory(got), memory(expected)) {
			t.Errorf("%s: %s are %v, expected %v", want.ID, what, got, expected)
		}
	}
	sameBits("boxes", got.Boxes, want.Boxes)
	sameBits("features", got.Features, want.Features)
	sameBits("objects_conf", got.ObjectConf, want.ObjectConf)
	sameBits("attrs_conf", got.AttrConf, want.AttrConf)
	if !slices.Equal(got.ObjectIDs, want.ObjectIDs) || !slices.Equal(got.AttrIDs, want.AttrIDs) || (got.ObjectIDs == nil) != (want.ObjectIDs == nil) {
		t.Errorf("%s: labels %v %v, expected %v %v", want.ID, got.ObjectIDs, got.AttrIDs, want.ObjectIDs, want.AttrIDs)
	}
}

func TestAStoreHoldsWhatTheTSVHolds(t *testing.T) {
	src := filepath.Join(t.TempDir(), "x.tsv")
	want := randomTSV(t, src, 2500)
	s := packed(t, src, PackOptions{})
	if s.Rows() != len(want) || s.Len() != len(want) || len(s.shards) < 3 || s.Dim() != 3 {
		t.Fatalf("%d rows, %d images, %d shards of %d features", s.Rows(), s.Len(), len(s.shards), s.Dim())
	}
	i := 0
	for got, err := range s.All(t.Context()) {
		if err != nil {
			t.Fatal(err)
		}
		if got.Source != s.Path() {
			t.Fatalf("from %s", got.Source)
		}
		sameRegions(t, got, want[i])
		i++
	}
	var r Regions
	for _, k := range []int{0, 1023, 1024, 2047, 2048, 2499, 7} {
		if err := s.Read(k, &r); err != nil {
			t.Fatal(err)
		}
		sameRegions(t, &r, want[k])
		if at, ok := s.Index(want[k].ID); !ok || at != k || !s.Has(want[k].ID) || s.ID(k) != want[k].ID {
			t.Errorf("row %d is at %d", k, at)
		}
	}
	if _, err := s.Find(t.Context(), "image_2500"); !errors.Is(err, ErrNotFound) || !strings.Contains(err.Error(), "its 2500 images are called like") {
		t.Error(err)
	}
}

// TestGoldenFilesAreTheSameThroughAStore compares every golden TSV with itself after packing.
func TestGoldenFilesAreTheSameThroughAStore(t *testing.T) {
	for _, dir := range goldentest.Folders(t, "model") {
		t.Run(filepath.Base(dir), func(t *testing.T) {
			var want map[string][]goldenRow
			goldentest.ReadJSON(t, filepath.Join(dir, "toy_expected", "tsv_decoded.json"), &want)
			for _, path := range tsvFiles(t, dir) {
				name, _ := filepath.Rel(filepath.Join(dir, "toy"), path)
				s := packed(t, path, PackOptions{})
				got := collect(t, s.Path())
				for i, r := range collect(t, path) {
					sameRegions(t, got[i], r)
				}
				for i, w := range want[filepath.ToSlash(name)] {
					compareRow(t, name, got[i], w)
				}
			}
		})
	}
}

func TestAHalfStoreRoundsFeaturesOnly(t *testing.T) {
	src := filepath.Join(t.TempDir(), "x.tsv")
	want := randomTSV(t, src, 50)
	s := packed(t, src, PackOptions{F16: true})
	if !s.Half() {
		t.Error("not half")
	}
	for i, got := range collect(t, s.Path()) {
		for k, v := range want[i].Features {
			want[i].Features[k] = half.Widen(half.Round(v))
		}
		sameRegions(t, got, want[i])
	}
	big := randomRegions(rand.New(rand.NewPCG(1, 2)), "big", 2, 3)
	big.Features[4] = 65520
	if err := os.WriteFile(src, []byte(asRow(t, big)), 0o666); err != nil {
		t.Fatal(err)
	}
	_, err := Pack(t.Context(), src, filepath.Join(t.TempDir(), "y.store"), PackOptions{F16: true})
	if !errors.Is(err, ErrFormat) || !strings.Contains(err.Error(), `image "big": the feature 65520 is too large for float16`) {
		t.Error(err)
	}
}

func TestOfEqualIDsInAStoreTheLastCounts(t *testing.T) {
	src := filepath.Join(t.TempDir(), "x.tsv")
	rows := []string{rowText("a", 3, 4, nil), rowText("b", 2, 4, nil), rowText("a", 5, 4, nil)}
	if err := os.WriteFile(src, []byte(strings.Join(rows, "\n")), 0o666); err != nil {
		t.Fatal(err)
	}
	s := packed(t, src, PackOptions{})
	ids, err := s.IDs(t.Context())
	if err != nil || !slices.Equal(ids, []string{"a", "b"}) || s.Rows() != 3 || s.Len() != 2 {
		t.Errorf("%q, %v, %d rows, %d images", ids, err, s.Rows(), s.Len())
	}
	for limit, boxes := range map[int]int{0: 5, 1: 3, 2: 3, 3: 5, 9: 5} {
		first, err := openStore(s.Path(), limit)
		if err != nil {
			t.Fatal(err)
		}
		defer first.Close()
		r, err := first.Find(t.Context(), "a")
		if err != nil || r.N != boxes {
			t.Errorf("of the first %d rows: %d boxes, expected %d, %v", limit, r.N, boxes, err)
		}
		if limit == 1 && (first.Has("b") || first.Rows() != 1) {
			t.Error("a row behind the limit is there")
		}
	}
}

func TestAStoreIsReadFromSeveralGoroutines(t *testing.T) {
	src := filepath.Join(t.TempDir(), "x.tsv")
	want := randomTSV(t, src, 1100)
	s := packed(t, src, PackOptions{})
	var group sync.WaitGroup
	for g := range 8 {
		group.Go(func() {
			rng := rand.New(rand.NewPCG(uint64(g), 1))
			var r Regions
			for range 300 {
				i := rng.IntN(len(want))
				if err := s.Read(i, &r); err != nil {
					t.Error(err)
					return
				}
				found, err := s.Find(t.Context(), want[i].ID)
				if err != nil {
					t.Error(err)
					return
				}
				sameRegions(t, &r, want[i])
				sameRegions(t, found, want[i])
			}
		})
	}
	group.Wait()
	ctx, cancel := context.WithCancel(t.Context())
	cancel()
	if _, err := s.Find(ctx, want[0].ID); !errors.Is(err, context.Canceled) {
		t.Error(err)
	}
}
