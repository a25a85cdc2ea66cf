//go:build !cgo || !linux

package compileoption

func begin([]byte) (done func() bool) { return func() bool { return false } }
