package lxrt

import (
	"errors"
	"math"
	"testing"

	. "github.com/gomlx/gomlx/core/graph"

	"github.com/seed-516990b0/golxmert/lxmert"
	"github.com/seed-516990b0/golxmert/lxmert/backend"
	"github.com/seed-516990b0/golxmert/lxmert/backend/backendtest"
	"github.com/seed-516990b0/golxmert/lxmert/internal/program"
	"github.com/seed-516990b0/golxmert/lxmert/internal/synthetic"
)

// gradients of a loss with respect to all parameters that its graph has, which are float32, by their names. Batches are of one
// size.
func gradients(t *testing.T, m *Model, opt NetOptions, loss func(net *Net) *Node, batches ...*lxmert.Batch) (all []map[string][]float32) {
	t.Helper()
	var built *program.Program
	var names []string
	for _, b := range batches {
		fed, err := Feed(m.cfg, b)
		if err != nil {
			t.Fatal(err)
		}
		if built == nil {
			built, err = program.Build(m.backend, program.Options{Name: t.Name(), WeightType: m.dtype, WeightShape: m.weights.shape}, func(b *program.Builder) []*Node {
				of := loss(NewNet(m.cfg, fed.Inputs(b.Input), b.Weight, opt))
				var nodes []*Node
				names, nodes = b.Weights()
				return Gradient(of, nodes...)
			})
			if err != nil {
				t.Fatal(err)
			}
			defer built.Free()
			if err := built.Compile(); err != nil {
				t.Fatal(err)
			}
		}
		in, err := m.inputs(built, fed.Data)
		if err != nil {
			t.Fatal(err)
		}
		out, err := built.Run(in.all)
		if err := errors.Join(err, in.free()); err != nil {
			t.Fatal(err)
		}
		grads := map[string][]float32{}
		for i, name := range names {
			grads[name] = out[i].([]float32)
		}
		all = append(all, grads)
	}
	return all
}

// TestGradientsOfAFrequentWordAddUp: in bfloat16, 256 and 1 is 256.
func TestGradientsOfAFrequentWordAddUp(t *testing.T) {
	const texts, words, id = 60, 6, 7
	backendtest.Each(t, func(t *testing.T, b *backend.Backend) {
		cfg := smallConfig()
		m := smallModel(t, b, cfg, Options{})
		batch := synthetic.Batch(cfg, 1, texts, words, 2)
		for _, ids := range batch.IDs {
			for i := range ids {
				ids[i] = id
			}
		}
		for _, half := range []bool{false, true} {
			sum := func(net *Net) *Node { return ReduceAllSum(toFloat32(net.Node("in.word"))) }
			for i, x := range gradients(t, m, NetOptions{BFloat16: half}, sum, batch)[0][lxmert.WordEmbeddings] {
				want := float32(0)
				if i/cfg.Hidden == id {
					want = texts * words
				}
				if x != want {
					t.Fatalf("bfloat16 %v: the gradient of word %d is %g, expected %g", half, i/cfg.Hidden, x, want)
				}
			}
		}
	})
}

// TestGradientsInBFloat16StayClose: each of the 20 sublayers rounds on its way there and back, to 2^-9 each time.
func TestGradientsInBFloat16StayClose(t *testing.T) {
	const most = 2 * 20 * (1 / 512.0)
	backendtest.Each(t, func(t *testing.T, b *backend.Backend) {
		m := smallModel(t, b, smallConfig(), Options{})
		loss := func(net *Net) *Node { // the segments, 0 or 1, are labels as good as others
			words, rows := net.in.Segments(), Squeeze(Slice(net.in.Segments(), AxisRange(), AxisElem(0)), 1)
			return Add(LabelLoss(net.Node("out.mlm"), words), LabelLoss(net.Node("out.match"), rows))
		}
		var batches []*lxmert.Batch
		for seed := range 3 {
			batches = append(batches, synthetic.Batch(m.cfg, seed, 4, 5, 6))
		}
		want, got := gradients(t, m, NetOptions{}, loss, batches...), gradients(t, m, NetOptions{BFloat16: true}, loss, batches...)
		for seed := range batches {
			off, all := 0.0, 0.0
			for name, x := range want[seed] {
				for i := range x {
					d := float64(got[seed][name][i] - x[i])
					off += d * d
					all += float64(x[i]) * float64(x[i])
				}
			}
			if d := math.Sqrt(off / all); !(d < most) || d == 0 || len(got[seed]) != len(want[seed]) {
				t.Errorf("seed %d: %d gradients of %d, off by %.3g of their norm", seed, len(got[seed]), len(want[seed]), d)
			}
		}
	})
}
