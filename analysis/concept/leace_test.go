package concept_test

import (
	"context"
	"math"
	"math/rand/v2"
	"strings"
	"testing"

	"gonum.org/v1/gonum/mat"

	"github.com/seed-516990b0/golxmert/analysis"
	"github.com/seed-516990b0/golxmert/analysis/concept"
	"github.com/seed-516990b0/golxmert/analysis/internal/goldencase"
	"github.com/seed-516990b0/golxmert/analysis/probe"
	"github.com/seed-516990b0/golxmert/internal/goldentest"
	"github.com/seed-516990b0/golxmert/lxmert"
)

const level = "hid.t.4"

// tolerance of the goldens' README for a tensor.
func tolerance(name string) goldentest.Tolerance {
	switch {
	case strings.Contains(name, ".small."):
		return goldentest.Tolerance{Absolute: 1e-10}
	case strings.Contains(name, ".effect."), strings.HasSuffix(name, ".P"), strings.HasSuffix(name, ".X"), strings.HasSuffix(name, ".erased"):
		return goldentest.Tolerance{Relative: 2e-5, Absolute: 3e-6}
	}
	return goldentest.Tolerance{Relative: 4e-6, Absolute: 3e-6}
}

func leace(t *testing.T, x, z *mat.Dense) *concept.Eraser {
	t.Helper()
	e, err := concept.LEACE(x, z)
	if err != nil {
		t.Fatal(err)
	}
	return e
}

func table(golden goldencase.File, name string) *mat.Dense {
	shape := golden.Shape(name)
	return mat.NewDense(shape[0], shape[1], golden.Floats(name))
}

// ids are those of the valid words of a batch, row by row.
func ids(b *lxmert.Batch) (all []int) {
	for n := range b.Rows() {
		for i, there := range analysis.ValidWords(b, n) {
			if there {
				all = append(all, int(b.IDs[n][i]))
			}
		}
	}
	return all
}

func second[X any](x X, err error) X {
	if err != nil {
		panic(err)
	}
	return x
}

func TestErasureEqualsReference(t *testing.T) {
	eachGolden(t, func(t *testing.T, eng lxmert.Engine, b *lxmert.Batch, folder string) {
		golden := goldencase.Open(t, folder, "leace")
		var thirds []int
		var even []bool
		for _, id := range ids(b) {
			thirds, even = append(thirds, id%3), append(even, id%2 == 0)
		}
		for i, y := range golden.Floats("leace.concept.y") {
			if even[i] != (y == 1) {
				t.Fatalf("state %d has another label", i)
			}
		}
		results := func(eng lxmert.Engine) map[string][]float64 {
			ctx := context.Background()
			states, err := probe.ReadStates(ctx, eng, b, level)
			if err != nil {
				t.Fatal(err)
			}
			x := states.Valid(level)
			z := second(concept.OneHot(thirds, 3))
			two := make([]int, len(even))
			for i, is := range even {
				if is {
					two[i] = 1
				}
			}
			three, one := leace(t, x, z), leace(t, x, mat.NewDense(len(even), 1, floatsOf(two)))
			difference, cav := second(concept.MeanDifference(x, even)), second(concept.CAV(x, even, 1))
			w, bias, err := probe.Binary(x, even, 1)
			if err != nil {
				t.Fatal(err)
			}
			out := map[string][]float64{
				"leace.X": x.RawMatrix().Data, "leace.Z": z.RawMatrix().Data, "leace.P": three.P.RawMatrix().Data, "leace.mean": three.Mean,
				"leace.erased": three.Erase(x).RawMatrix().Data, "leace.eigenvalues": three.Eigenvalues,
				"leace.rank":             {float64(three.StateRank), float64(three.Rank)},
				"leace.concept.meandiff": difference, "leace.concept.cav": cav, "leace.concept.coef": w, "leace.concept.intercept": {bias},
				"leace.concept.P": one.P.RawMatrix().Data,
			}
			for name, e := range map[string]*concept.Eraser{
				"none": nil, "leace3": three, "leace": one,
				"meandiff": second(concept.Along(difference, three.Mean)), "cav": second(concept.Along(cav, three.Mean)),
			} {
				r := lxmert.Request{Want: lxmert.All("out.qa", "out.match")}
				if e != nil {
					edit, err := concept.Edit(ctx, eng, b, level, e)
					if err != nil {
						t.Fatal(err)
					}
					r.Edits = []lxmert.Edit{edit}
				}
				trace, err := eng.Run(ctx, b, r)
				if err != nil {
					t.Fatal(err)
				}
				out["leace.effect."+name+".qa"], out["leace.effect."+name+".match"] = trace.Values["out.qa"].Float64s(), trace.Values["out.match"].Float64s()
			}
			return out
		}
		within := reach(t, folder, results)
		for name, got := range results(eng) {
			golden.CompareWide(name, got, tolerance(name).WithReach(within[name]))
		}
		golden.Use("leace.small.", "leace.concept.y") // in TestErasureOfFewStatesEqualsReference, and above
	})
}

