package main

import (
	"context"
	"errors"
	"fmt"
	"os"
	"path/filepath"
	"time"

	"github.com/seed-516990b0/golxmert/kernel/client"
	"github.com/seed-516990b0/golxmert/kernel/install"
	"github.com/seed-516990b0/golxmert/kernel/internal/wire"
	"github.com/seed-516990b0/golxmert/lxmert/backend"
	"github.com/seed-516990b0/golxmert/lxmert/toy"
	"github.com/seed-516990b0/golxmert/lxmert/weights"
)

// again mends whatever quickstart has brought.
const again = "`go run ./kernel quickstart --execute-only`"

// examine looks at what quickstart brings beyond the installation.
func examine(ctx context.Context) []install.Finding {
	world, err := toy.Folder()
	if err != nil {
		return []install.Finding{{Part: "toy world", Says: err.Error(), Mend: "set HOME"}}
	}
	list, _ := backend.List(ctx, "") // what is wrong with GOMLX_BACKEND is the session's to say
	found, how := backend.GPU(ctx)
	return []install.Finding{
		examineXLA(list, found, how, func(path string) error { return backend.Check(ctx, path) }),
		examineWorld(ctx, world),
		examineModel(world),
		examineSession(ctx, sessionTimeout),
	}
}

// examineXLA says which plugin would compute, after trying it.
func examineXLA(list []backend.Candidate, hasGPU bool, gpu string, try func(path string) error) install.Finding {
	f := install.Finding{Part: "XLA"}
	var broken, works []string
	cuda := false
	for _, c := range list {
		if c.Kind == backend.KindGo || c.Kind == backend.KindCUDA && !hasGPU {
			continue
		}
		why := c.Err
		if c.Loads {
			if err := try(c.Path); err != nil {
				why = err.Error()
			}
		}
		if why != "" {
			broken = append(broken, fmt.Sprintf("%s does not work: %s", c.Path, why))
			continue
		}
		works = append(works, fmt.Sprintf("%s, %d device(s): %s", c.Kind, len(c.Devices), c.Path))
		cuda = cuda || c.Kind == backend.KindCUDA
	}
	cudaMend := "`go run ./lxmert/cmd/lxmert backend install cuda`"
	switch {
	case hasGPU && !cuda:
		f.Says, f.Mend = fmt.Sprintf("there is an NVIDIA GPU (%s), and no XLA that uses it", gpu), cudaMend
		if len(broken) > 0 {
			f.Says += "; " + broken[0]
		}
	case len(works) > 0:
		f.OK, f.Says = true, works[0]
	case len(broken) > 0:
		f.Says, f.Mend = broken[0], again
	default:
		f.Says, f.Mend = "there is none: the Go backend computes, many times slower", again+"; without a C compiler, "+install.BringCompiler
	}
	return f
}

func examineWorld(ctx context.Context, folder string) install.Finding {
	f := install.Finding{Part: "toy world"}
	w, err := toy.Open(ctx, folder)
	switch {
	case errors.Is(err, toy.ErrNoWorld):
		f.Says, f.Mend = "there is none in "+folder, again
	case errors.Is(err, toy.ErrOther):
		f.Says, f.Mend = err.Error(), "`go run ./kernel uninstall`, which keeps your runs, and then "+again
	case err != nil:
		f.Says, f.Mend = err.Error(), again
	default:
		f.OK, f.Says = true, filepath.Dir(w.Config())+", all files as they were written"
	}
	return f
}

func examineModel(world string) install.Finding {
	f := install.Finding{Part: "toy model", Mend: again}
	name, config := filepath.Join(world, "snap", "vqa", "toy", "LAST"), filepath.Join(world, "config.json")
	if _, err := os.Stat(config); err != nil {
		f.Says = "its sizes cannot be read: " + err.Error()
		return f
	}
	m, err := weights.OpenModel(name, config)
	if err != nil {
		f.Says = err.Error()
		switch {
		case errors.Is(err, weights.ErrNotFound):
			f.Says = "there is none in " + filepath.Dir(name)
		case errors.Is(err, weights.ErrFormat):
			f.Mend = fmt.Sprintf("`rm -r %s`, then %s", filepath.Dir(name), again)
		}
		return f
	}
	defer m.Close()
	if _, err := m.Hash(); err != nil {
		f.Says, f.Mend = err.Error(), fmt.Sprintf("`rm -r %s`, then %s", filepath.Dir(name), again)
		return f
	}
	return install.Finding{Part: f.Part, OK: true, Says: fmt.Sprintf("%s, %d parameters", name, len(m.Names()))}
}

// sessionTimeout is how long a session may take to say what it does.
const sessionTimeout = 10 * time.Second

func examineSession(ctx context.Context, timeout time.Duration) install.Finding {
	ctx, cancel := context.WithTimeout(ctx, timeout)
	defer cancel()
	f := install.Finding{Part: "session"}
	place, err := wire.Find("")
	if err == nil {
		err = place.Check()
	}
	if errors.Is(err, os.ErrNotExist) {
		return install.Finding{Part: f.Part, OK: true, Says: "none has run yet; the first cell starts it"}
	}
	if err != nil {
		f.Says, f.Mend = err.Error(), "`chmod 700 "+place.Dir+"`, if it is yours"
		return f
	}
	var s client.Status
	c, err := client.Dial(ctx, client.Options{NoStart: true})
	if err == nil {
		s, err = c.Status(ctx)
	}
	switch {
	case errors.Is(err, client.ErrNoSession):
		f.OK, f.Says = true, "not running; the next cell starts it"
	case errors.Is(err, client.ErrVersion):
		f.Says, f.Mend = err.Error(), "`go run ./kernel session stop`; the next cell starts one of this build"
	case err != nil:
		f.Says, f.Mend = err.Error(), "`go run ./kernel session stop`; `go run ./kernel session logs` may say why"
	case s.Outdated:
		f.OK, f.Says, f.Mend = true, fmt.Sprintf("process %d is of an earlier build", s.PID), "`go run ./kernel session stop`, or wait: it ends when it has nothing to do"
	default:
		f.OK, f.Says = true, fmt.Sprintf("process %d answers, with %d MB of models and values", s.PID, s.Memory>>20)
	}
	return f
}
