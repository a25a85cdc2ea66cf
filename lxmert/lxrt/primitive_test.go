package lxrt

import (
	"math"
	"path/filepath"
	"strconv"
	"strings"
	"testing"

	"github.com/seed-516990b0/golxmert/internal/goldentest"
	"github.com/seed-516990b0/golxmert/lxmert"
	"github.com/seed-516990b0/golxmert/lxmert/backend"
)

// Each use that the engine's one call must serve, against values that the reference gave for it.

func open(t *testing.T, folder, file string) *goldentest.File {
	t.Helper()
	return goldentest.Open(t, filepath.Join(folder, file+".safetensors"))
}

// openPart opens a file of which a test compares only some tensors.
func openPart(t *testing.T, folder, file string) *goldentest.File {
	t.Helper()
	f := open(t, folder, file)
	f.Use("")
	return f
}

func metaInt(t *testing.T, f *goldentest.File, key string) int32 {
	t.Helper()
	n, err := strconv.Atoi(f.Metadata[key])
	if err != nil {
		t.Fatalf("%s: metadata %s is %q", f.Path, key, f.Metadata[key])
	}
	return int32(n)
}

func scalar(x float32, axes int) lxmert.Tensor {
	t := lxmert.Tensor{Data: []float32{x}}
	for range axes {
		t.Shape = append(t.Shape, 1)
	}
	return t
}

func ones(shape ...int) lxmert.Tensor {
	t := lxmert.NewTensor(shape...)
	for i := range t.Data {
		t.Data[i] = 1
	}
	return t
}

// withWord replaces one word of every text.
func withWord(b *lxmert.Batch, at int, id int32) *lxmert.Batch {
	c := *b
	c.IDs = nil
	for _, ids := range b.IDs {
		ids = append([]int32(nil), ids...)
		ids[at] = id
		c.IDs = append(c.IDs, ids)
	}
	return &c
}

func everyRow(rows, position int) [][]int {
	out := make([][]int, rows)
	for i := range out {
		out[i] = []int{position}
	}
	return out
}

func softmax(x []float32) []float64 {
	sum, out := 0.0, make([]float64, len(x))
	for i, v := range x {
		out[i] = math.Exp(float64(v))
		sum += out[i]
	}
	for i := range out {
		out[i] /= sum
	}
	return out
}

func TestEditsGateSetAndPatchMaps(t *testing.T) {
	eachGolden(t, "analysis", func(t *testing.T, b *backend.Backend, folder string) {
		m, batch := analysisCase(t, b, folder)
		golden := open(t, folder, "interv")
		for _, name := range golden.Names() {
			// interv.WHAT.x.K.ti.qa_logits, of one head interv.WHAT.x.K.ti.hH.qa_logits
			part := strings.Split(name, ".")
			if len(part) < 6 {
				t.Fatalf("%s: what was done cannot be read from its name", name)
			}
			edit := lxmert.Edit{Name: strings.Join(part[2:5], "."), Op: lxmert.Set}
			switch part[1] {
			case "head_off":
				head, err := strconv.Atoi(strings.TrimPrefix(part[5], "h"))
				if err != nil {
					t.Fatalf("%s: %v", name, err)
				}
				gate := ones(1, m.cfg.Heads, 1, 1)
				gate.Data[head] = 0
				edit.Op, edit.Value = lxmert.Multiply, gate
			case "uniform":
				edit.Value = scalar(1/float32(batch.V()), 4)
			case "patch_att":
				maps, n := run(t, m, batch, lxmert.Request{Want: lxmert.All(edit.Name)}).Values[edit.Name], len(batch.IDs)
				edit.Value = lxmert.NewTensor(maps.Shape...)
				for i := range n {
					copy(edit.Value.Row(i).Data, maps.Row((i+1)%n).Data)
				}
			}
			trace := run(t, m, batch, lxmert.Request{Want: lxmert.All("out.qa"), Edits: []lxmert.Edit{edit}})
			golden.Compare(name, trace.Values["out.qa"].Data, analysisTolerance)
		}
	})
}

