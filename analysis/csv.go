package analysis

import (
	"encoding/csv"
	"fmt"
	"io"
	"strconv"
)

// CSV writes a line for each word and each region: modality ("word" or "region"), index, label (the word piece or the
// detector's object), value, and the box of a region. Values that are not numbers are NaN. Padding is left out.
func (s Scores) CSV(w io.Writer) error {
	return writeCSV(w, append([][]string{scoresColumns}, s.lines()...))
}

var scoresColumns = []string{"modality", "index", "label", "value", "x0", "y0", "x1", "y1"}

// lines are those of the CSV below the columns' names.
func (s Scores) lines() [][]string {
	var lines [][]string
	for i, x := range s.Words {
		if entry(s.Text.Pieces, i) == "[PAD]" {
			continue
		}
		lines = append(lines, []string{"word", strconv.Itoa(i), entry(s.Text.Pieces, i), decimal(x), "", "", "", ""})
	}
	for i, x := range s.Regions {
		if !s.There(i) {
			continue
		}
		line := []string{"region", strconv.Itoa(i), entry(s.Image.Objects, i), decimal(x)}
		for k := range 4 {
			corner := ""
			if i < len(s.Boxes) {
				corner = decimal(s.Boxes[i][k])
			}
			line = append(line, corner)
		}
		lines = append(lines, line)
	}
	return lines
}

// CSV writes a line for each entry of each panel: panel, row, column and value, rows and columns by label.
func (m Matrix) CSV(w io.Writer) error {
	lines := [][]string{{"panel", axisName(m.Rows, "row"), axisName(m.Cols, "column"), "value"}}
	for _, p := range m.Panels {
		for i, row := range p.Values {
			for j, x := range row {
				lines = append(lines, []string{p.Name, label(m.Rows, i), label(m.Cols, j), decimal(x)})
			}
		}
	}
	return writeCSV(w, lines)
}

// CSV writes a line for each point of each series: series, x, y, and the ends of the interval, empty where there is none.
func (c Curve) CSV(w io.Writer) error {
	lines := [][]string{{"series", "x", "y", "low", "high"}}
	for _, s := range c.Series {
		for i, y := range s.Y {
			line := []string{s.Name, "", decimal(y), "", ""}
			if i < len(c.X) {
				line[1] = decimal(c.X[i])
			}
			if i < len(s.Low) && i < len(s.High) {
				line[3], line[4] = decimal(s.Low[i]), decimal(s.High[i])
			}
			lines = append(lines, line)
		}
	}
	return writeCSV(w, lines)
}

// CSV writes the table, its columns' names first.
func (t Table) CSV(w io.Writer) error {
	lines := [][]string{t.Columns}
	for _, row := range t.Rows {
		var line []string
		for _, x := range row {
			if f, ok := x.(float64); ok {
				line = append(line, decimal(f))
			} else {
				line = append(line, fmt.Sprint(x))
			}
		}
		lines = append(lines, line)
	}
	return writeCSV(w, lines)
}

func writeCSV(w io.Writer, lines [][]string) error {
	c := csv.NewWriter(w)
	if err := c.WriteAll(lines); err != nil {
		return err
	}
	return c.Error()
}

// decimal writes a number with as many digits as it takes to read the same one.
func decimal(x float64) string { return strconv.FormatFloat(x, 'g', -1, 64) }

func entry(list []string, i int) string {
	if i < len(list) {
		return list[i]
	}
	return ""
}

func axisName(a Axis, otherwise string) string {
	if a.Name == "" {
		return otherwise
	}
	return a.Name
}

func label(a Axis, i int) string {
	if s := entry(a.Labels, i); s != "" {
		return s
	}
	return strconv.Itoa(i)
}
