package client

import (
	"encoding/json"
	"errors"
	"net"
	"net/http"
	"os"
	"path/filepath"
	"strings"
	"sync/atomic"
	"testing"

	"github.com/seed-516990b0/golxmert/internal/testwait"
	"github.com/seed-516990b0/golxmert/kernel/internal/wire"
)

// startedBeside dials a session whose program is a script of the test, run in the session's folder. Once the script has made
// the file "started", somebody else answers at the socket.
func startedBeside(t *testing.T, script string, answer func(l net.Listener) http.HandlerFunc) error {
	t.Helper()
	dir, err := os.MkdirTemp("", "lxs") // the test's own folder would be too long a name for a socket
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { os.RemoveAll(dir) })
	place, err := wire.Find(dir)
	if err != nil {
		t.Fatal(err)
	}
	program := filepath.Join(dir, "program")
	if err := os.WriteFile(program, []byte("#!/bin/sh\n"+script), 0o700); err != nil {
		t.Fatal(err)
	}
	dialled := make(chan error, 1)
	go func() {
		_, err := Dial(t.Context(), Options{Dir: dir, Program: program, Wait: testwait.Patience(t)})
		dialled <- err
	}()
	if answer != nil {
		testwait.Until(t, "the program is started", func() bool { _, err := os.Stat(filepath.Join(dir, "started")); return err == nil })
		l, err := net.Listen("unix", place.Socket)
		if err != nil {
			t.Fatal(err)
		}
		server := &http.Server{Handler: answer(l)}
		go server.Serve(l)
		defer server.Close()
	}
	return testwait.Receive(t, "the session is reached, or not", dialled)
}

// until is a script that waits for a file.
func until(file string) string {
	return "touch started\nuntil test -e " + file + "; do sleep 0.01; done"
}

func TestAnotherSessionThatWasQuickerIsWaitedFor(t *testing.T) {
	err := startedBeside(t, until("socket"), func(net.Listener) http.HandlerFunc {
		var asked atomic.Int32
		return func(w http.ResponseWriter, _ *http.Request) {
			if asked.Add(1) < 6 { // it does not answer yet
				panic(http.ErrAbortHandler)
			}
			json.NewEncoder(w).Encode(Hello{Protocol: wire.Protocol, PID: 1})
		}
	})
	if err != nil {
		t.Error(err)
	}
}

func TestASessionThatDoesNotUnderstandThisProgramIsNotStartedForEver(t *testing.T) {
	err := startedBeside(t, until("ended"), func(l net.Listener) http.HandlerFunc {
		return func(w http.ResponseWriter, _ *http.Request) {
			w.WriteHeader(wire.Ending.Status())
			json.NewEncoder(w).Encode(wire.Fault{Kind: wire.Ending, Message: "session: it is of another build"})
			l.Close()
			os.WriteFile(filepath.Join(filepath.Dir(l.Addr().String()), "ended"), nil, 0o600)
		}
	})
	if !errors.Is(err, ErrVersion) || !strings.Contains(err.Error(), "go run ./kernel install") || strings.Contains(err.Error(), "\n") {
		t.Errorf("error %v", err)
	}
}

func TestASessionThatIsNeverThereIsNotStartedForEver(t *testing.T) {
	err := startedBeside(t, "echo x >> starts", nil)
	if !errors.Is(err, ErrDied) || !strings.Contains(err.Error(), "it was started and has gone again") {
		t.Errorf("error %v", err)
	}
}
