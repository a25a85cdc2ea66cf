package region

import (
	"encoding/base64"
	"encoding/binary"
	"errors"
	"fmt"
	"math"
	"sync"
	"unsafe"
)

// decodedLen is the number of bytes that padded base64 stands for.
func decodedLen(text []byte) (int, error) {
	if len(text)%4 != 0 {
		return 0, fmt.Errorf("%d characters of base64, must be a multiple of 4", len(text))
	}
	n := len(text) / 4 * 3
	for i := len(text) - 1; i >= 0 && i >= len(text)-2 && text[i] == '='; i-- {
		n--
	}
	return n, nil
}

var base64Strict = base64.StdEncoding.Strict()

// decode fills dst with the bytes that base64 text stands for, as many as decodedLen says.
func decode(dst, text []byte) error {
	done := decodePairs(dst, text)
	n, err := base64Strict.Decode(dst[done/4*3:], text[done:])
	if bad := base64.CorruptInputError(0); errors.As(err, &bad) {
		return fmt.Errorf("character %d is not proper base64", done+int(bad)+1)
	}
	if err == nil && n != len(dst)-done/4*3 { // the decoder skips line ends
		err = errors.New("not proper base64: there is a carriage return in it")
	}
	return err
}

// base64Pairs maps two characters, the first one in the low byte, to their 12 bits, or to notPair. Two characters at a
// time are twice as fast as one, which counts: decoding is most of the work of packing.
var base64Pairs = sync.OnceValue(func() *[1 << 16]uint16 {
	const alphabet = "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789+/"
	table := new([1 << 16]uint16)
	for i := range table {
		table[i] = notPair
	}
	for i, a := range []byte(alphabet) {
		for k, b := range []byte(alphabet) {
			table[int(a)|int(b)<<8] = uint16(i<<6 | k)
		}
	}
	return table
})

const notPair = 1 << 15

// decodePairs decodes from the beginning on as long as there are whole groups of eight proper characters and room for
// eight bytes, and returns the number of characters that it decoded: a multiple of 8.
func decodePairs(dst, text []byte) int {
	table := base64Pairs()
	rest := text
	for len(rest) >= 8 && len(dst) >= 8 {
		v := binary.LittleEndian.Uint64(rest)
		a, b, c, d := uint64(table[uint16(v)]), uint64(table[uint16(v>>16)]), uint64(table[uint16(v>>32)]), uint64(table[v>>48])
		if (a|b|c|d)&notPair != 0 {
			break
		}
		binary.BigEndian.PutUint64(dst, a<<52|b<<40|c<<28|d<<16)
		rest, dst = rest[8:], dst[6:]
	}
	return len(text) - len(rest)
}

// decodeFloats fills dst with base64 of as many float32. Where memory has the file's byte order they are decoded in place.
func decodeFloats(dst []float32, text []byte) error {
	if len(dst) == 0 {
		return nil
	}
	raw := memory(dst)
	if err := decode(raw, text); err != nil {
		return err
	}
	if !littleEndian {
		for i := range dst {
			dst[i] = math.Float32frombits(binary.LittleEndian.Uint32(raw[4*i:]))
		}
	}
	return nil
}

// memory is a slice of numbers as the bytes that hold them.
func memory[T float32 | int32](s []T) []byte {
	return unsafe.Slice((*byte)(unsafe.Pointer(unsafe.SliceData(s))), 4*len(s))
}

// littleEndian says whether numbers in memory look as they do in files.
var littleEndian = binary.NativeEndian.Uint16([]byte{1, 0}) == 1

// decodeInts fills dst with base64 of as many int64.
func decodeInts(dst []int32, text []byte) error {
	raw := make([]byte, 8*len(dst))
	if err := decode(raw, text); err != nil {
		return err
	}
	for i := range dst {
		v := int64(binary.LittleEndian.Uint64(raw[8*i:]))
		if int64(int32(v)) != v {
			return fmt.Errorf("%d of box %d is not a class", v, i)
		}
		dst[i] = int32(v)
	}
	return nil
}
