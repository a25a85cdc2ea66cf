package weights

import (
	"encoding/binary"
	"fmt"
	"math"

	"github.com/seed-516990b0/golxmert/internal/half"
	"github.com/seed-516990b0/golxmert/lxmert/weights/internal/pickle"
)

// Training loops like to save NumPy values beside the weights: a best score, the state of a generator of random numbers.
// Scalars are read as plain numbers; arrays, and scalars of rarer types, stay what they are called.

// numpyType is a numpy.dtype: its code, such as f8.
type numpyType struct {
	code string
	big  bool
}

func (t *numpyType) String() string { return "numpy.dtype(" + t.code + ")" }

// Build implements [pickle.Builder]; the state is (version, byte order, ...).
func (t *numpyType) Build(state any) error {
	if tuple, ok := state.(*pickle.Tuple); ok && len(tuple.Items) > 1 {
		t.big = tuple.Items[1] == any(">")
	}
	return nil
}

func numpyDType(args []any) (any, bool) {
	if len(args) == 0 {
		return nil, false
	}
	code, ok := args[0].(string)
	return &numpyType{code: code}, ok && len(code) <= 16
}

// latin1 is codecs.encode(text, "latin1"), which is how protocol 2 writes bytes. Long texts stay as they are, so that
// naming one many times does not multiply it.
func latin1(args []any) (any, bool) {
	if len(args) != 2 || args[1] != any("latin1") {
		return nil, false
	}
	s, ok := args[0].(string)
	if !ok || len(s) > 64 {
		return &Object{Class: &Class{Module: "builtins", Name: "bytes"}, Args: args}, ok
	}
	b := make([]byte, 0, 64)
	for _, r := range s {
		if r > 0xff {
			return nil, false
		}
		b = append(b, byte(r))
	}
	return pickle.Bytes(b), true
}

// numpyScalar is a plain number, if its type and value are those of one.
func numpyScalar(args []any) (any, bool) {
	scalar := &Object{Class: &Class{Module: "numpy", Name: "generic"}, Args: args}
	if len(args) != 2 {
		return scalar, true
	}
	dtype, ok := args[0].(*numpyType)
	value, ok2 := args[1].(pickle.Bytes)
	if !ok || !ok2 || dtype.big {
		return scalar, true
	}
	sizes := map[string]int{"f8": 8, "f4": 4, "f2": 2, "i8": 8, "i4": 4, "i2": 2, "i1": 1, "u4": 4, "u2": 2, "u1": 1, "b1": 1}
	if size, known := sizes[dtype.code]; !known || len(value) != size {
		return scalar, true
	}
	var b [8]byte
	copy(b[:], value)
	bits := binary.LittleEndian.Uint64(b[:])
	switch dtype.code {
	case "f8":
		return math.Float64frombits(bits), true
	case "f4":
		return float64(math.Float32frombits(uint32(bits))), true
	case "f2":
		return float64(half.Widen(uint16(bits))), true
	case "i4":
		return int64(int32(bits)), true
	case "i2":
		return int64(int16(bits)), true
	case "i1":
		return int64(int8(bits)), true
	case "b1":
		return b[0] != 0, true
	}
	return int64(bits), true // i8 and the unsigned ones
}

// numpyFromBuffer is how protocol 5 writes an array: (values, type, shape, order). It gets the state of other protocols.
func numpyFromBuffer(args []any) (any, bool) {
	if len(args) < 3 {
		return nil, false
	}
	state := &pickle.Tuple{Items: []any{nil, args[2], args[1]}}
	return &Object{Class: &Class{Module: "numpy", Name: "ndarray"}, State: state}, true
}

// numpyText is what an array or a rare scalar is called, "" for other objects.
func numpyText(o *Object) string {
	if o.Class.Module != "numpy" {
		return ""
	}
	switch o.Class.Name {
	case "ndarray": // the state is (version, shape, type, order, values)
		state, ok := o.State.(*pickle.Tuple)
		if !ok || len(state.Items) < 3 {
			return ""
		}
		shape, err := int64s(state.Items[1])
		if err != nil {
			return ""
		}
		return fmt.Sprintf("numpy.ndarray %s %v", typeCode(state.Items[2]), shape)
	case "generic":
		if len(o.Args) > 0 {
			return "numpy scalar " + typeCode(o.Args[0])
		}
	}
	return ""
}

func typeCode(dtype any) string {
	if t, ok := dtype.(*numpyType); ok {
		return short(t.code)
	}
	return "of an unknown type"
}
