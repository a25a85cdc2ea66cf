package lxrt

import (
	"encoding/json"
	"math"
	"os"
	"path/filepath"
	"testing"

	"github.com/seed-516990b0/golxmert/internal/goldentest"
	"github.com/seed-516990b0/golxmert/lxmert"
	"github.com/seed-516990b0/golxmert/lxmert/backend"
)

// byHand computes parts of a model in float64 straight from the values of its weights.
type byHand struct {
	t       *testing.T
	weights Source
}

func (h byHand) values(name string) ([]float64, []int) {
	h.t.Helper()
	shape := h.weights.Shape(name)
	if shape == nil {
		h.t.Fatalf("the weights have no %s", name)
	}
	x := lxmert.NewTensor(shape...)
	if err := h.weights.Read(name, x.Data, false); err != nil {
		h.t.Fatal(err)
	}
	return x.Float64s(), shape
}

// linear is x W^T + b for W [out,in], row by row.
func (h byHand) linear(name string, x []float64) []float64 {
	w, shape := h.values(name + ".weight")
	return product(x, w, shape, h.bias(name))
}

func (h byHand) bias(name string) []float64 {
	b, _ := h.values(name + ".bias")
	return b
}

func product(x, w []float64, shape []int, b []float64) []float64 {
	out, in := shape[0], shape[1]
	y := make([]float64, 0, len(x)/in*out)
	for ; len(x) > 0; x = x[in:] {
		for o := range out {
			sum := b[o]
			for i, v := range x[:in] {
				sum += v * w[o*in+i]
			}
			y = append(y, sum)
		}
	}
	return y
}

func (h byHand) layerNorm(name string, x []float64) []float64 {
	w, _ := h.values(name + ".weight")
	b, d := h.bias(name), len(w)
	var y []float64
	for ; len(x) > 0; x = x[d:] {
		mean, variance := 0.0, 0.0
		for _, v := range x[:d] {
			mean += v / float64(d)
		}
		for _, v := range x[:d] {
			variance += (v - mean) * (v - mean) / float64(d)
		}
		for i, v := range x[:d] {
			y = append(y, (v-mean)/math.Sqrt(variance+1e-12)*w[i]+b[i])
		}
	}
	return y
}

func each(f func(float64) float64, x []float64) []float64 {
	y := make([]float64, len(x))
	for i, v := range x {
		y[i] = f(v)
	}
	return y
}

func plus(x, y []float64) []float64 {
	z := make([]float64, len(x))
	for i := range x {
		z[i] = x[i] + y[i]
	}
	return z
}

func near(t *testing.T, what string, got lxmert.Tensor, want []float64) {
	t.Helper()
	if err := goldentest.Difference(got.Data, want, forwardTolerance); err != nil {
		t.Errorf("%s: %v", what, err)
	}
}

// TestActivationIsTheConfiguredOne in the feed-forward blocks and in the transforms before the word and the object heads;
// the answer head's is GELU always. The goldens have GELU everywhere.
func TestActivationIsTheConfiguredOne(t *testing.T) {
	gelu := func(x float64) float64 { return x / 2 * (1 + math.Erf(x/math.Sqrt2)) }
	formulas := map[string]func(float64) float64{
		"relu": func(x float64) float64 { return max(x, 0) }, "swish": func(x float64) float64 { return x / (1 + math.Exp(-x)) },
	}
	eachGolden(t, "model", func(t *testing.T, b *backend.Backend, folder string) {
		path := filepath.Join(folder, "tiny", "weights.safetensors")
		w := openWeights(t, path, "")
		h := byHand{t, fileSource{w}}
		for name, act := range formulas {
			config := filepath.Join(t.TempDir(), name+".json")
			text, err := json.Marshal(map[string]any{"hidden_size": w.Config.Hidden, "num_attention_heads": w.Config.Heads, "hidden_act": name})
			if err == nil {
				err = os.WriteFile(config, text, 0o666)
			}
			if err != nil {
				t.Fatal(err)
			}
			m, err := Open(b, path, config, Options{})
			if err != nil {
				t.Fatal(err)
			}
			defer m.Close()
			x := run(t, m, readBatch(t, filepath.Join(folder, "tiny", "forward.safetensors")), lxmert.Request{Want: lxmert.All("l.*.att", "x.*.*.self", "hid.*.*", "out.*")}).Values

			c := m.Config()
			block := func(inner, outer, in, out string) {
				y := h.linear(outer+".dense", each(act, h.linear(inner+".dense", x[in].Float64s())))
				near(t, name+" "+out, x[out], h.layerNorm(outer+".LayerNorm", plus(y, x[in].Float64s())))
			}
			for k := range c.LangLayers {
				layer := place("bert.encoder.layer", k)
				block(layer+".intermediate", layer+".output", place("l", k, "att"), place("hid.t", k+1))
			}
			for k := range c.CrossLayers {
				layer := place("bert.encoder.x_layers", k)
				block(layer+".lang_inter", layer+".lang_output", place("x", k, "t.self"), place("hid.t", c.LangLayers+1+k))
				block(layer+".visn_inter", layer+".visn_output", place("x", k, "i.self"), place("hid.i", c.RegionLayers+1+k))
			}

			transform := func(params, level string) []float64 {
				return h.layerNorm(params+".LayerNorm", each(act, h.linear(params+".dense", x[level].Float64s())))
			}
			words, shape := h.values(lxmert.WordEmbeddings)
			lang, vision := place("hid.t", c.LangLayers+c.CrossLayers), place("hid.i", c.RegionLayers+c.CrossLayers)
			near(t, name+" out.mlm", x["out.mlm"], product(transform("cls.predictions.transform", lang), words, shape, h.bias("cls.predictions")))
			for _, kind := range []string{"obj", "attr", "feat"} {
				near(t, name+" out."+kind, x["out."+kind], h.linear("obj_predict_head.decoder_dict."+kind, transform("obj_predict_head.transform", vision)))
			}
			const answer = "answer_head.logit_fc"
			near(t, name+" out.qa", x["out.qa"], h.linear(answer+".3", h.layerNorm(answer+".2", each(gelu, h.linear(answer+".0", x["out.pooled"].Float64s())))))
		}
	})
}
