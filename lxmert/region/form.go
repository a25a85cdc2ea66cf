package region

import (
	"bytes"
	"encoding/binary"
	"fmt"
	"math"
	"slices"
	"strings"

	"github.com/seed-516990b0/golxmert/internal/half"
)

// form is how the rows of a TSV are written. What differs from the published form is read where it is unambiguous: another
// order of columns that a header or their number tells, base64 as Python prints bytes, and other types of numbers, which
// the number of their bytes tells or, of features, their values.
type form struct {
	columns []int    // of the published columns, which each field of a row is; -1: none of them
	feature element  // type of the features
	said    []string // how it is not as published
}

// The types of numbers that occur.
var (
	int32s, int64s               = element{'i', 4}, element{'i', 8}
	float16s, float32s, float64s = element{'f', 2}, element{'f', 4}, element{'f', 8}
)

// named is a type's name in NumPy.
func (e element) named() string {
	switch e.kind {
	case 'B':
		return "bfloat16"
	case 'f':
		return fmt.Sprintf("float%d", 8*e.size)
	case 'i':
		return fmt.Sprintf("int%d", 8*e.size)
	}
	return e.String()
}

// publishedForm has the ten columns in their order.
func publishedForm() *form {
	f := &form{feature: float32s}
	for i := range columns {
		f.columns = append(f.columns, i)
	}
	return f
}

// detectorColumns are those that the bottom-up-attention detector writes.
var detectorColumns = []int{colID, colWidth, colHeight, colCount, colBoxes, colFeatures}

// detect finds out from a row how a file is written; the row may have errors of its own. header says that it is not a row but
// the columns' names.
func detect(row *Row) (f *form, header bool, err error) {
	f = publishedForm()
	var fields []string
	for field := range bytes.SplitSeq(row.text[:min(len(row.text), maxHeaderLine)], []byte{'\t'}) {
		if fields = append(fields, string(field)); len(fields) > maxColumns {
			break
		}
	}
	if columns := headerColumns(fields); columns != nil {
		f.columns = columns
		f.say("the first line names the columns")
		var missing []string
		for _, c := range []int{colID, colHeight, colWidth, colCount, colBoxes, colFeatures} {
			if !slices.Contains(columns, c) {
				missing = append(missing, columnNames[c])
			}
		}
		if missing != nil {
			return f, true, row.error(colID, fmt.Errorf("the first line is a header without %s: a row needs them", strings.Join(missing, ", ")))
		}
		return f, true, nil
	}
	probe := *row
	if len(fields) == len(detectorColumns) {
		probe.form = &form{columns: detectorColumns, feature: float32s}
		probe.form.say("the six columns of the bottom-up-attention detector (image_id, image_w, image_h, num_boxes, boxes, features): there are no labels")
		if cut, err := probe.fields(); err == nil {
			if _, err := probe.integer(cut, colCount, maxRow>>4); err == nil {
				f = probe.form
			}
		}
	}
	return f, false, nil
}

// Bounds of what is looked at for a header.
const (
	maxHeaderLine = 4096 // bytes
	maxColumns    = 64
)

// say notes what is not as published.
func (f *form) say(format string, args ...any) { f.said = append(f.said, fmt.Sprintf(format, args...)) }

// learned is the form with what the first row says about the numbers.
func (f *form) learned(row *Row, fields [columns][]byte) *form {
	n, err := row.integer(fields, colCount, maxRow>>4)
	if err != nil {
		return f
	}
	known := *f
	f = &known
	f.said = slices.Clone(f.said)
	if e := featureType(fields[colFeatures]); e != float32s {
		f.feature = e
		f.say("features are %s", e.named())
	}
	for _, column := range []int{colObjectIDs, colObjectConf, colAttrIDs, colAttrConf, colBoxes} {
		size, err := decodedLen(fields[column])
		switch {
		case err != nil || size == 0:
		case (column == colObjectIDs || column == colAttrIDs) && size == 4*n:
			f.say("%s is int32", columnNames[column])
		case (column == colObjectConf || column == colAttrConf) && size == 8*n:
			f.say("%s is float64", columnNames[column])
		case column == colBoxes:
			raw := make([]byte, size)
			if decode(raw, fields[column]) == nil && (size == 16*n || size == 32*n) {
				if e := boxType(raw, 4*n); e != float32s {
					f.say("boxes are %s", e.named())
				}
			}
		}
	}
	if bytes.HasSuffix(bytes.TrimSpace(fields[colHeight]), []byte(".0")) || bytes.HasSuffix(bytes.TrimSpace(fields[colWidth]), []byte(".0")) {
		f.say("sizes are written like 480.0")
	}
	if bytes.Contains(row.text, []byte("\tb'")) {
		f.say("fields are bytes as Python prints them, b'…'")
	}
	return f
}

// isPython says whether a field is bytes as Python's str() has them: b'…'. No base64 has quotes in it.
func isPython(field []byte) bool {
	n := len(field)
	return n >= 3 && field[0] == 'b' && (field[1] == '\'' || field[1] == '"') && field[n-1] == field[1]
}

// plainField takes the bytes out of it.
func plainField(field []byte) []byte {
	if isPython(field) {
		return field[2 : len(field)-1]
	}
	return field
}

