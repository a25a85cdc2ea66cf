//go:build cgo && (linux || darwin || windows)

package backend

import (
	"errors"

	"github.com/gomlx/compute"
	"github.com/gomlx/go-xla/pjrt"

	"github.com/seed-516990b0/golxmert/lxmert/internal/pjrttable"
	"github.com/seed-516990b0/golxmert/lxmert/internal/speedup"
)

// errTable says that go-xla does not keep its plugins as it did.
var errTable = errors.New("this version of go-xla keeps its plugins in another way")

// prepare comes before the first client of a CPU plugin.
func (s speedups) prepare(plugin *pjrt.Plugin, path, options string) {
	table := pjrttable.Of(plugin)
	for _, p := range speedup.Parts() {
		if s[p.Name] != "" || p.Prepare == nil {
			continue
		}
		err := errTable
		if table != nil {
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
