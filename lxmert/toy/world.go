package toy

import (
	"context"
	"crypto/sha256"
	"encoding/hex"
	"encoding/json"
	"errors"
	"fmt"
	"hash"
	"io"
	"io/fs"
	"os"
	"path/filepath"
	"slices"
	"strings"
)

// Version is that of what is made out of a seed. It changes whenever a byte does.
const Version = 3

// World is a folder with a world in it.
type World struct {
	Dir     string  `json:"-"`
	Version int     `json:"version"`
	Seed    uint64  `json:"seed"`
	Scale   float64 `json:"scale"`
	Splits  []Split `json:"splits"`
	Drawn   Drawn   `json:"drawn"`
	Files   []File  `json:"files"`
}

// Split is a question file and its pictures. In test.json, VQA's heldout stands again, without answers.
type Split struct {
	Task      string `json:"task"` // "vqa", "gqa" or "nlvr2"
	Name      string `json:"name"`
	Pictures  int    `json:"pictures"`
	Questions int    `json:"questions"` // statements, in NLVR2
}

// File is one of a world's files.
type File struct {
	Path   string `json:"path"` // relative to the world, with slashes
	Bytes  int64  `json:"bytes"`
	SHA256 string `json:"sha256"`
}

// Drawn says which pictures are files in the folder images.
type Drawn struct {
	Count  int    `json:"count"`
	SHA256 string `json:"sha256"` // of the SHA-256 of the pictures, in the order of the splits
}

// Data is the folder of what the reference keeps in data/.
func (w *World) Data() string { return filepath.Join(w.Dir, "data") }

// Images is the folder of drawn pictures, called like their ids: <img_id>.png.
func (w *World) Images() string { return filepath.Join(w.Dir, imageDir) }

// Config is the file with the sizes of a model that learns the world; see [ModelConfig].
func (w *World) Config() string { return filepath.Join(w.Dir, configPath) }

// Vocab is the vocabulary's file; see [Vocabulary].
func (w *World) Vocab() string { return filepath.Join(w.Dir, filepath.FromSlash(vocabPath)) }

// Open opens a world and checks all of its files. Errors wrap [ErrNoWorld], [ErrOther] for one of another version, or
// [ErrDamaged].
func Open(ctx context.Context, dir string) (*World, error) {
	w, err := readStamp(dir)
	if err != nil {
		return nil, err
	}
	if w.Version != Version {
		return nil, fmt.Errorf("toy: %w: %s holds version %d, this program makes and reads version %d", ErrOther, dir, w.Version, Version)
	}
	if err := w.check(ctx); err != nil {
		return nil, err
	}
	return w, nil
}

// maxStamp bounds the size of world.json.
const maxStamp = 1 << 20

// readStamp reads world.json and checks that it describes a world.
func readStamp(dir string) (*World, error) {
	path := filepath.Join(dir, stampPath)
	f, err := os.Open(path)
	if errors.Is(err, fs.ErrNotExist) {
		return nil, fmt.Errorf("toy: %w: there is no %s; toy.Make makes one", ErrNoWorld, path)
	}
	if err != nil {
		return nil, fmt.Errorf("toy: %w", err)
	}
	defer f.Close()
	text, err := io.ReadAll(io.LimitReader(f, maxStamp+1))
	if err != nil {
		return nil, fmt.Errorf("toy: %s: %w", path, err)
	}
	w := &World{Dir: dir}
	if err := json.Unmarshal(text, w); err != nil || w.Version == 0 || len(text) > maxStamp {
		return nil, fmt.Errorf("toy: %w: %s is not what toy.Make writes; name another folder", ErrOccupied, path)
	}
	return w, nil
}

// check reads all files and compares their sums.
func (w *World) check(ctx context.Context) error {
	if err := w.checkList(); err != nil {
		return err
	}
	type found struct {
		file File
		err  error
	}
	var damaged []string
	err := inOrder(ctx, len(w.Files), func(i int) (found, error) {
		sum, size, err := sumFile(ctx, filepath.Join(w.Dir, filepath.FromSlash(w.Files[i].Path)))
		f := found{File{w.Files[i].Path, size, hex.EncodeToString(sum)}, err}
		if errors.Is(err, fs.ErrNotExist) {
			err = nil // damage, where other errors only say that it cannot be told
		}
		return f, err
	}, func(f found) error {
		i := slices.IndexFunc(w.Files, func(other File) bool { return other.Path == f.file.Path })
		switch {
		case f.err != nil:
			damaged = append(damaged, f.err.Error())
		case f.file != w.Files[i]:
			damaged = append(damaged, fmt.Sprintf("%s has changed: %d bytes with SHA-256 %.12s, written were %d with %.12s",
				f.file.Path, f.file.Bytes, f.file.SHA256, w.Files[i].Bytes, w.Files[i].SHA256))
		}
		return nil
	})
	if err != nil {
		return fmt.Errorf("toy: checking %s: %w", w.Dir, err)
	}
	if len(damaged) == 0 {
		return w.checkPictures(ctx)
	}
	return fmt.Errorf("toy: %w in %s: %s", ErrDamaged, w.Dir, strings.Join(damaged, "; "))
}

