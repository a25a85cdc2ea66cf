package task

import (
	"fmt"
	"math"
	"path/filepath"

	"github.com/seed-516990b0/golxmert/lxmert/dataset"
	"github.com/seed-516990b0/golxmert/lxmert/dynamics"
	"github.com/seed-516990b0/golxmert/lxmert/train"
)

// This file says what a run keeps of each of its examples.

// dynamics keeps the examples of some sets, one set after the other.
func (s *session) dynamics(sets []*dataset.Set) (*train.Dynamics, error) {
	data, err := filepath.Abs(s.opt.Root)
	if err != nil {
		return nil, fmt.Errorf("task: %w", err)
	}
	d := &train.Dynamics{About: dynamics.About{Task: s.task.Name, Data: data, Kind: s.loss.Kind}}
	first := map[*dataset.Set]int{}
	for _, set := range sets {
		first[set] = len(d.IDs)
		for i := range set.Examples {
			d.IDs = append(d.IDs, set.Examples[i].ID)
		}
		d.About.Parts = append(d.About.Parts, dynamics.Part{Splits: set.Splits, Examples: set.Len()})
	}
	d.Of = func(p train.Part, outputs []any) (examples []int, probabilities, scores []float32, err error) {
		set := p.Origin.(*dataset.Set)
		classes, of := outputs[classOutput].([]int32), outputs[probabilityOutput].([]float32)
		for i, k := range p.Index {
			probability := of[i]
			if probability < 0 {
				probability = float32(math.NaN())
			}
			examples = append(examples, first[set]+k)
			probabilities = append(probabilities, probability)
			scores = append(scores, float32(s.score(&set.Examples[k], int(classes[i]))))
		}
		return examples, probabilities, scores, nil
	}
	return d, nil
}
