// Package filesearch helps to look for files in places where they may be.
package filesearch

import (
	"os"
	"path/filepath"
	"strings"
)

// IsFile says whether there is a file at path that is neither a folder nor a device.
func IsFile(path string) bool {
	info, err := os.Stat(path)
	return err == nil && info.Mode().IsRegular()
}

// Under is a name that is relative to a folder as one that is not; "" stays.
func Under(folder, name string) string {
	if name == "" || filepath.IsAbs(name) {
		return name
	}
	return filepath.Join(folder, name)
}

// EscapeGlob makes [filepath.Glob] take a path as it is.
func EscapeGlob(path string) string {
	if filepath.Separator == '\\' { // where patterns have no escapes
		return path
	}
	return strings.NewReplacer(`\`, `\\`, `*`, `\*`, `?`, `\?`, `[`, `\[`).Replace(path)
}
