package task

import (
	"errors"
	"maps"
	"slices"

	"github.com/seed-516990b0/golxmert/lxmert/dataset"
	"github.com/seed-516990b0/golxmert/lxmert/region"
)

// This file divides training into epochs: over all splits together, or over one after the other.

// examples are those of some splits: a [dataset.Set], or for pre-training a [dataset.Corpus].
type examples interface {
	comparable
	Len() int
	Fingerprints() map[string]region.Fingerprint
}

// phase is one epoch, or the first part of one, over one set of examples.
type phase[E examples] struct {
	set   E
	epoch int // of this set, for its order
	steps int
}

// phasesOf reads what is trained on and says how many steps each epoch has. read gives the examples of some splits, and how many
// steps an epoch over them has, at least one.
func phasesOf[E examples](o *Options, read func(splits []string) (set E, steps int, err error)) (phases []phase[E], err error) {
	splits, epochs := [][]string{o.Train}, []float64{float64(o.Epochs)}
	if o.Schedule != nil {
		splits, epochs = slices.Collect(slices.Chunk(o.Train, 1)), o.Schedule
	}
	for i, names := range splits {
		set, steps, err := read(names)
		if err != nil {
			return nil, err
		}
		for e, n := range epochSteps(epochs[i], steps) {
			phases = append(phases, phase[E]{set, e, n})
		}
	}
	if len(phases) == 0 {
		return nil, errors.New("task: --curriculum leaves no step")
	}
	return phases, nil
}

// epochSteps are the steps of each of some epochs, the last of which may be a part of one.
func epochSteps(epochs float64, steps int) (each []int) {
	for ; epochs > 0; epochs-- {
		if n := int(min(1, epochs)*float64(steps) + 1e-9); n > 0 {
			each = append(each, n)
		}
	}
	return each
}

// stepsIn are the steps of each phase.
func stepsIn[E examples](phases []phase[E]) (each []int) {
	for _, p := range phases {
		each = append(each, p.steps)
	}
	return each
}

// cutPhases ends phases where --maxSteps ends the run, and counts the steps that are left.
func cutPhases[E examples](o *Options, phases []phase[E]) (_ []phase[E], total int) {
	steps, total := o.limited(stepsIn(phases))
	phases = phases[:len(steps)]
	for i, n := range steps {
		phases[i].steps = n
	}
	return phases, total
}

// setsOf are what phases go over, each once.
func setsOf[E examples](phases []phase[E]) (sets []E) {
	for _, p := range phases {
		if !slices.Contains(sets, p.set) {
			sets = append(sets, p.set)
		}
	}
	return sets
}

// fingerprints sum up the region features that are trained on.
func fingerprints[E examples](phases []phase[E]) map[string]region.Fingerprint {
	all := map[string]region.Fingerprint{}
	for _, set := range setsOf(phases) {
		maps.Copy(all, set.Fingerprints())
	}
	return all
}

// order is how a phase goes through its examples.
func (p phase[E]) order(o *Options) []int {
	if !o.NoShuffle {
		return dataset.Order(p.set.Len(), o.Seed, p.epoch)
	}
	order := make([]int, p.set.Len())
	for i := range order {
		order[i] = i
	}
	return order
}
