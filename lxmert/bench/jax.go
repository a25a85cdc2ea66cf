package bench

import (
	"context"
	_ "embed"
	"encoding/json"
	"fmt"
	"os"
	"path/filepath"
	"strconv"

	"github.com/seed-516990b0/golxmert/lxmert/internal/process"
)

//go:embed jax_peer.py
var jaxScript []byte

// jaxPeer is JAX in a Python of the user's.
type jaxPeer struct {
	process.Python
	about struct {
		JAX string `json:"jax"` // version
	}
}

// findJAX checks that python can import JAX and leaves the peer's script in dir.
func findJAX(ctx context.Context, python, dir string) (*jaxPeer, error) {
	j := &jaxPeer{}
	var err error
	j.Python, err = findPeer(ctx, python, dir, process.Script{File: "jax_peer.py", Source: jaxScript, Module: "jax", Product: "JAX", Install: "jax"}, &j.about)
	return j, err
}

// besideJAX says whether JAX has what a row is about: a step of training is one program there, on one device.
func (r aheadRow) besideJAX() bool { return r.devices == 1 && r.what != updating }

// besides has JAX write its program for a row and compiles it as ours are.
func (a *ahead) besides(ctx context.Context, row aheadRow) (*AheadProgram, error) {
	dir, err := os.MkdirTemp(a.dir, "jax-")
	if err != nil {
		return nil, spaceHint(err)
	}
	defer os.RemoveAll(dir)
	sizes, err := json.Marshal(a.Sizes)
	if err != nil {
		return nil, err
	}
	dtype := "float32"
	switch {
	case row.bf16:
		dtype = "bfloat16"
	case row.tf32:
		dtype = "tf32"
	}
	t := takenProgram{Name: "JAX", Text: filepath.Join(dir, "program.mlir"), Options: filepath.Join(dir, "program.options"), Devices: 1}
	p := a.jax.Program("JAX", "--sizes", string(sizes), "--what", row.what, "--batch", strconv.Itoa(row.batch), "--words", strconv.Itoa(a.Words),
		"--regions", strconv.Itoa(a.Regions), "--dtype", dtype, "--text", t.Text, "--options", t.Options)
	var model struct{ Parameters int }
	if _, err := p.Run(ctx, &model); err != nil {
		return nil, err
	}
	if n := a.Sizes.NumParams(); model.Parameters != n {
		return nil, fmt.Errorf("its model has %d parameters, ours %d; nothing was compared", model.Parameters, n)
	}
	return a.compile(ctx, row.name()+"-jax", t)
}
