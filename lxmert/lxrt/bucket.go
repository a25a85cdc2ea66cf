package lxrt

import "github.com/seed-516990b0/golxmert/lxmert"

// Absent is added to the scores of keys that only fill a bucket. Unlike the reference's -10000 it removes them even
// where every real key is masked.
const Absent = -1e30

// masked is what the reference adds to the scores of a key with mask 0; a mask of m adds (1-m) * masked.
const masked = -10000

// sizes are a batch's true sizes and, in the second of each, those of the bucket that it is padded to. Sizes within one
// bucket share a compiled graph.
type sizes struct {
	texts, images, rows, words, regions [2]int
}

func sizesOf(b *lxmert.Batch, c lxmert.Config) sizes {
	var s sizes
	s.texts = [2]int{len(b.IDs), rowBucket(len(b.IDs))}
	s.images = [2]int{b.Feats.Shape[0], rowBucket(b.Feats.Shape[0])}
	s.rows = [2]int{b.Rows(), rowBucket(b.Rows())}
	s.words = [2]int{b.T(), min(lengthBucket(b.T()), c.MaxPositions)}
	s.regions = [2]int{b.V(), lengthBucket(b.V())}
	return s
}

// exact is the sizes of a batch that is padded to nothing but its own longest text and most regions.
func exact(s sizes) sizes {
	for _, x := range []*[2]int{&s.texts, &s.images, &s.rows, &s.words, &s.regions} {
		x[1] = x[0]
	}
	return s
}

// rowBucket rounds up to a power of two, and above 64 to a multiple of 32.
func rowBucket(n int) int {
	if n > 64 {
		return (n + 31) / 32 * 32
	}
	b := 1
	for b < n {
		b *= 2
	}
	return b
}

// lengthBucket rounds up to a multiple of 4, and above 64 to a multiple of 16. The published sizes, 20 words and 36
// regions, are buckets.
func lengthBucket(n int) int {
	if n > 64 {
		return (n + 15) / 16 * 16
	}
	return max(4, (n+3)/4*4)
}

// dims gives an activation's shape with its rows, of true sizes (which = 0) or of the bucket (which = 1).
func (s sizes) dims(c lxmert.Config, a lxmert.Activation, which int) []int {
	var rows int
	switch c.Rows(a.Name) {
	case lxmert.TextRows:
		rows = s.texts[which]
	case lxmert.ImageRows:
		rows = s.images[which]
	case lxmert.TaskRows:
		rows = s.rows[which] / 2
	default:
		rows = s.rows[which]
	}
	return append([]int{rows}, a.Dims(c, s.words[which], s.regions[which])...)
}

// pad copies an array into the corner of a larger one of the same number of axes, whose other entries are fill.
func pad[E any](src []E, from, to []int, fill E) []E {
	if equalDims(from, to) {
		return src
	}
	dst := make([]E, lxmert.Size(to))
	for i := range dst {
		dst[i] = fill
	}
	copyCorner(dst, to, src, from, from)
	return dst
}

// broadcast repeats an array along the axes in which it has size 1.
func broadcast(src []float32, from, to []int) []float32 {
	if equalDims(from, to) {
		return src
	}
	if len(to) == 0 {
		return src[:1]
	}
	step := lxmert.Size(from[1:])
	var dst []float32
	for i := range to[0] {
		if from[0] == 1 {
			i = 0
		}
		dst = append(dst, broadcast(src[i*step:(i+1)*step], from[1:], to[1:])...)
	}
	return dst
}

// crop copies the corner of an array.
func crop(src []float32, from, to []int) []float32 {
	if equalDims(from, to) {
		return src
	}
	dst := make([]float32, lxmert.Size(to))
	copyCorner(dst, to, src, from, to)
	return dst
}

// copyCorner copies the leading part of the given size from one array to another.
func copyCorner[E any](dst []E, dstDims []int, src []E, srcDims, part []int) {
	if len(part) == 0 {
		copy(dst, src)
		return
	}
	if len(part) == 1 {
		copy(dst[:part[0]], src[:part[0]])
		return
	}
	dstStep, srcStep := lxmert.Size(dstDims[1:]), lxmert.Size(srcDims[1:])
	for i := range part[0] {
		copyCorner(dst[i*dstStep:(i+1)*dstStep], dstDims[1:], src[i*srcStep:(i+1)*srcStep], srcDims[1:], part[1:])
	}
}

func equalDims(a, b []int) bool {
	if len(a) != len(b) {
		return false
	}
	for i := range a {
		if a[i] != b[i] {
			return false
		}
	}
	return true
}
