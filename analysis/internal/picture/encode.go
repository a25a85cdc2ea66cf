package picture

import (
	"bytes"
	"fmt"
	"image"
	"image/jpeg"
	"os"
	"path/filepath"

	"github.com/seed-516990b0/golxmert/lxmert"
)

// smallest is the longer side below which a picture is not scaled down to fit.
const smallest = 60

// JPEG is the picture as a JPEG, paler by a share of its colour ([Desaturate]), whose sides have at most side pixels. To fit into
// most bytes it loses quality first and pixels then, down to 60. size is that of the picture before it lost any: its proportions.
// Without a file there is no picture, data is nil, and size is that of the blank one that [Load] gives.
func JPEG(info lxmert.ImageInfo, side, most int, pale float64) (data []byte, size image.Point, err error) {
	if info.File == "" {
		return nil, blank(info, side).Bounds().Size(), nil
	}
	src, err := read(info.File)
	if err != nil {
		return nil, size, err
	}
	img := scaled(src, side)
	size = img.Bounds().Size()
	Desaturate(img, pale)
	for quality := 85; ; {
		var b bytes.Buffer
		if err := jpeg.Encode(&b, img, &jpeg.Options{Quality: quality}); err != nil {
			return nil, size, fmt.Errorf("picture %s: %w", info.File, err)
		}
		if b.Len() <= most || side*3/4 < smallest {
			return b.Bytes(), size, nil
		}
		if quality > 55 {
			quality -= 15
			continue
		}
		side = min(side, max(img.Bounds().Dx(), img.Bounds().Dy())) * 3 / 4
		img = scaled(src, side)
		Desaturate(img, pale)
	}
}

// Locate is the file of a picture: as named, or in dir by its name or its id. "" if nothing says where it might be. A file that is
// not there is named all the same, as reading it says what is missing.
func Locate(info lxmert.ImageInfo, dir string) string {
	if dir == "" {
		return info.File
	}
	var places []string
	if info.File != "" {
		places = append(places, info.File)
		if filepath.IsLocal(info.File) {
			places = append(places, filepath.Join(dir, info.File))
		}
		places = append(places, filepath.Join(dir, filepath.Base(info.File)))
	} else if filepath.IsLocal(info.ID) {
		for _, suffix := range []string{".jpg", ".jpeg", ".png"} {
			places = append(places, filepath.Join(dir, info.ID+suffix))
		}
	}
	for _, path := range places {
		if _, err := os.Stat(path); err == nil {
			return path
		}
	}
	if len(places) == 0 {
		return ""
	}
	return places[len(places)-1]
}
