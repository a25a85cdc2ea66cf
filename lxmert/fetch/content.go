package fetch

import (
	"archive/zip"
	"errors"
	"fmt"
	"io"
	"os"
	"strings"

	"github.com/seed-516990b0/golxmert/internal/filekind"
)

// ErrContent is wrapped by errors that say a file or an answer is not of the kind that was expected.
var ErrContent = errors.New("not the file that is expected")

const (
	headSize = 512 // bytes of an answer that are waited for before the others: enough to tell its kind
	tailSize = 512 // bytes that tell whether JSON ends
)

// checkHead looks at how a file begins, so that a wrong one is noticed before the other gigabytes come.
func checkHead(kind Kind, head []byte) error {
	is := filekind.Of(head)
	var ok bool
	var wanted string
	switch kind {
	case JSON:
		ok, wanted = is == filekind.JSON, "JSON"
	case Zip:
		ok, wanted = is.IsZip(), "a zip"
	case Torch:
		ok, wanted = is.IsZip() || is == filekind.TorchLegacy, "a file of torch.save"
	case Text:
		ok, wanted = is.IsText(), "UTF-8 text"
	case TSV:
		ok, wanted = is == filekind.TSV, "a TSV of region features"
	}
	if !ok {
		return fmt.Errorf("%w: it is %s", ErrContent, is.Not(wanted, ""))
	}
	return nil
}

// checkFile looks at a whole file's beginning and end: what it can tell without reading gigabytes.
func checkFile(kind Kind, path string) error {
	f, err := os.Open(path)
	if err != nil {
		return err
	}
	defer f.Close()
	info, err := f.Stat()
	if err != nil {
		return err
	}
	if !info.Mode().IsRegular() {
		return fmt.Errorf("%w: it is not a file", ErrContent)
	}
	head, err := filekind.Head(f)
	if err != nil {
		return err
	}
	if err := checkHead(kind, head); err != nil {
		return err
	}
	if kind == Zip || kind == Torch && filekind.Of(head).IsZip() {
		_, err := zip.NewReader(f, info.Size())
		if errors.Is(err, zip.ErrFormat) {
			err = fmt.Errorf("%w: the zip directory at the end is missing; it was cut short", ErrContent)
		}
		return err
	}
	tail, err := readAt(f, max(0, info.Size()-tailSize), tailSize)
	if err != nil {
		return err
	}
	if end := strings.TrimRight(string(tail), " \t\r\n"); kind == JSON && !strings.HasSuffix(end, "}") && !strings.HasSuffix(end, "]") {
		return fmt.Errorf("%w: the JSON does not end; it was cut short", ErrContent)
	}
	return nil
}

// readAt reads up to n bytes.
func readAt(r io.ReaderAt, off int64, n int) ([]byte, error) {
	b := make([]byte, n)
	n, err := r.ReadAt(b, off)
	if err == io.EOF {
		err = nil
	}
	return b[:n], err
}
