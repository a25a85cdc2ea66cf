package region

import (
	"archive/zip"
	"errors"
	"fmt"
	"io"
	"os"
	"slices"
	"strings"

	"github.com/seed-516990b0/golxmert/internal/excerpt"
)

// A compressed array may ask for this many bytes of memory for one image (of the whole array, where it has a number for
// each image), and this many more for each byte that it has in the file: detector features shrink by less than 10, a zip
// bomb by 1000.
const (
	freeImage    = 64 << 20
	freeNumbers  = 4 << 20
	inflateRatio = 64
)

// openNPZ reads the directory of a .npz and the headers of its arrays.
func openNPZ(f *os.File, path string, size int64) (Source, error) {
	z, err := zip.NewReader(f, size)
	if err != nil {
		return nil, fmt.Errorf("%w: %s: %w; the file was cut short or damaged", ErrFormat, path, err)
	}
	arrays, members := map[string]*array{}, map[string]*zip.File{}
	for _, member := range z.File {
		name, ok := strings.CutSuffix(member.Name, ".npy")
		if !ok {
			continue
		}
		if arrays[name] != nil {
			return nil, fmt.Errorf("%w: %s: two arrays are called %s", ErrFormat, path, excerpt.Quote(name))
		}
		arrays[name], members[name] = &array{name: name}, member
	}
	for ours, name := range chosen(func(name string) bool { return arrays[name] != nil }) {
		if arrays[name], err = npzArray(f, members[name], name, slices.Contains(imageArrays[:], ours)); err != nil {
			return nil, fmt.Errorf("%w: %s: %s: %w", ErrFormat, path, name, err)
		}
	}
	return asSource(newSet(path, f, arrays, nil))
}

// npzArray reads the header of one array, which has several values for each image or one.
func npzArray(f *os.File, member *zip.File, name string, several bool) (*array, error) {
	body, err := member.Open()
	if err != nil {
		return nil, err
	}
	defer body.Close()
	e, shape, fortran, header, err := readNPYHeader(body)
	if err != nil {
		return nil, err
	}
	bytes, _ := arrayBytes(e, shape)
	if uint64(header+bytes) != member.UncompressedSize64 {
		return nil, fmt.Errorf("%d bytes where %d of header and %d of shape %v belong", member.UncompressedSize64, header, bytes, shape)
	}
	packed := int64(min(member.CompressedSize64, maxBytes))
	a := &array{name: name, elem: e, shape: shape, columnwise: fortran, limit: freeNumbers + inflateRatio*packed}
	if several {
		a.limit += freeImage - freeNumbers
	}
	a.open = func(off int64) (io.ReadCloser, error) {
		if member.Method == zip.Store && off > 0 { // any image at once, without its checksum
			start, err := member.DataOffset()
			return io.NopCloser(io.NewSectionReader(f, start+header+off, bytes-off)), err
		}
		body, err := member.Open()
		if err != nil {
			return nil, err
		}
		if _, err := io.CopyN(io.Discard, body, header+off); err != nil {
			body.Close()
			return nil, cutShort(err)
		}
		return body, nil
	}
	if member.Method == zip.Store && packed != header+bytes {
		return nil, errors.New("the sizes in the zip's directory do not agree")
	}
	return a, nil
}

// asSource keeps a nil *set from becoming a Source.
func asSource(s *set, err error) (Source, error) {
	if err != nil {
		return nil, err
	}
	return s, nil
}
