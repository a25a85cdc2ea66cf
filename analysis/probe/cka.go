package probe

import (
	"fmt"
	"math"

	"gonum.org/v1/gonum/mat"
)

// LinearCKA is the centred kernel alignment of two sets of states of the same n examples, x [n,D] and y [n,E]:
// |Yc' Xc|² / (|Xc' Xc| |Yc' Yc|), 0 to 1. Shifts, rotations and one scale for all columns change nothing. With few
// examples and many columns it is far too large whatever the states are; see [DebiasedCKA]. NaN if either is constant.
func LinearCKA(x, y *mat.Dense) float64 { return LinearKernel(x).CKA(LinearKernel(y)) }

// DebiasedCKA is [LinearCKA] with an unbiased estimate of each of its three terms, HSIC1 of Song et al. (2012), so that states
// which have nothing in common have 0 on average, and therefore sometimes less. At most 1; NaN with fewer than 4 examples or
// constant states.
func DebiasedCKA(x, y *mat.Dense) float64 { return DebiasedKernel(x).CKA(DebiasedKernel(y)) }

// Kernel is what CKA takes of a set of states, [n,n], made once for a set that is compared with many others.
type Kernel struct {
	k    *mat.Dense
	term func(k, l *mat.Dense) float64
	own  float64 // the term with itself
}

// LinearKernel is that of [LinearCKA].
func LinearKernel(x *mat.Dense) Kernel { return newKernel(centred(gram(x)), inner) }

// DebiasedKernel is that of [DebiasedCKA].
func DebiasedKernel(x *mat.Dense) Kernel { return newKernel(hollow(gram(x)), hsic) }

func newKernel(k *mat.Dense, term func(k, l *mat.Dense) float64) Kernel {
	return Kernel{k, term, term(k, k)}
}

// CKA compares two kernels of the same kind, of the same examples.
func (k Kernel) CKA(other Kernel) float64 { return ratio(k.term(k.k, other.k), k.own, other.own) }

// ratio is CKA from its three terms. The two below the line may be 0 or, being estimates, less: then there is no alignment.
func ratio(xy, xx, yy float64) float64 {
	if !(xx > 0) || !(yy > 0) {
		return math.NaN()
	}
	return xy / math.Sqrt(xx*yy)
}

// Alignment adds up the terms of debiased CKA between several sets of states, over batches of examples, so that it never
// holds more than one batch (Nguyen et al. 2021). The zero value is ready.
type Alignment struct {
	n     int
	terms [][]float64 // [sets][sets], sums of HSIC1
}

// Add adds a batch: sets of states [n,D_s] of the same n examples, which must be at least 4. Every batch has the same sets.
func (a *Alignment) Add(sets ...*mat.Dense) error {
	if a.terms == nil {
		a.terms = make([][]float64, len(sets))
		for i := range a.terms {
			a.terms[i] = make([]float64, len(sets))
		}
	}
	if len(sets) != len(a.terms) {
		return fmt.Errorf("%d sets of states, the batches before had %d", len(sets), len(a.terms))
	}
	kernels := make([]*mat.Dense, len(sets))
	for i, x := range sets {
		n, _ := x.Dims()
		if first, _ := sets[0].Dims(); n != first || n < 4 {
			return fmt.Errorf("states %d have %d examples and the first %d: there must be as many of each, at least 4", i, n, first)
		}
		kernels[i] = hollow(gram(x))
	}
	for i, k := range kernels {
		for j := range i + 1 {
			term := hsic(k, kernels[j])
			a.terms[i][j] += term
			if i != j {
				a.terms[j][i] += term
			}
		}
	}
	n, _ := sets[0].Dims()
	a.n += n
	return nil
}

// Examples is how many examples were added.
func (a *Alignment) Examples() int { return a.n }

// CKA is the debiased alignment of all sets with all: [sets][sets], 1 on the diagonal. NaN where a set's own term is not
// above 0, as that of constant states.
func (a *Alignment) CKA() [][]float64 {
	out := make([][]float64, len(a.terms))
	for i := range out {
		out[i] = make([]float64, len(a.terms))
		for j := range out[i] {
			out[i][j] = ratio(a.terms[i][j], a.terms[i][i], a.terms[j][j])
		}
	}
	return out
}

// gram is x x', of x less its mean, which changes no alignment and keeps rounding small where the mean is far from 0. Of
// states that are the same in all examples, up to the last bits of a float32, it is zeros, not the rounding that is left.
func gram(x *mat.Dense) *mat.Dense {
	n, dim := x.Dims()
	shifted := mat.DenseCopyOf(x)
	for j := range dim {
		mean := mat.Sum(x.ColView(j)) / float64(n)
		for i := range n {
			shifted.Set(i, j, x.At(i, j)-mean)
		}
	}
	k := mat.NewDense(n, n, nil)
	if largest := max(mat.Max(x), -mat.Min(x)); max(mat.Max(shifted), -mat.Min(shifted)) > 0x1p-20*largest {
		k.Mul(shifted, shifted.T())
	}
	return k
}

// centred takes the mean of every row and column out of a symmetric matrix, in place.
func centred(k *mat.Dense) *mat.Dense {
	n, _ := k.Dims()
	means, all := make([]float64, n), 0.0
	for i := range means {
		means[i] = mat.Sum(k.RowView(i)) / float64(n)
		all += means[i] / float64(n)
	}
	k.Apply(func(i, j int, v float64) float64 { return v - means[i] - means[j] + all }, k)
	return k
}

// hollow sets the diagonal to 0, in place.
func hollow(k *mat.Dense) *mat.Dense {
	n, _ := k.Dims()
	for i := range n {
		k.Set(i, i, 0)
	}
	return k
}

// hsic is HSIC1 of two symmetric matrices with zero diagonals; NaN for fewer than 4 rows.
func hsic(k, l *mat.Dense) float64 {
	rows, _ := k.Dims()
	if rows < 4 {
		return math.NaN()
	}
	n := float64(rows)
	sumK, sumL, both := 0.0, 0.0, 0.0
	for i := range rows {
		a, b := mat.Sum(k.RowView(i)), mat.Sum(l.RowView(i))
		sumK, sumL, both = sumK+a, sumL+b, both+a*b
	}
	return (inner(k, l) + sumK*sumL/((n-1)*(n-2)) - 2*both/(n-2)) / (n * (n - 3))
}

// inner is the sum of the products of the entries of two matrices.
func inner(a, b *mat.Dense) float64 {
	sum := 0.0
	rows, _ := a.Dims()
	for i := range rows {
		sum += mat.Dot(a.RowView(i), b.RowView(i))
	}
	return sum
}
