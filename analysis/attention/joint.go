package attention

import (
	"context"
	"slices"
	"strconv"

	"github.com/seed-516990b0/golxmert/analysis"
	"github.com/seed-516990b0/golxmert/analysis/internal/dense"
	"github.com/seed-516990b0/golxmert/lxmert"
)

// halfMass is what a reader of joint rollout must know.
const halfMass = "Joint rollout puts exactly half of its mass on each modality, whatever the model does: the values say which words and regions, not how much picture."

// JointRollout follows the place where the score is read back through all attention of both streams at once: words and
// regions are the tokens of one graph, every sublayer is a matrix with rows of sum 1, half residual and half attention,
// and their product is a distribution over the inputs. A cross-attention sublayer moves half of each token to the other
// stream, so the mass on regions is exactly a half for every input of a model with cross-modality layers; each modality is
// scaled to sum 1 for that reason (see [JointMatrix] for the plain product). Without regions all of it stays on words.
func JointRollout(ctx context.Context, eng lxmert.Engine, b *lxmert.Batch, target analysis.Target) ([]analysis.Scores, error) {
	e, err := start(ctx, eng, b, target, "*", false)
	if err != nil {
		return nil, err
	}
	out := make([]analysis.Scores, e.bound.Batch.Rows())
	for n := range out {
		top := e.token(n)
		row := chain(e.joint(n), e.bound.Batch.T()+e.bound.Batch.V()).Row(top)
		words, regions := row[:e.bound.Batch.T()], row[e.bound.Batch.T():]
		scale(words)
		scale(regions)
		meta := analysis.Meta{Method: "joint rollout", Target: e.bound.Names[n], Unit: "share", Model: e.trace.Provenance, Notes: []string{halfMass, "Each modality is scaled to 1."}}
		out[n] = analysis.NewScores(meta, e.bound.Batch, n, words, regions)
	}
	return out, nil
}

// JointMatrix is the product of all sublayers of joint rollout for each row of the batch: outputs by inputs, words first,
// without padding at the end of the text and masked regions at the end of the picture's. Each output's shares sum to 1.
func JointMatrix(ctx context.Context, eng lxmert.Engine, b *lxmert.Batch) ([]analysis.Matrix, error) {
	products, trace, err := jointProducts(ctx, eng, b)
	if err != nil {
		return nil, err
	}
	b = trace.Batch
	t := b.T()
	var out []analysis.Matrix
	for n, product := range products {
		words, regions := analysis.WordAxis(b, n), analysis.RegionAxis(b, n)
		names := append(slices.Clone(words.Labels), regions.Labels...)
		meta := analysis.Meta{Method: "joint rollout of every output", Unit: "share", Model: trace.Provenance, Notes: []string{halfMass}}
		m := analysis.Matrix{
			Meta: analysis.NewScores(meta, b, n, nil, nil).Meta, High: 1,
			Rows: analysis.Axis{Name: "output", Labels: names}, Cols: analysis.Axis{Name: "input", Labels: names},
		}
		var panel analysis.MatrixPanel
		for i := range names {
			if i >= len(words.Labels) {
				i += t - len(words.Labels)
			}
			row := product.Row(i)
			panel.Values = append(panel.Values, slices.Concat(row[:len(words.Labels)], row[t:t+len(regions.Labels)]))
		}
		m.Panels = []analysis.MatrixPanel{panel}
		out = append(out, m)
	}
	return out, nil
}

// jointProducts are those of [JointMatrix] with padding: [T+V][T+V].
func jointProducts(ctx context.Context, eng lxmert.Engine, b *lxmert.Batch) ([]dense.Matrix, *lxmert.Trace, error) {
	b = analysis.Separate(b)
	cfg := eng.Config()
	trace, err := eng.Run(ctx, b, lxmert.Request{Want: lxmert.All(cfg.Maps()...), NoRegions: b.NoRegions()})
	if err != nil {
		return nil, nil, err
	}
	e := &explainer{cfg: cfg, bound: &analysis.Bound{Batch: b}, trace: trace}
	var out []dense.Matrix
	for n := range b.Rows() {
		out = append(out, chain(e.joint(n), b.T()+b.V()))
	}
	return out, trace, nil
}

// token is the number of the place where the score is read among words and regions together.
func (e *explainer) token(n int) int {
	if e.place.Stream == analysis.RegionStream {
		return e.bound.Batch.T() + e.place.Index[n]
	}
	return e.place.Index[n]
}

// joint lists the sublayers of both streams, the lowest first: each a matrix over words and regions with rows of sum 1.
func (e *explainer) joint(row int) []dense.Matrix {
	t, v := e.bound.Batch.T(), e.bound.Batch.V()
	mean := func(layer string, k int, kind string) dense.Matrix {
		return dense.HeadMean(e.value(layer+"."+strconv.Itoa(k)+"."+kind, row))
	}
	var layers []dense.Matrix
	for k := range e.cfg.LangLayers {
		layers = append(layers, blocks(half(mean("l", k, "tt")), dense.Identity(v)))
	}
	for k := range e.cfg.RegionLayers {
		layers = append(layers, blocks(dense.Identity(t), half(mean("r", k, "ii"))))
	}
	for k := range e.cfg.CrossLayers {
		cross := dense.New(t+v, t+v)
		ti, it := mean("x", k, "ti"), mean("x", k, "it")
		for i := range t {
			copy(cross.Row(i)[t:], ti.Row(i))
		}
		for i := range v {
			copy(cross.Row(t + i)[:t], it.Row(i))
		}
		layers = append(layers, half(cross), blocks(half(mean("x", k, "tt")), half(mean("x", k, "ii"))))
	}
	return layers
}

// blocks puts two square matrices on the diagonal of one.
func blocks(a, b dense.Matrix) dense.Matrix {
	m := dense.New(a.Rows+b.Rows, a.Rows+b.Rows)
	for i := range a.Rows {
		copy(m.Row(i), a.Row(i))
	}
	for i := range b.Rows {
		copy(m.Row(a.Rows + i)[a.Rows:], b.Row(i))
	}
	return m
}

// scale makes values sum to 1; zeros stay.
func scale(values []float64) {
	sum := 0.0
	for _, x := range values {
		sum += x
	}
	if sum == 0 {
		return
	}
	for i := range values {
		values[i] /= sum
	}
}
