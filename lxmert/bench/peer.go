package bench

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
)

// script is a program of ours for somebody's Python.
type script struct {
	file   string
	source []byte
	// What it imports besides Python's own modules: the module, what it is called, and the package to install. "": nothing.
	module, product, install string
}

// peer is a Python with a script that it can run.
type peer struct{ python, script string }

// findPeer checks that a Python can run a script, which is left in dir, and reads what it prints about itself into about.
func findPeer(ctx context.Context, python, dir string, s script, about any) (peer, error) {
	p := peer{python: python, script: filepath.Join(dir, s.file)}
	if err := os.WriteFile(p.script, s.source, 0o600); err != nil {
		return p, spaceHint(err)
	}
	what := "Python 3"
	if s.module != "" {
		what = "Python that has " + s.product
	}
	if _, err := exec.LookPath(python); err != nil {
		return p, fmt.Errorf("--peer %s: %w; name a %s", python, errors.Unwrap(err), what)
	}
	stderr := &lastLine{}
	cmd := exec.CommandContext(ctx, python, p.script, "--about")
	cmd.Stderr = stderr
	out, err := cmd.Output()
	if ctx.Err() != nil {
		return p, ctx.Err()
	}
	if err == nil {
		err = json.Unmarshal(out, about)
	}
	if err != nil {
		why := stderr.String()
		if s.module != "" && strings.Contains(why, "No module named '"+s.module+"'") {
			return p, fmt.Errorf("--peer %s: this Python has no %s; `%s -m pip install %s` brings it", python, s.product, python, s.install)
		}
		if why == "" {
			why = "it is not a " + what
		}
		return p, fmt.Errorf("--peer %s: %s", python, why)
	}
	return p, nil
}

// program is the script with arguments, as a process.
func (p peer) program(who string, args ...string) program {
	return program{who: who, argv: append([]string{p.python, p.script}, args...), env: os.Environ()}
}