func TestErasureOfFewStatesEqualsReference(t *testing.T) {
	for _, folder := range goldentest.Folders(t, "analysis") {
		golden := goldencase.Open(t, folder, "leace")
		x := table(golden, "leace.small.X")
		e := leace(t, x, table(golden, "leace.small.Z"))
		for name, got := range map[string][]float64{
			"P": e.P.RawMatrix().Data, "mean": e.Mean, "erased": e.Erase(x).RawMatrix().Data, "rank": {float64(e.StateRank), float64(e.Rank)},
		} {
			golden.CompareWide("leace.small."+name, got, tolerance(".small."))
		}
		golden.Use("leace.")
	}
}

// TestNothingLinearIsLeftOfWhatWasErased: whatever states, as many dimensions as they have and labels; the mean stays, erasing
// twice is erasing once, and a probe that told the classes apart no longer does.
func TestNothingLinearIsLeftOfWhatWasErased(t *testing.T) {
	for seed := range uint64(10) {
		draw := rand.New(rand.NewPCG(seed, 0))
		n, d, k := 60+draw.IntN(60), 3+draw.IntN(12), 2+draw.IntN(3)
		x, labels := mat.NewDense(n, d, nil), make([]int, n)
		for i := range n {
			labels[i] = draw.IntN(k)
			for j := range d {
				x.Set(i, j, draw.NormFloat64())
			}
			x.Set(i, labels[i]%d, x.At(i, labels[i]%d)+5)
			sum := 0.0
			for _, v := range x.RawRowView(i) {
				sum += v
			}
			for j := range d {
				x.Set(i, j, x.At(i, j)-sum/float64(d)) // as LayerNorm does
			}
		}
		z := second(concept.OneHot(labels, k))
		e := leace(t, x, z)
		if e.StateRank != d-1 || e.Rank != min(k-1, d-1) {
			t.Errorf("seed %d: ranks %d and %d of %d dimensions and %d classes", seed, e.StateRank, e.Rank, d, k)
		}
		erased := e.Erase(x)
		if c := covariance(erased, z); mat.Max(c) > 1e-12 || mat.Min(c) < -1e-12 {
			t.Errorf("seed %d: states and labels still vary together", seed)
		}
		var twice mat.Dense
		twice.Mul(e.P, e.P)
		if !mat.EqualApprox(&twice, e.P, 1e-10) {
			t.Errorf("seed %d: erasing twice is more than erasing once", seed)
		}
		after := leace(t, erased, second(concept.OneHot(shuffled(n, draw), 2)))
		for j := range d {
			if math.Abs(after.Mean[j]-e.Mean[j]) > 1e-12 {
				t.Errorf("seed %d: the mean moved", seed)
			}
		}
		if again := leace(t, erased, z); again.Rank != 0 || mat.Norm(again.P, 2) != 0 {
			t.Errorf("seed %d: there is something left to erase: %d dimensions", seed, again.Rank)
		}
		if before := accuracy(t, x, labels, k); before < 0.7 {
			t.Errorf("seed %d: a probe is right in %g of the states", seed, before)
		}
		// The best probe of what is left looks at no state: with any weights but 0 it loses more than it wins. (How often it is
		// right says less, as classes may be equally frequent.)
		best, err := probe.Logistic(erased, labels, k, 1)
		if err != nil {
			t.Fatal(err)
		}
		// Its parameters are as near to the optimum as the gradient is to 0, as the penalty alone bends the function by 1.
		if left := best.LogProb(erased); !mat.EqualApprox(exp(left), frequencies(labels, k), 1e-6) {
			t.Errorf("seed %d: after erasure a probe still tells states apart", seed)
		}
	}
}

func exp(x *mat.Dense) *mat.Dense {
	var out mat.Dense
	out.Apply(func(_, _ int, v float64) float64 { return math.Exp(v) }, x)
	return &out
}

// frequencies of classes, in a row for each label.
func frequencies(labels []int, classes int) *mat.Dense {
	out := mat.NewDense(len(labels), classes, nil)
	for _, k := range labels {
		for i := range labels {
			out.Set(i, k, out.At(i, k)+1/float64(len(labels)))
		}
	}
	return out
}

// accuracy of a probe on the states that it was trained on.
func accuracy(t *testing.T, x *mat.Dense, labels []int, classes int) float64 {
	t.Helper()
	c, err := probe.Logistic(x, labels, classes, 1)
	if err != nil {
		t.Fatal(err)
	}
	right := 0
	for i, k := range c.Predict(x) {
		if k == labels[i] {
			right++
		}
	}
	return float64(right) / float64(len(labels))
}

// shuffled are labels 0 and 1 that have nothing to do with anything.
func shuffled(n int, draw *rand.Rand) []int {
	labels := make([]int, n)
	for i := range labels {
		labels[i] = i % 2
	}
	draw.Shuffle(n, func(i, j int) { labels[i], labels[j] = labels[j], labels[i] })
	return labels
}

