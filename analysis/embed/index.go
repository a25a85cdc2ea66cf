package embed

import (
	"crypto/sha256"
	"encoding/hex"
	"encoding/json"
	"errors"
	"fmt"
	"path/filepath"
	"slices"

	"github.com/seed-516990b0/golxmert/internal/smallfile"
	"github.com/seed-516990b0/golxmert/lxmert"
)

// ErrFormat is wrapped by every error that says that a folder, or a file in it, is not what this package writes.
var ErrFormat = errors.New("not a folder of embeddings")

const (
	format    = "lxmert-embed 1"
	indexName = "index.json"
	maxIndex  = 64 << 20 // bytes
)

// What the rows of an activation are.
const (
	Examples = "examples"
	Pairs    = "pairs"
	Words    = "words"
	Regions  = "regions"
)

// Index says what a folder has. Everything in it is known before the first number is computed.
type Index struct {
	Format      string            `json:"format"`
	Data        string            `json:"data"`     // such as the file of questions
	Examples    int               `json:"examples"` // in all files
	Pictures    int               `json:"pictures"` // of each example: 1 or 2
	DType       string            `json:"dtype"`    // F32 or F16
	Activations []Activation      `json:"activations"`
	Model       lxmert.Provenance `json:"model"`
	Features    string            `json:"features,omitempty"` // where the regions came from
	Batch       int               `json:"batch"`              // examples that were computed together
	PerFile     int               `json:"examples_per_file"`
	// Files are names in the folder, in the order of their examples. Each has PerFile of them, the last one what is left.
	Files []string `json:"files"`
}

// Activation is one activation of a folder.
type Activation struct {
	Name string `json:"name"`
	Rows string `json:"rows"` // Examples, Pairs, Words or Regions
	// Shape is that of a row; -1 is the axis of keys.
	Shape []int  `json:"shape"`
	Keys  string `json:"keys,omitempty"` // Words or Regions: what the last axis of a map, or of its scores, counts
	What  string `json:"what"`
}

// Describe says how an activation of a model is laid out.
func Describe(c lxmert.Config, a lxmert.Activation) Activation {
	d := Activation{Name: a.Name, Rows: Pairs, Shape: []int{}, What: a.What}
	if c.Rows(a.Name) == lxmert.TaskRows {
		d.Rows = Examples
	}
	dims := a.Dims(c, -1, -1)
	for i, x := range a.Axes {
		switch counted := counts(x); {
		case counted == "":
			d.Shape = append(d.Shape, dims[i])
		case d.Rows == Words || d.Rows == Regions:
			d.Keys = counted
			d.Shape = append(d.Shape, -1)
		default:
			d.Rows = counted
		}
	}
	return d
}

// counts is what an axis counts whose length differs from pair to pair; "" of others.
func counts(x lxmert.Axis) string {
	switch x {
	case lxmert.AxisWord:
		return Words
	case lxmert.AxisRegion:
		return Regions
	}
	return ""
}

// NewIndex is the index of a run. The activations are those of a model; files are named here.
func NewIndex(c lxmert.Config, activations []lxmert.Activation, about Index) Index {
	about.Format = format
	for _, a := range activations {
		about.Activations = append(about.Activations, Describe(c, a))
	}
	about.Files = nil
	n := (about.Examples + about.PerFile - 1) / about.PerFile
	for k := range n {
		about.Files = append(about.Files, fmt.Sprintf("activations-%05d-of-%05d.safetensors", k, n))
	}
	return about
}

// Share are the examples of a file: from first up to, not including, last.
func (x *Index) Share(file int) (first, last int) {
	first = file * x.PerFile
	return first, min(first+x.PerFile, x.Examples)
}

// ReadIndex reads the index of a folder. Errors name the file, and wrap [ErrFormat] where it is not an index.
func ReadIndex(dir string) (*Index, error) {
	path := filepath.Join(dir, indexName)
	text, err := smallfile.Read(path, maxIndex, "an index of embeddings")
	if err != nil {
		return nil, err
	}
	x := &Index{}
	if err = json.Unmarshal(text, x); err == nil {
		err = x.check()
	}
	if err != nil {
		return nil, fmt.Errorf("%w: %s: %w", ErrFormat, path, err)
	}
	return x, nil
}

// check says what is wrong with an index that anybody may have written.
func (x *Index) check() error {
	switch {
	case x.Format != format:
		return fmt.Errorf("its format is %.60q, expected %q", x.Format, format)
	case x.DType != "F32" && x.DType != "F16":
		return fmt.Errorf("dtype is %.60q, must be F32 or F16", x.DType)
	case x.Pictures != 1 && x.Pictures != 2:
		return fmt.Errorf("pictures is %d, must be 1 or 2", x.Pictures)
	case x.Examples < 1 || x.PerFile < 1 || len(x.Files) != (x.Examples-1)/x.PerFile+1:
		return fmt.Errorf("%d files of %d examples each do not make %d examples", len(x.Files), x.PerFile, x.Examples)
	}
	for _, name := range x.Files {
		if !filepath.IsLocal(name) || filepath.Base(name) != name {
			return fmt.Errorf("%.60q is not the name of a file in the folder", name)
		}
	}
	for _, a := range x.Activations {
		if err := a.check(); err != nil {
			return fmt.Errorf("activation %.60q: %w", a.Name, err)
		}
	}
	return nil
}

func (a *Activation) check() error {
	if !slices.Contains([]string{Examples, Pairs, Words, Regions}, a.Rows) {
		return fmt.Errorf("rows is %.60q, must be examples, pairs, words or regions", a.Rows)
	}
	keyed := a.Keys != ""
	if keyed && a.Keys != Words && a.Keys != Regions {
		return fmt.Errorf("keys is %.60q, must be words or regions", a.Keys)
	}
	if keyed && (a.Rows != Words && a.Rows != Regions) {
		return fmt.Errorf("it has keys, but its rows are %s", a.Rows)
	}
	for i, n := range a.Shape {
		if isKeys := keyed && i == len(a.Shape)-1; n < 0 && !(isKeys && n == -1) {
			return fmt.Errorf("its shape is %v", a.Shape)
		}
	}
	if keyed && (len(a.Shape) == 0 || a.Shape[len(a.Shape)-1] != -1) {
		return fmt.Errorf("its shape is %v, whose last axis must be -1, the keys", a.Shape)
	}
	return nil
}

// Essence is what must be alike for files to belong together. Of the model it is the weights and the numbers' type: where it
// was computed changes rounding only, so that parts of different machines can be joined.
func (x Index) Essence() Index {
	m := lxmert.Provenance{Hash: x.Model.Hash, DType: x.Model.DType}
	if m.Hash == "" {
		m.Weights = x.Model.Weights
	}
	x.Model = m
	return x
}

// run is a digest of the essence, which is in each file, so that files of other runs are told from those of this one.
func (x Index) run() (string, error) {
	x, err := x.written()
	if err != nil {
		return "", err
	}
	text, err := json.Marshal(x.Essence())
	sum := sha256.Sum256(text)
	return hex.EncodeToString(sum[:16]), err
}