// checkList checks that the splits and files are those of a world, so that a stamp by somebody else leads nowhere.
func (w *World) checkList() error {
	if !(w.Scale > 0 && w.Scale <= 100) {
		return fmt.Errorf("toy: %w in %s: %s says scale %g", ErrDamaged, w.Dir, stampPath, w.Scale)
	}
	sets := scaled(w.Scale)
	if len(w.Splits) != len(sets) {
		return fmt.Errorf("toy: %w in %s: %s lists %d splits of %d", ErrDamaged, w.Dir, stampPath, len(w.Splits), len(sets))
	}
	for i, s := range w.Splits {
		if s.Task != sets[i].task || s.Name != sets[i].name {
			return fmt.Errorf("toy: %w in %s: %s lists a split %s %s", ErrDamaged, w.Dir, stampPath, s.Task, s.Name)
		}
	}
	for _, f := range w.Files {
		if !filepath.IsLocal(filepath.FromSlash(f.Path)) {
			return fmt.Errorf("toy: %w in %s: %s names a file outside: %q", ErrDamaged, w.Dir, stampPath, f.Path)
		}
	}
	return nil
}

// checkPictures compares the drawn pictures with their common sum.
func (w *World) checkPictures(ctx context.Context) error {
	all := newPictureSum()
	var ids []string
	for _, set := range scaled(w.Scale) {
		ids = append(ids, set.drawnIDs()...)
	}
	err := inOrder(ctx, len(ids), func(i int) ([]byte, error) {
		sum, _, err := sumFile(ctx, filepath.Join(w.Dir, filepath.FromSlash(imagePath(ids[i]))))
		if errors.Is(err, fs.ErrNotExist) {
			return nil, fmt.Errorf("toy: %w in %s: %w", ErrDamaged, w.Dir, err)
		}
		return sum, err
	}, func(sum []byte) error { all.add(sum, 1); return nil })
	if errors.Is(err, ErrDamaged) {
		return err
	}
	if err != nil {
		return fmt.Errorf("toy: checking %s: %w", w.Images(), err)
	}
	if all.sum() != w.Drawn {
		return fmt.Errorf("toy: %w: %s: a picture has changed", ErrDamaged, w.Images())
	}
	return nil
}

// drawnIDs lists the pictures of a set that are files.
func (s *pictureSet) drawnIDs() []string {
	var ids []string
	for i := range s.drawn {
		if s.task != "nlvr2" {
			ids = append(ids, s.id(i))
			continue
		}
		for pair := range pairsInGroup {
			for picture := range 2 {
				ids = append(ids, s.pairID(i, pair, picture))
			}
		}
	}
	return ids
}

// sumFile is a file's SHA-256 and size.
func sumFile(ctx context.Context, path string) (sum []byte, size int64, err error) {
	f, err := os.Open(path)
	if err != nil {
		return nil, 0, err
	}
	defer f.Close()
	h := sha256.New()
	buffer := make([]byte, 1<<16)
	for {
		n, err := f.Read(buffer)
		h.Write(buffer[:n])
		size += int64(n)
		if err == io.EOF {
			return h.Sum(nil), size, nil
		}
		if err = errors.Join(err, ctx.Err()); err != nil {
			return nil, 0, err
		}
	}
}

// pictureSum gathers the sums of pictures.
type pictureSum struct {
	hash  hash.Hash
	count int
}

func newPictureSum() *pictureSum { return &pictureSum{hash: sha256.New()} }

func (p *pictureSum) add(sums []byte, n int) {
	p.hash.Write(sums)
	p.count += n
}

func (p *pictureSum) sum() Drawn { return Drawn{p.count, hex.EncodeToString(p.hash.Sum(nil))} }
