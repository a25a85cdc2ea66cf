package patch

import (
	"math"

	"github.com/seed-516990b0/golxmert/lxmert"
)

// queriesAndKeys estimates what patching each query and each key of a map does, one head and one position at a time.
func (p *Pair) queriesAndKeys(d Direction, row int, name string) []Effect {
	base, source := d.base()
	of := func(x map[string]lxmert.Tensor, suffix string) lxmert.Tensor { return x[name+suffix].Row(row) }
	q, k, score := of(p.values[base], ".q"), of(p.values[base], ".k"), of(p.values[base], ".score")
	otherQ, otherK := of(p.values[source], ".q"), of(p.values[source], ".k")
	map_, grad := of(p.values[base], ""), of(p.grads[base], "")
	var effects []Effect
	add := func(suffix string, h, at int, corrected float64) {
		n := Node{name + suffix, h, at}
		effects = append(effects, Effect{Node: n, Estimate: corrected, FirstOrder: p.firstOrder(d, row, n), Exact: math.NaN()})
	}
	queries, keys := p.count(row, name[len(name)-2]), p.count(row, name[len(name)-1])
	for h := range q.Shape[0] {
		head := attending{scores: score.Row(h), map_: map_.Row(h), grad: grad.Row(h)}
		for i := range queries {
			change := minus(otherQ.Row(h).Row(i), q.Row(h).Row(i))
			add(".q", h, i, head.withQuery(i, change, k.Row(h)))
		}
		for j := range keys {
			change := minus(otherK.Row(h).Row(j), k.Row(h).Row(j))
			add(".k", h, j, head.withKey(j, change, q.Row(h)))
		}
	}
	return effects
}

// count is how many words ('t') or regions ('i') a row has, without what only its neighbours in the batch need.
func (p *Pair) count(row int, stream byte) int {
	b := p.sides[0].Batch
	if stream == 't' {
		return len(b.IDs[row])
	}
	return b.V()
}

// attending is one head: scores with the mask, what softmax makes of them, and the gradient with respect to that, [Q,K] each.
type attending struct{ scores, map_, grad lxmert.Tensor }

// withQuery is the first-order effect of a map in which one query has changed: its row is another one.
func (a attending) withQuery(i int, change []float64, keys lxmert.Tensor) float64 {
	scores := a.scores.Row(i).Float64s()
	moved := make([]float64, len(scores))
	for j := range scores {
		moved[j] = scores[j] + scaledDot(change, keys.Row(j).Data)
	}
	return a.effect(i, scores, moved)
}

// withKey is the first-order effect of a map in which one key has changed: one score of every row is another one.
func (a attending) withKey(j int, change []float64, queries lxmert.Tensor) float64 {
	sum := 0.0
	for i := range queries.Shape[0] {
		scores := a.scores.Row(i).Float64s()
		moved := append([]float64(nil), scores...)
		moved[j] += scaledDot(change, queries.Row(i).Data)
		sum += a.effect(i, scores, moved)
	}
	return sum
}

// effect is the change of a row of the map times its gradient. A row that attends to nothing does so with other scores too.
func (a attending) effect(i int, scores, moved []float64) float64 {
	there := 0.0
	for _, x := range a.map_.Row(i).Data {
		there += float64(x)
	}
	if there == 0 {
		return 0
	}
	before, after := softmax(scores), softmax(moved)
	sum := 0.0
	for j, g := range a.grad.Row(i).Data {
		sum += (after[j] - before[j]) * float64(g)
	}
	return sum
}

// softmax of scores, in place.
func softmax(scores []float64) []float64 {
	most := math.Inf(-1)
	for _, s := range scores {
		most = max(most, s)
	}
	sum := 0.0
	for j, s := range scores {
		scores[j] = math.Exp(s - most)
		sum += scores[j]
	}
	for j := range scores {
		scores[j] /= sum
	}
	return scores
}

// scaledDot is the inner product divided by the root of the length, as scores are.
func scaledDot(x []float64, y []float32) float64 {
	sum := 0.0
	for i, v := range x {
		sum += v * float64(y[i])
	}
	return sum / math.Sqrt(float64(len(x)))
}

func minus(x, y lxmert.Tensor) []float64 {
	out := make([]float64, len(x.Data))
	for i, v := range x.Data {
		out[i] = float64(v) - float64(y.Data[i])
	}
	return out
}
