package region

import (
	"bytes"
	"context"
	"encoding/base64"
	"encoding/binary"
	"errors"
	"fmt"
	"io/fs"
	"math"
	"os"
	"path/filepath"
	"strconv"
	"strings"
	"testing"
	"testing/iotest"

	"github.com/seed-516990b0/golxmert/internal/goldentest"
)

// goldenRow is one row of tsv_decoded.json.
type goldenRow struct {
	ID          string       `json:"img_id"`
	Height      int          `json:"img_h"`
	Width       int          `json:"img_w"`
	N           int          `json:"num_boxes"`
	ObjectIDs   []int32      `json:"objects_id"`
	ObjectConf  []float32    `json:"objects_conf"`
	AttrIDs     []int32      `json:"attrs_id"`
	AttrConf    []float32    `json:"attrs_conf"`
	Boxes       [][4]float32 `json:"boxes_first2"`
	FeatShape   [2]int       `json:"features_shape"`
	Features    []float32    `json:"features_first8"`
	FeaturesSum float64      `json:"features_sum_f64"`
}

// collect reads a whole source.
func collect(t testing.TB, path string) []*Regions {
	t.Helper()
	s, err := Open(path)
	if err != nil {
		t.Fatal(err)
	}
	defer s.Close()
	var all []*Regions
	for r, err := range s.All(t.Context()) {
		if err != nil {
			t.Fatal(err)
		}
		all = append(all, r)
	}
	return all
}

func tsvFiles(t testing.TB, dir string) (files []string) {
	t.Helper()
	err := filepath.WalkDir(filepath.Join(dir, "toy"), func(path string, _ fs.DirEntry, err error) error {
		if filepath.Ext(path) == ".tsv" {
			files = append(files, path)
		}
		return err
	})
	if err != nil || len(files) == 0 {
		t.Fatalf("%d TSVs, %v", len(files), err)
	}
	return files
}

func TestTSVsDecodeAsInTheReference(t *testing.T) {
	for _, dir := range goldentest.Folders(t, "model") {
		t.Run(filepath.Base(dir), func(t *testing.T) {
			var want map[string][]goldenRow
			goldentest.ReadJSON(t, filepath.Join(dir, "toy_expected", "tsv_decoded.json"), &want)
			compared := 0
			for _, path := range tsvFiles(t, dir) {
				name, _ := filepath.Rel(filepath.Join(dir, "toy"), path)
				rows, ok := want[filepath.ToSlash(name)]
				if !ok {
					t.Logf("%s: no golden values, read only", name)
				}
				got := collect(t, path)
				if ok && len(got) != len(rows) {
					t.Fatalf("%s: %d rows, expected %d", name, len(got), len(rows))
				}
				if ok {
					compared++
				}
				for i, w := range rows {
					compareRow(t, name, got[i], w)
				}
			}
			if compared != len(want) {
				t.Errorf("compared %d of %d golden files", compared, len(want))
			}
		})
	}
}

func compareRow(t *testing.T, file string, got *Regions, w goldenRow) {
	t.Helper()
	if got.ID != w.ID || got.Height != w.Height || got.Width != w.Width || got.N != w.N || got.Dim != w.FeatShape[1] || got.N != w.FeatShape[0] {
		t.Errorf("%s: %s %dx%d, %d boxes of %d features, expected %+v", file, got.ID, got.Width, got.Height, got.N, got.Dim, w)
	}
	var boxes []float32
	for _, b := range w.Boxes {
		boxes = append(boxes, b[:]...)
	}
	equal(t, file+" "+w.ID+" boxes", got.Boxes[:len(boxes)], boxes)
	equal(t, file+" "+w.ID+" features", got.Features[:len(w.Features)], w.Features)
	equal(t, file+" "+w.ID+" objects_id", got.ObjectIDs[:len(w.ObjectIDs)], w.ObjectIDs)
	equal(t, file+" "+w.ID+" objects_conf", got.ObjectConf[:len(w.ObjectConf)], w.ObjectConf)
	equal(t, file+" "+w.ID+" attrs_id", got.AttrIDs[:len(w.AttrIDs)], w.AttrIDs)
	equal(t, file+" "+w.ID+" attrs_conf", got.AttrConf[:len(w.AttrConf)], w.AttrConf)
	sum := 0.0
	for _, v := range got.Features {
		sum += float64(v)
	}
	if math.Abs(sum-w.FeaturesSum) > 1e-9*math.Abs(w.FeaturesSum) {
		t.Errorf("%s: %s: features sum to %v, expected %v", file, w.ID, sum, w.FeaturesSum)
	}
	if err := got.CheckFinite(); err != nil {
		t.Error(err)
	}
}

