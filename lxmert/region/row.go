package region

import (
	"bytes"
	"errors"
	"fmt"
	"slices"
	"strconv"
	"strings"

	"github.com/seed-516990b0/golxmert/internal/excerpt"
)

// Columns of a TSV, in order.
const (
	colID = iota
	colHeight
	colWidth
	colObjectIDs
	colObjectConf
	colAttrIDs
	colAttrConf
	colCount
	colBoxes
	colFeatures
	columns
)

var columnNames = [columns]string{
	"img_id", "img_h", "img_w", "objects_id", "objects_conf", "attrs_id", "attrs_conf", "num_boxes", "boxes", "features",
}

// maxPixels is the largest width and height: float32 holds every integer up to here.
const maxPixels = 1 << 24

// Row is one line of a TSV, not yet decoded. It shares the memory of its [Scanner] and is good until the next Scan.
type Row struct {
	Line   int    // from 1
	Offset int64  // of the line's first byte
	ID     []byte // img_id

	file   string
	text   []byte // the line without its end
	last   bool   // no line end follows
	form   *form
	n, dim int // boxes, and features of each
}

// Decode fills dst with the row, reusing its slices where they are large enough.
func (row *Row) Decode(dst *Regions) error {
	fields, err := row.fields()
	if err != nil {
		return err
	}
	n, dim := row.n, row.dim
	dst.ID, dst.Source, dst.N, dst.Dim = string(row.ID), row.file, n, dim
	for _, size := range []struct {
		column int
		to     *int
	}{{colHeight, &dst.Height}, {colWidth, &dst.Width}} {
		if *size.to, err = row.integer(fields, size.column, maxPixels); err != nil {
			return err
		}
	}
	for _, part := range []struct {
		column, count int
		optional      bool
		to            *[]float32
	}{{colBoxes, 4 * n, false, &dst.Boxes}, {colFeatures, n * dim, false, &dst.Features}, {colObjectConf, n, true, &dst.ObjectConf}, {colAttrConf, n, true, &dst.AttrConf}} {
		text := fields[part.column]
		if part.optional && len(text) == 0 {
			*part.to = nil
			continue
		}
		*part.to = resize(*part.to, part.count)
		if err := decodeAny(*part.to, text, part.column == colBoxes); err != nil {
			return row.error(part.column, err)
		}
	}
	for _, part := range []struct {
		column int
		to     *[]int32
	}{{colObjectIDs, &dst.ObjectIDs}, {colAttrIDs, &dst.AttrIDs}} {
		text := fields[part.column]
		if len(text) == 0 {
			*part.to = nil
			continue
		}
		*part.to = resize(*part.to, n)
		if err := decodeClasses(*part.to, text); err != nil {
			return row.error(part.column, err)
		}
	}
	return nil
}

// fields are those of the published columns, "" where the row has none.
func (row *Row) fields() (fields [columns][]byte, err error) {
	f, rest, more := row.form, row.text, true
	var field []byte
	count := 0
	for ; more; count++ {
		field, rest, more = bytes.Cut(rest, []byte{'\t'})
		if count < len(f.columns) && f.columns[count] >= 0 {
			fields[f.columns[count]] = field
		}
	}
	if count != len(f.columns) {
		return fields, row.fieldCount(count)
	}
	if isPython(fields[colBoxes]) { // then the id is, too
		for i, field := range fields {
			fields[i] = plainField(field)
		}
	}
	return fields, nil
}

// fieldCount is the error about a line that has another number of fields.
func (row *Row) fieldCount(count int) error {
	want := row.form.columns
	if count > len(want) {
		return row.error(colFeatures, fmt.Errorf("%d tab-separated fields, a row has %d", count, len(want)))
	}
	if _, second, _ := bytes.Cut(row.text, []byte{'\t'}); count == 2 && bytes.HasPrefix(second, []byte("{")) {
		return row.error(colBoxes, errors.New("missing: an id and JSON, as VinVL writes them, are not read: decode their base64 and write the ten fields"))
	}
	column := colFeatures
	for _, c := range want[count:] {
		if c >= 0 {
			column = c
			break
		}
	}
	return row.error(column, fmt.Errorf("missing: the row has %d of %d tab-separated fields", count, len(want)))
}

// sizes finds the numbers of boxes and of features per box, and checks that the lengths of all fields agree with them, so
// that nothing is allocated for numbers that lie.
func (row *Row) sizes(fields [columns][]byte) (n, dim int, err error) {
	if n, err = row.integer(fields, colCount, maxRow>>4); err != nil {
		return 0, 0, err
	}
	for _, part := range []struct {
		column, values int
		types          [2]element
		optional       bool
	}{
		{colObjectIDs, n, [2]element{int64s, int32s}, true}, {colObjectConf, n, [2]element{float32s, float64s}, true},
		{colAttrIDs, n, [2]element{int64s, int32s}, true}, {colAttrConf, n, [2]element{float32s, float64s}, true},
		{colBoxes, 4 * n, [2]element{float32s, float64s}, false}, {colFeatures, 0, [2]element{row.form.feature}, false},
	} {
		text := fields[part.column]
		if part.optional && len(text) == 0 {
			continue
		}
		size, err := decodedLen(text)
		each := n * part.types[0].size
		switch {
		case bytes.HasPrefix(text, []byte("[")):
			err = errors.New("numbers as text, must be base64 of their bytes: base64.b64encode(x.tobytes()).decode()")
		case err != nil:
		case part.values > 0 && size != part.values*part.types[0].size && size != part.values*part.types[1].size:
			err = fmt.Errorf("%d bytes of values where num_boxes %d needs %d of %s", size, n, part.values*part.types[0].size, part.types[0].named())
		case part.values == 0 && (size == 0 || size%each != 0):
			err = fmt.Errorf("%d bytes of values cannot be shared by %d boxes", size, n)
		case part.values == 0:
			dim = size / each
		}
		if err != nil {
			return 0, 0, row.error(part.column, err)
		}
	}
	return n, dim, nil
}

// integer reads a whole number from 1 to limit, which may be written as 480.0.
func (row *Row) integer(fields [columns][]byte, column, limit int) (int, error) {
	text := string(bytes.TrimSpace(fields[column][:min(len(fields[column]), 40)]))
	n, err := strconv.Atoi(strings.TrimSuffix(text, ".0"))
	if err == nil && 1 <= n && n <= limit {
		return n, nil
	}
	return 0, row.error(column, fmt.Errorf("%s, must be a whole number from 1 to %d", excerpt.Quote(text), limit))
}

// error places an error: file:line:field.
func (row *Row) error(column int, err error) error {
	hint := ""
	if row.last {
		hint = "; the file ends inside this row, it was cut short"
	}
	return fmt.Errorf("%w: %s:%d:%s: %w%s", ErrFormat, row.file, row.Line, columnNames[column], err, hint)
}

// resize returns a slice of n elements, s itself where it is large enough.
func resize[T any](s []T, n int) []T {
	return slices.Grow(s[:0], n)[:n]
}
