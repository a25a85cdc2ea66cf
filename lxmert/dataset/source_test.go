package dataset

import (
	"context"
	"fmt"
	"iter"
	"os"

	"github.com/seed-516990b0/golxmert/lxmert/region"
)

// memory is a source in memory.
type memory struct {
	rows   []*region.Regions
	last   map[string]int
	closed *int // counts calls of Close
}

func (m *memory) Find(_ context.Context, id string) (*region.Regions, error) {
	i, ok := m.last[id]
	if !ok {
		return nil, fmt.Errorf("%w: %s", region.ErrNotFound, id)
	}
	return m.rows[i], nil
}

func (m *memory) IDs(context.Context) ([]string, error) {
	var ids []string
	for i, r := range m.rows {
		if m.last[r.ID] == i {
			ids = append(ids, r.ID)
		}
	}
	return ids, nil
}

func (m *memory) All(context.Context) iter.Seq2[*region.Regions, error] {
	return func(yield func(*region.Regions, error) bool) {
		for _, r := range m.rows {
			if !yield(r, nil) {
				return
			}
		}
	}
}

func (m *memory) Rows() int { return len(m.rows) }

func (m *memory) Close() error {
	if m.closed != nil {
		*m.closed++
	}
	return nil
}

func inMemory(rows ...*region.Regions) *memory {
	m := &memory{rows: rows, last: map[string]int{}}
	for i, r := range rows {
		m.last[r.ID] = i
	}
	return m
}

// openRows reads the first rows of a TSV; 0: all.
func openRows(_ context.Context, path string, rows int) (region.Source, error) {
	f, err := os.Open(path)
	if err != nil {
		return nil, err
	}
	defer f.Close()
	scan := region.NewScanner(f, path)
	var all []*region.Regions
	for (rows == 0 || len(all) < rows) && scan.Scan() {
		r := new(region.Regions)
		if err := scan.Row().Decode(r); err != nil {
			return nil, err
		}
		all = append(all, r)
	}
	return inMemory(all...), scan.Err()
}
