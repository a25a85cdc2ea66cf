package analysis

import (
	"encoding/csv"
	"encoding/json"
	"fmt"
	"io"
	"maps"
	"slices"
	"strconv"
	"strings"

	"github.com/seed-516990b0/golxmert/lxmert"
)

// Maps are attention maps of one example: [H,Q,K] each, by names such as x.4.ti.
type Maps struct {
	Meta
	Maps map[string]lxmert.Tensor
	Text lxmert.Words // the sentence; optional. Where there are pieces, words beyond them, and [PAD], are padding
	// Regions is how many there are, those beyond it are padding; 0: all.
	Regions int
}

// Present is a map without the queries and keys that are padding. It is [heads, queries, keys] of one example, or else
// the error says so.
func (m Maps) Present(name string) (lxmert.Tensor, error) {
	t := m.Maps[name]
	if len(t.Shape) != 3 || lxmert.Size(t.Shape) != len(t.Data) || len(t.Data) == 0 {
		return t, fmt.Errorf("map %s has shape %v and %d values, must be [heads, queries, keys] of one example", name, t.Shape, len(t.Data))
	}
	stream := name[strings.LastIndex(name, ".")+1:]
	if len(stream) != 2 {
		return t, fmt.Errorf("%s is not an attention map: names are like l.0.tt, r.0.ii, x.0.ti", name)
	}
	words := len(m.Text.Pieces)
	for words > 0 && m.Text.Pieces[words-1] == "[PAD]" {
		words--
	}
	kept := func(letter byte, size int) int {
		n := map[byte]int{'t': words, 'i': m.Regions}[letter]
		if n <= 0 || n > size {
			return size
		}
		return n
	}
	heads, q, k := t.Shape[0], kept(stream[0], t.Shape[1]), kept(stream[1], t.Shape[2])
	if q == t.Shape[1] && k == t.Shape[2] {
		return t, nil
	}
	out := lxmert.NewTensor(heads, q, k)
	for h := range heads {
		for i := range q {
			from := (h*t.Shape[1] + i) * t.Shape[2]
			copy(out.Data[(h*q+i)*k:][:k], t.Data[from:from+k])
		}
	}
	return out, nil
}

// CSV writes a line for each entry of each map that is not padding: map, head, query, key and value.
func (m Maps) CSV(w io.Writer) error {
	lines := csv.NewWriter(w)
	if err := lines.Write([]string{"map", "head", "query", "key", "value"}); err != nil {
		return err
	}
	for _, name := range slices.Sorted(maps.Keys(m.Maps)) {
		t, err := m.Present(name)
		if err != nil {
			return err
		}
		q, k := t.Shape[1], t.Shape[2]
		for i, x := range t.Data {
			err := lines.Write([]string{name, strconv.Itoa(i / (q * k)), strconv.Itoa(i / k % q), strconv.Itoa(i % k), strconv.FormatFloat(float64(x), 'g', -1, 32)})
			if err != nil {
				return err
			}
		}
	}
	lines.Flush()
	return lines.Error()
}

// Check says which map has a wrong name or shape.
func (m Maps) Check() error {
	for _, name := range slices.Sorted(maps.Keys(m.Maps)) {
		if _, err := m.Present(name); err != nil {
			return err
		}
	}
	return nil
}

// Arrays are the maps without padding, in the order of their names.
func (m Maps) Arrays() []Array {
	var out []Array
	for _, name := range slices.Sorted(maps.Keys(m.Maps)) {
		t, err := m.Present(name)
		if err != nil {
			continue // Check says why
		}
		out = append(out, Array{name, t.Shape, t.Float64s()})
	}
	return out
}

// Plain names the method.
func (m Maps) Plain() string { return m.Method }

func (m Maps) withScores(func(Scores) Scores) Result { return m }

// present are all maps without padding.
func (m Maps) present() (map[string]lxmert.Tensor, error) {
	out := map[string]lxmert.Tensor{}
	for name := range m.Maps {
		t, err := m.Present(name)
		if err != nil {
			return nil, err
		}
		out[name] = t
	}
	return out, nil
}

type plainMaps Maps

// MarshalJSON writes the maps without padding.
func (m Maps) MarshalJSON() ([]byte, error) {
	present, err := m.present()
	if err != nil {
		return nil, err
	}
	m.Maps = present
	return json.Marshal(plainMaps(m))
}
