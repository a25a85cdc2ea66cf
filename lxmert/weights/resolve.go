package weights

import (
	"errors"
	"fmt"
	"os"
	"path/filepath"
	"strings"

	"github.com/seed-516990b0/golxmert/internal/excerpt"
	"github.com/seed-516990b0/golxmert/lxmert/internal/release"
)

// ErrNotFound is wrapped by the error of [Resolve] when a name stands for no file.
var ErrNotFound = errors.New("no such weights")

// folderFiles are the files of a Hugging Face folder that may hold its weights, in order of preference.
var folderFiles = []string{"model.safetensors", "model.safetensors.index.json", "pytorch_model.bin", "pytorch_model.bin.index.json"}

// Resolve finds the file that name stands for. The reference leaves suffixes away, so X, X.pth, X_LXRT.pth and
// X.safetensors are tried in that order; a folder stands for the model.safetensors or pytorch_model.bin in it, or for the
// index of several such files. The error lists what was tried and similar names that are there, and says how to get
// published weights.
func Resolve(name string) (string, error) {
	if name == "" {
		return "", fmt.Errorf("%w: the name is empty", ErrNotFound)
	}
	tried := []string{name, name + ".pth", name + "_LXRT.pth", name + ".safetensors"}
	for _, path := range tried {
		if exists(path) {
			return path, nil
		}
	}
	if info, err := os.Stat(name); err == nil && info.IsDir() {
		for _, file := range folderFiles {
			path := filepath.Join(name, file)
			if exists(path) {
				return path, nil
			}
			tried = append(tried, path)
		}
		return "", fmt.Errorf("%w: the folder %s holds none of %s%s", ErrNotFound, name, strings.Join(folderFiles, ", "), similar(filepath.Join(name, "x")))
	}
	return "", fmt.Errorf("%w: tried %s%s%s", ErrNotFound, strings.Join(tried, ", "), similar(name), bring(name))
}

// bring says how to get published weights, if a name is theirs.
func bring(name string) string {
	place, fetch, ok := release.Weights(name)
	switch {
	case !ok:
		return ""
	case exists(filepath.FromSlash(place)):
		return fmt.Sprintf("; %s is there: open that", place)
	}
	return fmt.Sprintf("; `%s` brings it, as %s", fetch, place)
}

// similar lists the files of weights in the folder of a name, those that share most with it first.
func similar(name string) string {
	dir := filepath.Dir(name)
	entries, err := os.ReadDir(dir)
	if err != nil {
		return fmt.Sprintf("; there is no folder %s", dir)
	}
	var names []string
	for _, e := range entries {
		switch filepath.Ext(e.Name()) {
		case ".pth", ".pt", ".bin", ".ckpt", ".safetensors":
			names = append(names, e.Name())
		default:
			if e.IsDir() && exists(filepath.Join(dir, e.Name(), "config.json")) {
				names = append(names, e.Name())
			}
		}
	}
	if len(names) == 0 {
		return fmt.Sprintf("; %s holds no weights", dir)
	}
	return fmt.Sprintf("; %s has %s", dir, excerpt.Like(filepath.Base(name), names, 5))
}
