package modality

import (
	"context"
	"fmt"
	"math"
	"strconv"

	"github.com/seed-516990b0/golxmert/analysis"
	"github.com/seed-516990b0/golxmert/lxmert"
)

// CrossNorms says, for each cross layer, how long what attention brings over from the other stream is beside what is
// already there: |MAP.out| / |input|, before both are added, as a mean over the words (or the regions) of each example.
// It is what compares modalities in a model of two streams: [CLS] looks at words and at regions in attentions of their own,
// each of which sums to 1 whatever the picture is worth.
func CrossNorms(ctx context.Context, eng lxmert.Engine, b *lxmert.Batch) (analysis.Curve, error) {
	values, meta, err := CrossNormsOf(ctx, eng, b)
	if err != nil {
		return analysis.Curve{}, err
	}
	return CrossNormCurve(meta, eng.Config(), func(series, layer int) (mean, low, high float64) {
		cells, _ := Measure{Values: values[series][layer]}.interval(nil)
		return cells[0].(float64), cells[1].(float64), cells[2].(float64)
	}), nil
}

// crossNorms are the series of [CrossNorms].
var crossNorms = []struct {
	name, mapName string
	stream        analysis.Stream
	valid         func(b *lxmert.Batch, row int) []bool
}{
	{"words, from regions", "ti", analysis.WordStream, analysis.ValidWords},
	{"[CLS], from regions", "ti", analysis.WordStream, func(b *lxmert.Batch, row int) []bool { return analysis.ValidWords(b, row)[:1] }},
	{"regions, from words", "it", analysis.RegionStream, analysis.ValidRegions},
}

// CrossNormNames are the names of the series of [CrossNorms].
func CrossNormNames() (names []string) {
	for _, s := range crossNorms {
		names = append(names, s.name)
	}
	return names
}

// CrossNormsOf are the numbers of which [CrossNorms] shows the means: [series][cross layers][examples]. NaN of a picture without
// regions.
func CrossNormsOf(ctx context.Context, eng lxmert.Engine, b *lxmert.Batch) ([][][]float64, analysis.Meta, error) {
	cfg := eng.Config()
	if err := b.Check(cfg); err != nil {
		return nil, analysis.Meta{}, err
	}
	var names []string
	for k := range cfg.CrossLayers {
		names = append(names, fmt.Sprintf("x.%d.ti.out", k), fmt.Sprintf("x.%d.it.out", k), fmt.Sprintf("hid.t.%d", cfg.LangLayers+k), fmt.Sprintf("hid.i.%d", cfg.RegionLayers+k))
	}
	b = analysis.Separate(b)
	trace, err := eng.Run(ctx, b, lxmert.Request{Want: lxmert.All(names...), NoRegions: b.NoRegions()})
	if err != nil {
		return nil, analysis.Meta{}, err
	}
	meta := analysis.Meta{Model: trace.Provenance, N: b.Rows()}
	if b.Images != nil {
		meta.Features = b.Images[0].Source
	}
	out := make([][][]float64, len(crossNorms))
	for i, s := range crossNorms {
		level, first := "hid.t.", cfg.LangLayers
		if s.stream == analysis.RegionStream {
			level, first = "hid.i.", cfg.RegionLayers
		}
		for k := range cfg.CrossLayers {
			brought, there := trace.Values[fmt.Sprintf("x.%d.%s.out", k, s.mapName)], trace.Values[level+strconv.Itoa(first+k)]
			var values []float64
			for row := range b.Rows() {
				sum, n := 0.0, 0
				for at, ok := range s.valid(b, row) {
					if ok {
						sum += norm(brought.Row(row).Row(at).Data) / norm(there.Row(row).Row(at).Data)
						n++
					}
				}
				values = append(values, sum/float64(n))
			}
			out[i] = append(out[i], values)
		}
	}
	return out, meta, nil
}

// CrossNormCurve draws means of [CrossNormsOf], of which of gives that of a series and a cross layer and its interval.
func CrossNormCurve(meta analysis.Meta, cfg lxmert.Config, of func(series, layer int) (mean, low, high float64)) analysis.Curve {
	c := analysis.Curve{Meta: meta, XName: "cross layer", YName: "|cross-attention| / |input|"}
	c.Method, c.Level = "norm of cross-attention over norm of the residual", level
	for k := range cfg.CrossLayers {
		c.X = append(c.X, float64(k))
	}
	for i, s := range crossNorms {
		series := analysis.CurveSeries{Name: s.name}
		for k := range cfg.CrossLayers {
			mean, low, high := of(i, k)
			series.Y, series.Low, series.High = append(series.Y, mean), append(series.Low, low), append(series.High, high)
		}
		c.Series = append(c.Series, series)
	}
	return c
}

func norm[F float32 | float64](x []F) float64 {
	sum := 0.0
	for _, v := range x {
		sum += float64(v) * float64(v)
	}
	return math.Sqrt(sum)
}

