package region

import (
	"bytes"
	"fmt"
	"slices"
	"strconv"
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
	n, dim int    // boxes, and features of each
}

// Decode fills dst with the row, reusing its slices where they are large enough.
func (row *Row) Decode(dst *Regions) error {
	fields, err := row.fields()
	if err != nil {
		return err
	}
	n, dim := row.n, row.dim
	dst.ID, dst.Source, dst.N, dst.Dim = string(row.ID), row.file, n, dim
	dst.Boxes, dst.Features = resize(dst.Boxes, 4*n), resize(dst.Features, n*dim)
	for _, size := range []struct {
		column int
		to     *int
	}{{colHeight, &dst.Height}, {colWidth, &dst.Width}} {
		if *size.to, err = row.integer(fields, size.column, maxPixels); err != nil {
			return err
		}
	}
	for _, part := range []struct {
		column int
		to     []float32
	}{{colBoxes, dst.Boxes}, {colFeatures, dst.Features}} {
		if err := decodeFloats(part.to, fields[part.column]); err != nil {
			return row.error(part.column, err)
		}
	}
	for _, part := range []struct {
		column int
		to     *[]float32
	}{{colObjectConf, &dst.ObjectConf}, {colAttrConf, &dst.AttrConf}} {
		if len(fields[part.column]) == 0 {
			*part.to = nil
			continue
		}
		*part.to = resize(*part.to, n)
		if err := decodeFloats(*part.to, fields[part.column]); err != nil {
			return row.error(part.column, err)
		}
	}
	for _, part := range []struct {
		column int
		to     *[]int32
	}{{colObjectIDs, &dst.ObjectIDs}, {colAttrIDs, &dst.AttrIDs}} {
		if len(fields[part.column]) == 0 {
			*part.to = nil
			continue
		}
		*part.to = resize(*part.to, n)
		if err := decodeInts(*part.to, fields[part.column]); err != nil {
			return row.error(part.column, err)
		}
	}
	return nil
}

// fields cuts the line at its tabs.
func (row *Row) fields() (fields [columns][]byte, err error) {
	rest := row.text
	for i := range columns - 1 {
		tab := bytes.IndexByte(rest, '\t')
		if tab < 0 {
			return fields, row.fieldCount()
		}
		fields[i], rest = rest[:tab], rest[tab+1:]
	}
	if bytes.IndexByte(rest, '\t') >= 0 {
		return fields, row.fieldCount()
	}
	fields[columns-1] = rest
	return fields, nil
}

// fieldCount is the error about a line that has another number of fields.
func (row *Row) fieldCount() error {
	n := bytes.Count(row.text, []byte{'\t'}) + 1
	if n > columns {
		return row.error(columns-1, fmt.Errorf("%d tab-separated fields, a row has %d", n, columns))
	}
	return row.error(n, fmt.Errorf("missing: the row has %d of %d tab-separated fields", n, columns))
}

// sizes finds the numbers of boxes and of features per box, and checks that the lengths of all fields agree with them, so
// that nothing is allocated for numbers that lie.
func (row *Row) sizes(fields [columns][]byte) (n, dim int, err error) {
	if n, err = row.integer(fields, colCount, maxRow>>4); err != nil {
		return 0, 0, err
	}
	for _, part := range []struct {
		column, bytes int
		optional      bool
	}{
		{colObjectIDs, 8 * n, true}, {colObjectConf, 4 * n, true}, {colAttrIDs, 8 * n, true}, {colAttrConf, 4 * n, true},
		{colBoxes, 16 * n, false}, {colFeatures, -1, false},
	} {
		text := fields[part.column]
		if part.optional && len(text) == 0 {
			continue
		}
		size, err := decodedLen(text)
		switch {
		case err != nil:
		case part.bytes >= 0 && size != part.bytes:
			err = fmt.Errorf("%d bytes of values where num_boxes %d needs %d", size, n, part.bytes)
		case part.bytes < 0 && (size == 0 || size%(4*n) != 0):
			err = fmt.Errorf("%d bytes of values cannot be shared by %d boxes", size, n)
		case part.bytes < 0:
			dim = size / (4 * n)
		}
		if err != nil {
			return 0, 0, row.error(part.column, err)
		}
	}
	return n, dim, nil
}

// integer reads a whole number from 1 to limit.
func (row *Row) integer(fields [columns][]byte, column, limit int) (int, error) {
	text := string(bytes.TrimSpace(fields[column][:min(len(fields[column]), 40)]))
	n, err := strconv.Atoi(text)
	if err == nil && 1 <= n && n <= limit {
		return n, nil
	}
	hint := ""
	if row.Line == 1 && text == columnNames[column] {
		hint = "; the first line is a header, which these files do not have: remove it"
	}
	return 0, row.error(column, fmt.Errorf("%s, must be a whole number from 1 to %d%s", shown(text), limit, hint))
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
