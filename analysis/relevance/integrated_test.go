package relevance_test

import (
	"context"
	"math"
	"slices"
	"strconv"
	"testing"

	"github.com/seed-516990b0/golxmert/analysis"
	"github.com/seed-516990b0/golxmert/analysis/internal/goldencase"
	"github.com/seed-516990b0/golxmert/analysis/relevance"
	"github.com/seed-516990b0/golxmert/internal/roundingtest"
	"github.com/seed-516990b0/golxmert/lxmert"
)

func number(t *testing.T, s analysis.Scores, key string) float64 {
	t.Helper()
	x, err := strconv.ParseFloat(s.Params[key], 64)
	if err != nil {
		t.Fatalf("%s: %v", key, err)
	}
	return x
}

func TestIntegratedGradientsEqualReference(t *testing.T) {
	eachGolden(t, func(t *testing.T, eng *engine, b *lxmert.Batch, folder string) {
		golden := goldencase.Open(t, folder, "ig")
		at, weights := relevance.GaussLegendre(golden.Shape("ig.alphas")[0])
		golden.Compare("ig.alphas", at)
		golden.Compare("ig.weights", weights)

		// The path of the first sample, to the logit of its most probable answer.
		forward := goldencase.Open(t, folder, "forward")
		forward.Use("")
		target := analysis.Answer(forward.Ints("qa_target")[0])
		explain := func(nodes int) analysis.Scores {
			scores, err := relevance.IntegratedGradients(context.Background(), eng, rowsOf(b, 0), target, relevance.PathOptions{Nodes: nodes, MaxNodes: nodes})
			if err != nil {
				t.Fatal(err)
			}
			s := scores[0]
			if isClose := number(t, s, "gap") <= 0.01*math.Abs(number(t, s, "score")-number(t, s, "score at start")); isClose != (len(s.Notes) == 0) {
				t.Errorf("%d nodes leave a gap of %s, the notes are %q", nodes, s.Params["gap"], s.Notes)
			}
			return s
		}
		s := explain(len(at))
		words := append(slices.Clone(s.Words), make([]float64, golden.Shape("ig.words")[0]-len(s.Words))...)
		golden.Compare("ig.words", words)
		golden.Compare("ig.rois", s.Regions)
		end, start := number(t, s, "score"), number(t, s, "score at start")
		golden.Compare("ig.delta", []float64{end, start, end - start})

		// A gap is a difference of scores, so it is as exact as these.
		got, want := []float64{end}, golden.Floats("ig.delta")[:1]
		for rows := golden.Floats("ig.completeness_gap_by_nodes"); len(rows) > 0; rows = rows[2:] {
			got, want = append(got, number(t, explain(int(rows[0])), "gap")), append(want, rows[1])
		}
		goldencase.Compare(t, "ig.completeness_gap_by_nodes", got, want)
	})
}

func TestDoublingNodesClosesTheGap(t *testing.T) {
	onGo(t, func(t *testing.T, eng *engine, b *lxmert.Batch, _ string) {
		scores, err := relevance.IntegratedGradients(context.Background(), eng, b, analysis.Predicted(), relevance.PathOptions{})
		if err != nil {
			t.Fatal(err)
		}
		for n, s := range scores {
			change := number(t, s, "score") - number(t, s, "score at start")
			total := 0.0
			for _, x := range append(append([]float64(nil), s.Words...), s.Regions...) {
				total += x
			}
			if math.Abs(total-change) > 0.0101*math.Abs(change) || len(s.Notes) > 0 {
				t.Errorf("row %d: values sum to %g, the score changes by %g (%s nodes, notes %q)", n, total, change, s.Params["nodes"], s.Notes)
			}
			if s.Words[0] != 0 || s.Words[len(s.Words)-1] != 0 {
				t.Errorf("row %d: [CLS] and [SEP], which stay as they are, have values %g and %g", n, s.Words[0], s.Words[len(s.Words)-1])
			}
		}
	})
}

func TestGaussLegendreIsExactForPolynomials(t *testing.T) {
	for _, n := range []int{1, 2, 3, 5, 16, 65} {
		at, weights := relevance.GaussLegendre(n)
		for degree := range 2 * n {
			sum := 0.0
			for i, x := range at {
				sum += weights[i] * math.Pow(x, float64(degree))
			}
			if want := 1 / float64(degree+1); math.Abs(sum-want) > 1e-13 {
				t.Errorf("%d nodes: the integral of x^%d is %g, expected %g", n, degree, sum, want)
			}
		}
	}
}

func TestGradientTimesInputSumsToTheSlopeOfScalingTheInput(t *testing.T) {
	onGo(t, func(t *testing.T, eng *engine, b *lxmert.Batch, folder string) {
		const class = 1
		sums := func(eng lxmert.Engine) map[string][]float64 {
			scores, err := relevance.GradientTimesInput(context.Background(), eng, b, analysis.Answer(class))
			if err != nil {
				t.Fatal(err)
			}
			var totals []float64
			for _, s := range scores {
				total := 0.0
				for _, x := range slices.Concat(s.Words, s.Regions) {
					total += x
				}
				totals = append(totals, total)
			}
			return map[string][]float64{"": totals}
		}
		slopes, within := roundingtest.Slopes(func(h float64) []float64 {
			value := lxmert.Tensor{Shape: []int{1, 1, 1}, Data: []float32{float32(1 + h)}}
			trace, err := eng.Run(context.Background(), b, lxmert.Request{Want: lxmert.All("out.qa"), Edits: []lxmert.Edit{
				{Name: "in.word", Op: lxmert.Multiply, Value: value}, {Name: "in.feat", Op: lxmert.Multiply, Value: value}}})
			if err != nil {
				t.Fatal(err)
			}
			var logits []float64
			for n := range b.Rows() {
				logits = append(logits, float64(trace.Values["out.qa"].At(n, class)))
			}
			return logits
		})
		rounding, known := reach(t, folder, sums)[""], false
		for n, total := range sums(eng)[""] {
			if !(math.Abs(total-slopes[n]) <= within[n]+rounding) {
				t.Errorf("row %d: values sum to %g within %g, the slope is %g within %g", n, total, rounding, slopes[n], within[n])
			}
			known = known || math.Abs(slopes[n]) > 20*(within[n]+rounding)
		}
		if !known {
			t.Errorf("no slope is known well enough to say anything: %g within %g", slopes, within)
		}
	})
}
