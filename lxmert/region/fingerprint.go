package region

import (
	"fmt"
	"math"
)

// Fingerprint sums up a set of images, so that features of another detector, or scaled in another way, are told from
// those that a model was trained on. Rows that later ones replace count too; numbers that are infinite or NaN, and boxes
// outside their picture, count only as such.
type Fingerprint struct {
	Images   int `json:"images"`   // rows
	Dim      int `json:"dim"`      // features of a box
	Boxes    int `json:"boxes"`    // of all images
	MinBoxes int `json:"minBoxes"` // of an image
	MaxBoxes int `json:"maxBoxes"`

	// Of all features: mean, standard deviation, and the shares, 0 to 1, that are exactly 0 and below 0.
	Mean     float64 `json:"mean"`
	Std      float64 `json:"std"`
	Zeros    float64 `json:"zeros"`
	Negative float64 `json:"negative"`

	// Means over boxes, as shares of the picture's width, height and area, 0 to 1.
	BoxWidth  float64 `json:"boxWidth"`
	BoxHeight float64 `json:"boxHeight"`
	BoxArea   float64 `json:"boxArea"`

	// Means over images, pixels.
	Width  float64 `json:"width"`
	Height float64 `json:"height"`

	Infinite   int     `json:"infinite"`   // numbers that are infinite or not a number
	Outside    int     `json:"outside"`    // boxes outside their picture
	Inverted   int     `json:"inverted"`   // boxes whose x1 is not right of x0, or whose y1 is not below y0
	Empty      int     `json:"empty"`      // boxes whose features are all 0
	Confidence int     `json:"confidence"` // confidences below 0 or above 1
	Farthest   float64 `json:"farthest"`   // the largest coordinate of a box, pixels
}

// What the published features are: the pooled output of a ReLU, of exactly 36 boxes.
const (
	publishedDim   = 2048
	publishedBoxes = 36
)

// Warnings says what differs from the features that the published LXMERT was trained on, 36 boxes a picture with 2048
// features each, which come out of a ReLU, and [Fingerprint.Doubts]. It is empty for what may be the published features.
func (f Fingerprint) Warnings() (list []string) {
	if f.Images > 0 && f.Dim != publishedDim {
		list = append(list, fmt.Sprintf("%d features per box; the published model takes %d", f.Dim, publishedDim))
	}
	return append(append(list, f.unpublished()...), f.Doubts()...)
}

// unpublished says how features differ from the published ones, their number aside.
func (f Fingerprint) unpublished() (list []string) {
	if f.Images == 0 {
		return nil
	}
	if f.MinBoxes != publishedBoxes || f.MaxBoxes != publishedBoxes {
		list = append(list, fmt.Sprintf("%d to %d boxes per image; the published model was trained on exactly %d", f.MinBoxes, f.MaxBoxes, publishedBoxes))
	}
	if f.Negative > 0 {
		list = append(list, fmt.Sprintf("%.2g %% of the features are negative; those that the model was trained on come out of a ReLU", 100*f.Negative))
	}
	return list
}

// farTooLarge is a mean or a standard deviation that no network puts out.
const farTooLarge = 1e5

// Doubts says what is unlikely in regions, whatever model they are for.
func (f Fingerprint) Doubts() (list []string) {
	warn := func(format string, args ...any) { list = append(list, fmt.Sprintf(format, args...)) }
	if f.Images == 0 {
		return nil
	}
	if f.Mean == 0 && f.Std == 0 {
		warn("all features are 0")
	} else if f.Empty > 0 {
		warn("the features of %d of %d boxes are all 0", f.Empty, f.Boxes)
	}
	if math.Abs(f.Mean) > farTooLarge || f.Std > farTooLarge {
		warn("the features have the mean %.3g and the standard deviation %.3g: they look like numbers of another type, such as float64 read as float32, or big-endian ones", f.Mean, f.Std)
	}
	if f.Farthest <= 1.001 && f.Width > 2 && f.Height > 2 {
		warn("no coordinate of a box is larger than %.4g: the boxes look as if they were divided by the picture's size already; they must be in pixels", f.Farthest)
	}
	if f.Inverted > 0 {
		warn("%d of %d boxes have no area, x1 <= x0 or y1 <= y0: boxes must be x0 y0 x1 y1, not x y width height", f.Inverted, f.Boxes)
	}
	if f.Confidence > 0 {
		warn("%d confidences are not within 0 and 1", f.Confidence)
	}
	return list
}

