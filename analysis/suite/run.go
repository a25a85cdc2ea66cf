package suite

import (
	"cmp"
	"context"
	"fmt"
	"iter"
	"math"
	"math/rand/v2"

	"github.com/seed-516990b0/golxmert/analysis"
	"github.com/seed-516990b0/golxmert/lxmert"
)

// Options are those of [Run]. The zero value is good.
type Options struct {
	Blind bool // score the sentences without pictures as well
	Limit int  // items, the first ones; 0: all
	// Picture is the id that the feature files have for one of the suite's pictures; ok is false where they do not have it, and
	// items with such a picture are left out and counted. Nil: every picture is there, under its own name.
	Picture func(name string) (id string, ok bool)
	// Mask is the id of [MASK] where the model's configuration does not say it.
	Mask int32
	Seed uint64 // of the intervals
	// Each is called with every item that was scored. Progress is told how many there are.
	Each     func(s Scored) error
	Progress func(done int)
}

// Result is what a suite found.
type Result struct {
	analysis.Meta
	Suite   Suite
	Items   int // that were scored
	Missing int // that were left out, as a picture is not there
	Example string
	groups  []string
	of      map[string]map[string]*tally // by group ("" is all) and measure
	drawn   *analysis.Resamples
}

// tally is a measure of a group.
type tally struct {
	seen, blind analysis.Running
	once        map[string]bool
}

// running is a run under way.
type running struct {
	*Result
	masks    bool
	record   *record // nil: scores are not kept
	settings settings
	done     int // items that the record had
}

// newResult is a result of which nothing is known yet.
func newResult(s Suite, opt Options) *Result {
	r := &Result{Suite: s, of: map[string]map[string]*tally{}}
	r.Meta = analysis.Meta{Method: s.Name, Target: "which sentence belongs to which picture", Seed: opt.Seed, Level: level,
		Params: map[string]string{"match": "class 1 of out.match", "layout": s.Layout}, Notes: s.Notes}
	if opt.Blind {
		r.Params["blind"] = "mean of ln p of each piece, hidden, without a picture"
	}
	return r
}

// newRun says whether a model can do a suite.
func newRun(eng lxmert.Engine, s Suite, opt *Options) (*running, error) {
	cfg := eng.Config()
	masks := len(s.Measures) > 0 && s.Measures[0].Name == masking[0].Name
	opt.Mask = cmp.Or(cfg.Special.Mask, opt.Mask)
	switch {
	case !masks && !cfg.Match:
		return nil, fmt.Errorf("the model has no %s, which says whether sentence and picture belong together; it has %s", match, cfg.Predictions())
	case (masks || opt.Blind) && !cfg.LM:
		return nil, fmt.Errorf("the model cannot guess words, it has no out.mlm; it has %s", cfg.Predictions())
	case (masks || opt.Blind) && opt.Mask == 0:
		return nil, lxmert.ErrNoMask
	}
	return &running{Result: newResult(s, *opt), masks: masks}, nil
}

// Run asks a model about the items of a suite. Memory does not grow with their number, but for what a measure counts once.
func Run(ctx context.Context, eng lxmert.Engine, input Input, s Suite, items iter.Seq2[Item, error], opt Options) (*Result, error) {
	r, err := newRun(eng, s, &opt)
	if err == nil {
		err = r.all(ctx, eng, input, items, opt)
	}
	if err != nil {
		return nil, err
	}
	return r.Result, nil
}

// all asks about the items that the run's part has and the record does not.
func (r *running) all(ctx context.Context, eng lxmert.Engine, input Input, items iter.Seq2[Item, error], opt Options) error {
	var waiting []Item
	pairs := 0
	flush := func() error {
		if len(waiting) == 0 {
			return nil
		}
		scored, from, err := r.score(ctx, eng, input, waiting, r.masks, opt)
		if err != nil {
			return err
		}
		r.Model = from
		if r.record != nil {
			if err := r.record.from(from); err != nil {
				return err
			}
		}
		for _, x := range scored {
			if err := r.add(ctx, eng, input, x, opt); err != nil {
				return fmt.Errorf("item %s: %w", x.ID, err)
			}
		}
		if waiting, pairs = waiting[:0], 0; opt.Progress != nil {
			opt.Progress(r.Items)
		}
		return nil
	}
	taken, located, skipped := 0, 0, 0
	for x, err := range items {
		if err != nil {
			return err
		}
		if opt.Limit > 0 && taken == opt.Limit {
			break
		}
		taken++
		if !r.locate(&x, opt) {
			continue
		}
		located++
		if r.record != nil && (located-1)%r.settings.Shards != r.settings.Shard {
			continue
		}
		if skipped < r.done {
			skipped++
			continue
		}
		if n := len(x.Images) * len(x.Sentences); pairs+n > together {
			if err := flush(); err != nil {
				return err
			}
		}
		waiting, pairs = append(waiting, x), pairs+len(x.Images)*len(x.Sentences)
	}
	if err := flush(); err != nil {
		return err
	}
	if skipped < r.done {
		return fmt.Errorf("suite: %s has %d items and the files only %d: they are not the files that it was made of; give another folder, or overwrite it", r.record.path, r.done, skipped)
	}
	if located == 0 {
		if r.Missing > 0 {
			return fmt.Errorf("%w: the pictures of all %d items are missing from the feature files, such as %s", ErrItem, r.Missing, r.Example)
		}
		return fmt.Errorf("%w: the file has no item", ErrItem)
	}
	r.finish()
	return nil
}

// finish says what was counted.
func (r *Result) finish() {
	r.N = r.Items
	if r.Missing > 0 {
		r.Notes = append(r.Notes[:len(r.Notes):len(r.Notes)], fmt.Sprintf("%d more items are left out: the feature files lack a picture of theirs, such as %s.", r.Missing, r.Example))
	}
}

