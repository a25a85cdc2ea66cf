package lxrt

import (
	"context"
	"fmt"
	"path/filepath"
	"runtime/debug"

	"github.com/seed-516990b0/golxmert/lxmert"
	"github.com/seed-516990b0/golxmert/lxmert/backend"
	"github.com/seed-516990b0/golxmert/lxmert/weights"
)

// Open opens the weights that a name stands for ([weights.Resolve]) as a model on a backend. Sizes come from the file;
// config names a file with what it does not tell (attention heads, special ids), "" where there is none. Weights that the
// model needs and the file does not have, or has in another shape, are an error; so are tensors that it does not use, unless
// [Options.AllowUnused] is set.
func Open(b *backend.Backend, name, config string, opt Options) (*Model, error) {
	w, err := weights.OpenModel(name, config)
	if err != nil {
		return nil, err
	}
	if err := Accept(w, opt); err != nil {
		w.Close()
		return nil, err
	}
	opt.Backend, opt.Libraries = string(b.Kind), b.Libraries()
	m, err := New(b.Backend, w.Config, fileSource{w}, opt)
	if err != nil {
		w.Close()
		return nil, err
	}
	m.closers = append(m.closers, w.Close)
	return m, nil
}

// LoadOptions are the choices of [Load]. The zero value takes the fastest backend that this machine has.
type LoadOptions struct {
	Backend string // as [backend.Open] takes it
	Config  string // as [Open] takes it
	Options        // Log is also told which backend was taken, and why
}

// Load opens weights on a backend of their own, which Close frees with them: [backend.Open] and [Open] in one. Who opens
// several models calls these two, as models can share a backend.
func Load(ctx context.Context, name string, opt LoadOptions) (*Model, error) {
	b, err := backend.Open(ctx, opt.Backend, opt.Log)
	if err != nil {
		return nil, err
	}
	m, err := Open(b, name, opt.Config, opt.Options)
	if err != nil {
		b.Finalize()
		return nil, err
	}
	m.closers = append(m.closers, func() error { b.Finalize(); return nil })
	return m, nil
}

// Accept says whether the file fits its model, and tells the log what a user should know.
func Accept(w *weights.Model, opt Options) error {
	r := w.Report(w.Config)
	if len(r.Missing)+len(r.Reshaped) > 0 {
		return r.Err()
	}
	if len(r.Unused) > 0 && !opt.AllowUnused {
		return fmt.Errorf("%w; --allow-unused (Options.AllowUnused) leaves them alone, `lxmert convert` writes a file without them", r.Err())
	}
	if opt.Log != nil {
		for _, note := range []string{w.HeadsNote(), w.MMFNote(), r.UnusedNote()} {
			if note != "" {
				fmt.Fprintln(opt.Log, note)
			}
		}
	}
	return nil
}

// fileSource reads parameters from a file.
type fileSource struct{ *weights.Model }

func (s fileSource) Provenance() (file, hash string, err error) {
	hash, err = s.Hash()
	return filepath.Base(s.File.Path), hash, err
}

// Version of this library in the running program, for traces: a release, or a commit, or "(devel)".
func Version() string {
	const module = "github.com/seed-516990b0/golxmert"
	info, ok := debug.ReadBuildInfo()
	if !ok {
		return ""
	}
	if info.Main.Path == module {
		for _, s := range info.Settings {
			if s.Key == "vcs.revision" && info.Main.Version == "(devel)" {
				return s.Value
			}
		}
		return info.Main.Version
	}
	for _, d := range info.Deps {
		if d.Path == module {
			return d.Version
		}
	}
	return ""
}

var _ lxmert.Engine = (*Model)(nil)
