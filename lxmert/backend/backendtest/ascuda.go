package backendtest

import (
	_ "embed"
	"fmt"
	"os"
	"os/exec"
	"path/filepath"
	"strconv"
	"strings"
	"testing"

	"github.com/seed-516990b0/golxmert/lxmert/backend"
)

// fakeCUDA is the source of [AsCUDA]'s plugin.
//
//go:embed testdata/fakecuda.c
var fakeCUDA string

// NeedsNoTriton is the name of programs that [AsCUDA]'s plugin refuses to compile with Triton, as CUDA's does some.
const NeedsNoTriton = "needs_no_triton"

// AsCUDA opens XLA's CPU plugin as if it were a CUDA plugin. Programs are built on it as they are for a GPU, whose text a test can
// then read, and the CPU computes them. It takes a C compiler, as XLA in Go does.
func AsCUDA(t testing.TB) *backend.Backend {
	b, _ := WatchedAsCUDA(t)
	return b
}

// WatchedAsCUDA is [AsCUDA], and returns what was asked of the plugin since the last time.
func WatchedAsCUDA(t testing.TB) (*backend.Backend, func() Calls) {
	t.Helper()
	cpu := Open(t, "cpu").Plugin
	t.Setenv("GOPJRT_CUDA_CHECKS", "no") // go-xla's own, for NVIDIA's libraries
	header, err := exec.Command("go", "list", "-m", "-f", "{{.Dir}}", "github.com/gomlx/go-xla").Output()
	if err != nil {
		t.Fatalf("where go-xla's header is: %v", err)
	}
	dir := t.TempDir()
	path, log := filepath.Join(dir, "xla_cuda_plugin.so"), filepath.Join(dir, "calls")
	cc := exec.Command("cc", "-shared", "-fPIC", "-x", "c", "-DCPU_PLUGIN="+strconv.Quote(cpu), "-DCALLS="+strconv.Quote(log),
		"-DNEEDS_NO_TRITON="+strconv.Quote(NeedsNoTriton), "-I", filepath.Join(strings.TrimSpace(string(header)), "pjrt"), "-o", path, "-", "-ldl", "-lpthread")
	cc.Stdin = strings.NewReader(fakeCUDA)
	if out, err := cc.CombinedOutput(); err != nil {
		t.Fatalf("%v: %v\n%s", cc, err, out)
	}
	b, err := backend.Open(t.Context(), "xla:"+path, nil)
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(b.Finalize)
	read := 0
	return b, func() Calls {
		t.Helper()
		text, err := os.ReadFile(log)
		if err != nil {
			t.Fatal(err)
		}
		calls, err := parseCalls(string(text[read:]))
		if err != nil {
			t.Fatal(err)
		}
		read = len(text)
		return calls
	}
}

// Calls are what was asked of a plugin, in order.
type Calls []Call

// Call is one of the calls that carry a program's data and work.
type Call struct {
	What  What
	Bytes int // of uploads and reads, on one device
}

// What a call does. Waits are for the end of an upload or an execution; a read always waits for what it reads.
type What string

const (
	Upload        What = "upload"
	Execute       What = "execute"
	Read          What = "read"
	WaitOnUpload  What = "wait-upload"
	WaitOnExecute What = "wait-execute"
)

// Count is how many calls do what, and how many bytes they carry.
func (c Calls) Count(what What) (n, bytes int) {
	for _, call := range c {
		if call.What == what {
			n++
			bytes += call.Bytes
		}
	}
	return n, bytes
}

func parseCalls(text string) (calls Calls, err error) {
	for line := range strings.Lines(text) {
		var c Call
		if _, err := fmt.Sscan(line, &c.What, &c.Bytes); err != nil {
			return nil, fmt.Errorf("a call %q: %w", line, err)
		}
		calls = append(calls, c)
	}
	return calls, nil
}
