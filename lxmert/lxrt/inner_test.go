package lxrt

import (
	"math"
	"slices"
	"strings"
	"testing"

	"github.com/gomlx/gomlx/core/graph"

	"github.com/seed-516990b0/golxmert/internal/enginetest"
	"github.com/seed-516990b0/golxmert/internal/goldentest"
	"github.com/seed-516990b0/golxmert/internal/roundingtest"
	"github.com/seed-516990b0/golxmert/lxmert"
	"github.com/seed-516990b0/golxmert/lxmert/backend"
	"github.com/seed-516990b0/golxmert/lxmert/backend/backendtest"
	"github.com/seed-516990b0/golxmert/lxmert/internal/program"
	"github.com/seed-516990b0/golxmert/lxmert/internal/synthetic"
)

// What is inside the layers: scores before softmax, and the two halves of feed-forward blocks.

func TestScoresAndFeedForwardEqualReference(t *testing.T) {
	eachGolden(t, "analysis", func(t *testing.T, b *backend.Backend, folder string) {
		m, batch := analysisCase(t, b, folder)
		enginetest.Inner(t, m, onGo(t, folder), batch, folder)
	})
}

// softmaxRows is the softmax of each row of scores.
func softmaxRows(scores lxmert.Tensor) []float64 {
	var out []float64
	width := scores.Shape[len(scores.Shape)-1]
	for at := 0; at < len(scores.Data); at += width {
		row := slices.Clone(scores.Data[at : at+width])
		most := slices.Max(row)
		for i := range row {
			row[i] -= most
		}
		out = append(out, softmax(row)...)
	}
	return out
}

func TestMapsAreTheSoftmaxOfTheirScores(t *testing.T) {
	eachGolden(t, "analysis", func(t *testing.T, b *backend.Backend, folder string) {
		m, batch := analysisCase(t, b, folder)
		x := run(t, m, batch, lxmert.Request{Want: lxmert.All("*")}).Values
		for _, name := range m.cfg.Maps() {
			near(t, name, x[name], softmaxRows(x[name+".score"]))
		}
	})
}

// levelsOf lists the feed-forward blocks of a model: what they are called, their parameters, input and level.
func levelsOf(c lxmert.Config) (blocks []struct{ name, params, in, level string }) {
	add := func(name, params, in, level string) {
		blocks = append(blocks, struct{ name, params, in, level string }{name, params, in, level})
	}
	for k := range c.LangLayers {
		add(place("l", k), place("bert.encoder.layer", k, "output"), place("l", k, "att"), place("hid.t", k+1))
	}
	for k := range c.RegionLayers {
		add(place("r", k), place("bert.encoder.r_layers", k, "output"), place("r", k, "att"), place("hid.i", k+1))
	}
	for k := range c.CrossLayers {
		layer := place("bert.encoder.x_layers", k)
		add(place("x", k, "t"), layer+".lang_output", place("x", k, "t.self"), place("hid.t", c.LangLayers+1+k))
		add(place("x", k, "i"), layer+".visn_output", place("x", k, "i.self"), place("hid.i", c.RegionLayers+1+k))
	}
	return blocks
}

// TestFeedForwardBlocksMakeTheLevels: W2 ffn + b is .ffn.out, and LayerNorm of that and the residual is the level.
func TestFeedForwardBlocksMakeTheLevels(t *testing.T) {
	eachGolden(t, "analysis", func(t *testing.T, b *backend.Backend, folder string) {
		m, batch := analysisCase(t, b, folder)
		h, x := byHand{t, m.source}, run(t, m, batch, lxmert.Request{Want: lxmert.All("*")}).Values
		for _, at := range levelsOf(m.cfg) {
			near(t, at.name+".ffn.out", x[at.name+".ffn.out"], h.linear(at.params+".dense", x[at.name+".ffn"].Float64s()))
			near(t, at.level, x[at.level], h.layerNorm(at.params+".LayerNorm", plus(x[at.name+".ffn.out"].Float64s(), x[at.in].Float64s())))
		}
	})
}

