package relevance_test

import (
	"context"
	"errors"
	"math"
	"slices"
	"strings"
	"testing"

	"github.com/seed-516990b0/golxmert/analysis"
	"github.com/seed-516990b0/golxmert/analysis/relevance"
	"github.com/seed-516990b0/golxmert/lxmert"
)

// alike reports whether two lists are the same up to the engine's precision, which is relative to the largest of their entries.
func alike(a, b []float64) bool {
	limit := 2e-4
	for _, x := range b {
		limit = max(limit, 2e-4*math.Abs(x))
	}
	return len(a) == len(b) && !slices.ContainsFunc(minus(a, b), func(d float64) bool { return !(math.Abs(d) < limit) })
}

func minus(a, b []float64) []float64 {
	d := make([]float64, len(a))
	for i := range a {
		d[i] = a[i] - b[i]
	}
	return d
}

// rowsOf is the batch of some rows alone.
func rowsOf(b *lxmert.Batch, rows ...int) *lxmert.Batch {
	return b.Part(rows...)
}

func explain(t *testing.T, m relevance.NamedMethod, eng lxmert.Engine, b *lxmert.Batch, target analysis.Target) []analysis.Scores {
	t.Helper()
	scores, err := m.Run(context.Background(), eng, b, target)
	if err != nil {
		t.Fatalf("%s: %v", m.Name, err)
	}
	return scores
}

// ofProbability says that a target is not of logits alone.
func ofProbability(t *testing.T, eng lxmert.Engine, b *lxmert.Batch, target analysis.Target) bool {
	t.Helper()
	bound, err := target.Bind(t.Context(), eng, b)
	if err != nil {
		t.Fatal(err)
	}
	return slices.ContainsFunc(bound.Terms, func(term lxmert.Term) bool { return term.Kind != lxmert.Logit })
}

// methods are all methods, with few enough nodes on the path of integrated gradients to try them often.
func methods() []relevance.NamedMethod {
	all := relevance.Methods()
	for i := range all {
		if all[i].Name == "ig" {
			all[i].Run = func(ctx context.Context, eng lxmert.Engine, b *lxmert.Batch, target analysis.Target) ([]analysis.Scores, error) {
				return relevance.IntegratedGradients(ctx, eng, b, target, relevance.PathOptions{Nodes: 8, MaxNodes: 8})
			}
		}
	}
	return all
}

// withWords are the first rows, at most n of them, that have two words between [CLS] and [SEP].
func withWords(b *lxmert.Batch, n int) *lxmert.Batch {
	var rows []int
	for row := range b.Rows() {
		if len(rows) < n && len(analysis.InnerWords(b, row)) >= 2 {
			rows = append(rows, row)
		}
	}
	return rowsOf(b, rows...)
}

func TestEveryMethodExplainsEveryHead(t *testing.T) {
	onGo(t, func(t *testing.T, eng *engine, b *lxmert.Batch, folder string) {
		b = withWords(b, 4)
		task := []analysis.Target{analysis.Predicted(), analysis.Answer(taskClasses - 1), analysis.Answer(0).As(lxmert.LogProb)}
		for name, c := range map[string]struct {
			eng     *engine
			targets []analysis.Target
			output  string
		}{
			"pre-training": {eng, []analysis.Target{
				analysis.Predicted(), analysis.Match(), analysis.MatchDifference(), analysis.Answer(1).As(lxmert.LogProb),
				analysis.MaskedWord(2), analysis.MaskedRegion(1, "object"), analysis.MaskedRegion(1, "attr").Unmasked(),
			}, ""},
			"one picture":  {withTask(t, folder, 1, eng.Config().Special.Mask), task, "out.task"},
			"two pictures": {withTask(t, folder, 2, eng.Config().Special.Mask), task, "out.task"},
		} {
			if head, err := c.eng.Config().AnswerHead(); c.output != "" && head.Output != c.output {
				t.Fatalf("%s: the model answers with %q (%v)", name, head.Output, err)
			}
			for _, m := range methods() {
				for _, target := range c.targets {
					if m.Name == "attnlrp" && ofProbability(t, c.eng, b, target) {
						if _, err := m.Run(t.Context(), c.eng, b, target); !errors.Is(err, analysis.ErrTarget) {
							t.Errorf("%s, %s: %s: %v", name, m.Name, target, err)
						}
						continue
					}
					for n, s := range explain(t, m, c.eng, b, target) {
						if len(s.Words) != len(b.IDs[n]) || len(s.Regions) != b.V() || len(s.Boxes) != b.V() {
							t.Errorf("%s, %s: %s: row %d has %d words, %d regions, %d boxes", name, m.Name, target, n, len(s.Words), len(s.Regions), len(s.Boxes))
						}
						if s.Method == "" || s.Target == "" || s.N != 1 || s.Model.Hash == "" {
							t.Errorf("%s, %s: row %d does not say what it is: %+v", name, m.Name, n, s.Meta)
						}
						if slices.ContainsFunc(slices.Concat(s.Words, s.Regions), math.IsNaN) {
							t.Errorf("%s, %s: %s: row %d has NaN", name, m.Name, target, n)
						}
					}
				}
			}
		}
	})
}

