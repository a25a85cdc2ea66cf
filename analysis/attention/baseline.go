package attention

import (
	"context"
	"errors"
	"strconv"

	"github.com/seed-516990b0/golxmert/analysis"
	"github.com/seed-516990b0/golxmert/analysis/internal/dense"
	"github.com/seed-516990b0/golxmert/lxmert"
)

// Raw is the attention that the place where the score is read pays in the last cross-modality layer, averaged over heads: to
// regions in the cross-attention, to words in the self-attention after it, for a score of [CLS] or a word; the other way
// round for a score of a region. Both are shares of 1; the place's own entry is 0.
func Raw(ctx context.Context, eng lxmert.Engine, b *lxmert.Batch, target analysis.Target) ([]analysis.Scores, error) {
	e, err := start(ctx, eng, b, target, "last.*", false)
	if err != nil {
		return nil, err
	}
	return e.each("raw attention", "share", func(n int) (words, regions []float64) {
		toWords, toRegions := e.names(e.cfg.CrossLayers - 1)
		return e.row(dense.HeadMean(e.value(toWords, n)), n), e.row(dense.HeadMean(e.value(toRegions, n)), n)
	}), nil
}

// GradCAM weights each head of the maps of [Raw] by its gradient, averaged over all queries and keys, padding included as
// in the published baseline, and takes the positive part of the heads' mean. So values depend on the batch's longest text.
func GradCAM(ctx context.Context, eng lxmert.Engine, b *lxmert.Batch, target analysis.Target) ([]analysis.Scores, error) {
	e, err := start(ctx, eng, b, target, "last.*", true)
	if err != nil {
		return nil, err
	}
	return e.each("attention GradCAM", "", func(n int) (words, regions []float64) {
		toWords, toRegions := e.names(e.cfg.CrossLayers - 1)
		return e.row(e.gradCAM(toWords, n), n), e.row(e.gradCAM(toRegions, n), n)
	}), nil
}

// Rollout multiplies each stream's own maps, half of each being the residual connection: the language layers and the words'
// self-attention in cross-modality layers, the object-relationship layers and the regions'. The streams meet only in the
// cross-attention of the last layer; all earlier ones are ignored, as in the published baseline. There the attention of
// padding counts among that of the words, so that regions' values depend on the batch's longest text; it is kept so that
// numbers can be compared.
func Rollout(ctx context.Context, eng lxmert.Engine, b *lxmert.Batch, target analysis.Target) ([]analysis.Scores, error) {
	e, err := start(ctx, eng, b, target, "*", false)
	if err != nil {
		return nil, err
	}
	return e.each("attention rollout", "", func(n int) (words, regions []float64) {
		forWords, forRegions := e.rollout(n)
		return e.row(forWords, n), e.row(forRegions, n)
	}), nil
}

// explainer holds what a baseline needs of a batch: the bound target and its maps.
type explainer struct {
	cfg   lxmert.Config
	bound *analysis.Bound
	place analysis.Place
	trace *lxmert.Trace
}

// start binds a target and reads maps: "last.*" those of the last cross-modality layer, "*" all; with gradients or without.
func start(ctx context.Context, eng lxmert.Engine, b *lxmert.Batch, target analysis.Target, which string, grad bool) (*explainer, error) {
	e := &explainer{cfg: eng.Config()}
	if e.cfg.CrossLayers == 0 {
		return nil, errors.New("the model has no cross-modality layers, whose attention this method reads")
	}
	var err error
	if e.bound, err = target.Prepare(e.cfg, b); err != nil {
		return nil, err
	}
	if e.place, err = e.bound.Place(); err != nil {
		return nil, err
	}
	maps := e.cfg.Maps()
	if which != "*" {
		words, regions := e.names(e.cfg.CrossLayers - 1)
		maps = []string{words, regions}
	}
	var gradients []string
	if grad {
		gradients = maps
	}
	e.trace, err = e.bound.Run(ctx, eng, lxmert.All(maps...), gradients...)
	return e, err
}

