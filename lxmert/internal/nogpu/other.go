//go:build !cgo || !linux

package nogpu

import "github.com/gomlx/compute"

// Here says whether this program can do it.
const Here = false

// Open says that it works elsewhere.
func Open(_ string, _ int, _ bool, _ func(Program)) (compute.Backend, error) {
	return nil, ErrElsewhere
}

// Compile says that it works elsewhere.
func Compile(_, _ string, _ Program) (Need, error) { return Need{}, ErrElsewhere }