// locate puts the feature files' ids into an item.
func (r *Result) locate(x *Item, opt Options) bool {
	if opt.Picture == nil {
		return true
	}
	images := make([]string, len(x.Images))
	for i, name := range x.Images {
		id, ok := opt.Picture(name)
		if !ok {
			if r.Missing++; r.Example == "" {
				r.Example = name
			}
			return false
		}
		images[i] = id
	}
	x.Images = images
	return true
}

func (r *Result) score(ctx context.Context, eng lxmert.Engine, input Input, items []Item, masks bool, opt Options) ([]Scored, lxmert.Provenance, error) {
	switch {
	case masks:
		return guessed(ctx, eng, input, items, opt.Mask)
	case len(items) == 1 && len(items[0].Images)*len(items[0].Sentences) > together:
		pairs, from, err := Grid(ctx, eng, input, items[0].Sentences, items[0].Images, nil)
		return []Scored{{Item: items[0], Pairs: pairs}}, from, err
	}
	return matched(ctx, eng, input, items)
}

// add counts and keeps an item.
func (r *running) add(ctx context.Context, eng lxmert.Engine, input Input, x Scored, opt Options) error {
	if opt.Each != nil {
		if err := opt.Each(x); err != nil {
			return err
		}
	}
	var alone []float64
	if opt.Blind {
		var err error
		if alone, err = blind(ctx, eng, input, x.Item, opt.Mask); err != nil {
			return err
		}
	}
	if r.record != nil {
		if err := r.record.append(kept{x, alone}); err != nil {
			return err
		}
	}
	r.count(x, alone)
	return nil
}

// count adds the measures of an item, whose sentences have these scores without pictures; nil: nobody asked for that.
func (r *Result) count(x Scored, alone []float64) {
	blinded := x
	blinded.Pairs = nil
	for _, score := range alone {
		row := make([]Pair, len(x.Images))
		for j := range row {
			row[j] = Pair{0, score}
		}
		blinded.Pairs = append(blinded.Pairs, row)
	}
	groups := []string{""}
	if x.Group != "" {
		groups = append(groups, x.Group)
	}
	for _, group := range groups {
		if r.of[group] == nil {
			r.of[group] = map[string]*tally{}
			if group != "" {
				r.groups = append(r.groups, group)
			}
		}
		for _, m := range r.Suite.Measures {
			if m.Of == nil {
				continue
			}
			t := r.of[group][m.Name]
			if t == nil {
				t = &tally{once: map[string]bool{}}
				r.of[group][m.Name] = t
			}
			if m.Key != nil {
				if key := m.Key(x.Item); t.once[key] {
					continue
				} else {
					t.once[key] = true
				}
			}
			for _, value := range m.Of(x) {
				t.seen.Add(r.Items, value)
			}
			if m.Blind && alone != nil {
				for _, value := range m.Of(blinded) {
					t.blind.Add(r.Items, value)
				}
			}
		}
	}
	r.Items++
}

// level and resamples of the intervals over items.
const (
	level     = 0.95
	resamples = 1000
)

// Value is a measure of a group ("" is all items) with its interval, the same without pictures (NaN: it has none), and of how
// many items, sentences or pictures it is the mean.
func (r *Result) Value(group, measure string) (value, low, high, blind float64, n int) {
	for _, m := range r.Suite.Measures {
		if m.Name != measure || m.MeanOf == nil {
			continue
		}
		blind = math.NaN()
		for _, part := range m.MeanOf {
			v, l, h, _, k := r.Value(group, part)
			share := float64(len(m.MeanOf))
			value, low, high, n = value+v/share, low+l/share, high+h/share, n+k
		}
		return value, low, high, blind, n
	}
	t := r.of[group][measure]
	if t == nil {
		t = &tally{}
	}
	if r.drawn == nil {
		r.drawn = analysis.NewResamples(r.Items, resamples, level, rand.New(rand.NewPCG(r.Seed, 11)))
	}
	if low, high = math.NaN(), math.NaN(); r.Items > 1 { // of one item no interval is known
		low, high = r.drawn.Interval(&t.seen)
	}
	return t.seen.Mean(), low, high, t.blind.Mean(), t.seen.N()
}

// Table has a row for each measure of all items, of the mean of the groups, and of each group.
func (r *Result) Table() analysis.Table {
	t := analysis.Table{Meta: r.Meta, Columns: []string{"group", "measure", "value", "low", "high", "chance", "blind", "n"}}
	t.Method = "suite " + r.Suite.Name
	add := func(group, name string) {
		for _, m := range r.Suite.Measures {
			value, low, high, blind, n := r.Value(group, m.Name)
			if n == 0 { // such as a measure of pairs where there are none
				continue
			}
			t.Rows = append(t.Rows, []any{name, m.Name, value, low, high, m.Chance, blind, n})
		}
	}
	add("", "all")
	if len(r.groups) > 1 {
		for _, m := range r.Suite.Measures {
			var values, blinds []float64
			for _, group := range r.groups {
				value, _, _, blind, n := r.Value(group, m.Name)
				if n > 0 {
					values, blinds = append(values, value), append(blinds, blind)
				}
			}
			t.Rows = append(t.Rows, []any{"mean of groups", m.Name, analysis.Mean(values), math.NaN(), math.NaN(), m.Chance, analysis.Mean(blinds), len(values)})
		}
	}
	for _, group := range r.groups {
		add(group, group)
	}
	for _, m := range r.Suite.Measures {
		t.Notes = append(t.Notes, m.Name+": "+m.About+".")
	}
	return t
}
