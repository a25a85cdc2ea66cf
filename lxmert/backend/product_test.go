//go:build cgo && linux && amd64

package backend

import (
	"fmt"
	"math"
	"math/rand/v2"
	"slices"
	"strings"
	"testing"

	"github.com/gomlx/compute"
	"github.com/gomlx/compute/dtypes"
	"github.com/gomlx/compute/shapes"
	"github.com/gomlx/go-xla/compute/xla"
)

// array is a row-major float32 array.
type array struct {
	dims []int
	data []float32
}

func randomArray(r *rand.Rand, dims []int) array {
	x := array{dims: dims, data: make([]float32, size(dims))}
	for i := range x.data {
		x.data[i] = r.Float32() - 0.5
	}
	return x
}

func size(dims []int) int {
	n := 1
	for _, d := range dims {
		n *= d
	}
	return n
}

// transposed has axis order[i] of x as axis i.
func (x array) transposed(order []int) array {
	y := array{dims: make([]int, len(order)), data: make([]float32, len(x.data))}
	for i, axis := range order {
		y.dims[i] = x.dims[axis]
	}
	at := make([]int, len(order))
	for i := range y.data {
		rest := i
		for d := len(order) - 1; d >= 0; d-- {
			at[order[d]] = rest % y.dims[d]
			rest /= y.dims[d]
		}
		from := 0
		for d, n := range x.dims {
			from = from*n + at[d]
		}
		y.data[i] = x.data[from]
	}
	return y
}

// product is a case: arrays with their axes sorted as batch, free, summed, and how a program has them.
type product struct {
	batch, m, n, k        []int // sizes
	left, right           array // [batch..., m..., k...], [batch..., n..., k...]
	leftOrder, rightOrder []int // the axes as parameters have them
	leftTurn, rightTurn   []int // transpositions in the program, nil: none
	outTurn               []int
}

func randomProduct(r *rand.Rand) product {
	sizes := []int{1, 2, 3, 5, 8, 12, 16, 17, 20, 36, 64, 67}
	pick := func(low, high int) []int {
		var out []int
		for range low + r.IntN(high-low+1) {
			out = append(out, sizes[r.IntN(len(sizes))])
		}
		return out
	}
	turn := func(n int) []int {
		if r.IntN(2) == 0 {
			return nil
		}
		return r.Perm(n)
	}
	for {
		p := product{batch: pick(0, 2), m: pick(0, 2), n: pick(0, 2), k: pick(0, 2)}
		if work := size(p.batch) * size(p.m) * size(p.n) * size(p.k); work > 2e6 || work < 1<<12 {
			continue
		}
		p.left, p.right = randomArray(r, slices.Concat(p.batch, p.m, p.k)), randomArray(r, slices.Concat(p.batch, p.n, p.k))
		p.leftOrder, p.rightOrder = r.Perm(len(p.left.dims)), r.Perm(len(p.right.dims))
		p.leftTurn, p.rightTurn = turn(len(p.left.dims)), turn(len(p.right.dims))
		p.outTurn = turn(len(p.batch) + len(p.m) + len(p.n))
		return p
	}
}

// turned is the order of axes after a transposition, nil: none.
func turned(order, turn []int) []int {
	if turn == nil {
		return order
	}
	axes := make([]int, len(turn))
	for i, axis := range turn {
		axes[i] = order[axis]
	}
	return axes
}

// add adds the product to a program.
func (p product) add(f compute.Function, name string) (out compute.Value, inputs []array, err error) {
	side := func(name string, x array, order, turn []int, free int) (v compute.Value, batch, sum []int, err error) {
		in := x.transposed(order)
		inputs = append(inputs, in)
		if v, err = f.Parameter(name, shapes.Make(dtypes.Float32, in.dims...), nil); err != nil {
			return nil, nil, nil, err
		}
		if turn != nil {
			if v, err = f.Transpose(v, turn...); err != nil {
				return nil, nil, nil, err
			}
		}
		axes := turned(order, turn) // of v, as axes of x
		for axis := range len(p.batch) {
			batch = append(batch, slices.Index(axes, axis))
		}
		for axis := range len(p.k) {
			sum = append(sum, slices.Index(axes, len(p.batch)+free+axis))
		}
		return v, batch, sum, nil
	}
	left, leftBatch, leftSum, err := side(name+"l", p.left, p.leftOrder, p.leftTurn, len(p.m))
	if err != nil {
		return nil, nil, err
	}
	right, rightBatch, rightSum, err := side(name+"r", p.right, p.rightOrder, p.rightTurn, len(p.n))
	if err != nil {
		return nil, nil, err
	}
	out, err = f.DotGeneral(left, leftSum, leftBatch, right, rightSum, rightBatch, compute.DotGeneralConfig{})
	if err == nil && p.outTurn != nil {
		out, err = f.Transpose(out, p.outTurn...)
	}
	return out, inputs, err
}

