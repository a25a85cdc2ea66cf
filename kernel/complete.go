package main

import (
	"cmp"
	"os"
	"path/filepath"
	"strings"

	"github.com/seed-516990b0/golxmert/lxmert/toy"
)

// weightFiles lists what could stand in place of the beginning of a path to weights: names of the built-in world, folders with a slash after
// them, and files of weights. Hidden ones are listed if the path's last part begins with a dot.
func weightFiles(begin string) []string {
	var found []string
	for _, name := range []string{toy.Name, toy.Pretrained} {
		if strings.HasPrefix(name, begin) {
			found = append(found, name)
		}
	}
	dir, last := filepath.Split(begin)
	entries, err := os.ReadDir(cmp.Or(dir, "."))
	if err != nil {
		return found
	}
	for _, e := range entries {
		name := e.Name()
		if strings.HasPrefix(name, ".") != strings.HasPrefix(last, ".") || !strings.HasPrefix(name, last) {
			continue
		}
		info, err := os.Stat(filepath.Join(dir, name)) // follows links
		switch {
		case err != nil:
		case info.IsDir():
			found = append(found, dir+name+"/")
		case strings.HasSuffix(name, ".pth") || strings.HasSuffix(name, ".safetensors"):
			found = append(found, dir+name)
		}
	}
	return found
}
