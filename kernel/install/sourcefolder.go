package install

import (
	"errors"
)

// SourceFolder is the folder of this library's checkout: given, or the one that this program was built from. The notebooks
// are in it.
func SourceFolder(given string) (string, error) {
	s, err := findSource(given)
	if err == nil && s.dir == "" {
		err = errors.New("the notebooks are not in an installed version; clone the project, or name its folder with --source")
	}
	return s.dir, err
}
