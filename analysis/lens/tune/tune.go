// Package tune fits tuned lenses: for each level of a stream the affine map of its states that comes closest to the states of
// the last level.
//
// The map minimises the sum over all states of ‖xA + b - last‖² plus lambda ‖A‖², with b free: ridge regression, in closed
// form, so that nothing is drawn and nothing has to converge. (Belrose et al. minimise the divergence of predictions by
// gradient descent; squared distance needs no head and gives all levels in one pass.)
package tune

import (
	"context"
	"errors"
	"fmt"

	"gonum.org/v1/gonum/mat"

	"github.com/seed-516990b0/golxmert/analysis"
	"github.com/seed-516990b0/golxmert/analysis/lens"
	"github.com/seed-516990b0/golxmert/analysis/probe"
	"github.com/seed-516990b0/golxmert/lxmert"
)

// DefaultLambda is small beside the number of states that a lens is usually fitted to.
const DefaultLambda = 0.1

// Fitting is a tuned lens while states are added to it. Its memory depends on the model alone.
type Fitting struct {
	eng    lxmert.Engine
	stream analysis.Stream
	levels []string
	sums   []sums // by level
	model  lxmert.Provenance
}

// sums are what the least squares of one level need.
type sums struct {
	n      float64
	x, y   *mat.VecDense // sums of states and of last states
	xx, xy *mat.Dense    // of products
}

// New begins a lens for a stream of a model.
func New(eng lxmert.Engine, stream analysis.Stream) *Fitting {
	f := &Fitting{eng: eng, stream: stream, levels: analysis.Levels(eng.Config(), stream)}
	d := eng.Config().Hidden
	for range f.levels {
		f.sums = append(f.sums, sums{0, mat.NewVecDense(d, nil), mat.NewVecDense(d, nil), mat.NewDense(d, d, nil), mat.NewDense(d, d, nil)})
	}
	return f
}

// Add takes the states of a batch's valid words, or regions.
func (f *Fitting) Add(ctx context.Context, b *lxmert.Batch) error {
	states, err := probe.ReadStates(ctx, f.eng, analysis.Separate(b), f.levels...)
	if err != nil {
		return err
	}
	f.model = states.From
	last := states.Valid(f.levels[len(f.levels)-1])
	if last == nil {
		return nil
	}
	for k, level := range f.levels {
		f.sums[k].add(states.Valid(level), last)
	}
	return nil
}

func (s *sums) add(x, y *mat.Dense) {
	n, d := x.Dims()
	s.n += float64(n)
	ones := mat.NewVecDense(n, nil)
	for i := range n {
		ones.SetVec(i, 1)
	}
	sum, product := mat.NewVecDense(d, nil), mat.NewDense(d, d, nil)
	sum.MulVec(x.T(), ones)
	s.x.AddVec(s.x, sum)
	sum.MulVec(y.T(), ones)
	s.y.AddVec(s.y, sum)
	product.Mul(x.T(), x)
	s.xx.Add(s.xx, product)
	product.Mul(x.T(), y)
	s.xy.Add(s.xy, product)
}

// Fit fits a lens to a data set, which data names, with [DefaultLambda]. progress, if there is one, is told how many examples
// were read.
func Fit(ctx context.Context, eng lxmert.Engine, stream analysis.Stream, batches probe.Batches, data string, progress func(done int)) (*lens.Tuned, error) {
	f, done := New(eng, stream), 0
	for b, err := range batches {
		if err == nil {
			err = f.Add(ctx, b)
		}
		if err != nil {
			return nil, err
		}
		done += b.Rows()
		if progress != nil {
			progress(done)
		}
	}
	return f.Lens(DefaultLambda, data)
}

// Lens is the tuned lens for what was added, which data names. lambda weighs the penalty on each map against the sum over all
// states and must be greater than 0: states of a level lie in a hyperplane, so that without it there is no one best map.
func (f *Fitting) Lens(lambda float64, data string) (*lens.Tuned, error) {
	if !(lambda > 0) {
		return nil, fmt.Errorf("lambda %g must be greater than 0: the states of a level lie in a hyperplane, so that without it the map is not determined", lambda)
	}
	if f.sums[0].n == 0 {
		return nil, errors.New("there are no states to fit a tuned lens to: add batches with words, or regions")
	}
	out := &lens.Tuned{Stream: f.stream, Data: data, States: int(f.sums[0].n), Lambda: lambda, Model: f.model}
	for k := range f.sums {
		m, err := f.sums[k].solve(lambda)
		if err != nil {
			return nil, fmt.Errorf("%s: %w", f.levels[k], err)
		}
		out.Maps = append(out.Maps, m)
	}
	return out, nil
}

// solve is the minimum: A = (Σ + lambda)⁻¹ times the covariance with the last level, and b = what makes means fit.
func (s *sums) solve(lambda float64) (lens.Affine, error) {
	d := s.x.Len()
	centred := mat.NewSymDense(d, nil)
	right := mat.NewDense(d, d, nil)
	for i := range d {
		for j := range d {
			right.Set(i, j, s.xy.At(i, j)-s.x.AtVec(i)*s.y.AtVec(j)/s.n)
			if j >= i {
				centred.SetSym(i, j, s.xx.At(i, j)-s.x.AtVec(i)*s.x.AtVec(j)/s.n)
			}
		}
		centred.SetSym(i, i, centred.At(i, i)+lambda)
	}
	var factors mat.Cholesky
	if !factors.Factorize(centred) {
		return lens.Affine{}, errors.New("the covariance of its states cannot be inverted: a larger lambda makes it so")
	}
	var a mat.Dense
	if err := factors.SolveTo(&a, right); err != nil {
		var condition mat.Condition // it is solved, with fewer digits
		if !errors.As(err, &condition) {
			return lens.Affine{}, err
		}
	}
	m := lens.Affine{B: make([]float64, d)}
	for i := range d {
		m.A = append(m.A, mat.Row(nil, i, &a))
		m.B[i] = s.y.AtVec(i) / s.n
	}
	for i := range d {
		for j := range d {
			m.B[j] -= s.x.AtVec(i) / s.n * m.A[i][j]
		}
	}
	return m, nil
}
