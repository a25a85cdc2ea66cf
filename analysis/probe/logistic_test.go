package probe_test

import (
	"math"
	"math/rand/v2"
	"slices"
	"strconv"
	"strings"
	"testing"

	"gonum.org/v1/gonum/floats"
	"gonum.org/v1/gonum/mat"

	"github.com/seed-516990b0/golxmert/analysis/internal/goldencase"
	"github.com/seed-516990b0/golxmert/analysis/probe"
	"github.com/seed-516990b0/golxmert/internal/goldentest"
)

// table is a golden matrix.
func table(f goldencase.File, name string) *mat.Dense {
	shape := f.Shape(name)
	return mat.NewDense(shape[0], shape[1], f.Floats(name))
}

// some are the rows of x, and labels, that are wanted.
func some(x *mat.Dense, y []int, want func(i int) bool) (*mat.Dense, []int) {
	var rows, labels []float64
	_, dim := x.Dims()
	for i, label := range y {
		if want(i) {
			rows, labels = append(rows, x.RawRowView(i)...), append(labels, float64(label))
		}
	}
	out := make([]int, len(labels))
	for i, label := range labels {
		out[i] = int(label)
	}
	return mat.NewDense(len(out), dim, rows), out
}

// slope is the gradient of the regression's function with c = 1, written down a second time: of weights [K,D], then biases.
func slope(x *mat.Dense, y []int, w *mat.Dense, b []float64) []float64 {
	k, dim := w.Dims()
	g := make([]float64, k*dim+k)
	copy(g, w.RawMatrix().Data)
	for i, label := range y {
		row := x.RawRowView(i)
		p := softmax(row, w, b)
		p[label]--
		for class, r := range p {
			floats.AddScaled(g[class*dim:(class+1)*dim], r, row)
			g[k*dim+class] += r
		}
	}
	return g
}

func softmax(row []float64, w *mat.Dense, b []float64) []float64 {
	p := slices.Clone(b)
	sum := 0.0
	for class := range p {
		p[class] = math.Exp(p[class] + floats.Dot(row, w.RawRowView(class)))
		sum += p[class]
	}
	floats.Scale(1/sum, p)
	return p
}

// bend is the least curvature of the regression's function with c = 1 at w and b, but for the direction that adds the same to
// all biases, which changes nothing.
func bend(t *testing.T, x *mat.Dense, y []int, w *mat.Dense, b []float64) float64 {
	t.Helper()
	k, dim := w.Dims()
	size := k * (dim + 1)
	h := mat.NewSymDense(size, nil)
	for i := range k * dim {
		h.SetSym(i, i, 1)
	}
	at := func(class, j int) int {
		if j == dim {
			return k*dim + class
		}
		return class*dim + j
	}
	for i := range y {
		row := append(slices.Clone(x.RawRowView(i)), 1)
		p := softmax(row[:dim], w, b)
		for c := range k {
			for d := range k {
				r := -p[c] * p[d]
				if c == d {
					r += p[c]
				}
				for j, u := range row {
					for l, v := range row {
						if m, n := at(c, j), at(d, l); m <= n {
							h.SetSym(m, n, h.At(m, n)+r*u*v)
						}
					}
				}
			}
		}
	}
	var eigen mat.EigenSym
	if !eigen.Factorize(h, false) {
		t.Fatal("the curvature has no eigenvalues")
	}
	values := eigen.Values(nil)
	if values[0] > 1e-9 {
		t.Fatalf("the least eigenvalue is %g, not that of the common bias", values[0])
	}
	return values[1]
}

