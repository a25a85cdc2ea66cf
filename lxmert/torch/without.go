//go:build !gotch

package torch

import (
	"context"
	"io"

	"github.com/seed-516990b0/golxmert/lxmert"
	"github.com/seed-516990b0/golxmert/lxmert/lxrt"
)

// Built says that this program has libtorch.
const Built = false

// Engine is LXRT on libtorch, which this program does not have.
type Engine struct{}

// Open returns [ErrNotBuilt].
func Open(string, string, lxrt.Options) (*Engine, error) { return nil, ErrNotBuilt }

// Config is the zero value.
func (*Engine) Config() lxmert.Config { return lxmert.Config{} }

// Run returns [ErrNotBuilt].
func (*Engine) Run(context.Context, *lxmert.Batch, lxmert.Request) (*lxmert.Trace, error) {
	return nil, ErrNotBuilt
}

// Device is "".
func (*Engine) Device() string { return "" }

// Close has nothing to free.
func (*Engine) Close() error { return nil }

// Script is a TorchScript module, which this program cannot run.
type Script struct{ Engine }

// OpenScript returns [ErrNotBuilt].
func OpenScript(string, lxmert.Config, io.Writer) (*Script, error) { return nil, ErrNotBuilt }
