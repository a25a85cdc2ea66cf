//go:build cgo && !linux

package compileoption

import (
	"errors"

	"github.com/gomlx/go-xla/pjrt"
)

// Use says that programs can have no options here.
func Use(_ *pjrt.Plugin, path string) { used.Store(path, errors.New("that works on Linux only")) }