// covariance of two sets of numbers, without its divisor.
func covariance(x, z *mat.Dense) *mat.Dense {
	n, _ := x.Dims()
	middle := func(m *mat.Dense) *mat.Dense {
		out := mat.DenseCopyOf(m)
		_, d := m.Dims()
		for j := range d {
			mean := mat.Sum(m.ColView(j)) / float64(n)
			for i := range n {
				out.Set(i, j, m.At(i, j)-mean)
			}
		}
		return out
	}
	var c mat.Dense
	c.Mul(middle(x).T(), middle(z))
	c.Scale(1/float64(n), &c)
	return &c
}

func TestEffectsSayWhatErasingDoes(t *testing.T) {
	onGo(t, func(t *testing.T, eng lxmert.Engine, b *lxmert.Batch, _ string) {
		ctx := context.Background()
		d := eng.Config().Hidden
		nothing := &concept.Eraser{P: mat.NewDense(d, d, nil), Mean: make([]float64, d)}
		direction := make([]float64, d)
		direction[1] = 1
		some := second(concept.Along(direction, make([]float64, d)))
		table, err := concept.Effects(ctx, eng, b, analysis.Predicted(), level, concept.Named{Name: "none", Eraser: nothing}, concept.Named{Name: "one", Eraser: some})
		if err != nil {
			t.Fatal(err)
		}
		if table.Check() != nil || len(table.Rows) != 3 || table.N != b.Rows() || table.Unit != "logit" {
			t.Fatalf("%+v", table)
		}
		if x := table.Rows[1][4].(float64); x > 1e-5 {
			t.Errorf("erasing nothing changes the score by %g", x)
		}
		if x := table.Rows[2][4].(float64); !(x > 1e-3) {
			t.Errorf("erasing a direction changes the score by %g", x)
		}
	})
}

// TestSensitivityIsTheSlope of moving all valid states in a direction.
func TestSensitivityIsTheSlope(t *testing.T) {
	onGo(t, func(t *testing.T, eng lxmert.Engine, b *lxmert.Batch, folder string) {
		ctx := context.Background()
		draw := rand.New(rand.NewPCG(1, 0))
		direction := make([]float64, eng.Config().Hidden)
		for i := range direction {
			direction[i] = draw.NormFloat64()
		}
		for _, level := range []string{"hid.t.4", "hid.i.1"} {
			results := func(eng lxmert.Engine) map[string][]float64 {
				return map[string][]float64{"": second(concept.Sensitivity(ctx, eng, b, analysis.Answer(1), level, direction))}
			}
			slopes, within := slopesOf(t, eng, b, level, direction)
			rounding := reach(t, folder, results)[""]
			for n, got := range results(eng)[""] {
				if !(math.Abs(got-slopes[n]) <= within[n]+rounding) {
					t.Errorf("%s, row %d: sensitivity %g, the slope is %g within %g", level, n, got, slopes[n], within[n]+rounding)
				}
			}
		}
	})
}

func TestWhatCannotBeErasedIsAnError(t *testing.T) {
	x := mat.NewDense(4, 2, []float64{1, 2, 3, 4, 5, 6, 7, 9})
	for want, err := range map[string]error{
		"labels of 3":         erase(x, mat.NewDense(3, 1, []float64{0, 1, 0})),
		"all the same":        erase(x, mat.NewDense(4, 1, []float64{2, 2, 2, 2})),
		"needs two":           erase(mat.NewDense(1, 2, nil), mat.NewDense(1, 1, nil)),
		"none of 2 classes":   only(concept.OneHot([]int{0, 2}, 2)),
		"the same label":      only(concept.MeanDifference(x, make([]bool, 4))),
		"labels of 5":         only(concept.CAV(x, make([]bool, 5), 1)),
		"is zero":             only(concept.Along([]float64{0, 0}, []float64{0, 0})),
		"and a mean of 3":     only(concept.Along([]float64{0, 1}, []float64{0, 0, 0})),
		"nothing to tell":     only(concept.CAV(x, make([]bool, 4), 1)),
		"2 states but labels": only(concept.MeanDifference(mat.NewDense(2, 2, nil), make([]bool, 4))),
	} {
		if err == nil || !strings.Contains(err.Error(), want) {
			t.Errorf("%v, want an error with %q", err, want)
		}
	}
	onGo(t, func(t *testing.T, eng lxmert.Engine, b *lxmert.Batch, _ string) {
		wrong := second(concept.Along([]float64{1}, []float64{0}))
		for want, level := range map[string]string{"is not a level": "x.0.ti.out", "is called": "hid.t.99", "of states of 1": "hid.t.0", "hid.t.* is not a level": "hid.t.*"} {
			if _, err := concept.Edit(context.Background(), eng, b, level, wrong); err == nil || !strings.Contains(err.Error(), want) {
				t.Errorf("%s: %v, want an error with %q", level, err, want)
			}
		}
	})
}

func erase(x, z *mat.Dense) error { return only(concept.LEACE(x, z)) }

func only[X any](_ X, err error) error { return err }
