package toy

import (
	"bytes"
	"context"
	"image"
	"image/color"
	"image/png"
	"os"
	"path/filepath"
	"testing"
)

func TestPicturesShowTheirObjects(t *testing.T) {
	fills := map[string]float64{"circle": 0.785, "square": 1, "triangle": 0.5, "star": 0.37, "cross": 0.564} // of the box
	for _, s := range readScenes(t, smallWorld(t), "vqa", "heldout") {
		picture := Render(s)
		if picture.Rect != image.Rect(0, 0, Side, Side) {
			t.Fatalf("%s is %v", s.ID, picture.Rect)
		}
		objectPixels := 0.0
		for _, o := range s.Objects {
			want := paints[indexOf(Colors, o.Color)]
			x, y := int(o.Box[0]+o.Box[2])/2, int(o.Box[1]+o.Box[3])/2
			if got := picture.At(x, y); got != color.Color(want) {
				t.Fatalf("%s: in the middle of a %s %s is %v", s.ID, o.Color, o.Shape, got)
			}
			covered := 0.0
			for y := int(o.Box[1]); y < int(o.Box[3]+1); y++ {
				for x := int(o.Box[0]); x < int(o.Box[2]+1); x++ {
					if index := int(picture.ColorIndexAt(x, y)); index > 0 && (index-1)/levels == indexOf(Colors, o.Color) {
						covered += float64((index-1)%levels+1) / levels
					}
				}
			}
			objectPixels += covered
			side := float64(o.Box[2] - o.Box[0])
			if fill := covered / side / side; fill < fills[o.Shape]-0.03 || fill > fills[o.Shape]+0.03 {
				t.Errorf("%s: a %s with side %g fills %.3f of its box, not %.3f", s.ID, o.Shape, side, fill, fills[o.Shape])
			}
		}
		all := 0.0
		for _, index := range picture.Pix {
			if index > 0 {
				all += float64((int(index)-1)%levels+1) / levels
			}
		}
		if all-objectPixels > 1e-6 || objectPixels-all > 1e-6 {
			t.Errorf("%s: there is paint outside the objects", s.ID)
		}
	}
}

func indexOf(names []string, name string) int {
	for i, n := range names {
		if n == name {
			return i
		}
	}
	return -1
}

func TestAnyPictureCanBeDrawn(t *testing.T) {
	w := smallWorld(t)
	drawn := 0
	for _, split := range w.Splits {
		scenes := readScenes(t, w, split.Task, split.Name)
		for i, s := range scenes {
			if i > 0 && i < len(scenes)-1 {
				continue
			}
			picture, err := w.Picture(context.Background(), s.ID)
			if err != nil {
				t.Fatal(err)
			}
			text, err := os.ReadFile(filepath.Join(w.Images(), s.ID+".png"))
			if os.IsNotExist(err) {
				continue
			}
			if err != nil {
				t.Fatal(err)
			}
			file, err := png.Decode(bytes.NewReader(text))
			if err != nil {
				t.Fatal(err)
			}
			if !bytes.Equal(file.(*image.Paletted).Pix, picture.(*image.Paletted).Pix) {
				t.Errorf("%s looks otherwise in its file", s.ID)
			}
			drawn++
		}
	}
	if drawn < 10 {
		t.Errorf("only %d of the pictures looked at are files", drawn)
	}
}

func TestWhatCannotBeDrawnIsLeftOut(t *testing.T) {
	for _, o := range []Object{
		{Shape: "hexagon", Color: "red", Box: [4]float32{1, 1, 9, 9}}, {Shape: "star", Color: "pink", Box: [4]float32{1, 1, 9, 9}},
		{Shape: "star", Color: "red", Box: [4]float32{1, 1, 900, 9}}, {Shape: "star", Color: "red", Box: [4]float32{-5, 1, 9, 9}},
		{Shape: "star", Color: "red", Box: [4]float32{9, 9, 1, 1}},
	} {
		for _, index := range Render(&Scene{Width: 20, Height: 10, Objects: []Object{o}}).Pix {
			if index != 0 {
				t.Errorf("%+v is drawn", o)
				break
			}
		}
	}
}
