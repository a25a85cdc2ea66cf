package region

import (
	"context"
	"errors"
	"fmt"
	"hash/fnv"
	"io"
	"io/fs"
	"os"
	"path/filepath"
	"strings"
	"syscall"
)

// PackedOptions says how [OpenPacked] opens a feature file.
type PackedOptions struct {
	Rows int    // only the file's first rows; 0: all
	Dir  string // where the store is, or is put; "": beside the file, or in the user's cache if that cannot be written
	F16  bool   // where the file has to be packed, round features to float16

	Log      io.Writer                           // what is done is said here; nil: nowhere
	Progress func(done, total int64, images int) // as in [PackOptions]

	free  func(dir string) (n int64, ok bool) // nil: what the file system says
	cache func() (dir string, err error)      // nil: os.UserCacheDir
}

// OpenPacked opens the packed store of a feature file by the file's published name, such as
// data/mscoco_imgfeat/train2014_obj36.tsv. The store stands beside it, as train2014_obj36.store, and serves as long as the
// file keeps its size and modification time; the file itself need no longer be there.
//
// Where there is no such store the file is packed, from the .tsv, or from a .zip of the same name or another .zip beside
// it with that TSV in it, and the log says how much space that takes. With Rows, only that many are packed, into
// train2014_obj36.first512.store for 512, and of a store with more only the first are shown: an id counts with its last
// row among these. Where the folder cannot be written, the store is put into the user's cache folder. The error wraps
// [fs.ErrNotExist] if there is nothing to open or to pack.
//
// Several processes may open one file at once: one packs, the others wait.
func OpenPacked(ctx context.Context, path string, opt PackedOptions) (*Store, error) {
	if opt.Log == nil {
		opt.Log = io.Discard
	}
	if opt.cache == nil {
		opt.cache = os.UserCacheDir
	}
	if opt.Rows < 0 {
		return nil, fmt.Errorf("region: the first %d rows of %s: must be 0 for all, or more", opt.Rows, path)
	}
	if info, err := os.Stat(path); err == nil && info.IsDir() && isStore(path) {
		return openStore(path, opt.Rows)
	}
	src, err := findOriginal(path)
	if err != nil {
		return nil, err
	}
	dirs := opt.dirs(path)
	var passed []string // why stores are no good
	for _, dir := range dirs {
		for _, name := range storeNames(dir, path, opt.Rows) {
			s, why := openFresh(name, src, opt)
			if s != nil {
				return s, nil
			}
			if why != "" {
				passed = append(passed, why)
			}
		}
	}
	if src == nil {
		return nil, missing(path, passed)
	}
	for _, why := range passed {
		fmt.Fprintln(opt.Log, why)
	}
	return packFirst(ctx, path, src, dirs, opt)
}

// Packed returns the packed store that stands for a feature file by the file's name, as [OpenPacked] leaves it beside the
// file or in the user's cache: complete, with all rows, and made from this very file without rounding, or all that there is.
// ok is false where there is none, and the file itself is to be read. Nothing is packed or opened.
func Packed(path string) (store string, ok bool) {
	if !strings.HasSuffix(path, ".tsv") {
		return "", false
	}
	src, err := findOriginal(path)
	if err != nil {
		return "", false
	}
	there := src != nil && src.path == path
	opt := PackedOptions{cache: os.UserCacheDir}
	for _, dir := range opt.dirs(path) {
		store := storeName(dir, path, 0)
		m, err := readManifest(store)
		if err == nil && m.Complete && m.FirstRows == 0 && (src == nil || src.isOf(m.Source)) && !(there && m.half()) {
			return store, true
		}
	}
	return "", false
}

// packFirst packs into the first folder that can be written.
func packFirst(ctx context.Context, path string, src *original, dirs []string, opt PackedOptions) (*Store, error) {
	fmt.Fprintf(opt.Log, "%s has to be packed once, so that pictures are read from it one by one\n", src.path)
	for i, dir := range dirs {
		err := os.MkdirAll(dir, 0o777)
		store := storeName(dir, path, opt.Rows)
		if err == nil {
			_, err = Pack(ctx, src.path, store, PackOptions{
				F16: opt.F16, Rows: opt.Rows, Member: src.member, Progress: opt.Progress, Log: opt.Log, free: opt.free, replace: true,
			})
		}
		if (errors.Is(err, fs.ErrPermission) || errors.Is(err, syscall.EROFS)) && i+1 < len(dirs) {
			fmt.Fprintf(opt.Log, "%s cannot be written: the store goes into %s\n", dir, dirs[i+1])
			continue
		}
		if err != nil {
			return nil, err
		}
		return openStore(store, opt.Rows)
	}
	return nil, fmt.Errorf("region: there is no folder to pack %s into", path)
}

// dirs are the folders where a file's store may be: beside it and in the user's cache, or where opt.Dir says.
func (opt *PackedOptions) dirs(path string) []string {
	if opt.Dir != "" {
		return []string{opt.Dir}
	}
	beside := filepath.Dir(path)
	dirs := []string{beside}
	cache, err := opt.cache()
	if err != nil {
		return dirs
	}
	whole, err := filepath.Abs(beside)
	if err != nil {
		return dirs
	}
	h := fnv.New64a()
	io.WriteString(h, whole)
	return append(dirs, filepath.Join(cache, "golxmert", "store", fmt.Sprintf("%016x", h.Sum64())))
}

// openFresh opens a store that is complete and was made from what src is. Otherwise it says why not; "": it is not there.
func openFresh(dir string, src *original, opt PackedOptions) (s *Store, why string) {
	m, err := readManifest(dir)
	switch {
	case errors.Is(err, fs.ErrNotExist):
		return nil, ""
	case err != nil:
		return nil, err.Error()
	case !m.Complete:
		return nil, fmt.Sprintf("%s is not complete", dir)
	case m.FirstRows > 0 && (opt.Rows == 0 || opt.Rows > m.FirstRows):
		return nil, fmt.Sprintf("%s has only the first %d rows", dir, m.FirstRows)
	case src != nil && !src.isOf(m.Source):
		return nil, fmt.Sprintf("%s was packed from another %s than there is now (%d bytes of %s)", dir, m.Source.File, m.Source.Size, m.Source.Modified.Format("2006-01-02 15:04:05"))
	}
	if s, err = openStore(dir, opt.Rows); err != nil {
		return nil, err.Error()
	}
	if s.Half() && !opt.F16 {
		fmt.Fprintf(opt.Log, "%s has features that were rounded to float16\n", dir)
	}
	return s, ""
}
