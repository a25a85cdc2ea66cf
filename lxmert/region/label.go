package region

import (
	"strings"

	"github.com/seed-516990b0/golxmert/internal/smallfile"
)

// This file reads what a detector's classes are called.

// maxLabels bounds a file of class names, in bytes.
const maxLabels = 4 << 20

// ReadLabels reads the names of a detector's classes, one per line; of several separated by commas, the first.
func ReadLabels(path string) ([]string, error) {
	text, err := smallfile.Read(path, maxLabels, "a list of names")
	if err != nil {
		return nil, err
	}
	var names []string
	for line := range strings.Lines(string(text)) {
		name, _, _ := strings.Cut(strings.TrimSpace(line), ",")
		names = append(names, name)
	}
	return names, nil
}
