package toy

import (
	"bufio"
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"io/fs"
	"math/rand/v2"
	"os"
	"path/filepath"
	"strings"
	"time"

	"github.com/seed-516990b0/golxmert/internal/atomicfile"
)

// Options say which world to make. The zero value is the usual one.
type Options struct {
	Seed  uint64  // 0 means 1; two seeds have nothing in common, not even what a feature means
	Scale float64 // pictures of each set, as a share of the full world's; 0 means 1; at most 100
	Log   io.Writer
	// Progress is called after each picture, or group of pictures, with how many there are and will be. nil: not.
	Progress func(done, total int)
}

// Errors that a caller may want to tell apart.
var (
	ErrNoWorld  = errors.New("no toy world")
	ErrOther    = errors.New("another toy world")
	ErrDamaged  = errors.New("damaged toy world")
	ErrOccupied = errors.New("the folder holds other things")
)

// Make returns the world in a folder, and makes it first if the folder does not exist or is empty. A world of the same
// version, seed and scale is used again if all of its files are as they were written. If one is not, the folder is renamed,
// with everything in it, and the world made again. A world of another version, seed or scale is an error that wraps
// [ErrOther]; a folder with other things in it is one that wraps [ErrOccupied].
//
// The world is made beside the folder and renamed when it is complete, so that a Make that is interrupted leaves nothing
// behind that could be taken for a world. The full one takes 250 MB, and some seconds to make.
func Make(ctx context.Context, dir string, opt Options) (*World, error) {
	if opt.Seed == 0 {
		opt.Seed = 1
	}
	if opt.Scale == 0 {
		opt.Scale = 1
	}
	if !(opt.Scale > 0 && opt.Scale <= 100) {
		return nil, fmt.Errorf("toy: scale is %g, must be above 0 and at most 100", opt.Scale)
	}
	if opt.Log == nil {
		opt.Log = io.Discard
	}
	dir, err := filepath.Abs(dir)
	if err != nil {
		return nil, fmt.Errorf("toy: %w", err)
	}
	if target, err := filepath.EvalSymlinks(dir); err == nil {
		dir = target // a link to another disk stays one
	}
	w, err := openSame(ctx, dir, opt)
	switch {
	case err == nil:
		fmt.Fprintf(opt.Log, "Using the toy world in %s\n", dir)
		return w, nil
	case errors.Is(err, ErrDamaged):
		aside, moved := setAside(dir)
		if moved != nil {
			return nil, fmt.Errorf("%w; and it cannot be set aside: %w", err, moved)
		}
		fmt.Fprintf(opt.Log, "%v\nSet aside as %s, with all that is in it; making the world again\n", err, aside)
	case !errors.Is(err, ErrNoWorld):
		return nil, err
	}
	return build(ctx, dir, opt)
}

// openSame opens the world that the options ask for. The error wraps ErrNoWorld only where a world can be put.
func openSame(ctx context.Context, dir string, opt Options) (*World, error) {
	w, err := readStamp(dir)
	if errors.Is(err, ErrNoWorld) {
		entries, reading := os.ReadDir(dir)
		switch {
		case errors.Is(reading, fs.ErrNotExist):
		case reading != nil:
			return nil, fmt.Errorf("toy: %w", reading)
		case len(entries) > 0:
			return nil, fmt.Errorf("toy: %w: %s has %s in it and is not a toy world; name a folder that is empty or does not exist", ErrOccupied, dir, entries[0].Name())
		}
		return nil, err
	}
	if err != nil {
		return nil, err
	}
	if w.Version != Version || w.Seed != opt.Seed || w.Scale != opt.Scale {
		return nil, fmt.Errorf("toy: %w: %s holds version %d, seed %d, scale %g; version %d, seed %d, scale %g is wanted: name another folder, or remove this one",
			ErrOther, dir, w.Version, w.Seed, w.Scale, Version, opt.Seed, opt.Scale)
	}
	return w, w.check(ctx)
}

// setAside renames a folder to a free name.
func setAside(dir string) (string, error) {
	for i := 1; ; i++ {
		aside := fmt.Sprintf("%s.damaged-%d", dir, i)
		if _, err := os.Lstat(aside); errors.Is(err, fs.ErrNotExist) {
			return aside, os.Rename(dir, aside)
		}
	}
}

