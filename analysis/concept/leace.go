package concept

import (
	"errors"
	"fmt"
	"math"

	"gonum.org/v1/gonum/floats"
	"gonum.org/v1/gonum/mat"
)

// Eraser changes a state x to x - P(x - Mean).
type Eraser struct {
	P    *mat.Dense // [D,D], a projection
	Mean []float64  // of the states that it was made of, [D]
	// Rank is how many dimensions the eraser takes out.
	Rank int
	// StateRank is how many dimensions the states of which it was made have: LayerNorm leaves D-1 at the most.
	StateRank int
	// Eigenvalues of the states' covariance, ascending; nil of an eraser of one direction.
	Eigenvalues []float64
}

// Below these parts of the largest one, eigenvalues of the states' covariance and singular values of their covariance with the
// concept are zeros that rounding has moved. In float32 that of a hyperplane is about 1e-14.
const (
	smallestEigenvalue = 1e-8
	smallestSingular   = 1e-6
	smallestSpread     = 1e-12 // of states, relative to their length: what rounding makes of equal ones
	uncorrelated       = 1e-9  // singular values of what has nothing to do with the states, of labels of variance 1
)

// LEACE makes the eraser of a concept from states x [n,D] and labels z [n,k], which for classes are one column each with 1 for
// its own rows. After it the covariance of states and labels is 0, the mean is as before, and of all such changes it moves
// states the least, measured by their own covariance.
//
// The states' covariance is never of full rank, because LayerNorm's output lies in a hyperplane: it is inverted where it is not 0.
func LEACE(x, z *mat.Dense) (*Eraser, error) {
	n, d := x.Dims()
	rows, k := z.Dims()
	if n != rows {
		return nil, fmt.Errorf("%d states but labels of %d", n, rows)
	}
	if n < 2 {
		return nil, fmt.Errorf("%d states: a covariance needs two at least", n)
	}
	mean, centred := centre(x)
	_, labels := centre(z)
	spread := mat.Norm(labels, 2) / math.Sqrt(float64(n))
	if !(spread > 0) {
		return nil, errors.New("the labels are all the same: there is nothing to erase")
	}
	covariance := mat.NewSymDense(d, nil)
	covariance.SymOuterK(1/float64(n), centred.T())
	var eigen mat.EigenSym
	if !eigen.Factorize(covariance, true) {
		return nil, errors.New("the states' covariance has no eigenvalues: is a state not a number?")
	}
	e := &Eraser{Mean: mean, Eigenvalues: eigen.Values(nil), P: mat.NewDense(d, d, nil)}
	largest, rounding := e.Eigenvalues[d-1], smallestSpread*mat.Norm(x, 2)/math.Sqrt(float64(n))
	whitening, colouring := mat.NewDense(d, d, nil), mat.NewDense(d, d, nil) // W, and its pseudo-inverse
	var vectors mat.Dense
	eigen.VectorsTo(&vectors)
	for i, value := range e.Eigenvalues {
		if value > max(smallestEigenvalue*largest, rounding*rounding) {
			e.StateRank++
			v := vectors.ColView(i)
			whitening.RankOne(whitening, 1/math.Sqrt(value), v, v)
			colouring.RankOne(colouring, math.Sqrt(value), v, v)
		}
	}
	cross, whitened := mat.NewDense(d, k, nil), mat.NewDense(d, k, nil)
	cross.Mul(centred.T(), labels)
	cross.Scale(1/float64(n), cross)
	whitened.Mul(whitening, cross)
	var svd mat.SVD
	if !svd.Factorize(whitened, mat.SVDThin) {
		return nil, errors.New("the covariance of states and labels has no singular values: is a label not a number?")
	}
	var u mat.Dense
	svd.UTo(&u)
	values := svd.Values(nil)
	kept := mat.NewDense(d, d, nil)
	for i, value := range values {
		if value > smallestSingular*values[0] && value > uncorrelated*spread {
			e.Rank++
			v := u.ColView(i)
			kept.RankOne(kept, 1, v, v)
		}
	}
	e.P.Product(colouring, kept, whitening)
	return e, nil
}

// Along is the eraser of one direction: what a state has of it, beyond what the mean has, is taken out.
func Along(direction, mean []float64) (*Eraser, error) {
	if len(direction) != len(mean) {
		return nil, fmt.Errorf("a direction of %d numbers and a mean of %d", len(direction), len(mean))
	}
	v, err := unit(direction)
	if err != nil {
		return nil, err
	}
	p := mat.NewDense(len(v), len(v), nil)
	p.Outer(1, mat.NewVecDense(len(v), v), mat.NewVecDense(len(v), v))
	return &Eraser{P: p, Mean: mean, Rank: 1}, nil
}

// Erase returns states without the concept: [n,D].
func (e *Eraser) Erase(x *mat.Dense) *mat.Dense {
	n, d := x.Dims()
	out, moved := mat.NewDense(n, d, nil), mat.NewDense(n, d, nil)
	for i := range n {
		floats.SubTo(out.RawRowView(i), x.RawRowView(i), e.Mean)
	}
	moved.Mul(out, e.P.T())
	out.Sub(x, moved)
	return out
}

// centre is the mean of rows, and the rows less their mean.
func centre(x *mat.Dense) ([]float64, *mat.Dense) {
	n, d := x.Dims()
	mean := make([]float64, d)
	for i := range n {
		floats.Add(mean, x.RawRowView(i))
	}
	floats.Scale(1/float64(n), mean)
	out := mat.DenseCopyOf(x)
	for i := range n {
		floats.Sub(out.RawRowView(i), mean)
	}
	return mean, out
}

// unit is a vector of length 1.
func unit(v []float64) ([]float64, error) {
	length := floats.Norm(v, 2)
	if !(length > 0) || math.IsInf(length, 0) {
		return nil, errors.New("the direction is zero or not a number")
	}
	return floats.ScaleTo(make([]float64, len(v)), 1/length, v), nil
}
