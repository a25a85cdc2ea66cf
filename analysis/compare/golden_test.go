package compare_test

import (
	"context"
	"math"
	"path/filepath"
	"slices"
	"strings"
	"testing"

	"github.com/seed-516990b0/golxmert/analysis"
	"github.com/seed-516990b0/golxmert/analysis/attention"
	"github.com/seed-516990b0/golxmert/analysis/compare"
	"github.com/seed-516990b0/golxmert/analysis/internal/goldencase"
	"github.com/seed-516990b0/golxmert/analysis/probe"
	"github.com/seed-516990b0/golxmert/analysis/relevance"
	"github.com/seed-516990b0/golxmert/internal/goldentest"
	"github.com/seed-516990b0/golxmert/internal/roundingtest"
	"github.com/seed-516990b0/golxmert/lxmert"
	"github.com/seed-516990b0/golxmert/lxmert/backend"
	"github.com/seed-516990b0/golxmert/lxmert/backend/backendtest"
	"github.com/seed-516990b0/golxmert/lxmert/lxrt"
	"github.com/seed-516990b0/golxmert/lxmert/lxrt/lxrttest"
	"github.com/seed-516990b0/golxmert/lxmert/weights"
)

func TestMain(m *testing.M) { backendtest.Main(m) }

// What the golden files' README gives for series.
var (
	ofLogits     = goldentest.Tolerance{Relative: 1.6e-5, Absolute: 3e-6}
	ofDivergence = goldentest.Tolerance{Relative: 6.2e-5, Absolute: 3e-6}
	ofRelevance  = goldentest.Tolerance{Relative: 1.2e-4, Absolute: 3e-6}
	ofCKA        = goldentest.Tolerance{Relative: 3e-6, Absolute: 3e-6}
	exactly      = goldentest.Tolerance{Relative: 1e-12, Absolute: 1e-12}
)

// models are the golden's model and the second one that the file has the weights of, opened on a backend.
func models(t *testing.T, back *backend.Backend, folder string, golden *goldentest.File) (a, b compare.Model, files [2]compare.Weights, batch *lxmert.Batch) {
	t.Helper()
	first, err := weights.OpenModel(filepath.Join(folder, "weights.safetensors"), "")
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { first.Close() })
	var items []weights.Item
	for _, p := range first.Config.Params() {
		items = append(items, weights.FromFloats(p.Name, p.Shape, golden.Float32s("series.w."+p.Name), weights.F32))
	}
	golden.Use("series.w." + lxmert.TiedDecoder)
	path := filepath.Join(t.TempDir(), "second.safetensors")
	if err := weights.Save(path, first.Config, items, nil); err != nil {
		t.Fatal(err)
	}
	second, err := weights.OpenModel(path, "")
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { second.Close() })
	eng, batch := lxrttest.Open(t, back, folder)
	other, err := lxrt.Open(back, path, "", lxrt.Options{})
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { other.Close() })
	head, err := eng.Config().AnswerHead()
	if err != nil {
		t.Fatal(err)
	}
	return compare.Model{Name: "A", Engine: eng, Head: head}, compare.Model{Name: "B", Engine: other, Head: head}, [2]compare.Weights{first, second}, batch
}

// asked is a batch as questions.
func asked(b *lxmert.Batch) compare.Asked {
	return compare.Asked{Batch: b, Questions: make([]lxmert.Question, b.Rows())}
}

// once is one batch.
func once(x compare.Asked) func(yield func(compare.Asked, error) bool) {
	return func(yield func(compare.Asked, error) bool) { yield(x, nil) }
}

func run(t *testing.T, a, b compare.Model, x compare.Asked, opt compare.Options) *compare.Comparison {
	t.Helper()
	c, err := compare.Run(context.Background(), a, b, once(x), opt)
	if err != nil {
		t.Fatal(err)
	}
	return c
}

