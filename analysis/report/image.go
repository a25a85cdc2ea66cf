package report

import (
	"encoding/base64"
	"html/template"

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
	info.File = picture.Locate(info, dir)
	data, size, err := picture.JPEG(info, drawingWidth, pictureBytes, 0.3)
	if err != nil {
		return shown{}, err
	}
	out := shown{Width: drawingWidth, Height: drawingWidth * float64(size.Y) / float64(size.X)}
	const maxHeight = 1.5 * drawingWidth // so that words beside it stay in sight
	if out.Height > maxHeight {
		out.Width, out.Height = maxHeight*float64(size.X)/float64(size.Y), maxHeight
	}
	if data != nil {
		out.URL = template.URL("data:image/jpeg;base64," + base64.StdEncoding.EncodeToString(data))
	}
	return out, nil
}
