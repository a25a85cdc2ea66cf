//go:build cgo && (linux || darwin || windows)

package backend

import (
	"fmt"
	"os"
	"path/filepath"
	"strings"
	"sync"

	"github.com/gomlx/go-xla/compute/xla"
	"github.com/gomlx/go-xla/pjrt"

	"github.com/seed-516990b0/golxmert/lxmert/internal/compileoption"
)

// canXLA says that this program can load XLA plugins.
const canXLA = true

// loadXLA loads a plugin by its path. An absolute path keeps go-xla from searching and from downloading.
func loadXLA(path string, kind Kind, options []string) (_ loaded, err error) {
	defer func() {
		if p := recover(); p != nil {
			err = fmt.Errorf("go-xla: %v", p)
		}
	}()
	if kind == KindCUDA {
		if err := prepareCUDA(path); err != nil {
			return loaded{}, err
		}
	}
	name, cleanup, err := pluginName(path, kind)
	if err != nil {
		return loaded{}, err
	}
	defer cleanup()
	options, devices, err := deviceOption(options)
	if err != nil {
		return loaded{}, err
	}
	client := pjrt.NamedValuesMap{}
	switch {
	case devices > 0 && kind == KindCUDA:
		return loaded{}, fmt.Errorf("%w: devices is for the processor; which GPUs, visible_devices says", ErrSpec)
	case devices > 0:
		client["cpu_device_count"] = int64(devices)
	}
	plugin, err := pjrt.GetPlugin(name)
	if err != nil {
		return loaded{}, err
	}
	fast := newSpeedups()
	if kind == KindCPU {
		fast.prepare(plugin, path, fmt.Sprint(devices, options))
	} else {
		compileoption.Use(plugin, name)
	}
	b, err := xla.NewWithOptions(strings.Join(append([]string{name}, options...), ","), client)
	if err != nil {
		return loaded{}, err
	}
	l := loaded{backend: b, devices: devicesOf(b)}
	if kind == KindCPU {
		l.backend = fast.wrap(b, name)
		l.note, l.slower = fast.note(), fast.off()
	}
	major, minor := plugin.Version()
	l.api = fmt.Sprintf("%d.%d", major, minor)
	return l, nil
}

// links are the names under which go-xla knows plugins that could not be given to it by their path: it keeps plugins
// per name for the life of the process, and so must we.
var links sync.Map

// pluginName is the absolute path to give to go-xla. It tells CUDA from the processor by looking for "cuda" or "nvidia"
// anywhere in the path, and takes what follows a comma for an option; a CPU plugin below such a folder gets a symbolic
// link for a name. The link need not outlive the loading.
func pluginName(path string, kind Kind) (name string, cleanup func(), err error) {
	cleanup = func() {}
	misread := strings.Contains(path, ",") || kind == KindCPU && (pjrt.IsCUDAName(path) || !strings.Contains(strings.ToUpper(path), "CPU"))
	if !misread {
		return path, cleanup, nil
	}
	if kind == KindCUDA {
		// Its NVIDIA libraries are found relative to its path, so it cannot go by another.
		return "", cleanup, fmt.Errorf("its path has a comma, which go-xla takes for the start of options; move it")
	}
	if known, ok := links.Load(path); ok {
		return known.(string), cleanup, nil
	}
	dir, err := os.MkdirTemp("", "lxmert-")
	if err != nil {
		return "", cleanup, err
	}
	cleanup = func() { os.RemoveAll(dir) }
	name = filepath.Join(dir, "xla_cpu"+filepath.Ext(path))
	if err := os.Symlink(path, name); err != nil {
		return "", cleanup, err
	}
	if kind == KindCPU && (pjrt.IsCUDAName(name) || strings.Contains(name, ",")) {
		return "", cleanup, fmt.Errorf("go-xla would take it for a CUDA plugin because of its path, and the temporary folder %s is no better; move it", os.TempDir())
	}
	links.Store(path, name)
	return name, cleanup, nil
}
