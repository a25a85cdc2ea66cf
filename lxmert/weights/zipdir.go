package weights

import (
	"bytes"
	"encoding/binary"
	"fmt"
	"io"
	"slices"
)

// A reader for the directory of the zip files that torch.save writes. It accepts stored members only: a member's bytes
// are then a part of the file, can be mapped, and cannot unfold to more than there is.

// member is one file in a zip archive.
type member struct {
	name      string
	off, size int64 // of the bytes
	header    int64 // offset of the local header
	crc       uint32
}

const (
	zipLocal      = "PK\x03\x04"
	zipCentral    = "PK\x01\x02"
	zipEnd        = "PK\x05\x06"
	zip64End      = "PK\x06\x06"
	zip64Locator  = "PK\x06\x07"
	maxDirectory  = 64 << 20 // bytes
	maxMembers    = 200_000
	zipEndSize    = 22
	zipEntrySize  = 46
	zipHeaderSize = 30
)

// readDirectory returns the members in the order of their place in the file.
func readDirectory(src *source) ([]member, error) {
	start, size, count, err := findDirectory(src)
	if err != nil {
		return nil, err
	}
	if size > maxDirectory || count > maxMembers {
		return nil, fmt.Errorf("a zip directory of %d members in %d bytes is over the limit", count, size)
	}
	dir := make([]byte, size)
	if _, err := src.ReadAt(dir, start); err != nil && err != io.EOF {
		return nil, err
	}
	members := make([]member, 0, count)
	names := map[string]bool{}
	for at := start; len(dir) > 0; {
		m, n, err := parseEntry(dir)
		if err == nil && names[m.name] {
			err = fmt.Errorf("the name %q occurs twice", short(m.name))
		}
		if err == nil {
			err = m.locate(src, start)
		}
		if err != nil {
			return nil, fmt.Errorf("offset %d: zip directory: %w", at, err)
		}
		names[m.name] = true
		members = append(members, m)
		dir = dir[n:]
		at += int64(n)
	}
	if uint64(len(members)) != count {
		return nil, fmt.Errorf("offset %d: the zip directory has %d members where its end says %d", start, len(members), count)
	}
	slices.SortFunc(members, func(a, b member) int { return int(min(1, max(-1, a.header-b.header))) })
	for i := 1; i < len(members); i++ {
		if a, b := members[i-1], members[i]; a.off+a.size > b.header {
			return nil, fmt.Errorf("offset %d: zip members %q and %q overlap", b.header, short(a.name), short(b.name))
		}
	}
	return members, nil
}

// findDirectory reads the record at the end of the file, or its 64-bit variant.
func findDirectory(src *source) (start, size int64, count uint64, err error) {
	tail := min(src.size, zipEndSize+0xffff)
	b := make([]byte, tail)
	if _, err := src.ReadAt(b, src.size-tail); err != nil && err != io.EOF {
		return 0, 0, 0, err
	}
	i := bytes.LastIndex(b, []byte(zipEnd))
	if i < 0 || len(b)-i < zipEndSize {
		return 0, 0, 0, fmt.Errorf("the zip directory at the end is missing; the file was cut short")
	}
	end := src.size - tail + int64(i)
	le := binary.LittleEndian
	rec := b[i:]
	n, sz, off := uint64(le.Uint16(rec[10:])), uint64(le.Uint32(rec[12:])), uint64(le.Uint32(rec[16:]))
	if n == 0xffff || sz == 0xffffffff || off == 0xffffffff {
		var locator [20]byte
		var wide [56]byte
		if end < int64(len(locator)) {
			return 0, 0, 0, fmt.Errorf("offset %d: the zip64 directory is missing", end)
		}
		if _, err := src.ReadAt(locator[:], end-20); err != nil {
			return 0, 0, 0, err
		}
		if string(locator[:4]) == zip64Locator {
			at := le.Uint64(locator[8:])
			if at > uint64(src.size)-uint64(len(wide)) || src.size < int64(len(wide)) {
				return 0, 0, 0, fmt.Errorf("offset %d: the zip64 directory is beyond the end of the file", end-20)
			}
			if _, err := src.ReadAt(wide[:], int64(at)); err != nil {
				return 0, 0, 0, err
			}
			if string(wide[:4]) != zip64End {
				return 0, 0, 0, fmt.Errorf("offset %d: the zip64 directory's end is damaged", at)
			}
			n, sz, off = le.Uint64(wide[32:]), le.Uint64(wide[40:]), le.Uint64(wide[48:])
			end = int64(at)
		}
	}
	if off > uint64(end) || sz > uint64(end)-off {
		return 0, 0, 0, fmt.Errorf("offset %d: the zip directory (%d bytes at %d) lies outside the file", end, sz, off)
	}
	return int64(off), int64(sz), n, nil
}

