package relevance_test

import (
	"context"
	"errors"
	"math"
	"slices"
	"strings"
	"testing"

	"github.com/seed-516990b0/golxmert/analysis"
	"github.com/seed-516990b0/golxmert/analysis/internal/goldencase"
	"github.com/seed-516990b0/golxmert/analysis/relevance"
	"github.com/seed-516990b0/golxmert/internal/goldentest"
	"github.com/seed-516990b0/golxmert/lxmert"
)

// lrpTolerance is that of the goldens' README.
var lrpTolerance = goldentest.Tolerance{Relative: 6e-5, Absolute: 3e-6}

func propagate(t *testing.T, eng lxmert.Engine, b *lxmert.Batch, target analysis.Target) []relevance.Propagated {
	t.Helper()
	all, err := relevance.Propagate(context.Background(), eng, b, target)
	if err != nil {
		t.Fatal(err)
	}
	return all
}

func TestAttnLRPEqualsReference(t *testing.T) {
	eachGolden(t, func(t *testing.T, eng *engine, b *lxmert.Batch, folder string) {
		golden := goldencase.Open(t, folder, "attnlrp")
		words := golden.Shape("attnlrp.words")[1]
		results := func(eng lxmert.Engine) map[string][]float64 {
			out := map[string][]float64{}
			for _, p := range propagate(t, eng, b, analysis.Predicted()) {
				add := func(name string, x []float64) { out["attnlrp."+name] = append(out["attnlrp."+name], x...) }
				add("logit", []float64{p.Score})
				for name, x := range p.Of {
					ours := map[string]string{"in.word": "words", "in.position": "positions", "in.feat": "rois.feat", "in.box": "rois.box"}[name]
					switch {
					case name == "out.pooled":
					case ours != "":
						add(ours, x)
					default:
						add(name, x)
					}
				}
				for _, k := range p.Kept {
					add("lost", []float64{k.Relevance})
				}
			}
			scores, err := relevance.AttnLRP(context.Background(), eng, b, analysis.Predicted())
			if err != nil {
				t.Fatal(err)
			}
			shown, regions := padded(scores, words)
			out["attnlrp.rois"] = regions
			if !slices.Equal(shown, out["attnlrp.words"]) {
				t.Errorf("the scores of words are %v, what was propagated is %v", shown, out["attnlrp.words"])
			}
			return out
		}
		within := reach(t, folder, results)
		for name, got := range results(eng) {
			golden.CompareWide(name, got, lrpTolerance.WithReach(within[name]))
		}
	})
}

// TestNoRelevanceIsLost: inputs and what blocks keep sum to the score, whatever head it is of, and for a sum of several.
func TestNoRelevanceIsLost(t *testing.T) {
	onGo(t, func(t *testing.T, eng *engine, b *lxmert.Batch, _ string) {
		for _, target := range []analysis.Target{
			analysis.Predicted(), analysis.MatchDifference(), analysis.MaskedWord(1), analysis.MaskedRegion(1, "attr"), analysis.Sum(analysis.Match(), analysis.MaskedRegion(0, "object")),
		} {
			for n, p := range propagate(t, eng, b, target) {
				total, size := 0.0, 0.0
				for _, name := range []string{"in.word", "in.position", "in.feat", "in.box"} {
					for _, x := range p.Of[name] {
						total, size = total+x, size+math.Abs(x)
					}
				}
				for _, k := range p.Kept {
					total, size = total+k.Relevance, size+math.Abs(k.Relevance)
				}
				if math.Abs(total-p.Score) > 1e-6*size {
					t.Errorf("%s, row %d: relevances sum to %g, the score is %g", p.Target, n, total, p.Score)
				}
				for v, x := range p.Of["in.word"] {
					if !analysis.ValidWords(b, n)[min(v, len(b.IDs[n])-1)] && x != 0 {
						t.Errorf("%s, row %d: padding has relevance %g", p.Target, n, x)
					}
				}
			}
		}
	})
}

func TestAttnLRPSharesOutLogitsOnly(t *testing.T) {
	onGo(t, func(t *testing.T, eng *engine, b *lxmert.Batch, _ string) {
		_, err := relevance.AttnLRP(context.Background(), eng, b, analysis.Match().As(lxmert.Probability))
		if !errors.Is(err, analysis.ErrTarget) || !strings.Contains(err.Error(), "logits") {
			t.Errorf("a probability was shared out: %v", err)
		}
	})
}
