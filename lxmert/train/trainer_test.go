package train

import (
	"context"
	"math"
	"path/filepath"
	"testing"

	. "github.com/gomlx/gomlx/core/graph"

	"github.com/seed-516990b0/golxmert/lxmert"
	"github.com/seed-516990b0/golxmert/lxmert/backend"
	"github.com/seed-516990b0/golxmert/lxmert/backend/backendtest"
	"github.com/seed-516990b0/golxmert/lxmert/internal/synthetic"
	"github.com/seed-516990b0/golxmert/lxmert/lxrt"
)

// small is a model of which every part is there once.
func small() lxmert.Config {
	return lxmert.Config{
		Vocab: 30, Hidden: 16, Heads: 2, Intermediate: 24, MaxPositions: 12, TokenTypes: 2, Activation: "gelu",
		LangLayers: 1, RegionLayers: 1, CrossLayers: 1, FeatDim: 6, BoxDim: 4, TaskClasses: 5, TaskImages: 1,
	}
}

// rows makes a part with random answers.
func rows(cfg lxmert.Config, seed, n int) Part {
	target := make([]float32, n*cfg.TaskClasses)
	s := synthetic.NewStream(seed, "target")
	for i := range target {
		target[i] = float32(s.Bits(i) % 2)
	}
	return Part{
		Batch:  synthetic.Batch(cfg, seed, n, 6, 5),
		Labels: map[string]Label{"target": {target, []int{n, cfg.TaskClasses}}},
	}
}

// cut is some of a part's rows.
func cut(p Part, from, to int) Part {
	classes := p.Labels["target"].Shape[1]
	b := *p.Batch
	b.IDs, b.TextMask = b.IDs[from:to], nil
	if b.Segments != nil {
		b.Segments = b.Segments[from:to]
	}
	b.Words, b.Images = nil, nil
	rows := func(t lxmert.Tensor) lxmert.Tensor {
		n := lxmert.Size(t.Shape[1:])
		return lxmert.Tensor{Shape: append([]int{to - from}, t.Shape[1:]...), Data: t.Data[from*n : to*n]}
	}
	b.Feats, b.Boxes = rows(b.Feats), rows(b.Boxes)
	return Part{Batch: &b, Labels: map[string]Label{
		"target": {p.Labels["target"].Data.([]float32)[from*classes : to*classes], []int{to - from, classes}},
	}}
}

var plain = Options{Optimizer: "bert", LR: 1e-2, Schedule: Schedule{Warmup: -1, Total: -1}, Clip: 5}

// trained are all parameters after some steps.
func trained(t *testing.T, b *backend.Backend, opt Options, steps ...[]Part) map[string][]float32 {
	t.Helper()
	tr := newTrainer(t, b, &Initial{Config: small(), Seed: 3, Range: 0.1}, answers, opt)
	for _, parts := range steps {
		if _, err := tr.Step(context.Background(), parts...); err != nil {
			t.Fatal(err)
		}
	}
	out := map[string][]float32{}
	for _, p := range small().Params() {
		out[p.Name] = tr.values(t, p.Name, -1)
	}
	return out
}

// distance is the largest difference between two sets of parameters, key biases aside, whose gradients are rounding.
func distance(a, b map[string][]float32) (worst float64, at string) {
	for name := range a {
		if len(name) > 9 && name[len(name)-9:] == ".key.bias" {
			continue
		}
		for i := range a[name] {
			if d := math.Abs(float64(a[name][i] - b[name][i])); d > worst {
				worst, at = d, name
			}
		}
	}
	return worst, at
}

// withDropout shows that masks do not depend on how a step is done either.
func withDropout() Options {
	opt := plain
	opt.HiddenDropout, opt.AttentionDropout = 0.1, 0.1
	return opt
}

