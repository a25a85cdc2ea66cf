// Package half is IEEE half precision, float16, in files: five bits of exponent and ten of fraction.
//
// Most numbers that it is given are zeros or ordinary ones, in no order that a processor could foresee: what tells one kind
// from another here takes no branch, but for infinities and what is not a number.
package half

import (
	"encoding/binary"
	"math"
)

// Widen is the value of a half; every one is exact.
func Widen(h uint16) float32 {
	sign, rest := uint32(h&0x8000)<<16, uint32(h&0x7fff)<<13
	if rest >= 0x1f<<23 {
		return math.Float32frombits(sign | 0x7f800000 | rest&0x7fffff)
	}
	const bias = 1 << 112 // 2^112: the biases of the exponents differ by so much
	return math.Float32frombits(sign | math.Float32bits(math.Float32frombits(rest)*bias))
}

// Max is the largest number that half precision holds; from halfway to the next one on, rounding gives infinity.
const Max = 65504

// Round rounds to half precision, to the nearest and of two equally near to the even one. A float32 of 2^13 times
// the number's power of two has places just as fine as the number's half precision has: adding it rounds, and the sum
// counts these places.
func Round(v float32) uint16 {
	bits := math.Float32bits(v)
	sign := uint16(bits >> 16 & 0x8000)
	bits &= 0x7fffffff
	if bits > 0x7f800000 { // not a number, which keeps its upper digits and stays none
		return sign | 0x7e00 | uint16(bits>>13&0x3ff)
	}
	power := min(max(bits&0x7f800000, 113<<23), 143<<23) // from 2^-14, below which places get no finer, to what is infinite
	places := math.Float32bits(math.Float32frombits(bits)+math.Float32frombits(power+13<<23)) - (power + 13<<23)
	return sign | uint16(min((power>>23-113)<<10+places, 0x7c00))
}

// Encode writes numbers as halves, the lower byte first. It returns the first finite one that is too large to be one, or 0.
func Encode(dst []byte, src []float32) (large float32) {
	for i, v := range src {
		h := Round(v)
		if h&0x7fff == 0x7c00 && v-v == 0 && large == 0 {
			large = v
		}
		binary.LittleEndian.PutUint16(dst[2*i:], h)
	}
	return large
}

// Decode widens what [Encode] writes.
func Decode(dst []float32, src []byte) {
	for i := range dst {
		dst[i] = Widen(binary.LittleEndian.Uint16(src[2*i:]))
	}
}
