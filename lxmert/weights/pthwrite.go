package weights

import (
	"bufio"
	"bytes"
	"encoding/binary"
	"fmt"
	"hash/crc32"
	"io"
	"maps"
	"math"
	"os"
	"slices"
	"strconv"

	"github.com/seed-516990b0/golxmert/internal/atomicfile"
)

// writePTH writes torch.save's zip format. Members are stored, their values start at multiples of 64 bytes, and sizes
// and checksums stand in front of them. Sizes and places from wide on take zip64 fields.
func writePTH(path string, items []Item, notes map[string]string, wide int64) error {
	keys := map[string]string{} // item's name -> storage key
	for _, it := range items {
		if it.TiedTo == "" {
			keys[it.Name] = strconv.Itoa(len(keys))
		}
	}
	program, err := stateDict(items, keys, notes)
	if err != nil {
		return fmt.Errorf("writing %s: %w", path, err)
	}
	return atomicfile.Replace(path, func(f *os.File, w *bufio.Writer) error {
		z := &zipWriter{file: f, w: w, wide: wide}
		z.add("archive/data.pkl", int64(len(program)), raw(program))
		z.add("archive/byteorder", 6, raw([]byte("little")))
		for _, it := range items {
			if it.TiedTo == "" {
				n := int64(it.DType.Size())
				for _, d := range it.Shape {
					n *= int64(d)
				}
				z.add("archive/data/"+keys[it.Name], n, it.Values)
			}
		}
		z.add("archive/version", 2, raw([]byte("3\n")))
		return z.finish()
	})
}

func raw(b []byte) func(io.Writer) error {
	return func(w io.Writer) error { _, err := w.Write(b); return err }
}

// stateDict is the pickle of an OrderedDict of tensors.
func stateDict(items []Item, keys, notes map[string]string) ([]byte, error) {
	p := &program{}
	p.op("\x80\x02ccollections\nOrderedDict\n)R(")
	for _, it := range items {
		class := ""
		for name, dtype := range storageTypes {
			if dtype == it.DType {
				class = name
			}
		}
		if class == "" {
			return nil, fmt.Errorf("tensor %q: torch has no storage for type %s; a .safetensors can hold it", it.Name, it.DType)
		}
		key, count := keys[it.Name], int64(1)
		if it.TiedTo != "" {
			key = keys[it.TiedTo]
		}
		strides := make([]int64, len(it.Shape))
		dims := make([]int64, len(it.Shape))
		for i := len(it.Shape) - 1; i >= 0; i-- {
			dims[i], strides[i] = int64(it.Shape[i]), count
			count *= max(1, dims[i])
		}
		if slices.Contains(it.Shape, 0) {
			count = 0
		}
		p.text(it.Name)
		p.op("ctorch._utils\n_rebuild_tensor_v2\n((")
		p.text("storage")
		p.op("ctorch\n" + class + "\n")
		p.text(key)
		p.text("cpu")
		p.int(count)
		p.op("tQ") // the persistent id
		p.int(0)   // offset
		p.tuple(dims)
		p.tuple(strides)
		p.op("\x89ccollections\nOrderedDict\n)RtR") // no gradient, no hooks; call
	}
	p.op("u") // into the dict
	if len(notes) > 0 {
		p.op("}(")
		for _, name := range slices.Sorted(maps.Keys(notes)) {
			p.text(name)
			p.text(notes[name])
		}
		p.op("ub") // as its attributes
	}
	p.op(".")
	return p.Bytes(), nil
}

// program is a pickle under construction.
type program struct{ bytes.Buffer }

func (p *program) op(s string) { p.WriteString(s) }

func (p *program) text(s string) {
	p.op("X")
	p.Write(binary.LittleEndian.AppendUint32(nil, uint32(len(s))))
	p.op(s)
}

func (p *program) int(n int64) {
	if n >= 0 && n <= math.MaxInt32 {
		p.op("J")
		p.Write(binary.LittleEndian.AppendUint32(nil, uint32(n)))
		return
	}
	p.op("\x8a\x08") // LONG1
	p.Write(binary.LittleEndian.AppendUint64(nil, uint64(n)))
}

func (p *program) tuple(ns []int64) {
	p.op("(")
	for _, n := range ns {
		p.int(n)
	}
	p.op("t")
}

// zipWriter writes stored members. The first error sticks.
type zipWriter struct {
	file *os.File
	w    *bufio.Writer
	at   int64
	wide int64
	dir  bytes.Buffer
	n    uint64
	err  error
}

const (
	alignment = 64
	zip64Tag  = 1
	padTag    = 0x4246 // "FB", as torch pads
)

