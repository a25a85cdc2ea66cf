// Package picture loads the picture that regions came from, small enough to be drawn or embedded.
package picture

import (
	"bytes"
	"fmt"
	"image"
	"image/color"
	_ "image/jpeg" // pictures are PNG or JPEG
	_ "image/png"
	"os"

	"golang.org/x/image/draw"

	"github.com/seed-516990b0/golxmert/lxmert"
)

const (
	maxBytes  = 64 << 20 // of a file
	maxPixels = 64 << 20 // of the decoded picture, 256 MiB
)

// Load returns the picture of an image, scaled down so that neither side is longer than most pixels. Where there is no
// file the picture is blank, in the proportions that are known, else 4:3. An error names the file: it is not there, it is
// neither PNG nor JPEG, or it is too large.
func Load(info lxmert.ImageInfo, most int) (*image.NRGBA, error) {
	if info.File == "" {
		return blank(info, most), nil
	}
	src, err := read(info.File)
	if err != nil {
		return nil, err
	}
	return scaled(src, most), nil
}

// read is the picture of a file as it is.
func read(path string) (image.Image, error) {
	src, err := decode(path)
	if err != nil {
		return nil, fmt.Errorf("picture %s: %w", path, err)
	}
	return src, nil
}

// scaled is a copy of a picture, neither side of which is longer than most pixels.
func scaled(src image.Image, most int) *image.NRGBA {
	w, h := fit(src.Bounds().Dx(), src.Bounds().Dy(), most)
	out := image.NewNRGBA(image.Rect(0, 0, w, h))
	if w == src.Bounds().Dx() && h == src.Bounds().Dy() {
		draw.Draw(out, out.Bounds(), src, src.Bounds().Min, draw.Src)
	} else {
		draw.CatmullRom.Scale(out, out.Bounds(), src, src.Bounds(), draw.Src, nil)
	}
	return out
}

func decode(path string) (image.Image, error) {
	stat, err := os.Stat(path)
	if err != nil {
		return nil, err
	}
	if !stat.Mode().IsRegular() {
		return nil, fmt.Errorf("it is not a file")
	}
	if stat.Size() > maxBytes {
		return nil, fmt.Errorf("it has %d bytes, at most %d are read", stat.Size(), maxBytes)
	}
	data, err := os.ReadFile(path)
	if err != nil {
		return nil, err
	}
	conf, _, err := image.DecodeConfig(bytes.NewReader(data))
	if err != nil {
		return nil, fmt.Errorf("it can be read neither as PNG nor as JPEG: %w", err)
	}
	if conf.Width <= 0 || conf.Height <= 0 || conf.Width > maxPixels/conf.Height {
		return nil, fmt.Errorf("it is %d x %d pixels, at most %d in all are read", conf.Width, conf.Height, maxPixels)
	}
	src, _, err := image.Decode(bytes.NewReader(data))
	return src, err
}

func blank(info lxmert.ImageInfo, most int) *image.NRGBA {
	w, h := info.Width, info.Height
	if w <= 0 || h <= 0 {
		w, h = 4*most, 3*most
	}
	w, h = fit(w, h, most)
	out := image.NewNRGBA(image.Rect(0, 0, w, h))
	draw.Draw(out, out.Bounds(), image.NewUniform(color.NRGBA{0xf4, 0xf4, 0xf4, 0xff}), image.Point{}, draw.Src)
	return out
}

// fit returns sizes in the same proportion, at least 1 and at most most.
func fit(w, h, most int) (int, int) {
	if long := max(w, h); long > most {
		w, h = w*most/long, h*most/long
	}
	return max(w, 1), max(h, 1)
}

// Desaturate mixes each pixel with its grey: 0 changes nothing, 1 leaves grey alone.
func Desaturate(m *image.NRGBA, share float64) {
	for i := 0; i+3 < len(m.Pix); i += 4 {
		p := m.Pix[i : i+3 : i+3]
		grey := 0.2126*float64(p[0]) + 0.7152*float64(p[1]) + 0.0722*float64(p[2])
		for c := range p {
			p[c] = uint8((1-share)*float64(p[c]) + share*grey + 0.5)
		}
	}
}