// ValueWeighted weighs an attention map, such as "x.1.ti", by what is attended to: |α v W_O|, the norm of the vector that a
// key gives a query through a head (Kobayashi et al., "Attention is not only a weight", 2020). A head may look hard at a key
// whose value is next to nothing. There is a matrix for each row of the batch, with a panel for each head and the last for
// the norm of the sum over heads. The projection W_O is read off the model: unit vectors are put in its place of entry.
func ValueWeighted(ctx context.Context, eng lxmert.Engine, b *lxmert.Batch, name string) ([]analysis.Matrix, error) {
	cfg := eng.Config()
	if err := b.Check(cfg); err != nil {
		return nil, err
	}
	found, err := cfg.Find(name)
	if err != nil {
		return nil, err
	}
	if len(found) != 1 || !found[0].IsMap() {
		return nil, fmt.Errorf("%q is not one attention map, such as x.0.ti", name)
	}
	b = analysis.Separate(b)
	projection, err := outputProjection(ctx, eng, b, found[0])
	if err != nil {
		return nil, err
	}
	trace, err := eng.Run(ctx, b, lxmert.Request{Want: lxmert.All(name, name+".v"), NoRegions: b.NoRegions()})
	if err != nil {
		return nil, err
	}
	var out []analysis.Matrix
	for row := range b.Rows() {
		axes := [2]analysis.Axis{}
		for i, axis := range found[0].Axes[1:] {
			axes[i] = analysis.WordAxis(b, row)
			if axis == lxmert.AxisRegion {
				axes[i] = analysis.RegionAxis(b, row)
			}
		}
		m := analysis.Matrix{
			Meta: analysis.Meta{Method: "value-weighted attention, " + name, Model: trace.Provenance, N: 1},
			Rows: axes[0], Cols: axes[1],
		}
		if b.Images != nil {
			m.Features = b.Images[row].Source
		}
		m.Panels = weigh(trace.Values[name].Row(row), trace.Values[name+".v"].Row(row), projection, len(axes[0].Labels), len(axes[1].Labels))
		out = append(out, m)
	}
	return out, nil
}

// weigh makes the panels of one row, of attention [H,Q,K], values [H,K,d] and the projection [H*d][D].
func weigh(attention, values lxmert.Tensor, projection [][]float64, queries, keys int) []analysis.MatrixPanel {
	heads, d := values.Shape[0], values.Shape[2]
	given := make([][][]float64, heads) // v W_O, [H][K][D]
	for h := range heads {
		given[h] = zeros(keys, len(projection[0]))
		for k := range keys {
			for i, v := range values.Row(h).Row(k).Data {
				for o, w := range projection[h*d+i] {
					given[h][k][o] += float64(v) * w
				}
			}
		}
	}
	var panels []analysis.MatrixPanel
	for h := range heads {
		p := analysis.MatrixPanel{Name: "head " + strconv.Itoa(h), Values: zeros(queries, keys)}
		for q := range queries {
			for k := range keys {
				p.Values[q][k] = float64(attention.At(h, q, k)) * norm(given[h][k])
			}
		}
		panels = append(panels, p)
	}
	all := analysis.MatrixPanel{Name: "all heads", Values: zeros(queries, keys)}
	for q := range queries {
		for k := range keys {
			sum := make([]float64, len(projection[0]))
			for h := range heads {
				for o, x := range given[h][k] {
					sum[o] += float64(attention.At(h, q, k)) * x
				}
			}
			all.Values[q][k] = norm(sum)
		}
	}
	return append(panels, all)
}

// outputProjection is W_O of a map's block, [H*d][D]: what .out becomes when .ctx is one unit vector after the other, less
// what it is when .ctx is zero, the bias. Each query of each row of one run holds one of them.
func outputProjection(ctx context.Context, eng lxmert.Engine, b *lxmert.Batch, a lxmert.Activation) ([][]float64, error) {
	cfg := eng.Config()
	probe := b.Part(0)
	queries := probe.T()
	if a.Axes[1] == lxmert.AxisRegion {
		queries = probe.V()
	}
	if queries == 0 {
		return nil, fmt.Errorf("%s is of regions, and the pictures have none", a.Name)
	}
	d := cfg.HeadDim()
	rows := (cfg.Heads*d + queries) / queries // one place more, for the bias
	probe.Pairs = make([][2]int, rows)
	// Maps of the towers have a row for each text or each image, so that these have to be as many as the rows are.
	probe = analysis.Separate(probe)
	units := lxmert.NewTensor(rows, cfg.Heads, queries, d)
	for i := range cfg.Heads * d {
		units.Row(i / queries).Row(i / d).Row(i % queries).Data[i%d] = 1
	}
	trace, err := eng.Run(ctx, probe, lxmert.Request{
		Want:  lxmert.All(a.Name + ".out"),
		Edits: []lxmert.Edit{{Name: a.Name + ".ctx", Op: lxmert.Set, Value: units}}, NoRegions: probe.NoRegions(),
	})
	if err != nil {
		return nil, err
	}
	out := trace.Values[a.Name+".out"]
	bias := out.Row(cfg.Heads * d / queries).Row(cfg.Heads * d % queries).Data
	projection := zeros(cfg.Heads*d, cfg.Hidden)
	for i := range projection {
		for o, x := range out.Row(i / queries).Row(i % queries).Data {
			projection[i][o] = float64(x) - float64(bias[o])
		}
	}
	return projection, nil
}
