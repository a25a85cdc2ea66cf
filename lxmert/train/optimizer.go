package train

import (
	"fmt"
	"math"
	"strings"

	. "github.com/gomlx/gomlx/core/graph"
)

// Optimizer is a rule that moves parameters along gradients. The zero value is nothing; use [NewOptimizer].
//
// GoMLX's optimizers are not used: none has BertAdam's schedule, decay of everything and missing bias correction, and
// all keep their state in variables that a failing step loses.
type Optimizer struct {
	Name string // "bert", "rms", "adam", "adamax" or "sgd"

	slots  int // arrays of state per parameter, of its shape, zero at the start
	update func(r rates, p, g *Node, state []*Node) (newP *Node, newState []*Node)
}

// rates are the scalars of a step: the learning rate, and 1 minus the powers of Adam's two decay rates.
type rates struct{ lr, correct1, correct2 *Node }

const (
	beta1, beta2 = 0.9, 0.999
	bertEps      = 1e-6
	torchEps     = 1e-8
	weightDecay  = 0.01 // BertAdam's, on every parameter, biases and LayerNorm too
	rmsDecay     = 0.99
)

// NewOptimizer returns one by the reference's names: any name with "bert" in it is BertAdam, the others are PyTorch's
// with their default settings.
func NewOptimizer(name string) (Optimizer, error) {
	if strings.Contains(name, "bert") {
		return Optimizer{Name: "bert", slots: 2, update: bertAdam}, nil
	}
	switch name {
	case "rms":
		return Optimizer{Name: name, slots: 1, update: rmsProp}, nil
	case "adam":
		return Optimizer{Name: name, slots: 2, update: adam}, nil
	case "adamax":
		return Optimizer{Name: name, slots: 2, update: adamax}, nil
	case "sgd":
		return Optimizer{Name: name, update: sgd}, nil
	}
	return Optimizer{}, fmt.Errorf("train: no optimizer %q; there are bert, rms, adam, adamax and sgd", name)
}

// scheduled reports whether the learning rate follows a schedule; PyTorch's optimizers keep theirs.
func (o Optimizer) scheduled() bool { return o.Name == "bert" }

// bertAdam is Adam with decoupled weight decay, without bias correction, with eps outside the root:
//
//	m = b1 m + (1-b1) g    v = b2 v + (1-b2) g^2    p = p - lr (m / (sqrt(v) + eps) + wd p)
func bertAdam(r rates, p, g *Node, state []*Node) (*Node, []*Node) {
	m, v := moments(g, state)
	u := Add(Div(m, AddScalar(Sqrt(v), bertEps)), MulScalar(p, weightDecay))
	return Sub(p, Mul(r.lr, u)), []*Node{m, v}
}

// adam is Kingma and Ba's, algorithm 1, as PyTorch writes it.
func adam(r rates, p, g *Node, state []*Node) (*Node, []*Node) {
	m, v := moments(g, state)
	step := Div(r.lr, r.correct1)
	return Sub(p, Mul(step, Div(m, AddScalar(Div(Sqrt(v), Sqrt(r.correct2)), torchEps)))), []*Node{m, v}
}

// adamax is Kingma and Ba's, algorithm 2, with PyTorch's eps inside the maximum.
func adamax(r rates, p, g *Node, state []*Node) (*Node, []*Node) {
	m := average(state[0], g, beta1)
	u := Max(MulScalar(state[1], beta2), AddScalar(Abs(g), torchEps))
	return Sub(p, Mul(Div(r.lr, r.correct1), Div(m, u))), []*Node{m, u}
}

// rmsProp is PyTorch's: no momentum, not centred.
func rmsProp(r rates, p, g *Node, state []*Node) (*Node, []*Node) {
	v := average(state[0], Square(g), rmsDecay)
	return Sub(p, Mul(r.lr, Div(g, AddScalar(Sqrt(v), torchEps)))), []*Node{v}
}

func sgd(r rates, p, g *Node, _ []*Node) (*Node, []*Node) { return Sub(p, Mul(r.lr, g)), nil }

func moments(g *Node, state []*Node) (m, v *Node) {
	return average(state[0], g, beta1), average(state[1], Square(g), beta2)
}

// average is decay * old + (1-decay) * x.
func average(old, x *Node, decay float64) *Node {
	return Add(MulScalar(old, decay), MulScalar(x, 1-decay))
}

// corrections are 1 - b1^t and 1 - b2^t of the t-th update, from 1.
func corrections(t int) (float32, float32) {
	return float32(1 - math.Pow(beta1, float64(t))), float32(1 - math.Pow(beta2, float64(t)))
}
