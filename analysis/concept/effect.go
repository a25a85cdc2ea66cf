package concept

import (
	"context"
	"fmt"
	"math"
	"slices"

	"gonum.org/v1/gonum/mat"

	"github.com/seed-516990b0/golxmert/analysis"
	"github.com/seed-516990b0/golxmert/lxmert"
)

// Named is an eraser and what tables call it.
type Named struct {
	Name   string
	Eraser *Eraser
}

// Edit sets the states of a level to what an eraser leaves of them, at every word or region that is not padding. The batch must
// be without Pairs, see [analysis.Separate].
func Edit(ctx context.Context, eng lxmert.Engine, b *lxmert.Batch, level string, e *Eraser) (lxmert.Edit, error) {
	at := AtLevel{Level: level, Named: Named{Eraser: e}}
	states, err := ReadStates(ctx, eng, b, at)
	if err != nil {
		return lxmert.Edit{}, err
	}
	return states.Edit(at), nil
}

// States are those of a batch at the levels of some erasers, as they are where nothing is erased.
type States struct {
	cfg    lxmert.Config
	b      *lxmert.Batch
	values map[string]lxmert.Tensor
}

// ReadStates reads in one run the states that [States.Edit] needs for these erasers. The batch must be without Pairs, see
// [analysis.Separate].
func ReadStates(ctx context.Context, eng lxmert.Engine, b *lxmert.Batch, erasers ...AtLevel) (*States, error) {
	var levels []string
	for _, e := range erasers {
		if _, err := findLevel(eng.Config(), e.Level); err != nil {
			return nil, err
		}
		if d := len(e.Eraser.Mean); d != eng.Config().Hidden {
			return nil, fmt.Errorf("the eraser is of states of %d numbers, the model's have %d", d, eng.Config().Hidden)
		}
		if !slices.Contains(levels, e.Level) {
			levels = append(levels, e.Level)
		}
	}
	if levels == nil {
		return &States{}, nil
	}
	trace, err := eng.Run(ctx, b, lxmert.Request{Want: lxmert.All(levels...), NoRegions: b.NoRegions()})
	if err != nil {
		return nil, err
	}
	return &States{eng.Config(), b, trace.Values}, nil
}

// Edit is that of one of the erasers that the states were read for; see [Edit].
func (s *States) Edit(e AtLevel) lxmert.Edit {
	at, _ := findLevel(s.cfg, e.Level)
	read := s.values[e.Level]
	states := lxmert.Tensor{Shape: read.Shape, Data: slices.Clone(read.Data)}
	for n := range s.b.Rows() {
		for i, there := range at.valid(s.b, n) {
			if !there {
				continue
			}
			state := states.Row(n).Row(i).Data
			x := mat.NewDense(1, len(state), nil)
			for j, v := range state {
				x.Set(0, j, float64(v))
			}
			for j, v := range e.Eraser.Erase(x).RawRowView(0) {
				state[j] = float32(v)
			}
		}
	}
	return lxmert.Edit{Name: e.Level, Op: lxmert.Set, Value: states}
}

// stream is that of a level.
type stream struct{ analysis.Stream }

func (s stream) valid(b *lxmert.Batch, row int) []bool {
	if s.Stream == analysis.RegionStream {
		return analysis.ValidRegions(b, row)
	}
	return analysis.ValidWords(b, row)
}

// findLevel says which stream a level is of. Any other name is an error.
func findLevel(cfg lxmert.Config, level string) (stream, error) {
	if _, err := cfg.Find(level); err != nil {
		return stream{}, err
	}
	for pattern, s := range map[string]analysis.Stream{"hid.t.*": analysis.WordStream, "hid.i.*": analysis.RegionStream} {
		if level != pattern && lxmert.Match(pattern, level) {
			return stream{s}, nil
		}
	}
	return stream{}, fmt.Errorf("%s is not a level: those are hid.t.0 and so on of words, and hid.i.0 and so on of regions", level)
}

// Effects says what taking concepts out of a level does to a target: a row for each eraser, after one for the model as it is,
// with the mean over the batch of the target's score, of its change, and of how large the change is whichever way it goes.
// A random direction beside a concept's says what any change of that size does.
func Effects(ctx context.Context, eng lxmert.Engine, b *lxmert.Batch, target analysis.Target, level string, erasers ...Named) (analysis.Table, error) {
	bound, err := target.Bind(ctx, eng, b)
	if err != nil {
		return analysis.Table{}, err
	}
	score := func(edits ...lxmert.Edit) (*lxmert.Trace, error) {
		return eng.Run(ctx, bound.Batch, lxmert.Request{Edits: edits, Grad: bound.Grad(), NoRegions: bound.Batch.NoRegions()})
	}
	before, err := score()
	if err != nil {
		return analysis.Table{}, err
	}
	t := analysis.Table{Columns: []string{"erased", "dimensions", "score", "change", "absolute change"}}
	t.Meta = analysis.NewScores(analysis.Meta{
		Method: "concept erasure at " + level, Target: bound.Names[0], Unit: bound.Unit, Model: before.Provenance,
	}, bound.Batch, 0, nil, nil).Meta
	t.N = len(before.Score)
	for _, name := range bound.Names {
		if name != t.Target {
			t.Target = "each question's own: " + target.String()
		}
	}
	add := func(name string, rank int, after []float32) {
		var scores, changes, sizes []float64
		for n, x := range after {
			d := float64(x) - float64(before.Score[n])
			scores, changes, sizes = append(scores, float64(x)), append(changes, d), append(sizes, math.Abs(d))
		}
		t.Rows = append(t.Rows, []any{name, rank, analysis.Mean(scores), analysis.Mean(changes), analysis.Mean(sizes)})
	}
	add("nothing", 0, before.Score)
	var all []AtLevel
	for _, e := range erasers {
		all = append(all, AtLevel{Level: level, Named: e})
	}
	states, err := ReadStates(ctx, eng, bound.Batch, all...)
	if err != nil {
		return analysis.Table{}, err
	}
	for _, e := range all {
		after, err := score(states.Edit(e))
		if err != nil {
			return analysis.Table{}, err
		}
		add(e.Name, e.Eraser.Rank, after.Score)
	}
	return t, nil
}

// Sensitivity is the slope of the target's score if all words, or regions, of a level move in a direction together, one number
// for each row of the batch. The share of rows in which it is positive is what is called TCAV.
func Sensitivity(ctx context.Context, eng lxmert.Engine, b *lxmert.Batch, target analysis.Target, level string, direction []float64) ([]float64, error) {
	at, err := findLevel(eng.Config(), level)
	if err != nil {
		return nil, err
	}
	if d := eng.Config().Hidden; len(direction) != d {
		return nil, fmt.Errorf("the direction has %d numbers, the model's states have %d", len(direction), d)
	}
	bound, err := target.Prepare(eng.Config(), b)
	if err != nil {
		return nil, err
	}
	trace, err := bound.Run(ctx, eng, nil, level)
	if err != nil {
		return nil, err
	}
	out := make([]float64, bound.Batch.Rows())
	for n := range out {
		for i, there := range at.valid(bound.Batch, n) {
			if there {
				for j, g := range trace.Grads[level].Row(n).Row(i).Data {
					out[n] += float64(g) * direction[j]
				}
			}
		}
	}
	return out, nil
}
