package concept

import (
	"errors"
	"fmt"

	"gonum.org/v1/gonum/floats"
	"gonum.org/v1/gonum/mat"

	"github.com/seed-516990b0/golxmert/analysis/probe"
)

// MeanDifference is the direction from the mean of the states without a concept to that of the states with it, of length 1.
func MeanDifference(x *mat.Dense, has []bool) ([]float64, error) {
	n, d := x.Dims()
	if n != len(has) {
		return nil, fmt.Errorf("%d states but labels of %d", n, len(has))
	}
	var means [2][]float64
	var counts [2]int
	means[0], means[1] = make([]float64, d), make([]float64, d)
	for i, is := range has {
		side := 0
		if is {
			side = 1
		}
		floats.Add(means[side], x.RawRowView(i))
		counts[side]++
	}
	if counts[0] == 0 || counts[1] == 0 {
		return nil, errors.New("all states have the same label: a direction leads from some to others")
	}
	for side := range means {
		floats.Scale(1/float64(counts[side]), means[side])
	}
	return unit(floats.SubTo(means[1], means[1], means[0]))
}

// CAV is the concept activation vector: the direction, of length 1, in which a logistic regression with penalty 1/c tells
// states with a concept from states without it. States are taken as they are, not standardised.
func CAV(x *mat.Dense, has []bool, c float64) ([]float64, error) {
	if n, _ := x.Dims(); n != len(has) {
		return nil, fmt.Errorf("%d states but labels of %d", n, len(has))
	}
	w, _, err := probe.Binary(x, has, c)
	if err != nil {
		return nil, err
	}
	return unit(w)
}

// OneHot is one column for each class with 1 for the rows of that class: [n,classes].
func OneHot(labels []int, classes int) (*mat.Dense, error) {
	if len(labels) == 0 || classes < 1 {
		return nil, fmt.Errorf("%d labels of %d classes", len(labels), classes)
	}
	z := mat.NewDense(len(labels), classes, nil)
	for i, k := range labels {
		if k < 0 || k >= classes {
			return nil, fmt.Errorf("label %d of state %d is none of %d classes", k, i, classes)
		}
		z.Set(i, k, 1)
	}
	return z, nil
}