// Compare says in what two fingerprints are far from each other, one line for each: other widths of features; a mean, a
// standard deviation, or a mean box width, height or area, that differs by more than a quarter of the larger one (the mean of
// the features, which may be about 0, by a fiftieth of the standard deviation more); a share of zeros that differs by more
// than 0.1, or of negative features by more than 0.01 and a tenth of the larger one; a mean number of boxes that differs by
// more than a tenth. Sets of some hundred images that were made alike are nearer than that.
func (f Fingerprint) Compare(other Fingerprint) []string { return f.compare(other, 1) }

// compare allows differences this many times as large as those of Compare.
func (f Fingerprint) compare(other Fingerprint, times float64) (list []string) {
	if f.Images == 0 || other.Images == 0 {
		return nil
	}
	if f.Dim != other.Dim {
		return []string{fmt.Sprintf("%d features per box, not %d", f.Dim, other.Dim)}
	}
	perImage := func(p Fingerprint) float64 { return float64(p.Boxes) / float64(p.Images) }
	for _, part := range []struct {
		name     string
		a, b     float64
		relative float64 // allowed difference, of the larger one
		absolute float64
	}{
		{"mean of the features", f.Mean, other.Mean, 0.25, 0.02 * max(f.Std, other.Std)},
		{"standard deviation of the features", f.Std, other.Std, 0.25, 0},
		{"share of features that are 0", f.Zeros, other.Zeros, 0, 0.1},
		{"share of negative features", f.Negative, other.Negative, 0.1, 0.01},
		{"mean number of boxes per image", perImage(f), perImage(other), 0.1, 0},
		{"mean width of boxes as a share of the picture", f.BoxWidth, other.BoxWidth, 0.25, 0},
		{"mean height of boxes as a share of the picture", f.BoxHeight, other.BoxHeight, 0.25, 0},
		{"mean area of boxes as a share of the picture", f.BoxArea, other.BoxArea, 0.25, 0},
	} {
		if math.Abs(part.a-part.b) > times*(part.absolute+part.relative*max(math.Abs(part.a), math.Abs(part.b))) {
			list = append(list, fmt.Sprintf("the %s is %.4g, not about %.4g", part.name, part.a, part.b))
		}
	}
	return list
}

// stat is what one image adds to a fingerprint.
type stat struct {
	sum, squares        float64 // of the finite features
	width, height, area float64 // of the boxes, summed
	zeros, negative     uint32  // features
	lost                uint32  // features that are infinite or not a number
	infinite            uint32  // all such numbers
	empty               uint32  // boxes, as the next two
	outside, inverted   uint32
	confidence          uint32
	farthest            float32
}

// measure looks at an image.
func measure(r *Regions) stat {
	var s stat
	for i := range r.N {
		s.addFeatures(r.Features[i*r.Dim : (i+1)*r.Dim])
		s.addBox(r.Boxes[4*i:4*i+4], float64(r.Width), float64(r.Height))
	}
	for _, confs := range [][]float32{r.ObjectConf, r.AttrConf} {
		for _, v := range confs {
			if !finite(v) {
				s.infinite++
			} else if v < 0 || v > 1 {
				s.confidence++
			}
		}
	}
	return s
}

func finite(v float32) bool { return v-v == 0 }

