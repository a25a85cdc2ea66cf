package toy

import (
	"fmt"
	"os"
	"path/filepath"
	"slices"
	"strings"

	"github.com/seed-516990b0/golxmert/lxmert/dataset"
)

// Name stands for the world and its model wherever their files are named: `lxmert ask --load toy`, lx.Open("toy").
const Name = "toy"

// FolderEnv names the folder of the world that [Name] stands for, where it is not in the user's cache.
const FolderEnv = "LXMERT_TOY"

// Folder is where [Name] finds the world and its model: a folder as `lxmert demo --dir` makes it, in the user's cache unless
// LXMERT_TOY says otherwise. It need not exist.
func Folder() (string, error) {
	if dir := os.Getenv(FolderEnv); dir != "" {
		return filepath.Abs(dir)
	}
	cache, err := os.UserCacheDir()
	if err != nil {
		return "", fmt.Errorf("the folder of the toy world: %w; set HOME, or %s to it", err, FolderEnv)
	}
	return filepath.Join(cache, "golxmert", "toy"), nil
}

// Named are the files that [Name] stands for. Objects and Attributes are what its detector calls things.
type Named struct {
	Weights, Config, Vocab, Answers, Images, Data string
	Regions                                       []string
	Objects, Attributes                           []string
}

// Find finds what [Name] stands for. The error wraps [ErrNoWorld] if there is no world in [Folder], and says how to make it.
func Find() (*Named, error) {
	dir, err := Folder()
	if err != nil {
		return nil, err
	}
	in := func(parts ...string) string { return filepath.Join(append([]string{dir}, parts...)...) }
	w := &World{Dir: dir}
	if _, err := os.Stat(w.Config()); err != nil {
		return nil, fmt.Errorf("%w in %s; `go run ./kernel quickstart` makes it, and so does `lxmert demo --dir %s`", ErrNoWorld, dir, dir)
	}
	n := &Named{
		Weights: in("snap", "vqa", "toy", "LAST"), Config: w.Config(), Vocab: w.Vocab(),
		Answers: filepath.Join(w.Data(), "vqa", "trainval_label2ans.json"), Images: w.Images(), Data: w.Data(),
		Objects: Shapes, Attributes: Colors,
	}
	for _, task := range dataset.Tasks() {
		found := dataset.FeatureFiles(w.Data(), task)
		// The pictures that the model was not trained on come first.
		slices.SortStableFunc(found, func(a, b string) int { return unseen(a) - unseen(b) })
		n.Regions = append(n.Regions, found...)
	}
	return n, nil
}

// unseen orders feature files.
func unseen(path string) int {
	for i, part := range []string{"heldout", "val2014", "novel"} {
		if strings.HasPrefix(filepath.Base(path), part) {
			return i
		}
	}
	return 3
}
