package lxrt

import (
	"context"
	"encoding/json"
	"fmt"
	"math"
	"os"
	"path/filepath"
	"strings"
	"testing"

	"github.com/gomlx/compute/dtypes"
	. "github.com/gomlx/gomlx/core/graph"

	"github.com/seed-516990b0/golxmert/internal/goldentest"
	"github.com/seed-516990b0/golxmert/lxmert"
	"github.com/seed-516990b0/golxmert/lxmert/backend/backendtest"
	"github.com/seed-516990b0/golxmert/lxmert/internal/program"
	"github.com/seed-516990b0/golxmert/lxmert/internal/synthetic"
)

// The model at its real size, with weights that are a function of name and index.

type fullCheck struct {
	Seed   int `json:"seed"`
	Unique int `json:"num_params_unique"`
	Params []struct {
		Name     string   `json:"name"`
		Shape    []int    `json:"shape"`
		First    []string `json:"first3_hex"`
		Last     string   `json:"last_hex"`
		Sum      float64  `json:"sum_f64"`
		GradNorm *float64 `json:"grad_norm"`
	} `json:"params"`
}

func readFullCheck(t *testing.T, folder string) fullCheck {
	t.Helper()
	raw, err := os.ReadFile(filepath.Join(folder, "full", "weights_check.json"))
	if err != nil {
		t.Fatal(err)
	}
	var c fullCheck
	if err := json.Unmarshal(raw, &c); err != nil {
		t.Fatal(err)
	}
	return c
}

func fullConfig() lxmert.Config {
	cfg := lxmert.LXR955()
	cfg.TaskClasses, cfg.TaskImages = 3129, 1
	return cfg
}

func TestFullSizeWeightsEqualReference(t *testing.T) {
	goldentest.Each(t, "model", func(t *testing.T, folder string) {
		check := readFullCheck(t, folder)
		if got := lxmert.LXR955().NumParams(); got != check.Unique {
			t.Errorf("%d parameters, expected %d", got, check.Unique)
		}
		w := &synthetic.Weights{Config: fullConfig(), Seed: check.Seed}
		for _, p := range check.Params {
			if !equalDims(w.Shape(p.Name), p.Shape) {
				t.Fatalf("%s: shape %v, expected %v", p.Name, w.Shape(p.Name), p.Shape)
			}
			x := make([]float32, lxmert.Size(p.Shape))
			if err := w.Read(p.Name, x, false); err != nil {
				t.Fatal(err)
			}
			sum := 0.0
			for _, v := range x {
				sum += float64(v)
			}
			bits := func(v float32) string { return fmt.Sprintf("%08x", math.Float32bits(v)) }
			for i, want := range p.First {
				if i < len(x) && bits(x[i]) != want {
					t.Errorf("%s[%d] is %s, expected %s", p.Name, i, bits(x[i]), want)
				}
			}
			if got := bits(x[len(x)-1]); got != p.Last {
				t.Errorf("%s ends in %s, expected %s", p.Name, got, p.Last)
			}
			if math.Abs(sum-p.Sum) > 1e-6*math.Max(1, math.Abs(p.Sum)) {
				t.Errorf("%s sums to %g, expected %g", p.Name, sum, p.Sum)
			}
		}
	})
}

// fullBatch makes the inputs of the full-size goldens and compares what the file has of them.
func fullBatch(t *testing.T, golden *goldentest.File, seed int) *lxmert.Batch {
	t.Helper()
	n, words := golden.Shape("input.input_ids")[0], golden.Shape("input.input_ids")[1]
	regions := golden.Shape("input.boxes")[1]
	b := synthetic.Batch(lxmert.LXR955(), seed, n, words, regions)
	ids, mask := golden.Int32s("input.input_ids"), golden.Float32s("input.input_mask")
	for i := range n {
		b.IDs[i] = ids[i*words : (i+1)*words]
		b.TextMask = append(b.TextMask, mask[i*words:(i+1)*words])
	}
	golden.Compare("input.boxes", b.Boxes.Data, goldentest.Tolerance{})
	golden.Compare("input.feats_first16", b.Feats.Data[:16], goldentest.Tolerance{})
	return b
}

