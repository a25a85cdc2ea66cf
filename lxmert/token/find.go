package token

import (
	"encoding/json"
	"errors"
	"fmt"
	"iter"
	"os"
	"path/filepath"
	"strings"

	"github.com/seed-516990b0/golxmert/internal/filesearch"
)

// ErrNotFound is wrapped by [Find] when there is no vocabulary in any of the usual places.
var ErrNotFound = errors.New("no vocabulary found")

// Find returns the path of a vocabulary file. Explicit is the user's choice, a file or a folder with vocab.txt; where it
// is given, nothing else counts. Otherwise Find looks beside the weights (a file, a folder, or a path without its ending)
// and one folder up, in data/, and in the caches of Hugging Face and of the reference's Python package. The error says
// what to do; it wraps [ErrNotFound], or [os.ErrNotExist] for an explicit path.
func Find(explicit, weights string) (string, error) {
	if explicit != "" {
		for _, path := range []string{explicit, filepath.Join(explicit, "vocab.txt")} {
			if filesearch.IsFile(path) {
				return path, nil
			}
		}
		return "", fmt.Errorf("token: vocabulary %s: %w (neither a file nor a folder with vocab.txt)", explicit, os.ErrNotExist)
	}
	for path := range Candidates(weights, "") {
		return path, nil
	}
	where := "beside the weights"
	if dirs := weightFolders(weights); len(dirs) > 0 {
		where = "in " + dirs[0]
	}
	return "", fmt.Errorf("token: %w %s, in data/ or in a Hugging Face cache: the published model needs bert-base-uncased's vocab.txt (30,522 lines); "+
		"`lxmert fetch vocab` brings it to data/vocab.txt; put another one beside the weights, or give --vocab FILE",
		ErrNotFound, where)
}

// Candidates goes through the vocabulary files in the places where [Find] looks, in its order. Folder is what data/ is
// sought in; "" is the working directory.
func Candidates(weights, folder string) iter.Seq[string] {
	return func(yield func(string) bool) {
		patterns := append(besideWeights(weights), filesearch.EscapeGlob(filepath.Join(folder, "data", "vocab.txt")))
		for _, pattern := range append(patterns, caches()...) {
			found, _ := filepath.Glob(pattern)
			for _, path := range found {
				if filesearch.IsFile(path) && !yield(path) {
					return
				}
			}
		}
		for _, dir := range hashedCaches() {
			if path := findHashed(dir); path != "" && !yield(path) {
				return
			}
		}
	}
}

// besideWeights are the names that a vocabulary beside the weights may have.
func besideWeights(weights string) []string {
	var paths []string
	if weights != "" {
		stem := weights
		switch ext := filepath.Ext(weights); ext {
		case ".pth", ".pt", ".bin", ".safetensors":
			stem = strings.TrimSuffix(weights, ext)
		}
		for _, s := range []string{weights, stem, strings.TrimSuffix(stem, "_LXRT")} {
			paths = append(paths, filesearch.EscapeGlob(s+".vocab.txt"))
		}
	}
	for _, dir := range weightFolders(weights) {
		for _, name := range []string{"vocab.txt", "bert-base-uncased-vocab.txt", "tokenizer/vocab.txt"} {
			paths = append(paths, filesearch.EscapeGlob(filepath.Join(dir, filepath.FromSlash(name))))
		}
	}
	return paths
}

// weightFolders are the weights' folder (themselves, if they are one) and the one above.
func weightFolders(weights string) []string {
	if weights == "" {
		return nil
	}
	dir := weights
	if info, err := os.Stat(weights); err != nil || !info.IsDir() {
		dir = filepath.Dir(weights)
	}
	return []string{dir, filepath.Join(dir, "..")}
}

// caches are patterns for the folders in which Python packages keep what they downloaded.
func caches() []string {
	var hubs, patterns []string
	home, _ := os.UserHomeDir()
	cache := os.Getenv("XDG_CACHE_HOME")
	if cache == "" && home != "" {
		cache = filepath.Join(home, ".cache")
	}
	for _, dir := range []string{
		os.Getenv("HF_HUB_CACHE"), os.Getenv("HUGGINGFACE_HUB_CACHE"), os.Getenv("TRANSFORMERS_CACHE"),
		below(os.Getenv("HF_HOME"), "hub"), below(cache, "huggingface", "hub"),
	} {
		if dir != "" {
			hubs = append(hubs, dir)
		}
	}
	for _, hub := range hubs {
		for _, model := range []string{"models--bert-base-uncased", "models--*--bert-base-uncased", "models--unc-nlp--lxmert-base-uncased"} {
			patterns = append(patterns, filepath.Join(filesearch.EscapeGlob(hub), model, "snapshots", "*", "vocab.txt"))
		}
	}
	return patterns
}

// hashedCaches are folders of the older kind: a file is called by its address's hash, and a .json beside it has the address.
func hashedCaches() []string {
	home, _ := os.UserHomeDir()
	var dirs []string
	for _, dir := range []string{
		os.Getenv("PYTORCH_PRETRAINED_BERT_CACHE"), below(home, ".pytorch_pretrained_bert"), os.Getenv("PYTORCH_TRANSFORMERS_CACHE"),
		os.Getenv("TRANSFORMERS_CACHE"), below(home, ".cache", "torch", "transformers"), below(home, ".cache", "huggingface", "transformers"),
	} {
		if dir != "" {
			dirs = append(dirs, dir)
		}
	}
	return dirs
}

func findHashed(dir string) string {
	notes, _ := filepath.Glob(filepath.Join(filesearch.EscapeGlob(dir), "*.json"))
	for _, note := range notes {
		if info, err := os.Stat(note); err != nil || info.Size() > 1<<16 {
			continue
		}
		text, err := os.ReadFile(note)
		var about struct {
			URL string `json:"url"`
		}
		path := strings.TrimSuffix(note, ".json")
		if err != nil || json.Unmarshal(text, &about) != nil || !filesearch.IsFile(path) {
			continue
		}
		if strings.HasSuffix(about.URL, "/bert-base-uncased-vocab.txt") || strings.HasSuffix(about.URL, "bert-base-uncased/resolve/main/vocab.txt") {
			return path
		}
	}
	return ""
}

// below joins a folder that may be unknown with what is below it.
func below(dir string, parts ...string) string {
	if dir == "" {
		return ""
	}
	return filepath.Join(append([]string{dir}, parts...)...)
}
