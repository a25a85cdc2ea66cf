package figure

import (
	"encoding/binary"
	"encoding/csv"
	"encoding/json"
	"fmt"
	"io"
	"math"
	"slices"

	"github.com/seed-516990b0/golxmert/analysis"
)

// dataWriter returns what writes a result's numbers as "csv", "json" or "safetensors", or says what is wrong with it.
func dataWriter(format string, r analysis.Result) (func(w io.Writer) error, error) {
	r, err := analysis.Value(r)
	if err != nil {
		return nil, err
	}
	if err := r.Check(); err != nil {
		return nil, err
	}
	write := map[string]func(io.Writer, analysis.Result) error{"csv": writeCSV, "json": writeJSON, "safetensors": writeSafetensors}[format]
	return func(w io.Writer) error { return write(w, r) }, nil
}

func or(s, otherwise string) string {
	if s == "" {
		return otherwise
	}
	return s
}

// writeCSV adds one column to the result's own, meta: in the first line the [analysis.Meta] as JSON, else empty. Comments
// before the heading would keep readers of CSV from finding it.
func writeCSV(w io.Writer, r analysis.Result) error {
	meta, err := json.Marshal(r.About())
	if err != nil {
		return err
	}
	lines := csv.NewWriter(w)
	n := 0
	err = eachLine(r.CSV, func(line []string) error {
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

func writeJSON(w io.Writer, r analysis.Result) error {
	e := json.NewEncoder(w)
	e.SetIndent("", " ")
	return e.Encode(r)
}

// writeSafetensors writes the arrays as F64; the metadata has the kind, and as JSON the [analysis.Meta].
func writeSafetensors(w io.Writer, r analysis.Result) error {
	arrays := r.Arrays()
	if len(arrays) == 0 {
		return fmt.Errorf("a %s without arrays of numbers cannot be written as safetensors: take .csv or .json", analysis.KindOf(r))
	}
	meta, err := json.Marshal(r.About())
	if err != nil {
		return err
	}
	type entry struct {
		DType   string `json:"dtype"`
		Shape   []int  `json:"shape"`
		Offsets [2]int `json:"data_offsets"`
	}
	header := map[string]any{"__metadata__": map[string]string{"kind": analysis.KindOf(r), "meta": string(meta)}}
	at := 0
	for _, a := range arrays {
		if _, twice := header[a.Name]; twice {
			return fmt.Errorf("two arrays are called %q: take .csv or .json, or other names", a.Name)
		}
		size := 8 * len(a.Values)
		header[a.Name] = entry{"F64", a.Shape, [2]int{at, at + size}}
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
	for _, a := range arrays {
		for _, x := range a.Values {
			out = binary.LittleEndian.AppendUint64(out, math.Float64bits(x))
		}
	}
	_, err = w.Write(out)
	return err
}
