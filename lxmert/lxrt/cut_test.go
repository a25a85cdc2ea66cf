package lxrt

import (
	"math"
	"slices"
	"strings"
	"testing"

	"github.com/seed-516990b0/golxmert/internal/enginetest"
	"github.com/seed-516990b0/golxmert/internal/goldentest"
	"github.com/seed-516990b0/golxmert/lxmert"
	"github.com/seed-516990b0/golxmert/lxmert/backend"
	"github.com/seed-516990b0/golxmert/lxmert/backend/backendtest"
	"github.com/seed-516990b0/golxmert/lxmert/internal/synthetic"
)

// Tolerances of the goldens' README for what cutting changes.
var (
	cutLogitTolerance = goldentest.Tolerance{Relative: 2e-5, Absolute: 3e-6}
	cutMapTolerance   = goldentest.Tolerance{Relative: 3e-5, Absolute: 3e-6}
)

// cut keeps all pairs of a map but those for which gone says so.
func cut(name string, shape []int, gone func(index []int) bool) lxmert.Edit {
	keep := ones(shape...)
	index := make([]int, len(shape))
	for i := range keep.Data {
		for axis, rest := len(shape)-1, i; axis >= 0; axis-- {
			index[axis] = rest % shape[axis]
			rest /= shape[axis]
		}
		if gone(index) {
			keep.Data[i] = 0
		}
	}
	return lxmert.Edit{Name: name, Op: lxmert.Cut, Value: keep}
}

func TestKnockoutEqualsReference(t *testing.T) {
	eachGolden(t, "analysis", func(t *testing.T, b *backend.Backend, folder string) {
		m, batch := analysisCase(t, b, folder)
		golden, forward := open(t, folder, "knockout"), openPart(t, folder, "forward")
		target := forward.Ints("qa_target")
		n, words, regions, heads := len(batch.IDs), batch.T(), batch.V(), m.cfg.Heads
		// What the file lists as cut, in every head or in one.
		listed := func(name, tensor string, head int) lxmert.Edit {
			gone, shape := golden.Ints(tensor), golden.Shape(tensor)
			axis := 1
			if head >= 0 {
				axis = heads
			}
			return cut(name, []int{n, axis, shape[1], shape[2]}, func(i []int) bool {
				return (head < 0 || i[1] == head) && gone[(i[0]*shape[1]+i[2])*shape[2]+i[3]] == 1
			})
		}
		var every []int
		for k := range m.cfg.CrossLayers {
			every = append(every, k)
		}
		in := func(layers []int, stream string, e lxmert.Edit) (edits []lxmert.Edit) {
			for _, k := range layers {
				e.Name = place("x", k, stream)
				edits = append(edits, e)
			}
			return edits
		}
		cls := cut("", []int{1, 1, words, regions}, func(i []int) bool { return i[2] == 0 })
		text := lxmert.Edit{Op: lxmert.Cut, Value: scalar(0, 4)} // every word, [CLS] and [SEP] among them
		// The edits of each run by what the file calls these runs.
		cases := map[string][][]lxmert.Edit{
			"before":    {nil},
			"head1":     {in(every, "ti", listed("", "knockout.pairs.cut", 1))},
			"cls_all":   {in(every, "ti", cls)},
			"words_all": {in(every, "ti", text)},
			"it":        {in(every, "it", listed("", "knockout.it.cut", -1))},
		}
		for k := range every {
			cases["cls"] = append(cases["cls"], in([]int{k}, "ti", cls))
		}
		for w := golden.Ints("knockout.windows"); len(w) > 0; w = w[2:] {
			cases["pairs"] = append(cases["pairs"], in(every[w[0]:w[1]], "ti", listed("", "knockout.pairs.cut", -1)))
		}
		probability := func(qa lxmert.Tensor) (p []float64) {
			for row := range n {
				p = append(p, softmax(qa.Row(row).Data)[target[row]])
			}
			return p
		}
		tolerance := func(name string) goldentest.Tolerance {
			if strings.HasSuffix(name, ".qa") || strings.HasSuffix(name, ".match") {
				return cutLogitTolerance
			}
			return cutMapTolerance
		}
		enginetest.WithinReach(t, m, onGo(t, folder), golden, tolerance, func(eng lxmert.Engine) map[string][]float64 {
			out := map[string][]float64{}
			intact := probability(run(t, eng, batch, lxmert.Request{Want: lxmert.All("out.qa")}).Values["out.qa"])
			for name, runs := range cases {
				prefix := "knockout." + name + "."
				var x map[string]lxmert.Tensor
				for _, edits := range runs {
					x = run(t, eng, batch, lxmert.Request{Want: lxmert.All("out.qa", "out.match", "x.*.ti", "x.*.it"), Edits: edits}).Values
					out[prefix+"qa"] = append(out[prefix+"qa"], x["out.qa"].Float64s()...)
					out[prefix+"match"] = append(out[prefix+"match"], x["out.match"].Float64s()...)
					for row, p := range probability(x["out.qa"]) {
						if name != "before" {
							out[prefix+"change"] = append(out[prefix+"change"], p-intact[row])
						}
					}
				}
				for _, map_ := range m.cfg.Maps() { // of the last run, in which all layers are cut
					if golden.Has(prefix + map_) {
						out[prefix+map_] = x[map_].Float64s()
					}
				}
			}
			return out
		})
		for _, name := range []string{"pairs", "it"} {
			maps := run(t, m, batch, lxmert.Request{Want: lxmert.All("x.*.ti", "x.*.it"), Edits: cases[name][len(cases[name])-1]}).Values
			for map_, x := range maps {
				if tensor := "knockout." + name + "." + map_; golden.Has(tensor) {
					for i, want := range golden.Floats(tensor) {
						if want == 0 && x.Data[i] != 0 {
							t.Errorf("%s: entry %d is %g, must be 0", tensor, i, x.Data[i])
						}
					}
				}
			}
		}
	})
}

