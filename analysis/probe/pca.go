package probe

import (
	"errors"
	"fmt"
	"math"

	"gonum.org/v1/gonum/floats"
	"gonum.org/v1/gonum/mat"
)

// Components are principal components of rows [n,D], centred and not scaled.
type Components struct {
	Mean       []float64  // [D]
	Directions *mat.Dense // [k,D], each of length 1, its largest entry positive
	Share      []float64  // [k], of the variance that a direction explains, 0 to 1
	Scores     *mat.Dense // [n,k], where the rows lie along the directions
}

// PCA finds the k directions along which rows x [n,D] vary most. The error says that there are not so many, or which row is
// not finite.
func PCA(x *mat.Dense, k int) (Components, error) {
	n, dim := x.Dims()
	if err := checkRows(x, make([]int, n), 1); err != nil {
		return Components{}, err
	}
	if k < 1 || k > min(n-1, dim) {
		return Components{}, fmt.Errorf("%d components of %d rows with %d columns: there are at most %d", k, n, dim, min(n-1, dim))
	}
	c := Components{Mean: make([]float64, dim), Directions: mat.NewDense(k, dim, nil), Scores: mat.NewDense(n, k, nil)}
	centred := mat.DenseCopyOf(x)
	for i := range n {
		floats.AddScaled(c.Mean, 1/float64(n), x.RawRowView(i))
	}
	for i := range n {
		floats.Sub(centred.RawRowView(i), c.Mean)
	}
	var svd mat.SVD
	if !svd.Factorize(centred, mat.SVDThin) {
		return Components{}, errors.New("the principal components were not found")
	}
	values := svd.Values(nil)
	var right mat.Dense
	svd.VTo(&right)
	all := floats.Dot(values, values)
	if !(all > 0) {
		return Components{}, errors.New("all rows are the same: they vary in no direction")
	}
	for i := range k {
		direction := mat.Col(nil, i, &right)
		largest := 0
		for j, v := range direction {
			if math.Abs(v) > math.Abs(direction[largest]) {
				largest = j
			}
		}
		floats.Scale(math.Copysign(1, direction[largest]), direction)
		c.Directions.SetRow(i, direction)
		c.Share = append(c.Share, values[i]*values[i]/all)
	}
	c.Scores.Mul(centred, c.Directions.T())
	return c, nil
}
