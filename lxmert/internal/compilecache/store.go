package compilecache

import (
	"bytes"
	"cmp"
	"crypto/sha256"
	"encoding/hex"
	"os"
	"path/filepath"
	"slices"
	"time"

	"github.com/seed-516990b0/golxmert/internal/atomicfile"
)

// store is a folder of compiled programs. A file is magic, a sum, and a program as the plugin writes it.
type store struct {
	dir   string
	limit int64 // bytes of all files together
}

// magic begins a file and names its format.
const magic = "golxmert program 1\n"

// maxFolder is what a folder holds: a program of the model has one to five megabytes.
const maxFolder = 512 << 20

// key names a program by parts that it depends on. Parts that differ, or that are cut differently, give other keys.
func key(parts ...[]byte) string {
	h := sha256.New()
	for _, p := range parts {
		sum := sha256.Sum256(p)
		h.Write(sum[:])
	}
	return hex.EncodeToString(h.Sum(nil))
}

func (s store) path(key string) string { return filepath.Join(s.dir, key) }

// get returns a program, or nil if there is none that is whole.
func (s store) get(key string) []byte {
	content, err := os.ReadFile(s.path(key))
	if err != nil {
		return nil
	}
	rest, ok := bytes.CutPrefix(content, []byte(magic))
	if !ok || len(rest) <= sha256.Size {
		return nil
	}
	program := rest[sha256.Size:]
	if !bytes.Equal(sum(key, program), rest[:sha256.Size]) {
		return nil
	}
	now := time.Now()
	os.Chtimes(s.path(key), now, now) // for makeRoom; one that cannot be touched is removed early
	return program
}

// put keeps a program. It does not matter if it cannot.
func (s store) put(key string, program []byte) {
	size := int64(len(magic) + sha256.Size + len(program))
	if size > s.limit || os.MkdirAll(s.dir, 0o700) != nil {
		return
	}
	s.makeRoom(size)
	_ = atomicfile.Write(s.path(key), 0o600, slices.Concat([]byte(magic), sum(key, program), program))
}

// sum is what a file is checked by: it belongs to its name.
func sum(key string, program []byte) []byte {
	h := sha256.New()
	h.Write([]byte(key))
	h.Write(program)
	return h.Sum(nil)
}

// makeRoom removes what was used longest ago, until size more bytes are within the limit.
func (s store) makeRoom(size int64) {
	entries, err := os.ReadDir(s.dir)
	if err != nil {
		return
	}
	var files []os.FileInfo
	for _, e := range entries {
		if info, err := e.Info(); err == nil && info.Mode().IsRegular() {
			files = append(files, info)
			size += info.Size()
		}
	}
	slices.SortFunc(files, func(a, b os.FileInfo) int {
		return cmp.Or(a.ModTime().Compare(b.ModTime()), cmp.Compare(a.Name(), b.Name()))
	})
	for _, f := range files {
		if size <= s.limit {
			return
		}
		if os.Remove(filepath.Join(s.dir, f.Name())) == nil {
			size -= f.Size()
		}
	}
}
