package relevance

import (
	"context"
	"fmt"
	"runtime"
	"strconv"
	"sync"

	"github.com/seed-516990b0/golxmert/analysis"
	"github.com/seed-516990b0/golxmert/analysis/internal/dense"
	"github.com/seed-516990b0/golxmert/lxmert"
)

// Options are the ablations of bi-modal relevance. The zero value is the published method.
type Options struct {
	// NoNormalization feeds the raw relevance of each stream into the cross-modality step, not that with rows of sum 1.
	NoNormalization bool
	// NoSelf takes the cross-attention alone in the cross-modality step, without the relevance of either stream.
	NoSelf bool
}

func (o Options) params() map[string]string {
	if o == (Options{}) {
		return nil
	}
	return map[string]string{"normalization": strconv.FormatBool(!o.NoNormalization), "self": strconv.FormatBool(!o.NoSelf)}
}

// BiModal returns the relevance of words and regions for a target, one result per row of the batch, in one run of the
// model. Values are at least 0 and have no unit; what the score is read from, such as [CLS], has relevance 0 for itself.
// They do not grow in proportion to the score, so compare them within one example.
//
// One code path serves all heads: the gradients of a [CLS] score with respect to what [CLS] does not see are zero. Rows of
// which nothing is relevant stay zero, where the published code divides 0 by 0 and fails on padding.
func BiModal(ctx context.Context, eng lxmert.Engine, b *lxmert.Batch, target analysis.Target, opt Options) ([]analysis.Scores, error) {
	bound, err := target.Prepare(eng.Config(), b)
	if err != nil {
		return nil, err
	}
	place, err := bound.Place()
	if err != nil {
		return nil, err
	}
	trace, err := runMaps(ctx, eng, bound)
	if err != nil {
		return nil, err
	}
	scores := make([]analysis.Scores, bound.Batch.Rows())
	cfg := eng.Config()
	var rows sync.WaitGroup
	workers := min(runtime.GOMAXPROCS(0), len(scores))
	for w := range workers {
		rows.Go(func() {
			for n := w; n < len(scores); n += workers {
				r := newRules(cfg, bound.Batch, opt)
				r.propagate(trace, n, nil)
				words, regions := r.read(place, n)
				meta := analysis.Meta{Method: "bi-modal relevance", Target: bound.Names[n], Model: trace.Provenance, Params: opt.params()}
				scores[n] = analysis.NewScores(meta, bound.Batch, n, words, regions)
			}
		})
	}
	rows.Wait()
	return scores, nil
}

// runMaps runs the model once for all maps and their gradients.
func runMaps(ctx context.Context, eng lxmert.Engine, bound *analysis.Bound) (*lxmert.Trace, error) {
	maps := eng.Config().Maps()
	if len(maps) == 0 {
		return nil, fmt.Errorf("the model has no attention layers to explain with")
	}
	return bound.Run(ctx, eng, lxmert.All(maps...), maps...)
}

// rules holds the four relevance matrices of one row while they are built, layer by layer.
type rules struct {
	cfg            lxmert.Config
	opt            Options
	tt, ii, ti, it dense.Matrix
}

func newRules(cfg lxmert.Config, b *lxmert.Batch, opt Options) *rules {
	t, v := b.T(), b.V()
	return &rules{cfg: cfg, opt: opt, tt: dense.Identity(t), ii: dense.Identity(v), ti: dense.New(t, v), it: dense.New(v, t)}
}

// propagate follows the layers of the model, and calls after, if there is one, after each part of it.
func (r *rules) propagate(trace *lxmert.Trace, row int, after func(label string)) {
	positive := func(layer string, k int, name string) dense.Matrix {
		key := layer + "." + strconv.Itoa(k) + "." + name
		return positiveMean(trace.Values[key].Row(row), trace.Grads[key].Row(row))
	}
	done := func(label string) {
		if after != nil {
			after(label)
		}
	}
	for k := range r.cfg.LangLayers {
		r.words(positive("l", k, "tt"))
	}
	done("l")
	for k := range r.cfg.RegionLayers {
		r.regions(positive("r", k, "ii"))
	}
	done("r")
	for k := range r.cfg.CrossLayers {
		label := "x." + strconv.Itoa(k)
		r.cross(positive("x", k, "ti"), positive("x", k, "it"))
		done(label + ".cross")
		r.words(positive("x", k, "tt"))
		r.regions(positive("x", k, "ii"))
		done(label + ".self")
	}
}

// positiveMean is the mean over heads of the positive part of gradient times map. The clamp comes before the mean, so that
// heads with opposite effects do not cancel.
func positiveMean(a, grad lxmert.Tensor) dense.Matrix {
	h, q, k := a.Shape[0], a.Shape[1], a.Shape[2]
	m := dense.New(q, k)
	for head := range h {
		values, gradients := a.Data[head*q*k:(head+1)*q*k], grad.Data[head*q*k:(head+1)*q*k]
		for i, x := range values {
			if y := float64(x) * float64(gradients[i]); y > 0 || y != y {
				m.Data[i] += y
			}
		}
	}
	for i := range m.Data {
		m.Data[i] /= float64(h)
	}
	return m
}

// words is self-attention among words.
func (r *rules) words(a dense.Matrix) {
	r.tt.Add(a.Mul(r.tt))
	r.ti.Add(a.Mul(r.ti))
}

// regions is self-attention among regions.
func (r *rules) regions(a dense.Matrix) {
	r.ii.Add(a.Mul(r.ii))
	r.it.Add(a.Mul(r.it))
}

// cross is cross-attention in both directions, each from the state before the layer.
func (r *rules) cross(ti, it dense.Matrix) {
	addTI, addIT := ti, it
	if !r.opt.NoSelf {
		tt, ii := r.tt, r.ii
		if !r.opt.NoNormalization {
			tt, ii = normalized(tt), normalized(ii)
		}
		addTI = tt.T().Mul(ti).Mul(ii)
		addIT = ii.T().Mul(it).Mul(tt)
	}
	addTT, addII := ti.Mul(r.it), it.Mul(r.ti)
	r.tt.Add(addTT)
	r.ii.Add(addII)
	r.ti.Add(addTI)
	r.it.Add(addIT)
}

// normalized scales each row of what attention added to the unit matrix to sum 1; a row to which it added nothing stays.
func normalized(m dense.Matrix) dense.Matrix {
	m = m.Clone()
	for i := range m.Rows {
		row := m.Row(i)
		row[i]--
		sum := 0.0
		for _, x := range row {
			sum += x
		}
		if sum != 0 {
			for j := range row {
				row[j] /= sum
			}
		}
		row[i]++
	}
	return m
}

// read takes the rows of the place where the score is read, with 0 for the place itself.
func (r *rules) read(p analysis.Place, row int) (words, regions []float64) {
	i := p.Index[row]
	if p.Stream == analysis.RegionStream {
		words, regions = r.it.Row(i), r.ii.Row(i)
		regions[i] = 0
		return words, regions
	}
	words, regions = r.tt.Row(i), r.ti.Row(i)
	words[i] = 0
	return words, regions
}

// MinMax returns the values moved and scaled to 0..1 for display, as published figures do; of a constant list, which has
// no scale, zeros.
func MinMax(values []float64) []float64 {
	out := make([]float64, len(values))
	if len(values) == 0 {
		return out
	}
	low, high := values[0], values[0]
	for _, x := range values {
		low, high = min(low, x), max(high, x)
	}
	if high == low {
		return out
	}
	for i, x := range values {
		out[i] = (x - low) / (high - low)
	}
	return out
}
