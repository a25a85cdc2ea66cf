package proxy

import (
	"context"
	"errors"
	"fmt"
	"os"
	"path/filepath"
	"strings"
	"testing"

	"github.com/seed-516990b0/golxmert/internal/testwait"
)

func startFrontend(t *testing.T) *Frontend {
	t.Helper()
	own, err := os.Executable()
	if err != nil {
		t.Fatal(err)
	}
	f, err := StartFrontend(t.Context(), []string{own, "run", "{connection_file}"}, append(os.Environ(), "TEST_GONB="+own), t.TempDir())
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(f.Close)
	return f
}

func TestFrontendRunsCells(t *testing.T) {
	f := startFrontend(t)
	for i, step := range []struct{ code, outputs, err string }{
		{"//print good", "execute_input stream{\"name\":\"stdout\",\"text\":\"good\"}", ""},
		{"//fail", "execute_input error", "compile error: failed"},
		{"//print again", "execute_input stream{\"name\":\"stdout\",\"text\":\"again\"}", ""},
	} {
		var seen []string
		count, err := f.Execute(t.Context(), step.code, func(o Output) {
			if o.Type == "stream" {
				o.Type += string(o.Content)
			}
			seen = append(seen, o.Type)
		})
		if got := strings.Join(seen, " "); got != step.outputs || count != i+1 {
			t.Errorf("%q puts out %s as cell %d", step.code, got, count)
		}
		var failed *CellError
		if text := fmt.Sprint(err); step.err != "" && (text != step.err || !errors.As(err, &failed)) || step.err == "" && err != nil {
			t.Errorf("%q: %v", step.code, err)
		}
	}
	if _, err := f.Execute(t.Context(), "//die", func(Output) {}); err == nil || !strings.Contains(err.Error(), "the fake dies") {
		t.Errorf("when the executor dies: %v", err)
	}
	if _, err := f.Execute(t.Context(), "//print more", func(Output) {}); err == nil {
		t.Error("a kernel that has ended runs a cell")
	}
}

func TestFrontendInterruptsACell(t *testing.T) {
	f := startFrontend(t)
	ctx, cancel := context.WithCancel(t.Context())
	defer cancel()
	ready := filepath.Join(t.TempDir(), "ready")
	ended := make(chan error)
	go func() {
		_, err := f.Execute(ctx, "//shell touch "+ready+"; sleep 3600", func(Output) {})
		ended <- err
	}()
	testwait.Until(t, "the cell begins", func() bool { _, err := os.Stat(ready); return err == nil })
	cancel()
	var failed *CellError
	if err := testwait.Receive(t, "the cell ends", ended); !errors.As(err, &failed) || failed.Name != "interrupted" {
		t.Errorf("%v", err)
	}
	if _, err := f.Execute(t.Context(), "//print good", func(Output) {}); err != nil {
		t.Errorf("the next cell: %v", err)
	}
}

func TestFrontendSaysWhyAKernelDoesNotStart(t *testing.T) {
	for _, step := range []struct {
		argv []string
		want string
	}{
		{[]string{"/nowhere/kernel"}, "/nowhere/kernel: no such file or directory; `kernel doctor` says more"},
		{[]string{"sh", "-c", "echo it is broken >&2; exit 3"}, "the kernel has ended: it is broken"},
	} {
		if _, err := StartFrontend(t.Context(), step.argv, os.Environ(), ""); err == nil || !strings.Contains(err.Error(), step.want) {
			t.Errorf("%v: %v", step.argv, err)
		}
	}
}