func equal[T comparable](t testing.TB, what string, got, want []T) {
	t.Helper()
	if len(got) != len(want) {
		t.Errorf("%s: %d values, expected %d", what, len(got), len(want))
		return
	}
	for i := range want {
		if got[i] != want[i] {
			t.Errorf("%s: entry %d is %v, expected %v", what, i, got[i], want[i])
			return
		}
	}
}

func TestTSVArraysAreBitForBit(t *testing.T) {
	for _, dir := range goldentest.Folders(t, "model") {
		t.Run(filepath.Base(dir), func(t *testing.T) {
			want := goldentest.Open(t, filepath.Join(dir, "toy_expected", "tsv_gqa_testdev.safetensors"))
			for _, r := range collect(t, filepath.Join(dir, "toy", "data", "vg_gqa_imgfeat", "gqa_testdev_obj36.tsv")) {
				equal(t, "objects_id", r.ObjectIDs, want.Int32s(r.ID+".objects_id"))
				equal(t, "objects_conf", r.ObjectConf, want.Float32s(r.ID+".objects_conf"))
				equal(t, "attrs_id", r.AttrIDs, want.Int32s(r.ID+".attrs_id"))
				equal(t, "attrs_conf", r.AttrConf, want.Float32s(r.ID+".attrs_conf"))
				equal(t, "boxes", r.Boxes, want.Float32s(r.ID+".boxes"))
				equal(t, "features", r.Features, want.Float32s(r.ID+".features"))
			}
		})
	}
}

// TestTheFirstRowsAreReadWithoutTheRest: a limit is to stop scanning.
func TestTheFirstRowsAreReadWithoutTheRest(t *testing.T) {
	for _, dir := range goldentest.Folders(t, "model") {
		var want map[string]int
		goldentest.ReadJSON(t, filepath.Join(dir, "toy_expected", "tsv_topk.json"), &want)
		for limit, count := range want {
			top, err := strconv.Atoi(limit)
			if err != nil || top < 0 {
				top = math.MaxInt
			}
			f, err := os.Open(filepath.Join(dir, "toy", "data", "vg_gqa_imgfeat", "gqa_testdev_obj36.tsv"))
			if err != nil {
				t.Fatal(err)
			}
			defer f.Close()
			n := 0
			for s := NewScanner(f, "x"); n < top && s.Scan(); {
				n++
			}
			if n != count {
				t.Errorf("%s: limit %s: %d rows, expected %d", dir, limit, n, count)
			}
		}
	}
}

func TestFindReadsEveryRow(t *testing.T) {
	for _, dir := range goldentest.Folders(t, "model") {
		for _, path := range tsvFiles(t, dir) {
			s, err := Open(path)
			if err != nil {
				t.Fatal(err)
			}
			defer s.Close()
			ids, err := s.IDs(t.Context())
			if err != nil {
				t.Fatal(err)
			}
			all := collect(t, path)
			if len(ids) != len(all) {
				t.Errorf("%s: %d ids, %d images", path, len(ids), len(all))
			}
			for _, w := range all {
				r, err := s.Find(t.Context(), w.ID)
				if err != nil {
					t.Fatal(err)
				}
				equal(t, w.ID, r.Features, w.Features)
			}
		}
	}
}

