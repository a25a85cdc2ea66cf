package backend

import (
	"context"
	"os"
	"path/filepath"
	"runtime"
	"time"
)

// machine is everything outside the program that a choice depends on; tests put another one in its place.
type machine struct {
	os, arch string
	getenv   func(string) string
	home     string // the user's folder; "": not known
	cache    string // our own cache folder; "": there is none
	root     string // where /dev, /proc and /usr are
	canXLA   bool   // this program can load plugins

	// probe tries a plugin in a child process. Nil: no child can be had, load directly.
	probe func(ctx context.Context, path string) probeResult
	// load opens a plugin in this process.
	load func(path string, kind Kind, options []string) (loaded, error)
}

func thisMachine() *machine {
	m := &machine{os: runtime.GOOS, arch: runtime.GOARCH, getenv: os.Getenv, root: "/", canXLA: canXLA, load: loadXLA}
	m.home, _ = os.UserHomeDir()
	if dir, err := os.UserCacheDir(); err == nil {
		m.cache = filepath.Join(dir, "golxmert")
	}
	if canXLA && answersProbes.Load() {
		m.probe = func(ctx context.Context, path string) probeResult { return probeChild(ctx, path, probeLimit) }
	}
	return m
}

// probeLimit is how long a plugin may take to load, compile a product and run it. A GPU's first start takes several
// seconds.
const probeLimit = 90 * time.Second
