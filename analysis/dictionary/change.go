package dictionary

import (
	"fmt"
	"math"
	"strconv"
	"strings"
)

// Change is what is done to one feature: f becomes Scale f + Add. The zero Scale and Add switch it off.
type Change struct {
	Feature    int
	Scale, Add float64
}

// Off switches a feature off.
func Off(feature int) Change { return Change{Feature: feature} }

// Set gives a feature a value.
func Set(feature int, value float64) Change { return Change{feature, 0, value} }

// Scale multiplies a feature.
func Scale(feature int, by float64) Change { return Change{feature, by, 0} }

// String writes a change as [ParseChanges] reads it.
func (c Change) String() string {
	switch {
	case c.Scale == 0:
		return fmt.Sprintf("%d=%g", c.Feature, c.Add)
	case c.Add == 0:
		return fmt.Sprintf("%d*%g", c.Feature, c.Scale)
	}
	return fmt.Sprintf("%d*%g%+g", c.Feature, c.Scale, c.Add)
}

// ParseChanges reads changes with commas between them: "12=0" switches feature 12 off, "12=5" sets it, "12*2" scales it.
func ParseChanges(text string) ([]Change, error) {
	var all []Change
	for _, part := range strings.Split(text, ",") {
		part = strings.TrimSpace(part)
		at := strings.IndexAny(part, "=*")
		if at < 0 {
			return nil, fmt.Errorf(`%q must be a feature and what is done to it, such as "12=0" (off), "12=5" or "12*2"`, part)
		}
		feature, err := strconv.Atoi(strings.TrimSpace(part[:at]))
		if err != nil || feature < 0 {
			return nil, fmt.Errorf("%q: %q is not the number of a feature, they count from 0", part, part[:at])
		}
		value, err := strconv.ParseFloat(strings.TrimSpace(part[at+1:]), 64)
		if err != nil || math.IsNaN(value) || math.IsInf(value, 0) {
			return nil, fmt.Errorf("%q: %q is not a number", part, part[at+1:])
		}
		if part[at] == '=' {
			all = append(all, Set(feature, value))
		} else {
			all = append(all, Scale(feature, value))
		}
	}
	return all, nil
}

// Check says which changes are of features that there are not, or of one feature twice.
func (d *Dictionary) Check(changes []Change) error {
	seen := map[int]bool{}
	for _, c := range changes {
		if c.Feature < 0 || c.Feature >= d.Features() {
			return fmt.Errorf("%s has no feature %d, it has 0 to %d", d.Name, c.Feature, d.Features()-1)
		}
		if seen[c.Feature] {
			return fmt.Errorf("feature %d is changed twice", c.Feature)
		}
		seen[c.Feature] = true
	}
	return nil
}

// Difference is what changes of features add to what is written at one position, [E], where x [D] is read. Adding it keeps
// what the dictionary does not explain of the activation, its error.
func (d *Dictionary) Difference(x []float32, changes []Change) []float32 {
	f := d.Encode(x)
	difference := make([]float64, len(f))
	for _, c := range changes {
		difference[c.Feature] = c.of(f[c.Feature]) - f[c.Feature]
	}
	return narrow(d.direction(difference))
}

// Reconstruct is what the dictionary makes of x [D] with some features changed, [E]. Its error is lost.
func (d *Dictionary) Reconstruct(x []float32, changes []Change) []float32 {
	f := d.Encode(x)
	for _, c := range changes {
		f[c.Feature] = c.of(f[c.Feature])
	}
	return narrow(d.Decode(f))
}

func (c Change) of(f float64) float64 { return c.Scale*f + c.Add }

func narrow(x []float64) []float32 {
	out := make([]float32, len(x))
	for i, v := range x {
		out[i] = float32(v)
	}
	return out
}