// keptOf is A m / sum A m of each row, by hand.
func keptOf(weights []float64, keep func(i int) bool, width int) []float64 {
	out := make([]float64, len(weights))
	for at := 0; at < len(weights); at += width {
		sum := 0.0
		for i := at; i < at+width; i++ {
			if keep(i) {
				out[i] = weights[i]
				sum += weights[i]
			}
		}
		for i := at; i < at+width; i++ {
			if sum != 0 {
				out[i] /= sum
			}
		}
	}
	return out
}

// TestCutIsExactWhereNearlyAllWeightWas: keys that are cut had all the weight that a float32 can tell from 1, and others come
// out as if they had been alone.
func TestCutIsExactWhereNearlyAllWeightWas(t *testing.T) {
	backendtest.Each(t, func(t *testing.T, b *backend.Backend) {
		m := smallModel(t, b, smallConfig(), Options{})
		batch := synthetic.Batch(m.cfg, 1, 3, 5, 6)
		gone := func(i []int) bool { return i[3] == 2 }
		keep := cut("x.0.ti", []int{1, 1, 1, 6}, gone)
		for _, height := range []float32{0, 30, 300, 1e5} {
			high := lxmert.NewTensor(1, 1, 1, 6)
			high.Data[2] = height
			x := run(t, m, batch, lxmert.Request{Want: lxmert.All("x.0.ti", "x.0.ti.score", "x.0.ti.ctx", "x.0.ti.v", "out.qa"), Edits: []lxmert.Edit{
				{Name: "x.0.ti.score", Op: lxmert.Add, Value: high}, keep}}).Values
			var others []float64
			for row, scores := 0, x["x.0.ti.score"].Data; row < len(scores); row += 6 {
				p := softmax(slices.Concat(scores[row:row+2], scores[row+3:row+6]))
				others = append(others, p[0], p[1], 0, p[2], p[3], p[4])
			}
			near(t, "x.0.ti", x["x.0.ti"], others)
			plain := run(t, m, batch, lxmert.Request{Want: lxmert.All("out.qa"), Edits: []lxmert.Edit{keep}}).Values
			expect(t, x["out.qa"].Data, plain["out.qa"].Data, 1e-5)
		}
	})
}