func TestAccumulationEqualsOneLargeBatch(t *testing.T) {
	cfg := small()
	one, two := rows(cfg, 1, 8), rows(cfg, 2, 8)
	b := backendtest.Open(t, "cpu")
	want := trained(t, b, withDropout(), []Part{one}, []Part{two})
	parts := func(p Part) []Part { return []Part{cut(p, 0, 2), cut(p, 2, 4), cut(p, 4, 6), cut(p, 6, 8)} }
	if d, at := distance(trained(t, b, withDropout(), parts(one), parts(two)), want); d > 1e-5 {
		t.Errorf("%s differs by %g", at, d)
	}
}

func TestSeveralDevicesEqualOne(t *testing.T) {
	cfg := small()
	one, two := rows(cfg, 1, 8), rows(cfg, 2, 8)
	opt := withDropout()
	b := backendtest.Open(t, "cpu,devices=4")
	want := trained(t, b, opt, []Part{one}, []Part{two})
	for _, devices := range []int{2, 4} {
		opt.Devices = devices
		if d, at := distance(trained(t, b, opt, []Part{one}, []Part{two}), want); d > 1e-5 {
			t.Errorf("%d devices: %s differs by %g", devices, at, d)
		}
	}
}

func TestRematerializationChangesNothing(t *testing.T) {
	cfg := small()
	parts := []Part{rows(cfg, 1, 4)}
	backendtest.Each(t, func(t *testing.T, b *backend.Backend) {
		opt := withDropout()
		want := trained(t, b, opt, parts, parts)
		opt.Rematerialize = true
		if d, at := distance(trained(t, b, opt, parts, parts), want); d > 1e-5 {
			t.Errorf("%s differs by %g", at, d)
		}
	})
}

func TestAGradientThatIsNotFiniteIsSkippedThoughTheLossIs(t *testing.T) {
	b := backendtest.Open(t, "go")
	// A root has no slope at 0.
	root := func(net *lxrt.Net, label func(string) *Node) (*Node, []*Node) {
		logits := net.Node("out.task")
		return Sqrt(ReduceAllSum(Mul(Square(logits), label("target")))), []*Node{logits}
	}
	tr := newTrainer(t, b, &Initial{Config: small(), Seed: 3, Range: 0.1}, root, plain)
	good, bad := rows(small(), 1, 4), rows(small(), 2, 4)
	bad.Labels["target"] = Label{make([]float32, 4*small().TaskClasses), []int{4, small().TaskClasses}}
	if r, err := tr.Step(t.Context(), good); err != nil || r.Skipped || tr.Steps() != 1 {
		t.Fatalf("a good step: %+v, %v", r, err)
	}
	state := func() string {
		path := filepath.Join(t.TempDir(), stateFile)
		if err := tr.saveState(path, position{}); err != nil {
			t.Fatal(err)
		}
		_, all := savedState(t, path)
		return all
	}
	before := state()
	r, err := tr.Step(t.Context(), bad)
	if err != nil || !finite(r.Loss) || finite(r.Norm) || !r.Skipped || tr.Steps() != 1 {
		t.Errorf("%+v, %v after %d steps", r, err, tr.Steps())
	}
	if state() != before {
		t.Error("a skipped step changed parameters or moments")
	}
}

func TestStepsThatAreNotFiniteChangeNothing(t *testing.T) {
	cfg := small()
	b := backendtest.Open(t, "cpu")
	good := rows(cfg, 1, 4)
	bad := rows(cfg, 1, 4)
	bad.Labels["target"].Data.([]float32)[3] = float32(math.NaN())
	tr := newTrainer(t, b, &Initial{Config: cfg, Seed: 3, Range: 0.1}, answers, plain)
	before := tr.values(t, "logit_fc.3.weight", -1)
	r, err := tr.Step(context.Background(), bad)
	if err != nil {
		t.Fatal(err)
	}
	if !r.Skipped || tr.Steps() != 0 {
		t.Errorf("a step with a loss of %g is not skipped", r.Loss)
	}
	for i, x := range tr.values(t, "logit_fc.3.weight", -1) {
		if x != before[i] {
			t.Fatal("a skipped step moved a parameter")
		}
	}
	if r, err = tr.Step(context.Background(), good); err != nil || r.Skipped || tr.Steps() != 1 {
		t.Errorf("after a skipped step: %+v, %v", r, err)
	}
}