// names are the maps of a cross-modality layer in which the target's stream attends to words and to regions.
func (e *explainer) names(k int) (words, regions string) {
	layer := "x." + strconv.Itoa(k)
	if e.place.Stream == analysis.RegionStream {
		return layer + ".it", layer + ".ii"
	}
	return layer + ".tt", layer + ".ti"
}

func (e *explainer) value(name string, row int) lxmert.Tensor { return e.trace.Values[name].Row(row) }

// row is the row of the place where the score is read.
func (e *explainer) row(m dense.Matrix, n int) []float64 { return m.Row(e.place.Index[n]) }

// each makes the results of all rows. The place's own entry is set to 0.
func (e *explainer) each(method, unit string, score func(n int) (words, regions []float64)) []analysis.Scores {
	out := make([]analysis.Scores, e.bound.Batch.Rows())
	for n := range out {
		words, regions := score(n)
		if i := e.place.Index[n]; e.place.Stream == analysis.WordStream {
			words[i] = 0
		} else {
			regions[i] = 0
		}
		meta := analysis.Meta{Method: method, Target: e.bound.Names[n], Unit: unit, Model: e.trace.Provenance}
		out[n] = analysis.NewScores(meta, e.bound.Batch, n, words, regions)
	}
	return out
}

// gradCAM is the positive part of the mean over heads of a map, each weighted by the mean of its gradient.
func (e *explainer) gradCAM(name string, row int) dense.Matrix {
	a, grad := e.value(name, row), e.trace.Grads[name].Row(row)
	h, q, k := a.Shape[0], a.Shape[1], a.Shape[2]
	m := dense.New(q, k)
	for head := range h {
		weight := 0.0
		for _, g := range grad.Row(head).Data {
			weight += float64(g) / float64(q*k)
		}
		for i, x := range a.Row(head).Data {
			m.Data[i] += float64(x) * weight / float64(h)
		}
	}
	for i, x := range m.Data {
		m.Data[i] = max(0, x)
	}
	return m
}

// rollout returns the relevance of words and of regions for the stream of the target.
func (e *explainer) rollout(row int) (words, regions dense.Matrix) {
	last := e.cfg.CrossLayers - 1
	self := func(layer string, layers int, kind string, chain []dense.Matrix) []dense.Matrix {
		for k := range layers {
			chain = append(chain, half(dense.HeadMean(e.value(layer+"."+strconv.Itoa(k)+"."+kind, row))))
		}
		return chain
	}
	tt := self("x", last, "tt", self("l", e.cfg.LangLayers, "tt", nil))
	ii := self("x", last, "ii", self("r", e.cfg.RegionLayers, "ii", nil))
	b := e.bound.Batch
	beforeT, beforeI := chain(tt, b.T()), chain(ii, b.V())
	ownName, otherName := e.names(last)
	if e.place.Stream == analysis.RegionStream {
		it := dense.HeadMean(e.value(ownName, row))
		return beforeI.T().Mul(it).Mul(beforeT), half(dense.HeadMean(e.value(otherName, row))).Mul(beforeI)
	}
	ti := dense.HeadMean(e.value(otherName, row))
	return half(dense.HeadMean(e.value(ownName, row))).Mul(beforeT), beforeT.T().Mul(ti).Mul(beforeI)
}

// half mixes a map with the residual connection, half of each. What attends to nothing keeps all of its own.
func half(a dense.Matrix) dense.Matrix {
	a = a.Clone()
	for i := range a.Rows {
		sum := 0.0
		for j := range a.Row(i) {
			sum += a.Row(i)[j]
			a.Row(i)[j] /= 2
		}
		if sum > 0 {
			a.Row(i)[i] += 0.5
		} else {
			a.Row(i)[i] = 1
		}
	}
	return a
}

// chain multiplies maps, the later to the left.
func chain(maps []dense.Matrix, size int) dense.Matrix {
	r := dense.Identity(size)
	for _, a := range maps {
		r = a.Mul(r)
	}
	return r
}
