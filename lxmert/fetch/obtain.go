package fetch

import (
	"archive/zip"
	"context"
	"errors"
	"fmt"
	"io"
	"os"
	"path/filepath"
	"slices"
	"time"

	"github.com/seed-516990b0/golxmert/internal/diskspace"
	"github.com/seed-516990b0/golxmert/internal/filesearch"
	"github.com/seed-516990b0/golxmert/internal/progress"
)

// obtain makes a file be there, from the first source that gives it.
func (r *run) obtain(ctx context.Context, res *Result) error {
	if r.toUnpack(*res) {
		return r.unpackFrom(ctx, res, res.At)
	}
	sources := slices.Clone(r.from(res.File)) // the manifest keeps its order
	slices.SortStableFunc(sources, func(a, b Source) int { return r.distance(a) - r.distance(b) })
	var failed mirrorsError
	for i, s := range sources {
		err := r.try(ctx, res, s)
		var remote mirrorsError
		if err == nil || ctx.Err() != nil || !errors.As(err, &remote) {
			return err
		}
		failed = append(failed, remote...)
		if i+1 < len(sources) && sources[i+1].Original != "" {
			r.logf("%s: not available (%v); making it from %s", res.Path, remote, sources[i+1].Original)
		}
	}
	return failed
}

// distance is 0 for a source that is here already.
func (r *run) distance(s Source) int {
	if s.Original == "" {
		return 1
	}
	if parts, _ := splitParts(r.path(s.Original)); filesearch.IsFile(r.path(s.Original)) || len(parts) > 0 {
		return 0
	}
	return 1
}

// try gets a file from one source.
func (r *run) try(ctx context.Context, res *Result, s Source) error {
	f := res.File
	if s.Original == "" {
		if err := r.get(ctx, f.Path, f.Kind, f.Size, f.SHA256, s.URLs); err != nil {
			return err
		}
		return r.fetched(res, f.Path)
	}
	if err := r.original(ctx, s, f); err != nil {
		return err
	}
	switch {
	case !f.InZip:
		if err := r.make(ctx, f, s); err != nil {
			return err
		}
		return r.fetched(res, f.Path)
	case r.Unpack:
		return r.unpackFrom(ctx, res, r.path(s.Original))
	}
	err := withMember(r.path(s.Original), s.Member, func(*zip.File) error { return nil })
	if err != nil {
		return fmt.Errorf("%s: %w", r.path(s.Original), err)
	}
	return r.fetched(res, s.Original)
}

// fetched fills in a result.
func (r *run) fetched(res *Result, name string) error {
	info, err := os.Stat(r.path(name))
	if err != nil {
		return err
	}
	res.State, res.At, res.Bytes = Fetched, r.path(name), info.Size()
	return nil
}

// original makes the download be there that a file is made of.
func (r *run) original(ctx context.Context, s Source, f File) error {
	kind := f.Kind
	if s.Member != "" {
		kind = Zip
	}
	path := r.path(s.Original)
	if _, err := os.Stat(path); err == nil {
		if err := r.check(ctx, s.Original, kind, 0, ""); err != nil {
			return fmt.Errorf("%s: %w", path, err)
		}
		return nil
	}
	parts, err := splitParts(path)
	if err != nil {
		return err
	}
	if len(parts) > 0 && kind == Zip {
		e, err := r.join(ctx, s.Original, parts)
		if err != nil {
			return err
		}
		return r.enter(s.Original, e)
	}
	if err := r.missing[s.Original]; err != nil {
		return err
	}
	err = r.get(ctx, s.Original, kind, 0, "", s.URLs)
	if err != nil && ctx.Err() == nil {
		r.missing[s.Original] = err // several files may be made of it
	}
	return err
}

// get downloads a file and enters it in the record.
func (r *run) get(ctx context.Context, name string, kind Kind, size int64, sum string, urls []string) error {
	d := &download{name: name, path: r.path(name), urls: urls, kind: kind, size: size, sha256: sum, whose: "the manifest"}
	if e, known := r.record.Files[name]; known && e.SHA256 != "" && sum == "" {
		d.size, d.sha256 = e.Size, e.SHA256
		d.whose = fmt.Sprintf("the record of %s (remove its entry from %s if another file is wanted)", e.Recorded.Format(time.DateOnly), r.path(recordName))
	}
	e, err := r.download(ctx, d)
	if err != nil {
		return err
	}
	r.logf("%s: %s, SHA-256 %s", name, progress.Bytes(e.Size), e.SHA256)
	return r.enter(name, e)
}

