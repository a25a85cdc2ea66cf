//go:build cgo && !linux

package compilecache

import "github.com/gomlx/go-xla/pjrt"

// Use does nothing: here every process compiles anew.
func Use(plugin *pjrt.Plugin, path, options string) {}
