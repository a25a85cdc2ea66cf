package fetch

import (
	"archive/zip"
	"context"
	"errors"
	"fmt"
	"io/fs"
	"os"
	"path/filepath"
	"time"
)

// smallFile is up to which size, in bytes, files are summed up whenever they are looked at.
const smallFile = 64 << 20

// survey looks for a set's files. What is there and wrong comes back as a failure; nobody but its owner removes it.
func (r *run) survey(ctx context.Context, files []File) ([]Result, map[int]error, error) {
	results := make([]Result, len(files))
	wrong := map[int]error{}
	for i, f := range files {
		var err error
		results[i], err = r.look(ctx, f)
		if ctx.Err() != nil {
			return results[:i], nil, ctx.Err()
		}
		if err != nil {
			wrong[i] = err
		}
	}
	return results, wrong, nil
}

// look finds a file in any form that counts.
func (r *run) look(ctx context.Context, f File) (Result, error) {
	res := Result{File: f, State: Missing}
	found := func(name string, state State, kind Kind, size int64, sum string) (bool, error) {
		info, err := os.Stat(r.path(name))
		if errors.Is(err, fs.ErrNotExist) {
			return false, nil
		}
		if err == nil {
			err = r.check(ctx, name, kind, size, sum)
		}
		if err == nil && kind == JSON && r.Refuse != nil {
			if err = r.Refuse(r.path(name)); err != nil {
				err = fmt.Errorf("%w: %w", ErrContent, err)
			}
		}
		if err != nil {
			return true, err
		}
		res.State, res.At, res.Bytes = state, r.path(name), info.Size()
		return true, nil
	}
	if ok, err := found(f.Path, There, f.Kind, f.Size, f.SHA256); ok {
		return res, err
	}
	if r.Have != nil {
		if form, ok := r.Have(r.path(f.Path)); ok {
			res.State, res.At = Packed, form
			return res, nil
		}
	}
	if !f.InZip {
		return res, nil
	}
	for _, s := range f.Sources {
		ok, err := found(s.Original, InZip, Zip, 0, "")
		if !ok {
			continue
		}
		if err == nil {
			err = withMember(r.path(s.Original), s.Member, func(*zip.File) error { return nil })
		}
		if err != nil {
			res = Result{File: f, State: Missing}
			err = fmt.Errorf("%s: %w; remove it, or put the published one there", r.path(s.Original), err)
		}
		return res, err
	}
	if at := r.otherZip(f); at != "" {
		if info, err := os.Stat(at); err == nil {
			res.State, res.At, res.Bytes = InZip, at, info.Size()
		}
	}
	return res, nil
}

// otherZip finds a zip beside a file's place that has it: some mirrors put all of a folder into one.
func (r *run) otherZip(f File) string {
	path := r.path(f.Path)
	entries, err := os.ReadDir(filepath.Dir(path))
	if err != nil {
		return ""
	}
	for _, e := range entries {
		at := filepath.Join(filepath.Dir(path), e.Name())
		if filepath.Ext(at) == ".zip" && withMember(at, filepath.Base(path), func(*zip.File) error { return nil }) == nil {
			return at
		}
	}
	return ""
}

// check compares what is there with what is known of it, and remembers it.
func (r *run) check(ctx context.Context, name string, kind Kind, size int64, sum string) error {
	path := r.path(name)
	info, err := os.Stat(path)
	if err != nil {
		return err
	}
	if size != 0 && info.Size() != size {
		return fmt.Errorf("%w: it has %d bytes and should have %d; remove it to fetch it", ErrContent, info.Size(), size)
	}
	if err := checkFile(kind, path); err != nil {
		return fmt.Errorf("%w; remove it to fetch it", err)
	}
	e, known := r.record.Files[name]
	if known && e.Size != info.Size() {
		return fmt.Errorf("%w: it had %d bytes on %s and has %d; remove it to fetch it again, or its entry in %s to keep it",
			ErrChecksum, e.Size, e.Recorded.Format(time.DateOnly), info.Size(), r.path(recordName))
	}
	want, whose := sum, "the manifest"
	if want == "" {
		want, whose = e.SHA256, "its record of "+e.Recorded.Format(time.DateOnly)
	}
	have := want
	fresh := known && e.Modified.Equal(info.ModTime()) && !r.Check
	if small := info.Size() <= smallFile; !fresh && (want != "" || small || r.Check) {
		if have, err = r.sumFile(ctx, path, name); err != nil {
			return err
		}
		if want != "" && have != want {
			return fmt.Errorf("%w: SHA-256 %s, but %s says %s; remove it to fetch it", ErrChecksum, have, whose, want)
		}
	}
	if !known {
		e.Recorded = r.today()
	}
	e.Size, e.SHA256, e.Modified = info.Size(), have, info.ModTime().UTC()
	return r.remember(name, e)
}

// remember writes what is known of a file, where it may be written.
func (r *run) remember(name string, e entry) error {
	if r.readOnly {
		return nil
	}
	return r.record.put(name, e)
}

// today is the time, as the record has it.
func (r *run) today() time.Time { return r.Now().UTC().Truncate(time.Second) }

// withMember opens a zip and looks at its one member of a base name.
func withMember(path, name string, use func(*zip.File) error) error {
	z, err := zip.OpenReader(path)
	if err != nil {
		return err
	}
	defer z.Close()
	m, err := findMember(&z.Reader, name)
	if err != nil {
		return err
	}
	return use(m)
}
