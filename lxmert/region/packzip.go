package region

import (
	"archive/zip"
	"context"
	"errors"
	"fmt"
	"io"
	"os"
	"path"
	"strings"
	"sync"

	"github.com/klauspost/compress/flate" // faster than the standard library's, which decides how fast a zip is packed

	"github.com/seed-516990b0/golxmert/internal/excerpt"
	"github.com/seed-516990b0/golxmert/internal/filekind"
)

// useZip makes a TSV inside a zip the input; zipped is false where the file is not a zip, or one of arrays (.npz).
func (in *input) useZip(name, member string) (zipped bool, err error) {
	f, z, err := openZip(name)
	if err != nil || z == nil {
		return false, err
	}
	defer f.Close()
	if member == "" && isNPZ(z) {
		return false, nil
	}
	m, err := findMember(z, name, member)
	if err != nil {
		return true, err
	}
	in.origin.Member, in.origin.MemberSize, in.total = m.Name, int64(m.UncompressedSize64), int64(m.UncompressedSize64)
	if body, err := m.Open(); err == nil { // what is wrong with it is found when it is read
		scan := NewScanner(body, name)
		if scan.Scan() {
			in.form, in.notes = scan.form, scan.form.said
		}
		body.Close()
	}
	in.open = func(ctx context.Context, from place, dim int) (feed, error) {
		return openMember(ctx, name, in.origin.Member, from, dim, in.form)
	}
	return true, nil
}

// openZip opens a zip; both are nil if the file is not a zip.
func openZip(name string) (*os.File, *zip.Reader, error) {
	f, err := os.Open(name)
	if err != nil {
		return nil, nil, fmt.Errorf("region: %w", err)
	}
	if kind, err := filekind.Read(f); err != nil || !kind.IsZip() {
		return nil, nil, f.Close() // whoever reads it next says why not
	}
	info, err := f.Stat()
	if err != nil {
		return nil, nil, errors.Join(fmt.Errorf("region: %w", err), f.Close())
	}
	z, err := zip.NewReader(f, info.Size())
	if err != nil {
		return nil, nil, errors.Join(fmt.Errorf("%w: %s: %w: the archive was cut short or is damaged; fetch it again", ErrFormat, name, err), f.Close())
	}
	z.RegisterDecompressor(zip.Deflate, func(r io.Reader) io.ReadCloser { return flate.NewReader(r) })
	return f, z, nil
}

func isNPZ(z *zip.Reader) bool {
	for _, m := range z.File {
		if !strings.HasSuffix(m.Name, ".npy") {
			return false
		}
	}
	return len(z.File) > 0
}

// findMember finds the TSV in a zip: the one called member, with or without its folder, or the only one.
func findMember(z *zip.Reader, name, member string) (*zip.File, error) {
	var found []*zip.File
	var names []string
	for _, m := range z.File {
		base := path.Base(m.Name)
		if m.Mode().IsDir() || strings.HasPrefix(base, "._") { // what macOS adds
			continue
		}
		if len(names) < 5 {
			names = append(names, m.Name)
		}
		if member != "" && (m.Name == member || base == member) || member == "" && strings.EqualFold(path.Ext(base), ".tsv") {
			found = append(found, m)
		}
	}
	has := "it is empty"
	if len(names) > 0 {
		has = fmt.Sprintf("it has %q", names)
	}
	switch {
	case len(found) == 1:
		return found[0], nil
	case member != "" && len(found) == 0:
		return nil, fmt.Errorf("%w: %s: there is no %s in the archive; %s", ErrFormat, name, excerpt.Quote(member), has)
	case len(found) == 0:
		return nil, fmt.Errorf("%w: %s: there is no .tsv in the archive; %s", ErrFormat, name, has)
	}
	return nil, fmt.Errorf("%w: %s: there are %d TSVs in the archive, %q and %q first: say which one (--member)", ErrFormat, name, len(found), found[0].Name, found[1].Name)
}

// openMember starts reading a TSV in a zip after a place, which takes inflating all before it.
func openMember(ctx context.Context, name, member string, from place, dim int, form *form) (feed, error) {
	f, z, err := openZip(name)
	if err == nil && z == nil {
		err = fmt.Errorf("%w: %s: no longer a zip", ErrFormat, name)
	}
	if err != nil {
		return nil, err
	}
	m, err := findMember(z, name, member)
	if err != nil {
		return nil, errors.Join(err, f.Close())
	}
	body, err := m.Open()
	if m.Flags&1 != 0 {
		err = errors.New("it is encrypted")
	}
	if err != nil {
		return nil, errors.Join(fmt.Errorf("%w: %s: %s: %w", ErrFormat, name, member, err), f.Close())
	}
	ahead := newAhead(body)
	closing := func() error {
		ahead.stop()
		return errors.Join(body.Close(), f.Close())
	}
	for left := from.offset; left > 0; {
		n, err := io.CopyN(io.Discard, ahead, min(left, aheadBlock))
		if left -= n; err != nil {
			return nil, errors.Join(fmt.Errorf("%w: %s: %s: %w", ErrFormat, name, member, cutShort(err)), closing())
		}
		if err := ctx.Err(); err != nil {
			return nil, errors.Join(err, closing())
		}
	}
	return newTextFeed(ahead, closing, name+": "+member, from, dim, form), nil
}

const (
	aheadBlock = 1 << 20 // bytes
	aheadCount = 4
)

// ahead reads a file of a zip on another goroutine, a few blocks ahead, so that inflating goes on while rows are taken
// apart.
type ahead struct {
	full, empty chan []byte
	quit        chan struct{}
	done        sync.WaitGroup
	err         error // of the reader, after full was closed

	block, rest []byte
}

func newAhead(r io.Reader) *ahead {
	a := &ahead{full: make(chan []byte, aheadCount), empty: make(chan []byte, aheadCount), quit: make(chan struct{})}
	for range aheadCount {
		a.empty <- make([]byte, aheadBlock)
	}
	a.done.Go(func() {
		defer close(a.full)
		for a.err == nil {
			select {
			case block := <-a.empty:
				n := 0
				for block = block[:aheadBlock]; n < len(block) && a.err == nil; {
					var more int
					more, a.err = r.Read(block[n:])
					n += more
				}
				a.full <- block[:n]
			case <-a.quit:
				return
			}
		}
	})
	return a
}

// stop ends the goroutine. The reader may be closed after it.
func (a *ahead) stop() {
	close(a.quit)
	a.done.Wait()
}

func (a *ahead) Read(p []byte) (int, error) {
	for len(a.rest) == 0 {
		if a.block != nil {
			a.empty <- a.block
		}
		block, ok := <-a.full
		if a.block = block; !ok {
			if a.err != io.EOF {
				return 0, fmt.Errorf("%w: %w: the archive is damaged, fetch it again", ErrFormat, a.err)
			}
			return 0, io.EOF
		}
		a.rest = block
	}
	n := copy(p, a.rest)
	a.rest = a.rest[n:]
	return n, nil
}
