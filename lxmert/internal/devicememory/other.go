//go:build !cgo || !linux

package devicememory

import "github.com/gomlx/compute"

// Of says that nothing is known.
func Of(compute.Backend, int) (u Use, ok bool) { return Use{}, false }

// OfProgram says that nothing is known.
func OfProgram(compute.Executable) (n Need, ok bool) { return Need{}, false }