func TestOptimizersEqualTheirFormulas(t *testing.T) {
	const lr = 0.01
	for _, name := range []string{"rms", "adam", "adamax", "sgd"} {
		t.Run(name, func(t *testing.T) {
			o, err := NewOptimizer(name)
			if err != nil {
				t.Fatal(err)
			}
			b := backendtest.Open(t, "go")
			p, state := 0.5, make([]float64, o.slots)
			gotP, gotState := float32(0.5), make([]float32, o.slots)
			for step, g := range []float64{0.3, -2, 1e-4, 0.7} {
				k := float64(step + 1)
				switch name {
				case "rms":
					state[0] = 0.99*state[0] + 0.01*g*g
					p -= lr * g / (math.Sqrt(state[0]) + 1e-8)
				case "adam":
					state[0], state[1] = 0.9*state[0]+0.1*g, 0.999*state[1]+0.001*g*g
					mhat, vhat := state[0]/(1-math.Pow(0.9, k)), state[1]/(1-math.Pow(0.999, k))
					p -= lr * mhat / (math.Sqrt(vhat) + 1e-8)
				case "adamax":
					state[0], state[1] = 0.9*state[0]+0.1*g, math.Max(0.999*state[1], math.Abs(g)+1e-8)
					p -= lr / (1 - math.Pow(0.9, k)) * state[0] / state[1]
				case "sgd":
					p -= lr * g
				}
				c1, c2 := corrections(step + 1)
				in := append([]float32{gotP, float32(g), lr, c1, c2}, gotState...)
				out, err := ExecOnce(b.Backend, func(x *Node) *Node {
					at := func(i int) *Node { return Reshape(Slice(x, AxisElem(i))) }
					var s []*Node
					for i := range o.slots {
						s = append(s, at(5+i))
					}
					np, ns := o.update(rates{at(2), at(3), at(4)}, at(0), at(1), s)
					return Stack(append([]*Node{np}, ns...), 0)
				}, in)
				if err != nil {
					t.Fatal(err)
				}
				v := out.Value().([]float32)
				gotP = v[0]
				copy(gotState, v[1:])
				if math.Abs(float64(gotP)-p) > 1e-5 {
					t.Errorf("step %d: %g, expected %g", step, gotP, p)
				}
			}
		})
	}
	if _, err := NewOptimizer("lion"); err == nil {
		t.Error("an unknown optimizer is accepted")
	}
	if o, err := NewOptimizer("mybertadam"); err != nil || o.Name != "bert" {
		t.Errorf("a name with bert in it is %q, %v", o.Name, err)
	}
}

func TestBFloat16TrainsFloat32Parameters(t *testing.T) {
	cfg := small()
	b := backendtest.Open(t, "cpu")
	var losses [2][]float64
	for i, half := range []bool{false, true} {
		opt := plain
		opt.BFloat16 = half
		tr := newTrainer(t, b, &Initial{Config: cfg, Seed: 3, Range: 0.1}, answers, opt)
		for step := range 4 {
			r, err := tr.Step(context.Background(), rows(cfg, step%2, 8))
			if err != nil {
				t.Fatal(err)
			}
			losses[i] = append(losses[i], r.Loss)
		}
		// A parameter that had been rounded to bfloat16 would have 16 zero bits at its end.
		exact := 0
		for _, x := range tr.values(t, "logit_fc.0.weight", -1) {
			if math.Float32bits(x)&0xffff != 0 {
				exact++
			}
		}
		if exact < 100 {
			t.Errorf("bfloat16 %v: only %d parameters have more than bfloat16's bits", half, exact)
		}
	}
	for i := range losses[0] {
		if d := math.Abs(losses[1][i]/losses[0][i] - 1); d > 0.02 || d == 0 {
			t.Errorf("step %d: loss %g in bfloat16, %g in float32", i, losses[1][i], losses[0][i])
		}
	}
}