// TestEditsOfScoresAndFeedForwardAreRead: whatever is made of an edited activation follows it, also in a batch that is
// padded to a bucket.
func TestEditsOfScoresAndFeedForwardAreRead(t *testing.T) {
	b := backendtest.Open(t, "go")
	m := smallModel(t, b, smallConfig(), Options{})
	batch := synthetic.Batch(m.cfg, 1, 3, 5, 6)
	noise := synthetic.NewStream(1, "edits")
	other := func(name string) lxmert.Tensor {
		a, err := m.cfg.Find(name)
		if err != nil {
			t.Fatal(err)
		}
		x := lxmert.NewTensor(append([]int{3}, a[0].Dims(m.cfg, 5, 6)...)...)
		for i := range x.Data {
			x.Data[i] = noise.Signed(i)
		}
		return x
	}
	first := func(x lxmert.Tensor) lxmert.Tensor { // of the first axis but rows, nothing else
		mask := lxmert.NewTensor(x.Shape...)
		for n := range 3 {
			for i := range mask.Row(n).Row(0).Data {
				mask.Row(n).Row(0).Data[i] = 1
			}
		}
		return mask
	}
	apply := func(e lxmert.Edit, x lxmert.Tensor) lxmert.Tensor {
		y := lxmert.NewTensor(x.Shape...)
		for i, v := range e.Value.Data {
			switch {
			case e.Op == lxmert.Multiply:
				y.Data[i] = x.Data[i] * v
			case e.Op == lxmert.Add:
				y.Data[i] = x.Data[i] + v
			case e.Mask.IsZero() || e.Mask.Data[i] == 1:
				y.Data[i] = v
			default:
				y.Data[i] = x.Data[i]
			}
		}
		return y
	}
	for _, name := range []string{"l.0.tt.score", "x.1.ti.score", "x.1.tt.score", "r.0.ffn", "x.1.t.ffn", "x.0.i.ffn.out"} {
		plain, v := run(t, m, batch, lxmert.Request{Want: lxmert.All(name)}).Values[name], other(name)
		for _, e := range []lxmert.Edit{
			{Name: name, Op: lxmert.Multiply, Value: v}, {Name: name, Op: lxmert.Add, Value: v}, {Name: name, Op: lxmert.Set, Value: v},
			{Name: name, Op: lxmert.Set, Value: v, Mask: first(v)},
		} {
			x := run(t, m, batch, lxmert.Request{Want: lxmert.All("*"), Edits: []lxmert.Edit{e}}).Values
			expect(t, x[name].Data, apply(e, plain).Data, 1e-6)
			if map_, ok := strings.CutSuffix(name, ".score"); ok {
				near(t, map_, x[map_], softmaxRows(x[name]))
			}
			for _, at := range levelsOf(m.cfg) {
				near(t, at.level, x[at.level], byHand{t, m.source}.layerNorm(at.params+".LayerNorm", plus(x[at.name+".ffn.out"].Float64s(), x[at.in].Float64s())))
			}
			got := run(t, m, batch, lxmert.Request{Want: lxmert.All("out.qa"), Edits: []lxmert.Edit{e}}).Values["out.qa"]
			expect(t, got.Data, x["out.qa"].Data, 1e-5) // by itself, where only [CLS] of the last layer is wanted
		}
	}
}

// slopesAgree moves a named activation along a direction and compares how each row's score changes with what the gradient
// says of it.
func slopesAgree(t *testing.T, m *Model, batch *lxmert.Batch, name string, edits ...lxmert.Edit) {
	t.Helper()
	a, err := m.cfg.Find(name)
	if err != nil {
		t.Fatal(err)
	}
	direction := lxmert.NewTensor(append([]int{batch.Rows()}, a[0].Dims(m.cfg, batch.T(), batch.V())...)...)
	draw := synthetic.NewStream(1, name)
	for i := range direction.Data {
		direction.Data[i] = draw.Signed(i)
	}
	score := func(eng lxmert.Engine, h float64, names ...string) *lxmert.Trace {
		nudge := lxmert.NewTensor(direction.Shape...)
		for i, d := range direction.Data {
			nudge.Data[i] = float32(h) * d
		}
		return run(t, eng, batch, lxmert.Request{
			Edits: slices.Concat(edits, []lxmert.Edit{{Name: name, Op: lxmert.Add, Value: nudge}}),
			Grad:  &lxmert.Grad{Of: []lxmert.Term{{Output: "out.qa", Class: make([]int, batch.Rows())}}, Names: names},
		})
	}
	slopes, within := roundingtest.Slopes(func(h float64) []float64 {
		s := score(m, h).Score
		return lxmert.Tensor{Shape: []int{len(s)}, Data: s}.Float64s()
	})
	// What the gradient says of each row's slope.
	along := func(eng lxmert.Engine) map[string][]float64 {
		grads, sums := score(eng, 0, name).Grads[name], make([]float64, len(slopes))
		for n := range sums {
			for i, g := range grads.Row(n).Data {
				sums[n] += float64(g) * float64(direction.Row(n).Data[i])
			}
		}
		return map[string][]float64{"": sums}
	}
	rounding, known := roundingtest.Reach(t, m, roundingtest.Float32, along)[""], false
	for n, said := range along(m)[""] {
		if off := math.Abs(said - slopes[n]); !(off <= within[n]+rounding) {
			t.Errorf("%s, row %d: the gradient says %g within %g, the slope is %g within %g", name, n, said, rounding, slopes[n], within[n])
		}
		known = known || math.Abs(slopes[n]) > 20*(within[n]+rounding)
	}
	if !known {
		t.Errorf("%s: no slope is known well enough to say anything: %g within %g", name, slopes, within)
	}
}

