//go:build !cgo || !(linux || darwin || windows)

package backend

import (
	"context"
	"errors"
)

// canXLA says that this program cannot load XLA plugins: it was built without cgo or for a system that go-xla does not
// know.
const canXLA = false

var errNoXLA = errors.New("this program was built without XLA")

func loadXLA(string, Kind, []string) (loaded, error) { return loaded{}, errNoXLA }

func installWithGoXLA(context.Context, string) error { return errNoXLA }
