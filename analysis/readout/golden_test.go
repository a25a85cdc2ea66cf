package readout_test

import (
	"math"
	"path/filepath"
	"slices"
	"testing"

	"github.com/seed-516990b0/golxmert/analysis/internal/goldencase"
	"github.com/seed-516990b0/golxmert/analysis/readout"
	"github.com/seed-516990b0/golxmert/internal/goldentest"
	"github.com/seed-516990b0/golxmert/lxmert"
	"github.com/seed-516990b0/golxmert/lxmert/lxrt"
)

// losses are those of the reference, of outputs in float32.
var losses = goldentest.Tolerance{Relative: 2e-5, Absolute: 1e-6}

func say(t *testing.T, eng lxmert.Engine, b *lxmert.Batch, asks []readout.Ask) []readout.Saying {
	t.Helper()
	said, _, err := readout.Say(t.Context(), eng, b, asks, 3)
	if err != nil {
		t.Fatal(err)
	}
	return said
}

// at is an ask about a place.
func at(head string, row, place, truth int) readout.Ask {
	return readout.Ask{Row: row, Place: readout.Place{Head: head, At: place, Picture: true, Truth: truth}}
}

// TestTheSixHeadsSayWhatTheReferenceLoses: weighted and averaged as pre-training does it, what each head says of the labels is
// the reference's loss.
func TestTheSixHeadsSayWhatTheReferenceLoses(t *testing.T) {
	eachTiny(t, func(t *testing.T, eng lxmert.Engine, tiny string) {
		path := filepath.Join(tiny, "pretrain.safetensors")
		b, err := lxrt.ReadBatch(path)
		if err != nil {
			t.Fatal(err)
		}
		golden := goldentest.Open(t, path)
		golden.Use("input.", "grad.", "f64.", "out.grad_norm", "out.total_loss")
		rows, v, width := b.Rows(), b.V(), b.Feats.Shape[2]
		original := lxmert.Tensor{Shape: []int{rows, v, width}, Data: golden.Float32s("label.feat")}
		words, objects, attributes := golden.Ints("label.masked_lm_labels"), golden.Ints("label.obj"), golden.Ints("label.attr")
		matched, answers := golden.Ints("label.matched_label"), golden.Ints("label.ans")
		weight := map[string][]float64{"out.obj": golden.Floats("label.obj_conf"), "out.attr": golden.Floats("label.attr_conf"), "out.feat": golden.Floats("label.feat_mask")}
		var asks []readout.Ask
		for n := range rows {
			for k, id := range words[n*b.T() : (n+1)*b.T()] {
				if id >= 0 {
					asks = append(asks, at("out.mlm", n, k, id))
				}
			}
			asks = append(asks, at("out.match", n, -1, matched[n]))
			for k := range v {
				feature := at("out.feat", n, k, k)
				feature.Among = original.Row(n)
				asks = append(asks, at("out.obj", n, k, objects[n*v+k]), at("out.attr", n, k, attributes[n*v+k]), feature)
			}
			asks = append(asks, at("out.qa", n, -1, answers[n]))
		}
		order := []string{"out.mlm", "out.match", "out.obj", "out.attr", "out.feat", "out.qa"}
		got, count := make([]float64, len(order)), make([]float64, len(order))
		for i, s := range say(t, eng, b, asks) {
			k, loss := slices.Index(order, s.Head), s.Loss
			if s.Truth < 0 {
				if !math.IsNaN(s.Bits) || s.Rank != 0 {
					t.Errorf("%s says %g bits of a label that there is not", s.Head, s.Bits)
				}
				if s.Head == "out.qa" { // not labelled
					continue
				}
				loss = 0 // the reference counts such regions with weight
			}
			count[k]++
			if w := weight[s.Head]; w != nil {
				loss *= w[asks[i].Row*v+s.At] / 0.15
			}
			got[k] += loss
			if s.Head != "out.feat" && s.Truth >= 0 && math.Abs(s.Bits*math.Ln2-s.Loss) > 1e-9*(1+s.Loss) {
				t.Errorf("%s: %g bits and %g nats", s.Head, s.Bits, s.Loss)
			}
		}
		for k := range got {
			got[k] /= count[k]
		}
		golden.CompareWide("out.losses", got, losses)
		var scores []float64
		for _, s := range say(t, eng, b, slices.DeleteFunc(asks, func(a readout.Ask) bool { return a.Head != "out.qa" })) {
			scores = append(scores, s.Best().Probability)
		}
		want := golden.Floats("out.answer_score")
		for n, p := range scores {
			logits := want[n*len(want)/rows : (n+1)*len(want)/rows]
			sum := 0.0
			for _, x := range logits {
				sum += math.Exp(x - slices.Max(logits))
			}
			if math.Abs(p-1/sum) > 1e-4 {
				t.Errorf("row %d: the best answer has probability %g, the reference's %g", n, p, 1/sum)
			}
		}
	})
}

