package datamap

import (
	"cmp"
	"errors"
	"fmt"
	"math"
	"path/filepath"
	"slices"

	"github.com/seed-516990b0/golxmert/lxmert/dynamics"
)

// Region is a part of the map.
type Region string

// The regions of a map: an example is ambiguous if its variability is greater than that of two thirds of all examples. Of the
// others those with a confidence of a half or more are easy to learn, and the rest are hard.
const (
	Easy      Region = "easy to learn"
	Ambiguous Region = "ambiguous"
	Hard      Region = "hard to learn"
)

// Regions are all of them.
func Regions() []Region { return []Region{Easy, Ambiguous, Hard} }

// Example is where an example lies.
type Example struct {
	Number int    // in the run
	ID     string // of its question
	Kind   string // of the question, where the question file says it, after [Map.Questions]

	Confidence, Variability, Correctness float64 // 0 to 1; see the package comment

	Epochs int // in which it was seen
	Region Region
}

// Map is the map of a run's examples.
type Map struct {
	About    dynamics.About
	Examples []Example // that were seen with a label, in the run's order
	Unseen   int       // examples that were not, or have no label
}

// ErrNothing is wrapped by the error about a run that has not seen any example yet.
var ErrNothing = errors.New("no example was seen yet")

// Open makes the map of a run, by its folder. The error is [os.ErrNotExist] where the run has kept nothing of its examples.
func Open(run string) (*Map, error) {
	f, err := dynamics.Read(filepath.Join(run, dynamics.FileName))
	if err != nil {
		return nil, err
	}
	m, err := New(f)
	if err != nil {
		return nil, fmt.Errorf("%s: %w", run, err)
	}
	return m, nil
}

// New makes the map of what a run has recorded so far.
func New(f *dynamics.File) (*Map, error) {
	m := &Map{About: f.About}
	for i, id := range f.IDs {
		x := Example{Number: i, ID: id}
		sum, score := 0.0, 0.0
		for e := range f.Epochs {
			if p := float64(f.Probabilities[e][i]); !math.IsNaN(p) {
				sum, score, x.Epochs = sum+p, score+float64(f.Scores[e][i]), x.Epochs+1
			}
		}
		if x.Epochs == 0 {
			m.Unseen++
			continue
		}
		n := float64(x.Epochs)
		x.Confidence, x.Correctness = sum/n, score/n
		squares := 0.0
		for e := range f.Epochs {
			if d := float64(f.Probabilities[e][i]) - x.Confidence; !math.IsNaN(d) {
				squares += d * d
			}
		}
		x.Variability = math.Sqrt(squares / n)
		m.Examples = append(m.Examples, x)
	}
	if len(m.Examples) == 0 {
		return nil, fmt.Errorf("datamap: %w: the map is of what a run has seen, epoch by epoch", ErrNothing)
	}
	m.divide()
	return m, nil
}

// divide gives each example its region.
func (m *Map) divide() {
	sorted := make([]float64, len(m.Examples))
	for i, x := range m.Examples {
		sorted[i] = x.Variability
	}
	slices.Sort(sorted)
	limit := sorted[(2*len(sorted)+2)/3-1]
	for i := range m.Examples {
		x := &m.Examples[i]
		switch {
		case x.Variability > limit:
			x.Region = Ambiguous
		case x.Confidence >= 0.5:
			x.Region = Easy
		default:
			x.Region = Hard
		}
	}
}

// Epochs is the most epochs in which any example was seen.
func (m *Map) Epochs() int {
	most := 0
	for _, x := range m.Examples {
		most = max(most, x.Epochs)
	}
	return most
}

// Hardest are the n examples with the lowest confidence, the lowest first; of equal ones that which varied less, and then the earlier.
func (m *Map) Hardest(n int) []Example {
	sorted := slices.Clone(m.Examples)
	slices.SortStableFunc(sorted, func(a, b Example) int {
		return cmp.Or(cmp.Compare(a.Confidence, b.Confidence), cmp.Compare(a.Variability, b.Variability))
	})
	return sorted[:max(0, min(n, len(sorted)))]
}