func TestFullSizeModelEqualsReference(t *testing.T) {
	if testing.Short() {
		t.Skip("needs 5 GB of memory and a minute")
	}
	b := backendtest.Open(t, "cpu")
	goldentest.Each(t, "model", func(t *testing.T, folder string) {
		check := readFullCheck(t, folder)
		golden := goldentest.Open(t, filepath.Join(folder, "full", "full.safetensors"))
		cfg := fullConfig()
		m, err := New(b.Backend, cfg, &synthetic.Weights{Config: cfg, Seed: check.Seed}, Options{})
		if err != nil {
			t.Fatal(err)
		}
		defer m.Close()
		batch := fullBatch(t, golden, check.Seed)
		compareFullForward(t, golden, run(t, m, batch, lxmert.Request{Want: lxmert.All(
			"l.*.tt", "r.*.ii", "x.*.ti", "x.*.it", "x.*.tt", "x.*.ii", "hid.*.*", "out.pooled", "out.task", "out.match", "out.qa",
			"out.mlm", "out.obj", "out.attr", "out.feat")}), cfg)
		compareFullLosses(t, golden, m, batch, check)
	})
}

func compareFullForward(t *testing.T, golden *goldentest.File, trace *lxmert.Trace, cfg lxmert.Config) {
	for _, name := range golden.Names() {
		kind, rest, _ := strings.Cut(name, ".")
		switch {
		case name == "out.vqa_logits" || name == "f64.vqa_logits":
			golden.Compare(name, trace.Values["out.task"].Data, fullTolerance)
		case name == "f64.pooled":
			golden.Compare(name, trace.Values["out.pooled"].Data, fullTolerance)
		case strings.HasPrefix(name, "out.pretrain"):
		case kind == "out":
			full, isCut := strings.CutSuffix(name, "_first64")
			x := trace.Values[activationOf(cfg, full)]
			if isCut {
				x = firstOfLast(x, 64)
			}
			golden.Compare(name, x.Data, fullTolerance)
		case kind == "attn":
			x := trace.Values[activationOf(cfg, name)]
			golden.Compare(name, headsOf(x, golden.Shape(name)[1]), fullTolerance)
		case strings.HasPrefix(name, "attn_"):
			x := trace.Values[activationOf(cfg, "attn."+rest)]
			golden.Compare(name, mapStatistic(kind, x), fullTolerance)
		case kind == "first":
			golden.Compare(name, perRow(trace.Values[activationOf(cfg, rest)], func(row lxmert.Tensor) []float32 { return row.Row(0).Data }), fullTolerance)
		case kind == "norm":
			golden.Compare(name, perRow(trace.Values[activationOf(cfg, rest)], norms), fullTolerance)
		}
	}
}

func perRow(x lxmert.Tensor, f func(row lxmert.Tensor) []float32) []float32 {
	var out []float32
	for i := range x.Shape[0] {
		out = append(out, f(x.Row(i))...)
	}
	return out
}

func firstOfLast(x lxmert.Tensor, k int) lxmert.Tensor {
	width := x.Shape[len(x.Shape)-1]
	var out lxmert.Tensor
	for at := 0; at < len(x.Data); at += width {
		out.Data = append(out.Data, x.Data[at:at+k]...)
	}
	return out
}

func headsOf(x lxmert.Tensor, heads int) []float32 {
	return perRow(x, func(row lxmert.Tensor) []float32 { return row.Data[:heads*lxmert.Size(row.Shape[1:])] })
}

