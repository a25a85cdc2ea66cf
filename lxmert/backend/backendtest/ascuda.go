package backendtest

import (
	_ "embed"
	"fmt"
	"os"
	"os/exec"
	"path/filepath"
	"strconv"
	"strings"
	"sync"
	"testing"

	"github.com/seed-516990b0/golxmert/lxmert/backend"
)

// fakeCUDA is the source of [AsCUDA]'s plugin.
//
//go:embed testdata/fakecuda.c
var fakeCUDA string

// NeedsNoTriton is the name of programs that [AsCUDA]'s plugin refuses to compile with Triton, as CUDA's does some.
const NeedsNoTriton = "needs_no_triton"

// Memory is the environment variable that says how much memory [AsCUDA]'s device has, in bytes. It then counts what is in use, and
// uploads and executions for which it is too little fail. It may change at any time.
const Memory = "LXMERT_TEST_DEVICE_MEMORY"

// AsCUDA opens XLA's CPU plugin as if it were a CUDA plugin. Programs are built on it as they are for a GPU, whose text a test can
// then read, and the CPU computes them. It takes a C compiler, as XLA in Go does.
func AsCUDA(t testing.TB) *backend.Backend {
	b, _ := WatchedAsCUDA(t)
	return b
}

// WatchedAsCUDA is [AsCUDA], and returns what was asked of the plugin since the last time.
func WatchedAsCUDA(t testing.TB) (*backend.Backend, func() Calls) {
	b, since, _ := SeveralAsCUDA(t, 1)
	return b, since
}

// SeveralAsCUDA is [WatchedAsCUDA] with several devices. After meet each upload, and each execution on one device, waits until all
// devices were asked for one. Those that no others came to in a minute are [Alone] among the calls.
func SeveralAsCUDA(t testing.TB, devices int) (b *backend.Backend, since func() Calls, meet func()) {
	t.Helper()
	t.Setenv("GOPJRT_CUDA_CHECKS", "no") // go-xla's own, for NVIDIA's libraries
	f, err := fakes.build(Open(t, "cpu").Plugin, devices)
	if err != nil {
		t.Fatal(err)
	}
	b, err = backend.Open(t.Context(), "xla:"+f.path, nil)
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(b.Finalize)
	info, err := os.Stat(f.calls)
	if err != nil {
		t.Fatal(err)
	}
	read := info.Size()
	since = func() Calls {
		t.Helper()
		text, err := os.ReadFile(f.calls)
		if err != nil {
			t.Fatal(err)
		}
		calls, err := parseCalls(string(text[read:]))
		if err != nil {
			t.Fatal(err)
		}
		read = int64(len(text))
		return calls
	}
	meet = func() {
		t.Helper()
		if err := os.WriteFile(f.meet, nil, 0o600); err != nil {
			t.Fatal(err)
		}
		t.Cleanup(func() { os.Remove(f.meet) })
	}
	return b, since, meet
}

// fakes are the plugins of this process, in a folder of their own that [Main] removes: a plugin stays loaded, and few can be.
var fakes fakePlugins

type fakePlugins struct {
	mu  sync.Mutex
	dir string
	of  map[int]*fakePlugin // by devices
}

// fakePlugin is where a plugin is, where it writes what is asked of it, and the file that makes its devices meet.
type fakePlugin struct{ path, calls, meet string }

// build compiles the plugin with so many devices over a CPU's, unless it is there.
func (f *fakePlugins) build(cpu string, devices int) (*fakePlugin, error) {
	f.mu.Lock()
	defer f.mu.Unlock()
	if p := f.of[devices]; p != nil {
		return p, nil
	}
	header, err := exec.Command("go", "list", "-m", "-f", "{{.Dir}}", "github.com/gomlx/go-xla").Output()
	if err != nil {
		return nil, fmt.Errorf("where go-xla's header is: %w", err)
	}
	if f.dir == "" {
		if f.dir, err = os.MkdirTemp("", "lxmert-ascuda-"); err != nil {
			return nil, err
		}
		f.of = map[int]*fakePlugin{}
	}
	dir := filepath.Join(f.dir, strconv.Itoa(devices))
	if err := os.Mkdir(dir, 0o700); err != nil {
		return nil, err
	}
	p := &fakePlugin{filepath.Join(dir, "xla_cuda_plugin.so"), filepath.Join(dir, "calls"), filepath.Join(dir, "meet")}
	if err := os.WriteFile(p.calls, nil, 0o600); err != nil {
		return nil, err
	}
	args := []string{"-shared", "-fPIC", "-x", "c", "-DDEVICES=" + strconv.Itoa(devices)}
	for name, text := range map[string]string{"CPU_PLUGIN": cpu, "CALLS": p.calls, "MEET": p.meet, "NEEDS_NO_TRITON": NeedsNoTriton, "MEMORY": Memory} {
		args = append(args, "-D"+name+"="+strconv.Quote(text))
	}
	args = append(args, "-I", filepath.Join(strings.TrimSpace(string(header)), "pjrt"), "-o", p.path, "-", "-ldl", "-lpthread")
	cc := exec.Command("cc", args...)
	cc.Stdin = strings.NewReader(fakeCUDA)
	if out, err := cc.CombinedOutput(); err != nil {
		return nil, fmt.Errorf("%v: %w\n%s", cc, err, out)
	}
	f.of[devices] = p
	return p, nil
}

func (f *fakePlugins) remove() {
	if f.dir != "" {
		os.RemoveAll(f.dir)
	}
}

// Calls are what was asked of a plugin, in order.
type Calls []Call

// Call is one of the calls that carry a program's data and work.
type Call struct {
	What  What
	Bytes int // of uploads and reads, on one device
}

// What a call does. Waits are for the end of an execution, or of an upload that the plugin has not copied yet; a read always waits for
// what it reads.
type What string

const (
	Upload        What = "upload"
	Execute       What = "execute"
	Read          What = "read"
	WaitOnUpload  What = "wait-upload"
	WaitOnExecute What = "wait-execute"
	Alone         What = "alone"
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
