package toy

import (
	"errors"
	"image"
	"image/color"
	"image/draw"
	"math"
	"path/filepath"
	"testing"
)

// TestTheDetectorSeesWhatIsThere shows it the pictures of a split, of which the scenes are known.
func TestTheDetectorSeesWhatIsThere(t *testing.T) {
	w := smallWorld(t)
	d := NewDetector(w.Seed)
	objects, right := 0, 0
	for _, s := range readScenes(t, w, "vqa", "minival") {
		r, err := d.Detect(Render(s))
		if err != nil {
			t.Fatalf("%s: %v", s.ID, err)
		}
		if r.N < minRegions || r.Width != s.Width || r.Height != s.Height || r.Dim != FeatDim {
			t.Fatalf("%s: %d regions of a picture with %d x %d", s.ID, r.N, r.Width, r.Height)
		}
		if _, err := r.NormalBoxes(nil); err != nil {
			t.Fatal(err)
		}
		for _, o := range s.Objects {
			objects++
			for i := range r.N {
				far := float32(0)
				for k, x := range o.Box {
					far = max(far, float32(math.Abs(float64(x-r.Boxes[4*i+k]))))
				}
				if far < 1.5 && r.ObjectConf[i] > 0 && Shapes[r.ObjectIDs[i]] == o.Shape && Colors[r.AttrIDs[i]] == o.Color {
					right++
				}
			}
		}
		if found := countSure(r.ObjectConf); found != len(s.Objects) {
			t.Errorf("%s: found %d things of %d", s.ID, found, len(s.Objects))
		}
	}
	if p, text := share(right, objects); p < 99.5 {
		t.Errorf("the detector is right about %s objects", text)
	}
}

func countSure(confidence []float32) (n int) {
	for _, c := range confidence {
		if c > 0 {
			n++
		}
	}
	return n
}

// TestDetectedFeaturesAreThoseOfTheFiles takes the mean of many objects of one kind in a feature file, which is the kind's
// features without noise.
func TestDetectedFeaturesAreThoseOfTheFiles(t *testing.T) {
	w := smallWorld(t)
	d := NewDetector(w.Seed)
	type kind struct{ shape, color, size string }
	sums, counts := map[kind][]float64{}, map[kind]int{}
	detected := map[kind][]float32{}
	scenes := readScenes(t, w, "vqa", "train")
	for i, r := range readRegions(t, w, filepath.Join("data", "mscoco_imgfeat", "train2014_obj36.tsv")) {
		var mine []float32
		if i < 100 {
			found, err := d.Detect(Render(scenes[i]))
			if err != nil {
				t.Fatal(err)
			}
			for _, o := range scenes[i].Objects {
				for k := range found.N {
					if math.Abs(float64(found.Boxes[4*k]-o.Box[0])) < 1.5 && math.Abs(float64(found.Boxes[4*k+1]-o.Box[1])) < 1.5 {
						mine = found.Features[k*FeatDim : (k+1)*FeatDim]
						detected[kind{o.Shape, o.Color, o.Size}] = mine
					}
				}
			}
		}
		for _, o := range scenes[i].Objects {
			k := kind{o.Shape, o.Color, o.Size}
			if sums[k] == nil {
				sums[k] = make([]float64, FeatDim)
			}
			for j, x := range r.Features[o.ROI*FeatDim : (o.ROI+1)*FeatDim] {
				sums[k][j] += float64(x)
			}
			counts[k]++
		}
	}
	compared := 0
	for k, features := range detected {
		if counts[k] < 10 {
			continue
		}
		compared++
		off := 0.0
		for j, x := range features {
			y := sums[k][j]/float64(counts[k]) - float64(x)
			off += y * y
		}
		// A mean of n has the noise of one divided by the root of n.
		expected := noise / 100.0 / math.Sqrt(float64(counts[k]))
		if rms := math.Sqrt(off / FeatDim); rms > 1.5*expected {
			t.Errorf("%v: the features are %.3f off the mean of %d, noise explains %.3f", k, rms, counts[k], expected)
		}
	}
	if compared < 20 {
		t.Errorf("compared %d kinds of things only", compared)
	}
}

func TestTheDetectorTakesPicturesOfAnySizeAndPlace(t *testing.T) {
	picture := image.NewRGBA(image.Rect(-30, 20, 370, 420))
	draw.Draw(picture, picture.Rect, image.White, image.Point{}, draw.Src)
	draw.Draw(picture, image.Rect(170, 220, 270, 320), image.NewUniform(color.RGBA{0, 0, 255, 255}), image.Point{}, draw.Src)
	r, err := NewDetector(0).Detect(picture)
	if err != nil {
		t.Fatal(err)
	}
	if Shapes[r.ObjectIDs[0]] != "square" || Colors[r.AttrIDs[0]] != "blue" || countSure(r.ObjectConf) != 1 || r.N != minRegions {
		t.Errorf("found %+v", r)
	}
	for i, want := range []float32{200, 200, 300, 300} {
		if r.Boxes[i] != want {
			t.Errorf("the box is %v", r.Boxes[:4])
			break
		}
	}
}

func TestAnEmptyPictureIsAnError(t *testing.T) {
	for _, picture := range []image.Image{image.NewRGBA(image.Rect(0, 0, 50, 50)), image.NewRGBA(image.Rectangle{})} {
		if _, err := NewDetector(1).Detect(picture); !errors.Is(err, ErrNothing) {
			t.Errorf("%v: %v", picture.Bounds(), err)
		}
	}
}
