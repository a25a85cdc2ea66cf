package backend

import (
	"errors"
	"fmt"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"testing"

	"github.com/seed-516990b0/golxmert/internal/goldentest"
	"github.com/seed-516990b0/golxmert/internal/testwait"
)

// realPlugin is a working XLA CPU plugin of this machine, found as Open finds one. Without one the test is skipped,
// unless LXMERT_REQUIRE lists "xla".
func realPlugin(t *testing.T) string {
	t.Helper()
	t.Setenv("GOMLX_BACKEND", "")
	b, err := Open(t.Context(), "xla:cpu", nil)
	goldentest.Require(t, "xla", err == nil, fmt.Sprint(err))
	b.Finalize()
	return b.Plugin
}

func TestXLAComputes(t *testing.T) {
	plugin := realPlugin(t)
	b, err := Open(t.Context(), "xla:"+plugin, nil)
	if err != nil {
		t.Fatal(err)
	}
	defer b.Finalize()
	if err := multiply(b.Backend); err != nil {
		t.Error(err)
	}
	if b.Kind != KindCPU || KindOf(b.Backend) != KindCPU || len(b.Devices) == 0 || len(b.Devices) != b.NumDevices() || !strings.HasPrefix(b.APIVersion, "0.") || !b.HasSharedBuffers() {
		t.Errorf("%+v, shared buffers %v", b, b.HasSharedBuffers())
	}
}

func TestPluginLoadsInAChild(t *testing.T) {
	plugin := realPlugin(t)
	r := probeChild(t.Context(), plugin, testwait.Patience(t))
	if r.Err != "" || r.API == "" || len(r.Devices) == 0 {
		t.Errorf("%+v", r)
	}
}

// go-xla tells plugins apart by their path; neither a folder named after CUDA nor a comma may mislead it.
func TestFolderNamesDoNotMislead(t *testing.T) {
	plugin := realPlugin(t)
	for _, dir := range []string{"nvidia-cuda", "a,tf32=true"} {
		path := filepath.Join(t.TempDir(), dir, "xla_cpu_pjrt.so")
		if err := os.MkdirAll(filepath.Dir(path), 0o755); err != nil {
			t.Fatal(err)
		}
		if err := os.Symlink(plugin, path); err != nil {
			t.Skip(err)
		}
		for range 2 {
			l, err := loadXLA(path, KindCPU, request{}.pluginOptions(KindCPU))
			if err != nil {
				t.Fatalf("%s: %v", dir, err)
			}
			if err := multiply(l.backend); err != nil || !l.backend.HasSharedBuffers() {
				t.Errorf("%s: %v, shared buffers %v", dir, err, l.backend.HasSharedBuffers())
			}
			if cuda, ok := l.backend.(interface{ IsCUDA() bool }); ok && cuda.IsCUDA() {
				t.Errorf("%s: taken for CUDA", dir)
			}
			l.backend.Finalize()
		}
	}
}

// go-xla downloads plugins by itself in programs that link its autoinstall package.
func TestNothingCanDownloadByItself(t *testing.T) {
	goTool, err := exec.LookPath("go")
	if err != nil {
		t.Skip("skipped: no go command to list the dependencies with")
	}
	out, err := exec.Command(goTool, "list", "-deps", ".").Output()
	if err != nil {
		t.Fatal(err)
	}
	for _, banned := range []string{"autoinstall", "backends/default"} {
		if strings.Contains(string(out), banned) {
			t.Errorf("this package pulls in %s", banned)
		}
	}
}

func TestProcessorIsAsManyDevicesAsAskedFor(t *testing.T) {
	for spec, want := range map[string]int{"cpu": 1, "cpu,devices=4": 4} {
		b, err := Open(t.Context(), spec, nil)
		goldentest.Require(t, "xla", err == nil, fmt.Sprint(err))
		if n := b.NumDevices(); n != want {
			t.Errorf("%s: %d devices, expected %d", spec, n, want)
		}
		b.Finalize()
	}
	if _, err := Open(t.Context(), "cpu,devices=none", nil); !errors.Is(err, ErrSpec) {
		t.Errorf("devices=none: %v", err)
	}
}
