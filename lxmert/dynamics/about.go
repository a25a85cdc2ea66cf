package dynamics

import (
	"encoding/json"
	"errors"
	"fmt"

	"github.com/seed-516990b0/golxmert/lxmert"
)

// FileName is what the file is called in a run's folder.
const FileName = "dynamics.safetensors"

// ErrFormat is wrapped by every error that says a file is not one of this package.
var ErrFormat = errors.New("not a file of training dynamics")

// About is what the numbers are about.
type About struct {
	Task string // its name, as package dataset has it
	Data string // the data folder
	Kind string // the rule by which logits became probabilities, [lxmert.Sigmoid] or [lxmert.Softmax]
	// Parts are where the examples are from, in their order.
	Parts []Part
	// Epochs is how many rows there are.
	Epochs int
}

// Part is examples that were loaded together.
type Part struct {
	Splits   []string `json:"splits"`
	Examples int      `json:"examples"`
}

// Examples is how many there are in all parts.
func (a About) Examples() int {
	n := 0
	for _, p := range a.Parts {
		n += p.Examples
	}
	return n
}

// Splits are those of the part that an example belongs to.
func (a About) Splits(example int) []string {
	for _, p := range a.Parts {
		if example < p.Examples {
			return p.Splits
		}
		example -= p.Examples
	}
	return nil
}

// Names in a file.
const (
	probabilityArray = "probability"
	scoreArray       = "score"
	idArray          = "ids"

	versionNote = "dynamics"
	taskNote    = "task"
	dataNote    = "data"
	kindNote    = "kind"
	partsNote   = "parts"

	version = "1"
)

// notes are the metadata of a file.
func (a About) notes() (map[string]string, error) {
	parts, err := json.Marshal(a.Parts)
	if err != nil {
		return nil, err
	}
	return map[string]string{versionNote: version, taskNote: a.Task, dataNote: a.Data, kindNote: a.Kind, partsNote: string(parts)}, nil
}

// readNotes reads what [About.notes] wrote.
func readNotes(notes map[string]string) (a About, err error) {
	if notes[versionNote] != version {
		return a, fmt.Errorf("its version is %q, must be %q", notes[versionNote], version)
	}
	a.Task, a.Data, a.Kind = notes[taskNote], notes[dataNote], notes[kindNote]
	if a.Kind != lxmert.Sigmoid && a.Kind != lxmert.Softmax {
		return a, fmt.Errorf("its probabilities are of the kind %q, must be %s or %s", a.Kind, lxmert.Sigmoid, lxmert.Softmax)
	}
	if err := json.Unmarshal([]byte(notes[partsNote]), &a.Parts); err != nil {
		return a, fmt.Errorf("its parts: %w", err)
	}
	for _, p := range a.Parts {
		if p.Examples < 0 || p.Examples > maxExamples {
			return a, fmt.Errorf("a part has %d examples", p.Examples)
		}
	}
	return a, nil
}

// maxExamples of a part is more than any data set has, and few enough for sums of parts to stay numbers.
const maxExamples = 1 << 40
