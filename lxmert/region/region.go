package region

import (
	"errors"
	"fmt"
	"math"

	"github.com/seed-516990b0/golxmert/internal/excerpt"
	"github.com/seed-516990b0/golxmert/lxmert"
)

// Regions is what a detector found in one image. Slices are flat, row-major, and may be changed by their owner.
type Regions struct {
	ID            string
	Width, Height int    // of the picture, pixels; 1 and 1 where it is not known, and boxes are shares of it
	Source        string // the file that the regions came from

	N, Dim   int       // boxes, and features of each
	Boxes    []float32 // [N,4] x0 y0 x1 y1, pixels
	Features []float32 // [N,Dim]

	// What the detector called each box: classes without background, from 0, and its confidence, 0 to 1. Each is [N], or
	// nil where the file does not say.
	ObjectIDs, AttrIDs   []int32
	ObjectConf, AttrConf []float32
}

// Errors that a caller may want to tell apart. Every error about a file's content wraps ErrFormat.
var (
	ErrFormat   = errors.New("unreadable region features")
	ErrNotFound = errors.New("no such image")
	ErrBox      = errors.New("box outside the picture")
	ErrForm     = errors.New("regions of another form")
)

// boxSlack is how far, in picture sizes, a box may reach beyond the picture, as in the reference.
const boxSlack = 1e-5

// NormalBoxes appends the boxes divided by the picture's width and height to dst, [N,4] from 0 to 1, in float32 as the
// reference does. A box that is not within the picture, up to 1e-5 of its size, or not a number, is an error that wraps
// [ErrBox].
func (r *Regions) NormalBoxes(dst []float32) ([]float32, error) {
	size := [4]float32{float32(r.Width), float32(r.Height), float32(r.Width), float32(r.Height)}
	for i, v := range r.Boxes {
		if v /= size[i%4]; !isShare(v) {
			return nil, r.checkInside()
		}
		dst = append(dst, v)
	}
	return dst, nil
}

// CheckFinite returns an error that names the first box or feature that is infinite or not a number.
func (r *Regions) CheckFinite() error {
	for _, part := range []struct {
		name   string
		values []float32
		width  int
	}{{"boxes", r.Boxes, 4}, {"features", r.Features, r.Dim}, {"objects_conf", r.ObjectConf, 1}, {"attrs_conf", r.AttrConf, 1}} {
		if allFinite(part.values) {
			continue
		}
		for i, v := range part.values {
			if math.Float32bits(v)&0x7f800000 == 0x7f800000 {
				return fmt.Errorf("%w: %s: image %s: %s of box %d, number %d, is %g",
					ErrFormat, r.Source, excerpt.Quote(r.ID), part.name, i/part.width, i%part.width, v)
			}
		}
	}
	return nil
}

// allFinite adds up zeros: only what is infinite or not a number makes something else of them. Several sums at once keep
// the processor from waiting for each.
func allFinite(values []float32) bool {
	var a, b, c, d float32
	for ; len(values) >= 8; values = values[8:] {
		a += float32(values[0]*0) + float32(values[1]*0)
		b += float32(values[2]*0) + float32(values[3]*0)
		c += float32(values[4]*0) + float32(values[5]*0)
		d += float32(values[6]*0) + float32(values[7]*0)
	}
	for _, v := range values {
		a += v * 0
	}
	return a+b+c+d == 0
}

// Info is what the regions' file says about the picture; a size of 1 x 1 says that boxes are shares of one that is not known.
func (r *Regions) Info() lxmert.ImageInfo {
	info := lxmert.ImageInfo{ID: r.ID, Width: r.Width, Height: r.Height, Source: r.Source, ObjectIDs: r.ObjectIDs, AttributeIDs: r.AttrIDs}
	if r.Width == 1 && r.Height == 1 {
		info.Width, info.Height = 0, 0
	}
	return info
}

// Fill sets the region side of a batch: Feats [images,V,F], Boxes [images,V,4] from 0 to 1, Images, and, where the images
// have different numbers of boxes, RegionMask. V is the largest number of boxes; what is missing is zeros, masked. Images
// with features of different widths are an error, and so is whatever [Regions.Check] finds.
func Fill(b *lxmert.Batch, images ...*Regions) error {
	v, dim, same := 0, 0, true
	for i, r := range images {
		if len(r.Boxes) != 4*r.N || len(r.Features) != r.N*r.Dim {
			return fmt.Errorf("region: image %s: %d numbers of boxes and %d of features for %d boxes with %d features", excerpt.Quote(r.ID), len(r.Boxes), len(r.Features), r.N, r.Dim)
		}
		if i == 0 {
			v, dim = r.N, r.Dim
		}
		if r.Dim != dim {
			return fmt.Errorf("region: image %s has %d features per box, image %s has %d: they cannot go into one batch", excerpt.Quote(images[0].ID), dim, excerpt.Quote(r.ID), r.Dim)
		}
		same = same && r.N == v
		v = max(v, r.N)
	}
	feats, boxes := lxmert.NewTensor(len(images), v, dim), lxmert.NewTensor(len(images), v, 4)
	var mask [][]float32
	infos := make([]lxmert.ImageInfo, len(images))
	for i, r := range images {
		if err := r.Check(); err != nil {
			return err
		}
		copy(feats.Row(i).Data, r.Features)
		if _, err := r.NormalBoxes(boxes.Row(i).Data[:0]); err != nil {
			return err
		}
		if !same {
			row := make([]float32, v)
			for k := range r.N {
				row[k] = 1
			}
			mask = append(mask, row)
		}
		infos[i] = r.Info()
	}
	b.Feats, b.Boxes, b.RegionMask, b.Images = feats, boxes, mask, infos
	return nil
}
