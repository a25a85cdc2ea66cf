package region

import (
	"image"
	"image/color"
	"image/jpeg"
	"image/png"
	"os"
	"path/filepath"
	"strings"
	"testing"

	"github.com/seed-516990b0/golxmert/lxmert"
)

// drawn writes a picture of 3 x 2 pixels.
func drawn(t *testing.T, path string) {
	t.Helper()
	if err := os.MkdirAll(filepath.Dir(path), 0o777); err != nil {
		t.Fatal(err)
	}
	f, err := os.Create(path)
	if err != nil {
		t.Fatal(err)
	}
	m := image.NewGray(image.Rect(0, 0, 3, 2))
	if strings.EqualFold(filepath.Ext(path), ".png") {
		err = png.Encode(f, m)
	} else {
		err = jpeg.Encode(f, m, nil)
	}
	if err == nil {
		err = f.Close()
	}
	if err != nil {
		t.Fatal(err)
	}
}

func TestPicturesAreFoundInTheirPublishedLayouts(t *testing.T) {
	for _, c := range []struct{ id, file string }{
		{"COCO_train2014_000000458752", "COCO_train2014_000000458752.jpg"},
		{"COCO_train2014_000000458752", "train2014/COCO_train2014_000000458752.jpg"},
		{"COCO_val2014_000000458752", "images/val2014/COCO_val2014_000000458752.jpg"},
		{"COCO_test2015_000000000001", "test2015/COCO_test2015_000000000001.jpg"},
		{"COCO_train2014_000000458752", "000000458752.jpg"},
		{"COCO_val2014_000000458752", "train2017/000000458752.jpg"},
		{"2375429", "2375429.jpg"},
		{"2375429", "VG_100K/2375429.jpg"},
		{"2375429", "VG_100K_2/2375429.jpg"},
		{"n161313", "n161313.jpg"},
		{"n161313", "images/n161313.jpg"},
		{"train-10171-0-img0", "train-10171-0-img0.png"},
		{"train-10171-0-img0", "train/train-10171-0-img0.png"},
		{"train-10171-0-img0", "images/train/63/train-10171-0-img0.png"},
		{"train-10171-0-img1", "train/7/train-10171-0-img1.png"},
		{"dev-0-0-img0", "images/dev/dev-0-0-img0.png"},
		{"test1-0-0-img1", "test1/test1-0-0-img1.png"},
		{"val_000017", "val_000017.PNG"},
		{"mine", "mine.Jpeg"},
		{"mine.v2", "mine.v2.jpeg"},
	} {
		dir := t.TempDir()
		drawn(t, filepath.Join(dir, filepath.FromSlash(c.file)))
		drawn(t, filepath.Join(dir, "other.jpg"))
		p, err := OpenPictures(dir)
		if err != nil {
			t.Fatal(err)
		}
		for range 2 {
			path, ok := p.Find(c.id)
			if want := filepath.Join(dir, filepath.FromSlash(c.file)); !ok || path != want {
				t.Errorf("%s: found %s, expected %s", c.id, path, want)
			}
		}
		m, found, err := Picture(dir, lxmert.ImageInfo{ID: c.id, Width: 30, Height: 20})
		if err != nil || !found || m.Bounds().Dx() != 3 {
			t.Errorf("%s: %v, %v", c.id, found, err)
		}
		if path, ok := p.Find("nothing"); ok {
			t.Errorf("found %s", path)
		}
	}
}

func TestNoPictureOutsideTheFolderIsFound(t *testing.T) {
	base := t.TempDir()
	dir := filepath.Join(base, "in")
	for _, file := range []string{"secret.jpg", "in/sub/a.jpg", "in/images/b.jpg", "in/.hidden.jpg"} {
		drawn(t, filepath.Join(base, filepath.FromSlash(file)))
	}
	p, err := OpenPictures(dir)
	if err != nil {
		t.Fatal(err)
	}
	for _, id := range []string{"../secret", "..", "", ".", "sub/a", `sub\a`, "../in/images/b", filepath.Join(base, "secret"), "a\x00", "C:secret", ".hidden", strings.Repeat("a", 5000), "COCO_.._secret", "..-0-img0", "COCO_"} {
		if path, ok := p.Find(id); ok {
			t.Errorf("%q: found %s", id, path)
		}
	}
	if _, ok := p.Find("b"); !ok {
		t.Error("images/b.jpg is not found")
	}
}

func TestACanvasStandsInForAMissingPicture(t *testing.T) {
	for _, c := range []struct{ info, want lxmert.ImageInfo }{
		{lxmert.ImageInfo{ID: "a", Width: 1 << 24, Height: 1 << 24}, lxmert.ImageInfo{Width: 1 << 24, Height: 1 << 24}},
		{lxmert.ImageInfo{ID: "a"}, lxmert.ImageInfo{Width: 640, Height: 480}},
	} {
		for _, dir := range []string{"", t.TempDir()} {
			m, found, err := Picture(dir, c.info)
			if err != nil || found || m.Bounds() != image.Rect(0, 0, c.want.Width, c.want.Height) {
				t.Fatalf("%v, %v, %v", m.Bounds(), found, err)
			}
			if r, g, b, a := m.At(5, 5).RGBA(); r != g || g != b || a != 0xffff || r < 0xc000 {
				t.Errorf("the canvas is %v", color.RGBA64Model.Convert(m.At(5, 5)))
			}
		}
	}
	if _, _, err := Picture(filepath.Join(t.TempDir(), "none"), lxmert.ImageInfo{ID: "a"}); err == nil {
		t.Error("a folder that is not there has pictures")
	}
	file := filepath.Join(t.TempDir(), "a.jpg")
	drawn(t, file)
	if _, err := OpenPictures(file); err == nil {
		t.Error("a file is a folder")
	}
	if _, found, err := Picture("", lxmert.ImageInfo{ID: "b", File: file}); err != nil || !found {
		t.Errorf("%v, %v", found, err)
	}
}

func TestPicturesThatCannotBeDecodedAreErrors(t *testing.T) {
	dir := t.TempDir()
	drawn(t, filepath.Join(dir, "whole.png"))
	whole, err := os.ReadFile(filepath.Join(dir, "whole.png"))
	if err != nil {
		t.Fatal(err)
	}
	huge := append([]byte("\x89PNG\r\n\x1a\n\x00\x00\x00\x0dIHDR\x00\x01\x00\x00\x00\x01\x00\x00\x08\x00\x00\x00\x00"), "\xc2\x65\x8d\x4f"...)
	for name, c := range map[string]struct {
		data []byte
		want string
	}{
		"cut.png":  {whole[:len(whole)-20], "it must be a JPEG or PNG file"},
		"text.jpg": {[]byte("hello"), "a text file, not a JPEG or PNG picture"},
		"huge.png": {huge, ""},
	} {
		if err := os.WriteFile(filepath.Join(dir, name), c.data, 0o666); err != nil {
			t.Fatal(err)
		}
		_, found, err := Picture(dir, lxmert.ImageInfo{ID: strings.TrimSuffix(name, filepath.Ext(name)), Width: 1, Height: 1})
		if err == nil || found || !strings.Contains(err.Error(), name) || !strings.Contains(err.Error(), c.want) {
			t.Errorf("%s: error %v does not say %q", name, err, c.want)
		}
	}
}
