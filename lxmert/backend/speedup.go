//go:build cgo && (linux || darwin || windows)

package backend

import (
	"github.com/gomlx/compute"
	"github.com/gomlx/go-xla/pjrt"

	"github.com/seed-516990b0/golxmert/lxmert/internal/pjrttable"
	"github.com/seed-516990b0/golxmert/lxmert/internal/speedup"
)

// prepare comes before the first client of a CPU plugin.
func (s speedups) prepare(plugin *pjrt.Plugin, path, options string) {
	table, missing := pjrttable.Of(plugin)
	for _, p := range speedup.Parts() {
		if s[p.Name] != "" || p.Prepare == nil {
			continue
		}
		err := missing
		if err == nil {
			err = p.Prepare(table, path, options)
		}
		if err != nil {
			s[p.Name] = err.Error()
		}
	}
}

// wrap comes with each client.
func (s speedups) wrap(b compute.Backend, path string) compute.Backend {
	for _, p := range speedup.Parts() {
		if s[p.Name] != "" || p.Wrap == nil {
			continue
		}
		var err error
		if b, err = p.Wrap(b, path); err != nil {
			s[p.Name] = err.Error()
		}
	}
	return b
}
