package relevance_test

import (
	"context"
	"math"
	"slices"
	"strconv"
	"testing"

	"github.com/seed-516990b0/golxmert/analysis"
	"github.com/seed-516990b0/golxmert/analysis/relevance"
	"github.com/seed-516990b0/golxmert/lxmert"
)

// onPairs runs a test with a model that answers about two pictures, on four pairs with a class for each.
func onPairs(t *testing.T, test func(t *testing.T, eng *engine, b *lxmert.Batch, class []int)) {
	onGo(t, func(t *testing.T, eng *engine, b *lxmert.Batch, folder string) {
		var rows []int
		for i := range 8 {
			rows = append(rows, i%b.Rows())
		}
		test(t, withTask(t, folder, 2, eng.Config().Special.Mask), rowsOf(b, rows...), []int{1, 0, 2, 1})
	})
}

// pairScores are the logits of a class of each pair, under edits.
func pairScores(t *testing.T, eng lxmert.Engine, b *lxmert.Batch, class []int, edits ...lxmert.Edit) []float64 {
	t.Helper()
	trace, err := eng.Run(context.Background(), b, lxmert.Request{Want: lxmert.All("out.task"), Edits: edits})
	if err != nil {
		t.Fatal(err)
	}
	var out []float64
	for u, k := range class {
		out = append(out, float64(trace.Values["out.task"].At(u, k)))
	}
	return out
}

// pairTerm is the score of [pairScores], summed.
func pairTerm(class []int) []lxmert.Term {
	return []lxmert.Term{{Output: "out.task", Class: class, Weight: slices.Repeat([]float32{1}, len(class))}}
}

func TestImportanceOfHeadsInPairsIsTheSlopeOfTheScore(t *testing.T) {
	onPairs(t, func(t *testing.T, eng *engine, b *lxmert.Batch, class []int) {
		found, err := relevance.HeadImportance(context.Background(), eng, b, analysis.Answer(class...))
		if err != nil {
			t.Fatal(err)
		}
		cfg := eng.Config()
		last := strconv.Itoa(cfg.CrossLayers - 1)
		differ := false
		for _, name := range []string{"l.0.tt", "r.0.ii", "x.0.ti", "x.0.it", "x." + last + ".tt"} {
			column := slices.Index(found[0].Cols.Labels, name)
			for g := range 2 { // the left, then the right picture of every pair
				for h := range cfg.Heads {
					const step = 2e-3
					var at [2][]float64
					for i, gate := range []float32{1 - step, 1 + step} {
						value := lxmert.NewTensor(b.Rows(), cfg.Heads, 1, 1)
						for n := range b.Rows() {
							for other := range cfg.Heads {
								value.Row(n).Data[other] = 1
							}
							if n%2 == g {
								value.Row(n).Data[h] = gate
							}
						}
						at[i] = pairScores(t, eng, b, class, lxmert.Edit{Name: name, Op: lxmert.Multiply, Value: value})
					}
					for u := range class {
						got, slope := found[2*u+g].Panels[0].Values[h][column], (at[1][u]-at[0][u])/(2*step)
						if math.Abs(got-slope) > 3e-3*max(1, math.Abs(slope)) {
							t.Errorf("%s, pair %d, picture %d, head %d: importance %g, slope %g", name, u, g, h, got, slope)
						}
						differ = differ || math.Abs(slope) > 0.1
					}
				}
			}
		}
		if !differ {
			t.Error("no head makes a difference, so this shows nothing")
		}
	})
}

func TestRelevanceOfPairsFollowsTheRules(t *testing.T) {
	onPairs(t, func(t *testing.T, eng *engine, b *lxmert.Batch, class []int) {
		cfg := eng.Config()
		trace, err := eng.Run(context.Background(), b, lxmert.Request{
			Want: lxmert.All(cfg.Maps()...), Grad: &lxmert.Grad{Of: pairTerm(class), Names: cfg.Maps()},
		})
		if err != nil {
			t.Fatal(err)
		}
		scores := biModal(t, eng, b, analysis.Answer(class...), relevance.Options{})
		for n, s := range scores {
			words, regions := slowRelevance(cfg, trace, n)
			if !alike(s.Words, words[:len(s.Words)]) || !alike(s.Regions, regions) {
				t.Errorf("row %d: %v %v, by the rules %v %v", n, s.Words, s.Regions, words, regions)
			}
			if slices.Max(s.Regions) == 0 {
				t.Errorf("row %d: no region is relevant, so this shows nothing", n)
			}
			if want := "logit of answer " + strconv.Itoa(class[n/2]); s.Target != want {
				t.Errorf("row %d explains %q, expected %q", n, s.Target, want)
			}
		}
	})
}

