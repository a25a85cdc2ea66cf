package probe

import (
	"errors"
	"fmt"
	"math"
	"slices"

	"gonum.org/v1/gonum/floats"
	"gonum.org/v1/gonum/mat"
	"gonum.org/v1/gonum/optimize"
)

// Classifier is a multinomial logistic regression: the probability of class k for a row x is softmax(Weights x + Bias)[k].
type Classifier struct {
	Weights *mat.Dense // [K,D]; rows of classes that were not seen are zeros
	Bias    []float64  // [K]; their mean over the classes that were seen is 0, and it is -Inf for others
}

// ErrNotConverged is wrapped by the error of a regression whose optimum was not reached.
var ErrNotConverged = errors.New("the logistic regression did not reach its optimum")

// Logistic fits a classifier to rows x [n,D] with labels y from 0 to classes-1: the minimum of
//
//	1/2 |Weights|² + c * sum of -ln p(label)
//
// over weights and bias, which is not penalised. The function is convex and its minimum unique, so nothing is drawn and no
// learning rate is chosen. With two classes the weights are w/2 and -w/2 of a regression with a single vector and half of
// c; see [Binary]. A class without a row has probability 0, as the minimum lies at a bias of minus infinity.
//
// The error says which row is not finite or has no such label, or wraps [ErrNotConverged].
func Logistic(x *mat.Dense, y []int, classes int, c float64) (*Classifier, error) {
	n, dim := x.Dims()
	if err := checkRows(x, y, classes); err != nil {
		return nil, err
	}
	if !(c > 0) || math.IsInf(c, 0) {
		return nil, fmt.Errorf("the weight of the losses is %g, must be above 0", c)
	}
	seen, local := seenClasses(y, classes)
	k := len(seen)
	f := objective{x: x, y: make([]int, n), k: k, c: c, z: mat.NewDense(n, k, nil)}
	for i, label := range y {
		f.y[i] = local[label]
	}
	theta := make([]float64, k*(dim+1))
	if k > 1 {
		var err error
		if theta, err = f.minimum(theta); err != nil {
			return nil, err
		}
	}
	out := &Classifier{Weights: mat.NewDense(classes, dim, nil), Bias: make([]float64, classes)}
	for i := range out.Bias {
		out.Bias[i] = math.Inf(-1)
	}
	bias := theta[k*dim:]
	mean := floats.Sum(bias) / float64(k)
	for i, class := range seen {
		out.Weights.SetRow(class, theta[i*dim:(i+1)*dim])
		out.Bias[class] = bias[i] - mean
	}
	return out, nil
}

// Binary fits a logistic regression with one weight vector, p(true) = 1/(1+exp(-(w x + b))): the minimum of
// 1/2 |w|² + c * sum of -ln p(label).
func Binary(x *mat.Dense, y []bool, c float64) (w []float64, b float64, err error) {
	labels := make([]int, len(y))
	both := [2]bool{}
	for i, is := range y {
		if is {
			labels[i] = 1
		}
		both[labels[i]] = true
	}
	if !both[0] || !both[1] {
		return nil, 0, errors.New("all rows have the same label: there is nothing to tell apart")
	}
	two, err := Logistic(x, labels, 2, c/2)
	if err != nil {
		return nil, 0, err
	}
	w = mat.Row(nil, 1, two.Weights)
	floats.Sub(w, two.Weights.RawRowView(0))
	return w, two.Bias[1] - two.Bias[0], nil
}

// LogProb are the logarithms of the probabilities of rows x [n,D]: [n,K], nats, -Inf for classes that were not seen.
func (c *Classifier) LogProb(x *mat.Dense) *mat.Dense {
	n, _ := x.Dims()
	z := mat.NewDense(n, len(c.Bias), nil)
	z.Mul(x, c.Weights.T())
	for i := range n {
		row := z.RawRowView(i)
		floats.Add(row, c.Bias)
		floats.AddConst(-floats.LogSumExp(row), row)
	}
	return z
}

// Predict is the most probable class of each row of x [n,D]; of equals the first.
func (c *Classifier) Predict(x *mat.Dense) []int {
	p := c.LogProb(x)
	n, _ := p.Dims()
	out := make([]int, n)
	for i := range out {
		out[i] = floats.MaxIdx(p.RawRowView(i))
	}
	return out
}

func checkRows(x *mat.Dense, y []int, classes int) error {
	n, _ := x.Dims()
	if n != len(y) || n == 0 {
		return fmt.Errorf("%d rows and %d labels: there must be as many of each, and at least one", n, len(y))
	}
	for i, label := range y {
		if label < 0 || label >= classes {
			return fmt.Errorf("row %d has label %d, there are %d classes", i, label, classes)
		}
		for j, v := range x.RawRowView(i) {
			if math.IsNaN(v) || math.IsInf(v, 0) {
				return fmt.Errorf("row %d, column %d is %g: states must be finite numbers", i, j, v)
			}
		}
	}
	return nil
}

// seenClasses lists the classes that have rows, in order, and the place of each class in the list.
func seenClasses(y []int, classes int) (seen, local []int) {
	local = make([]int, classes)
	for _, label := range y {
		local[label] = 1
	}
	for class, has := range local {
		if has > 0 {
			local[class] = len(seen)
			seen = append(seen, class)
		}
	}
	return seen, local
}

// objective is what the regression minimises. Its parameters are the weights [K,D], then the biases [K].
type objective struct {
	x *mat.Dense
	y []int
	k int
	c float64
	z *mat.Dense // [n,K], room for the logits
}