// add writes a member whose values have the given size.
func (z *zipWriter) add(name string, size int64, values func(io.Writer) error) {
	if z.err != nil {
		return
	}
	le := binary.LittleEndian
	start, large := z.at, size >= z.wide
	var extra []byte
	if large {
		extra = le.AppendUint16(extra, zip64Tag)
		extra = le.AppendUint16(extra, 16)
		extra = le.AppendUint64(extra, uint64(size))
		extra = le.AppendUint64(extra, uint64(size))
	}
	used := start + zipHeaderSize + int64(len(name)+len(extra)) + 4
	pad := int((alignment - used%alignment) % alignment)
	extra = le.AppendUint16(extra, padTag)
	extra = le.AppendUint16(extra, uint16(pad))
	extra = append(extra, bytes.Repeat([]byte{'Z'}, pad)...)

	head := z.fields([]byte(zipLocal), 0, size, large, len(name), len(extra))
	z.write(head)
	z.write([]byte(name))
	z.write(extra)
	crc := &crcWriter{w: z.w}
	if z.err == nil {
		z.err = values(crc)
	}
	if z.err == nil && crc.n != size {
		z.err = fmt.Errorf("%s: %d bytes of values where there must be %d", name, crc.n, size)
	}
	if z.err == nil {
		z.err = z.w.Flush()
	}
	if z.err != nil {
		return
	}
	z.at += crc.n
	if _, z.err = z.file.WriteAt(z.fields([]byte(zipLocal), crc.sum, size, large, len(name), len(extra)), start); z.err != nil {
		return
	}
	z.entry(name, start, size, crc.sum)
}

// fields appends what local header and directory entry have in common.
func (z *zipWriter) fields(b []byte, crc uint32, size int64, large bool, nameLen, extraLen int) []byte {
	le := binary.LittleEndian
	version, shown := uint16(20), uint32(size)
	if large {
		version, shown = 45, math.MaxUint32
	}
	b = le.AppendUint16(b, version)
	b = le.AppendUint16(b, 0x800) // names are UTF-8
	b = le.AppendUint16(b, 0)     // stored
	b = le.AppendUint32(b, 0x210000)
	b = le.AppendUint32(b, crc)
	b = le.AppendUint32(b, shown)
	b = le.AppendUint32(b, shown)
	b = le.AppendUint16(b, uint16(nameLen))
	return le.AppendUint16(b, uint16(extraLen))
}

// entry adds a member to the directory.
func (z *zipWriter) entry(name string, start, size int64, crc uint32) {
	le := binary.LittleEndian
	large, far := size >= z.wide, start >= z.wide
	var extra []byte
	if large {
		extra = le.AppendUint64(extra, uint64(size))
		extra = le.AppendUint64(extra, uint64(size))
	}
	place := uint32(start)
	if far {
		extra = le.AppendUint64(extra, uint64(start))
		place = math.MaxUint32
	}
	if len(extra) > 0 {
		tag := le.AppendUint16(le.AppendUint16(nil, zip64Tag), uint16(len(extra)))
		extra = append(tag, extra...)
	}
	b := le.AppendUint16([]byte(zipCentral), 45) // made by
	b = z.fields(b, crc, size, large, len(name), len(extra))
	b = append(b, make([]byte, 10)...) // comment, disk, attributes
	b = le.AppendUint32(b, place)
	z.dir.Write(b)
	z.dir.WriteString(name)
	z.dir.Write(extra)
	z.n++
}

// finish writes the directory and its end.
func (z *zipWriter) finish() error {
	le := binary.LittleEndian
	start, size := z.at, int64(z.dir.Len())
	z.write(z.dir.Bytes())
	n16, size32, start32 := uint16(z.n), uint32(size), uint32(start)
	if z.n >= math.MaxUint16 || start >= z.wide || size >= z.wide {
		end := z.at
		b := le.AppendUint64([]byte(zip64End), 44)
		b = le.AppendUint16(b, 45)
		b = le.AppendUint16(b, 45)
		b = append(b, make([]byte, 8)...) // disks
		b = le.AppendUint64(b, z.n)
		b = le.AppendUint64(b, z.n)
		b = le.AppendUint64(b, uint64(size))
		b = le.AppendUint64(b, uint64(start))
		b = append(b, zip64Locator...)
		b = le.AppendUint32(b, 0)
		b = le.AppendUint64(b, uint64(end))
		b = le.AppendUint32(b, 1)
		z.write(b)
		n16, size32, start32 = math.MaxUint16, math.MaxUint32, math.MaxUint32
	}
	b := append([]byte(zipEnd), 0, 0, 0, 0)
	b = le.AppendUint16(b, n16)
	b = le.AppendUint16(b, n16)
	b = le.AppendUint32(b, size32)
	b = le.AppendUint32(b, start32)
	z.write(append(b, 0, 0))
	return z.err
}

func (z *zipWriter) write(b []byte) {
	if z.err == nil {
		_, z.err = z.w.Write(b)
		z.at += int64(len(b))
	}
}

// crcWriter counts and sums what it passes on.
type crcWriter struct {
	w   io.Writer
	n   int64
	sum uint32
}

func (c *crcWriter) Write(p []byte) (int, error) {
	c.sum = crc32.Update(c.sum, crc32.IEEETable, p)
	n, err := c.w.Write(p)
	c.n += int64(n)
	return n, err
}
