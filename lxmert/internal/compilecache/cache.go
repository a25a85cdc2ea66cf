//go:build cgo && linux

package compilecache

/*
#cgo CFLAGS: -O2
#include <stdlib.h>
#include "hook.h"
*/
import "C"

import (
	"errors"
	"fmt"
	"os"
	"path/filepath"
	"runtime"
	"slices"
	"strings"
	"sync"
	"unsafe"
)

// plugins are those that have the cache. A plugin stays loaded for the life of the process.
var plugins struct {
	sync.Mutex
	ready []*cached
}

// cached is a plugin with the cache.
type cached struct {
	table *unsafe.Pointer // go-xla's pointer to its functions
	store store
	about []byte // the plugin and the machine
}

// Off says why every process compiles anew: the environment, or that there is no folder.
func Off() string {
	switch {
	case os.Getenv("GOLXMERT_PROGRAMS") == "0":
		return "GOLXMERT_PROGRAMS=0"
	case folder() == "":
		return "the user has no cache folder; GOLXMERT_PROGRAMS names another"
	}
	return ""
}

// Use puts the cache before a CPU plugin, whose file is path, by changing table, go-xla's pointer to its functions. It must come
// before the plugin's first client, since go-xla reads that without a lock. Programs of processes whose first client had other
// options are kept apart. With an error, every process compiles anew.
func Use(table *unsafe.Pointer, path, options string) error {
	plugins.Lock()
	defer plugins.Unlock()
	if slices.ContainsFunc(plugins.ready, func(c *cached) bool { return c.table == table }) {
		return nil
	}
	about, err := about(path)
	if err != nil {
		return err
	}
	with := C.compilecache_table(*table, C.int(len(plugins.ready)))
	if with == nil {
		return errors.New("the plugin cannot write its programs, its interface is of another version, or there are too many plugins")
	}
	plugins.ready = append(plugins.ready, &cached{table, store{folder(), maxFolder}, []byte(about + options)})
	*table = with
	return nil
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
