//go:build cgo && linux

package compilecache

/*
#cgo CFLAGS: -O2
#include <stdlib.h>
#include "hook.h"
*/
import "C"

import (
	"fmt"
	"os"
	"path/filepath"
	"runtime"
	"slices"
	"strings"
	"sync"
	"unsafe"

	"github.com/gomlx/go-xla/pjrt"

	"github.com/seed-516990b0/golxmert/lxmert/internal/pjrttable"
)

// plugins are those that have the cache. A plugin stays loaded for the life of the process.
var plugins struct {
	sync.Mutex
	ready []*cached
}

// cached is a plugin with the cache.
type cached struct {
	plugin *pjrt.Plugin
	store  store
	about  []byte // the plugin and the machine
}

// Use puts the cache before a CPU plugin, whose file is path. It must come before the plugin's first client, since go-xla reads
// the plugin's table without a lock. Programs of processes whose first client had other options are kept apart. Where there
// can be no cache, every process compiles anew.
func Use(plugin *pjrt.Plugin, path, options string) {
	dir := folder()
	plugins.Lock()
	defer plugins.Unlock()
	if dir == "" || slices.ContainsFunc(plugins.ready, func(c *cached) bool { return c.plugin == plugin }) {
		return
	}
	about, err := about(path)
	if err != nil {
		return
	}
	table := pjrttable.Of(plugin)
	if table == nil {
		return
	}
	with := C.compilecache_table(*table, C.int(len(plugins.ready)))
	if with == nil {
		return
	}
	plugins.ready = append(plugins.ready, &cached{plugin, store{dir, limit}, []byte(about + options)})
	*table = with
}

// folder is where programs are kept; "": nowhere.
func folder() string {
	switch dir := os.Getenv("GOLXMERT_PROGRAMS"); dir {
	case "":
	case "0":
		return ""
	default:
		return dir
	}
	cache, err := os.UserCacheDir()
	if err != nil {
		return ""
	}
	return filepath.Join(cache, "golxmert", "programs")
}

// about is what every program of a plugin depends on.
func about(path string) (string, error) {
	file, err := os.Stat(path)
	if err != nil {
		return "", err
	}
	cpu, err := os.ReadFile("/proc/cpuinfo")
	if err != nil {
		return "", err
	}
	var lines []string
	for line := range strings.Lines(string(cpu)) {
		name, _, _ := strings.Cut(line, "\t")
		switch strings.TrimSpace(name) {
		case "model name", "flags", "Features", "CPU part":
			lines = append(lines, line)
		case "":
			return fmt.Sprintf("%s %d %d\n%d %s\n%s\n%s", path, file.Size(), file.ModTime().UnixNano(), runtime.NumCPU(), runtime.GOARCH,
				strings.Join(lines, ""), os.Getenv("XLA_FLAGS")), nil
		}
	}
	return "", fmt.Errorf("/proc/cpuinfo does not describe a processor")
}

func pluginNumber(number C.int) *cached {
	plugins.Lock()
	defer plugins.Unlock()
	return plugins.ready[number]
}

//export compilecacheKey
func compilecacheKey(number C.int, code unsafe.Pointer, codeSize C.size_t, format unsafe.Pointer, formatSize C.size_t, options unsafe.Pointer, optionsSize C.size_t) *C.char {
	c := pluginNumber(number)
	return C.CString(key(c.about, view(format, formatSize), view(options, optionsSize), view(code, codeSize)))
}

//export compilecacheGet
func compilecacheGet(number C.int, key *C.char, size *C.size_t) unsafe.Pointer {
	program := pluginNumber(number).store.get(C.GoString(key))
	if program == nil {
		return nil
	}
	*size = C.size_t(len(program))
	return C.CBytes(program)
}

//export compilecachePut
func compilecachePut(number C.int, key *C.char, program unsafe.Pointer, size C.size_t) {
	pluginNumber(number).store.put(C.GoString(key), view(program, size))
}

// view is memory of C's.
func view(from unsafe.Pointer, size C.size_t) []byte {
	if size == 0 {
		return nil
	}
	return unsafe.Slice((*byte)(from), int(size))
}
