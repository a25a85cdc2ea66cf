package picture_test

import (
	"bytes"
	"image"
	"image/color"
	"image/jpeg"
	"image/png"
	"math/rand/v2"
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

// noise is a picture that compresses badly.
func noise(t *testing.T, w, h int) string {
	t.Helper()
	rng := rand.New(rand.NewPCG(1, 2))
	m := image.NewNRGBA(image.Rect(0, 0, w, h))
	for i := range m.Pix {
		m.Pix[i] = uint8(rng.UintN(256))
	}
	path := filepath.Join(t.TempDir(), "noise.png")
	f, err := os.Create(path)
	if err != nil {
		t.Fatal(err)
	}
	defer f.Close()
	if err := png.Encode(f, m); err != nil {
		t.Fatal(err)
	}
	return path
}

func TestAPictureIsMadeToFitAndKeepsItsProportions(t *testing.T) {
	path := noise(t, 400, 200)
	for _, most := range []int{1 << 20, 20000, 4000} {
		data, size, err := picture.JPEG(lxmert.ImageInfo{File: path}, 300, most, 0)
		if err != nil {
			t.Fatal(err)
		}
		if len(data) > most {
			t.Errorf("%d bytes, at most %d were asked for", len(data), most)
		}
		conf, err := jpeg.DecodeConfig(bytes.NewReader(data))
		if err != nil {
			t.Fatal(err)
		}
		if size != image.Pt(300, 150) || conf.Width < 2*conf.Height-1 || conf.Width > 2*conf.Height+1 || conf.Width > 300 {
			t.Errorf("at most %d bytes: %d x %d pixels of %v", most, conf.Width, conf.Height, size)
		}
	}
	// Of noise no picture is small: one pixel fewer than 60 is never reached, whatever may be asked.
	data, _, err := picture.JPEG(lxmert.ImageInfo{File: path}, 300, 1, 0)
	if err != nil || len(data) == 0 {
		t.Errorf("a picture that cannot be made to fit: %d bytes, %v", len(data), err)
	}
	if data, size, err := picture.JPEG(lxmert.ImageInfo{Width: 40, Height: 20}, 300, 1000, 0); data != nil || err != nil || size != image.Pt(40, 20) {
		t.Errorf("without a file: %d bytes, %v, %v", len(data), size, err)
	}
}