// rowText is a proper row; change replaces fields by column.
func rowText(id string, n, dim int, change map[int]string) string {
	floats := func(k int, v float32) string {
		var b []byte
		for range k {
			b = binary.LittleEndian.AppendUint32(b, math.Float32bits(v))
		}
		return base64.StdEncoding.EncodeToString(b)
	}
	ints := base64.StdEncoding.EncodeToString(make([]byte, 8*n))
	fields := []string{id, "480", "640", ints, floats(n, 0.5), ints, floats(n, 0.25), fmt.Sprint(n), floats(4*n, 100), floats(n*dim, 1.5)}
	for i, f := range change {
		fields[i] = f
	}
	return strings.Join(fields, "\t")
}

func TestDamagedRowsAreNamedErrors(t *testing.T) {
	good := rowText("a", 3, 4, nil) + "\n"
	one := func(change map[int]string) string { return good + rowText("b", 3, 4, change) + "\n" }
	whole := rowText("b", 3, 4, nil)
	for _, c := range []struct{ name, text, want string }{
		{"cut in the middle of a field", good + whole[:len(whole)-10], "x.tsv:2:features: "},
		{"cut at a whole quadruple", good + whole[:len(whole)-16], "cut short"},
		{"cut by whole rows of features", good + whole[:len(whole)-32], "cut short"},
		{"cut after a field", good + "b\t480\t640\t", "x.tsv:2:objects_conf: missing: the row has 4 of 10 tab-separated fields; the file ends inside this row"},
		{"cut in the id", good + "b", "x.tsv:2:img_h: missing"},
		{"missing fields", "b\t480\t640\n" + good, "x.tsv:1:objects_id: missing"},
		{"an extra field", good + whole + "\tmore\n", "11 tab-separated fields"},
		{"no id", good + rowText("", 3, 4, nil) + "\n", "x.tsv:2:img_id: the id is empty"},
		{"a header that lacks columns", "img_id\tnum_boxes\tboxes\n" + good, "x.tsv:1:img_id: the first line is a header without img_h, img_w, features"},
		{"a header and other rows", strings.Join(columnNames[:], "\t") + "\nb\t1\n", "x.tsv:2:img_w: missing: the row has 2 of 10"},
		{"a header in the middle", good + strings.Join(columnNames[:], "\t") + "\n", "x.tsv:2:num_boxes: \"num_boxes\", must be a whole number"},
		{"VinVL's two columns", "b\t{\"num_boxes\": 3}\n", "x.tsv:1:boxes: missing: an id and JSON, as VinVL writes them, are not read"},
		{"numbers as text", one(map[int]string{colBoxes: "[[0.0, 1.5]]"}), "x.tsv:2:boxes: numbers as text, must be base64 of their bytes"},
		{"boxes of neither type", one(map[int]string{colBoxes: base64.StdEncoding.EncodeToString(bytes.Repeat([]byte{0x44}, 96))}), "x.tsv:2:boxes: 96 bytes of values are not float64 of pixels, and as float32 they are of 6 boxes"},
		{"classes of neither type", one(map[int]string{colObjectIDs: base64.StdEncoding.EncodeToString(bytes.Repeat([]byte{0, 0, 128, 63}, 3))}), "x.tsv:2:objects_id: 1065353216 of box 0 is not a class"},
		{"bad base64", one(map[int]string{colBoxes: strings.Repeat("!", 64)}), "x.tsv:2:boxes: character 1 is not proper base64"},
		{"bad base64 far in", one(map[int]string{colFeatures: strings.Repeat("AAAA", 5000)[:19000] + "A*AA" + strings.Repeat("AAAA", 249)}), "features: character 19002"},
		{"padding inside", one(map[int]string{colBoxes: "AA==" + strings.Repeat("AAAA", 15)}), "x.tsv:2:boxes: "},
		{"a carriage return inside", one(map[int]string{colBoxes: "AA\rA" + strings.Repeat("AAAA", 15)}), "x.tsv:2:boxes: character 62 is not proper"},
		{"URL alphabet", one(map[int]string{colObjectConf: "----------------"}), "x.tsv:2:objects_conf: character 1"},
		{"num_boxes too large", one(map[int]string{colCount: "36"}), "24 bytes of values where num_boxes 36 needs 288"},
		{"num_boxes too small", one(map[int]string{colCount: "2"}), "x.tsv:2:objects_id: 24 bytes of values where num_boxes 2 needs 16"},
		{"num_boxes huge", one(map[int]string{colCount: "33554432"}), "x.tsv:2:objects_id: "},
		{"num_boxes beyond everything", one(map[int]string{colCount: "99999999999999999999"}), "x.tsv:2:num_boxes: "},
		{"num_boxes 0", one(map[int]string{colCount: "0"}), "x.tsv:2:num_boxes: "},
		{"num_boxes negative", one(map[int]string{colCount: "-3"}), "x.tsv:2:num_boxes: \"-3\", must be a whole number"},
		{"NaN height", one(map[int]string{colHeight: "nan"}), "x.tsv:2:img_h: \"nan\""},
		{"a fraction of a pixel", one(map[int]string{colWidth: "640.5"}), "x.tsv:2:img_w: "},
		{"a width of 0", one(map[int]string{colWidth: "0"}), "x.tsv:2:img_w: "},
		{"a huge height", one(map[int]string{colHeight: "16777217"}), "x.tsv:2:img_h: "},
		{"features not shared evenly", one(map[int]string{colFeatures: "AAAAAAAA" + "AAAAAAA="}), "cannot be shared by 3 boxes"},
		{"no features", one(map[int]string{colFeatures: ""}), "x.tsv:2:features: 0 bytes of values"},
		{"a class beyond int32", one(map[int]string{colAttrIDs: base64.StdEncoding.EncodeToString(bytes.Repeat([]byte{9}, 24))}), "x.tsv:2:attrs_id: 651061555542690057 of box 0 is not a class"},
		{"a quoted id", good + rowText(`"b"`, 3, 4, nil) + "\n", "is quoted"},
		{"no TSV at all", strings.Repeat("x", 10000), "x.tsv:1:img_id: no tab within the first 4096 bytes"},
		{"zeros", strings.Repeat("\x00", 10000), "neither a TSV nor"},
		{"nothing", "", "an empty file"},
		{"a web page", "<html>\t", "a web page"},
		{"a Git LFS pointer", "version https://git-lfs.github.com/spec/v1\n", "`git lfs pull`"},
		{"HDF5", "\x89HDF\r\n\x1a\n\x00", "an HDF5 file, not region features: it is not read: read it with h5py and write np.savez("},
		{"UTF-16", "\xff\xfea\x00\t\x00", "text in UTF-16, not region features: save it as UTF-8"},
		{"gzip", "\x1f\x8b\x08", "gzip"},
	} {
		t.Run(c.name, func(t *testing.T) {
			path := filepath.Join(t.TempDir(), "x.tsv")
			if err := os.WriteFile(path, []byte(c.text), 0o666); err != nil {
				t.Fatal(err)
			}
			s, err := Open(path)
			if err == nil {
				defer s.Close()
				for _, e := range s.All(t.Context()) {
					err = e
				}
			}
			if !errors.Is(err, ErrFormat) || !strings.Contains(err.Error(), c.want) || strings.Contains(err.Error(), "\n") {
				t.Errorf("error %v does not say %q", err, c.want)
			}
		})
	}
}