func TestOneGatePerRowEqualsOneRunPerGate(t *testing.T) {
	eachGolden(t, "analysis", func(t *testing.T, b *backend.Backend, folder string) {
		m, batch := analysisCase(t, b, folder)
		heads, last := m.cfg.Heads, place("x", m.cfg.CrossLayers-1, "tt")
		one := *batch
		one.IDs, one.TextMask = batch.IDs[:1], batch.TextMask[:1]
		one.Feats = lxmert.Tensor{Shape: append([]int{1}, batch.Feats.Shape[1:]...), Data: batch.Feats.Row(0).Data}
		one.Boxes = lxmert.Tensor{Shape: append([]int{1}, batch.Boxes.Shape[1:]...), Data: batch.Boxes.Row(0).Data}
		all := one
		all.Pairs = make([][2]int, heads)
		gates := ones(heads, heads, 1, 1)
		for h := range heads {
			gates.Data[h*heads+h] = 0
		}
		together := run(t, m, &all, lxmert.Request{Want: lxmert.All("out.qa"), Edits: []lxmert.Edit{{Name: last, Op: lxmert.Multiply, Value: gates}}})
		for h := range heads {
			gate := lxmert.Tensor{Shape: []int{1, heads, 1, 1}, Data: gates.Row(h).Data}
			alone := run(t, m, &one, lxmert.Request{Want: lxmert.All("out.qa"), Edits: []lxmert.Edit{{Name: last, Op: lxmert.Multiply, Value: gate}}})
			expect(t, together.Values["out.qa"].Row(h).Data, alone.Values["out.qa"].Data, 1e-5)
		}
	})
}

// expect compares with values of our own, for properties.
func expect(t *testing.T, got, want []float32, tolerance float64) {
	t.Helper()
	wide := make([]float64, len(want))
	for i, v := range want {
		wide[i] = float64(v)
	}
	if err := goldentest.Difference(got, wide, goldentest.Tolerance{Relative: tolerance, Absolute: tolerance / 10}); err != nil {
		t.Error(err)
	}
}

func TestLogitLensSetsTheLastLevelAndReadsTheHead(t *testing.T) {
	eachGolden(t, "analysis", func(t *testing.T, b *backend.Backend, folder string) {
		m, batch := analysisCase(t, b, folder)
		golden := open(t, folder, "lens")
		inputs := openPart(t, folder, "inputs")
		n := len(batch.IDs)
		zeroed := ones(1, batch.V(), 1)
		zeroed.Data[1] = 0
		dark := lxmert.Edit{Name: "in.feat", Op: lxmert.Multiply, Value: zeroed}
		cases := []struct {
			prefix, level, last, head string
			position                  int
			batch                     *lxmert.Batch
			edits                     []lxmert.Edit
		}{
			{"lens.mlm.t.", "hid.t.*", place("hid.t", m.cfg.LangLayers+m.cfg.CrossLayers), "out.mlm", 2, withWord(batch, 2, metaInt(t, inputs, "MASK")), nil},
			{"lens.obj.i.", "hid.i.*", place("hid.i", m.cfg.RegionLayers+m.cfg.CrossLayers), "out.obj", 1, batch, []lxmert.Edit{dark}},
		}
		for _, c := range cases {
			levels := run(t, m, c.batch, lxmert.Request{Want: lxmert.All(c.level), Edits: c.edits})
			for _, name := range golden.Names() {
				k, ok := strings.CutPrefix(name, c.prefix)
				if !ok {
					continue
				}
				level := levels.Values[strings.TrimSuffix(c.level, "*")+k]
				trace := run(t, m, c.batch, lxmert.Request{
					Want:  []lxmert.Read{{Name: c.head, Positions: everyRow(n, c.position)}},
					Edits: []lxmert.Edit{{Name: c.last, Op: lxmert.Set, Value: level}},
				})
				golden.Compare(name, trace.Values[c.head].Data, analysisTolerance)
			}
		}
	})
}