// enter writes what was made into the record.
func (r *run) enter(name string, e entry) error {
	info, err := os.Stat(r.path(name))
	if err != nil {
		return err
	}
	e.Recorded, e.Modified = r.today(), info.ModTime().UTC()
	return r.remember(name, e)
}

// toUnpack says whether a zip that is there is still to be unpacked.
func (r *run) toUnpack(res Result) bool { return r.Unpack && res.State == InZip }

// unpackFrom gives a file its place out of a zip, which is then removed if it was this package that brought it.
func (r *run) unpackFrom(ctx context.Context, res *Result, archive string) error {
	f := res.File
	if err := r.makeFrom(ctx, f, archive, filepath.Base(f.Path), ""); err != nil {
		return err
	}
	for _, s := range f.Sources {
		if e := r.record.Files[s.Original]; r.path(s.Original) == archive && e.From != "" && !r.KeepZip {
			if err := os.Remove(archive); err != nil {
				return err
			}
			r.logf("%s: unpacked, the zip is removed", f.Path)
		}
	}
	return r.fetched(res, f.Path)
}

// make makes a file of its original.
func (r *run) make(ctx context.Context, f File, s Source) error {
	return r.makeFrom(ctx, f, r.path(s.Original), s.Member, s.Convert)
}

func (r *run) makeFrom(ctx context.Context, f File, original, member, how string) error {
	if how != "" && r.Convert == nil {
		return fmt.Errorf("it has to be made of %s (%s), which is not done here", original, how)
	}
	write := func(in io.Reader, size int64) error {
		through := func(in io.Reader) io.Reader {
			return &progressReader{ctx, in, 0, func(done int64) { r.progress("making "+f.Path, done, size) }}
		}
		made := entry{From: original}
		var err error
		made.Size, made.SHA256, err = r.stage(r.path(f.Path), func(w io.Writer) error {
			if how != "" {
				return r.Convert(ctx, how, w, through(in))
			}
			_, err := io.CopyBuffer(w, struct{ io.Reader }{through(in)}, make([]byte, bufferSize))
			return err
		}, func(staged string) error { return checkFile(f.Kind, staged) })
		if err != nil {
			return err
		}
		return r.enter(f.Path, made)
	}
	if member == "" {
		in, err := os.Open(original)
		if err != nil {
			return err
		}
		defer in.Close()
		info, err := in.Stat()
		if err != nil {
			return err
		}
		if err := write(in, info.Size()); err != nil {
			return fmt.Errorf("making it of %s: %w", original, err)
		}
		return nil
	}
	err := withMember(original, member, func(m *zip.File) error {
		size := int64(m.UncompressedSize64)
		if how == "" {
			if err := r.room(r.path(f.Path), size); err != nil {
				return err
			}
		}
		r.logf("%s: from %s", f.Path, original)
		in, err := openMember(m)
		if err != nil {
			return err
		}
		defer in.Close()
		return write(in, size)
	})
	if err != nil {
		return fmt.Errorf("%s: %w", original, err)
	}
	return nil
}

// enough compares what the missing files will take, roughly, with the room on their disks.
func (r *run) enough(results []Result) error {
	need := map[int64]int64{} // by the room: folders with equal room are on one disk
	var short error
	for _, res := range results {
		if res.State != Missing {
			continue
		}
		s := r.from(res.File)[0]
		bytes, name := max(res.Size, s.About), res.Path
		if s.Original != "" {
			name = s.Original
		}
		if info, err := os.Stat(r.path(name) + partSuffix); err == nil {
			bytes -= min(bytes, info.Size())
		}
		if res.InZip && r.Unpack {
			bytes += 2 * s.About // the TSV has 1.8 times the zip's size
		}
		if free, known := r.free(filepath.Dir(r.path(name))); known {
			need[free] += bytes
			if need[free] > free {
				short = &diskspace.ShortError{Dir: filepath.Dir(r.path(name)), Need: need[free], Free: free}
			}
		}
	}
	if short != nil {
		return fmt.Errorf("%w: about %w", ErrSpace, short)
	}
	return nil
}

// room refuses what does not fit beside path.
func (r *run) room(path string, need int64) error {
	if err := r.free.Check(filepath.Dir(path), need); err != nil {
		return fmt.Errorf("%w: %w", ErrSpace, err)
	}
	return nil
}
