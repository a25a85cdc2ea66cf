package report

import (
	"bytes"
	"encoding/base64"
	"fmt"
	"html/template"
	"image/jpeg"
	"os"
	"path/filepath"

	"github.com/seed-516990b0/golxmert/analysis/internal/picture"
	"github.com/seed-516990b0/golxmert/lxmert"
)

// pictureBytes is what an embedded picture may take, so that a report with all maps stays within half a megabyte.
const pictureBytes = 24 << 10

// shown is the picture as a page has it.
type shown struct {
	URL           template.URL // data:, "" for a picture that is not there
	Width, Height float64      // of the drawing, in its own units
}

// drawingWidth is the width of the drawing in its own units, so that letters on it have one size whatever the picture.
const drawingWidth = 640

// embedPicture reads the picture and makes it small enough. Without a picture the drawing has its proportions and no picture.
func embedPicture(info lxmert.ImageInfo, dir string) (shown, error) {
	info.File = locate(info, dir)
	img, err := picture.Load(info, 640)
	if err != nil {
		return shown{}, err
	}
	w, h := img.Bounds().Dx(), img.Bounds().Dy()
	out := shown{Width: drawingWidth, Height: drawingWidth * float64(h) / float64(w)}
	const maxHeight = 1.5 * drawingWidth // so that words beside it stay in sight
	if out.Height > maxHeight {
		out.Width, out.Height = maxHeight*float64(w)/float64(h), maxHeight
	}
	if info.File == "" {
		return out, nil
	}
	picture.Desaturate(img, 0.3)
	for side, quality := 640, 85; ; {
		var buf bytes.Buffer
		if err := jpeg.Encode(&buf, img, &jpeg.Options{Quality: quality}); err != nil {
			return shown{}, fmt.Errorf("picture %s: %w", info.File, err)
		}
		if buf.Len() <= pictureBytes || side < 80 {
			out.URL = template.URL("data:image/jpeg;base64," + base64.StdEncoding.EncodeToString(buf.Bytes()))
			return out, nil
		}
		if quality > 55 {
			quality -= 15
			continue
		}
		side = side * 3 / 4
		if img, err = picture.Load(info, side); err != nil {
			return shown{}, err
		}
		picture.Desaturate(img, 0.3)
	}
}

// locate is the file of a picture: as named, or in dir by its name or its id. "" if nothing says where it might be.
func locate(info lxmert.ImageInfo, dir string) string {
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
	return places[len(places)-1] // reading it says what is missing
}