// TestEditsOfAMapApplyInOrderWithCuts, the cuts among them too.
func TestEditsOfAMapApplyInOrderWithCuts(t *testing.T) {
	backendtest.Each(t, func(t *testing.T, b *backend.Backend) {
		m := smallModel(t, b, smallConfig(), Options{})
		batch := synthetic.Batch(m.cfg, 1, 3, 5, 6)
		const name, width = "x.1.ti", 6
		shape := []int{3, m.cfg.Heads, 5, width}
		draw := synthetic.NewStream(1, "weights")
		weights := lxmert.NewTensor(shape...)
		for i := range weights.Data {
			weights.Data[i] = draw.Uniform(i)
		}
		odd := cut(name, shape, func(i []int) bool { return (i[0]+i[1]+i[2]+i[3])%2 == 1 })
		third := cut(name, shape, func(i []int) bool { return i[3]%3 == 0 || i[2] == 1 }) // the second word loses every region
		kept := func(edits ...lxmert.Edit) func(i int) bool {
			return func(i int) bool {
				return !slices.ContainsFunc(edits, func(e lxmert.Edit) bool { return e.Value.Data[i] == 0 })
			}
		}
		times := lxmert.Edit{Name: name, Op: lxmert.Multiply, Value: weights}
		tiny := lxmert.Edit{Name: name, Op: lxmert.Multiply, Value: scalar(1e-25, 4)}
		set := lxmert.Edit{Name: name, Op: lxmert.Set, Value: weights}
		plain := run(t, m, batch, lxmert.Request{Want: lxmert.All(name)}).Values[name]
		product := func(x []float64) []float64 {
			y := slices.Clone(x)
			for i, v := range weights.Data {
				y[i] *= float64(v)
			}
			return y
		}
		for what, c := range map[string]struct {
			edits []lxmert.Edit
			want  []float64
		}{
			"a cut":                 {[]lxmert.Edit{odd}, keptOf(plain.Float64s(), kept(odd), width)},
			"two cuts":              {[]lxmert.Edit{odd, third}, keptOf(plain.Float64s(), kept(odd, third), width)},
			"multiplied, then cut":  {[]lxmert.Edit{times, third}, keptOf(product(plain.Float64s()), kept(third), width)},
			"cut, then multiplied":  {[]lxmert.Edit{third, times}, product(keptOf(plain.Float64s(), kept(third), width))},
			"set, then cut":         {[]lxmert.Edit{set, odd}, keptOf(weights.Float64s(), kept(odd), width)},
			"next to nothing, cut":  {[]lxmert.Edit{tiny, third}, keptOf(plain.Float64s(), kept(third), width)},
			"cut, multiplied, cut":  {[]lxmert.Edit{odd, times, third}, keptOf(product(keptOf(plain.Float64s(), kept(odd), width)), kept(odd, third), width)},
			"switched off, and cut": {[]lxmert.Edit{{Name: name, Op: lxmert.Multiply, Value: scalar(0, 4)}, odd}, make([]float64, len(plain.Data))},
		} {
			trace := run(t, m, batch, lxmert.Request{
				Want: lxmert.All(name, name+".ctx", name+".v"), Edits: c.edits,
				Grad: &lxmert.Grad{Of: []lxmert.Term{{Output: "out.qa", Class: []int{0, 1, 2}}}, Names: []string{name + ".score", "in.feat", "in.word"}},
			})
			near(t, what, trace.Values[name], c.want)
			near(t, what+", .ctx", trace.Values[name+".ctx"], weighted(trace.Values[name], trace.Values[name+".v"]))
			for of, g := range trace.Grads {
				if slices.ContainsFunc(g.Data, func(v float32) bool { return v-v != 0 }) {
					t.Errorf("%s: the gradient with respect to %s is not finite", what, of)
				}
			}
		}
	})
}

// weighted is the product of a map, [N,H,Q,K], and values, [N,H,K,d].
func weighted(map_, v lxmert.Tensor) (out []float64) {
	for n := range map_.Shape[0] {
		for h := range map_.Shape[1] {
			for q := range map_.Shape[2] {
				for d := range v.Shape[3] {
					sum := 0.0
					for k := range map_.Shape[3] {
						sum += float64(map_.At(n, h, q, k)) * float64(v.At(n, h, k, d))
					}
					out = append(out, sum)
				}
			}
		}
	}
	return out
}

