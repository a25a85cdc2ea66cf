package weights

import (
	"encoding/binary"
	"fmt"
	"hash/crc32"
	"math"
	"runtime"
	"sync"
	"unsafe"

	"github.com/seed-516990b0/golxmert/internal/half"
)

// bytes returns a storage's bytes, checked against its CRC-32 when they are first asked for.
func (st *storage) bytes() ([]byte, error) {
	b, err := st.src.bytes(st.off, st.size)
	if err != nil {
		return nil, err
	}
	if st.crc != 0 {
		st.checkCRC.Do(func() {
			if got := crc32.ChecksumIEEE(b); got != st.crc {
				st.crcErr = fmt.Errorf("%s: offset %d: %q: the checksum is %08x, must be %08x; the file is damaged, fetch it again", st.src.path, st.off, st.key, got, st.crc)
			}
		})
	}
	return b, st.crcErr
}

// Bytes returns the values as the file has them: little-endian, in the file's type, contiguous and row-major. Where the
// file is mapped and the tensor contiguous this is the file itself: the slice is read-only and valid until the file is closed.
func (t *Tensor) Bytes() ([]byte, error) {
	if t.Len() == 0 {
		return []byte{}, nil
	}
	all, err := t.storage.bytes()
	if err != nil {
		return nil, err
	}
	item := int64(t.DType.Size())
	if t.strides == nil {
		n := t.NumBytes()
		return all[t.offset*item : t.offset*item+n : t.offset*item+n], nil
	}
	out := make([]byte, t.NumBytes())
	t.gather(out, all[t.offset*item:])
	return out, nil
}

// checksum is the CRC-32 of Bytes.
func (t *Tensor) checksum() (uint32, error) {
	b, err := t.Bytes()
	if err != nil {
		return 0, err
	}
	if st := t.storage; st.crc != 0 && t.strides == nil && int64(len(b)) == st.size {
		return st.crc, nil // of all of the storage, checked
	}
	return crc32.ChecksumIEEE(b), nil
}

// gather copies a strided view element by element; the view was checked when the file was opened.
func (t *Tensor) gather(dst, src []byte) {
	item := t.DType.Size()
	last := len(t.Shape) - 1
	index := make([]int, len(t.Shape))
	from := int64(0)
	for at := 0; at < len(dst); {
		step := t.strides[last] * int64(item)
		p := from * int64(item)
		for range t.Shape[last] {
			copy(dst[at:at+item], src[p:p+int64(item)])
			at += item
			p += step
		}
		axis := last - 1
		for ; axis >= 0; axis-- {
			index[axis]++
			from += t.strides[axis]
			if index[axis] < t.Shape[axis] {
				break
			}
			from -= t.strides[axis] * int64(t.Shape[axis])
			index[axis] = 0
		}
		if axis < 0 {
			return
		}
	}
}

// number is an element type that values can be converted to.
type number interface{ ~float32 | ~float64 | ~int64 }

// Float32s returns the values as float32, row-major. Narrower types are exact; F64 and integers are rounded.
func (t *Tensor) Float32s() ([]float32, error) {
	dst := make([]float32, t.Len())
	return dst, t.ReadFloat32(dst)
}

// ReadFloat32 fills dst, which must have as many elements as the tensor. See [Tensor.Float32s].
func (t *Tensor) ReadFloat32(dst []float32) error { return readInto(t, dst) }

// Float64s returns the values as float64, row-major. All types but I64 and U64 are exact.
func (t *Tensor) Float64s() ([]float64, error) {
	dst := make([]float64, t.Len())
	return dst, readInto(t, dst)
}

// Int64s returns the values of an integer or Bool tensor, row-major. U64 values beyond the range are an error.
func (t *Tensor) Int64s() ([]int64, error) {
	if t.DType.IsFloat() {
		return nil, fmt.Errorf("%s: has no whole numbers", t.describe())
	}
	dst := make([]int64, t.Len())
	err := readInto(t, dst)
	if t.DType == U64 && err == nil {
		for _, v := range dst {
			if v < 0 {
				return nil, fmt.Errorf("%s: a value is beyond the range of int64", t.describe())
			}
		}
	}
	return dst, err
}

func readInto[T number](t *Tensor, dst []T) error {
	if len(dst) != t.Len() {
		return fmt.Errorf("%s: has %d values, the destination has room for %d", t.describe(), t.Len(), len(dst))
	}
	b, err := t.Bytes()
	if err != nil {
		return err
	}
	parts := 1
	if len(dst) >= parallelMin {
		parts = runtime.GOMAXPROCS(0)
	}
	item := t.DType.Size()
	var wg sync.WaitGroup
	for k := range parts {
		from, to := k*len(dst)/parts, (k+1)*len(dst)/parts
		wg.Go(func() { widen(dst[from:to], b[from*item:to*item], t.DType) })
	}
	wg.Wait()
	return nil
}

// littleEndian says whether numbers in memory look as they do in files.
var littleEndian = binary.NativeEndian.Uint16([]byte{1, 0}) == 1

// view returns bytes as numbers without copying, if they are aligned and the machine is little-endian.
func view[T any](b []byte) ([]T, bool) {
	var zero T
	size := int(unsafe.Sizeof(zero))
	if len(b) == 0 || !littleEndian || uintptr(unsafe.Pointer(unsafe.SliceData(b)))%uintptr(size) != 0 {
		return nil, false
	}
	return unsafe.Slice((*T)(unsafe.Pointer(unsafe.SliceData(b))), len(b)/size), true
}

// rawBytes returns the memory of numbers.
func rawBytes[T any](v []T) []byte {
	var zero T
	if len(v) == 0 {
		return nil
	}
	return unsafe.Slice((*byte)(unsafe.Pointer(unsafe.SliceData(v))), len(v)*int(unsafe.Sizeof(zero)))
}

// widen converts little-endian elements of the given type to dst.
func widen[T number](dst []T, b []byte, dtype DType) {
	le := binary.LittleEndian
	switch dtype {
	case F32:
		if same, ok := any(dst).([]float32); ok && littleEndian {
			copy(rawBytes(same), b)
			return
		}
		for i := range dst {
			dst[i] = T(math.Float32frombits(le.Uint32(b[4*i:])))
		}
	case F64:
		for i := range dst {
			dst[i] = T(math.Float64frombits(le.Uint64(b[8*i:])))
		}
	case F16:
		for i := range dst {
			dst[i] = T(half.Widen(le.Uint16(b[2*i:])))
		}
	case BF16:
		for i := range dst {
			dst[i] = T(bfloatToFloat(le.Uint16(b[2*i:])))
		}
	case I64:
		for i := range dst {
			dst[i] = T(int64(le.Uint64(b[8*i:])))
		}
	case U64:
		for i := range dst {
			dst[i] = T(le.Uint64(b[8*i:]))
		}
	case I32:
		for i := range dst {
			dst[i] = T(int32(le.Uint32(b[4*i:])))
		}
	case U32:
		for i := range dst {
			dst[i] = T(le.Uint32(b[4*i:]))
		}
	case I16:
		for i := range dst {
			dst[i] = T(int16(le.Uint16(b[2*i:])))
		}
	case U16:
		for i := range dst {
			dst[i] = T(le.Uint16(b[2*i:]))
		}
	case I8:
		for i := range dst {
			dst[i] = T(int8(b[i]))
		}
	case U8:
		for i := range dst {
			dst[i] = T(b[i])
		}
	case Bool:
		for i := range dst {
			dst[i] = 0
			if b[i] != 0 {
				dst[i] = 1
			}
		}
	}
}