func TestIntegratedGradientsOverWordsAndRegions(t *testing.T) {
	eachGolden(t, "analysis", func(t *testing.T, b *backend.Backend, folder string) {
		m, batch := analysisCase(t, b, folder)
		golden := openPart(t, folder, "ig")
		inputs := openPart(t, folder, "inputs")
		sample, target := closest(openPart(t, folder, "forward"), "qa_logits", golden.Floats("ig.delta")[0], func(x float64, _ []float64) float64 { return x })
		words := textLength(batch, sample) // the last is [SEP]
		from := run(t, m, withWord(batch, 1, metaInt(t, inputs, "MASK")), lxmert.Request{Want: lxmert.All("in.word")}).Values["in.word"]
		blank := from.Row(sample).Row(1)
		full := run(t, m, batch, lxmert.Request{Want: lxmert.All("in.word")}).Values["in.word"].Row(sample)

		alphas, weights := golden.Floats("ig.alphas"), golden.Floats("ig.weights")
		nodes := len(alphas)
		path := &lxmert.Batch{Pairs: nil}
		wordPath := lxmert.NewTensor(nodes, batch.T(), m.cfg.Hidden)
		path.Feats, path.Boxes = lxmert.NewTensor(nodes, batch.V(), m.cfg.FeatDim), lxmert.NewTensor(nodes, batch.V(), m.cfg.BoxDim)
		class := make([]int, nodes)
		for i, a := range alphas {
			path.IDs = append(path.IDs, batch.IDs[sample])
			path.TextMask = append(path.TextMask, batch.TextMask[sample])
			class[i] = target
			for w := range batch.T() {
				for d := range m.cfg.Hidden {
					x := full.At(w, d)
					if w > 0 && w < words-1 {
						x = blank.Data[d] + float32(a)*(x-blank.Data[d])
					}
					wordPath.Row(i).Row(w).Data[d] = x
				}
			}
			for j, x := range batch.Feats.Row(sample).Data {
				path.Feats.Row(i).Data[j] = float32(a) * x
			}
			copy(path.Boxes.Row(i).Data, batch.Boxes.Row(sample).Data)
		}
		trace := run(t, m, path, lxmert.Request{
			Edits: []lxmert.Edit{{Name: "in.word", Op: lxmert.Set, Value: wordPath}},
			Grad:  &lxmert.Grad{Of: []lxmert.Term{{Output: "out.qa", Class: class}}, Names: []string{"in.word", "in.feat"}},
		})
		gotWords, gotRegions := make([]float32, batch.T()), make([]float32, batch.V())
		for i, w := range weights {
			for p := range words {
				if p == 0 || p == words-1 {
					continue
				}
				for d := range m.cfg.Hidden {
					gotWords[p] += float32(w) * trace.Grads["in.word"].At(i, p, d) * (full.At(p, d) - blank.Data[d])
				}
			}
			for v := range gotRegions {
				for f := range m.cfg.FeatDim {
					gotRegions[v] += float32(w) * trace.Grads["in.feat"].At(i, v, f) * batch.Feats.At(sample, v, f)
				}
			}
		}
		tolerance := goldentest.Tolerance{Relative: 1e-4, Absolute: 1e-4}
		golden.Compare("ig.words", gotWords, tolerance)
		golden.Compare("ig.rois", gotRegions, tolerance)
	})
}

// wordLoss is the masked-word head's cross-entropy at word 2, nats.
func wordLoss(t *testing.T, m *Model, batch *lxmert.Batch, r lxmert.Request, truth []int32) []float32 {
	t.Helper()
	r.Want = []lxmert.Read{{Name: "out.mlm", Positions: everyRow(len(batch.IDs), 2)}}
	logits := run(t, m, batch, r).Values["out.mlm"]
	var loss []float32
	for n, id := range truth {
		loss = append(loss, float32(-math.Log(softmax(logits.Row(n).Data)[id])))
	}
	return loss
}

