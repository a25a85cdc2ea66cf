package fetch

import (
	"context"
	"fmt"
	"io"
	"os"
	"path/filepath"
	"regexp"
	"slices"

	"github.com/seed-516990b0/golxmert/internal/filesearch"
	"github.com/seed-516990b0/golxmert/internal/progress"
)

// Zips that are too large for a mirror are published in parts, as `split` names them: X.zip.aa, X.zip.ab, … or with
// digits, from 0 or 1.

// firstParts are the endings with which a numbering may begin.
var firstParts = []string{"aa", "aaa", "00", "01", "000", "001"}

// splitParts finds the parts of a file that lie beside its place, in order. A gap is an error; whether the last ones are
// there cannot be seen from names.
func splitParts(path string) ([]string, error) {
	for _, first := range firstParts {
		var parts []string
		last := first
		for n := first; n != "" && filesearch.IsFile(path+"."+n); n = nextPart(n) {
			parts = append(parts, path+"."+n)
			last = n
		}
		if len(parts) == 0 {
			continue
		}
		later, err := partsAfter(path, last)
		if err == nil && later != "" {
			err = fmt.Errorf("%w: part %s.%s is missing, but %s is there", ErrContent, path, nextPart(last), later)
		}
		return parts, err
	}
	return nil, nil
}

// partsAfter names a part of the same numbering that does not follow on the last one.
func partsAfter(path, last string) (string, error) {
	entries, err := os.ReadDir(filepath.Dir(path))
	if err != nil {
		return "", err
	}
	kind := "[a-z]"
	if last[0] < 'a' {
		kind = "[0-9]"
	}
	later := regexp.MustCompile(`^` + regexp.QuoteMeta(filepath.Base(path)) + `\.(` + kind + fmt.Sprintf("{%d})$", len(last)))
	var found []string
	for _, e := range entries {
		if m := later.FindStringSubmatch(e.Name()); m != nil && m[1] > last {
			found = append(found, e.Name())
		}
	}
	if len(found) == 0 {
		return "", nil
	}
	return slices.Min(found), nil
}

// nextPart counts on: aa, ab, …, zz; 00, 01, …, 99. After the last one comes "".
func nextPart(ending string) string {
	b := []byte(ending)
	for i := len(b) - 1; i >= 0; i-- {
		switch b[i] {
		case 'z':
			b[i] = 'a'
		case '9':
			b[i] = '0'
		default:
			b[i]++
			return string(b)
		}
	}
	return ""
}

// join makes a zip of its parts, which stay.
func (r *run) join(ctx context.Context, name string, parts []string) (entry, error) {
	path := r.path(name)
	var total int64
	for _, part := range parts {
		info, err := os.Stat(part)
		if err != nil {
			return entry{}, err
		}
		total += info.Size()
	}
	if err := r.room(path, total); err != nil {
		return entry{}, err
	}
	r.logf("%s: joining %d parts, %s", name, len(parts), progress.Bytes(total))
	var done int64
	size, sum, err := r.stage(path, func(w io.Writer) error {
		for _, part := range parts {
			in, err := os.Open(part)
			if err != nil {
				return err
			}
			before := done
			through := &progressReader{ctx, in, 0, func(n int64) { done = before + n; r.progress("joining "+name, done, total) }}
			_, err = io.CopyBuffer(w, struct{ io.Reader }{through}, make([]byte, bufferSize))
			in.Close()
			if err != nil {
				return err
			}
		}
		return nil
	}, func(staged string) error {
		if err := checkFile(Zip, staged); err != nil {
			return fmt.Errorf("joined from %d parts: %w: is one of them cut, or the last one missing?", len(parts), err)
		}
		return nil
	})
	if err != nil {
		return entry{}, err
	}
	r.logf("%s: joined; %s to %s are needed no more", name, filepath.Base(parts[0]), filepath.Base(parts[len(parts)-1]))
	return entry{Size: size, SHA256: sum, From: fmt.Sprintf("%d parts put there by hand", len(parts))}, nil
}
