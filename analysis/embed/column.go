package embed

import (
	"encoding/binary"
	"fmt"
	"io"
	"math"

	"github.com/seed-516990b0/golxmert/internal/half"
	"github.com/seed-516990b0/golxmert/internal/safetensors"
	"github.com/seed-516990b0/golxmert/lxmert"
)

// column is one activation of the file that is being made.
type column struct {
	Activation
	dtype  string
	rows   int
	most   int     // keys
	pieces []piece // of each pair or example, in their order
	bad    int     // numbers that are not finite
}

// piece is what one pair has: numbers as they are in the file, but for what fills the axis of keys.
type piece struct {
	data []byte
	keys int
}

// add takes what a pair has of an activation, x [T,.], [H,T,.] or without an axis of words or regions: at are the words or
// regions that are there, keys those of its axis of keys.
func (c *column) add(x lxmert.Tensor, at, keys []int) error {
	n := len(x.Data)
	if c.Rows == Words || c.Rows == Regions {
		n = len(at)
		for _, d := range c.Shape {
			if d < 0 {
				d = len(keys)
			}
			n *= d
		}
		c.rows += len(at)
	} else {
		c.rows++
	}
	c.most = max(c.most, len(keys))
	p := piece{data: make([]byte, n*safetensors.ItemSize(c.dtype)), keys: len(keys)}
	c.pieces = append(c.pieces, p)
	left := p.data
	put := func(numbers []float32) error {
		for _, v := range numbers {
			if v-v != 0 {
				c.bad++
			}
		}
		size := len(numbers) * safetensors.ItemSize(c.dtype)
		err := encode(left[:size], numbers, c.dtype)
		left = left[size:]
		return err
	}
	if c.Rows != Words && c.Rows != Regions {
		return put(x.Data)
	}
	chosen := make([]float32, len(keys))
	for _, t := range at {
		if len(x.Shape) == 2 {
			if err := put(x.Row(t).Data); err != nil {
				return err
			}
			continue
		}
		for h := range x.Shape[0] {
			row := x.Row(h).Row(t).Data
			if c.Keys != "" {
				for i, k := range keys {
					chosen[i] = row[k]
				}
				row = chosen
			}
			if err := put(row); err != nil {
				return err
			}
		}
	}
	return nil
}

// encode writes numbers as a file has them.
func encode(to []byte, numbers []float32, dtype string) error {
	if dtype == "F16" {
		if large := half.Encode(to, numbers); large != 0 {
			return fmt.Errorf("%g is too large for float16, which ends at %d: write float32", large, half.Max)
		}
		return nil
	}
	for i, v := range numbers {
		binary.LittleEndian.PutUint32(to[4*i:], math.Float32bits(v))
	}
	return nil
}

// decode widens what encode writes.
func decode(raw []byte, dtype string) []float32 {
	numbers := make([]float32, len(raw)/safetensors.ItemSize(dtype))
	if dtype == "F16" {
		half.Decode(numbers, raw)
		return numbers
	}
	for i := range numbers {
		numbers[i] = math.Float32frombits(binary.LittleEndian.Uint32(raw[4*i:]))
	}
	return numbers
}

// absentKey is what stands for keys beyond those of a pair.
func (a *Activation) absentKey() float32 {
	if (lxmert.Activation{Name: a.Name}).IsScore() {
		return -10000
	}
	return 0
}

// item is the tensor of the file.
func (c *column) item() (safetensors.Item, error) {
	shape := append([]int{c.rows}, c.Shape...)
	if c.Keys != "" {
		shape[len(shape)-1] = c.most
	}
	size := safetensors.ItemSize(c.dtype)
	fill := make([]byte, c.most*size)
	if err := encode(fill, repeated(c.absentKey(), c.most), c.dtype); err != nil {
		return safetensors.Item{}, err
	}
	return safetensors.Item{Name: c.Name, DType: c.dtype, Shape: shape, Values: func(w io.Writer) error {
		for _, p := range c.pieces {
			if c.Keys == "" || p.keys == c.most {
				if _, err := w.Write(p.data); err != nil {
					return err
				}
				continue
			}
			for rest := p.data; len(rest) > 0; rest = rest[p.keys*size:] {
				if _, err := w.Write(rest[:p.keys*size]); err != nil {
					return err
				}
				if _, err := w.Write(fill[p.keys*size:]); err != nil {
					return err
				}
			}
		}
		return nil
	}}, nil
}

func repeated(x float32, n int) []float32 {
	all := make([]float32, n)
	for i := range all {
		all[i] = x
	}
	return all
}
