package region

import (
	"archive/zip"
	"errors"
	"fmt"
	"io"
	"os"
	"slices"
	"strings"
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
	arrays := map[string]*array{}
	for _, member := range z.File {
		name, ok := strings.CutSuffix(member.Name, ".npy")
		if !ok {
			continue
		}
		if arrays[name] != nil {
			return nil, fmt.Errorf("%w: %s: two arrays are called %s", ErrFormat, path, shown(name))
		}
		if !known(name) {
			arrays[name] = &array{name: name}
			continue
		}
		a, err := npzArray(f, member, name)
		if err != nil {
			return nil, fmt.Errorf("%w: %s: %s: %w", ErrFormat, path, name, err)
		}
		arrays[name] = a
	}
	return asSource(newSet(path, f, arrays, nil))
}

// npzArray reads the header of one array.
func npzArray(f *os.File, member *zip.File, name string) (*array, error) {
	body, err := member.Open()
	if err != nil {
		return nil, err
	}
	defer body.Close()
	e, shape, header, err := readNPYHeader(body)
	if err != nil {
		return nil, err
	}
	bytes, _ := arrayBytes(e, shape)
	if uint64(header+bytes) != member.UncompressedSize64 {
		return nil, fmt.Errorf("%d bytes where %d of header and %d of shape %v belong", member.UncompressedSize64, header, bytes, shape)
	}
	packed := int64(min(member.CompressedSize64, maxBytes))
	a := &array{name: name, elem: e, shape: shape, limit: freeNumbers + inflateRatio*packed}
	if slices.Contains(imageArrays[:], name) {
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

// known tells the arrays that this package reads.
func known(name string) bool {
	switch name {
	case "width", "height", "num_boxes", "ids", "objects", "attrs":
		return true
	}
	return slices.Contains(imageArrays[:], name)
}

// listed names what arrays a file has.
func listed(arrays map[string]*array) string {
	var names []string
	for name := range arrays {
		names = append(names, shown(name))
	}
	if len(names) == 0 {
		return "none"
	}
	slices.Sort(names)
	if len(names) > 12 {
		names = append(names[:12], "…")
	}
	return strings.Join(names, ", ")
}

// asSource keeps a nil *set from becoming a Source.
func asSource(s *set, err error) (Source, error) {
	if err != nil {
		return nil, err
	}
	return s, nil
}
