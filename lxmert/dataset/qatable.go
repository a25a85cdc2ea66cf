package dataset

import (
	"bytes"
	"cmp"
	"fmt"
	"maps"
	"os"
	"path/filepath"
	"slices"
	"strings"

	"github.com/seed-516990b0/golxmert/internal/excerpt"
	"github.com/seed-516990b0/golxmert/lxmert/internal/release"
)

// QATable is the table of the answers that pre-training's answer head chooses from, data/lxmert/all_ans.json: 9500, or
// those that are used in some data sets.
type QATable struct {
	list []string
	ids  map[string]int
}

// LoadQATable reads the table. Sets, any of "vqa", "gqa" and "visual7w" in any case, keep only answers that are used in
// one of them, numbered anew in the file's order; nil keeps all. Published weights with an answer head have the numbers
// of the whole table.
func LoadQATable(path string, sets []string) (*QATable, error) {
	f, err := os.Open(filepath.FromSlash(path))
	if err != nil {
		if os.IsNotExist(err) {
			return nil, fmt.Errorf("dataset: the answer table of pre-training: %w; %s", err, cmp.Or(release.Bring(path), "`lxmert fetch weights`")+" brings data/lxmert/all_ans.json")
		}
		return nil, fmt.Errorf("dataset: %w", err)
	}
	defer f.Close()
	wanted := make([]string, len(sets))
	for i, name := range sets {
		wanted[i] = strings.ToLower(strings.TrimSpace(name))
	}
	q := &QATable{ids: map[string]int{}}
	known := map[string]bool{}
	d := newDecoder(f, path, "answer")
	err = d.list("the file", func(i int) error {
		d.item = i + 1
		answer, in, err := qaEntry(d)
		if err != nil {
			return err
		}
		for _, name := range in {
			known[name] = true
		}
		if len(wanted) > 0 && !slices.ContainsFunc(in, func(name string) bool { return slices.Contains(wanted, name) }) {
			return nil
		}
		if before, ok := q.ids[answer]; ok {
			return d.errorf("%s is listed again, it is already answer %d", excerpt.Quote(answer), before+1)
		}
		q.ids[answer] = len(q.list)
		q.list = append(q.list, answer)
		return nil
	})
	if err == nil {
		err = d.finish()
	}
	if err != nil {
		return nil, err
	}
	for _, name := range wanted {
		if !known[name] {
			return nil, fmt.Errorf("dataset: %s has no answers of a data set %q; it has those of %s", path, name, strings.Join(slices.Sorted(maps.Keys(known)), ", "))
		}
	}
	if len(q.list) == 0 {
		return nil, fmt.Errorf("%w: %s: there are no answers", ErrFormat, path)
	}
	return q, nil
}

// qaEntry reads {"ans": "…", "dsets": ["…", …]}.
func qaEntry(d *decoder) (answer string, sets []string, err error) {
	found := false
	err = d.object("the entry", func(key []byte) error {
		switch {
		case bytes.Equal(key, []byte("ans")):
			s, err := d.string("ans")
			answer, found = string(s), true
			return err
		case bytes.Equal(key, []byte("dsets")):
			return d.list("dsets", func(int) error {
				s, err := d.string("a data set of dsets")
				sets = append(sets, string(s))
				return err
			})
		}
		return d.skip()
	})
	if err == nil && !found {
		err = d.errorf("there is no ans")
	}
	return answer, sets, err
}

// Len is how many answers there are.
func (q *QATable) Len() int { return len(q.list) }

// Answer is the answer with an id from 0 to Len-1.
func (q *QATable) Answer(id int) string { return q.list[id] }

// ID is the id of an answer that is written as the table does, see [Convert].
func (q *QATable) ID(answer string) (id int, ok bool) {
	id, ok = q.ids[answer]
	return id, ok
}

// Labels converts an example's answers to the table's, as pre-training does: one after the other, those that are not in
// the table are dropped, and one that becomes equal to another takes that one's place, with its own score. The result is
// nil only if labels are.
func (q *QATable) Labels(labels []Label) []Label {
	if labels == nil {
		return nil
	}
	// As the reference changes a Python dictionary while it goes through the list of its first keys.
	out := slices.Clone(labels)
	gone := make([]bool, len(out), 2*len(out))
	at := make(map[string]int, len(out)) // places in out
	for i, l := range out {
		at[l.Answer] = i
	}
	for _, l := range labels {
		converted := Convert(l.Answer)
		_, used := q.ids[converted]
		i, there := at[l.Answer]
		if !there || used && converted == l.Answer {
			continue
		}
		gone[i] = true
		delete(at, l.Answer)
		if !used {
			continue
		}
		if j, ok := at[converted]; ok {
			out[j].Score = out[i].Score
		} else {
			at[converted] = len(out)
			out, gone = append(out, Label{converted, out[i].Score}), append(gone, false)
		}
	}
	kept := out[:0]
	for i, l := range out {
		if !gone[i] {
			kept = append(kept, l)
		}
	}
	return kept
}
