package relevance_test

import (
	"context"
	"fmt"
	"math"
	"slices"
	"strings"
	"testing"

	"github.com/seed-516990b0/golxmert/analysis"
	"github.com/seed-516990b0/golxmert/analysis/internal/goldencase"
	"github.com/seed-516990b0/golxmert/analysis/relevance"
	"github.com/seed-516990b0/golxmert/lxmert"
)

func perturb(t *testing.T, eng lxmert.Engine, b *lxmert.Batch, scores []analysis.Scores, opt relevance.PerturbOptions) *relevance.Perturbation {
	t.Helper()
	p, err := relevance.Perturb(context.Background(), eng, b, scores, opt)
	if err != nil {
		t.Fatal(err)
	}
	return p
}

func TestPerturbationEqualsReference(t *testing.T) {
	eachGolden(t, func(t *testing.T, eng *engine, b *lxmert.Batch, folder string) {
		golden := goldencase.Open(t, folder, "pert")
		steps := golden.Floats("pert.steps")
		if !slices.Equal(steps, relevance.PublishedSteps()) {
			t.Errorf("steps %v, expected %v", relevance.PublishedSteps(), steps)
		}
		counts := golden.Shape("pert.keep_table")[1]
		for i, want := range golden.Ints("pert.keep_table") {
			if got := relevance.Keep(steps[i/counts], i%counts); got != want {
				t.Errorf("of %d features %d are left at step %g, expected %d", i%counts, got, steps[i/counts], want)
			}
		}
		flatLabels := golden.Floats("pert.labels")
		var labels [][]float64
		for row := range b.Rows() {
			n := len(flatLabels) / b.Rows()
			labels = append(labels, flatLabels[row*n:(row+1)*n])
		}
		// Scores of padding do not belong in a ranking; those of the engine are close enough to rank alike.
		scores := biModal(t, eng, b, analysis.Predicted(), relevance.Options{})
		p := perturb(t, eng, b, scores, relevance.PerturbOptions{Labels: labels, Random: -1, Modalities: []string{"text", "image"}})
		for _, order := range []string{"negative", "positive"} {
			for _, modality := range []string{"text", "image"} {
				var prob, accuracy []float64
				var areas [2]float64
				for _, trial := range p.Trials {
					if trial.Order == order && trial.Modality == modality {
						prob, accuracy = append(prob, trial.Probability...), append(accuracy, trial.Accuracy...)
						areas[0] += trial.AUC(trial.Accuracy) / float64(b.Rows())
						areas[1] += trial.AUC(trial.Probability) / float64(b.Rows())
					}
				}
				prefix := strings.Join([]string{"pert", order, modality, ""}, ".")
				golden.Compare(prefix+"prob", prob)
				golden.Compare(prefix+"score", accuracy)
				golden.Compare(prefix+"auc", areas[:])
				curve, err := p.Curve(modality, "accuracy")
				if err != nil {
					t.Fatal(err)
				}
				for _, s := range curve.Series {
					if s.Name == order && math.Abs(s.Area-areas[0]) > 1e-12 {
						t.Errorf("the curve's area is %g, expected %g", s.Area, areas[0])
					}
				}
			}
		}
	})
}

func TestRemovingAllRegionsIsNotMaskingThemAll(t *testing.T) {
	onGo(t, func(t *testing.T, eng *engine, b *lxmert.Batch, _ string) {
		scores := biModal(t, eng, b, analysis.Predicted(), relevance.Options{})
		p := perturb(t, eng, b, scores, relevance.PerturbOptions{Modalities: []string{"image"}, Random: -1, EveryStep: true})
		none := *b
		none.Feats, none.Boxes = lxmert.NewTensor(b.Rows(), 0, b.Feats.Shape[2]), lxmert.NewTensor(b.Rows(), 0, b.Boxes.Shape[2])
		want := predict(t, eng, &none, predict(t, eng, b, nil))
		whole := predict(t, eng, b, predict(t, eng, b, nil))
		differ := false
		for _, trial := range p.Trials {
			last := trial.Probability[len(trial.Probability)-1]
			if w := want[trial.Example]; math.Abs(last-w) > 1e-5 {
				t.Errorf("row %d: without regions the answer has %g, expected %g", trial.Example, last, w)
			}
			if first := trial.Probability[0]; math.Abs(first-whole[trial.Example]) > 1e-5 {
				t.Errorf("row %d: with all regions the answer has %g, expected %g", trial.Example, first, whole[trial.Example])
			}
			differ = differ || math.Abs(want[trial.Example]-whole[trial.Example]) > 1e-2
		}
		if !differ {
			t.Error("regions make no difference to any answer, so this shows nothing")
		}
	})
}

