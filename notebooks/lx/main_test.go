package lx

import (
	"context"
	"errors"
	"fmt"
	"os"
	"os/signal"
	"path/filepath"
	"strings"
	"sync"
	"syscall"
	"testing"

	"github.com/seed-516990b0/golxmert/internal/testwait"
	"github.com/seed-516990b0/golxmert/kernel/client"
	"github.com/seed-516990b0/golxmert/kernel/session"
	"github.com/seed-516990b0/golxmert/lxmert/backend"
	"github.com/seed-516990b0/golxmert/lxmert/toy"
)

// TestMain lets the test's own program be the session, and cells in processes of their own. Tests share a session in which
// "toy" is a tiny world, with the model that [tinyWorld] trains.
func TestMain(m *testing.M) {
	backend.MaybeProbe()
	switch {
	case len(os.Args) > 2 && os.Args[1] == "session":
		if err := serve(); err != nil && !errors.Is(err, session.ErrRunning) {
			fmt.Fprintln(os.Stderr, err)
			os.Exit(1)
		}
		os.Exit(0)
	case len(os.Args) > 2 && os.Args[1] == "cell":
		cells[os.Args[2]](os.Args[3:])
		os.Exit(0)
	}
	os.Exit(runTests(m))
}

func serve() error {
	s, err := session.New(session.Options{Backend: "go"})
	if err != nil {
		return err
	}
	ctx, stop := signal.NotifyContext(context.Background(), syscall.SIGTERM)
	defer stop()
	return s.Serve(ctx)
}

// errExit is what ends a cell of a test.
var errExit = errors.New("the cell has ended as failed")

func runTests(m *testing.M) int {
	dir, err := os.MkdirTemp("", "lx") // a socket's name must be short
	if err != nil {
		panic(err)
	}
	defer os.RemoveAll(dir)
	for name, value := range map[string]string{
		client.DirEnv: filepath.Join(dir, "s"), client.ProgramEnv: os.Args[0], client.NotebookEnv: "tests", toy.FolderEnv: filepath.Join(dir, "toy"),
	} {
		os.Setenv(name, value)
	}
	exit = func(int) { panic(errExit) }
	defer func() {
		ctx, cancel := context.WithTimeout(context.Background(), testwait.Limit)
		defer cancel()
		if c, err := client.Dial(ctx, client.Options{NoStart: true}); err == nil {
			if err := c.Shutdown(ctx); err != nil {
				fmt.Fprintln(os.Stderr, err)
			}
		}
	}()
	return m.Run()
}

// makeWorld makes the tiny world and trains its model for some steps, enough for answers to differ.
var makeWorld = sync.OnceValue(func() error {
	dir := os.Getenv(toy.FolderEnv)
	if _, err := toy.Make(context.Background(), dir, toy.Options{Scale: 0.003}); err != nil {
		return err
	}
	run, err := cell().StartRun(context.Background(), "vqa", append(scratch("--output", filepath.Join(dir, "snap", "vqa", "toy")),
		"--train", "train", "--valid", "minival", "--epochs", "2"))
	if err != nil {
		return err
	}
	return cell().Follow(context.Background(), run.ID, func(e client.Event) error {
		if e.State == client.Failed {
			return errors.New(e.Run.Error)
		}
		return nil
	})
})

// scratch are flags of training a tiny model from nothing.
func scratch(more ...string) []string {
	return append(strings.Fields("--fromScratch --data toy --config toy --vocab toy --batchSize 8 --lr 1e-3 --logSteps 1"), more...)
}

// tinyWorld is the tiny world's model.
func tinyWorld(t *testing.T) *Model {
	t.Helper()
	if err := makeWorld(); err != nil {
		t.Fatal(err)
	}
	return Open("toy")
}

// train starts a run into a folder of the test's own.
func train(t *testing.T, task string, flags ...string) Run {
	t.Helper()
	tinyWorld(t)
	r := FineTune(task, append(scratch("--output", filepath.Join(t.TempDir(), "run")), flags...)...)
	t.Cleanup(func() {
		if _, err := cell().Client.Stop(context.Background(), r.ID); err != nil {
			t.Error(err)
		}
	})
	return r
}

// failing is what a cell that fails prints to standard error.
func failing(t *testing.T, cell func()) (said string) {
	t.Helper()
	return stderr(t, func() {
		defer func() {
			if r := recover(); r != errExit {
				t.Errorf("the cell ends with %v, not as failed", r)
			}
		}()
		cell()
	})
}

// steps are those of training that a run has done; 0 while it does something else.
func steps(t *testing.T, r Run) int {
	t.Helper()
	now, err := cell().Run(t.Context(), r.ID)
	if err != nil {
		t.Fatal(err)
	}
	if p := now.Progress; p != nil && p.Phase == "training" {
		return p.Epoch*p.Total + p.Done
	}
	return 0
}
