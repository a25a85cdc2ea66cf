package region

import (
	"encoding/json"
	"errors"
	"fmt"
	"math"
	"path/filepath"
	"strings"
	"testing"

	"github.com/seed-516990b0/golxmert/internal/goldentest"
	"github.com/seed-516990b0/golxmert/lxmert"
)

// TestNormalBoxesAreThoseOfTheDataSets compares with what the reference's data set of VQA yields.
func TestNormalBoxesAreThoseOfTheDataSets(t *testing.T) {
	for _, dir := range goldentest.Folders(t, "model") {
		t.Run(filepath.Base(dir), func(t *testing.T) {
			images, imageOf := map[string]*Regions{}, map[int]string{}
			toy := filepath.Join(dir, "toy", "data")
			for _, path := range tsvFiles(t, dir) {
				for _, r := range collect(t, path) {
					images[r.ID] = r
				}
			}
			for _, split := range []string{"train", "nominival", "minival", "test"} {
				var questions []struct {
					ID    int    `json:"question_id"`
					Image string `json:"img_id"`
				}
				goldentest.ReadJSON(t, filepath.Join(toy, "vqa", split+".json"), &questions)
				for _, q := range questions {
					imageOf[q.ID] = q.Image
				}
			}
			var sets map[string]json.RawMessage
			goldentest.ReadJSON(t, filepath.Join(dir, "toy_expected", "datasets.json"), &sets)
			want := goldentest.Open(t, filepath.Join(dir, "toy_expected", "datasets.safetensors"))
			want.Use("") // targets and the other data sets are package dataset's to compare
			compared := 0
			for name, text := range sets {
				if !strings.HasPrefix(name, "vqa:") {
					continue
				}
				var rows []struct {
					Index    int
					Question int `json:"ques_id"`
				}
				if err := json.Unmarshal(text, &rows); err != nil {
					t.Fatal(err)
				}
				for _, row := range rows {
					r := images[imageOf[row.Question]]
					if r == nil {
						t.Fatalf("question %d has no image", row.Question)
					}
					boxes, err := r.NormalBoxes(nil)
					if err != nil {
						t.Fatal(err)
					}
					entry := fmt.Sprintf("%s.%d.boxes", name, row.Index)
					equal(t, entry, boxes, want.Float32s(entry))
					compared++
				}
			}
			if compared == 0 {
				t.Error("nothing was compared")
			}
		})
	}
}

func TestBoxesMustLieInThePicture(t *testing.T) {
	for _, c := range []struct {
		box  [4]float32
		want string
	}{
		{[4]float32{0, 0, 640, 480}, ""},
		{[4]float32{-0.005, 0, 640.005, 480}, ""},
		{[4]float32{-0.01, 0, 640, 480}, "x0 of box 1 is -0.01"},
		{[4]float32{0, 0, 640, 480.01}, "y1 of box 1 is 480.01"},
		{[4]float32{0, 0, 640.01, 480}, "x1 of box 1 is 640.01, the picture has 640 x 480 pixels"},
		{[4]float32{0, float32(math.NaN()), 640, 480}, "y0 of box 1 is NaN"},
		{[4]float32{0, 0, float32(math.Inf(1)), 480}, "x1 of box 1 is +Inf"},
	} {
		r := &Regions{ID: "a", Width: 640, Height: 480, N: 2, Boxes: append(make([]float32, 4), c.box[:]...)}
		got, err := r.NormalBoxes(nil)
		if c.want == "" && (err != nil || len(got) != 8 || got[6] != c.box[2]/640) {
			t.Errorf("%v: %v, %v", c.box, got, err)
		}
		if c.want != "" && (!errors.Is(err, ErrBox) || !strings.Contains(err.Error(), c.want)) {
			t.Errorf("%v: error %v does not say %q", c.box, err, c.want)
		}
	}
}

func TestFillPadsAndMasks(t *testing.T) {
	image := func(id string, n, dim int) *Regions {
		r := &Regions{ID: id, Width: 10, Height: 20, Source: "x.tsv", N: n, Dim: dim, Boxes: make([]float32, 4*n), Features: make([]float32, n*dim)}
		for i := range r.Features {
			r.Features[i] = float32(i + 1)
		}
		for i := range r.Boxes {
			r.Boxes[i] = 5
		}
		return r
	}
	var b lxmert.Batch
	if err := Fill(&b, image("a", 1, 3), image("b", 2, 3)); err != nil {
		t.Fatal(err)
	}
	equal(t, "features", b.Feats.Data, []float32{1, 2, 3, 0, 0, 0, 1, 2, 3, 4, 5, 6})
	equal(t, "boxes", b.Boxes.Data, []float32{0.5, 0.25, 0.5, 0.25, 0, 0, 0, 0, 0.5, 0.25, 0.5, 0.25, 0.5, 0.25, 0.5, 0.25})
	equal(t, "mask", append(b.RegionMask[0], b.RegionMask[1]...), []float32{1, 0, 1, 1})
	equal(t, "shape", b.Feats.Shape, []int{2, 2, 3})
	if i := b.Images[1]; i.ID != "b" || i.Width != 10 || i.Height != 20 || i.Source != "x.tsv" {
		t.Errorf("%+v", i)
	}
	if err := Fill(&b, image("a", 2, 3), image("b", 2, 3)); err != nil || b.RegionMask != nil {
		t.Errorf("%v, mask %v", err, b.RegionMask)
	}
	if err := Fill(&b, image("a", 2, 3), image("b", 2, 4)); err == nil || !strings.Contains(err.Error(), `image "a" has 3 features per box, image "b" has 4`) {
		t.Error(err)
	}
}

func TestInfiniteFeaturesAreFound(t *testing.T) {
	r := &Regions{ID: "a", Source: "x.tsv", N: 2, Dim: 3, Boxes: make([]float32, 8), Features: make([]float32, 6)}
	if err := r.CheckFinite(); err != nil {
		t.Error(err)
	}
	r.Features[4] = float32(math.Inf(-1))
	if err := r.CheckFinite(); !errors.Is(err, ErrFormat) || !strings.Contains(err.Error(), `x.tsv: image "a": features of box 1, number 1, is -Inf`) {
		t.Error(err)
	}
}
