package main

import (
	"context"
	"errors"
	"fmt"
	"io"
	"os"
	"path/filepath"

	"github.com/seed-516990b0/golxmert/kernel/install"
	"github.com/seed-516990b0/golxmert/lxmert/backend"
)

// xlaMachine is what the choice of an XLA plugin depends on, and how one is brought.
type xlaMachine struct {
	log     io.Writer
	list    func(ctx context.Context) ([]backend.Candidate, error)
	gpu     func(ctx context.Context) (found bool, how string)
	install func(ctx context.Context, kind string) error
}

func thisMachine(place install.Place, log io.Writer) xlaMachine {
	return xlaMachine{
		log:  log,
		list: func(ctx context.Context) ([]backend.Candidate, error) { return backend.List(ctx, "") },
		gpu:  backend.GPU,
		install: func(ctx context.Context, kind string) error {
			return withPipOf(place, func() error { return backend.Install(ctx, kind, backend.InstallOptions{Log: indented{log}}) })
		},
	}
}

// withPipOf lets what f runs find the installation's pip, which is there whatever Python the machine has, and keeps the
// downloads only as long as they are needed.
func withPipOf(place install.Place, f func() error) error {
	path, cache := os.Getenv("PATH"), filepath.Join(place.Dir, "pip")
	defer os.Setenv("PATH", path)
	os.Setenv("PATH", filepath.Dir(place.PythonProgram("python"))+string(os.PathListSeparator)+path)
	if before, set := os.LookupEnv("PIP_CACHE_DIR"); set {
		defer os.Setenv("PIP_CACHE_DIR", before)
	} else {
		defer os.Unsetenv("PIP_CACHE_DIR")
	}
	os.Setenv("PIP_CACHE_DIR", cache)
	if err := f(); err != nil {
		return err
	}
	return os.RemoveAll(cache)
}

const (
	bringCUDA = "`go run ./lxmert/cmd/lxmert backend install cuda` brings XLA for it"
	slowly    = "without XLA the Go backend computes: everything works, many times slower"
)

// accelerate brings XLA for the GPU, if there is one, else for the processor, unless what it would bring works already.
// That none can be had is said and hinders nothing; a full disk is an error, as everything after it would fail, too.
func accelerate(ctx context.Context, m xlaMachine) error {
	works := map[backend.Kind]string{}
	if list, err := m.list(ctx); err == nil {
		for _, c := range list {
			if _, earlier := works[c.Kind]; c.Loads && !earlier {
				works[c.Kind] = c.Path
			}
		}
	}
	if found, how := m.gpu(ctx); found && works[backend.KindCUDA] == "" {
		fmt.Fprintf(m.log, "  there is an NVIDIA GPU (%s), and no XLA for it yet\n", how)
		err := m.install(ctx, "cuda")
		switch {
		case err == nil:
			return nil
		case ctx.Err() != nil || install.DiskFull(err):
			return err
		}
		fmt.Fprintf(m.log, "  %v\n  the GPU is not used for the time being; %s\n", advise(err), bringCUDA)
	}
	for _, kind := range []backend.Kind{backend.KindCUDA, backend.KindCPU} {
		if path := works[kind]; path != "" {
			fmt.Fprintf(m.log, "  %s works: %s\n", kind, path)
			return nil
		}
	}
	err := m.install(ctx, "cpu")
	if err == nil || ctx.Err() != nil || install.DiskFull(err) {
		return err
	}
	fmt.Fprintf(m.log, "  %v\n  %s\n", advise(err), slowly)
	return nil
}

// advise adds to an error of an installation what to do about it.
func advise(err error) error {
	switch {
	case errors.Is(err, backend.ErrWithoutXLA):
		return fmt.Errorf("this program was built without a C compiler, and so without XLA; %s", install.BringCompiler)
	case install.NoNetwork(err):
		return fmt.Errorf("%w; there is no network, or it does not reach the index: run the same command again when there is", err)
	}
	return err
}
