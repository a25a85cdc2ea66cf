package region

import (
	"encoding/binary"
	"math"
)

// Most features are zeros or ordinary numbers, in no order that a processor could foresee: what tells one kind from
// another here takes no branch, but for infinities and what is not a number.

// half widens IEEE half precision; every value is exact.
func half(h uint16) float32 {
	sign, rest := uint32(h&0x8000)<<16, uint32(h&0x7fff)<<13
	if rest >= 0x1f<<23 {
		return math.Float32frombits(sign | 0x7f800000 | rest&0x7fffff)
	}
	const bias = 1 << 112 // 2^112: the biases of the exponents differ by so much
	return math.Float32frombits(sign | math.Float32bits(math.Float32frombits(rest)*bias))
}

// maxHalf is the largest number that half precision holds; from halfway to the next one on, rounding gives infinity.
const maxHalf = 65504

// toHalf rounds to IEEE half precision, to the nearest and of two equally near to the even one. A float32 of 2^13 times
// the number's power of two has places just as fine as the number's half precision has: adding it rounds, and the sum
// counts these places.
func toHalf(v float32) uint16 {
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

// encodeHalves writes numbers as float16. It returns the first finite one that is too large to be one, or 0.
func encodeHalves(dst []byte, src []float32) (large float32) {
	for i, v := range src {
		h := toHalf(v)
		if h&0x7fff == 0x7c00 && v-v == 0 && large == 0 {
			large = v
		}
		binary.LittleEndian.PutUint16(dst[2*i:], h)
	}
	return large
}

// decodeHalves widens float16.
func decodeHalves(dst []float32, src []byte) {
	for i := range dst {
		dst[i] = half(binary.LittleEndian.Uint16(src[2*i:]))
	}
}
