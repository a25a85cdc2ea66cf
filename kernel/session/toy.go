package session

import (
	"fmt"
	"os"
	"path/filepath"
	"slices"
	"strings"

	"github.com/seed-516990b0/golxmert/kernel/client"
	"github.com/seed-516990b0/golxmert/kernel/internal/wire"
)

// ToyEnv names the folder of the toy world, where it is not in the user's cache.
const ToyEnv = "LXMERT_TOY"

// ToyFolder is where the name "toy" finds the built-in world and its model: a folder as `lxmert demo --dir` makes it, in
// the user's cache unless LXMERT_TOY says otherwise. It need not exist.
func ToyFolder() (string, error) {
	if dir := os.Getenv(ToyEnv); dir != "" {
		return filepath.Abs(dir)
	}
	cache, err := os.UserCacheDir()
	if err != nil {
		return "", fmt.Errorf("session: the folder of the toy world: %w; set HOME, or %s to it", err, ToyEnv)
	}
	return filepath.Join(cache, "golxmert", "toy"), nil
}

// toyParts are the parts of a toy world's folder that "toy" stands for.
type toyParts struct {
	weights, config, vocab, answers, images, data string
	regions                                       []string
}

func toyWorld() (p toyParts, err error) {
	dir, err := ToyFolder()
	if err != nil {
		return p, err
	}
	in := func(parts ...string) string { return filepath.Join(append([]string{dir}, parts...)...) }
	if _, err := os.Stat(in("config.json")); err != nil {
		return p, &wire.Fault{Kind: wire.Usage, Message: fmt.Sprintf("session: there is no toy world in %s; `go run ./kernel quickstart` makes it, and so does `lxmert demo --dir %s`", dir, dir)}
	}
	p = toyParts{
		weights: in("snap", "vqa", "toy", "LAST"), config: in("config.json"), vocab: in("data", "vocab.txt"),
		answers: in("data", "vqa", "trainval_label2ans.json"), images: in("images"), data: in("data"),
	}
	for _, task := range []string{"vqa", "gqa", "nlvr2"} {
		found := features(in("data", imageFolders[task]))
		// The pictures that the model was not trained on come first.
		slices.SortStableFunc(found, func(a, b string) int { return toyOrder(a) - toyOrder(b) })
		p.regions = append(p.regions, found...)
	}
	return p, nil
}

func toyOrder(path string) int {
	for i, part := range []string{"heldout", "val2014", "novel"} {
		if strings.HasPrefix(filepath.Base(path), part) {
			return i
		}
	}
	return 3
}

// expandToy puts the built-in world's files in the place of "toy".
func expandToy(s client.Spec) (client.Spec, error) {
	whole := s.Weights == client.Toy
	if !whole && !slices.Contains([]string{s.Config, s.Vocab, s.Answers, s.Images}, client.Toy) && !slices.Contains(s.Regions, client.Toy) {
		return s, nil // Objects and Attributes need no files
	}
	p, err := toyWorld()
	if err != nil {
		return s, err
	}
	if whole {
		for _, name := range []*string{&s.Config, &s.Vocab, &s.Answers, &s.Objects, &s.Attributes, &s.Images} {
			if *name == "" {
				*name = client.Toy
			}
		}
		if len(s.Regions) == 0 {
			s.Regions = []string{client.Toy}
		}
	}
	for name, path := range map[*string]string{&s.Weights: p.weights, &s.Config: p.config, &s.Vocab: p.vocab, &s.Answers: p.answers, &s.Images: p.images} {
		if *name == client.Toy {
			*name = path
		}
	}
	var regions []string
	for _, r := range s.Regions {
		if r == client.Toy {
			regions = append(regions, p.regions...)
		} else {
			regions = append(regions, r)
		}
	}
	s.Regions = regions
	return s, nil
}
