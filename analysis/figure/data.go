package figure

import (
	"encoding/binary"
	"encoding/csv"
	"encoding/json"
	"fmt"
	"io"
	"maps"
	"math"
	"slices"
	"strconv"

	"github.com/seed-516990b0/golxmert/analysis"
	"github.com/seed-516990b0/golxmert/analysis/report"
	"github.com/seed-516990b0/golxmert/lxmert"
)

// data is a result as numbers: its own CSV and JSON, and arrays for .safetensors.
type data struct {
	result any // what JSON is made of
	csv    func(w io.Writer) error
	meta   analysis.Meta
	kind   string
	arrays []array
}

// array is a named array of float64, in row-major order.
type array struct {
	name   string
	shape  []int
	values []float64
}

// dataOf takes a result apart, and says if its parts do not fit each other.
func dataOf(r any) (*data, error) {
	switch r := r.(type) {
	case analysis.Scores:
		return scoresData(r), nil
	case *analysis.Scores:
		return scoresData(*r), nil
	case analysis.Matrix:
		return matrixData(r)
	case *analysis.Matrix:
		return matrixData(*r)
	case analysis.Curve:
		return curveData(r)
	case *analysis.Curve:
		return curveData(*r)
	case analysis.Table:
		return tableData(r)
	case *analysis.Table:
		return tableData(*r)
	case Maps:
		return mapsData(r)
	case *Maps:
		return mapsData(*r)
	case report.Explanation:
		return explanationData(r)
	case *report.Explanation:
		return explanationData(*r)
	}
	return nil, fmt.Errorf("%w: %T", ErrKind, r)
}

func scoresData(s analysis.Scores) *data {
	d := &data{result: s, csv: s.CSV, meta: s.Meta, kind: "scores"}
	if s.Words != nil {
		d.arrays = append(d.arrays, array{"words", []int{len(s.Words)}, s.Words})
	}
	if s.Regions != nil {
		var boxes []float64
		for _, box := range s.Boxes {
			boxes = append(boxes, box[:]...)
		}
		d.arrays = append(d.arrays, array{"regions", []int{len(s.Regions)}, s.Regions}, array{"boxes", []int{len(s.Boxes), 4}, boxes})
	}
	return d
}

func matrixData(m analysis.Matrix) (*data, error) {
	rows, cols, err := matrixSize(m)
	d := &data{result: m, csv: m.CSV, meta: m.Meta, kind: "matrix"}
	for k, panel := range m.Panels {
		d.arrays = append(d.arrays, array{or(panel.Name, "panel "+strconv.Itoa(k)), []int{rows, cols}, slices.Concat(panel.Values...)})
	}
	return d, err
}

func curveData(c analysis.Curve) (*data, error) {
	d := &data{result: c, csv: c.CSV, meta: c.Meta, kind: "curve", arrays: []array{{"x", []int{len(c.X)}, c.X}}}
	taken := map[string]bool{"x": true}
	for k, s := range c.Series {
		name := or(s.Name, "series "+strconv.Itoa(k))
		if taken[name] { // such as the random orders of several methods
			name += " #" + strconv.Itoa(k)
		}
		taken[name] = true
		d.arrays = append(d.arrays, array{name, []int{len(s.Y)}, s.Y})
		if s.Low != nil {
			d.arrays = append(d.arrays, array{name + ".low", []int{len(s.Low)}, s.Low}, array{name + ".high", []int{len(s.High)}, s.High})
		}
	}
	return d, checkCurve(c)
}

// tableData has the columns that are numbers from top to bottom as arrays.
func tableData(t analysis.Table) (*data, error) {
	d := &data{result: t, csv: t.CSV, meta: t.Meta, kind: "table"}
	if err := checkTable(t); err != nil {
		return nil, err
	}
	for j, name := range t.Columns {
		var column []float64
		for _, row := range t.Rows {
			if x, ok := asNumber(row[j]); ok {
				column = append(column, x)
			}
		}
		if len(column) == len(t.Rows) && len(column) > 0 {
			d.arrays = append(d.arrays, array{name, []int{len(column)}, column})
		}
	}
	return d, nil
}

func mapsData(m Maps) (*data, error) {
	d := &data{csv: m.CSV, meta: m.Meta, kind: "maps"}
	present := m
	present.Maps = map[string]lxmert.Tensor{}
	for _, name := range slices.Sorted(maps.Keys(m.Maps)) {
		t, err := m.Present(name)
		if err != nil {
			return nil, err
		}
		present.Maps[name] = t
		d.arrays = append(d.arrays, mapArray(name, t))
	}
	d.result = present
	return d, nil
}

func mapArray(name string, t lxmert.Tensor) array {
	values := make([]float64, len(t.Data))
	for i, x := range t.Data {
		values[i] = float64(x)
	}
	return array{name, t.Shape, values}
}

// explanation is how a report.Explanation is written as JSON.
type explanation struct {
	Scores  analysis.Scores          `json:"scores"`
	Methods []analysis.Scores        `json:"methods,omitempty"`
	Maps    map[string]lxmert.Tensor `json:"maps,omitempty"`
	Answers []answer                 `json:"answers,omitempty"`
}

type answer struct {
	Text        string   `json:"text"`
	Probability *float64 `json:"probability"` // null: not known
}

