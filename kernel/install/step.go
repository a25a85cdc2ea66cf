package install

import (
	"context"
	"errors"
	"fmt"
	"io"
	"os"
	"path/filepath"
	"time"

	"github.com/seed-516990b0/golxmert/internal/atomicfile"
	"github.com/seed-516990b0/golxmert/internal/filelock"
	"github.com/seed-516990b0/golxmert/internal/progress"
)

// Options say how [Install] works. The zero value installs everything and is silent.
type Options struct {
	Log    io.Writer // a line for each step; nil: none
	Python string    // the Python to build the environment with; "": the first suitable python3 or python on the path
	Source string    // folder of this library's checkout; "": found from where the program was built or is run
}

// installation is one run of [Install].
type installation struct {
	Place
	Options
	goVersion string // of the Go that is installed: "go1.26.8"
	source    source // where cells take this library from
}

// step is one part of an installation.
type step struct {
	id   string // its note's name
	name string
	// want says with what the step is done: when it is done with the same, it need not be done again.
	want func(ctx context.Context, in *installation) (string, error)
	do   func(ctx context.Context, in *installation) error
	// always is set for what finds out itself, in no time, that nothing is to be done.
	always bool
}

func steps() []step {
	list := []step{{id: "python", name: "Python environment", want: wantPython, do: installPython}}
	for _, t := range tools {
		list = append(list, step{id: t.name, name: t.name + " " + t.version, want: t.want, do: t.install})
	}
	return append(list,
		step{id: "kernel", name: "kernel program", want: wantKernel, do: installKernel},
		step{id: "prelude", name: "module of cells", want: wantPrelude, do: installPrelude},
		step{id: "lab", name: "JupyterLab's settings", want: wantLab, do: installLab},
		step{id: "kernelspec", name: "kernelspec " + DisplayName, want: wantKernelspec, do: installKernelspec},
		step{id: "warm", name: "compiled packages", want: wantPrelude, do: warmCache, always: true},
	)
}

// Install brings everything that is missing, or is there in another version. It can be repeated, also after it was cut
// off. It needs a network for what pip and Go do not have in their caches.
func Install(ctx context.Context, p Place, opt Options) error {
	in := &installation{Place: p, Options: opt}
	if in.Log == nil {
		in.Log = io.Discard
	}
	begin := time.Now()
	if err := os.MkdirAll(p.path("steps"), 0o777); err != nil {
		return fmt.Errorf("install: %w; %s names another folder", err, DirEnv)
	}
	lock, err := in.lock()
	if err != nil {
		return err
	}
	defer lock.Close()
	if err := in.look(ctx); err != nil {
		return err
	}
	for _, s := range steps() {
		if err := in.step(ctx, s); err != nil {
			if ctx.Err() != nil {
				return fmt.Errorf("install: %s: %w", s.name, ctx.Err())
			}
			return fmt.Errorf("install: %s: %w", s.name, err)
		}
	}
	fmt.Fprintf(in.Log, "install: everything is in %s (%s)\n", p.Dir, progress.Since(begin))
	return nil
}

// step does a step unless it is done.
func (in *installation) step(ctx context.Context, s step) error {
	want, err := s.want(ctx, in)
	if err != nil {
		return err
	}
	note := in.note(s.id)
	if have, err := os.ReadFile(note); err == nil && string(have) == want && !s.always {
		fmt.Fprintf(in.Log, "install: %s: there already\n", s.name)
		return nil
	}
	if err := os.Remove(note); err != nil && !errors.Is(err, os.ErrNotExist) {
		return err
	}
	fmt.Fprintf(in.Log, "install: %s ...\n", s.name)
	begin := time.Now()
	if err := s.do(ctx, in); err != nil {
		return err
	}
	if err := writeFile(note, []byte(want)); err != nil {
		return err
	}
	fmt.Fprintf(in.Log, "install: %s: done in %s\n", s.name, progress.Since(begin))
	return nil
}

// note is the file that says with what a step is done.
func (p Place) note(id string) string { return p.path("steps", id) }

// lock keeps two installations from working in the same folder.
func (in *installation) lock() (*filelock.Lock, error) {
	lock, err := filelock.Try(in.path("steps", "lock"))
	if held := new(filelock.HeldError); errors.As(err, &held) {
		return nil, fmt.Errorf("install: another installation into %s is under way (%w)", in.Dir, held)
	}
	if err != nil {
		return nil, fmt.Errorf("install: %w; %s names another folder", err, DirEnv)
	}
	return lock, nil
}

// writeFile replaces a file, in a folder that is made if need be.
func writeFile(path string, text []byte) error {
	if err := os.MkdirAll(filepath.Dir(path), 0o777); err != nil {
		return err
	}
	return atomicfile.Write(path, 0o666, text)
}
