package fetch

import (
	"archive/zip"
	"bytes"
	"errors"
	"fmt"
	"io"
	"os"
	"strings"
	"unicode/utf8"
)

// ErrContent is wrapped by errors that say a file or an answer is not of the kind that was expected.
var ErrContent = errors.New("not the file that is expected")

const (
	headSize = 512 // bytes that tell a file's kind
	// legacyTorch is how files of torch.save before version 1.6 begin: a pickle of a magic number.
	legacyTorch = "\x80\x02\x8a\x0a\x6c\xfc\x9c\x46\xf9\x20\x6a\xa8\x50\x19."
)

// checkHead looks at how a file begins, so that a wrong one is noticed before the other gigabytes come.
func checkHead(kind Kind, head []byte) error {
	start := bytes.TrimLeft(bytes.TrimPrefix(head, []byte("\xef\xbb\xbf")), " \t\r\n")
	has := func(prefix string) bool { return bytes.HasPrefix(start, []byte(prefix)) }
	lower := bytes.ToLower(start)
	wrong := ""
	switch {
	case len(head) == 0:
		wrong = "it is empty"
	case bytes.HasPrefix(lower, []byte("<!doctype html")), bytes.HasPrefix(lower, []byte("<html")):
		wrong = "it is a web page"
	case has("<?xml"), has("<Error>"):
		wrong = "it is an XML message"
	case has("version https://git-lfs"):
		wrong = "it is a Git LFS pointer, not the file itself"
	case kind == JSON && !has("{") && !has("["):
		wrong = "it does not begin like JSON"
	case kind == Zip && !isZip(head):
		wrong = "it does not begin like a zip"
	case kind == Torch && !isZip(head) && !bytes.HasPrefix(head, []byte(legacyTorch)):
		wrong = "it does not begin like a file of torch.save"
	case kind == Text && (bytes.IndexByte(head, 0) >= 0 || !utf8.Valid(head[:len(head)-cutRune(head)])):
		wrong = "it is not UTF-8 text"
	case kind == TSV && (isZip(head) || bytes.IndexByte(head, 0) >= 0 || bytes.IndexByte(head, '\t') < 0):
		wrong = "it does not begin like a TSV"
	}
	if wrong != "" {
		return fmt.Errorf("%w: %s", ErrContent, wrong)
	}
	return nil
}

func isZip(head []byte) bool {
	return bytes.HasPrefix(head, []byte("PK\x03\x04")) || bytes.HasPrefix(head, []byte("PK\x05\x06"))
}

// cutRune is the length of a rune at the end that was cut.
func cutRune(text []byte) int {
	for n := 1; n < utf8.UTFMax && n <= len(text); n++ {
		if c := text[len(text)-n]; utf8.RuneStart(c) {
			if !utf8.FullRune(text[len(text)-n:]) {
				return n
			}
			break
		}
	}
	return 0
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
		return fmt.Errorf("%w: it is no file", ErrContent)
	}
	head, err := readAt(f, 0, headSize)
	if err != nil {
		return err
	}
	if err := checkHead(kind, head); err != nil {
		return err
	}
	if kind == Zip || kind == Torch && isZip(head) {
		_, err := zip.NewReader(f, info.Size())
		if errors.Is(err, zip.ErrFormat) {
			err = fmt.Errorf("%w: the zip directory at the end is missing; it was cut short", ErrContent)
		}
		return err
	}
	tail, err := readAt(f, max(0, info.Size()-headSize), headSize)
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
