package weights

import (
	"fmt"
	"runtime"
	"sync"
)

const (
	bandRows    = 64      // rows of the file that one worker turns at a time
	tileColumns = 16      // float32s in a cache line
	parallelMin = 1 << 17 // elements from which several goroutines pay
)

// ReadTransposed fills dst with the transpose of a matrix: a file's linear weight [out, in] becomes [in, out], the way
// the engine keeps it. Types are widened as by [Tensor.Float32s].
func (t *Tensor) ReadTransposed(dst []float32) error {
	if len(t.Shape) != 2 {
		return fmt.Errorf("%s: only a matrix can be transposed", t.describe())
	}
	if len(dst) != t.Len() {
		return fmt.Errorf("%s: has %d values, the destination has room for %d", t.describe(), t.Len(), len(dst))
	}
	b, err := t.Bytes()
	if err != nil {
		return err
	}
	rows, cols, item := t.Shape[0], t.Shape[1], t.DType.Size()
	floats, ready := view[float32](b)
	ready = ready && t.DType == F32
	inBands(rows, rows*cols, func(from, to int) {
		var band []float32
		if ready {
			band = floats[from*cols : to*cols]
		} else {
			band = make([]float32, (to-from)*cols)
			widen(band, b[from*cols*item:to*cols*item], t.DType)
		}
		transposeBand(dst, band, from, to-from, rows, cols)
	})
	return nil
}

// transpose writes the transpose of src [rows, cols] to dst.
func transpose(dst, src []float32, rows, cols int) {
	inBands(rows, rows*cols, func(from, to int) {
		transposeBand(dst, src[from*cols:to*cols], from, to-from, rows, cols)
	})
}

// inBands calls f for bands of rows, on several processors if the matrix is large.
func inBands(rows, size int, f func(from, to int)) {
	workers := 1
	if size >= parallelMin {
		workers = runtime.GOMAXPROCS(0)
	}
	bands := (rows + bandRows - 1) / bandRows
	var wg sync.WaitGroup
	for w := range min(workers, bands) {
		wg.Go(func() {
			for k := w; k < bands; k += workers {
				f(k*bandRows, min(rows, (k+1)*bandRows))
			}
		})
	}
	wg.Wait()
}

// transposeBand turns n rows, of which the first is row from. A tile of 16 columns goes through a buffer in the nearest
// cache: each line of the source is read once and the destination is written in runs of n values, whatever the strides.
func transposeBand(dst, band []float32, from, n, rows, cols int) {
	var tile [tileColumns][bandRows]float32
	for c0 := 0; c0 < cols; c0 += tileColumns {
		width := min(tileColumns, cols-c0)
		for r := range n {
			line := band[r*cols+c0 : r*cols+c0+width]
			for c, v := range line {
				tile[c][r] = v
			}
		}
		for c := range width {
			copy(dst[(c0+c)*rows+from:(c0+c)*rows+from+n], tile[c][:n])
		}
	}
}