// parseEntry reads the directory's first entry and returns its length.
func parseEntry(dir []byte) (m member, n int, err error) {
	le := binary.LittleEndian
	if len(dir) < zipEntrySize || string(dir[:4]) != zipCentral {
		return m, 0, fmt.Errorf("an entry is damaged")
	}
	flags, method := le.Uint16(dir[8:]), le.Uint16(dir[10:])
	m.crc = le.Uint32(dir[16:])
	packed, size, header := uint64(le.Uint32(dir[20:])), uint64(le.Uint32(dir[24:])), uint64(le.Uint32(dir[42:]))
	nameLen, extraLen, commentLen := int(le.Uint16(dir[28:])), int(le.Uint16(dir[30:])), int(le.Uint16(dir[32:]))
	n = zipEntrySize + nameLen + extraLen + commentLen
	if n > len(dir) {
		return m, 0, fmt.Errorf("an entry is cut short")
	}
	m.name = string(dir[zipEntrySize : zipEntrySize+nameLen])
	for extra := dir[zipEntrySize+nameLen : zipEntrySize+nameLen+extraLen]; len(extra) >= 4; {
		tag, length := le.Uint16(extra), int(le.Uint16(extra[2:]))
		if extra = extra[4:]; length > len(extra) {
			return m, 0, fmt.Errorf("member %q: its extra field is damaged", short(m.name))
		}
		if tag == 1 { // zip64: those of the three that did not fit
			wide := extra[:length]
			for _, v := range []*uint64{&size, &packed, &header} {
				if *v == 0xffffffff && len(wide) >= 8 {
					*v = le.Uint64(wide)
					wide = wide[8:]
				}
			}
		}
		extra = extra[length:]
	}
	switch {
	case flags&1 != 0:
		err = fmt.Errorf("member %q is encrypted", short(m.name))
	case method != 0:
		err = fmt.Errorf("member %q is compressed (method %d); torch stores its members, unzip and zip with -0 or save again", short(m.name), method)
	case packed != size:
		err = fmt.Errorf("member %q is stored, but has %d bytes of %d", short(m.name), packed, size)
	case size > 1<<62 || header > 1<<62:
		err = fmt.Errorf("member %q has the impossible size %d at %d", short(m.name), size, header)
	}
	m.size, m.header = int64(size), int64(header)
	return m, n, err
}

// locate finds the bytes after the local header; they must end before the directory.
func (m *member) locate(src *source, limit int64) error {
	var h [zipHeaderSize]byte
	if m.header > limit-zipHeaderSize {
		return fmt.Errorf("member %q: its place %d is outside the file", short(m.name), m.header)
	}
	if _, err := src.ReadAt(h[:], m.header); err != nil {
		return err
	}
	le := binary.LittleEndian
	if string(h[:4]) != zipLocal || int(le.Uint16(h[26:])) != len(m.name) {
		return fmt.Errorf("member %q: no such member at offset %d", short(m.name), m.header)
	}
	if method := le.Uint16(h[8:]); method != 0 {
		return fmt.Errorf("member %q is compressed (method %d)", short(m.name), method)
	}
	m.off = m.header + zipHeaderSize + int64(len(m.name)) + int64(le.Uint16(h[28:]))
	if m.off > limit || m.size > limit-m.off {
		return fmt.Errorf("member %q: its %d bytes at %d lie outside the file", short(m.name), m.size, m.off)
	}
	return nil
}
