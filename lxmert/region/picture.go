package region

import (
	"fmt"
	"image"
	"image/color"
	_ "image/jpeg" // the formats of the published pictures
	_ "image/png"
	"io"
	"os"
	"path/filepath"
	"strings"
	"sync"

	"github.com/seed-516990b0/golxmert/internal/filekind"
	"github.com/seed-516990b0/golxmert/lxmert"
)

// Pictures finds the picture files of images by their ids, in a folder that holds the pictures themselves or has the
// layout in which COCO, Visual Genome, GQA or NLVR2 come. Its methods may be called from several goroutines.
type Pictures struct {
	dir string

	mu       sync.Mutex
	numbered map[string][]string // subfolders of a folder whose names are numbers
}

// OpenPictures looks whether there is a folder of pictures.
func OpenPictures(dir string) (*Pictures, error) {
	info, err := os.Stat(dir)
	if err == nil && !info.IsDir() {
		err = fmt.Errorf("%s is not a folder", dir)
	}
	if err != nil {
		return nil, fmt.Errorf("region: pictures: %w", err)
	}
	return &Pictures{dir: dir, numbered: map[string][]string{}}, nil
}

// Find returns the file of an image's picture; ok is false if there is none. With the folder as dir these are tried, as
// .jpg, .jpeg and .png:
//
//	any id                              dir/ID, dir/images/ID
//	COCO_train2014_000000458752         also in train2014/ and images/train2014/; as 000000458752 there, in train2017/ and in val2017/
//	2375429 (Visual Genome)             also in VG_100K/ and VG_100K_2/
//	train-10171-0-img0 (NLVR2)          also in train/ and images/train/, and in their numbered folders; likewise dev, test1, test2
//
// An id that is not a plain file name is never found, so that nothing outside the folder is.
func (p *Pictures) Find(id string) (path string, ok bool) {
	if id == "" || len(id) > maxID || strings.ContainsAny(id, "/\\:\x00") || strings.HasPrefix(id, ".") || !filepath.IsLocal(id) {
		return "", false
	}
	dirs, names := []string{"", "images"}, []string{id}
	coco, isCOCO := strings.CutPrefix(id, "COCO_")
	split, number, _ := strings.Cut(coco, "_")
	first, rest, _ := strings.Cut(id, "-")
	switch {
	case isCOCO && isPlain(split) && isPlain(number):
		dirs = append(dirs, split, filepath.Join("images", split), "train2017", "val2017", "test2017")
		names = append(names, number)
	case isNumber(id):
		dirs = append(dirs, "VG_100K", "VG_100K_2")
	case isPlain(first) && strings.Contains(rest, "-img"):
		for _, dir := range []string{first, filepath.Join("images", first)} {
			dirs = append(append(dirs, dir), p.numberedIn(dir)...)
		}
	}
	for _, dir := range dirs {
		for _, name := range names {
			if path, ok := pictureFile(filepath.Join(p.dir, dir), name); ok {
				return path, true
			}
		}
	}
	return "", false
}

func isNumber(s string) bool { return s != "" && strings.Trim(s, "0123456789") == "" }

// isPlain says whether a part of an id may be the name of a folder: lower-case letters and digits.
func isPlain(s string) bool {
	return s != "" && strings.Trim(s, "0123456789abcdefghijklmnopqrstuvwxyz") == ""
}

// numberedIn lists the subfolders with a number for a name, as NLVR2's training pictures are spread over.
func (p *Pictures) numberedIn(dir string) []string {
	p.mu.Lock()
	defer p.mu.Unlock()
	list, known := p.numbered[dir]
	if !known {
		entries, _ := os.ReadDir(filepath.Join(p.dir, dir)) // nothing where there is no such folder
		for _, e := range entries {
			if isNumber(e.Name()) {
				list = append(list, filepath.Join(dir, e.Name()))
			}
		}
		p.numbered[dir] = list
	}
	return list
}

// pictureEndings in the order in which they are tried.
var pictureEndings = []string{".jpg", ".jpeg", ".png", ".JPG", ".JPEG", ".PNG", ".Jpg", ".Jpeg", ".Png"}

// withoutEnding is a name without the ending of a picture.
func withoutEnding(name string) string {
	for _, ending := range pictureEndings {
		if rest, ok := strings.CutSuffix(name, ending); ok {
			return rest
		}
	}
	return name
}

func pictureFile(dir, name string) (path string, ok bool) {
	if info, err := os.Stat(dir); err != nil || !info.IsDir() {
		return "", false
	}
	for _, ending := range pictureEndings {
		path := filepath.Join(dir, name+ending)
		if info, err := os.Stat(path); err == nil && info.Mode().IsRegular() {
			return path, true
		}
	}
	return "", false
}

// maxPicture bounds the pixels of a picture that is decoded: 12000 x 11000.
const maxPicture = 1 << 27

// Picture returns the picture of an image: of info.File if that is set, else what [Pictures.Find] finds. Where there is
// none, found is false and the picture is the image's [Canvas], as it is for a p that is nil. A file that cannot be
// decoded is an error.
func (p *Pictures) Picture(info lxmert.ImageInfo) (m image.Image, found bool, err error) {
	path := info.File
	if path == "" && p != nil {
		path, _ = p.Find(info.ID)
	}
	if path == "" {
		return Canvas(info), false, nil
	}
	m, err = decodePicture(path)
	return m, err == nil, err
}

// Picture is [Pictures.Picture] in a folder; dir "" has no pictures.
func Picture(dir string, info lxmert.ImageInfo) (m image.Image, found bool, err error) {
	var p *Pictures
	if dir != "" {
		if p, err = OpenPictures(dir); err != nil {
			return nil, false, err
		}
	}
	return p.Picture(info)
}

func decodePicture(path string) (image.Image, error) {
	f, err := os.Open(path)
	if err != nil {
		return nil, fmt.Errorf("region: picture: %w", err)
	}
	defer f.Close()
	kind, err := filekind.Read(f)
	if err != nil {
		return nil, fmt.Errorf("region: picture: %w", err)
	}
	if kind != filekind.JPEG && kind != filekind.PNG {
		return nil, fmt.Errorf("region: picture %s: %s", path, kind.Not("a JPEG or PNG picture", ""))
	}
	cfg, _, err := image.DecodeConfig(f)
	if err == nil && (cfg.Width < 1 || cfg.Height < 1 || cfg.Width > maxPicture/cfg.Height) {
		err = fmt.Errorf("%d x %d pixels are too many", cfg.Width, cfg.Height)
	}
	if err == nil {
		_, err = f.Seek(0, io.SeekStart)
	}
	var m image.Image
	if err == nil {
		m, _, err = image.Decode(f)
	}
	if err != nil {
		return nil, fmt.Errorf("region: picture %s: %w; it must be a JPEG or PNG file", path, err)
	}
	return m, nil
}

// canvasColor is light enough for anything to be drawn on it, and not the white of paper.
var canvasColor = color.NRGBA{R: 0xee, G: 0xee, B: 0xee, A: 0xff}

// canvas is a picture of one colour, which takes no memory.
type canvas struct {
	*image.Uniform
	bounds image.Rectangle
}

func (c canvas) Bounds() image.Rectangle { return c.bounds }

// Canvas is a light grey picture of an image's size, to draw boxes on where the picture itself is not at hand; of 640 x
// 480 pixels where the size is not known.
func Canvas(info lxmert.ImageInfo) image.Image {
	w, h := info.Width, info.Height
	if w <= 0 || h <= 0 {
		w, h = 640, 480
	}
	return canvas{image.NewUniform(canvasColor), image.Rect(0, 0, w, h)}
}
