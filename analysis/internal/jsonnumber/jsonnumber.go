// Package jsonnumber has numbers in JSON where there are so many that all their digits would make most of a file.
package jsonnumber

import (
	"encoding/json"
	"math"
	"strconv"
)

// Rounded are numbers of which six digits are written; null stands for what JSON has no number for and is read as NaN.
type Rounded []float64

func (r Rounded) MarshalJSON() ([]byte, error) {
	b := []byte{'['}
	for i, x := range r {
		if i > 0 {
			b = append(b, ',')
		}
		if math.IsNaN(x) || math.IsInf(x, 0) {
			b = append(b, "null"...)
			continue
		}
		b = strconv.AppendFloat(b, x, 'g', 6, 64)
	}
	return append(b, ']'), nil
}

func (r *Rounded) UnmarshalJSON(raw []byte) error {
	var values []*float64
	if err := json.Unmarshal(raw, &values); err != nil {
		return err
	}
	*r = make(Rounded, len(values))
	for i, x := range values {
		(*r)[i] = math.NaN()
		if x != nil {
			(*r)[i] = *x
		}
	}
	return nil
}
