package analysis

import (
	"bytes"
	"encoding/json"
	"fmt"
	"math"
	"reflect"
	"slices"
	"strconv"
	"strings"
)

// number is a float64 that JSON can carry: what is not a finite number becomes null, and null becomes NaN.
type number float64

func (x number) MarshalJSON() ([]byte, error) {
	if math.IsNaN(float64(x)) || math.IsInf(float64(x), 0) {
		return []byte("null"), nil
	}
	return json.Marshal(float64(x))
}

func (x *number) UnmarshalJSON(raw []byte) error {
	if string(raw) == "null" {
		*x = number(math.NaN())
		return nil
	}
	return json.Unmarshal(raw, (*float64)(x))
}

func numbers(values []float64) []number {
	if values == nil {
		return nil
	}
	out := make([]number, len(values))
	for i, x := range values {
		out[i] = number(x)
	}
	return out
}

func floats(values []number) []float64 {
	if values == nil {
		return nil
	}
	out := make([]float64, len(values))
	for i, x := range values {
		out[i] = float64(x)
	}
	return out
}

// plainScores, and likewise the other plain types, have the fields but not the methods, so that JSON does not go round in
// circles; fields beside them take their place.
type plainScores Scores

type jsonScores struct {
	plainScores
	Words   []number `json:"words"`
	Regions []number `json:"regions"`
}

// MarshalJSON writes values that are not finite numbers as null.
func (s Scores) MarshalJSON() ([]byte, error) {
	return json.Marshal(jsonScores{plainScores(s), numbers(s.Words), numbers(s.Regions)})
}

// UnmarshalJSON reads what [Scores.MarshalJSON] wrote, null as NaN.
func (s *Scores) UnmarshalJSON(raw []byte) error {
	var j jsonScores
	if err := json.Unmarshal(raw, &j); err != nil {
		return err
	}
	*s = Scores(j.plainScores)
	s.Words, s.Regions = floats(j.Words), floats(j.Regions)
	return nil
}

type jsonPanel struct {
	Name   string     `json:"name"`
	Values [][]number `json:"values"`
}

// MarshalJSON writes values that are not finite numbers as null.
func (p MatrixPanel) MarshalJSON() ([]byte, error) {
	j := jsonPanel{Name: p.Name}
	for _, row := range p.Values {
		j.Values = append(j.Values, numbers(row))
	}
	return json.Marshal(j)
}

// UnmarshalJSON reads what [MatrixPanel.MarshalJSON] wrote, null as NaN.
func (p *MatrixPanel) UnmarshalJSON(raw []byte) error {
	var j jsonPanel
	if err := json.Unmarshal(raw, &j); err != nil {
		return err
	}
	*p = MatrixPanel{Name: j.Name}
	for _, row := range j.Values {
		p.Values = append(p.Values, floats(row))
	}
	return nil
}

type plainSeries CurveSeries

type jsonSeries struct {
	plainSeries
	Y    []number `json:"y"`
	Low  []number `json:"low,omitempty"`
	High []number `json:"high,omitempty"`
	Area *number  `json:"area,omitempty"`
}

// MarshalJSON writes values that are not finite numbers as null, and the interval as "low" and "high".
func (s CurveSeries) MarshalJSON() ([]byte, error) {
	j := jsonSeries{plainSeries: plainSeries(s), Y: numbers(s.Y), Low: numbers(s.Low), High: numbers(s.High)}
	if s.Area != 0 && !math.IsNaN(s.Area) {
		area := number(s.Area)
		j.Area = &area
	}
	return json.Marshal(j)
}

// UnmarshalJSON reads what [CurveSeries.MarshalJSON] wrote, null as NaN.
func (s *CurveSeries) UnmarshalJSON(raw []byte) error {
	var j jsonSeries
	if err := json.Unmarshal(raw, &j); err != nil {
		return err
	}
	*s = CurveSeries(j.plainSeries)
	s.Y, s.Low, s.High = floats(j.Y), floats(j.Low), floats(j.High)
	if j.Area != nil {
		s.Area = float64(*j.Area)
	}
	return nil
}

type plainTable Table

type jsonTable struct {
	plainTable
	Rows [][]any `json:"rows"`
}

// MarshalJSON writes numbers that are not finite as null, and every float64 with a point or an exponent, so that it is
// told from an int.
func (t Table) MarshalJSON() ([]byte, error) {
	j := jsonTable{plainTable: plainTable(t)}
	for _, row := range t.Rows {
		cells := make([]any, len(row))
		for i, x := range row {
			cells[i] = x
			if f, ok := x.(float64); ok {
				cells[i] = cell(f)
			}
		}
		j.Rows = append(j.Rows, cells)
	}
	return json.Marshal(j)
}

// cell writes a float64 so that [Table.UnmarshalJSON] reads one.
func cell(x float64) any {
	if math.IsNaN(x) || math.IsInf(x, 0) {
		return nil
	}
	s := strconv.FormatFloat(x, 'g', -1, 64)
	if !strings.ContainsAny(s, ".e") {
		s += ".0"
	}
	return json.RawMessage(s)
}

// UnmarshalJSON reads what [Table.MarshalJSON] wrote: null as NaN, numbers without point and exponent as int.
func (t *Table) UnmarshalJSON(raw []byte) error {
	d := json.NewDecoder(bytes.NewReader(raw))
	d.UseNumber()
	var j jsonTable
	if err := d.Decode(&j); err != nil {
		return err
	}
	for _, row := range j.Rows {
		for i, x := range row {
			switch v := x.(type) {
			case nil:
				row[i] = math.NaN()
			case json.Number:
				if n, err := strconv.Atoi(v.String()); err == nil {
					row[i] = n
					continue
				}
				f, err := v.Float64()
				if err != nil {
					return err
				}
				row[i] = f
			}
		}
	}
	*t = Table(j.plainTable)
	t.Rows = j.Rows
	return nil
}

// jsonResult is a result with the name of its kind.
type jsonResult struct {
	Kind   string          `json:"kind"`
	Result json.RawMessage `json:"result"`
}

type jsonCollection struct {
	Meta
	Title   string       `json:"title"`
	Results []jsonResult `json:"results"`
}

// MarshalJSON writes each result with the name of its kind.
func (c Collection) MarshalJSON() ([]byte, error) {
	j := jsonCollection{Meta: c.Meta, Title: c.Title}
	for _, r := range c.Results {
		raw, err := json.Marshal(r)
		if err != nil {
			return nil, err
		}
		j.Results = append(j.Results, jsonResult{KindOf(r), raw})
	}
	return json.Marshal(j)
}

// UnmarshalJSON reads what [Collection.MarshalJSON] wrote.
func (c *Collection) UnmarshalJSON(raw []byte) error {
	var j jsonCollection
	if err := json.Unmarshal(raw, &j); err != nil {
		return err
	}
	*c = Collection{Meta: j.Meta, Title: j.Title}
	for i, x := range j.Results {
		at := slices.IndexFunc(Kinds(), func(k Kind) bool { return k.Name == x.Kind })
		if at < 0 {
			return fmt.Errorf("result %d is of the kind %q, which there is not", i+1, x.Kind)
		}
		r := reflect.New(reflect.TypeOf(Kinds()[at].Zero))
		if err := json.Unmarshal(x.Result, r.Interface()); err != nil {
			return fmt.Errorf("result %d: %w", i+1, err)
		}
		c.Results = append(c.Results, r.Elem().Interface().(Result))
	}
	return nil
}