func norms(x lxmert.Tensor) []float32 {
	return perRow(x, func(row lxmert.Tensor) []float32 {
		sum := 0.0
		for _, v := range row.Data {
			sum += float64(v) * float64(v)
		}
		return []float32{float32(math.Sqrt(sum))}
	})
}

// mapStatistic is the mean over queries of each head's entropy or largest entry, or what each key gets on average over
// heads and queries.
func mapStatistic(kind string, x lxmert.Tensor) []float32 {
	return perRow(x, func(heads lxmert.Tensor) []float32 {
		if kind == "attn_keymean" {
			keys := heads.Shape[2]
			mean := make([]float32, keys)
			count := len(heads.Data) / keys
			for i, p := range heads.Data {
				mean[i%keys] += p / float32(count)
			}
			return mean
		}
		return perRow(heads, func(m lxmert.Tensor) []float32 {
			entropy, largest, queries := 0.0, 0.0, m.Shape[0]
			for q := range queries {
				most := float32(0)
				for _, p := range m.Row(q).Data {
					most = max(most, p)
					if p > 0 {
						entropy -= float64(p) * math.Log(float64(p))
					}
				}
				largest += float64(most)
			}
			if kind == "attn_max" {
				entropy = largest
			}
			return []float32{float32(entropy / float64(queries))}
		})
	})
}

// compareFullLosses compares the six losses, some gradients, and the norm of every gradient.
func compareFullLosses(t *testing.T, golden *goldentest.File, m *Model, batch *lxmert.Batch, check fullCheck) {
	p, err := newPlan(m.cfg, batch, lxmert.Request{Want: lxmert.All("hid.t.0")})
	if err != nil {
		t.Fatal(err)
	}
	target := make([]float32, len(batch.Feats.Data))
	stream := synthetic.NewStream(check.Seed, "label.feat")
	for i := range target {
		target[i] = max(0, 2*stream.Signed(i))
	}
	labels := labelled{plan: p, data: map[labelInput]any{"label.feat": target}}

	var params []string
	compiled, release, err := m.compiled(context.Background(), "full losses", func(bd *program.Builder) []*Node {
		net := NewNet(m.cfg, p.inputs(bd.Input), bd.Weight, NetOptions{})
		total, each := pretrainingLosses(net, func(name string, dtype dtypes.DType) *Node {
			dims := batch.Feats.Shape
			if name != "label.feat" {
				dims = golden.Shape(name)
				labels.take(golden, name, dtype)
			}
			return bd.Input(labelInput(name), dtype, dims...)
		})
		var nodes []*Node
		params, nodes = bd.Weights()
		out := append([]*Node{total}, each...)
		return append(out, Gradient(total, nodes...)...)
	})
	if err != nil {
		t.Fatal(err)
	}
	out, err := m.execute(context.Background(), compiled, release, labels.feed)
	if err != nil {
		t.Fatal(err)
	}
	var losses []float32
	for _, o := range out[1:7] {
		losses = append(losses, o.([]float32)[0])
	}
	golden.Compare("out.pretrain_total", out[0].([]float32), lossTolerance)
	golden.Compare("out.pretrain_losses", losses, lossTolerance)

	norm := map[string]float64{}
	for i, name := range params {
		g := asInFile(m, name, out[7+i].([]float32))
		sum := 0.0
		for _, v := range g {
			sum += float64(v) * float64(v)
		}
		norm[name] = math.Sqrt(sum)
		if golden.Has("grad." + name) {
			golden.Compare("grad."+name, g, fullTolerance)
		}
	}
	for _, p := range check.Params {
		if p.GradNorm == nil {
			continue
		}
		limit := 1e-4 * *p.GradNorm
		if strings.HasSuffix(p.Name, ".key.bias") {
			limit = 1e-4
		}
		if got := norm[p.Name]; !(math.Abs(got-*p.GradNorm) <= limit) {
			t.Errorf("gradient of %s has norm %g, expected %g", p.Name, got, *p.GradNorm)
		}
	}
}
