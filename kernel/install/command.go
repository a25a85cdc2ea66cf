package install

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"syscall"
	"time"

	"github.com/seed-516990b0/golxmert/internal/diskspace"
	"github.com/seed-516990b0/golxmert/internal/excerpt"
)

// trouble are signs, in what pip or Go say, of things that have nothing to do with what was to be installed, and what
// to do about them.
var trouble = []struct{ sign, explain string }{
	{"No space left on device", "the disk is full; " + MakeRoom},
	{"no space left on device", "the disk is full; " + MakeRoom},
	{"Disk quota exceeded", "the disk is full (your quota is used up); " + MakeRoom},
	{"Temporary failure in name resolution", noNetwork},
	{"(from versions: none)", noNetwork}, // all that pip says if it may not try twice
	{"Name or service not known", noNetwork},
	{"nodename nor servname", noNetwork},
	{"no such host", noNetwork},
	{"Network is unreachable", noNetwork},
	{"network is unreachable", noNetwork},
	{"No route to host", noNetwork},
	{"Connection refused", noNetwork},
	{"connection refused", noNetwork},
	{"Failed to establish a new connection", noNetwork},
	{"ConnectTimeoutError", noNetwork},
	{"Read timed out", noNetwork},
	{"i/o timeout", noNetwork},
	{"ProxyError", "the proxy does not answer; check HTTPS_PROXY and run it again"},
	{"CERTIFICATE_VERIFY_FAILED", "the certificate of the index is not trusted; PIP_CERT names the file of a company's own"},
	{"module lookup disabled by GOPROXY=off", "GOPROXY=off forbids Go to download; unset it for the installation"},
	{"ensurepip is not available", "Python has no venv module; on Debian and Ubuntu `apt-get install python3-venv` brings it"},
	{"No module named venv", "Python has no venv module; on Debian and Ubuntu `apt-get install python3-venv` brings it"},
	{"No module named ensurepip", "Python has no ensurepip module; on Debian and Ubuntu `apt-get install python3-venv` brings it"},
	{"No module named pip", "Python has no pip; on Debian and Ubuntu `apt-get install python3-pip python3-venv` brings it"},
}

// DiskFull says whether an error, or what a program said that is in it, comes from a full disk.
func DiskFull(err error) bool {
	if err == nil {
		return false
	}
	text := strings.ToLower(err.Error())
	return errors.Is(err, syscall.ENOSPC) || errors.Is(err, syscall.EDQUOT) || strings.Contains(text, "no space left on device") ||
		strings.Contains(text, "disk quota exceeded") || strings.Contains(text, "the disk is full")
}

// NoNetwork says whether an error, or what a program said that is in it, comes from a network that is not there.
func NoNetwork(err error) bool {
	return err != nil && explain(err.Error(), err) == noNetwork
}

// RoomFor says whether the file system of a folder, which need not exist yet, has this many bytes left. The error says what
// to do.
func RoomFor(dir string, bytes int64) error {
	if err := diskspace.Meter(diskspace.Free).Check(dir, bytes); err != nil {
		return fmt.Errorf("%w; %s", err, MakeRoom)
	}
	return nil
}

// MakeRoom is what to do about a full disk.
const MakeRoom = "free some space (`go clean -cache` and `pip cache purge` give some back) and run it again: what is done is not done again"

const noNetwork = "there is no network, or it does not reach the index; run it again when there is (pip's and Go's settings for mirrors and proxies are used)"

// command runs a program and returns what it printed. An error is one line.
func command(ctx context.Context, dir string, env []string, argv ...string) (string, error) {
	cmd := exec.CommandContext(ctx, argv[0], argv[1:]...)
	cmd.Dir = dir
	cmd.Env = append(os.Environ(), env...)
	cmd.WaitDelay = 2 * time.Second
	// Its children go with it.
	cmd.SysProcAttr = &syscall.SysProcAttr{Setpgid: true}
	cmd.Cancel = func() error { return syscall.Kill(-cmd.Process.Pid, syscall.SIGKILL) }
	var out bytes.Buffer
	cmd.Stdout, cmd.Stderr = &out, &out
	err := cmd.Run()
	if ctx.Err() != nil {
		return "", ctx.Err()
	}
	if err != nil {
		return out.String(), fmt.Errorf("`%s` failed: %s", show(argv), explain(out.String(), err))
	}
	return out.String(), nil
}

// show is a command line for people.
func show(argv []string) string {
	words := append([]string{filepath.Base(argv[0])}, argv[1:]...)
	if len(words) > 4 {
		words = append(words[:4], "...")
	}
	for i, w := range words {
		if w = excerpt.Line(w, longestLine); len(w) > 60 {
			w = "..."
		}
		words[i] = w
	}
	return strings.Join(words, " ")
}

// explain picks from a program's output what went wrong, and says what to do if that is known.
func explain(out string, err error) string {
	for _, t := range trouble {
		if strings.Contains(out, t.sign) {
			return t.explain
		}
	}
	if errors.Is(err, exec.ErrNotFound) || errors.Is(err, os.ErrNotExist) {
		return err.Error()
	}
	last := ""
	for line := range strings.Lines(out) {
		line = strings.TrimSpace(line)
		if line != "" && (!strings.HasPrefix(last, "ERROR:") || strings.HasPrefix(line, "ERROR:")) {
			last = line
		}
	}
	if last == "" {
		last = err.Error()
	}
	return excerpt.Line(last, longestLine)
}

// longestLine bounds what is told of a program's output, in characters.
const longestLine = 300
