package sweep

import (
	"context"
	"fmt"
	"io"
	"os"
	"path/filepath"
	"reflect"
	"slices"
)

// Read reads what [Run] has found so far, of all parts in a folder. Parts must be of the same settings and weights, and of
// a sharded run all must be there. progress, if there is one, is called with what is being done and how much of it is.
func Read(ctx context.Context, dir string, progress func(what string, done, total int64)) (*Summary, error) {
	if progress == nil {
		progress = func(string, int64, int64) {}
	}
	var c *collector
	r := &reading{ctx: ctx, progress: progress}
	r.begin = func(s Settings) error {
		if c == nil {
			c = newCollector(s)
		}
		c.computed(s.Model)
		return nil
	}
	r.each = func(l *line) error { return c.add(l) }
	paths, err := r.folder(dir)
	if err != nil {
		return nil, err
	}
	s, err := c.summary()
	if err != nil {
		return nil, err
	}
	return s, c.drawGathered(ctx, s, paths, func(what string, done, total int) { progress(what, int64(done), int64(total)) })
}

// Parts are the files of all parts that [Run] has written into a folder. None is an error.
func Parts(dir string) ([]string, error) {
	paths, err := filepath.Glob(filepath.Join(dir, "examples*.jsonl"))
	if err != nil || len(paths) == 0 {
		return nil, fmt.Errorf("sweep: %s has no results (examples*.jsonl)", dir)
	}
	slices.Sort(paths)
	return paths, nil
}

// reading goes through parts.
type reading struct {
	ctx         context.Context
	begin       func(s Settings) error // of each part
	each        func(l *line) error    // of each batch
	first       *Settings              // of the first part, with which the others must agree
	seen        map[int]bool
	progress    func(what string, done, total int64)
	done, total int64
}

// folder goes through all parts in a folder, of which none may be missing, and returns their files.
func (r *reading) folder(dir string) ([]string, error) {
	paths, err := Parts(dir)
	if err != nil {
		return nil, err
	}
	r.seen = map[int]bool{}
	for _, path := range paths {
		if info, err := os.Stat(path); err == nil {
			r.total += info.Size()
		}
	}
	for _, path := range paths {
		if err := r.part(path); err != nil {
			return nil, err
		}
	}
	for i := range r.first.Shards {
		if !r.seen[i] {
			return nil, fmt.Errorf("sweep: %s lacks %s, part %d of %d", dir, partName(i, r.first.Shards), i, r.first.Shards)
		}
	}
	return paths, nil
}

// part goes through one part.
func (r *reading) part(path string) error {
	f, err := os.Open(path)
	if err != nil {
		return fmt.Errorf("sweep: %w", err)
	}
	defer f.Close()
	end, err := readPart(path, &counted{f, r}, func(s Settings) error {
		if r.first == nil {
			r.first = &s
		}
		r.seen[s.Shard] = true
		other := s
		other.Shard = r.first.Shard
		if a, b := r.first.essence(), other.essence(); !reflect.DeepEqual(a, b) {
			return fmt.Errorf("sweep: %s does not belong to the other parts in the folder: another was made %s", path, difference(a, b))
		}
		return r.begin(s)
	}, func(l *line) error { return r.each(l) })
	if err == nil && end == 0 {
		err = fmt.Errorf("sweep: %s is empty", path)
	}
	return err
}

// counted reads a file and says how far it is.
type counted struct {
	in io.Reader
	r  *reading
}

func (c *counted) Read(p []byte) (int, error) {
	if err := c.r.ctx.Err(); err != nil {
		return 0, err
	}
	n, err := c.in.Read(p)
	c.r.done += int64(n)
	c.r.progress("reading results", c.r.done, max(c.r.done, c.r.total))
	return n, err
}