// TestCutLeavesAnEmptyRowToItsResidual: its .ctx is 0, its .out the projection's bias, and LayerNorm of that and the block's
// input the next level.
func TestCutLeavesAnEmptyRowToItsResidual(t *testing.T) {
	eachGolden(t, "analysis", func(t *testing.T, b *backend.Backend, folder string) {
		m, batch := analysisCase(t, b, folder)
		h := byHand{t, m.source}
		for _, at := range blocksOf(m.cfg) {
			x := run(t, m, batch, lxmert.Request{Want: lxmert.All(at.map_, at.map_+".ctx", at.map_+".out", at.residual, at.level),
				Edits: []lxmert.Edit{{Name: at.map_, Op: lxmert.Cut, Value: scalar(0, 4)}}}).Values
			if !isZero(x[at.map_].Data) || !isZero(x[at.map_+".ctx"].Data) {
				t.Errorf("%s: something is left", at.map_)
			}
			bias, rest := h.bias(at.params+".dense"), x[at.residual].Float64s()
			for i := range rest {
				rest[i] += bias[i%len(bias)]
			}
			near(t, at.level, x[at.level], h.layerNorm(at.params+".LayerNorm", rest))
		}
	})
}

// TestCutCountsPaddingAsCut, and regions that are masked out, whatever having none is to mean, so that rows of which the keys
// that are there are cut are empty; and neither padding nor neighbours in the batch change what a cut does.
func TestCutCountsPaddingAsCut(t *testing.T) {
	backendtest.Each(t, func(t *testing.T, b *backend.Backend) {
		m := smallModel(t, b, smallConfig(), Options{})
		batch := synthetic.Batch(m.cfg, 1, 3, 7, 6)
		batch.IDs[1] = batch.IDs[1][:4]
		batch.TextMask = [][]float32{{1, 1, 1, 1, 1, 0, 0}, {1, 1, 1, 1}, {0, 0, 0, 0, 0, 0, 0}}
		batch.RegionMask = [][]float32{{1, 1, 1, 1, 0, 0}, {0, 0, 0, 0, 0, 0}, {1, 1, 1, 1, 1, 1}}
		there := func(mask [][]float32, n, k int) bool { return k < len(mask[n]) && mask[n][k] > 0 }
		for name, mask := range map[string][][]float32{"l.0.tt": batch.TextMask, "x.0.it": batch.TextMask, "x.1.tt": batch.TextMask, "r.0.ii": batch.RegionMask, "x.1.ti": batch.RegionMask} {
			for _, without := range []lxmert.NoRegions{lxmert.UniformShift, lxmert.AttendNothing} {
				a, err := m.cfg.Find(name)
				if err != nil {
					t.Fatal(err)
				}
				shape := append([]int{3}, a[0].Dims(m.cfg, 7, 6)...)
				first := cut(name, []int{1, 1, shape[2], shape[3]}, func(i []int) bool { return i[2] == 0 || i[3] == 0 })
				x := run(t, m, batch, lxmert.Request{Want: lxmert.All(name, name+".score"), Edits: []lxmert.Edit{first}, NoRegions: without}).Values
				at, keys := x[name], shape[3]
				var scores []float64
				for _, s := range x[name+".score"].Data {
					scores = append(scores, math.Exp(float64(s)))
				}
				near(t, name, at, keptOf(scores, func(i int) bool {
					query := i / keys % shape[2]
					return query > 0 && i%keys > 0 && there(mask, i/keys/shape[2]/shape[1], i%keys)
				}, keys))
			}
		}
		for _, name := range m.cfg.Maps() {
			r := lxmert.Request{Want: lxmert.All(name), NoRegions: lxmert.AttendNothing}
			plain := run(t, m, batch, r).Values[name]
			r.Edits = []lxmert.Edit{{Name: name, Op: lxmert.Cut, Value: scalar(1, 4)}}
			x := run(t, m, batch, r).Values[name]
			for n := range 3 {
				if name[len(name)-1] == 't' && n == 2 {
					if !isZero(x.Row(n).Data) {
						t.Errorf("%s: a text that is masked out is looked at", name)
					}
					continue
				}
				expect(t, x.Row(n).Data, plain.Row(n).Data, 1e-5)
			}
		}
	})
}

