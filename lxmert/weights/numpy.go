package weights

import (
	"encoding/binary"
	"errors"
	"math"

	"github.com/seed-516990b0/golxmert/lxmert/weights/internal/pickle"
)

// Training loops like to save NumPy scalars (a best score, say) beside the weights. They are read as plain numbers.

// numpyType is a numpy.dtype under construction.
type numpyType struct {
	code string
	big  bool
}

// Build implements [pickle.Builder]; the state is (version, byte order, ...).
func (t *numpyType) Build(state any) error {
	if tuple, ok := state.(*pickle.Tuple); ok && len(tuple.Items) > 1 {
		t.big = tuple.Items[1] == any(">")
		return nil
	}
	return errors.New("a numpy.dtype with an unknown state")
}

func numpyGlobal(module, name string) pickle.Callable {
	switch module + "." + name {
	case "numpy.dtype":
		return function(func(args []any) (any, error) {
			if len(args) > 0 {
				if code, ok := args[0].(string); ok {
					return &numpyType{code: code}, nil
				}
			}
			return nil, errors.New("a numpy.dtype without a code")
		})
	case "numpy.core.multiarray.scalar", "numpy._core.multiarray.scalar":
		return function(numpyScalar)
	case "_codecs.encode": // how protocol 2 writes bytes
		return function(func(args []any) (any, error) {
			if len(args) == 2 && args[1] == any("latin1") {
				if s, ok := args[0].(string); ok && len(s) <= 64 {
					b := make([]byte, 0, 64)
					for _, r := range s {
						if r > 0xff {
							return nil, errors.New("bytes beyond 255")
						}
						b = append(b, byte(r))
					}
					return pickle.Bytes(b), nil
				}
			}
			return nil, errors.New("only short latin1 text is turned to bytes")
		})
	}
	return nil
}

func numpyScalar(args []any) (any, error) {
	if len(args) != 2 {
		return nil, errors.New("a NumPy scalar without type or value")
	}
	dtype, ok := args[0].(*numpyType)
	value, ok2 := args[1].(pickle.Bytes)
	if !ok || !ok2 || dtype.big {
		return nil, errors.New("a NumPy scalar of an unknown kind")
	}
	var b [8]byte
	copy(b[:], value)
	bits := binary.LittleEndian.Uint64(b[:])
	sizes := map[string]int{"f8": 8, "f4": 4, "i8": 8, "i4": 4, "i2": 2, "i1": 1, "u1": 1, "b1": 1}
	if size, known := sizes[dtype.code]; !known || len(value) != size {
		return nil, errors.New("a NumPy scalar of an unknown kind")
	}
	switch dtype.code {
	case "f8":
		return math.Float64frombits(bits), nil
	case "f4":
		return float64(math.Float32frombits(uint32(bits))), nil
	case "i8":
		return int64(bits), nil
	case "i4":
		return int64(int32(bits)), nil
	case "i2":
		return int64(int16(bits)), nil
	case "i1":
		return int64(int8(bits)), nil
	case "b1":
		return b[0] != 0, nil
	}
	return int64(b[0]), nil
}
