package region

import (
	"cmp"
	"errors"
	"fmt"
	"io/fs"
	"os"
	"path"
	"path/filepath"
	"slices"
	"strconv"
	"strings"

	"github.com/seed-516990b0/golxmert/internal/shell"
	"github.com/seed-516990b0/golxmert/lxmert/internal/release"
)

// original is the file that a published name stands for: itself, or a zip with it.
type original struct {
	path   string
	member string // of a zip
	origin origin
}

// findOriginal finds it; nil if there is none. A zip of the same name comes before others in the folder.
func findOriginal(name string) (*original, error) {
	if _, err := os.Stat(name); err == nil {
		in, err := openInput(name, "")
		if err != nil {
			return nil, err
		}
		return &original{name, "", in.origin}, nil
	} else if !errors.Is(err, fs.ErrNotExist) {
		return nil, fmt.Errorf("region: %w", err)
	}
	dir, base := filepath.Split(name)
	entries, err := os.ReadDir(cmp.Or(dir, "."))
	if errors.Is(err, fs.ErrNotExist) {
		return nil, nil
	}
	if err != nil {
		return nil, fmt.Errorf("region: %w", err)
	}
	twin := strings.TrimSuffix(base, ".tsv") + ".zip"
	var zips []string
	for _, e := range entries {
		switch name := e.Name(); {
		case name == twin:
			zips = slices.Insert(zips, 0, name)
		case strings.EqualFold(filepath.Ext(name), ".zip"):
			zips = append(zips, name)
		}
	}
	var damaged error
	for _, z := range zips {
		at := filepath.Join(dir, z)
		in, err := openInput(at, base)
		if err == nil {
			return &original{at, in.origin.Member, in.origin}, nil
		}
		if z == twin {
			damaged = err
		}
	}
	return nil, damaged
}

// isOf says whether a store that was packed from o holds what the file has: o is this file as it is, or the same TSV in or
// out of a zip, of the same size.
func (f *original) isOf(o origin) bool {
	text := func(o origin) (name string, size int64) {
		if o.Member != "" {
			return path.Base(o.Member), o.MemberSize
		}
		return o.File, o.Size
	}
	if f.origin.same(o) {
		return true
	}
	name, size := text(o)
	now, sizeNow := text(f.origin)
	return (o.Member == "") != (f.member == "") && name == now && size == sizeNow
}

// storeName is the store of a file, or of its first rows, in a folder.
func storeName(dir, file string, rows int) string {
	base := strings.TrimSuffix(filepath.Base(file), ".tsv")
	if rows > 0 {
		base += fmt.Sprintf("%s%d", firstMark, rows)
	}
	return filepath.Join(dir, base+".store")
}

// firstMark stands between a file's name and the number of rows in the names of stores that have only the first.
const firstMark = ".first"

// storeNames are the stores in a folder that may have a file's first rows, 0 for all: the whole one, then smaller ones.
func storeNames(dir, file string, rows int) []string {
	names := []string{storeName(dir, file, 0)}
	if rows == 0 {
		return names
	}
	entries, err := os.ReadDir(dir)
	if err != nil {
		return names
	}
	var enough []int
	base := filepath.Base(storeName("", file, 0))
	for _, e := range entries {
		middle, ok := strings.CutPrefix(strings.TrimSuffix(e.Name(), ".store"), strings.TrimSuffix(base, ".store")+firstMark)
		if n, err := strconv.Atoi(middle); ok && err == nil && n >= rows && e.Name() == filepath.Base(storeName("", file, n)) {
			enough = append(enough, n)
		}
	}
	slices.Sort(enough)
	for _, n := range enough {
		names = append(names, storeName(dir, file, n))
	}
	return names
}

// missing is the error about a file that is not there in any form. passed says which stores there are that do not serve.
func missing(name string, passed []string) error {
	stem := strings.TrimSuffix(name, ".tsv")
	get := fmt.Sprintf("`lxmert pack FEATURES %s` puts those of your own pictures there", shell.Word(stem+".store"))
	if fetch := release.Bring(stem + ".tsv"); fetch != "" {
		get = fetch + " gets the published features"
	}
	base := strings.TrimSuffix(filepath.Base(name), ".tsv")
	also := ""
	for _, why := range passed {
		also += "; " + why
	}
	return fmt.Errorf("region: %s: %w: looked for %s.tsv, %s.zip, another zip with that TSV, and the packed %s.store%s; %s%s",
		name, fs.ErrNotExist, base, base, base, also, get, beside(name))
}
