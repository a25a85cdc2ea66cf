package lens

import (
	"context"
	"fmt"

	"github.com/seed-516990b0/golxmert/analysis"
	"github.com/seed-516990b0/golxmert/lxmert"
)

// Logits are what the target's head says of every level at the place of the target: [scores, C] for each level, in the order
// of [analysis.Levels]. All parts of the target must read one output at one place. tuned may be nil.
func Logits(ctx context.Context, eng lxmert.Engine, bound *analysis.Bound, tuned *Tuned) ([]lxmert.Tensor, lxmert.Provenance, error) {
	place, output, err := one(bound)
	if err != nil {
		return nil, lxmert.Provenance{}, err
	}
	read := lxmert.Read{Name: output}
	if bound.Terms[0].Position != nil {
		for _, at := range place.Index {
			read.Positions = append(read.Positions, []int{at})
		}
	}
	all, from, err := throughHead(ctx, eng, bound.Batch, place.Stream, read, tuned)
	for k, x := range all {
		if len(x.Shape) == 3 { // [scores,1,C]
			all[k].Shape = []int{x.Shape[0], x.Shape[2]}
		}
	}
	return all, from, err
}

// one is where all terms of a target read, and which output.
func one(bound *analysis.Bound) (analysis.Place, string, error) {
	place, err := bound.Place()
	if err != nil {
		return place, "", err
	}
	output := bound.Terms[0].Output
	for _, t := range bound.Terms {
		if t.Output != output {
			return place, "", fmt.Errorf("%w: it reads %s and %s, a lens has one head: take its parts one by one", analysis.ErrTarget, output, t.Output)
		}
	}
	return place, output, nil
}

// throughHead reads an output of every level of a stream, each in the place of the last one.
func throughHead(ctx context.Context, eng lxmert.Engine, b *lxmert.Batch, stream analysis.Stream, read lxmert.Read, tuned *Tuned) (out []lxmert.Tensor, from lxmert.Provenance, err error) {
	cfg := eng.Config()
	levels := analysis.Levels(cfg, stream)
	if tuned != nil {
		if err := tuned.check(cfg, stream); err != nil {
			return nil, from, err
		}
	}
	states, err := eng.Run(ctx, b, lxmert.Request{Want: lxmert.All(levels...), NoRegions: b.NoRegions()})
	if err != nil {
		return nil, from, err
	}
	for k, level := range levels {
		value := states.Values[level]
		if tuned != nil {
			value = tuned.Maps[k].apply(value)
		}
		trace, err := eng.Run(ctx, b, lxmert.Request{
			Want:      []lxmert.Read{read},
			Edits:     []lxmert.Edit{{Name: levels[len(levels)-1], Op: lxmert.Set, Value: value}},
			NoRegions: b.NoRegions(),
		})
		if err != nil {
			return nil, from, err
		}
		out = append(out, trace.Values[read.Name])
	}
	return out, states.Provenance, nil
}

// Divergences say how far each level's prediction is from the last one's, at every valid position of every row: the
// Kullback-Leibler divergence of the head's probabilities at the last level from those at this one, in nats, by level, row
// and position; 0 at padding. The head is that for masked words, or that for objects.
func Divergences(ctx context.Context, eng lxmert.Engine, b *lxmert.Batch, stream analysis.Stream, tuned *Tuned) ([][][]float64, error) {
	b = analysis.Separate(b)
	read := lxmert.Read{Name: "out.mlm"}
	if stream == analysis.RegionStream {
		read.Name = "out.obj"
	}
	if eng.Config().ClassCount(read.Name) == 0 {
		return nil, fmt.Errorf("the model has no %s to read; it has %s", read.Name, eng.Config().Predictions())
	}
	all, _, err := throughHead(ctx, eng, b, stream, read, tuned)
	if err != nil {
		return nil, err
	}
	last := all[len(all)-1]
	if tuned != nil { // whose own last level is a little off
		trace, err := eng.Run(ctx, b, lxmert.Request{Want: []lxmert.Read{read}, NoRegions: b.NoRegions()})
		if err != nil {
			return nil, err
		}
		last = trace.Values[read.Name]
	}
	out := make([][][]float64, len(all))
	for k, logits := range all {
		for n := range b.Rows() {
			valid := analysis.ValidWords(b, n)
			if stream == analysis.RegionStream {
				valid = analysis.ValidRegions(b, n)
			}
			row := make([]float64, len(valid))
			for i, there := range valid {
				if there {
					row[i] = divergence(logProbs(last.Row(n).Row(i).Data), logProbs(logits.Row(n).Row(i).Data))
				}
			}
			out[k] = append(out[k], row)
		}
	}
	return out, nil
}
