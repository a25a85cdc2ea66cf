//go:build cgo

package speed

import (
	"github.com/seed-516990b0/golxmert/lxmert/internal/cmalloc"
	"github.com/seed-516990b0/golxmert/lxmert/internal/compilecache"
	"github.com/seed-516990b0/golxmert/lxmert/internal/speedup"
	"github.com/seed-516990b0/golxmert/lxmert/internal/xlacall"
)

func init() {
	speedup.Register(speedup.Part{Name: "own products, softmax and LayerNorm", Off: xlacall.Off, Wrap: xlacall.Use})
	speedup.Register(speedup.Part{Name: "kept programs", Off: compilecache.Off, Prepare: compilecache.Use})
	speedup.Register(speedup.Part{Name: "a pool of memory", Off: cmalloc.Off, Compiled: cmalloc.Trim})
}