// build makes a world beside a folder and renames it. Its files are not synced: what a crash of the machine takes away, the
// sums in the stamp miss.
func build(ctx context.Context, dir string, opt Options) (*World, error) {
	parent, base := filepath.Split(dir)
	if err := os.MkdirAll(parent, 0o777); err != nil {
		return nil, fmt.Errorf("toy: %w", err)
	}
	prefix := "." + base + ".making-"
	removeOld(parent, prefix)
	making := filepath.Join(parent, fmt.Sprintf("%s%08x", prefix, rand.Uint32()))
	if err := os.Mkdir(making, 0o777); err != nil {
		return nil, fmt.Errorf("toy: %w", err)
	}
	defer os.RemoveAll(making) // nothing is there after the renaming
	start := time.Now()
	fmt.Fprintf(opt.Log, "Making the toy world in %s\n", dir)
	w, err := fill(ctx, making, opt)
	if err != nil {
		return nil, fmt.Errorf("toy: making a world in %s: %w", dir, err)
	}
	w.Dir = dir
	os.Remove(dir) // if it is empty
	if err := os.Rename(making, dir); err != nil {
		if other, opening := openSame(ctx, dir, opt); opening == nil { // somebody made it in the meantime
			return other, nil
		}
		return nil, fmt.Errorf("toy: %w", err)
	}
	pictures, bytes := 0, int64(0)
	for _, s := range w.Splits {
		pictures += s.Pictures
	}
	for _, f := range w.Files {
		bytes += f.Bytes
	}
	fmt.Fprintf(opt.Log, "Made %d pictures (%d drawn) and what there is to ask about them, %d MB, in %.1f seconds\n",
		pictures, w.Drawn.Count, bytes/1e6, time.Since(start).Seconds())
	return w, nil
}

// removeOld removes what a Make left that was killed; one that runs takes seconds.
func removeOld(parent, prefix string) {
	entries, _ := os.ReadDir(parent)
	for _, e := range entries {
		if info, err := e.Info(); err == nil && e.IsDir() && strings.HasPrefix(e.Name(), prefix) && time.Since(info.ModTime()) > 24*time.Hour {
			os.RemoveAll(filepath.Join(parent, e.Name()))
		}
	}
}

// fill writes a world's files, the stamp last.
func fill(ctx context.Context, dir string, opt Options) (*World, error) {
	m := &maker{seed: opt.Seed, directions: newDirections(opt.Seed), folder: newFolder(dir)}
	w := &World{Dir: dir, Version: Version, Seed: opt.Seed, Scale: opt.Scale}
	err := m.fill(ctx, w, opt)
	files, closing := m.folder.close()
	if err = errors.Join(err, closing); err != nil {
		return nil, err
	}
	w.Files = files
	return w, atomicfile.Replace(filepath.Join(dir, stampPath), func(_ *os.File, to *bufio.Writer) error {
		e := json.NewEncoder(to)
		e.SetIndent("", " ")
		return e.Encode(w)
	})
}

func (m *maker) fill(ctx context.Context, w *World, opt Options) error {
	if err := os.Mkdir(filepath.Join(m.folder.dir, imageDir), 0o777); err != nil {
		return err
	}
	if err := m.writeTables(); err != nil {
		return err
	}
	sets := scaled(opt.Scale)
	done, total := 0, 0
	for _, s := range sets {
		total += s.pictures * s.perItem()
	}
	drawn := newPictureSum()
	for i := range sets {
		set := &sets[i]
		made := m.picture
		if set.task == "nlvr2" {
			made = m.group
		}
		split := Split{Task: set.task, Name: set.name}
		err := inOrder(ctx, set.pictures, func(i int) (product, error) { return made(set, i) }, func(p product) error {
			split.Pictures += p.pictures
			split.Questions += len(p.labelled)
			drawn.add(p.sums, p.rendered)
			if done += p.pictures; opt.Progress != nil {
				opt.Progress(done, total)
			}
			return m.write(set, &p)
		})
		if err != nil {
			return err
		}
		w.Splits = append(w.Splits, split)
	}
	w.Drawn = drawn.sum()
	return nil
}

// perItem is the number of pictures that belong together.
func (s *pictureSet) perItem() int {
	if s.task == "nlvr2" {
		return 2 * pairsInGroup
	}
	return 1
}
