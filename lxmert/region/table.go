package region

import (
	"encoding/binary"
	"errors"
	"fmt"
	"hash/crc32"
	"io"
	"math"
)

// The table at the end of a shard: what is in each of its records, and all that a later run needs to go on after it.

const (
	tableHead  = 56 // bytes before the entries
	entrySize  = 100
	tableEnd   = 16 // after the ids: the table's size (u64), its CRC-32C (u32), tableMagic
	tableMagic = "LXRS"
)

// table describes a shard.
type table struct {
	layout
	boxes    int    // that a record has room for
	first    int    // row of the first record
	next     place  // where the source goes on; for sources without lines, offset counts images
	identity uint64 // of what is packed, and how
	entries  []entry
	sum      uint32 // CRC-32C of the table
}

// entry describes a record.
type entry struct {
	id               string
	n, width, height int
	labels           uint32
	sum              uint32 // CRC-32C of the record, without the zeros up to its end
	stat             stat
}

// encode is the table as it stands at the end of a shard. It sets t.sum.
func (t *table) encode() []byte {
	le := binary.LittleEndian
	b := make([]byte, 0, tableHead+len(t.entries)*(entrySize+32)+tableEnd)
	flags := uint32(0)
	if t.half {
		flags = 1
	}
	for _, v := range []uint32{uint32(len(t.entries)), uint32(t.boxes), uint32(t.dim), flags} {
		b = le.AppendUint32(b, v)
	}
	for _, v := range []uint64{uint64(t.stride(t.boxes)), uint64(t.first), uint64(t.next.offset), uint64(t.next.line), t.identity} {
		b = le.AppendUint64(b, v)
	}
	for i := range t.entries {
		e := &t.entries[i]
		s := &e.stat
		for _, v := range []uint32{uint32(len(e.id)), uint32(e.n), uint32(e.width), uint32(e.height), e.labels, e.sum} {
			b = le.AppendUint32(b, v)
		}
		for _, v := range []float64{s.sum, s.squares, s.width, s.height, s.area} {
			b = le.AppendUint64(b, math.Float64bits(v))
		}
		for _, v := range []uint32{s.zeros, s.negative, s.lost, s.infinite, s.empty, s.outside, s.inverted, s.confidence, math.Float32bits(s.farthest)} {
			b = le.AppendUint32(b, v)
		}
	}
	for i := range t.entries {
		b = append(b, t.entries[i].id...)
	}
	t.sum = crc32.Checksum(b, castagnoli)
	b = le.AppendUint64(b, uint64(len(b)))
	b = le.AppendUint32(b, t.sum)
	return append(b, tableMagic...)
}

// readTable reads the table of a shard of size bytes. Whatever the file says, no more than it has is allocated.
func readTable(f io.ReaderAt, size int64) (*table, error) {
	var end [tableEnd]byte
	if size < tableHead+tableEnd {
		return nil, fmt.Errorf("%d bytes are not a shard; the file was cut short", size)
	}
	if _, err := f.ReadAt(end[:], size-tableEnd); err != nil {
		return nil, cutShort(err)
	}
	length := binary.LittleEndian.Uint64(end[:])
	if string(end[12:]) != tableMagic || length < tableHead || length > uint64(size-tableEnd) {
		return nil, errors.New("there is no table at its end: the file was cut short or overwritten")
	}
	b := make([]byte, length)
	if _, err := f.ReadAt(b, size-tableEnd-int64(length)); err != nil {
		return nil, cutShort(err)
	}
	sum := binary.LittleEndian.Uint32(end[8:])
	if crc32.Checksum(b, castagnoli) != sum {
		return nil, errors.New("the checksum of the table at its end is wrong")
	}
	t, err := parseTable(b, size-tableEnd-int64(length))
	if err != nil {
		return nil, err
	}
	t.sum = sum
	return t, nil
}

// parseTable reads a table that stands after records of this many bytes.
func parseTable(b []byte, records int64) (*table, error) {
	le := binary.LittleEndian
	count, boxes, dim, flags := le.Uint32(b), le.Uint32(b[4:]), le.Uint32(b[8:]), le.Uint32(b[12:])
	stride, first, offset, line := le.Uint64(b[16:]), le.Uint64(b[24:]), le.Uint64(b[32:]), le.Uint64(b[40:])
	t := &table{layout: layout{dim: int(dim), half: flags == 1}, boxes: int(boxes), first: int(first), next: place{int64(offset), int(line)}, identity: le.Uint64(b[48:])}
	rest := b[tableHead:]
	switch {
	case flags > 1 || boxes == 0 || boxes > maxRow>>4 || dim == 0 || dim > maxRow>>2 || first > math.MaxInt32 || offset > maxBytes || line > maxBytes:
		return nil, fmt.Errorf("its table speaks of %d boxes with %d features, flags %d, row %d: impossible", boxes, dim, flags, first)
	case stride != uint64(t.stride(t.boxes)):
		return nil, fmt.Errorf("its records have %d bytes; %d boxes with %d features have %d", stride, boxes, dim, t.stride(t.boxes))
	case count == 0 || int64(count) > records/int64(stride) || int64(count)*int64(stride) != records:
		return nil, fmt.Errorf("%d bytes of records are not %d of %d", records, count, stride)
	case uint64(count)*entrySize > uint64(len(rest)):
		return nil, fmt.Errorf("its table of %d bytes is too short for %d records", len(b), count)
	}
	t.entries = make([]entry, count)
	names := string(rest[int(count)*entrySize:])
	for i := range t.entries {
		e := &t.entries[i]
		name := le.Uint32(rest)
		n, width, height := le.Uint32(rest[4:]), le.Uint32(rest[8:]), le.Uint32(rest[12:])
		e.labels, e.sum = le.Uint32(rest[16:]), le.Uint32(rest[20:])
		if name == 0 || name > maxID || int(name) > len(names) || n == 0 || n > boxes || width == 0 || width > maxPixels || height == 0 || height > maxPixels || e.labels > allLabels {
			return nil, fmt.Errorf("record %d: an id of %d bytes, a picture of %d x %d pixels with %d boxes: impossible", i, name, width, height, n)
		}
		e.id, names = names[:name], names[name:]
		e.n, e.width, e.height = int(n), int(width), int(height)
		s := &e.stat
		for k, to := range []*float64{&s.sum, &s.squares, &s.width, &s.height, &s.area} {
			*to = math.Float64frombits(le.Uint64(rest[24+8*k:]))
		}
		for k, to := range []*uint32{&s.zeros, &s.negative, &s.lost, &s.infinite, &s.empty, &s.outside, &s.inverted, &s.confidence} {
			*to = le.Uint32(rest[64+4*k:])
		}
		s.farthest = math.Float32frombits(le.Uint32(rest[96:]))
		rest = rest[entrySize:]
	}
	if names != "" {
		return nil, fmt.Errorf("its table has %d bytes too many", len(names))
	}
	return t, nil
}