// TestADamagedEndIsFoundWithoutDecoding: looking for another image goes through the whole file.
func TestADamagedEndIsFoundWithoutDecoding(t *testing.T) {
	text := rowText("a", 3, 4, nil) + "\r\n" + rowText("b", 3, 4, nil)
	path := filepath.Join(t.TempDir(), "x.tsv")
	for cut := len(text)/2 - 5; cut <= len(text); cut++ {
		if err := os.WriteFile(path, []byte(text[:cut]), 0o666); err != nil {
			t.Fatal(err)
		}
		r, err := Find(t.Context(), path, "a")
		whole := cut == len(text) || cut <= strings.IndexByte(text, '\n')+1 && cut >= strings.IndexByte(text, '\r')
		if whole != (err == nil) || whole && (r.N != 3 || r.Dim != 4) {
			t.Fatalf("%d of %d bytes: %v", cut, len(text), err)
		}
	}
}

func TestTheLastOfEqualIDsCounts(t *testing.T) {
	path := filepath.Join(t.TempDir(), "x.tsv")
	text := rowText("a", 3, 4, nil) + "\n\n" + rowText("b", 2, 4, nil) + "\n" + rowText("a", 5, 6, nil) + "\n"
	if err := os.WriteFile(path, []byte(text), 0o666); err != nil {
		t.Fatal(err)
	}
	r, err := Find(t.Context(), path, "a")
	if err != nil || r.N != 5 || r.Dim != 6 {
		t.Errorf("%+v, %v", r, err)
	}
	_, err = Find(t.Context(), path, "A")
	if !errors.Is(err, ErrNotFound) || !strings.Contains(err.Error(), `its 2 images are called like "a", "b"`) {
		t.Error(err)
	}
	ctx, cancel := context.WithCancel(t.Context())
	cancel()
	if _, err = Find(ctx, path, "a"); !errors.Is(err, context.Canceled) {
		t.Error(err)
	}
}

