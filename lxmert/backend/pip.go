package backend

import (
	"context"
	"errors"
	"fmt"
	"io"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"time"

	"github.com/seed-516990b0/golxmert/internal/filesearch"
)

// pip is a way to run Python's package installer. It brings the user's own configuration: which index, which proxy.
type pip struct{ argv []string }

func (p pip) String() string {
	words := append([]string{filepath.Base(p.argv[0])}, p.argv[1:]...)
	return strings.Join(words, " ")
}

// errNoPip says that none of the usual ways to run pip works.
var errNoPip = errors.New("no Python 3 with pip found (tried python3 -m pip, python -m pip, pip3, pip)")

// findPip tries the usual ways to run pip.
func (m *machine) findPip(ctx context.Context) (pip, error) {
	for _, words := range [][]string{{"python3", "-m", "pip"}, {"python", "-m", "pip"}, {"pip3"}, {"pip"}} {
		exe := m.lookPath(words[0])
		if exe == "" {
			continue
		}
		p := pip{argv: append([]string{exe}, words[1:]...)}
		out, err := p.run(ctx, 30*time.Second, nil, "--version")
		if err == nil && strings.Contains(out, "pip ") && !strings.Contains(out, "(python 2") {
			return p, nil
		}
		if ctx.Err() != nil {
			return pip{}, ctx.Err()
		}
	}
	return pip{}, errNoPip
}

// run runs pip and returns what it printed; its lines also go to log where that is not nil.
func (p pip) run(ctx context.Context, limit time.Duration, log io.Writer, args ...string) (string, error) {
	ctx, cancel := context.WithTimeout(ctx, limit)
	defer cancel()
	cmd := exec.CommandContext(ctx, p.argv[0], append(p.argv[1:len(p.argv):len(p.argv)], args...)...)
	cmd.Env = append(os.Environ(), "PIP_DISABLE_PIP_VERSION_CHECK=1", "PIP_NO_INPUT=1", "PYTHONUNBUFFERED=1")
	cmd.WaitDelay = 2 * time.Second
	cmd.Cancel = func() error { return cmd.Process.Signal(os.Interrupt) }
	kept := &tail{limit: 1 << 16}
	cmd.Stdout = kept
	if log != nil {
		cmd.Stdout = io.MultiWriter(kept, log)
	}
	cmd.Stderr = cmd.Stdout
	err := cmd.Run()
	if ctx.Err() != nil {
		err = ctx.Err()
	}
	return kept.String(), err
}

// download brings one wheel into a folder and returns its path.
func (p pip) download(ctx context.Context, w wheel, dir string) (string, error) {
	args := []string{"download", "--no-deps", "--only-binary=:all:", "--platform", w.platform, "--progress-bar", "off", "--retries", "2", "--dest", dir}
	if w.python != "" {
		args = append(args, "--implementation", "cp", "--python-version", w.python)
	}
	out, err := p.run(ctx, 30*time.Minute, nil, append(args, w.exactly())...)
	if err != nil {
		return "", fmt.Errorf("`%s download %s` failed: %s", p, w.requirement(), pipTrouble(out, err))
	}
	files, _ := filepath.Glob(filepath.Join(filesearch.EscapeGlob(dir), "*.whl"))
	if len(files) != 1 {
		return "", fmt.Errorf("`%s download %s` left %d wheels, not one", p, w.requirement(), len(files))
	}
	return files[0], nil
}

// pipTrouble picks the line of pip's output that says what went wrong.
func pipTrouble(out string, err error) string {
	for _, sign := range []string{
		"Temporary failure in name resolution", "Name or service not known", "nodename nor servname", "Network is unreachable",
		"Connection refused", "Failed to establish a new connection", "No route to host", "ConnectTimeoutError", "Read timed out",
		"ProxyError", "CERTIFICATE_VERIFY_FAILED", "403", "No space left on device",
	} {
		if strings.Contains(out, sign) {
			if sign == "403" {
				sign = "the index refuses (403)"
			}
			return sign
		}
	}
	last := ""
	for line := range strings.Lines(out) {
		if line = strings.TrimSpace(line); strings.HasPrefix(line, "ERROR:") || last == "" && line != "" {
			last = line
		}
	}
	if last == "" {
		return err.Error()
	}
	return oneLine(last)
}
