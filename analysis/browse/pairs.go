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

	"github.com/seed-516990b0/golxmert/analysis"
	"github.com/seed-516990b0/golxmert/analysis/suite"
)

// Pairs reads the first pairs of sentence and picture, at most n, of the items.jsonl that `lxmert suite --out` wrote: whether they
// belong together, the probability of a match, and by how much what is right in the item has a larger match logit than what is
// wrong. Of items whose word was hidden there is one example each: the word's rank, and its bits with the picture and without it.
func Pairs(ctx context.Context, path string, n int) (*Listing, error) {
	f, err := os.Open(path)
	if err != nil {
		return nil, err
	}
	defer f.Close()
	l, t := &Listing{}, &table{}
	in := bufio.NewReader(f)
	items := 0
	for {
		if err := ctx.Err(); err != nil {
			return nil, err
		}
		text, err := in.ReadBytes('\n')
		if err == io.EOF && len(text) == 0 {
			break
		}
		if err != nil && err != io.EOF {
			return nil, fmt.Errorf("%s: %w", path, err)
		}
		items++
		var x suite.Scored
		if err := json.Unmarshal(text, &x); err != nil {
			return nil, fmt.Errorf("%s:%d: %w: %w", path, items, suite.ErrItem, err)
		}
		if err := x.Check(); err != nil {
			return nil, fmt.Errorf("%s:%d: %w", path, items, err)
		}
		if err := l.addPairs(t, x, n); err != nil {
			return nil, fmt.Errorf("%s:%d: %w", path, items, err)
		}
	}
	if l.Total == 0 {
		return nil, fmt.Errorf("%s: %w: the file has no item", path, suite.ErrItem)
	}
	l.Columns = t.done()
	l.Title = fmt.Sprintf("%s: %d items", filepath.Base(filepath.Dir(path)), items)
	l.Meta = analysis.Meta{Method: "which sentence belongs to which picture", N: items, Params: map[string]string{"items": path, "match": "class 1 of out.match"}}
	return l, nil
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
