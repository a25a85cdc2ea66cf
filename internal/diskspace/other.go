//go:build !linux && !darwin

package diskspace

// free is not known here.
func free(dir string) (bytes int64, known bool) { return 0, false }