// slowRelevance is the relevance of words and regions for [CLS], written down from Chefer, Gur and Wolf (2021), equations 5
// to 11, entry by entry.
func slowRelevance(cfg lxmert.Config, trace *lxmert.Trace, row int) (words, regions []float64) {
	type matrix = [][]float64
	zeros := func(r, c int) matrix {
		m := make(matrix, r)
		for i := range m {
			m[i] = make([]float64, c)
		}
		return m
	}
	unit := func(n int) matrix {
		m := zeros(n, n)
		for i := range m {
			m[i][i] = 1
		}
		return m
	}
	mul := func(a, b matrix) matrix {
		m := zeros(len(a), len(b[0]))
		for i := range m {
			for j := range m[i] {
				for k := range b {
					m[i][j] += a[i][k] * b[k][j]
				}
			}
		}
		return m
	}
	plus := func(a, b matrix) matrix {
		m := zeros(len(a), len(a[0]))
		for i := range m {
			for j := range m[i] {
				m[i][j] = a[i][j] + b[i][j]
			}
		}
		return m
	}
	turned := func(a matrix) matrix {
		m := zeros(len(a[0]), len(a))
		for i := range m {
			for j := range m[i] {
				m[i][j] = a[j][i]
			}
		}
		return m
	}
	scaled := func(r matrix) matrix { // (R - I) / its row's sum + I
		m := zeros(len(r), len(r))
		for i := range m {
			sum := -1.0
			for _, x := range r[i] {
				sum += x
			}
			for j := range m[i] {
				if i == j {
					m[i][j] = r[i][j] - 1
				} else {
					m[i][j] = r[i][j]
				}
				if sum != 0 {
					m[i][j] /= sum
				}
				if i == j {
					m[i][j]++
				}
			}
		}
		return m
	}
	bar := func(name string) matrix {
		a, g := trace.Values[name].Row(row), trace.Grads[name].Row(row)
		m := zeros(a.Shape[1], a.Shape[2])
		for h := range a.Shape[0] {
			for i := range m {
				for j := range m[i] {
					m[i][j] += max(0, float64(a.At(h, i, j))*float64(g.At(h, i, j))) / float64(a.Shape[0])
				}
			}
		}
		return m
	}
	name := func(stream string, k int, kind string) string { return stream + "." + strconv.Itoa(k) + "." + kind }
	t, v := trace.Values["l.0.tt"].Shape[2], trace.Values["r.0.ii"].Shape[2]
	tt, ii, ti, it := unit(t), unit(v), zeros(t, v), zeros(v, t)
	for k := range cfg.LangLayers {
		tt = plus(tt, mul(bar(name("l", k, "tt")), tt))
	}
	for k := range cfg.RegionLayers {
		ii = plus(ii, mul(bar(name("r", k, "ii")), ii))
	}
	for k := range cfg.CrossLayers {
		ati, ait := bar(name("x", k, "ti")), bar(name("x", k, "it"))
		addTI, addTT := mul(mul(turned(scaled(tt)), ati), scaled(ii)), mul(ati, it)
		addIT, addII := mul(mul(turned(scaled(ii)), ait), scaled(tt)), mul(ait, ti)
		ti, tt, it, ii = plus(ti, addTI), plus(tt, addTT), plus(it, addIT), plus(ii, addII)
		att, aii := bar(name("x", k, "tt")), bar(name("x", k, "ii"))
		tt, ti = plus(tt, mul(att, tt)), plus(ti, mul(att, ti))
		ii, it = plus(ii, mul(aii, ii)), plus(it, mul(aii, it))
	}
	tt[0][0] = 0
	return tt[0], ti[0]
}