// explanationData has all scores and maps. In CSV, which has one kind of lines, the maps are left out; a first column names
// the method and a second one the target.
func explanationData(x report.Explanation) (*data, error) {
	d := scoresData(x.Scores)
	d.kind = "explanation"
	out := explanation{Scores: x.Scores, Methods: x.Methods}
	for _, a := range x.Answers {
		kept := answer{Text: a.Text}
		if !math.IsNaN(a.Probability) && !math.IsInf(a.Probability, 0) {
			kept.Probability = &a.Probability
		}
		out.Answers = append(out.Answers, kept)
	}
	for i, s := range x.Methods {
		for _, a := range scoresData(s).arrays {
			if a.name != "boxes" { // they are those of the first
				a.name = fmt.Sprintf("methods.%d.%s", i, a.name)
				d.arrays = append(d.arrays, a)
			}
		}
	}
	if x.Maps != nil {
		regions := len(x.Scores.Regions)
		for regions > 0 && !there(x.Scores, regions-1) {
			regions--
		}
		m, err := mapsData(Maps{Meta: x.Scores.Meta, Maps: x.Maps, Text: x.Scores.Text, Regions: regions})
		if err != nil {
			return nil, err
		}
		out.Maps = m.result.(Maps).Maps
		d.arrays = append(d.arrays, m.arrays...)
	}
	d.result = out
	d.csv = func(w io.Writer) error {
		lines := csv.NewWriter(w)
		for i, s := range append([]analysis.Scores{x.Scores}, x.Methods...) {
			first := true
			err := eachLine(s.CSV, func(line []string) error {
				before := []string{s.Method, s.Target}
				if first {
					if first = false; i > 0 {
						return nil // the heading stands there once
					}
					before = []string{"method", "target"}
				}
				return lines.Write(append(before, line...))
			})
			if err != nil {
				return err
			}
		}
		lines.Flush()
		return lines.Error()
	}
	return d, nil
}

// asNumber is a table's entry as a number, if it is one.
func asNumber(v any) (float64, bool) {
	switch v := v.(type) {
	case float64:
		return v, true
	case float32:
		return float64(v), true
	case int:
		return float64(v), true
	case int64:
		return float64(v), true
	}
	return 0, false
}

func or(s, otherwise string) string {
	if s == "" {
		return otherwise
	}
	return s
}

// writer returns what writes the data in one of the three formats.
func (d *data) writer(format string) func(w io.Writer) error {
	switch format {
	case "csv":
		return d.writeCSV
	case "json":
		return d.writeJSON
	}
	return d.writeSafetensors
}

// writeCSV adds one column to the result's own, meta: in the first line the [analysis.Meta] as JSON, else empty. Comments
// before the heading would keep readers of CSV from finding it.
func (d *data) writeCSV(w io.Writer) error {
	meta, err := json.Marshal(d.meta)
	if err != nil {
		return err
	}
	lines := csv.NewWriter(w)
	n := 0
	err = eachLine(d.csv, func(line []string) error {
		last := ""
		switch n++; n {
		case 1:
			last = "meta"
			for slices.Contains(line, last) {
				last += "_"
			}
		case 2:
			last = string(meta)
		}
		return lines.Write(append(line, last))
	})
	if err != nil {
		return err
	}
	lines.Flush()
	return lines.Error()
}

// eachLine hands over what is written as CSV line by line.
func eachLine(write func(w io.Writer) error, do func(line []string) error) error {
	r, w := io.Pipe()
	go func() { w.CloseWithError(write(w)) }()
	defer r.Close()
	lines := csv.NewReader(r)
	for {
		line, err := lines.Read()
		if err == io.EOF {
			return nil
		}
		if err != nil {
			return err
		}
		if err := do(line); err != nil {
			return err
		}
	}
}

func (d *data) writeJSON(w io.Writer) error {
	e := json.NewEncoder(w)
	e.SetIndent("", " ")
	return e.Encode(d.result)
}

// writeSafetensors writes the arrays as F64; the metadata has the kind, and as JSON the [analysis.Meta].
func (d *data) writeSafetensors(w io.Writer) error {
	if len(d.arrays) == 0 {
		return fmt.Errorf("%s without numbers cannot be written as safetensors: take .csv or .json", d.kind)
	}
	meta, err := json.Marshal(d.meta)
	if err != nil {
		return err
	}
	type entry struct {
		DType   string `json:"dtype"`
		Shape   []int  `json:"shape"`
		Offsets [2]int `json:"data_offsets"`
	}
	header := map[string]any{"__metadata__": map[string]string{"kind": d.kind, "meta": string(meta)}}
	at := 0
	for _, a := range d.arrays {
		if _, twice := header[a.name]; twice {
			return fmt.Errorf("two arrays are called %q: take .csv or .json, or other names", a.name)
		}
		size := 8 * len(a.values)
		header[a.name] = entry{"F64", a.shape, [2]int{at, at + size}}
		at += size
	}
	text, err := json.Marshal(header)
	if err != nil {
		return err
	}
	for len(text)%8 != 0 {
		text = append(text, ' ')
	}
	out := binary.LittleEndian.AppendUint64(nil, uint64(len(text)))
	out = append(out, text...)
	for _, a := range d.arrays {
		for _, x := range a.values {
			out = binary.LittleEndian.AppendUint64(out, math.Float64bits(x))
		}
	}
	_, err = w.Write(out)
	return err
}