func TestPermutingRegionsPermutesTheirScores(t *testing.T) {
	onGo(t, func(t *testing.T, eng *engine, b *lxmert.Batch, _ string) {
		v := b.V()
		c := *b
		c.Feats, c.Boxes = lxmert.NewTensor(b.Feats.Shape...), lxmert.NewTensor(b.Boxes.Shape...)
		for n := range b.Rows() {
			for i := range v {
				copy(c.Feats.Row(n).Row(i).Data, b.Feats.Row(n).Row((i+2)%v).Data)
				copy(c.Boxes.Row(n).Row(i).Data, b.Boxes.Row(n).Row((i+2)%v).Data)
			}
		}
		for _, m := range methods() {
			plain, moved := explain(t, m, eng, b, analysis.Answer(1)), explain(t, m, eng, &c, analysis.Answer(1))
			for n := range plain {
				want := append(slices.Clone(plain[n].Regions[2:]), plain[n].Regions[:2]...)
				if !alike(moved[n].Regions, want) || !alike(moved[n].Words, plain[n].Words) {
					t.Errorf("%s: row %d is %v, expected %v", m.Name, n, moved[n].Regions, want)
				}
			}
		}
	})
}

func TestRowsThatShareATextAreExplainedOneByOne(t *testing.T) {
	onGo(t, func(t *testing.T, eng *engine, b *lxmert.Batch, _ string) {
		shared := *b
		shared.Pairs = [][2]int{{0, 0}, {0, 1}, {2, 1}}
		target := analysis.Answer(1)
		together := biModal(t, eng, &shared, target, relevance.Options{})
		for n, pair := range shared.Pairs {
			one := shared
			one.Pairs = [][2]int{pair}
			alone := biModal(t, eng, &one, target, relevance.Options{})[0]
			if !alike(together[n].Words, alone.Words) || !alike(together[n].Regions, alone.Regions) {
				t.Errorf("pair %v is %v in the batch, alone %v", pair, together[n].Words, alone.Words)
			}
		}
	})
}

func TestRelevanceWithoutGradientIsTheUnitMatrixNotNaN(t *testing.T) {
	onGo(t, func(t *testing.T, eng *engine, b *lxmert.Batch, _ string) {
		_, rows, err := relevance.States(context.Background(), eng, b, analysis.Times(0, analysis.Answer(1)), relevance.Options{}, false)
		if err != nil {
			t.Fatal(err)
		}
		for n, states := range rows {
			for i, row := range states[0].Words {
				for j, x := range row {
					if want := map[bool]float64{true: 1}[i == j]; x != want {
						t.Fatalf("row %d: relevance of word %d for word %d is %g", n, j, i, x)
					}
				}
			}
			if slices.ContainsFunc(flat(states[0].WordRegions), func(x float64) bool { return x != 0 }) {
				t.Errorf("row %d: regions have relevance %v", n, states[0].WordRegions)
			}
		}
	})
}

func TestMinMaxOfAConstantIsZero(t *testing.T) {
	for _, c := range []struct{ in, want []float64 }{
		{[]float64{3, 3, 3}, []float64{0, 0, 0}}, {[]float64{0}, []float64{0}}, {nil, []float64{}}, {[]float64{1, 3, 2}, []float64{0, 1, .5}},
	} {
		if got := relevance.MinMax(c.in); !slices.Equal(got, c.want) {
			t.Errorf("MinMax(%v) = %v, expected %v", c.in, got, c.want)
		}
	}
}

func TestScoresReadAtSeveralPlacesNeedAGradientMethod(t *testing.T) {
	onGo(t, func(t *testing.T, eng *engine, b *lxmert.Batch, _ string) {
		b = withWords(b, 2)
		two := analysis.Sum(analysis.MaskedWord(1), analysis.Times(-1, analysis.MaskedWord(2)))
		if _, err := relevance.BiModal(context.Background(), eng, b, two, relevance.Options{}); !errors.Is(err, analysis.ErrTarget) {
			t.Errorf("error %v, expected one about the target", err)
		}
		if _, err := relevance.GradientTimesInput(context.Background(), eng, b, two); err != nil {
			t.Error(err)
		}
	})
}

func TestUnknownMethodsAreNamedWithTheKnownOnes(t *testing.T) {
	if _, err := relevance.Find("lime"); err == nil || !strings.Contains(err.Error(), "rollout") {
		t.Errorf("error %v", err)
	}
	for _, m := range relevance.Methods() {
		if found, err := relevance.Find(m.Name); err != nil || found.About != m.About {
			t.Errorf("%s: %v", m.Name, err)
		}
	}
}

func TestCancelledContextEndsMethods(t *testing.T) {
	onGo(t, func(t *testing.T, eng *engine, b *lxmert.Batch, _ string) {
		ctx, cancel := context.WithCancel(context.Background())
		cancel()
		for _, m := range relevance.Methods() {
			if _, err := m.Run(ctx, eng, b, analysis.Answer(0)); !errors.Is(err, context.Canceled) {
				t.Errorf("%s: error %v", m.Name, err)
			}
		}
	})
}
