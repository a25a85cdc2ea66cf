package region

import (
	"fmt"
	"os"
)

// Survey is what stands for a feature file by its published name.
type Survey struct {
	Path  string // what there is: the packed store, the TSV, or a zip with it
	Bytes int64  // that it has on disk
	// Packing is about how many bytes its packed store is going to take; 0: it is packed, and [OpenPacked] only opens it.
	Packing int64
}

// SurveyOf looks for a feature file as [OpenPacked] with as many rows would find it, 0 for all. Nothing is packed. The error wraps
// [io/fs.ErrNotExist] if there is nothing to open or to pack.
func SurveyOf(path string, rows int) (Survey, error) {
	if info, err := os.Stat(path); err == nil && info.IsDir() && isStore(path) {
		return storeSurvey(path)
	}
	src, err := findOriginal(path)
	if err != nil {
		return Survey{}, err
	}
	opt := PackedOptions{cache: os.UserCacheDir}
	for _, dir := range opt.dirs(path) {
		for _, name := range storeNames(dir, path, rows) {
			m, err := readManifest(name)
			if err == nil && m.Complete && (m.FirstRows == 0 || rows > 0 && rows <= m.FirstRows) && (src == nil || src.isOf(m.Source)) {
				return storeSurvey(name)
			}
		}
	}
	if src == nil {
		return Survey{}, missing(path, nil)
	}
	s := Survey{Path: src.path, Bytes: src.origin.Size}
	text := src.origin.Size
	if src.member != "" {
		text = src.origin.MemberSize
	}
	// Nearly all of a row is base64, of which four letters are three bytes.
	s.Packing = max(1, text/4*3)
	return s, nil
}

// storeSurvey is that of a packed store.
func storeSurvey(dir string) (Survey, error) {
	size, _, err := newest(dir)
	if err != nil {
		return Survey{}, fmt.Errorf("region: %w", err)
	}
	return Survey{Path: dir, Bytes: size}, nil
}
