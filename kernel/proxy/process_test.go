package proxy

import (
	"bytes"
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/seed-516990b0/golxmert/internal/filelock"
)

func TestBelowFindsDescendantsAndTheGroupButNotOtherSessions(t *testing.T) {
	all := []process{
		{1, 0, 1, 1, "init", 0}, {10, 1, 10, 5, "gonb", 0}, {11, 10, 10, 5, "go", 0}, {12, 11, 10, 5, "compile", 0}, {13, 1, 10, 5, "orphan", 0},
		{14, 10, 14, 5, "own group", 0}, {15, 10, 15, 15, "session", 0}, {16, 15, 15, 15, "of session", 0}, {20, 1, 20, 5, "other", 0}, {21, 20, 20, 5, "other's", 0},
	}
	var names []string
	for _, p := range below(10, all) {
		names = append(names, p.name)
	}
	slices.Sort(names)
	if want := []string{"compile", "go", "orphan", "own group"}; !slices.Equal(names, want) {
		t.Errorf("%v, expected %v", names, want)
	}
}

func TestThisProcessIsSeen(t *testing.T) {
	for _, p := range processes() {
		if p.pid == os.Getpid() {
			if p.parent != os.Getppid() || p.name == "" {
				t.Errorf("%+v", p)
			}
			return
		}
	}
	t.Error("it is not in the list")
}

func TestWatchRemovesOnlyKernelsFolders(t *testing.T) {
	dir := t.TempDir()
	if err := Watch(strings.NewReader(""), dir); err == nil {
		t.Error("it took a folder that is not a kernel's")
	}
	own := filepath.Join(dir, "lxk-1")
	if err := os.MkdirAll(filepath.Join(own, "a", "b"), 0o700); err != nil {
		t.Fatal(err)
	}
	if err := os.WriteFile(filepath.Join(own, "a", "b", "file"), nil, 0o400); err != nil {
		t.Fatal(err)
	}
	if err := os.Chmod(filepath.Join(own, "a"), 0o500); err != nil { // as in Go's module cache
		t.Fatal(err)
	}
	if err := Watch(strings.NewReader("group 0\ngroup -1\ngroup x\nnonsense\n"), own); err != nil {
		t.Error(err)
	}
	if _, err := os.Stat(own); !errors.Is(err, os.ErrNotExist) {
		t.Errorf("the folder is still there: %v", err)
	}
}

func TestSweepRemovesFoldersOfDeadKernelsOnly(t *testing.T) {
	base := t.TempDir()
	old := time.Now().Add(-time.Hour)
	newFolder := func(name string, withLock bool) *filelock.Lock {
		dir := filepath.Join(base, name)
		if err := os.Mkdir(dir, 0o700); err != nil {
			t.Fatal(err)
		}
		var lock *filelock.Lock
		if withLock {
			var err error
			if lock, err = filelock.Try(filepath.Join(dir, lockName)); err != nil {
				t.Fatal(err)
			}
		}
		if err := os.Chtimes(dir, old, old); err != nil {
			t.Fatal(err)
		}
		return lock
	}
	newFolder("lxk-dead", true).Close()
	alive := newFolder("lxk-alive", true)
	defer alive.Close()
	newFolder("lxk-strange", false)
	newFolder("other", true).Close()
	newFolder("lxk-new", true).Close()
	if err := os.Chtimes(filepath.Join(base, "lxk-new"), time.Now(), time.Now()); err != nil {
		t.Fatal(err)
	}
	sweep(base)
	var left []string
	entries, err := os.ReadDir(base)
	if err != nil {
		t.Fatal(err)
	}
	for _, e := range entries {
		left = append(left, e.Name())
	}
	if want := []string{"lxk-alive", "lxk-new", "lxk-strange", "other"}; !slices.Equal(left, want) {
		t.Errorf("left are %v, expected %v", left, want)
	}
}

// server is the other end of a language server's connection.
func server(t *testing.T, answer func(m rpcMessage) []rpcMessage) *lsp {
	toServer, out := io.Pipe()
	in, fromServer := io.Pipe()
	go func() {
		other := &lsp{out: fromServer}
		r := newReader(toServer)
		for {
			m, err := readRPC(r)
			if err != nil {
				fromServer.Close()
				return
			}
			for _, a := range answer(m) {
				if err := other.write(a); err != nil {
					return
				}
			}
		}
	}()
	t.Cleanup(func() { out.Close() })
	return newLSP(out, in)
}

func TestLanguageServerIsAskedAndAnswered(t *testing.T) {
	answered := make(chan rpcMessage, 1)
	l := server(t, func(m rpcMessage) []rpcMessage {
		switch m.Method {
		case "double":
			return []rpcMessage{
				{Method: "window/logMessage", Params: json.RawMessage(`{}`)},
				{ID: json.RawMessage(`"q"`), Method: "workspace/configuration", Params: json.RawMessage(`{"items":[{},{}]}`)},
				{ID: m.ID, Result: m.Params},
			}
		case "fail":
			return []rpcMessage{{ID: m.ID, Error: &rpcError{1, "no\nsuch thing"}}}
		case "":
			answered <- m
		}
		return nil
	})
	var got []int
	if err := l.call(t.Context(), "double", []int{1, 2}, &got); err != nil || !slices.Equal(got, []int{1, 2}) {
		t.Errorf("%v, %v", got, err)
	}
	if m := <-answered; string(m.Result) != "[null,null]" || string(m.ID) != `"q"` {
		t.Errorf("the server's question was answered with %s to %s", m.Result, m.ID)
	}
	if err := l.call(t.Context(), "fail", nil, nil); err == nil || err.Error() != "gopls: no such thing" {
		t.Errorf("error %v", err)
	}
	ctx, cancel := context.WithTimeout(t.Context(), 20*time.Millisecond)
	defer cancel()
	if err := l.call(ctx, "silence", nil, nil); !errors.Is(err, context.DeadlineExceeded) {
		t.Errorf("error %v", err)
	}
}

func TestLanguageServerThatEndsAnswersWithAnError(t *testing.T) {
	for name, says := range map[string]string{
		"nothing": "", "no header": "hello\r\n\r\n", "a length without end": "Content-Length: 99999999999\r\n\r\n", "a negative length": "Content-Length: -1\r\n\r\n",
		"no JSON": "Content-Length: 1\r\n\r\nx", "less than it says": "Content-Length: 10\r\n\r\nx",
	} {
		l := newLSP(nopCloser{io.Discard}, strings.NewReader(says))
		if err := l.call(t.Context(), "x", nil, nil); !errors.Is(err, errEnded) {
			t.Errorf("%s: error %v", name, err)
		}
	}
}

type nopCloser struct{ io.Writer }

func (nopCloser) Close() error { return nil }

func FuzzReadRPC(f *testing.F) {
	f.Add([]byte("Content-Length: 2\r\n\r\n{}"))
	f.Add([]byte("Content-Length: 99\r\nX: y\r\n\r\n{"))
	f.Fuzz(func(t *testing.T, text []byte) {
		r := newReader(bytes.NewReader(text))
		for range 10 {
			if _, err := readRPC(r); err != nil {
				return
			}
		}
	})
}

func TestEnvironmentIsChangedAndNothingElse(t *testing.T) {
	got := environment([]string{"A=1", "B=2", "C=3=4"}, map[string]string{"B": "", "D": "5"})
	slices.Sort(got)
	if fmt.Sprint(got) != "[A=1 C=3=4 D=5]" {
		t.Errorf("%q", got)
	}
}
