// Package dense is the little matrix arithmetic that attention needs, in double precision.
package dense

import "github.com/seed-516990b0/golxmert/lxmert"

// Matrix is a dense matrix in row-major order.
type Matrix struct {
	Rows, Cols int
	Data       []float64
}

// New returns a matrix of zeros.
func New(rows, cols int) Matrix {
	return Matrix{Rows: rows, Cols: cols, Data: make([]float64, rows*cols)}
}

// Identity returns the unit matrix of a size.
func Identity(n int) Matrix {
	m := New(n, n)
	for i := range n {
		m.Data[i*n+i] = 1
	}
	return m
}

// Of converts a tensor of two axes.
func Of(t lxmert.Tensor) Matrix {
	m := New(t.Shape[0], t.Shape[1])
	for i, x := range t.Data {
		m.Data[i] = float64(x)
	}
	return m
}

// Row is the i-th row. It shares the matrix's memory.
func (m Matrix) Row(i int) []float64 { return m.Data[i*m.Cols : (i+1)*m.Cols : (i+1)*m.Cols] }

// At is one entry.
func (m Matrix) At(i, j int) float64 { return m.Data[i*m.Cols+j] }

// Clone copies a matrix.
func (m Matrix) Clone() Matrix {
	m.Data = append([]float64(nil), m.Data...)
	return m
}

// T is the transposed matrix.
func (m Matrix) T() Matrix {
	t := New(m.Cols, m.Rows)
	for i := range m.Rows {
		for j := range m.Cols {
			t.Data[j*m.Rows+i] = m.Data[i*m.Cols+j]
		}
	}
	return t
}

// Mul is the product m x. Like indexing a slice, it panics where the sizes do not fit.
func (m Matrix) Mul(x Matrix) Matrix {
	if m.Cols != x.Rows {
		panic("dense: product of matrices whose sizes do not fit")
	}
	y := New(m.Rows, x.Cols)
	for i := range m.Rows {
		out := y.Row(i)
		for k, a := range m.Row(i) {
			if a == 0 {
				continue
			}
			for j, b := range x.Row(k) {
				out[j] += a * b
			}
		}
	}
	return y
}

// Add adds x to m in place.
func (m Matrix) Add(x Matrix) {
	for i, v := range x.Data {
		m.Data[i] += v
	}
}

// HeadMean is the mean over heads of a map [H,Q,K].
func HeadMean(t lxmert.Tensor) Matrix {
	h, q, k := t.Shape[0], t.Shape[1], t.Shape[2]
	m := New(q, k)
	for i, x := range t.Data {
		m.Data[i%(q*k)] += float64(x) / float64(h)
	}
	return m
}
