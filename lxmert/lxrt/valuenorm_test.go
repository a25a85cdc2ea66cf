package lxrt

import (
	"math"
	"path/filepath"
	"strconv"
	"strings"
	"testing"

	"github.com/seed-516990b0/golxmert/internal/goldentest"
	"github.com/seed-516990b0/golxmert/lxmert"
	"github.com/seed-516990b0/golxmert/lxmert/backend/backendtest"
)

// block is an attention block: its map, the parameters of its output, what it adds to, and the level that it makes.
type block struct{ map_, params, residual, level, golden string }

// blocksOf lists all blocks of a model, and what its golden file calls their levels.
func blocksOf(c lxmert.Config) []block {
	var blocks []block
	add := func(params string, rest ...string) {
		blocks = append(blocks, block{rest[0], params + ".output", rest[1], rest[2], rest[3]})
	}
	for k := range c.LangLayers {
		add(place("bert.encoder.layer", k, "attention"), place("l", k, "tt"), place("hid.t", k), place("l", k, "att"), place("hidden.lang", k, "attention"))
	}
	for k := range c.RegionLayers {
		add(place("bert.encoder.r_layers", k, "attention"), place("r", k, "ii"), place("hid.i", k), place("r", k, "att"), place("hidden.vision", k, "attention"))
	}
	for k := range c.CrossLayers {
		layer, golden := place("bert.encoder.x_layers", k), place("hidden.cross", k)
		add(layer+".visual_attention", place("x", k, "ti"), place("hid.t", c.LangLayers+k), place("x", k, "t.cross"), golden+".lang_cross")
		add(layer+".visual_attention", place("x", k, "it"), place("hid.i", c.RegionLayers+k), place("x", k, "i.cross"), golden+".vision_cross")
		add(layer+".lang_self_att", place("x", k, "tt"), place("x", k, "t.cross"), place("x", k, "t.self"), golden+".lang_self")
		add(layer+".visn_self_att", place("x", k, "ii"), place("x", k, "i.cross"), place("x", k, "i.self"), golden+".vision_self")
	}
	return blocks
}

// contribution is what one key gives one query through one head: alpha v W_O, [D].
func contribution(m lxmert.Config, maps, values lxmert.Tensor, w []float64, n, head, query, key int) []float64 {
	alpha, d := float64(maps.At(n, head, query, key)), m.HeadDim()
	y := make([]float64, m.Hidden)
	for o := range y {
		for i := range d {
			y[o] += alpha * float64(values.At(n, head, key, i)) * w[o*m.Hidden+head*d+i]
		}
	}
	return y
}

func norm(x []float64) float64 {
	sum := 0.0
	for _, v := range x {
		sum += v * v
	}
	return math.Sqrt(sum)
}

// TestAttentionIsTheSumOfWhatHeadsAndKeysGive: alpha v W_O over all heads and keys and the bias is .out, and LayerNorm of
// that and the block's input is the reference's level.
func TestAttentionIsTheSumOfWhatHeadsAndKeysGive(t *testing.T) {
	b := backendtest.Open(t, "go")
	goldentest.Each(t, "model", func(t *testing.T, folder string) {
		weights, inputs := filepath.Join(folder, "tiny", "weights.safetensors"), filepath.Join(folder, "tiny", "forward.safetensors")
		m, h := openModel(t, b, weights, Options{}), byHand{t, fileSource{openWeights(t, weights, "")}}
		x := run(t, m, readBatch(t, inputs), lxmert.Request{Want: lxmert.All("*")}).Values
		golden := goldentest.Open(t, inputs)
		golden.Use("")
		for _, at := range blocksOf(m.cfg) {
			w, _ := h.values(at.params + ".dense.weight")
			maps, values, bias := x[at.map_], x[at.map_+".v"], h.bias(at.params+".dense")
			var sums []float64
			for n := range maps.Shape[0] {
				for query := range maps.Shape[2] {
					sum := append([]float64(nil), bias...)
					for head := range m.cfg.Heads {
						for key := range maps.Shape[3] {
							sum = plus(sum, contribution(m.cfg, maps, values, w, n, head, query, key))
						}
					}
					sums = append(sums, sum...)
				}
			}
			near(t, at.map_+".out", x[at.map_+".out"], sums)
			level := h.layerNorm(at.params+".LayerNorm", plus(x[at.map_+".out"].Float64s(), x[at.residual].Float64s()))
			near(t, at.level, x[at.level], level)
			narrow := make([]float32, len(level))
			for i, v := range level {
				narrow[i] = float32(v)
			}
			golden.Compare(at.golden, narrow, forwardTolerance)
		}
	})
}

// TestValueNormIsWhatRemainsOfAMapWithOneEntry: a map of which an edit leaves one entry gives .out the vector alpha v W_O of
// that head, query and key, with the norm that the reads of the whole map, of .v and the weights give.
func TestValueNormIsWhatRemainsOfAMapWithOneEntry(t *testing.T) {
	b := backendtest.Open(t, "go")
	goldentest.Each(t, "model", func(t *testing.T, folder string) {
		weights := filepath.Join(folder, "tiny", "weights.safetensors")
		m, h := openModel(t, b, weights, Options{}), byHand{t, fileSource{openWeights(t, weights, "")}}
		batch := readBatch(t, filepath.Join(folder, "tiny", "forward.safetensors"))
		last := blocksOf(m.cfg)[len(blocksOf(m.cfg))-4] // words to RoIs of the last cross layer
		if !strings.HasSuffix(last.map_, strconv.Itoa(m.cfg.CrossLayers-1)+".ti") {
			t.Fatalf("%s is another map", last.map_)
		}
		w, _ := h.values(last.params + ".dense.weight")
		bias := h.bias(last.params + ".dense")
		whole := run(t, m, batch, lxmert.Request{Want: lxmert.All(last.map_, last.map_+".v")}).Values
		maps, values := whole[last.map_], whole[last.map_+".v"]
		for head := range m.cfg.Heads {
			query, key := (head+1)%maps.Shape[2], (2*head+1)%maps.Shape[3]
			one := lxmert.NewTensor(1, m.cfg.Heads, maps.Shape[2], maps.Shape[3])
			one.Data[(head*maps.Shape[2]+query)*maps.Shape[3]+key] = 1
			out := run(t, m, batch, lxmert.Request{Want: lxmert.All(last.map_ + ".out"), Edits: []lxmert.Edit{{Name: last.map_, Op: lxmert.Multiply, Value: one}}}).Values[last.map_+".out"]
			for n := range maps.Shape[0] {
				for q := range maps.Shape[2] {
					left := make([]float64, m.cfg.Hidden)
					for i, v := range out.Row(n).Row(q).Data {
						left[i] = float64(v) - bias[i]
					}
					want := 0.0
					if q == query {
						if want = norm(contribution(m.cfg, maps, values, w, n, head, query, key)); want == 0 {
							t.Fatalf("head %d gives nothing, which shows nothing", head)
						}
					}
					if got := norm(left); math.Abs(got-want) > 1e-5 {
						t.Errorf("%s, row %d, head %d, query %d: norm %g, expected %g", last.map_, n, head, q, got, want)
					}
				}
			}
		}
	})
}