func TestMaskingEveryRegionIsNotRemovingThem(t *testing.T) {
	eachGolden(t, "analysis", func(t *testing.T, b *backend.Backend, folder string) {
		m, batch := analysisCase(t, b, folder)
		golden := openPart(t, folder, "cma")
		inputs := openPart(t, folder, "inputs")
		var truth []int32
		for _, ids := range batch.IDs {
			truth = append(truth, ids[2])
		}
		masked := withWord(batch, 2, metaInt(t, inputs, "MASK"))
		n, v := len(batch.IDs), batch.V()
		tolerance := goldentest.Tolerance{Relative: 5e-5, Absolute: 1e-5}

		golden.Compare("cma.mlm_ce.intact", wordLoss(t, m, masked, lxmert.Request{}, truth), tolerance)

		without := func(regions ...int) *lxmert.Batch {
			c := *masked
			for range n {
				c.RegionMask = append(c.RegionMask, ones(v).Data)
				for _, r := range regions {
					c.RegionMask[len(c.RegionMask)-1][r] = 0
				}
			}
			return &c
		}
		removed := 0
		for _, name := range golden.Names() {
			if number, ok := strings.CutPrefix(name, "cma.mlm_ce.remove_roi"); ok {
				region, err := strconv.Atoi(number)
				if err != nil {
					t.Fatalf("%s: %v", name, err)
				}
				golden.Compare(name, wordLoss(t, m, without(region), lxmert.Request{}, truth), tolerance)
				removed++
			}
		}
		if removed == 0 {
			t.Error("no region was removed alone")
		}

		var every []int
		for r := range v {
			every = append(every, r)
		}
		nothing := without(every...)
		golden.Compare("cma.mlm_ce.remove_all", wordLoss(t, m, nothing, lxmert.Request{NoRegions: lxmert.AttendNothing}, truth), tolerance)

		// The reference's mask shifts all scores alike, so nothing changes but rounding: at -10000 a float32 has steps of 1e-3.
		shifted := wordLoss(t, m, nothing, lxmert.Request{NoRegions: lxmert.UniformShift}, truth)
		golden.Compare("cma.mlm_ce.intact", shifted, goldentest.Tolerance{Absolute: 2e-2})

		none := *masked
		none.Feats, none.Boxes = lxmert.NewTensor(n, 0, m.cfg.FeatDim), lxmert.NewTensor(n, 0, m.cfg.BoxDim)
		golden.Compare("cma.mlm_ce.remove_all", wordLoss(t, m, &none, lxmert.Request{}, truth), tolerance)

		dark := lxmert.Edit{Name: "in.feat", Op: lxmert.Multiply, Value: scalar(0, 3)}
		golden.Compare("cma.mlm_ce.zero_all", wordLoss(t, m, masked, lxmert.Request{Edits: []lxmert.Edit{dark}}, truth), tolerance)
	})
}

func TestWeightedValuesAndResidualsAddUp(t *testing.T) {
	eachGolden(t, "analysis", func(t *testing.T, b *backend.Backend, folder string) {
		m, batch := analysisCase(t, b, folder)
		tr := run(t, m, batch, lxmert.Request{Want: lxmert.All("*")})
		for _, name := range m.cfg.Maps() {
			a, v, ctx := tr.Values[name], tr.Values[name+".v"], tr.Values[name+".ctx"]
			mixed := make([]float32, 0, len(ctx.Data))
			for n := range a.Shape[0] {
				for h := range a.Shape[1] {
					for q := range a.Shape[2] {
						for d := range v.Shape[3] {
							sum := float32(0)
							for k := range a.Shape[3] {
								sum += a.At(n, h, q, k) * v.At(n, h, k, d)
							}
							mixed = append(mixed, sum)
						}
					}
				}
			}
			expect(t, ctx.Data, mixed, 1e-5)
			for at := 0; at < len(a.Data); at += a.Shape[3] {
				sum := float32(0)
				for _, p := range a.Data[at : at+a.Shape[3]] {
					sum += p
				}
				if math.Abs(float64(sum)-1) > 1e-5 {
					t.Fatalf("%s: a row sums to %g", name, sum)
				}
			}
		}
	})
}