// TestHowTheInputArrivesDoesNotMatter: byte by byte, or with an error at its end.
func TestHowTheInputArrivesDoesNotMatter(t *testing.T) {
	text := rowText("a", 3, 4, nil) + "\r\n" + rowText("b", 36, 300, nil) + "\n" + rowText("c", 1, 300, map[int]string{3: "", 4: "", 5: "", 6: ""})
	s := NewScanner(iotest.DataErrReader(iotest.OneByteReader(strings.NewReader(text))), "x.tsv")
	var r Regions
	var got []string
	for s.Scan() {
		if err := s.Row().Decode(&r); err != nil {
			t.Fatal(err)
		}
		got = append(got, fmt.Sprintln(r.ID, s.Row().Line, s.Row().Offset, r.N, r.Dim, len(r.ObjectIDs)))
	}
	want := []string{"a 1 0 3 4 3\n", fmt.Sprintln("b 2", strings.IndexByte(text, '\n')+1, 36, 300, 36), fmt.Sprintln("c 3", strings.LastIndexByte(text, '\n')+1, 1, 300, 0)}
	if s.Err() != nil || strings.Join(got, ";") != strings.Join(want, ";") {
		t.Errorf("%q, %v, expected %q", got, s.Err(), want)
	}
	broken := NewScanner(iotest.TimeoutReader(iotest.HalfReader(strings.NewReader(text))), "x.tsv")
	for broken.Scan() {
	}
	if !errors.Is(broken.Err(), iotest.ErrTimeout) || !strings.HasPrefix(broken.Err().Error(), "x.tsv:") {
		t.Error(broken.Err())
	}
}

// TestBase64NeverWritesBeyondItsLength tries every text of up to eight of the characters that matter.
func TestBase64NeverWritesBeyondItsLength(t *testing.T) {
	const alphabet = "A=\r*"
	for size := 0; size <= 8; size += 4 {
		text := make([]byte, size)
		for code := range 1 << (2 * size) {
			for i := range text {
				text[i] = alphabet[code>>(2*i)&3]
			}
			n, err := decodedLen(text)
			if err != nil {
				t.Fatal(err)
			}
			dst := make([]byte, n)
			err = decode(dst, text)
			if good := !bytes.ContainsAny(bytes.TrimRight(text, "="), "=\r*") && len(text)-len(bytes.TrimRight(text, "=")) <= 2; good != (err == nil) {
				t.Fatalf("%q: %v", text, err)
			}
		}
	}
}