// TestProbeEqualsReference compares the unique optimum with that of the reference, which stopped searching a little before it:
// its gradient says how far from the optimum it is at most, half of which is owed to the bend between the two.
func TestProbeEqualsReference(t *testing.T) {
	goldentest.Each(t, "analysis", func(t *testing.T, folder string) {
		golden := goldencase.Open(t, folder, "probe")
		x, train := table(golden, "probe.X"), golden.Ints("probe.train")
		inTrain, inTest := func(i int) bool { return train[i] == 1 }, func(i int) bool { return train[i] == 0 }
		var accuracies []float64
		slowest := 0.0 // gradient at which the reference stopped
		for _, task := range []struct{ name, labels string }{{"task", "probe.y"}, {"control", "probe.y_control"}} {
			y := golden.Ints(task.labels)
			xTrain, yTrain := some(x, y, inTrain)
			fitted, err := probe.Logistic(xTrain, yTrain, 3, 1)
			if err != nil {
				t.Fatal(err)
			}
			if own := floats.Norm(slope(xTrain, yTrain, fitted.Weights, fitted.Bias), 2); own > 1e-6 {
				t.Errorf("%s: the gradient at the optimum is %g", task.name, own)
			}
			name := "probe." + task.name
			theirs := floats.Norm(slope(xTrain, yTrain, table(golden, name+".coef"), golden.Floats(name+".intercept")), 2)
			slowest = max(slowest, theirs)
			off := 2 * theirs / bend(t, xTrain, yTrain, fitted.Weights, fitted.Bias)
			golden.CompareWithin(name+".coef", fitted.Weights.RawMatrix().Data, off)
			golden.CompareWithin(name+".intercept", fitted.Bias, off)

			xTest, yTest := some(x, y, inTest)
			p := fitted.LogProb(xTest)
			p.Apply(func(_, _ int, v float64) float64 { return math.Exp(v) }, p)
			golden.CompareWithin(name+".proba_test", p.RawMatrix().Data, off*longest(xTest))
			right := 0.0
			for i, label := range fitted.Predict(xTest) {
				if label == yTest[i] {
					right++
				}
			}
			accuracies = append(accuracies, right/float64(len(yTest)))
		}
		golden.Compare("probe.accuracy_selectivity", append(accuracies, accuracies[0]-accuracies[1]))

		y, cuts := golden.Ints("probe.y"), golden.Ints("probe.mdl.cuts")
		code, err := probe.OnlineCode(x, y, 3, cuts, 1)
		if err != nil {
			t.Fatal(err)
		}
		off := 0.0
		for i, from := range cuts[:len(cuts)-1] {
			before, labels := some(x, y, func(k int) bool { return k < from })
			block, _ := some(x, y, func(k int) bool { return k >= from && k < cuts[i+1] })
			fitted, err := probe.Logistic(before, labels, 3, 1)
			if err != nil {
				t.Fatal(err)
			}
			n, _ := block.Dims()
			off += float64(n) * 2 * longest(block) * 2 * slowest / bend(t, before, labels, fitted.Weights, fitted.Bias) / math.Ln2
		}
		golden.CompareWithin("probe.mdl.bits", append(code.Blocks, code.Bits, code.Compression), off)

		types, labels := golden.Ints("probe.token_id"), golden.Ints("probe.y_control")
		of := map[int]int{}
		for i, id := range types {
			if label, known := of[id]; known && label != labels[i] {
				t.Errorf("the reference's control task gives %d the labels %d and %d", id, label, labels[i])
			}
			of[id] = labels[i]
		}
	})
}

// longest is the largest length of a row and the 1 of the bias: what a change of weights can do to a logit, relative to it.
func longest(x *mat.Dense) float64 {
	n, _ := x.Dims()
	most := 0.0
	for i := range n {
		most = max(most, math.Hypot(1, floats.Norm(x.RawRowView(i), 2)))
	}
	return most
}

// drawn are n rows around one of k places each, spread wide or not.
func drawn(n, dim, k int, spread float64, seed uint64) (*mat.Dense, []int) {
	random := rand.New(rand.NewPCG(seed, 1))
	places := mat.NewDense(k, dim, nil)
	places.Apply(func(int, int, float64) float64 { return random.NormFloat64() }, places)
	x, y := mat.NewDense(n, dim, nil), make([]int, n)
	for i := range y {
		y[i] = i % k
		for j := range dim {
			x.Set(i, j, places.At(y[i], j)+spread*random.NormFloat64())
		}
	}
	return x, y
}

func TestBinaryIsTheRegressionWithOneVector(t *testing.T) {
	x, y := drawn(60, 5, 2, 1, 3)
	labels := make([]bool, len(y))
	for i := range y {
		labels[i] = y[i] == 1
	}
	for _, c := range []float64{1, 1e-3} {
		w, b, err := probe.Binary(x, labels, c)
		if err != nil {
			t.Fatal(err)
		}
		g := append(slices.Clone(w), 0)
		for i, is := range labels {
			row := append(slices.Clone(x.RawRowView(i)), 1)
			p := 1 / (1 + math.Exp(-floats.Dot(row[:5], w)-b))
			if is {
				p--
			}
			floats.AddScaled(g, c*p, row)
		}
		if norm := floats.Norm(g, 2); norm > 1e-6 {
			t.Errorf("c = %g: the gradient at the optimum is %g", c, norm)
		}
	}
	if _, _, err := probe.Binary(x, make([]bool, len(y)), 1); err == nil {
		t.Error("rows of one class are told apart")
	}
}

// TestProbeKnowsTheOrderOfNothing: no order of the rows and of the classes is better than another.
func TestProbeKnowsTheOrderOfNothing(t *testing.T) {
	x, y := drawn(90, 6, 3, 1.5, 7)
	fitted, err := probe.Logistic(x, y, 3, 1)
	if err != nil {
		t.Fatal(err)
	}
	turned, labels := mat.NewDense(90, 6, nil), make([]int, 90)
	for i := range y {
		turned.SetRow(89-i, x.RawRowView(i))
		labels[89-i] = 2 - y[i]
	}
	other, err := probe.Logistic(turned, labels, 3, 1)
	if err != nil {
		t.Fatal(err)
	}
	for class := range 3 {
		if !floats.EqualApprox(fitted.Weights.RawRowView(class), other.Weights.RawRowView(2-class), 1e-6) {
			t.Errorf("class %d: weights %v, in another order %v", class, fitted.Weights.RawRowView(class), other.Weights.RawRowView(2-class))
		}
	}
}

