package proxy

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"io"
	"io/fs"
	"net/url"
	"os"
	"os/exec"
	"path/filepath"
	"sync"
	"syscall"
	"time"
)

// gopls is the language server of this kernel. It sees a module of its own, with the cell that is asked about in one file
// and what other cells have declared in another, and so never waits for GoNB.
type gopls struct {
	k   *kernel
	dir string

	mu      sync.Mutex // held for one question
	server  *lsp
	pid     int
	ended   <-chan error
	failed  time.Time // when it could not be started
	version int
	open    map[string]string // contents of files, by name, as the server knows them
}

const (
	// usualGoplsTime is how long a question may take. The first one waits until gopls has read the module.
	usualGoplsTime = 20 * time.Second
	// goplsPause is how long one waits to start it again after it failed.
	goplsPause = 30 * time.Second
)

func newGopls(k *kernel) *gopls { return &gopls{k: k, dir: k.private.path("lsp")} }

var errNoGopls = errors.New("there is no gopls; `kernel install` brings it")

// ask puts a question about a cell: the server is shown the cell with what surrounds it.
func (g *gopls) ask(ctx context.Context, c cell, question func(ctx context.Context, server *lsp, file string) error) error {
	g.mu.Lock()
	defer g.mu.Unlock()
	ctx, cancel := context.WithTimeout(ctx, g.k.goplsTime)
	defer cancel()
	if err := g.start(ctx); err != nil {
		return err
	}
	// One that does not even read what it is sent is of no use.
	kill := time.AfterFunc(g.k.goplsTime+5*time.Second, func() { signalGroup(g.pid, syscall.SIGKILL) })
	defer kill.Stop()
	imports, other := g.k.declared.around(c)
	for name, text := range map[string]string{"other.go": other, "main.go": c.order.file(imports)} {
		if err := g.show(name, text); err != nil {
			return err
		}
	}
	return question(ctx, g.server, g.uri("main.go"))
}

// start makes sure that the server runs and knows the module of cells as it is.
func (g *gopls) start(ctx context.Context) error {
	if g.k.Gopls == "" {
		return errNoGopls
	}
	changed, err := g.copyModule()
	if err != nil {
		return err
	}
	if g.server != nil {
		select {
		case <-g.ended:
			g.server = nil
		default:
			if changed {
				return g.server.notify("workspace/didChangeWatchedFiles", map[string]any{
					"changes": []any{map[string]any{"uri": g.uri("go.mod"), "type": 2}},
				})
			}
			return nil
		}
	}
	if time.Since(g.failed) < goplsPause {
		return errEnded
	}
	if err := g.launch(ctx); err != nil {
		g.failed = time.Now()
		g.k.Log.Printf("completion: %v", err)
		return err
	}
	return nil
}

// launch starts the server and greets it.
func (g *gopls) launch(ctx context.Context) error {
	cmd := exec.Command(g.k.Gopls, "-mode=stdio")
	cmd.Dir = g.dir
	cmd.WaitDelay = time.Second
	cmd.Env = environment(os.Environ(), map[string]string{"TMPDIR": g.k.private.dir, "GOWORK": "off"})
	in, out, err := pipes(cmd)
	if err != nil {
		return err
	}
	ended, err := startGroup(cmd)
	if err != nil {
		return fmt.Errorf("gopls does not start: %w", err)
	}
	g.pid, g.ended, g.server, g.open = cmd.Process.Pid, ended, newLSP(in, out), map[string]string{}
	if err := g.k.watchdog.watch(g.pid); err != nil {
		return err
	}
	root := g.uri("")
	err = g.server.call(ctx, "initialize", map[string]any{
		"processId": os.Getpid(), "rootUri": root,
		"workspaceFolders": []any{map[string]string{"uri": root, "name": "cells"}},
		"capabilities": map[string]any{
			"textDocument": map[string]any{
				"completion": map[string]any{"completionItem": map[string]any{"snippetSupport": false}},
				"hover":      map[string]any{"contentFormat": []string{"markdown"}},
			},
			"workspace": map[string]any{"configuration": false},
		},
		// Only answers are wanted, no remarks on what is being typed.
		"initializationOptions": map[string]any{
			"diagnosticsTrigger": "Save", "hoverKind": "FullDocumentation", "linksInHover": false,
			"completionBudget": "800ms", "matcher": "CaseInsensitive", // Jupyter wants what begins like the word
		},
	}, nil)
	if err != nil {
		return err
	}
	return g.server.notify("initialized", struct{}{})
}

func pipes(cmd *exec.Cmd) (in io.WriteCloser, out io.Reader, err error) {
	if in, err = cmd.StdinPipe(); err != nil {
		return nil, nil, err
	}
	out, err = cmd.StdoutPipe()
	return in, out, err
}

// copyModule brings the module of cells, as it is after what cells have added to it.
func (g *gopls) copyModule() (changed bool, err error) {
	if err := os.MkdirAll(g.dir, 0o700); err != nil {
		return false, err
	}
	from := g.k.Prelude
	select {
	case <-g.k.ready:
		if g.k.gonbErr == nil {
			from = g.k.gonb.work
		}
	default:
	}
	for _, name := range moduleFiles {
		text, err := os.ReadFile(filepath.Join(from, name))
		if errors.Is(err, fs.ErrNotExist) {
			continue // an empty module has no go.sum
		}
		if err != nil {
			return false, err
		}
		to := filepath.Join(g.dir, name)
		if have, err := os.ReadFile(to); err == nil && bytes.Equal(have, text) {
			continue
		}
		if err := os.WriteFile(to, text, 0o600); err != nil {
			return false, err
		}
		changed = true
	}
	return changed, nil
}

// show tells the server what is in a file; the file itself is there for what it reads from the disk.
func (g *gopls) show(name, text string) error {
	have, opened := g.open[name]
	if opened && have == text {
		return nil
	}
	g.version++
	g.open[name] = text
	if !opened {
		if err := os.WriteFile(filepath.Join(g.dir, name), []byte(text), 0o600); err != nil {
			return err
		}
		return g.server.notify("textDocument/didOpen", map[string]any{
			"textDocument": map[string]any{"uri": g.uri(name), "languageId": "go", "version": g.version, "text": text},
		})
	}
	return g.server.notify("textDocument/didChange", map[string]any{
		"textDocument":   map[string]any{"uri": g.uri(name), "version": g.version},
		"contentChanges": []any{map[string]string{"text": text}},
	})
}

func (g *gopls) uri(name string) string {
	u := url.URL{Scheme: "file", Path: filepath.Join(g.dir, name)}
	return u.String()
}

// close ends the server.
func (g *gopls) close() {
	g.mu.Lock()
	defer g.mu.Unlock()
	if g.server != nil {
		endGroup(g.pid, 200*time.Millisecond)
		g.server = nil
	}
}
