//go:build !linux && !darwin

package diskspace

// Free is not known here.
func Free(dir string) (bytes int64, known bool) { return 0, false }