// TestCutOfNoRegions: maps over no regions at all can be cut, too.
func TestCutOfNoRegions(t *testing.T) {
	backendtest.Each(t, func(t *testing.T, b *backend.Backend) {
		m := smallModel(t, b, smallConfig(), Options{})
		batch := synthetic.Batch(m.cfg, 1, 2, 5, 0)
		r := lxmert.Request{Want: lxmert.All("out.qa")}
		want := run(t, m, batch, r).Values["out.qa"]
		r.Edits = []lxmert.Edit{{Name: "x.*.ti", Op: lxmert.Cut, Value: scalar(0, 4)}}
		expect(t, run(t, m, batch, r).Values["out.qa"].Data, want.Data, 1e-6)
	})
}

// TestOneCutPerRowEqualsOneRunPerCut, of one text and one image in several rows.
func TestOneCutPerRowEqualsOneRunPerCut(t *testing.T) {
	backendtest.Each(t, func(t *testing.T, b *backend.Backend) {
		m := smallModel(t, b, smallConfig(), Options{})
		one := synthetic.Batch(m.cfg, 1, 1, 5, 6)
		all := *one
		all.Pairs = make([][2]int, 6)
		each := cut("x.1.ti", []int{6, 1, 1, 6}, func(i []int) bool { return i[3] == i[0] })
		together := run(t, m, &all, lxmert.Request{Want: lxmert.All("x.1.ti", "out.qa"), Edits: []lxmert.Edit{each}}).Values
		for row := range 6 {
			alone := run(t, m, one, lxmert.Request{Want: lxmert.All("x.1.ti", "out.qa"), Edits: []lxmert.Edit{
				{Name: "x.1.ti", Op: lxmert.Cut, Value: lxmert.Tensor{Shape: []int{1, 1, 1, 6}, Data: each.Value.Row(row).Data}}}}).Values
			for name, x := range alone {
				expect(t, together[name].Row(row).Data, x.Data, 1e-5)
			}
		}
	})
}

// TestGradientsThroughCutsAreSlopes, through the sum by which a row is divided too, and finite where a row has nothing left.
func TestGradientsThroughCutsAreSlopes(t *testing.T) {
	b := backendtest.Open(t, "go")
	for _, folder := range goldentest.Folders(t, "analysis") {
		m, batch := analysisCase(t, b, folder)
		n, words, regions := len(batch.IDs), batch.T(), batch.V()
		draw := synthetic.NewStream(1, "cut")
		some := cut("x.1.ti", []int{n, 1, words, regions}, func(i []int) bool { // and [CLS] loses every region
			return i[2] == 0 || draw.Uniform((i[0]*words+i[2])*regions+i[3]) < 0.5
		})
		text := cut("l.1.tt", []int{1, m.cfg.Heads, words, words}, func(i []int) bool { return i[1] == 0 && i[3] == 0 })
		twice := lxmert.Edit{Name: "l.1.tt", Op: lxmert.Multiply, Value: scalar(2, 4)}
		for _, name := range []string{"x.1.ti.score", "x.1.ti.k", "l.1.tt.score", "hid.t.1", "in.feat"} {
			slopesAgree(t, m, batch, name, some, text)
			slopesAgree(t, m, batch, name, some, twice, text)
		}
		g := run(t, m, batch, lxmert.Request{Edits: []lxmert.Edit{some}, Grad: &lxmert.Grad{
			Of: []lxmert.Term{{Output: "out.qa", Class: make([]int, n)}}, Names: []string{"x.1.ti.score"}}}).Grads["x.1.ti.score"]
		for row := range n {
			for h := range m.cfg.Heads {
				if !isZero(g.Row(row).Row(h).Row(0).Data) {
					t.Errorf("row %d: scores of which nothing is left have a gradient", row)
				}
			}
		}
	}
}

func TestCutInBFloat16RenormalisesInFloat32(t *testing.T) {
	b := backendtest.Open(t, "go")
	m := smallModel(t, b, smallConfig(), Options{BFloat16: true})
	x := run(t, m, synthetic.Batch(m.cfg, 1, 2, 5, 6), lxmert.Request{Want: lxmert.All("x.0.ti", "x.0.ti.score"), Edits: []lxmert.Edit{
		cut("x.0.ti", []int{1, 1, 1, 6}, func(i []int) bool { return i[3] < 3 })}}).Values
	near(t, "x.0.ti", x["x.0.ti"], keptOf(softmaxRows(x["x.0.ti.score"]), func(i int) bool { return i%6 >= 3 }, 6))
}