func TestTwoModelsEqualReference(t *testing.T) {
	backendtest.Each(t, func(t *testing.T, back *backend.Backend) {
		goldentest.Each(t, "analysis", func(t *testing.T, folder string) {
			golden := goldencase.Open(t, folder, "series")
			a, b, files, batch := models(t, back, folder, golden.File)
			c := run(t, a, b, asked(batch), compare.Options{Show: 3, Weights: files})
			got := numbers(t, a, b, batch)
			within := reach(t, folder, golden.File)
			for name, values := range got {
				tolerance := ofLogits
				switch {
				case strings.HasPrefix(name, "series.jsd."):
					tolerance = ofDivergence
				case strings.HasPrefix(name, "series.rel."):
					tolerance = ofRelevance
				case strings.HasPrefix(name, "series.cka."):
					tolerance = ofCKA
				}
				golden.CompareWide(name, values, tolerance.WithReach(within[name]))
			}
			checkAnswers(t, c, golden, within["series.qa"])
			checkHeads(t, c, got)
			for stream, m := range map[string]*analysis.Matrix{"t": c.Words, "i": c.Regions} {
				name := "series.cka." + stream + ".debiased"
				golden.CompareWide(name, slices.Concat(m.Panels[0].Values...), ofCKA.WithReach(within[name]))
			}
			var distances []float64
			for _, d := range c.Moved.Blocks {
				distances = append(distances, d.Relative)
			}
			golden.CompareWide("series.distance", distances, exactly)
			checkSpearman(t, c, golden, folder, a, b, batch)
		})
	})
}

// numbers are what a golden file has of two models, by its names.
func numbers(t *testing.T, a, b compare.Model, batch *lxmert.Batch) map[string][]float64 {
	t.Helper()
	ctx, out := context.Background(), map[string][]float64{}
	want := lxmert.Request{Want: lxmert.All("out.qa", "hid.t.*", "hid.i.*"), NoRegions: batch.NoRegions()}
	for _, name := range a.Engine.Config().Maps() {
		want.Want = append(want.Want, lxmert.Read{Name: name})
	}
	var traces [2]*lxmert.Trace
	for i, m := range []compare.Model{a, b} {
		trace, err := m.Engine.Run(ctx, batch, want)
		if err != nil {
			t.Fatal(err)
		}
		traces[i] = trace
	}
	for _, x := range traces[1].Values["out.qa"].Data {
		out["series.qa"] = append(out["series.qa"], float64(x))
	}
	maps := [2]*attention.Maps{attention.From(a.Engine.Config(), traces[0]), attention.From(b.Engine.Config(), traces[1])}
	for _, name := range maps[0].Names {
		for row := range batch.Rows() {
			d, err := maps[0].Between(maps[1], name, row)
			if err != nil {
				t.Fatal(err)
			}
			out["series.jsd."+name] = append(out["series.jsd."+name], d...)
		}
		out["series.jsd."+name+".mean"] = []float64{analysis.Mean(out["series.jsd."+name])}
	}
	states := [2]*probe.States{probe.StatesOf(a.Engine.Config(), traces[0]), probe.StatesOf(b.Engine.Config(), traces[1])}
	for stream, letter := range map[analysis.Stream]string{analysis.WordStream: "t", analysis.RegionStream: "i"} {
		levels := analysis.Levels(a.Engine.Config(), stream)
		for _, one := range levels {
			for _, two := range levels {
				x, y := states[0].Valid(one), states[1].Valid(two)
				out["series.cka."+letter+".biased"] = append(out["series.cka."+letter+".biased"], probe.LinearCKA(x, y))
				out["series.cka."+letter+".debiased"] = append(out["series.cka."+letter+".debiased"], probe.DebiasedCKA(x, y))
			}
		}
	}
	for _, s := range explained(t, b, batch, answersOf(traces[0])) {
		out["series.rel.words"] = append(append(out["series.rel.words"], s.Words...), make([]float64, batch.T()-len(s.Words))...)
		out["series.rel.rois"] = append(out["series.rel.rois"], s.Regions...)
	}
	return out
}

// answersOf are the most probable classes.
func answersOf(trace *lxmert.Trace) (classes []int) {
	logits := trace.Values["out.qa"]
	for row := range logits.Shape[0] {
		x := logits.Row(row).Data
		classes = append(classes, slices.Index(x, slices.Max(x)))
	}
	return classes
}

func explained(t *testing.T, m compare.Model, batch *lxmert.Batch, classes []int) []analysis.Scores {
	t.Helper()
	scores, err := relevance.BiModal(context.Background(), m.Engine, batch, analysis.Answer(classes...), relevance.Options{})
	if err != nil {
		t.Fatal(err)
	}
	return scores
}

