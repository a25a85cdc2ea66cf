package backend

import (
	"path/filepath"
	"runtime/debug"
	"strings"
)

// Libraries says what computes, with versions, for those who make results again: "GoMLX v0.28.8, go-xla v0.4.5,
// lammps-jax-pjrt-cpu 0.11.2, PJRT API 0.81". What is not known is left out; of a plugin that [Install] did not bring that is all
// but the file's name.
func (b *Backend) Libraries() string {
	modules := []string{"github.com/gomlx/gomlx"}
	if b.Plugin != "" {
		modules = append(modules, "github.com/gomlx/go-xla")
	}
	var parts []string
	if info, ok := debug.ReadBuildInfo(); ok {
		for _, name := range modules {
			for _, d := range info.Deps {
				if d.Path == name {
					parts = append(parts, strings.NewReplacer("gomlx", "GoMLX").Replace(filepath.Base(name))+" "+d.Version)
				}
			}
		}
	}
	if b.Plugin != "" {
		parts = append(parts, pluginRelease(b.Plugin))
	}
	if b.APIVersion != "" {
		parts = append(parts, "PJRT API "+b.APIVersion)
	}
	return strings.Join(parts, ", ")
}

// pluginRelease is what the manifest in a folder above a plugin says of it, or the file's name.
func pluginRelease(path string) string {
	for dir := filepath.Dir(path); ; dir = filepath.Dir(dir) {
		if m, ok := readManifest(dir); ok && filepath.Join(dir, m.File) == path {
			return m.Source + " " + m.Version
		}
		if dir == filepath.Dir(dir) {
			return filepath.Base(path)
		}
	}
}
