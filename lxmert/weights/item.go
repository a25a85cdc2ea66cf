package weights

import (
	"encoding/binary"
	"fmt"
	"io"
	"math"

	"github.com/seed-516990b0/golxmert/internal/half"
	"github.com/seed-516990b0/golxmert/lxmert"
)

// Item is a tensor to write.
type Item struct {
	Name  string
	DType DType
	Shape []int
	// Values writes the values, little-endian and row-major, exactly as many bytes as type and shape say.
	Values func(w io.Writer) error
	// TiedTo names another item whose values this one shares; Values is not used then. A .pth stores them once and
	// both names refer to them; a .safetensors, which cannot say that, leaves this name away.
	TiedTo string
}

// FromTensor is an item with the values of an open file's tensor. Floating-point values are converted to dtype, rounded
// to nearest even; dtype "" and all other types keep their type.
func FromTensor(name string, t *Tensor, dtype DType) Item {
	if dtype == "" || !t.DType.IsFloat() {
		dtype = t.DType
	}
	return Item{Name: name, DType: dtype, Shape: t.Shape, Values: func(w io.Writer) error {
		b, err := t.Bytes()
		if err != nil {
			return err
		}
		if dtype == t.DType {
			_, err = w.Write(b)
			return err
		}
		item := t.DType.Size()
		return inChunks(len(b)/item, func(from, to int, wide []float64, out []byte) error {
			widen(wide, b[from*item:to*item], t.DType)
			_, err := w.Write(narrow(out, wide, dtype))
			return err
		})
	}}
}

// FromFloats is an item with values in memory, converted to dtype (F64, F32, F16 or BF16) as it is written.
func FromFloats(name string, shape []int, data []float32, dtype DType) Item {
	return Item{Name: name, DType: dtype, Shape: shape, Values: func(w io.Writer) error {
		if dtype == F32 && littleEndian {
			_, err := w.Write(rawBytes(data))
			return err
		}
		return inChunks(len(data), func(from, to int, wide []float64, out []byte) error {
			for i, v := range data[from:to] {
				wide[i] = float64(v)
			}
			_, err := w.Write(narrow(out, wide, dtype))
			return err
		})
	}}
}

// FromTransposed is an item of shape [out, in] whose values are in memory as [in, out], the way the engine keeps them.
func FromTransposed(name string, shape [2]int, data []float32, dtype DType) Item {
	it := FromFloats(name, shape[:], nil, dtype)
	it.Values = func(w io.Writer) error {
		if len(data) != shape[0]*shape[1] {
			return fmt.Errorf("%d values for shape %v", len(data), shape)
		}
		turned := make([]float32, len(data))
		transpose(turned, data, shape[1], shape[0])
		return FromFloats(name, shape[:], turned, dtype).Values(w)
	}
	return it
}

// TiedDecoder is the item of the state-dict alias of the word embeddings, which PyTorch's masked-word head wants.
func TiedDecoder(words Item) Item {
	return Item{Name: lxmert.TiedDecoder, DType: words.DType, Shape: words.Shape, TiedTo: words.Name}
}

const chunk = 1 << 14 // elements that are converted at a time

func inChunks(n int, f func(from, to int, wide []float64, out []byte) error) error {
	wide, out := make([]float64, min(n, chunk)), make([]byte, 8*min(n, chunk))
	for from := 0; from < n; from += chunk {
		to := min(n, from+chunk)
		if err := f(from, to, wide[:to-from], out); err != nil {
			return err
		}
	}
	return nil
}

// narrow writes values in a floating-point type to out and returns the part of out that it used.
func narrow(out []byte, values []float64, dtype DType) []byte {
	le := binary.LittleEndian
	out = out[:len(values)*dtype.Size()]
	for i, v := range values {
		switch dtype {
		case F64:
			le.PutUint64(out[8*i:], math.Float64bits(v))
		case F32:
			le.PutUint32(out[4*i:], math.Float32bits(float32(v)))
		case F16:
			le.PutUint16(out[2*i:], half.Round(toOdd(v)))
		case BF16:
			le.PutUint16(out[2*i:], floatToBfloat(toOdd(v)))
		}
	}
	return out
}

// toOdd rounds to float32 in such a way that rounding the result again gives what rounding v once would: towards zero,
// with the last bit set if anything was lost.
func toOdd(v float64) float32 {
	f := float32(v)
	if float64(f) == v || v != v {
		return f
	}
	bits := math.Float32bits(f)
	if math.Abs(float64(f)) > math.Abs(v) {
		bits--
	}
	return math.Float32frombits(bits | 1)
}
