package process

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

// Script is a program of ours for somebody's Python. With the argument --about it prints one JSON object about itself.
type Script struct {
	File   string
	Source []byte
	// What it imports besides Python's own modules: the module, what it is called, and the package to install. "": nothing.
	Module, Product, Install string
}

// Python is a Python with a script that it can run.
type Python struct{ Command, Script string }

// FindPython checks that a Python can run a script, which is left in dir, and reads what it prints about itself into about.
// flag is the command line's flag that names the Python, for errors.
func FindPython(ctx context.Context, flag, python, dir string, s Script, about any) (Python, error) {
	p := Python{Command: python, Script: filepath.Join(dir, s.File)}
	if err := os.WriteFile(p.Script, s.Source, 0o600); err != nil {
		return p, err
	}
	what := "Python 3"
	if s.Module != "" {
		what = "Python that has " + s.Product
	}
	if _, err := exec.LookPath(python); err != nil {
		return p, fmt.Errorf("%s %s: %w; name a %s", flag, python, errors.Unwrap(err), what)
	}
	stderr := &lastLine{}
	cmd := exec.CommandContext(ctx, python, p.Script, "--about")
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
		if s.Module != "" && strings.Contains(why, "No module named '"+s.Module+"'") {
			return p, fmt.Errorf("%s %s: this Python has no %s; `%s -m pip install %s` brings it", flag, python, s.Product, python, s.Install)
		}
		if why == "" {
			why = "it is not a " + what
		}
		return p, fmt.Errorf("%s %s: %s", flag, python, why)
	}
	return p, nil
}

// Program is the script with arguments, as a process.
func (p Python) Program(who string, args ...string) Program {
	return Program{Who: who, Argv: append([]string{p.Command, p.Script}, args...), Env: os.Environ()}
}