// reach says how far rounding may move the numbers: that of the first model, and that of the second.
func reach(t *testing.T, folder string, golden *goldentest.File) map[string]float64 {
	t.Helper()
	a, b, _, batch := models(t, backendtest.Open(t, "go"), folder, golden)
	with := func(a, b lxmert.Engine) map[string][]float64 {
		return numbers(t, compare.Model{Engine: a}, compare.Model{Engine: b}, batch)
	}
	sum := roundingtest.Reach(t, a.Engine, roundingtest.Float32, func(eng lxmert.Engine) map[string][]float64 { return with(eng, b.Engine) })
	for name, x := range roundingtest.Reach(t, b.Engine, roundingtest.Float32, func(eng lxmert.Engine) map[string][]float64 { return with(a.Engine, eng) }) {
		sum[name] += x
	}
	return sum
}

// checkAnswers compares which answers changed, but for those of which rounding decides.
func checkAnswers(t *testing.T, c *compare.Comparison, golden goldencase.File, reach float64) {
	t.Helper()
	logits, classes := golden.Floats("series.qa"), golden.Shape("series.qa")[1]
	sure, changed := 0, 0
	for i, want := range golden.Ints("series.changed") {
		x := slices.Clone(logits[i*classes : (i+1)*classes])
		slices.Sort(x)
		if x[classes-1]-x[classes-2] <= 2*(reach+ofLogits.Absolute+ofLogits.Relative*max(x[classes-1], -x[0])) {
			continue
		}
		sure++
		changed += want
		if got := c.Questions[i].Changed; got != (want == 1) {
			t.Errorf("question %d: changed is %v, expected %d", i, got, want)
		}
	}
	if fraction := golden.Floats("series.changed.fraction")[0]; sure == len(c.Questions) && math.Abs(float64(c.ChangedAnswers())/float64(len(c.Questions))-fraction) > 1e-12 {
		t.Errorf("%d answers of %d changed, expected a share of %g", c.ChangedAnswers(), len(c.Questions), fraction)
	}
	if pairs := len(c.Pairs); pairs != min(3, max(1, c.ChangedAnswers())) {
		t.Errorf("%d questions are explained, %d answers changed", pairs, c.ChangedAnswers())
	}
}

// checkHeads compares the matrix of heads with the divergences of single examples.
func checkHeads(t *testing.T, c *compare.Comparison, of map[string][]float64) {
	t.Helper()
	m, ok := c.Heads()
	if !ok {
		t.Fatal("no attention is compared")
	}
	for i, name := range m.Rows.Labels {
		got := m.Panels[0].Values[i]
		for h, x := range got {
			sum, n := 0.0, 0.0
			for k := h; k < len(of["series.jsd."+name]); k += len(got) {
				sum, n = sum+of["series.jsd."+name][k], n+1
			}
			if math.Abs(x-sum/n) > 1e-12 {
				t.Errorf("%s head %d: %g, the mean over examples is %g", name, h, x, sum/n)
			}
		}
	}
}

// checkSpearman compares rank correlations of stored relevance exactly, and those of the comparison with relevance that the models have
// here: rounding may turn the order of words that are nearly equally relevant.
func checkSpearman(t *testing.T, c *compare.Comparison, golden goldencase.File, folder string, a, b compare.Model, batch *lxmert.Batch) {
	t.Helper()
	rel := goldencase.Open(t, folder, "rel")
	rel.Use("")
	stored := func(words, rois []float64) (all []analysis.Scores) {
		n, v := len(words)/batch.Rows(), batch.V()
		for row := range batch.Rows() {
			all = append(all, analysis.NewScores(analysis.Meta{}, batch, row, words[row*n:(row+1)*n], rois[row*v:(row+1)*v]))
		}
		return all
	}
	one, two := stored(rel.Floats("rel.qa.words"), rel.Floats("rel.qa.rois")), stored(golden.Floats("series.rel.words"), golden.Floats("series.rel.rois"))
	var got []float64
	for i := range one {
		x := compare.Agreement(one[i], two[i])
		got = append(got, x[:]...)
	}
	golden.CompareWide("series.spearman", got, exactly)
	trace, err := a.Engine.Run(context.Background(), batch, lxmert.Request{Want: lxmert.All("out.qa")})
	if err != nil {
		t.Fatal(err)
	}
	classes := answersOf(trace)
	own, others := explained(t, a, batch, classes), explained(t, b, batch, classes)
	for i, q := range c.Questions {
		if want := compare.Agreement(own[i], others[i]); q.Spearman != want {
			t.Errorf("question %d: rank correlations %v, of the same explanations %v", i, q.Spearman, want)
		}
	}
}
