package region

import (
	"fmt"
	"math"

	"github.com/seed-516990b0/golxmert/internal/excerpt"
)

// Check returns an error for regions that are certainly not what they are taken for: features that are halves of other
// numbers, boxes that were divided by the picture's size already or are x, y, width, height (all three wrap [ErrForm]);
// numbers that are infinite or NaN ([ErrFormat]); boxes outside their picture ([ErrBox]). Every way into a model passes
// here, see [Fill]. What is only unlikely is for [Examine] to say.
func (r *Regions) Check() error {
	if err := r.checkForm(); err != nil {
		return err
	}
	if err := r.CheckFinite(); err != nil {
		return err
	}
	return r.checkInside()
}

// checkForm is the part of [Regions.Check] that concerns a whole file: where one image is of another form, all are.
func (r *Regions) checkForm() error {
	if err := r.checkHalves(); err != nil {
		return err
	}
	return r.checkBoxForm()
}

// A picture whose longer side has this many pixels has more than one of them covered by its boxes, whatever the detector.
const (
	minShareSide = 32
	oneSlack     = 0.01 // of 1, where shares were rounded or enlarged
)

// checkBoxForm looks for boxes that would be divided by the picture's size for a second time, and for sizes in the place
// of corners.
func (r *Regions) checkBoxForm() error {
	if len(r.Boxes) < 4 {
		return nil
	}
	farthest, least, parts := float32(0), float32(0), false
	for _, v := range r.Boxes {
		farthest, least = max(farthest, v), min(least, v)
		parts = parts || v != float32(math.Trunc(float64(v)))
	}
	if max(r.Width, r.Height) >= minShareSide && parts && farthest <= 1+oneSlack && least >= -oneSlack {
		return fmt.Errorf("%w: %s: image %s: no coordinate of its %d boxes is larger than %.4g in a picture of %d x %d pixels: they were divided by the picture's size already, and would be again; "+
			"multiply them by it (boxes * [width, height, width, height]), or give 1 as width and height",
			ErrForm, r.Source, excerpt.Quote(r.ID), len(r.Boxes)/4, farthest, r.Width, r.Height)
	}
	inverted := 0
	for b := r.Boxes; len(b) >= 4; b = b[4:] {
		if b[2] < b[0] || b[3] < b[1] {
			inverted++
		}
		if b[0]+b[2] > float32(r.Width+1) || b[1]+b[3] > float32(r.Height+1) || b[2] < 0 || b[3] < 0 {
			return nil
		}
	}
	if inverted < 2 || 8*inverted < len(r.Boxes)/4 {
		return nil
	}
	return fmt.Errorf("%w: %s: image %s: %d of %d boxes end before they begin, and all of them fit into the picture of %d x %d pixels as x, y, width, height: they must be x0 y0 x1 y1; "+
		"add the first two numbers to the last two (boxes[:, 2:] += boxes[:, :2])",
		ErrForm, r.Source, excerpt.Quote(r.ID), inverted, len(r.Boxes)/4, r.Width, r.Height)
}

// checkInside finds the first box that is not within its picture.
func (r *Regions) checkInside() error {
	size := [4]float32{float32(r.Width), float32(r.Height), float32(r.Width), float32(r.Height)}
	for i, v := range r.Boxes {
		if !isShare(v / size[i%4]) {
			return fmt.Errorf("%w: image %s, %s of box %d is %g, the picture has %d x %d pixels%s",
				ErrBox, excerpt.Quote(r.ID), [4]string{"x0", "y0", "x1", "y1"}[i%4], i/4, v, r.Width, r.Height, r.whyOutside())
		}
	}
	return nil
}

// isShare says whether a share of the picture's size is one, up to boxSlack.
func isShare(v float32) bool { return v < 1+boxSlack && -v < boxSlack }

// whyOutside guesses what went wrong, from whether all boxes would be within another picture.
func (r *Regions) whyOutside() string {
	size := [4]float32{float32(r.Height), float32(r.Width), float32(r.Height), float32(r.Width)}
	for i, v := range r.Boxes {
		if !isShare(v / size[i%4]) {
			return "; boxes must be x0 y0 x1 y1 in pixels of the picture that the size tells"
		}
	}
	return fmt.Sprintf(": all its boxes are within %d x %d, so width and height may be swapped", r.Height, r.Width)
}

// halvesSample is how many pairs of features are looked at.
const halvesSample = 512

// checkHalves recognises float64 that was read as float32: every other number is the lower half of one, which stands for
// anything at all.
func (r *Regions) checkHalves() error {
	if r.Dim%2 == 1 || !areHalves(r.Features[:min(len(r.Features), 2*halvesSample)]) {
		return nil
	}
	return fmt.Errorf("%w: %s: image %s: its %d features per box are %d float64 read as float32 (together they are ordinary numbers, alone the first ones are %.3g, %.3g): write float32, x.astype(\"float32\")",
		ErrForm, r.Source, excerpt.Quote(r.ID), r.Dim, r.Dim/2, r.Features[0], r.Features[1])
}

// areHalves says whether pairs of numbers are ordinary float64, and strange as the float32 that they are read as: a
// quarter or more of the pairs that are not 0 have a half that no feature is. Numbers that a network puts out are between
// 1e-12 and 1e6, or 0; the lower half of a float64 has its 32 last digits at random, or nearly all 0, and in either case
// its exponent is far away from there in half of the cases or more.
func areHalves(values []float32) bool {
	strange, pairs := 0, 0
	for ; len(values) >= 2; values = values[2:] {
		low, high := math.Float32bits(values[0]), math.Float32bits(values[1])
		if low|high == 0 {
			continue
		}
		pairs++
		if whole := math.Float64frombits(uint64(high)<<32 | uint64(low)); whole != 0 && !ordinary(math.Abs(whole)) {
			return false
		}
		if low != 0 && !ordinary(math.Abs(float64(values[0]))) {
			strange++
		}
	}
	return pairs >= 8 && 4*strange >= pairs
}

// ordinary says whether the size of a feature that is not 0 is one that networks put out; not of NaN.
func ordinary(size float64) bool { return size >= 1e-12 && size <= 1e6 }
