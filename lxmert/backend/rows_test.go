//go:build cgo && linux && amd64

package backend

import (
	"math"
	"math/rand/v2"
	"testing"

	"github.com/gomlx/compute/dtypes"
	"github.com/gomlx/gomlx/core/graph"
	"github.com/gomlx/gomlx/core/tensors"

	"github.com/seed-516990b0/golxmert/lxmert/internal/xlacalltest"
)

// normalizedBy is LayerNorm along the last axis as models have it.
func normalizedBy(epsilon float64) func(x, weight, bias *graph.Node) *graph.Node {
	return func(x, weight, bias *graph.Node) *graph.Node {
		y := graph.Sub(x, graph.ReduceAndKeep(x, graph.ReduceMean, -1))
		return scaled(y, graph.ReduceAndKeep(graph.Square(y), graph.ReduceMean, -1), epsilon, weight, bias)
	}
}

// scaled is y / sqrt(variance + epsilon) * weight + bias.
func scaled(y, variance *graph.Node, epsilon float64, weight, bias *graph.Node) *graph.Node {
	y = graph.Div(y, graph.Sqrt(graph.AddScalar(variance, epsilon)))
	return graph.Add(graph.Mul(y, graph.ExpandLeftToRank(weight, y.Rank())), graph.ExpandLeftToRank(bias, y.Rank()))
}

// TestRows compares softmax and LayerNorm with plain sums, for rows of many sizes, few and many of them, on the widest
// instructions and on narrower ones; and sees that it is not XLA's own code that does it.
func TestRows(t *testing.T) {
	plugin := realPlugin(t)
	for _, instructions := range []string{"", "avx2"} {
		t.Setenv("GOLXMERT_MATMUL", instructions)
		l, err := loadXLA(plugin, KindCPU, request{}.pluginOptions(KindCPU))
		if err != nil {
			t.Fatal(err)
		}
		defer l.backend.Finalize()
		w := &xlacalltest.Watched{Backend: l.backend}
		r := rand.New(rand.NewPCG(3, 4))
		for _, dims := range [][]int{{1, 1}, {3, 7}, {2, 12, 20, 20}, {5, 36}, {1, 36}, {20, 1, 64}, {1, 20, 768}, {640, 768}, {300, 1000}, {67}} {
			checkRows(t, w, r, dims, 1e-12)
			checkRows(t, w, r, dims, 100)
		}
		checkNotFinite(t, w)
	}
}

func checkRows(t *testing.T, w *xlacalltest.Watched, r *rand.Rand, dims []int, epsilon float64) {
	t.Helper()
	n := dims[len(dims)-1]
	x, weight, bias := randomArray(r, dims), randomArray(r, []int{n}), randomArray(r, []int{n})
	for i := range x.data {
		x.data[i] *= 20
		if epsilon < 1 && r.IntN(5) == 0 {
			x.data[i] -= 10000 // as where nothing is to be attended to
		}
	}
	rows := func(x array, f func(row []float32) []float64) []float64 {
		var out []float64
		for i := 0; i < len(x.data); i += n {
			out = append(out, f(x.data[i:i+n])...)
		}
		return out
	}
	softmax := rows(x, func(row []float32) []float64 {
		most, sum := math.Inf(-1), 0.0
		for _, v := range row {
			most = max(most, float64(v))
		}
		out := make([]float64, n)
		for i, v := range row {
			out[i] = math.Exp(float64(v) - most)
			sum += out[i]
		}
		for i := range out {
			out[i] /= sum
		}
		return out
	})
	normal := rows(x, func(row []float32) []float64 {
		mean, variance := 0.0, 0.0
		for _, v := range row {
			mean += float64(v) / float64(n)
		}
		for _, v := range row {
			variance += (float64(v) - mean) * (float64(v) - mean) / float64(n)
		}
		out := make([]float64, n)
		for i, v := range row {
			out[i] = (float64(v)-mean)/math.Sqrt(variance+epsilon)*float64(weight.data[i]) + float64(bias.data[i])
		}
		return out
	})
	check := func(name string, want []float64, got *graph.Exec, inputs ...array) {
		t.Helper()
		var args []any
		for _, in := range inputs {
			args = append(args, tensors.FromFlatDataAndDimensions(in.data, in.dims...))
		}
		result, err := got.Call1(args...)
		if err != nil {
			t.Fatal(err)
		}
		if w.Calls(t, name) != 1 {
			t.Errorf("%s of %v is not a call in\n%s", name, dims, w.Program(t))
		}
		result.ConstFlatData(func(flat any) {
			for i, v := range flat.([]float32) {
				if !(math.Abs(float64(v)-want[i]) <= 3e-6) {
					t.Fatalf("%s of %v: [%d] is %v, want %v", name, dims, i, v, want[i])
				}
			}
		})
	}
	check("softmax", softmax, graph.MustNewExec(w, func(x *graph.Node) *graph.Node { return graph.Softmax(x, -1) }), x)
	check("normalize", normal, graph.MustNewExec(w, normalizedBy(epsilon)), x, weight, bias)
}

