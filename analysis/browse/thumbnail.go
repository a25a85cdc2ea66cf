package browse

import (
	"context"
	"encoding/base64"
	"image"
	"net/url"
	"path/filepath"
	"runtime"
	"sync"

	"github.com/seed-516990b0/golxmert/analysis/internal/picture"
	"github.com/seed-516990b0/golxmert/lxmert"
	"github.com/seed-516990b0/golxmert/lxmert/region"
)

const (
	standardBytes = 24 << 20 // of all pictures of a page
	largestSide   = 400      // pixels of a picture, however few there are
	smallestSide  = 64
	leastBytes    = 2 << 10 // of a page for one picture of the smallest size
)

// thumb is a picture as the page has it.
type thumb struct {
	data string // base64; "": it is not there
	size image.Point
	file string
}

// thumbnails reads pictures, as small as it takes to fit all into the bytes that the page has for them. It notes in out what there is.
func thumbnails(ctx context.Context, ids []string, opt Options, out *Written) ([]thumb, error) {
	if opt.Images == "" || len(ids) == 0 {
		return nil, nil
	}
	folder, err := region.OpenPictures(opt.Images)
	if err != nil {
		return nil, err
	}
	budget := opt.PictureBytes
	if budget == 0 {
		budget = standardBytes
	}
	thumbs := make([]thumb, len(ids))
	var files []int
	for i, id := range ids {
		if path, ok := folder.Find(id); ok {
			thumbs[i].file = path
			files = append(files, i)
		} else {
			out.Missing = append(out.Missing, id)
		}
	}
	if len(files) == 0 {
		return thumbs, nil
	}
	if most := budget / leastBytes; len(files) > most { // the page is no larger for it
		for _, i := range files[most:] {
			thumbs[i].file = ""
		}
		out.Omitted, files = len(files)-most, files[:most]
	}
	each := budget / max(len(files), 1) * 3 / 4 // four letters of base64 are three bytes
	out.Side = sideOf(each)
	work, group, mu := make(chan int), sync.WaitGroup{}, sync.Mutex{}
	faults, done := make([]error, len(ids)), 0
	for range runtime.GOMAXPROCS(0) {
		group.Go(func() {
			for i := range work {
				data, size, err := picture.JPEG(lxmert.ImageInfo{ID: ids[i], File: thumbs[i].file}, out.Side, each, 0)
				faults[i] = err
				thumbs[i].data, thumbs[i].size = base64.StdEncoding.EncodeToString(data), size
				mu.Lock()
				if done++; opt.Progress != nil {
					opt.Progress(done, len(files))
				}
				mu.Unlock()
			}
		})
	}
	for _, i := range files {
		if ctx.Err() != nil {
			break
		}
		work <- i
	}
	close(work)
	group.Wait()
	if err := ctx.Err(); err != nil {
		return nil, err
	}
	for _, i := range files {
		if faults[i] != nil {
			out.Unreadable = append(out.Unreadable, faults[i])
		} else {
			out.Pictures++
		}
	}
	return thumbs, nil
}

// sideOf is the longer side that photographs have in so many bytes, at a sixth of a byte for a pixel.
func sideOf(bytes int) int {
	side := smallestSide
	for side < largestSide && (side+16)*(side+16)*3/4/6 <= bytes {
		side += 16
	}
	return side
}

// address is where a file is, seen from a page in a folder.
func address(folder, file string) string {
	from, err1 := filepath.Abs(folder)
	to, err2 := filepath.Abs(file)
	if err1 != nil || err2 != nil {
		return ""
	}
	rel, err := filepath.Rel(from, to)
	if err != nil {
		return ""
	}
	return (&url.URL{Path: filepath.ToSlash(rel)}).String()
}