// TestUnseenClassesAndStates have answers: no probability, and an error that names the place.
func TestUnseenClassesAndStates(t *testing.T) {
	x, y := drawn(12, 4, 2, 1, 9)
	fitted, err := probe.Logistic(x, y, 4, 1)
	if err != nil {
		t.Fatal(err)
	}
	for i := range y {
		sum := 0.0
		for class, p := range mat.Row(nil, i, fitted.LogProb(x)) {
			if sum += math.Exp(p); class > 1 && !math.IsInf(p, -1) {
				t.Errorf("row %d: class %d was never seen and has probability %g", i, class, math.Exp(p))
			}
		}
		if math.Abs(sum-1) > 1e-12 {
			t.Errorf("row %d: probabilities sum to %g", i, sum)
		}
	}
	one, err := probe.Logistic(x, make([]int, 12), 3, 1)
	if err != nil || slices.Max(one.Predict(x)) != 0 {
		t.Errorf("of a single class: %v, %v", one, err)
	}
	broken := mat.DenseCopyOf(x)
	broken.Set(3, 2, math.NaN())
	for part, err := range map[string]error{
		"row 3, column 2":  second(probe.Logistic(broken, y, 2, 1)),
		"label 1":          second(probe.Logistic(x, y, 1, 1)),
		"as many":          second(probe.Logistic(x, y[:3], 2, 1)),
		"weight of the":    second(probe.Logistic(x, y, 2, 0)),
		"end at row 12":    second(probe.OnlineCode(x, y, 2, []int{3, 11}, 1)),
		"after the one be": second(probe.OnlineCode(x, y, 2, []int{3, 3, 12}, 1)),
	} {
		if err == nil || !strings.Contains(err.Error(), part) {
			t.Errorf("the error is %v, it should say %q", err, part)
		}
	}
}

func second[A any](_ A, err error) error { return err }

// TestOnlineCodeOfLabels is short if the states tell them, and near the length of guessing if they do not. Classes that a
// prefix lacks cost bits, not infinity.
func TestOnlineCodeOfLabels(t *testing.T) {
	x, y := drawn(400, 6, 4, 0.2, 11)
	easy, err := probe.OnlineCode(x, y, 4, probe.Cuts(400, nil), 1)
	if err != nil {
		t.Fatal(err)
	}
	random := rand.New(rand.NewPCG(5, 5))
	random.Shuffle(len(y), func(i, j int) { y[i], y[j] = y[j], y[i] })
	hard, err := probe.OnlineCode(x, y, 4, probe.Cuts(400, nil), 1)
	if err != nil {
		t.Fatal(err)
	}
	if !(easy.Compression > 2) || !(hard.Compression < 1) || math.IsInf(hard.Bits, 0) || math.IsNaN(hard.Bits) {
		t.Errorf("labels that can be read are compressed %g times, others %g times", easy.Compression, hard.Compression)
	}
	slices.Sort(y) // the first blocks have one class, the others come as news
	sorted, err := probe.OnlineCode(x, y, 4, probe.Cuts(400, nil), 1)
	if err != nil || math.IsInf(sorted.Bits, 0) || math.IsNaN(sorted.Bits) {
		t.Errorf("classes that come late: %v, %v", sorted, err)
	}
}

func TestCutsEndWherePicturesEnd(t *testing.T) {
	var groups []string
	for i := range 1000 {
		groups = append(groups, strconv.Itoa(i/7))
	}
	cuts := probe.Cuts(1000, groups)
	if cuts[len(cuts)-1] != 1000 || cuts[0] != 7 || !slices.IsSorted(cuts) {
		t.Errorf("cuts are %v", cuts)
	}
	for _, end := range cuts[:len(cuts)-1] {
		if end%7 != 0 {
			t.Errorf("a block ends at row %d, within a picture", end)
		}
	}
	if got := probe.Cuts(1000, nil); !slices.Equal(got, []int{1, 2, 4, 8, 16, 32, 63, 125, 250, 500, 1000}) {
		t.Errorf("cuts of 1000 rows are %v", got)
	}
}

func TestControlHasOneLabelForEachType(t *testing.T) {
	var types []string
	var y []int
	for i := range 3000 {
		types = append(types, "word"+strconv.Itoa(i%1500))
		y = append(y, min(2, i%10)) // 0: 10 %, 1: 10 %, 2: 80 %
	}
	control := probe.Control(types, y, rand.New(rand.NewPCG(1, 2)))
	counts := [3]int{}
	for i, label := range control {
		counts[label]++
		if label != control[i%1500] {
			t.Fatalf("%s has two labels", types[i])
		}
	}
	// 1500 draws: the share has a standard deviation of 1 %.
	for label, share := range []float64{0.1, 0.1, 0.8} {
		if got := float64(counts[label]) / 3000; math.Abs(got-share) > 0.05 {
			t.Errorf("label %d has a share of %g, in the task %g", label, got, share)
		}
	}
}
