package ipynb

import (
	"context"
	"crypto/rand"
	"encoding/json"
	"fmt"
	"strconv"
	"strings"

	"github.com/seed-516990b0/golxmert/kernel/proxy"
)

// Kernel runs cells. [proxy.Frontend] is one.
type Kernel interface {
	Execute(ctx context.Context, code string, see func(proxy.Output)) (count int, err error)
}

// Watch is told about an execution. All functions may be nil.
type Watch struct {
	Begin func(cell, of int, source string) // a cell of code begins; they are counted from 1
	End   func(cell, of int)                // and has ended, well or not
	Text  func(stream, text string)         // what it prints
}

// Execute runs the cells of code that have anything in them, one after the other, up to the first that fails; its error is
// returned, and is below the cell. What an earlier execution has put out is taken away. Save is called after each cell; an
// error of it ends the execution.
func (n *Notebook) Execute(ctx context.Context, k Kernel, w Watch, save func() error) error {
	n.clear()
	var cells []*Cell
	for _, c := range n.Cells {
		if c.Type == "code" && strings.TrimSpace(c.Source) != "" {
			cells = append(cells, c)
		}
	}
	for i, c := range cells {
		if err := ctx.Err(); err != nil {
			return err
		}
		if w.Begin != nil {
			w.Begin(i+1, len(cells), c.Source)
		}
		t := &taker{notebook: n, cell: c}
		count, err := k.Execute(ctx, c.Source, func(o proxy.Output) {
			t.take(o)
			if o.Type == "stream" && w.Text != nil {
				var s struct{ Name, Text string }
				if json.Unmarshal(o.Content, &s) == nil {
					w.Text(s.Name, s.Text)
				}
			}
		})
		c.Count = count
		if w.End != nil {
			w.End(i+1, len(cells))
		}
		if saved := save(); err == nil {
			err = saved
		}
		if err != nil {
			return err
		}
	}
	return nil
}

// codeCell makes a cell with a tag.
func (n *Notebook) codeCell(source, tag string) *Cell {
	c := &Cell{Type: "code", Source: source, Tags: []string{tag}, fields: map[string]json.RawMessage{}}
	c.fields["metadata"] = json.RawMessage(fmt.Sprintf(`{"tags":[%q]}`, tag))
	if n.minor >= 5 {
		c.fields["id"] = json.RawMessage(strconv.Quote(strings.ToLower(rand.Text()[:8])))
	}
	return c
}
