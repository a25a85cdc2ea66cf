package main

import (
	"bytes"
	"context"
	"os"
	"os/exec"
	"path/filepath"
	"testing"

	"github.com/seed-516990b0/golxmert/internal/testwait"
)

// served starts a shell script as a server and returns when it is ready.
func served(t *testing.T, ctx context.Context, script string) (ended <-chan error, said *bytes.Buffer) {
	t.Helper()
	ready := filepath.Join(t.TempDir(), "ready")
	said = new(bytes.Buffer)
	cmd := exec.Command("sh", "-c", script+"\ntouch "+ready+"\nwait")
	cmd.Stdout = said
	result := make(chan error, 1)
	go func() { result <- serve(ctx, cmd) }()
	testwait.Until(t, "the script has started", func() bool { _, err := os.Stat(ready); return err == nil })
	return result, said
}

func TestCtrlCEndsTheServerWithOneSIGTERM(t *testing.T) {
	ctx, cancel := context.WithCancel(t.Context())
	ended, said := served(t, ctx, `trap 'echo INT' INT; trap 'echo TERM; kill $!; exit 0' TERM; sleep 100000 >/dev/null &`)
	cancel()
	if err := testwait.Receive(t, "the server ends", ended); err != nil {
		t.Error(err)
	}
	if said.String() != "TERM\n" {
		t.Errorf("the server heard %q", said)
	}
}

func TestServerThatEndsByItselfSaysWhy(t *testing.T) {
	if err := serve(t.Context(), exec.Command("sh", "-c", "exit 3")); err == nil || err.Error() != "exit status 3" {
		t.Errorf("error %v", err)
	}
	if err := serve(t.Context(), exec.Command("sh", "-c", "exit 0")); err != nil {
		t.Error(err)
	}
}
