package fetch

import (
	"archive/zip"
	"fmt"
	"io"
	"path"
	"path/filepath"
	"strings"

	"github.com/seed-516990b0/golxmert/internal/progress"
)

// Limits of what a member may unfold to. Region features halve in a zip, question files become ten times smaller.
const (
	maxRatio = 200      // uncompressed by compressed bytes
	ratioAt  = 16 << 20 // bytes from which it counts
)

// findMember finds the one file of an archive with a base name, whatever folder it is in. An archive with a name that
// would lead outside a folder, or with a link, is not one of the published ones and is refused as a whole.
func findMember(z *zip.Reader, name string) (*zip.File, error) {
	var found *zip.File
	var others []string
	for _, m := range z.File {
		if !isInside(m.Name) {
			return nil, fmt.Errorf("%w: the archive has a member %.100q, which leads outside its folder", ErrContent, m.Name)
		}
		mode := m.Mode()
		if !mode.IsDir() && !mode.IsRegular() {
			return nil, fmt.Errorf("%w: the archive's member %.100q is a link or a device", ErrContent, m.Name)
		}
		if mode.IsDir() || strings.HasPrefix(m.Name, "__MACOSX/") {
			continue
		}
		if path.Base(m.Name) != name {
			others = append(others, m.Name)
			continue
		}
		if found != nil {
			return nil, fmt.Errorf("%w: the archive has two members %s: %.100q and %.100q", ErrContent, name, found.Name, m.Name)
		}
		found = m
	}
	if found == nil {
		return nil, fmt.Errorf("%w: the archive has no member %s but %s", ErrContent, name, someNames(others))
	}
	return found, checkMember(found)
}

// checkMember refuses what cannot be unpacked and what unfolds too far.
func checkMember(m *zip.File) error {
	switch {
	case m.Flags&1 != 0:
		return fmt.Errorf("%w: the archive's member %.100q is encrypted", ErrContent, m.Name)
	case m.Method != zip.Store && m.Method != zip.Deflate:
		return fmt.Errorf("%w: the archive's member %.100q is compressed by method %d, which is not known here; unpack it by hand", ErrContent, m.Name, m.Method)
	case m.UncompressedSize64 > ratioAt && m.UncompressedSize64/maxRatio > m.CompressedSize64, m.UncompressedSize64 > 1<<50:
		return fmt.Errorf("%w: the archive's member %.100q would unfold from %s to %s", ErrContent, m.Name, progress.Bytes(int64(m.CompressedSize64&(1<<50-1))), progress.Bytes(int64(m.UncompressedSize64&(1<<62-1))))
	}
	return nil
}

// openMember opens a member that gives as many bytes as its directory entry says, or an error. The zip reader compares
// its CRC.
func openMember(m *zip.File) (io.ReadCloser, error) {
	in, err := m.Open()
	if err != nil {
		return nil, fmt.Errorf("member %.100q: %w", m.Name, err)
	}
	return &member{in, m.Name, 0, int64(m.UncompressedSize64)}, nil
}

type member struct {
	io.ReadCloser
	name     string
	at, size int64
}

func (m *member) Read(b []byte) (int, error) {
	n, err := m.ReadCloser.Read(b)
	m.at += int64(n)
	if m.at > m.size || err == io.EOF && m.at < m.size {
		err = fmt.Errorf("%w: it has not the %d bytes that the directory says", ErrContent, m.size)
	}
	if err != nil && err != io.EOF {
		err = fmt.Errorf("member %.100q, byte %d: %w", m.name, m.at, err)
	}
	return n, err
}

// isInside tells names of members that stay in the folder that they would be unpacked to, on every system.
func isInside(name string) bool {
	name = strings.TrimSuffix(strings.ReplaceAll(name, `\`, "/"), "/")
	return name != "" && !strings.HasPrefix(name, "/") && !strings.ContainsAny(name, ":\x00") &&
		filepath.IsLocal(filepath.FromSlash(name)) && !strings.Contains("/"+name+"/", "/../")
}

// someNames lists the first names.
func someNames(names []string) string {
	if len(names) == 0 {
		return "nothing"
	}
	more := ""
	if len(names) > 3 {
		more = fmt.Sprintf(" and %d more", len(names)-3)
		names = names[:3]
	}
	quoted := make([]string, len(names))
	for i, n := range names {
		quoted[i] = fmt.Sprintf("%.60q", n)
	}
	return strings.Join(quoted, ", ") + more
}
