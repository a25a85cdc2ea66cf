package weights

import "math"

// DType is the type of a tensor's elements, named as in safetensors files.
type DType string

// Types of elements.
const (
	F64  DType = "F64"
	F32  DType = "F32"
	F16  DType = "F16"
	BF16 DType = "BF16"
	I64  DType = "I64"
	I32  DType = "I32"
	I16  DType = "I16"
	I8   DType = "I8"
	U64  DType = "U64"
	U32  DType = "U32"
	U16  DType = "U16"
	U8   DType = "U8"
	Bool DType = "BOOL"
)

// Size is the number of bytes of one element; 0 for a type that is not one of the constants.
func (d DType) Size() int {
	switch d {
	case F64, I64, U64:
		return 8
	case F32, I32, U32:
		return 4
	case F16, BF16, I16, U16:
		return 2
	case I8, U8, Bool:
		return 1
	}
	return 0
}

// IsFloat reports whether d is one of the floating-point types.
func (d DType) IsFloat() bool { return d == F64 || d == F32 || d == F16 || d == BF16 }

// halfToFloat widens IEEE half precision; every value is exact. Exponent and fraction move to their places in a float32 and
// the product mends the exponent's bias, which holds for subnormal numbers too.
func halfToFloat(h uint16) float32 {
	bits := math.Float32bits(math.Float32frombits(uint32(h&0x7fff)<<13) * 0x1p112)
	if h&0x7c00 == 0x7c00 { // infinite or NaN
		bits |= 0x7f800000
	}
	return math.Float32frombits(bits | uint32(h&0x8000)<<16)
}

// floatToHalf rounds to the nearest half, ties to even; too large values become infinite, NaN stays NaN.
func floatToHalf(f float32) uint16 {
	bits := math.Float32bits(f)
	sign := uint16(bits >> 16 & 0x8000)
	abs := bits & 0x7fffffff
	switch {
	case abs > 0x7f800000:
		return sign | 0x7e00 | uint16(abs>>13&0x3ff)
	case abs >= 0x477ff000: // rounds to 2^16 or beyond
		return sign | 0x7c00
	case abs < 0x38800000: // below the smallest normal half: count units of 2^-24
		return sign | uint16(math.RoundToEven(float64(math.Float32frombits(abs))*(1<<24)))
	}
	abs += 0xfff + abs>>13&1
	return sign | uint16((abs-112<<23)>>13)
}

func bfloatToFloat(b uint16) float32 { return math.Float32frombits(uint32(b) << 16) }

// floatToBfloat rounds to the nearest bfloat16, ties to even; NaN stays NaN.
func floatToBfloat(f float32) uint16 {
	bits := math.Float32bits(f)
	if bits&0x7fffffff > 0x7f800000 {
		return uint16(bits>>16) | 0x40
	}
	return uint16((bits + 0x7fff + bits>>16&1) >> 16)
}