// TestSayingsAreOfTheReferencesLogits at every place of every row, nothing hidden.
func TestSayingsAreOfTheReferencesLogits(t *testing.T) {
	heads := map[string]string{"mlm_logits": "out.mlm", "obj_logits": "out.obj", "attr_logits": "out.attr", "qa_logits": "out.qa", "matched_logits": "out.match"}
	eachTiny(t, func(t *testing.T, eng lxmert.Engine, tiny string) {
		path := filepath.Join(tiny, "forward.safetensors")
		b, err := lxrt.ReadBatch(path)
		if err != nil {
			t.Fatal(err)
		}
		golden := goldentest.Open(t, path)
		golden.Use("")
		var asks []readout.Ask
		var want [][]float64
		for name, head := range heads {
			shape := golden.Shape("out." + name)
			classes := shape[len(shape)-1]
			places := lxmert.Size(shape) / classes / b.Rows()
			for i, logits := range slices.Collect(slices.Chunk(golden.Floats("out."+name), classes)) {
				place := i % places
				if len(shape) == 2 {
					place = -1
				}
				for _, truth := range []int{0, classes - 1} {
					asks, want = append(asks, at(head, i/places, place, truth)), append(want, logits)
				}
			}
		}
		for i, s := range say(t, eng, b, asks) {
			logits, most, sum := want[i], slices.Max(want[i]), 0.0
			for _, x := range logits {
				sum += math.Exp(x - most)
			}
			nats := most + math.Log(sum) - logits[s.Truth]
			above := 0
			for _, x := range logits {
				if x > logits[s.Truth]+1e-4 {
					above++
				}
			}
			if math.Abs(s.Loss-nats) > 1e-4*(1+math.Abs(most)) || s.Rank <= above || math.Abs(s.Probability()-math.Exp(-nats)) > 1e-4 {
				t.Errorf("%s, row %d, place %d, class %d: %g nats and rank %d, the reference's are %g and more than %d", s.Head, asks[i].Row, s.At, s.Truth, s.Loss, s.Rank, nats, above)
			}
			if best := s.Best(); logits[best.Class] < most-1e-4 {
				t.Errorf("%s, row %d, place %d: the best is class %d", s.Head, asks[i].Row, s.At, best.Class)
			}
		}
	})
}

// TestWhatIsHiddenEqualsReference: a word with the picture and without, a region's object and feature.
func TestWhatIsHiddenEqualsReference(t *testing.T) {
	eachGolden(t, func(t *testing.T, eng lxmert.Engine, b *lxmert.Batch, folder string) {
		cma, rel, forward := goldencase.Open(t, folder, "cma"), goldencase.Open(t, folder, "rel"), goldencase.Open(t, folder, "forward")
		cma.Use("")
		rel.Use("")
		forward.Use("")
		words, regions := rel.Ints("rel.mlm.masked_pos"), rel.Ints("rel.obj.masked_roi")
		results := func(eng lxmert.Engine) map[string][]float64 {
			out := map[string][]float64{}
			for n := range b.Rows() {
				r, err := readout.Read(t.Context(), eng, b.Part(n), readout.Options{Words: []int{words[n]}, Regions: []int{regions[n]}, Top: eng.Config().Vocab})
				if err != nil {
					t.Fatal(err)
				}
				add := func(name string, x float64) { out[name] = append(out[name], x) }
				add("cma.mlm_ce.intact", r.Of("out.mlm", true, true)[0].Loss)
				add("cma.mlm_ce.remove_all", r.Of("out.mlm", true, false)[0].Loss)
				add("cma.feat_smoothl1.intact", r.Of("out.feat", true, true)[0].Loss)
				p := make([]float64, eng.Config().Objects)
				for _, g := range r.Of("out.obj", true, true)[0].Top {
					p[g.Class] = g.Probability
				}
				out["objects"] = append(out["objects"], p...)
				match, _ := r.Match(true)
				add("match", match)
			}
			return out
		}
		within := reach(t, folder, results)
		got := results(eng)
		for _, name := range []string{"cma.mlm_ce.intact", "cma.mlm_ce.remove_all", "cma.feat_smoothl1.intact"} {
			cma.CompareWithin(name, got[name], within[name])
		}
		compare := func(what string, got []float64, logits []float64, classes, only int) {
			var want []float64
			for x := range slices.Chunk(logits, classes) {
				sum := 0.0
				for _, v := range x {
					sum += math.Exp(v)
				}
				for k, v := range x {
					if only < 0 || k == only {
						want = append(want, math.Exp(v)/sum)
					}
				}
			}
			goldencase.Compare(t, what, got, want)
		}
		compare("objects", got["objects"], forward.Floats("obj_masked_logits"), eng.Config().Objects, -1)
		compare("match", got["match"], forward.Floats("itm_logits"), 2, 1)
	})
}
