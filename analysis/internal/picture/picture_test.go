package picture_test

import (
	"image"
	"image/color"
	"image/png"
	"os"
	"path/filepath"
	"strings"
	"testing"

	"github.com/seed-516990b0/golxmert/analysis/internal/picture"
	"github.com/seed-516990b0/golxmert/lxmert"
)

func TestPictureIsScaledDownInProportion(t *testing.T) {
	path := filepath.Join(t.TempDir(), "a.png")
	f, err := os.Create(path)
	if err != nil {
		t.Fatal(err)
	}
	if err := png.Encode(f, image.NewGray(image.Rect(0, 0, 300, 150))); err != nil {
		t.Fatal(err)
	}
	f.Close()
	for _, c := range []struct{ most, w, h int }{{400, 300, 150}, {100, 100, 50}, {1, 1, 1}} {
		m, err := picture.Load(lxmert.ImageInfo{File: path}, c.most)
		if err != nil {
			t.Fatal(err)
		}
		if got := m.Bounds().Size(); got != image.Pt(c.w, c.h) {
			t.Errorf("at most %d: size %v, want %d x %d", c.most, got, c.w, c.h)
		}
	}
}

func TestWithoutAFileThePictureIsBlankInItsProportions(t *testing.T) {
	for _, c := range []struct {
		info lxmert.ImageInfo
		want image.Point
	}{
		{lxmert.ImageInfo{}, image.Pt(400, 300)},
		{lxmert.ImageInfo{Width: 640, Height: 320}, image.Pt(400, 200)},
		{lxmert.ImageInfo{Width: -3, Height: 320}, image.Pt(400, 300)},
	} {
		m, err := picture.Load(c.info, 400)
		if err != nil || m.Bounds().Size() != c.want {
			t.Errorf("%+v: %v, %v, want %v", c.info, m.Bounds().Size(), err, c.want)
		}
	}
}

func TestWhatIsNoPictureIsAnErrorThatNamesIt(t *testing.T) {
	dir := t.TempDir()
	text := filepath.Join(dir, "a.jpg")
	if err := os.WriteFile(text, []byte("no picture"), 0o600); err != nil {
		t.Fatal(err)
	}
	for _, path := range []string{text, dir, filepath.Join(dir, "none.png")} {
		if _, err := picture.Load(lxmert.ImageInfo{File: path}, 10); err == nil || !strings.Contains(err.Error(), path) {
			t.Errorf("%s: error is %v", path, err)
		}
	}
}

func TestDesaturationKeepsGreyAndBrightness(t *testing.T) {
	m := image.NewNRGBA(image.Rect(0, 0, 2, 1))
	m.SetNRGBA(0, 0, color.NRGBA{200, 100, 0, 255})
	m.SetNRGBA(1, 0, color.NRGBA{90, 90, 90, 255})
	picture.Desaturate(m, 1)
	if p := m.NRGBAAt(0, 0); p.R != p.G || p.G != p.B || p.R != 114 {
		t.Errorf("orange becomes %v, want grey 114", p)
	}
	if p := m.NRGBAAt(1, 0); p != (color.NRGBA{90, 90, 90, 255}) {
		t.Errorf("grey becomes %v", p)
	}
}
