package browse

import (
	"bufio"
	"context"
	"encoding/json"
	"fmt"
	"io"
	"math"
	"os"
	"path/filepath"
	"strings"

	"github.com/seed-516990b0/golxmert/analysis"
	"github.com/seed-516990b0/golxmert/analysis/suite"
)

// Pairs reads the first pairs of sentence and picture, at most n, of the items.jsonl, or the parts of it, that `lxmert suite --out` wrote:
// whether they belong together, the probability of a match, and by how much what is right in the item has a larger match logit than
// what is wrong. Of items whose word was hidden there is one example each: the word's rank, and its bits with the picture and without
// it. A last line that was cut off is left out.
func Pairs(ctx context.Context, paths []string, n int) (*Listing, error) {
	l, t, items := &Listing{}, &table{}, 0
	for _, path := range paths {
		found, err := l.addItems(ctx, t, path, n)
		if err != nil {
			return nil, err
		}
		items += found
	}
	names := strings.Join(paths, ", ")
	if l.Total == 0 {
		return nil, fmt.Errorf("%s: %w: there is no item", names, suite.ErrItem)
	}
	l.Columns = t.done()
	l.Title = fmt.Sprintf("%s: %d items", filepath.Base(filepath.Dir(paths[0])), items)
	l.Meta = analysis.Meta{Method: "which sentence belongs to which picture", N: items, Params: map[string]string{"items": names, "match": "class 1 of out.match"}}
	return l, nil
}

// addItems adds the pairs of a file and returns how many items it has.
func (l *Listing) addItems(ctx context.Context, t *table, path string, n int) (items int, err error) {
	f, err := os.Open(path)
	if err != nil {
		return 0, err
	}
	defer f.Close()
	for in := bufio.NewReader(f); ; items++ {
		if err := ctx.Err(); err != nil {
			return 0, err
		}
		text, err := in.ReadBytes('\n')
		if err != nil && err != io.EOF {
			return 0, fmt.Errorf("%s: %w", path, err)
		}
		whole := err == nil
		if len(text) == 0 {
			return items, nil
		}
		var x suite.Scored
		switch err := json.Unmarshal(text, &x); {
		case err != nil && !whole:
			return items, nil
		case err != nil:
			return 0, fmt.Errorf("%s:%d: %w: %w", path, items+1, suite.ErrItem, err)
		}
		if err := x.Check(); err != nil {
			return 0, fmt.Errorf("%s:%d: %w", path, items+1, err)
		}
		if err := l.addPairs(t, x, n); err != nil {
			return 0, fmt.Errorf("%s:%d: %w", path, items+1, err)
		}
	}
}

// addPairs adds the pairs of an item.
func (l *Listing) addPairs(t *table, x suite.Scored, n int) error {
	add := func(id, text string, images []string, known func()) {
		if l.Total++; l.Total > n {
			return
		}
		l.Examples = append(l.Examples, Example{ID: id, Text: text, Images: images})
		t.text("group", x.Group)
		known()
		t.next()
	}
	if x.Word[0].Rank > 0 {
		add(x.ID, x.Sentences[0], x.Images, func() {
			t.text("hidden", x.Mask)
			t.number("rank", "", float64(x.Word[0].Rank))
			t.number("bits", "bits", x.Word[0].Bits)
			if x.Word[1].Rank > 0 {
				t.number("rank without picture", "", float64(x.Word[1].Rank))
				t.number("bits without picture", "bits", x.Word[1].Bits)
			}
		})
		return nil
	}
	if len(x.Pairs) != len(x.Sentences) {
		return fmt.Errorf("%w: it has scores of %d sentences, must be %d", suite.ErrItem, len(x.Pairs), len(x.Sentences))
	}
	for s, row := range x.Pairs {
		if len(row) != len(x.Images) {
			return fmt.Errorf("%w: sentence %d has scores of %d pictures, must be %d", suite.ErrItem, s+1, len(row), len(x.Images))
		}
	}
	ahead := margin(x)
	for s, sentence := range x.Sentences {
		for i, p := range x.Pairs[s] {
			add(x.ID, sentence, x.Images[i:i+1], func() {
				belong := x.Right[s][i] == 1
				t.text("belong together", yes(belong))
				t.number("match", "probability", p.Probability())
				t.text("told right", yes(p.Matches() == belong))
				if !math.IsNaN(ahead) {
					t.number("margin of the item", "logit", ahead)
				}
			})
		}
	}
	return nil
}

func yes(is bool) string {
	if is {
		return "yes"
	}
	return "no"
}

// margin is by how much the match logits of what is right in an item are larger than those of what is wrong about the same picture or
// the same sentence, at least: above 0 all of the item is right. NaN: there is nothing to compare.
func margin(x suite.Scored) float64 {
	least := math.NaN()
	compare := func(right, wrong suite.Pair) {
		if d := right[1] - wrong[1]; !(d >= least) {
			least = d
		}
	}
	for s, row := range x.Right {
		for i, r := range row {
			if r != 1 {
				continue
			}
			for other := range x.Right {
				if x.Right[other][i] == 0 {
					compare(x.Pairs[s][i], x.Pairs[other][i])
				}
			}
			for other := range row {
				if row[other] == 0 {
					compare(x.Pairs[s][i], x.Pairs[s][other])
				}
			}
		}
	}
	return least
}
