package report

import (
	"encoding/binary"
	"fmt"
	"math"
	"strings"

	"github.com/seed-516990b0/golxmert/analysis/layout"
	"github.com/seed-516990b0/golxmert/lxmert"
)

// mapIndex places one map in the bytes of all: [Heads,Queries,Keys] from Offset on.
type mapIndex struct {
	Name    string `json:"n"`
	Queries int    `json:"q"`
	Keys    int    `json:"k"`
	Offset  int    `json:"o"`
}

// pack makes one byte of each attention, the square root in 255 steps: shares of a thirty-sixth stay apart while 1 still
// fits. Maps come in the order of the layers. Words beyond t and regions beyond v are padding and left out.
func pack(all map[string]lxmert.Tensor, t, v int) (index []mapIndex, heads int, data string, err error) {
	var raw []byte
	for _, name := range layout.MapNames(all) {
		m := all[name]
		stream := name[strings.LastIndex(name, ".")+1:]
		rows, okRows := map[byte]int{'t': t, 'i': v}[first(stream)]
		cols, okCols := map[byte]int{'t': t, 'i': v}[last(stream)]
		if len(stream) != 2 || !okRows || !okCols {
			return nil, 0, "", fmt.Errorf("%w: %q is not the name of an attention map, such as x.4.ti", ErrResult, name)
		}
		if len(m.Shape) != 3 || lxmert.Size(m.Shape) != len(m.Data) {
			return nil, 0, "", fmt.Errorf("%w: map %s has shape %v and %d values, must be [heads, queries, keys] of one example", ErrResult, name, m.Shape, len(m.Data))
		}
		if heads == 0 {
			heads = m.Shape[0]
		}
		if m.Shape[0] != heads || heads == 0 || m.Shape[1] < rows || m.Shape[2] < cols {
			return nil, 0, "", fmt.Errorf("%w: map %s has shape %v, must be at least [%d, %d, %d]", ErrResult, name, m.Shape, max(heads, 1), rows, cols)
		}
		index = append(index, mapIndex{Name: name, Queries: rows, Keys: cols, Offset: len(raw)})
		for h := range heads {
			for q := range rows {
				for k := range cols {
					x := float64(m.Data[(h*m.Shape[1]+q)*m.Shape[2]+k])
					if !(x >= -1e-3 && x <= 1+1e-3) {
						return nil, 0, "", fmt.Errorf("%w: map %s, head %d, query %d, key %d is %g; attention is from 0 to 1", ErrResult, name, h, q, k, x)
					}
					raw = append(raw, uint8(math.Round(255*math.Sqrt(min(max(x, 0), 1)))))
				}
			}
		}
	}
	return index, heads, base85(raw), nil
}

// digits are the printable letters that mean nothing in HTML, JSON or a script.
const digits = "!#%()*+,-./0123456789:;=?@ABCDEFGHIJKLMNOPQRSTUVWXYZ[]^_abcdefghijklmnopqrstuvwxyz{|}"

// base85 writes four bytes as five letters, the first byte and the first letter the most significant; zeros fill up the
// last four. That takes a quarter more than the bytes, where base64 takes a third.
func base85(raw []byte) string {
	var b strings.Builder
	b.Grow(len(raw)/4*5 + 5)
	for len(raw) > 0 {
		var four [4]byte
		raw = raw[copy(four[:], raw):]
		n := binary.BigEndian.Uint32(four[:])
		for _, unit := range []uint32{85 * 85 * 85 * 85, 85 * 85 * 85, 85 * 85, 85, 1} {
			b.WriteByte(digits[n/unit%85])
		}
	}
	return b.String()
}

func first(s string) byte {
	if s == "" {
		return 0
	}
	return s[0]
}

func last(s string) byte {
	if s == "" {
		return 0
	}
	return s[len(s)-1]
}