func TestGradientsOfScoresAndFeedForwardAreSlopes(t *testing.T) {
	b := backendtest.Open(t, "go")
	for _, folder := range goldentest.Folders(t, "analysis") {
		m, batch := analysisCase(t, b, folder)
		for _, name := range []string{"l.0.tt.score", "r.1.ii.score", "x.0.it.score", "x.1.ti.score", "x.2.tt.score", "l.2.ffn", "r.0.ffn.out", "x.1.i.ffn", "x.2.t.ffn.out"} {
			slopesAgree(t, m, batch, name)
		}
	}
}

// TestNamesAreOnTheWayAnyway: reading every activation that an answer is made of adds no operation to the graph, so whoever
// wants none of them pays for none.
func TestNamesAreOnTheWayAnyway(t *testing.T) {
	b := backendtest.Open(t, "go")
	m := smallModel(t, b, smallConfig(), Options{})
	batch := synthetic.Batch(m.cfg, 1, 1, 5, 6)
	operations := func(want ...string) int {
		t.Helper()
		p, err := newPlan(m.cfg, batch, lxmert.Request{Want: lxmert.All(want...)})
		if err != nil {
			t.Fatal(err)
		}
		n := 0
		prog, err := program.Build(b.Backend, program.Options{WeightType: m.dtype, WeightShape: m.weights.shape}, func(bd *program.Builder) []*graph.Node {
			nodes := p.define(bd)
			n = len(bd.Graph.Nodes())
			return nodes
		})
		if err != nil {
			t.Fatal(err)
		}
		prog.Free()
		return n
	}
	// The levels make the graph compute every word, not [CLS] alone.
	levels := []string{"out.qa", "hid.*.*"}
	plain := operations(levels...)
	for _, a := range m.cfg.Names() {
		if !strings.HasPrefix(a.Name, "out.") && !strings.HasPrefix(a.Name, "hid.") {
			if n := operations(append(levels, a.Name)...); n != plain {
				t.Errorf("reading %s makes %d operations of %d", a.Name, n, plain)
			}
		}
	}
}

// TestScoresOfPaddingAreTheReferences: beyond the end of a shorter text they are about -10000, as if it came padded, unless the
// text has nothing else to look at.
func TestScoresOfPaddingAreTheReferences(t *testing.T) {
	b := backendtest.Open(t, "go")
	m := smallModel(t, b, smallConfig(), Options{})
	short, long := synthetic.Batch(m.cfg, 1, 2, 5, 6), synthetic.Batch(m.cfg, 1, 2, 7, 6)
	names := []string{"l.0.tt.score", "x.1.it.score", "l.0.tt", "out.qa"}
	alone := func(blank bool) map[string]lxmert.Tensor {
		one := *long
		one.IDs, one.TextMask, one.Pairs = short.IDs[:1], nil, [][2]int{{0, 0}}
		if blank {
			one.TextMask = [][]float32{make([]float32, 5)}
		}
		return run(t, m, &one, lxmert.Request{Want: lxmert.All(names...)}).Values
	}
	for _, blank := range []bool{false, true} {
		mixed := *long
		mixed.IDs = [][]int32{short.IDs[0], long.IDs[1]}
		mixed.TextMask = [][]float32{ones(5).Data, ones(7).Data}
		if blank {
			mixed.TextMask[0] = make([]float32, 5)
		}
		got, want := run(t, m, &mixed, lxmert.Request{Want: lxmert.All(names...)}).Values, alone(blank)
		expect(t, got["out.qa"].Row(0).Data, want["out.qa"].Data, 1e-5)
		scores := got["l.0.tt.score"]
		for h := range m.cfg.Heads {
			for q := range 5 {
				for k := range 7 {
					s, weight := scores.At(0, h, q, k), got["l.0.tt"].At(0, h, q, k)
					if k < 5 {
						if w := want["l.0.tt"].At(0, h, q, k); math.Abs(float64(weight-w)) > 1e-6 {
							t.Errorf("blank %t: weight %g, alone %g", blank, weight, w)
						}
						continue
					}
					if weight != 0 || (s > masked-100) != !blank || s > masked+100 {
						t.Errorf("blank %t: padding has score %g and weight %g", blank, s, weight)
					}
				}
			}
		}
	}
}