// checkNotFinite: a NaN makes its row NaN, and so does a row of -inf only; other rows stay as they are.
func checkNotFinite(t *testing.T, w *xlacalltest.Watched) {
	t.Helper()
	const rows, size = 4, 37
	nan, inf := float32(math.NaN()), float32(math.Inf(-1))
	softmax := graph.MustNewExec(w, func(x *graph.Node) *graph.Node { return graph.Softmax(x, -1) })
	for at := range size {
		data := make([]float32, rows*size)
		data[size+at] = nan
		for i := range size {
			data[2*size+i] = inf
		}
		data[3*size+at] = inf
		result := softmax.MustCall1(tensors.FromFlatDataAndDimensions(data, rows, size))
		result.ConstFlatData(func(flat any) {
			for i, v := range flat.([]float32) {
				row, want := i/size, 1.0/size
				if row == 3 {
					if want = 1.0 / (size - 1); i%size == at {
						want = 0
					}
				}
				isNaN := v != v
				if (row == 1 || row == 2) != isNaN || !isNaN && math.Abs(float64(v)-want) > 1e-6 {
					t.Fatalf("with numbers that are none at %d: [%d, %d] is %v", at, row, i%size, v)
				}
			}
		})
	}
}

// TestRowsThatAreNone: along another axis, of something else, or where others read what is inside, it stays with XLA.
func TestRowsThatAreNone(t *testing.T) {
	t.Setenv("GOLXMERT_MATMUL", "")
	l, err := loadXLA(realPlugin(t), KindCPU, request{}.pluginOptions(KindCPU))
	if err != nil {
		t.Fatal(err)
	}
	defer l.backend.Finalize()
	w := &xlacalltest.Watched{Backend: l.backend}
	r := rand.New(rand.NewPCG(5, 6))
	mean := func(x *graph.Node) *graph.Node { return graph.ReduceAndKeep(x, graph.ReduceMean, -1) }
	sum := func(x *graph.Node) *graph.Node { return graph.ReduceAndKeep(x, graph.ReduceSum, -1) }
	exp := func(x, less *graph.Node) *graph.Node { return graph.Exp(graph.Sub(x, less)) }
	normalized := normalizedBy(1e-12)
	softmaxOf := func(dtype dtypes.DType) func(x, weight *graph.Node) *graph.Node {
		return func(x, _ *graph.Node) *graph.Node { return graph.Softmax(graph.ConvertDType(x, dtype), -1) }
	}
	square, line := randomArray(r, []int{20, 20}), randomArray(r, []int{20})
	for name, build := range map[string]func(x, weight *graph.Node) *graph.Node{
		"softmax of columns": func(x, _ *graph.Node) *graph.Node { return graph.Softmax(x, 0) },
		"exp of others": func(x, _ *graph.Node) *graph.Node {
			e := exp(x, graph.ReduceAndKeep(x, graph.ReduceMax, -1))
			return graph.Div(e, sum(graph.MulScalar(e, 2)))
		},
		"least instead of most": func(x, _ *graph.Node) *graph.Node {
			e := exp(x, graph.ReduceAndKeep(x, graph.ReduceMin, -1))
			return graph.Div(e, sum(e))
		},
		"most of others": func(x, _ *graph.Node) *graph.Node {
			e := exp(x, graph.ReduceAndKeep(graph.Neg(x), graph.ReduceMax, -1))
			return graph.Div(e, sum(e))
		},
		"float64":  softmaxOf(dtypes.Float64),
		"bfloat16": softmaxOf(dtypes.BFloat16),
		"LayerNorm in float64": func(x, weight *graph.Node) *graph.Node {
			weight = graph.ConvertDType(weight, dtypes.Float64)
			return normalized(graph.ConvertDType(x, dtypes.Float64), weight, weight)
		},
		"exp is read": func(x, _ *graph.Node) *graph.Node {
			e := exp(x, graph.ReduceAndKeep(x, graph.ReduceMax, -1))
			return graph.Add(graph.Div(e, sum(e)), e)
		},
		"means of columns": func(x, weight *graph.Node) *graph.Node {
			y := graph.Sub(x, graph.ReduceAndKeep(x, graph.ReduceMean, 0))
			return scaled(y, mean(graph.Square(y)), 1e-12, weight, weight)
		},
		"means in the other direction": func(x, weight *graph.Node) *graph.Node {
			y := graph.Sub(x, graph.InsertAxes(graph.ReduceMean(x, -1), 0))
			return scaled(y, mean(graph.Square(y)), 1e-12, weight, weight)
		},
		"a weight for each row": func(x, weight *graph.Node) *graph.Node {
			return normalized(x, graph.BroadcastToDims(graph.InsertAxes(weight, -1), 20, 20), weight)
		},
		"a sample's variance": func(x, weight *graph.Node) *graph.Node {
			y := graph.Sub(x, mean(x))
			return scaled(y, graph.InsertAxes(graph.MulScalar(graph.ReduceSum(graph.Square(y), -1), 1.0/19), -1), 1e-12, weight, weight)
		},
		"means of others": func(x, weight *graph.Node) *graph.Node {
			y := graph.Sub(x, mean(graph.Neg(x)))
			return scaled(y, mean(graph.Square(y)), 1e-12, weight, weight)
		},
		"variance of others": func(x, weight *graph.Node) *graph.Node {
			y := graph.Sub(x, mean(x))
			return graph.Add(scaled(y, mean(graph.Mul(y, x)), 1e-12, weight, weight), y)
		},
		"gradient": func(x, weight *graph.Node) *graph.Node {
			return graph.Gradient(graph.ReduceAllSum(graph.Softmax(normalized(x, weight, weight), -1)), x)[0]
		},
	} {
		got := graph.MustNewExec(w, build).MustCall1(tensors.FromFlatDataAndDimensions(square.data, 20, 20), tensors.FromFlatDataAndDimensions(line.data, 20))
		if w.Calls(t, "softmax")+w.Calls(t, "normalize") > 0 {
			t.Errorf("%s: a call in\n%s", name, w.Program(t))
		}
		got.FinalizeAll()
	}
	graph.MustNewExec(w, func(x, weight *graph.Node) *graph.Node { return graph.Softmax(normalized(x, weight, weight), -1) }).
		MustCall1(tensors.FromFlatDataAndDimensions(square.data, 20, 20), tensors.FromFlatDataAndDimensions(line.data, 20))
	if w.Calls(t, "softmax") != 1 || w.Calls(t, "normalize") != 1 {
		t.Errorf("two calls are missing in\n%s", w.Program(t))
	}
}
