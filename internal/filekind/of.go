package filekind

import (
	"bytes"
	"encoding/binary"
	"io"
	"path"
	"strings"
)

// magics are the numbers that files begin with. Of two that fit the first counts.
var magics = []struct {
	at   int
	text string
	kind Kind
}{
	{0, "\x1f\x8b", Gzip},
	{0, "BZh", Bzip2},
	{0, "\xfd7zXZ\x00", XZ},
	{0, "\x28\xb5\x2f\xfd", Zstandard},
	{0, "\x04\x22\x4d\x18", LZ4},
	{0, "7z\xbc\xaf\x27\x1c", SevenZip},
	{0, "Rar!\x1a\x07", RAR},
	{0, "\x93NUMPY", NPY},
	{0, TorchLegacyStart, TorchLegacy},
	{0, "MATLAB 5.0 MAT-file", MATLAB}, // before HDF5, which version 7.3 has inside
	{0, "MATLAB 7.3 MAT-file", MATLAB},
	{0, "\x89HDF\r\n\x1a\n", HDF5},
	{512, "\x89HDF\r\n\x1a\n", HDF5}, // after a user block
	{16, "\xde\xc0\xef\xbe", LMDB},   // the first page of data.mdb, after its 64-bit head
	{12, "\xde\xc0\xef\xbe", LMDB},   // and after a 32-bit one
	{0, "\xde\xc0\xef\xbe", LMDB},    // lock.mdb
	{0, "PAR1", Parquet},
	{0, "ARROW1\x00\x00", Arrow},
	{0, "FEA1", Feather},
	{0, "SQLite format 3\x00", SQLite},
	{0, "GGUF", GGUF},
	{0, "\x89PNG\r\n\x1a\n", PNG},
	{0, "\xff\xd8\xff", JPEG},
	{0, "GIF87a", GIF},
	{0, "GIF89a", GIF},
	{8, "WEBPVP8", WebP},
	{0, "II*\x00", TIFF},
	{0, "MM\x00*", TIFF},
	{0, "%PDF-", PDF},
	{0, "\x7fELF", Program},
	{0, "\xcf\xfa\xed\xfe", Program},
	{257, "ustar", Tar},
}

// Of tells the kind of a file that begins with head, its first [HeadSize] bytes or all of them.
func Of(head []byte) Kind {
	if len(head) == 0 {
		return Empty
	}
	if isText(head) { // whatever its first letters are: pictures may be called PAR1 or BZh9
		return textOf(head)
	}
	for _, m := range magics {
		if m.at < len(head) && bytes.HasPrefix(head[m.at:], []byte(m.text)) {
			return m.kind
		}
	}
	has := func(start string) bool { return bytes.HasPrefix(head, []byte(start)) }
	switch {
	case has("PK\x03\x04"), has("PK\x05\x06"):
		return zipOf(head)
	case len(head) > 8 && head[8] == '{' && !isText(head[:8]): // the length of a JSON object, and the object
		return Safetensors
	case len(head) > 12 && has("\xff\xff\xff\xff") && head[10] == 0 && head[11] == 0: // a continuation, and the size of a schema
		return Arrow
	case len(head) > 1 && head[0] == 0x80 && head[1] >= 2 && head[1] <= 5:
		return Pickle
	case len(head) > 2 && head[0] == 0x78 && binary.BigEndian.Uint16(head)%31 == 0:
		return Zlib
	case has("\xff\xfe\x00\x00"), has("\x00\x00\xfe\xff"):
		return UTF32
	case has("\xff\xfe"), has("\xfe\xff"), isHalfZero(head):
		return UTF16
	case fields(head) > 3 && !hasControls(head): // text in some 8-bit code
		return TSV
	}
	return Unknown
}

// Read tells the kind of an open file.
func Read(r io.ReaderAt) (Kind, error) {
	head, err := Head(r)
	return Of(head), err
}

// Head reads the beginning of a file for [Of].
func Head(r io.ReaderAt) ([]byte, error) {
	head := make([]byte, HeadSize)
	n, err := r.ReadAt(head, 0)
	if err == io.EOF {
		err = nil
	}
	return head[:n], err
}

// zipOf tells what is in a zip by its first member, whose name stands in the first bytes.
func zipOf(head []byte) Kind {
	const nameLength, name = 26, 30
	if len(head) < name {
		return Zip
	}
	n := int(binary.LittleEndian.Uint16(head[nameLength:]))
	first := string(head[name:min(len(head), name+n)])
	switch base := path.Base(first); {
	case strings.HasSuffix(first, ".npy"):
		return NPZ
	case base == "data.pkl" && first != base:
		return TorchZip
	case first == "[Content_Types].xml", first == "_rels/.rels", first == "mimetype":
		return Office
	}
	return Zip
}