func TestIntegratedGradientsOfPairsAreThoseOfEachPairAlone(t *testing.T) {
	onPairs(t, func(t *testing.T, eng *engine, b *lxmert.Batch, class []int) {
		ctx := context.Background()
		const nodes = 6
		// RowsPerRun does not divide the rows, so that runs hold parts of several pairs.
		scores, err := relevance.IntegratedGradients(ctx, eng, b, analysis.Answer(class...), relevance.PathOptions{Nodes: nodes, MaxNodes: nodes, RowsPerRun: 10})
		if err != nil {
			t.Fatal(err)
		}
		at, weight := relevance.GaussLegendre(nodes)
		for u, k := range class {
			pair := rowsOf(b, 2*u, 2*u+1)
			blank := *pair
			blank.IDs = nil
			for _, ids := range pair.IDs {
				ids = slices.Clone(ids)
				for i := 1; i < len(ids)-1; i++ {
					ids[i] = eng.Config().Special.Mask
				}
				blank.IDs = append(blank.IDs, ids)
			}
			var ends [2]lxmert.Tensor
			for i, batch := range []*lxmert.Batch{&blank, pair} {
				trace, err := eng.Run(ctx, batch, lxmert.Request{Want: lxmert.All("in.word")})
				if err != nil {
					t.Fatal(err)
				}
				ends[i] = trace.Values["in.word"]
			}
			words, regions := make([][]float64, 2), make([][]float64, 2)
			for g := range 2 {
				words[g], regions[g] = make([]float64, len(pair.IDs[g])), make([]float64, pair.V())
			}
			for i, alpha := range at {
				edit := lxmert.NewTensor(ends[0].Shape...)
				for j := range edit.Data {
					edit.Data[j] = ends[0].Data[j] + float32(alpha)*(ends[1].Data[j]-ends[0].Data[j])
				}
				trace, err := eng.Run(ctx, pair, lxmert.Request{
					Edits: []lxmert.Edit{{Name: "in.word", Op: lxmert.Set, Value: edit},
						{Name: "in.feat", Op: lxmert.Multiply, Value: lxmert.Tensor{Shape: []int{1, 1, 1}, Data: []float32{float32(alpha)}}}},
					Grad: &lxmert.Grad{Of: pairTerm([]int{k}), Names: []string{"in.word", "in.feat"}},
				})
				if err != nil {
					t.Fatal(err)
				}
				for g := range 2 {
					for w := range words[g] {
						for d, grad := range trace.Grads["in.word"].Row(g).Row(w).Data {
							words[g][w] += weight[i] * float64(grad) * float64(ends[1].At(g, w, d)-ends[0].At(g, w, d))
						}
					}
					for v := range regions[g] {
						for d, grad := range trace.Grads["in.feat"].Row(g).Row(v).Data {
							regions[g][v] += weight[i] * float64(grad) * float64(pair.Feats.At(g, v, d))
						}
					}
				}
			}
			for g := range 2 {
				if s := scores[2*u+g]; !alike(s.Words, words[g]) || !alike(s.Regions, regions[g]) {
					t.Errorf("pair %d, picture %d: %v %v, alone %v %v", u, g, s.Words, s.Regions, words[g], regions[g])
				}
			}
			if got, want := number(t, scores[2*u], "score"), pairScores(t, eng, pair, []int{k})[0]; math.Abs(got-want) > 1e-4 {
				t.Errorf("pair %d: the path ends at %g, the score is %g", u, got, want)
			}
		}
	})
}

func TestPerturbingAPairRemovesFromBothItsRows(t *testing.T) {
	onPairs(t, func(t *testing.T, eng *engine, b *lxmert.Batch, class []int) {
		scores := biModal(t, eng, b, analysis.Predicted(), relevance.Options{})
		p := perturb(t, eng, b, scores, relevance.PerturbOptions{Random: -1, RowsPerRun: 6})
		if p.N != len(class) || len(p.Trials) != len(class)*3*2 {
			t.Fatalf("%d examples, %d trials", p.N, len(p.Trials))
		}
		whole, err := eng.Run(context.Background(), b, lxmert.Request{Want: lxmert.All("out.task")})
		if err != nil {
			t.Fatal(err)
		}
		for _, trial := range p.Trials {
			logits := whole.Values["out.task"].Row(trial.Example).Data
			answer := slices.Index(logits, slices.Max(logits))
			for i, step := range trial.Steps {
				left := without(b, scores, 2*trial.Example, trial.Modality, trial.Order, step)
				trace, err := eng.Run(context.Background(), left, lxmert.Request{Want: lxmert.All("out.task"), NoRegions: lxmert.AttendNothing})
				if err != nil {
					t.Fatal(err)
				}
				sum := 0.0
				for _, x := range trace.Values["out.task"].Data {
					sum += math.Exp(float64(x - trace.Values["out.task"].Data[answer]))
				}
				if math.Abs(trial.Probability[i]-1/sum) > 1e-4 {
					t.Errorf("pair %d, %s, %s, step %g: probability %g, expected %g", trial.Example, trial.Modality, trial.Order, step, trial.Probability[i], 1/sum)
				}
			}
		}
	})
}

// without is a pair of rows, the first of the given number, from which a share of words and regions is taken, each
// separately.
func without(b *lxmert.Batch, scores []analysis.Scores, first int, modality, order string, step float64) *lxmert.Batch {
	c := rowsOf(b, first, first+1)
	kept := func(values []float64, removes bool) []int {
		list := make([]int, len(values))
		for i := range list {
			list[i] = i
		}
		slices.SortStableFunc(list, func(i, j int) int {
			switch less := values[i] < values[j]; {
			case values[i] == values[j]:
				return 0
			case less == (order == "positive"):
				return -1
			}
			return 1
		})
		if removes {
			list = list[:int((1-step)*float64(len(list)))]
		}
		return list
	}
	for g := range 2 {
		s := scores[first+g]
		ids := []int32{c.IDs[g][0]}
		words := kept(s.Words[1:len(s.Words)-1], modality != "image")
		for i, id := range c.IDs[g][1 : len(c.IDs[g])-1] {
			if slices.Contains(words, i) {
				ids = append(ids, id)
			}
		}
		c.IDs[g] = append(ids, c.IDs[g][len(c.IDs[g])-1])
		mask := make([]float32, c.V())
		for _, v := range kept(s.Regions, modality != "text") {
			mask[v] = 1
		}
		c.RegionMask = append(c.RegionMask, mask)
	}
	c.TextMask, c.Segments, c.Words = nil, nil, nil
	return c
}