// addFeatures counts without branches, which a processor could not foresee. The conversions of products keep them from
// being fused with sums, so that the bits are the same on every machine.
func (s *stat) addFeatures(features []float32) {
	var sum, sum2, squares, squares2 float64
	var zeros, negative uint64
	rest := features
	for ; len(rest) >= 2; rest = rest[2:] {
		b, b2 := math.Float32bits(rest[0]), math.Float32bits(rest[1])
		zero, zero2 := (uint64(b<<1)-1)>>63, (uint64(b2<<1)-1)>>63
		zeros += zero + zero2
		negative += uint64(b>>31)&^zero + uint64(b2>>31)&^zero2
		x, x2 := float64(rest[0]), float64(rest[1])
		sum += x
		sum2 += x2
		squares += float64(x * x)
		squares2 += float64(x2 * x2)
	}
	for _, v := range rest {
		b := math.Float32bits(v)
		zero := (uint64(b<<1) - 1) >> 63
		zeros += zero
		negative += uint64(b>>31) &^ zero
		sum += float64(v)
		squares += float64(float64(v) * float64(v))
	}
	sum, squares = sum+sum2, squares+squares2
	if squares-squares != 0 { // something is not finite: again, without it
		sum, squares, negative = 0, 0, 0
		for _, v := range features {
			if !finite(v) {
				s.infinite++
				s.lost++
				continue
			}
			if v < 0 {
				negative++
			}
			sum += float64(v)
			squares += float64(float64(v) * float64(v))
		}
	}
	s.sum += sum
	s.squares += squares
	s.zeros += uint32(zeros)
	s.negative += uint32(negative)
	if zeros == uint64(len(features)) {
		s.empty++
	}
}

func (s *stat) addBox(box []float32, width, height float64) {
	for i, v := range box {
		if !finite(v) {
			s.infinite++
		} else {
			s.farthest = max(s.farthest, v)
		}
		size := float32(width)
		if i%2 == 1 {
			size = float32(height)
		}
		if !isShare(v / size) {
			s.outside++
			return
		}
	}
	w, h := (float64(box[2])-float64(box[0]))/width, (float64(box[3])-float64(box[1]))/height
	if w <= 0 || h <= 0 {
		s.inverted++
	}
	s.width += w
	s.height += h
	s.area += float64(w * h)
}

// tally adds images up.
type tally struct {
	f             Fingerprint
	features      float64 // that are finite
	sum, squares  float64
	zeros, minus  float64
	width, height float64
}

// add adds an image of n boxes with dim features each.
func (t *tally) add(s stat, n, dim, width, height int) {
	f := &t.f
	if f.Images == 0 || n < f.MinBoxes {
		f.MinBoxes = n
	}
	f.Images++
	f.Dim = dim
	f.Boxes += n
	f.MaxBoxes = max(f.MaxBoxes, n)
	t.features += float64(n)*float64(dim) - float64(s.lost)
	t.sum += s.sum
	t.squares += s.squares
	t.zeros += float64(s.zeros)
	t.minus += float64(s.negative)
	t.width += float64(width)
	t.height += float64(height)
	f.BoxWidth += s.width
	f.BoxHeight += s.height
	f.BoxArea += s.area
	f.Infinite += int(s.infinite)
	f.Outside += int(s.outside)
	f.Inverted += int(s.inverted)
	f.Empty += int(s.empty)
	f.Confidence += int(s.confidence)
	f.Farthest = max(f.Farthest, float64(s.farthest))
}

// fingerprint divides the sums.
func (t *tally) fingerprint() Fingerprint {
	f := t.f
	if f.Images == 0 {
		return f
	}
	features := max(1, t.features)
	f.Mean = t.sum / features
	f.Std = math.Sqrt(max(0, t.squares/features-float64(f.Mean*f.Mean)))
	f.Zeros, f.Negative = t.zeros/features, t.minus/features
	inside := max(1, float64(f.Boxes-f.Outside))
	f.BoxWidth, f.BoxHeight, f.BoxArea = f.BoxWidth/inside, f.BoxHeight/inside, f.BoxArea/inside
	f.Width, f.Height = t.width/float64(f.Images), t.height/float64(f.Images)
	return f
}