// predict returns the probabilities of given answers, or with nil the most probable answers themselves.
func predict(t *testing.T, eng lxmert.Engine, b *lxmert.Batch, answers []float64) []float64 {
	t.Helper()
	trace, err := eng.Run(context.Background(), b, lxmert.Request{Want: lxmert.All("out.qa")})
	if err != nil {
		t.Fatal(err)
	}
	var out []float64
	for n := range b.Rows() {
		logits := trace.Values["out.qa"].Row(n).Data
		if answers == nil {
			out = append(out, float64(slices.Index(logits, slices.Max(logits))))
			continue
		}
		sum := 0.0
		for _, x := range logits {
			sum += math.Exp(float64(x - logits[int(answers[n])]))
		}
		out = append(out, 1/sum)
	}
	return out
}

func TestRandomRankingsHaveNoGapOnAverageAndComeFromTheSeed(t *testing.T) {
	onGo(t, func(t *testing.T, eng *engine, b *lxmert.Batch, _ string) {
		scores := biModal(t, eng, b, analysis.Predicted(), relevance.Options{})
		opt := relevance.PerturbOptions{Random: 3, Seed: 7}
		first, again := perturb(t, eng, b, scores, opt), perturb(t, eng, b, scores, opt)
		opt.Seed = 8
		other := perturb(t, eng, b, scores, opt)
		same, differ := true, false
		for i, trial := range first.Trials {
			same = same && slices.Equal(trial.Probability, again.Trials[i].Probability)
			differ = differ || !slices.Equal(trial.Probability, other.Trials[i].Probability)
		}
		if !same || !differ {
			t.Errorf("the same seed repeats: %v; another seed differs: %v", same, differ)
		}
		table := first.Table()
		gaps := 0
		for _, row := range table.Rows {
			if row[2] == "gap" {
				gaps++
				if low, mean, high := row[4].(float64), row[3].(float64), row[5].(float64); !(low <= mean && mean <= high) {
					t.Errorf("%s: the interval %g to %g is not around %g", row[0], low, high, mean)
				}
			}
		}
		if gaps != 3 {
			t.Errorf("%d gaps, expected one for each of text, image and joint", gaps)
		}
		n := first.N
		first.Add(again)
		if first.N != 2*n || first.Trials[len(first.Trials)-1].Example != 2*n-1 {
			t.Errorf("two batches of %d examples make %d", n, first.N)
		}
	})
}

func TestRandomRankingsOfAPartAreThoseOfTheWhole(t *testing.T) {
	onGo(t, func(t *testing.T, eng *engine, b *lxmert.Batch, _ string) {
		b = rowsOf(b, 0, 1, 2)
		scores := biModal(t, eng, b, analysis.Predicted(), relevance.Options{})
		opt := relevance.PerturbOptions{Random: 2, Seed: 7, EveryStep: true}
		whole := perturb(t, eng, b, scores, opt)
		opt.First = 2
		part := perturb(t, eng, rowsOf(b, 2), scores[2:], opt)
		var want []relevance.Trial
		for _, trial := range whole.Trials {
			if trial.Example == 2 {
				want = append(want, trial)
			}
		}
		for i, trial := range part.Trials {
			if trial.Order != want[i].Order || !slices.Equal(trial.Steps, want[i].Steps) || !alike(trial.Probability, want[i].Probability) {
				t.Errorf("%s of %s: %v, in the whole %v", trial.Order, trial.Modality, trial.Probability, want[i].Probability)
			}
		}
		opt.First = 3
		if other := perturb(t, eng, rowsOf(b, 2), scores[2:], opt); !slices.ContainsFunc(other.Trials, func(o relevance.Trial) bool {
			i := slices.IndexFunc(part.Trials, func(p relevance.Trial) bool { return p.Order == o.Order && p.Modality == o.Modality })
			return o.Order == "random" && !alike(o.Probability, part.Trials[i].Probability)
		}) {
			t.Error("another example has the same random rankings")
		}
	})
}

