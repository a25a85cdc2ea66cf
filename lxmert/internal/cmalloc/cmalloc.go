//go:build cgo && linux

package cmalloc

// #cgo LDFLAGS: -ldl -lpthread
import "C"
