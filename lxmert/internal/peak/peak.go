// Package peak measures the fastest matrix product of a backend, which utilization is a share of.
package peak

import (
	"context"
	"fmt"
	"math"
	"time"

	"github.com/gomlx/compute"
	"github.com/gomlx/compute/dtypes"
	"github.com/gomlx/compute/dtypes/bfloat16"
	"github.com/gomlx/gomlx/core/graph"
	"github.com/gomlx/gomlx/core/tensors"

	"github.com/seed-516990b0/golxmert/lxmert/internal/synthetic"
	"github.com/seed-516990b0/golxmert/lxmert/internal/xlabuilder"
)

// Product is the matrix product [M,K] x [K,N].
type Product struct {
	M int `json:"m"`
	K int `json:"k"`
	N int `json:"n"`
}

func (p Product) String() string { return fmt.Sprintf("%dx%dx%d", p.M, p.K, p.N) }

// FLOPs of the product: two per multiplication and addition.
func (p Product) FLOPs() float64 { return 2 * float64(p.M) * float64(p.K) * float64(p.N) }

// Peak is the fastest of several products.
type Peak struct {
	GFLOPS  float64 `json:"gflop_per_s"`
	Product Product `json:"product"`
}

// Effort is how thoroughly a peak is sought.
type Effort struct {
	Long time.Duration // square products grow until one takes so long, which hides what starting it costs
	Per  time.Duration // how long each product is tried, at least a few times
}

var (
	// Thorough is for a benchmark: seconds.
	Thorough = Effort{Long: 5 * time.Millisecond, Per: 300 * time.Millisecond}
	// Quick is for the start of a run: a fraction of a second, on a slow backend too.
	Quick = Effort{Long: time.Millisecond, Per: 20 * time.Millisecond}
)

// Side is a first square product that no backend takes long for.
const Side = 128

const largestSide = 16384

// Precision is what products multiply. The zero value is float32.
type Precision struct {
	BFloat16 bool
	TF32     bool // TensorFloat-32 in the place of float32, on GPUs
}

// Measure tries square products, from one of the given side on twice as large until they take a while, and the ones
// given.
func Measure(ctx context.Context, b compute.Backend, precision Precision, e Effort, side int, others ...Product) (Peak, error) {
	if precision.TF32 {
		b = xlabuilder.TF32(b)
	}
	var fastest Peak
	try := func(p Product) (time.Duration, error) {
		took, err := timeProduct(ctx, b, precision.BFloat16, e.Per, p)
		if err != nil {
			return 0, fmt.Errorf("measuring the product %s: %w", p, err)
		}
		if rate := p.FLOPs() / 1e9 / took.Seconds(); rate > fastest.GFLOPS {
			fastest = Peak{rate, p}
		}
		return took, nil
	}
	for ; side <= largestSide; side *= 2 {
		took, err := try(Product{side, side, side})
		if err != nil {
			return Peak{}, err
		}
		if took >= e.Long {
			break
		}
	}
	for _, p := range others {
		if _, err := try(p); err != nil {
			return Peak{}, err
		}
	}
	return fastest, nil
}

// chain is how many products one execution computes, each from the one before. The largest entry of the last is all that
// comes back, so that nothing but products takes time and none can be left out.
const chain = 4

// timeProduct is the shortest time of one product.
func timeProduct(ctx context.Context, b compute.Backend, bf16 bool, per time.Duration, p Product) (time.Duration, error) {
	exec, err := graph.NewExec(b, func(x, there, back *graph.Node) *graph.Node {
		for range chain / 2 {
			x = graph.Dot(graph.Dot(x, there).Product(), back).Product()
		}
		return graph.ConvertDType(graph.ReduceAllMax(x), dtypes.Float32)
	})
	if err != nil {
		return 0, err
	}
	defer exec.Finalize()
	args := []any{matrix("x", p.M, p.K, bf16), matrix("there", p.K, p.N, bf16), matrix("back", p.N, p.K, bf16)}
	defer func() {
		for _, a := range args {
			a.(*tensors.Tensor).MustFinalizeAll()
		}
	}()
	shortest := time.Duration(math.MaxInt64)
	begin := time.Now()
	for runs := 0; runs < 4 || time.Since(begin) < per; runs++ {
		if err := ctx.Err(); err != nil {
			return 0, err
		}
		start := time.Now()
		out, err := exec.Call(args...)
		if err != nil {
			return 0, err
		}
		_ = tensors.ToScalar[float32](out[0])
		took := time.Since(start)
		out[0].MustFinalizeAll()
		if runs == 0 {
			begin = time.Now() // the first run compiled
			continue
		}
		shortest = min(shortest, took)
	}
	return shortest / chain, nil
}

// matrix has random entries, of a size that keeps a chain of products finite.
func matrix(name string, rows, cols int, bf16 bool) *tensors.Tensor {
	s, scale := synthetic.NewStream(1, name), float32(math.Sqrt(3/float64(rows)))
	data := make([]float32, rows*cols)
	for i := range data {
		data[i] = scale * s.Signed(i)
	}
	if !bf16 {
		return tensors.FromFlatDataAndDimensions(data, rows, cols)
	}
	half := make([]bfloat16.BFloat16, len(data))
	for i, v := range data {
		half[i] = bfloat16.FromFloat32(v)
	}
	return tensors.FromFlatDataAndDimensions(half, rows, cols)
}
