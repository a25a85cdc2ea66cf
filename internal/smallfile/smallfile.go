// Package smallfile reads files that must be small whole, so that one that was named by mistake does not fill the memory.
package smallfile

import (
	"fmt"
	"io"
	"os"
)

// Read reads a file of at most so many bytes; what says what it is to be, such as "a list of names", for the error.
func Read(path string, most int64, what string) ([]byte, error) {
	if info, err := os.Stat(path); err == nil && !info.Mode().IsRegular() { // opening a pipe would wait
		return nil, fmt.Errorf("%s is not a file", path)
	}
	f, err := os.Open(path)
	if err != nil {
		return nil, err
	}
	defer f.Close()
	text, err := io.ReadAll(io.LimitReader(f, most+1))
	if err != nil {
		return nil, err
	}
	if int64(len(text)) > most {
		return nil, fmt.Errorf("%s has more than %d MB, so it is not %s", path, most>>20, what)
	}
	return text, nil
}
