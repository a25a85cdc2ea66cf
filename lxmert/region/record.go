package region

import (
	"encoding/binary"
	"fmt"
	"hash/crc32"
	"math"

	"github.com/seed-516990b0/golxmert/internal/excerpt"
	"github.com/seed-516990b0/golxmert/internal/half"
)

// Records of a store: the layout that doc.go describes, and images to and from it.

// recordAlign is what the size of records is a multiple of, in bytes.
const recordAlign = 64

var castagnoli = crc32.MakeTable(crc32.Castagnoli)

// layout is what all records of a store share.
type layout struct {
	dim  int  // features of a box
	half bool // they are float16
}

// size is the number of bytes of n boxes.
func (l layout) size(n int) int64 {
	feature := int64(4)
	if l.half {
		feature = 2
	}
	return int64(n) * (32 + feature*int64(l.dim))
}

// stride is the size of records that hold up to n boxes.
func (l layout) stride(n int) int64 {
	return (l.size(n) + recordAlign - 1) / recordAlign * recordAlign
}

// Labels that a record holds.
const (
	hasObjectConf = 1 << iota
	hasAttrConf
	hasObjectIDs
	hasAttrIDs
	allLabels = hasObjectConf | hasAttrConf | hasObjectIDs | hasAttrIDs
)

// labels says which of them an image has.
func (r *Regions) labels() (labels uint32) {
	for _, part := range []struct {
		there bool
		label uint32
	}{
		{r.ObjectConf != nil, hasObjectConf}, {r.AttrConf != nil, hasAttrConf},
		{r.ObjectIDs != nil, hasObjectIDs}, {r.AttrIDs != nil, hasAttrIDs},
	} {
		if part.there {
			labels |= part.label
		}
	}
	return labels
}

// encode writes an image's record into dst, which has layout.size(r.N) bytes. What the image does not have is zeros.
func (l layout) encode(dst []byte, r *Regions) error {
	take := func(size int) []byte {
		part := dst[:size]
		dst = dst[size:]
		return part
	}
	putFloats(take(16*r.N), r.Boxes)
	putFloats(take(4*r.N), r.ObjectConf)
	putFloats(take(4*r.N), r.AttrConf)
	putInts(take(4*r.N), r.ObjectIDs)
	putInts(take(4*r.N), r.AttrIDs)
	if !l.half {
		putFloats(dst, r.Features)
	} else if large := half.Encode(dst, r.Features); large != 0 {
		return fmt.Errorf("%w: %s: image %s: the feature %g is too large for float16, which ends at %d: pack as float32", ErrFormat, r.Source, excerpt.Quote(r.ID), large, half.Max)
	}
	return nil
}

func putFloats(dst []byte, values []float32) {
	if values == nil {
		clear(dst)
		return
	}
	if littleEndian {
		copy(dst, memory(values))
		return
	}
	for i, v := range values {
		binary.LittleEndian.PutUint32(dst[4*i:], math.Float32bits(v))
	}
}

func putInts(dst []byte, values []int32) {
	if values == nil {
		clear(dst)
		return
	}
	for i, v := range values {
		binary.LittleEndian.PutUint32(dst[4*i:], uint32(v))
	}
}

// decode fills dst with the record of n boxes, reusing its slices where they are large enough.
func (l layout) decode(dst *Regions, raw []byte, n int, labels uint32) {
	take := func(size int) []byte {
		part := raw[:size]
		raw = raw[size:]
		return part
	}
	dst.N, dst.Dim = n, l.dim
	dst.Boxes = getFloats(dst.Boxes, take(16*n))
	dst.ObjectConf, dst.AttrConf = getFloats(dst.ObjectConf, take(4*n)), getFloats(dst.AttrConf, take(4*n))
	dst.ObjectIDs, dst.AttrIDs = getInts(dst.ObjectIDs, take(4*n)), getInts(dst.AttrIDs, take(4*n))
	if labels&hasObjectConf == 0 {
		dst.ObjectConf = nil
	}
	if labels&hasAttrConf == 0 {
		dst.AttrConf = nil
	}
	if labels&hasObjectIDs == 0 {
		dst.ObjectIDs = nil
	}
	if labels&hasAttrIDs == 0 {
		dst.AttrIDs = nil
	}
	if l.half {
		dst.Features = resize(dst.Features, n*l.dim)
		half.Decode(dst.Features, raw)
	} else {
		dst.Features = getFloats(dst.Features, raw)
	}
}

func getFloats(dst []float32, raw []byte) []float32 {
	dst = resize(dst, len(raw)/4)
	if littleEndian {
		copy(memory(dst), raw)
		return dst
	}
	for i := range dst {
		dst[i] = math.Float32frombits(binary.LittleEndian.Uint32(raw[4*i:]))
	}
	return dst
}

func getInts(dst []int32, raw []byte) []int32 {
	dst = resize(dst, len(raw)/4)
	for i := range dst {
		dst[i] = int32(binary.LittleEndian.Uint32(raw[4*i:]))
	}
	return dst
}
