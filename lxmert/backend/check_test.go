package backend

import (
	"context"
	"strings"
	"testing"
)

func TestCheckDoesNotRelyOnWhatIsRemembered(t *testing.T) {
	m, _ := fakeMachine(t)
	path := putPlugin(t, m.installDir("cpu"), "xla_cpu_pjrt.so")
	if why := m.try(t.Context(), candidate{path: path}); why != "" {
		t.Fatal(why)
	}
	if err := m.check(t.Context(), path); err != nil {
		t.Error(err)
	}
	m.probe = func(context.Context, string) probeResult { return probeResult{Err: "a library that it needs is gone"} }
	if why := m.try(t.Context(), candidate{path: path}); why != "" {
		t.Fatalf("nothing is remembered: %s", why)
	}
	if err := m.check(t.Context(), path); err == nil || !strings.Contains(err.Error(), "is gone") {
		t.Errorf("error %v", err)
	}
	if why := m.try(t.Context(), candidate{path: path}); why == "" {
		t.Error("what has failed still counts as good")
	}
}