// headings are the names that columns go by, in small letters.
var headings = map[string]int{
	"img_id": colID, "image_id": colID, "id": colID,
	"img_h": colHeight, "image_h": colHeight, "height": colHeight, "image_height": colHeight,
	"img_w": colWidth, "image_w": colWidth, "width": colWidth, "image_width": colWidth,
	"objects_id": colObjectIDs, "objects_conf": colObjectConf, "attrs_id": colAttrIDs, "attrs_conf": colAttrConf,
	"num_boxes": colCount, "boxes": colBoxes, "features": colFeatures,
}

// headerColumns are the columns that a header names; nil where it is not a header, which has at least three known names, and boxes
// or features among them: what no row has.
func headerColumns(fields []string) []int {
	columns := make([]int, len(fields))
	known, telling := 0, false
	seen := map[int]bool{}
	for i, name := range fields {
		column, ok := headings[strings.ToLower(strings.Trim(name, " \"'"))]
		if !ok || seen[column] {
			columns[i] = -1
			continue
		}
		columns[i] = column
		seen[column] = true
		known++
		telling = telling || column == colBoxes || column == colFeatures || column == colCount
	}
	if known < 3 || !telling {
		return nil
	}
	return columns
}

// featureSample is how many characters of features tell their type.
const featureSample = 4 * 2048

// featureType tells float64 and float16 by values that are ordinary as they are and strange as float32, see [areHalves].
func featureType(text []byte) element {
	size, err := decodedLen(text)
	if err != nil || size == 0 {
		return float32s
	}
	text = text[:min(len(text), featureSample)]
	if size, err = decodedLen(text); err != nil {
		return float32s
	}
	raw := make([]byte, size)
	if decode(raw, text) != nil {
		return float32s
	}
	values := make([]float32, len(raw)/4)
	float32s.floats(values, raw)
	switch {
	case len(raw)%8 == 0 && areHalves(values):
		return float64s
	case arePairs(raw):
		return float16s
	}
	return float32s
}

// arePairs says whether bytes are ordinary float16, and strange as the float32 that pairs of them would be: a zero above
// another number makes a float32 of less than 1e-38, of which features of a ReLU in float16 have many, and float32 have none.
func arePairs(raw []byte) bool {
	tiny, pairs := 0, 0
	for ; len(raw) >= 4; raw = raw[4:] {
		bits := binary.LittleEndian.Uint32(raw)
		for _, h := range [2]uint16{uint16(bits), uint16(bits >> 16)} {
			if v := math.Abs(float64(half.Widen(h))); v != 0 && !(v >= 1e-6 && v <= 1e4) {
				return false
			}
		}
		if bits != 0 {
			pairs++
		}
		if bits != 0 && bits&0x7f800000 == 0 {
			tiny++
		}
	}
	return pairs >= 8 && 8*tiny >= pairs
}

// boxType tells the type of as many coordinates. Integers that are read as floating-point numbers are next to nothing.
func boxType(raw []byte, count int) element {
	floats, ints, mask := float32s, int32s, uint64(0x7f800000)
	if len(raw) == 8*count {
		floats, ints, mask = float64s, int64s, 0x7ff0000000000000
	}
	some := false
	for ; len(raw) >= floats.size; raw = raw[floats.size:] {
		bits := uint64(binary.LittleEndian.Uint32(raw))
		if floats.size == 8 {
			bits = binary.LittleEndian.Uint64(raw)
		}
		if bits&mask != 0 {
			return floats
		}
		some = some || bits != 0
	}
	if some {
		return ints
	}
	return floats
}

// decodeAny fills dst with base64 of as many numbers, whose type the number of their bytes tells; boxes may be integers.
func decodeAny(dst []float32, text []byte, boxes bool) error {
	size, err := decodedLen(text)
	if err != nil {
		return err
	}
	if size == 4*len(dst) && !boxes {
		return decodeFloats(dst, text)
	}
	raw := make([]byte, size)
	if err := decode(raw, text); err != nil {
		return err
	}
	e := element{'f', size / len(dst)}
	if boxes {
		e = boxType(raw, len(dst))
	}
	e.floats(dst, raw)
	if boxes && e == float64s {
		for _, v := range dst {
			if !(v >= -maxPixels && v <= maxPixels) {
				return fmt.Errorf("%d bytes of values are not float64 of pixels, and as float32 they are of %d boxes", size, size/16)
			}
		}
	}
	return nil
}

// decodeClasses fills dst with base64 of as many int64, or int32, which the number of their bytes tells.
func decodeClasses(dst []int32, text []byte) error {
	size, err := decodedLen(text)
	if err != nil || size == 8*len(dst) {
		return decodeInts(dst, text)
	}
	raw := make([]byte, size)
	if err := decode(raw, text); err != nil {
		return err
	}
	for i := range dst {
		v := int32s.int(raw, i)
		if v < 0 || v > 1<<20 {
			return fmt.Errorf("%d of box %d is not a class: they have 4 bytes each, and int32 look otherwise; ids must be int64", v, i)
		}
		dst[i] = int32(v)
	}
	return nil
}