func TestOfEqualScoresTheLowerIndexStaysLonger(t *testing.T) {
	onGo(t, func(t *testing.T, eng *engine, b *lxmert.Batch, _ string) {
		b = rowsOf(b, 0)
		scores := biModal(t, eng, b, analysis.Predicted(), relevance.Options{})
		scores[0].Words, scores[0].Regions = make([]float64, len(b.IDs[0])), make([]float64, b.V())
		p := perturb(t, eng, b, scores, relevance.PerturbOptions{Random: -1, EveryStep: true, Modalities: []string{"image"}})
		answers := predict(t, eng, b, nil)
		for _, trial := range p.Trials {
			for i := range b.V() {
				left := *b
				left.RegionMask = [][]float32{make([]float32, b.V())}
				for v := range b.V() - i {
					left.RegionMask[0][v] = 1
				}
				if want := predict(t, eng, &left, answers)[0]; math.Abs(trial.Probability[i]-want) > 1e-5 {
					t.Errorf("%s: with %d regions gone the answer has %g, with the last ones gone %g", trial.Order, i, trial.Probability[i], want)
				}
			}
		}
	})
}

func TestBrokenTrialsAreNotCounted(t *testing.T) {
	for want, trial := range map[string]relevance.Trial{
		`modality "sound"`: {Modality: "sound", Order: "random", Steps: []float64{0, 1}, Probability: []float64{1, 0}},
		`order "best"`:     {Modality: "text", Order: "best", Steps: []float64{0, 1}, Probability: []float64{1, 0}},
		"1 probabilities":  {Modality: "text", Order: "random", Steps: []float64{0, 1}, Probability: []float64{1}},
		"0 steps":          {Modality: "text", Order: "random"},
		"3 accuracies":     {Modality: "text", Order: "random", Steps: []float64{0, 1}, Probability: []float64{1, 0}, Accuracy: []float64{1, 1, 1}},
		"do not ascend":    {Modality: "text", Order: "random", Steps: []float64{0, 0}, Probability: []float64{1, 0}},
	} {
		tally := relevance.NewTally(false)
		if err := tally.Add([]relevance.Trial{trial}); err == nil || !strings.Contains(err.Error(), want) || tally.N != 0 {
			t.Errorf("error %v after %d examples, expected one with %q", err, tally.N, want)
		}
	}
}

func TestIntegerPartOfFloatStepsIsReproduced(t *testing.T) {
	for _, c := range []struct {
		step float64
		n    int
		want int
	}{{0.8, 5, 0}, {0.9, 10, 0}, {0.75, 4, 1}, {0, 7, 7}, {1, 7, 0}, {0.5, 0, 0}} {
		if got := relevance.Keep(c.step, c.n); got != c.want {
			t.Errorf("Keep(%g, %d) = %d, expected %d", c.step, c.n, got, c.want)
		}
	}
}

func TestBadPerturbationsAreErrors(t *testing.T) {
	onGo(t, func(t *testing.T, eng *engine, b *lxmert.Batch, _ string) {
		scores := biModal(t, eng, b, analysis.Predicted(), relevance.Options{})
		last := b.Rows() - 1
		broken := slices.Clone(scores)
		broken[last].Regions = slices.Clone(broken[last].Regions)
		broken[last].Regions[0] = math.NaN()
		short := slices.Clone(scores)
		short[1].Words = short[1].Words[1:]
		for name, c := range map[string]struct {
			scores []analysis.Scores
			opt    relevance.PerturbOptions
			want   string
		}{
			"too few":  {scores[1:], relevance.PerturbOptions{}, fmt.Sprintf("%d examples for a batch of %d", last, last+1)},
			"NaN":      {broken, relevance.PerturbOptions{}, fmt.Sprint("row ", last)},
			"words":    {short, relevance.PerturbOptions{}, "row 1"},
			"modality": {scores, relevance.PerturbOptions{Modalities: []string{"sound"}}, `"sound"`},
			"labels":   {scores, relevance.PerturbOptions{Labels: [][]float64{{1}}}, "labels of 1"},
		} {
			if _, err := relevance.Perturb(context.Background(), eng, b, c.scores, c.opt); err == nil || !strings.Contains(err.Error(), c.want) {
				t.Errorf("%s: error %v, expected one with %q", name, err, c.want)
			}
		}
	})
}