// want is the product with the axes in a program's order.
func (p product) want() array {
	free := func(axes []int, count int) []int { // of [batch, free, sum], in the order in which a program has them
		var out []int
		for _, axis := range axes {
			if axis >= len(p.batch) && axis < len(p.batch)+count {
				out = append(out, axis)
			}
		}
		return out
	}
	order := []int{} // of the result as [batch, m, n]
	for axis := range len(p.batch) {
		order = append(order, axis)
	}
	order = append(order, free(turned(p.leftOrder, p.leftTurn), len(p.m))...)
	for _, axis := range free(turned(p.rightOrder, p.rightTurn), len(p.n)) {
		order = append(order, axis+len(p.m))
	}
	z, m, n, k := size(p.batch), size(p.m), size(p.n), size(p.k)
	out := array{dims: slices.Concat(p.batch, p.m, p.n), data: make([]float32, z*m*n)}
	for b := range z {
		for i := range m {
			for j := range n {
				sum := 0.0
				for q := range k {
					sum += float64(p.left.data[(b*m+i)*k+q]) * float64(p.right.data[(b*n+j)*k+q])
				}
				out.data[(b*m+i)*n+j] = float32(sum)
			}
		}
	}
	out = out.transposed(order)
	if p.outTurn != nil {
		out = out.transposed(p.outTurn)
	}
	return out
}

// TestProducts compares products of all kinds with plain sums, on the widest instructions and on narrower ones. Large ones
// are cut into parts for several threads and into blocks for the cache.
func TestProducts(t *testing.T) {
	plugin := realPlugin(t)
	r := rand.New(rand.NewPCG(1, 2))
	var cases []product
	for range 120 {
		cases = append(cases, randomProduct(r))
	}
	for _, sizes := range [][3]int{{300, 130, 1600}, {70, 200, 800}, {20, 1000, 900}, {700, 12, 300}, {1, 3000, 100}, {3000, 1, 100}} {
		for orders := range 8 {
			p := product{m: sizes[:1], n: sizes[1:2], k: sizes[2:]}
			p.left, p.right = randomArray(r, []int{sizes[0], sizes[2]}), randomArray(r, []int{sizes[1], sizes[2]})
			p.leftOrder, p.rightOrder = []int{0, 1}, []int{0, 1}
			if orders&1 > 0 {
				p.leftOrder = []int{1, 0}
			}
			if orders&2 > 0 {
				p.rightOrder = []int{1, 0}
			}
			if orders&4 > 0 {
				p.outTurn = []int{1, 0}
			}
			cases = append(cases, p)
		}
	}
	for _, instructions := range []string{"", "avx2"} {
		t.Setenv("GOLXMERT_MATMUL", instructions)
		l, err := loadXLA(plugin, KindCPU, request{}.pluginOptions(KindCPU))
		if err != nil {
			t.Fatal(err)
		}
		if _, own := l.backend.(*xla.Backend); own || strings.Contains(l.note, "without own products") {
			t.Fatalf("products are XLA's own: %s", l.note)
		}
		multiplyAll(t, l.backend, cases)
		l.backend.Finalize()
	}
}

// multiplyAll runs all cases in one program.
func multiplyAll(t *testing.T, b compute.Backend, cases []product) {
	t.Helper()
	var want []array
	for _, p := range cases {
		want = append(want, p.want())
	}
	program := b.Builder("products")
	var outs []compute.Value
	var buffers []compute.Buffer
	for i, p := range cases {
		out, inputs, err := p.add(program.Main(), fmt.Sprint("x", i))
		if err != nil {
			t.Fatal(err)
		}
		outs = append(outs, out)
		for _, x := range inputs {
			buffer, err := b.BufferFromFlatData(0, x.data, shapes.Make(dtypes.Float32, x.dims...))
			if err != nil {
				t.Fatal(err)
			}
			buffers = append(buffers, buffer)
		}
	}
	if err := program.Main().Return(outs, nil); err != nil {
		t.Fatal(err)
	}
	compiled, err := program.Compile()
	if err != nil {
		t.Fatal(err)
	}
	defer compiled.Finalize()
	for range 3 {
		results, err := compiled.Execute(buffers, nil, 0)
		if err != nil {
			t.Fatal(err)
		}
		for i, p := range cases {
			got := make([]float32, len(want[i].data))
			if err := results[i].ToFlatData(got); err != nil {
				t.Fatal(err)
			}
			// Terms are at most 1/4, sums grow with the root of their number, and so does what rounding adds to them.
			allowed := 1e-6 + 4e-8*float64(size(p.k))
			for j, x := range got {
				if !(math.Abs(float64(x-want[i].data[j])) <= allowed) {
					t.Fatalf("case %d, batch %v, m %v, n %v, k %v, orders %v %v, turns %v %v %v: [%d] is %v, want %v", i, p.batch, p.m, p.n, p.k,
						p.leftOrder, p.rightOrder, p.leftTurn, p.rightTurn, p.outTurn, j, x, want[i].data[j])
				}
			}
		}
	}
}
