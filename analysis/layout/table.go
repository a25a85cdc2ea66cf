package layout

import (
	"fmt"

	"github.com/seed-516990b0/golxmert/analysis"
)

// Table is what a picture of a table shows, column by column.
type Table struct {
	Title   string
	Columns []Column
	Rows    int // that are shown
}

// Column is one column as text.
type Column struct {
	Name   string
	Texts  []string
	Number bool // numbers only, which stand in line to the right
}

// Columns of these names are the ends of the interval of the column before them.
const lowName, highName = "low", "high"

// NewTable lays out the first rows of a table whose rows have an entry for each column. Columns called "low" and "high" are
// the interval of the column before them and stand after its numbers, in brackets.
func NewTable(t analysis.Table, most int) Table {
	rows := t.Rows[:min(len(t.Rows), most)]
	out := Table{Title: Title(t.Meta), Rows: len(rows)}
	for j := 0; j < len(t.Columns); j++ {
		c := Column{Name: t.Columns[j], Number: len(rows) > 0}
		interval := j+2 < len(t.Columns) && t.Columns[j+1] == lowName && t.Columns[j+2] == highName
		for _, row := range rows {
			text, number := Entry(row[j])
			c.Number = c.Number && number
			if interval {
				low, _ := Entry(row[j+1])
				high, _ := Entry(row[j+2])
				if low != missing || high != missing { // what has no interval has no brackets either
					text += " [" + low + ", " + high + "]"
				}
			}
			c.Texts = append(c.Texts, text)
		}
		if interval {
			c.Name += " " + intervalName(t.Level)
			j += 2
		}
		out.Columns = append(out.Columns, c)
	}
	return out
}

// intervalName is what stands in a heading for numbers in brackets.
func intervalName(level float64) string {
	if level > 0 {
		return fmt.Sprintf("[%g %% interval]", 100*level)
	}
	return "[low, high]"
}