func (f objective) split(theta []float64) (w *mat.Dense, b []float64) {
	_, dim := f.x.Dims()
	return mat.NewDense(f.k, dim, theta[:f.k*dim]), theta[f.k*dim:]
}

// value is the function at theta; its gradient goes to grad.
func (f objective) value(theta, grad []float64) float64 {
	w, b := f.split(theta)
	f.z.Mul(f.x, w.T())
	loss := 0.0
	for i, label := range f.y {
		row := f.z.RawRowView(i)
		floats.Add(row, b)
		all := floats.LogSumExp(row)
		loss += all - row[label]
		for j, z := range row {
			row[j] = f.c * math.Exp(z-all)
		}
		row[label] -= f.c
	}
	norm := floats.Norm(theta[:len(theta)-f.k], 2)
	gw, gb := f.split(grad)
	gw.Mul(f.z.T(), f.x)
	gw.Add(gw, w)
	clear(gb)
	for i := range f.y {
		floats.Add(gb, f.z.RawRowView(i))
	}
	return norm*norm/2 + f.c*loss
}

// Gradients are sums over rows of what is at most c times the largest |x|: near is the share of such a sum down to which the
// function's own values, which are rounded, still show a line search the way; from there Newton's steps, which need none,
// go on. good is the share that the result must have. As the function bends by at least 1 in every direction of the weights,
// these are as near to the optimum as the gradient is to 0.
const (
	near        = 1e-7
	good        = 1e-9
	evaluations = 20000
)

func (f objective) minimum(start []float64) ([]float64, error) {
	scale := f.c * float64(len(f.y)) * max(1, mat.Max(f.x), -mat.Min(f.x))
	at, value, slope := make([]float64, len(start)), math.NaN(), make([]float64, len(start))
	compute := func(theta []float64) {
		if math.IsNaN(value) || !floats.Equal(at, theta) {
			copy(at, theta)
			value = f.value(theta, slope)
		}
	}
	problem := optimize.Problem{
		Func: func(theta []float64) float64 { compute(theta); return value },
		Grad: func(grad, theta []float64) { compute(theta); copy(grad, slope) },
	}
	settings := &optimize.Settings{GradientThreshold: near * scale, FuncEvaluations: evaluations, Converger: optimize.NeverTerminate{}}
	result, err := optimize.Minimize(problem, start, settings, &optimize.LBFGS{Linesearcher: &optimize.MoreThuente{}})
	if result == nil {
		return nil, fmt.Errorf("%w: %w", ErrNotConverged, err)
	}
	theta, left := f.polished(result.X)
	// The search may end with an error where rounding hides that the function still falls, which the gradient judges.
	if !(left <= good*scale) {
		return nil, fmt.Errorf("%w: after %d steps its gradient is %g, must be below %g; features of very different sizes slow it down, standardise them", ErrNotConverged, result.MajorIterations, left, good*scale)
	}
	return theta, nil
}

// polished takes Newton's steps from a place near the optimum for as long as they make the gradient smaller, and returns where
// they end and the largest entry of the gradient there.
func (f objective) polished(theta []float64) ([]float64, float64) {
	grad := make([]float64, len(theta))
	f.value(theta, grad)
	left := floats.Norm(grad, math.Inf(1))
	for range 20 {
		next := slices.Clone(theta)
		floats.Sub(next, f.solve(grad))
		slope := make([]float64, len(theta))
		f.value(next, slope)
		now := floats.Norm(slope, math.Inf(1))
		if !(now < left) {
			break
		}
		theta, grad, left = next, slope, now
	}
	return theta, left
}

// solve finds d with H d = grad by conjugate gradients, H being how the function bends where it was computed last. It does not
// bend where the same is added to all biases, so what rounding leaves there is kept out.
func (f objective) solve(grad []float64) []float64 {
	d, r := make([]float64, len(grad)), slices.Clone(grad)
	f.level(r)
	p, old := slices.Clone(r), floats.Dot(r, r)
	for step, enough := 0, 1e-20*old; step < 500 && old > enough; step++ {
		bent := f.bend(p)
		curve := floats.Dot(p, bent)
		if !(curve > 0) {
			break
		}
		floats.AddScaled(d, old/curve, p)
		floats.AddScaled(r, -old/curve, bent)
		now := floats.Dot(r, r)
		floats.Scale(now/old, p)
		floats.Add(p, r)
		old = now
	}
	return d
}

// bend is H p where the function was computed last: [f.z] holds c (probability - label) of each row.
func (f objective) bend(p []float64) []float64 {
	w, b := f.split(p)
	var u mat.Dense
	u.Mul(f.x, w.T())
	for i, label := range f.y {
		row, z := u.RawRowView(i), f.z.RawRowView(i)
		floats.Add(row, b)
		mean := 0.0
		for j, r := range z {
			probability := r
			if j == label {
				probability += f.c
			}
			mean += probability / f.c * row[j]
		}
		for j, r := range z {
			if j == label {
				r += f.c
			}
			row[j] = r * (row[j] - mean)
		}
	}
	out := slices.Clone(p)
	gw, gb := f.split(out)
	var data mat.Dense
	data.Mul(u.T(), f.x)
	gw.Add(gw, &data)
	clear(gb)
	for i := range f.y {
		floats.Add(gb, u.RawRowView(i))
	}
	f.level(out)
	return out
}

// level takes the mean of the biases out of them.
func (f objective) level(theta []float64) {
	_, b := f.split(theta)
	floats.AddConst(-floats.Sum(b)/float64(f.k), b)
}
