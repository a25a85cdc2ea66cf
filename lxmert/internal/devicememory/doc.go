// Package devicememory says how much memory a device has, as its plugin knows it, how much a compiled program takes, and which
// errors say that there was too little. go-xla asks plugins for none of the first.
package devicememory

import "strings"

// Use is what there is of a device's memory, in bytes.
type Use struct {
	InUse int64
	Peak  int64 // the most that was in use; 0: the plugin does not say
	Limit int64 // the most that can be; 0: the plugin does not say
}

// Free is what can still be taken. ok: that is known.
func (u Use) Free() (bytes int64, ok bool) { return max(0, u.Limit-u.InUse), u.Limit > 0 }

// Need is what a compiled program takes of a device's memory while it runs, in bytes.
type Need struct {
	Inputs, Outputs int64
	Shared          int64 // of the outputs, which have the memory of inputs
	Temporary       int64
}

// Exhausted says whether an error of a plugin means that a device has too little memory. They come as text.
func Exhausted(err error) bool {
	return err != nil && (strings.Contains(err.Error(), "RESOURCE_EXHAUSTED") || strings.Contains(err.Error(), "PJRT error (code=8)"))
}
