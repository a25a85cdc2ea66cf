package compare_test

import (
	"context"
	"errors"
	"fmt"
	"math"
	"slices"
	"strings"
	"testing"

	"github.com/seed-516990b0/golxmert/analysis"
	"github.com/seed-516990b0/golxmert/analysis/compare"
	"github.com/seed-516990b0/golxmert/lxmert"
	"github.com/seed-516990b0/golxmert/lxmert/backend/backendtest"
	"github.com/seed-516990b0/golxmert/lxmert/lxrt"
	"github.com/seed-516990b0/golxmert/lxmert/lxrt/lxrttest"
	"github.com/seed-516990b0/golxmert/lxmert/train"
)

// small is a model of a task with random weights, and what it takes.
func small(t *testing.T, seed uint64, change func(*lxmert.Config)) (compare.Model, *train.Initial) {
	t.Helper()
	cfg := lxmert.Config{LangLayers: 2, RegionLayers: 1, CrossLayers: 2, Hidden: 12, Heads: 3, Intermediate: 16, Vocab: 40, MaxPositions: 16, TokenTypes: 2,
		FeatDim: 6, BoxDim: 4, TaskImages: 1, TaskClasses: 5, Activation: "gelu"}
	if change != nil {
		change(&cfg)
	}
	weights := &train.Initial{Config: cfg, Seed: seed, Range: 0.3}
	m, err := lxrt.New(backendtest.Open(t, "go").Backend, cfg, weights, lxrt.Options{})
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { m.Close() })
	head, err := cfg.AnswerHead()
	if err != nil && cfg.TaskClasses > 0 {
		t.Fatal(err)
	}
	for k := range head.Classes {
		head.Answers = append(head.Answers, fmt.Sprintf("answer %c", 'a'+k))
	}
	return compare.Model{Name: fmt.Sprintf("model %d", seed), Engine: m, Head: head}, weights
}

// smallBatch are rows of three words and two regions that differ.
func smallBatch(rows int) *lxmert.Batch {
	b := &lxmert.Batch{Feats: lxmert.NewTensor(rows, 2, 6), Boxes: lxmert.NewTensor(rows, 2, 4)}
	for n := range rows {
		b.IDs = append(b.IDs, []int32{1, int32(4 + 3*n%30), int32(5 + 7*n%30), 2})
		for i := range 12 {
			b.Feats.Row(n).Data[i] = float32((5*n+3*i)%11)/5 - 1
		}
		for v := range 2 {
			copy(b.Boxes.Row(n).Row(v).Data, []float32{0.1 * float32(v), 0.1, 0.5 + 0.04*float32(n%5), 0.9})
		}
	}
	return b
}

func TestAModelBesideItselfHasNotChanged(t *testing.T) {
	lxrttest.OnGo(t, func(t *testing.T, eng lxmert.Engine, b *lxmert.Batch, _ string) {
		head, err := eng.Config().AnswerHead()
		if err != nil {
			t.Fatal(err)
		}
		c := run(t, compare.Model{Name: "it", Engine: eng, Head: head}, compare.Model{Name: "itself", Engine: eng, Head: head}, asked(b), compare.Options{})
		if n := c.ChangedAnswers(); n != 0 {
			t.Errorf("%d answers changed", n)
		}
		for i, q := range c.Questions {
			if q.Divergence != 0 || q.Probability[0][0] != q.Probability[0][1] {
				t.Errorf("question %d: divergence %g, probabilities %v", i, q.Divergence, q.Probability)
			}
			for _, x := range q.Spearman {
				if math.Abs(x-1) > 1e-12 && !math.IsNaN(x) {
					t.Errorf("question %d: rank correlations %v", i, q.Spearman)
				}
			}
		}
		for _, m := range []*analysis.Matrix{c.Words, c.Regions} {
			for k, row := range m.Panels[0].Values {
				if math.Abs(row[k]-1) > 1e-9 {
					t.Errorf("%s: %s beside itself has %g", m.Method, m.Rows.Labels[k], row[k])
				}
			}
		}
		if len(c.Pairs) != 1 {
			t.Errorf("%d questions are explained where none changed, expected one to look at", len(c.Pairs))
		}
	})
}

// TestBatchesChangeNothing of what is said of questions.
func TestBatchesChangeNothing(t *testing.T) {
	a, _ := small(t, 1, nil)
	b, _ := small(t, 2, nil)
	all := smallBatch(10)
	parts := func(sizes ...int) func(yield func(compare.Asked, error) bool) {
		return func(yield func(compare.Asked, error) bool) {
			first := 0
			for _, n := range sizes {
				var rows []int
				for row := range n {
					rows = append(rows, first+row)
				}
				first += n
				if !yield(asked(all.Part(rows...)), nil) {
					return
				}
			}
		}
	}
	var found []*compare.Comparison
	for _, sizes := range [][]int{{10}, {4, 1, 5}} {
		c, err := compare.Run(context.Background(), a, b, parts(sizes...), compare.Options{Show: 2})
		if err != nil {
			t.Fatal(err)
		}
		found = append(found, c)
	}
	for i, q := range found[0].Questions {
		other := found[1].Questions[i]
		if q.Answers != other.Answers || math.Abs(q.Divergence-other.Divergence) > 1e-5 || math.Abs(q.Probability[0][1]-other.Probability[0][1]) > 1e-5 {
			t.Errorf("question %d: %+v, in other batches %+v", i, q, other)
		}
	}
	one, _ := found[0].Heads()
	two, _ := found[1].Heads()
	for i, row := range one.Panels[0].Values {
		for h, x := range row {
			if math.Abs(x-two.Panels[0].Values[i][h]) > 1e-5 {
				t.Errorf("%s head %d: %g, in other batches %g", one.Rows.Labels[i], h, x, two.Panels[0].Values[i][h])
			}
		}
	}
	if found[0].ChangedAnswers() == 0 || len(found[0].Pairs) == 0 || found[0].Pairs[0].At != found[1].Pairs[0].At {
		t.Errorf("%d answers changed; explained first: %+v and %+v", found[0].ChangedAnswers(), found[0].Pairs, found[1].Pairs)
	}
	// On the page the row of an answer that is explained leads to the very question.
	page := found[0].Collection()
	if err := page.Check(); err != nil {
		t.Error(err)
	}
	var answers analysis.Table
	var pairs []analysis.Collection
	for _, r := range page.Results {
		switch r := r.(type) {
		case analysis.Table:
			if r.Examples != nil {
				answers = r
			}
		case analysis.Collection:
			pairs = append(pairs, r)
		}
	}
	led := 0
	for i, k := range answers.Examples {
		if k > 0 {
			led++
			if question := fmt.Sprint(answers.Rows[i][0]); !strings.HasPrefix(pairs[k-1].Title, question+" ") {
				t.Errorf("the row of %q leads to %q", question, pairs[k-1].Title)
			}
		}
	}
	if led == 0 {
		t.Errorf("of %d answers that changed none leads to one of %d explanations", len(answers.Rows), len(pairs))
	}
}

// TestAnswersAreComparedByName where the heads have other ones, or in another order.
func TestAnswersAreComparedByName(t *testing.T) {
	a, _ := small(t, 1, nil)
	b := a
	b.Name, b.Head.Answers = "renamed", []string{"answer e", "answer a", "answer b", "answer c", "another"} // class k is what a's class k-1 is
	x := asked(smallBatch(10))
	x.Right = make([]map[string]float64, 10)
	x.Right[3] = map[string]float64{"answer c": 1}
	c := run(t, a, b, x, compare.Options{})
	for i, q := range c.Questions {
		k := int(q.Answers[0][len("answer ")] - 'a')
		if q.Answers[1] != b.Head.Answers[k] || !q.Changed {
			t.Errorf("question %d: answers %q, changed %v", i, q.Answers, q.Changed)
		}
		if q.Probability[0][0] != q.Probability[1][1] { // one class of one model
			t.Errorf("question %d: probabilities %v", i, q.Probability)
		}
		if q.Answers[0] == "answer d" != math.IsNaN(q.Probability[0][1]) || q.Answers[0] == "answer d" != math.IsNaN(q.Spearman[2]) {
			t.Errorf("question %d: %q has the probability %g in the model that lacks answer d, and a rank correlation of %g", i, q.Answers[0], q.Probability[0][1], q.Spearman[2])
		}
		for k, right := range q.Right {
			want := math.NaN()
			if i == 3 {
				want = x.Right[3][q.Answers[k]]
			}
			if right != want && !(math.IsNaN(right) && math.IsNaN(want)) {
				t.Errorf("question %d: answer %q counts %g", i, q.Answers[k], right)
			}
		}
	}
	if !slices.ContainsFunc(c.Notes, func(note string) bool { return strings.Contains(note, "1 of the 5 answers") }) {
		t.Errorf("notes: %q", c.Notes)
	}
	for _, p := range c.Pairs { // each model's own answer, and the other's where it knows it
		q := c.Questions[p.At]
		for k, x := range p.Pictures[0] {
			others := 1
			if k == 0 && (q.Answers[1] == "another") || k == 1 && q.Answers[0] == "answer d" {
				others = 0
			}
			if x.Answers[0].Text != q.Answers[k] || len(x.Methods) != others {
				t.Errorf("%q in model %d: answers %v, %d further explanations", q.Answers, k, x.Answers, len(x.Methods))
			}
		}
	}
}

// TestModelsOfOtherSizesAreComparedInWhatTheyShare, and what is left out is said.
func TestModelsOfOtherSizesAreComparedInWhatTheyShare(t *testing.T) {
	a, weightsA := small(t, 1, nil)
	for name, test := range map[string]struct {
		change func(*lxmert.Config)
		note   string
		maps   int
	}{
		"layers":  {func(c *lxmert.Config) { c.LangLayers, c.CrossLayers = 1, 1 }, "5 maps of attention", 6},
		"heads":   {func(c *lxmert.Config) { c.Heads = 2 }, "Attention is not compared: one model has 3 heads in each map, the other 2", 0},
		"width":   {func(c *lxmert.Config) { c.Hidden, c.Intermediate = 24, 8 }, "", 11},
		"no head": {func(c *lxmert.Config) { c.TaskClasses, c.TaskImages = 0, 0 }, "Answers and relevance are not compared: one of the models has no head that answers", 11},
	} {
		b, weightsB := small(t, 2, test.change)
		c := run(t, a, b, asked(smallBatch(8)), compare.Options{Weights: [2]compare.Weights{weightsA, weightsB}})
		if !strings.Contains(strings.Join(c.Notes, "\n"), test.note) || len(c.Maps) != test.maps {
			t.Errorf("%s: %d maps, notes %q", name, len(c.Maps), c.Notes)
		}
		cfg := b.Engine.Config()
		if rows, cols := c.Words.Size(); rows != 5 || cols != 1+cfg.LangLayers+cfg.CrossLayers {
			t.Errorf("%s: CKA of %d x %d levels", name, rows, cols)
		}
		if left := slices.Contains(c.Moved.Others, "task head"); left != (name == "no head" || name == "width") {
			t.Errorf("%s: left out of the weights: %q", name, c.Moved.Others)
		}
		if err := c.Collection().Check(); err != nil {
			t.Errorf("%s: %v", name, err)
		}
		if name == "no head" && (len(c.Pairs) > 0 || strings.Contains(c.String(), "answers that changed")) {
			t.Errorf("%s: %s", name, c)
		}
	}
}

// TestStatementsAboutTwoPictures are one question with two rows each.
func TestStatementsAboutTwoPictures(t *testing.T) {
	two := func(c *lxmert.Config) { c.TaskImages, c.TaskClasses = 2, 2 }
	a, _ := small(t, 1, two)
	b, _ := small(t, 2, two)
	c := run(t, a, b, compare.Asked{Batch: smallBatch(12), Questions: make([]lxmert.Question, 6), IDs: []string{"q1"}}, compare.Options{Maps: true})
	if len(c.Questions) != 6 || c.Questions[0].ID != "q1" || c.Summary().N != 6 {
		t.Errorf("%d questions, the first is %q", len(c.Questions), c.Questions[0].ID)
	}
	for _, p := range c.Pairs {
		if len(p.Pictures) != 2 || len(p.Pictures[1][1].Maps) != len(b.Engine.Config().Maps()) {
			t.Errorf("question %d is explained about %d pictures", p.At, len(p.Pictures))
		}
	}
}

func TestModelsThatCannotBeShownTheSameInput(t *testing.T) {
	a, _ := small(t, 1, nil)
	renamed := a
	renamed.Name = "other"
	for want, b := range map[string]func() compare.Model{
		"takes 40 word pieces, model 2 41":           func() compare.Model { m, _ := small(t, 2, func(c *lxmert.Config) { c.Vocab = 41 }); return m },
		"takes 6 features of a region, model 2 7":    func() compare.Model { m, _ := small(t, 2, func(c *lxmert.Config) { c.FeatDim = 7 }); return m },
		"answers about one picture at a time, model": func() compare.Model { m, _ := small(t, 2, func(c *lxmert.Config) { c.TaskImages = 2 }); return m },
		"both are called model 1":                    func() compare.Model { return a },
		"not the same ones":                          func() compare.Model { m := renamed; m.Words = []string{"b"}; return m },
	} {
		one := a
		one.Words = []string{"a"}
		_, err := compare.Run(context.Background(), one, b(), once(asked(smallBatch(4))), compare.Options{})
		if !errors.Is(err, compare.ErrModels) || !strings.Contains(err.Error(), want) {
			t.Errorf("%v, expected %q", err, want)
		}
	}
	if _, err := compare.Run(context.Background(), a, renamed, func(func(compare.Asked, error) bool) {}, compare.Options{}); err == nil {
		t.Error("two models without questions are no error")
	}
}

func TestBlocksOfParameters(t *testing.T) {
	for name, want := range map[string]string{
		"bert.embeddings.LayerNorm.weight": "embeddings", "bert.encoder.layer.11.output.dense.bias": "l.11", "bert.encoder.x_layers.0.visual_attention.att.key.weight": "x.0",
		"bert.encoder.r_layers.4.output.LayerNorm.bias": "r.4", "cls.predictions.bias": "masked-word head", "logit_fc.3.weight": "task head",
	} {
		if got := compare.Block(name); got != want {
			t.Errorf("%s belongs to %s, expected %s", name, got, want)
		}
	}
	a, weightsA := small(t, 1, func(c *lxmert.Config) { c.LangLayers = 11 })
	b, weightsB := small(t, 2, func(c *lxmert.Config) { c.LangLayers = 11 })
	d, err := compare.Distances(context.Background(), a.Engine.Config(), b.Engine.Config(), weightsA, weightsB)
	if err != nil {
		t.Fatal(err)
	}
	var order []string
	for _, x := range d.Blocks {
		order = append(order, x.Block)
	}
	want := "embeddings visual encoder l.0 l.1 l.2 l.3 l.4 l.5 l.6 l.7 l.8 l.9 l.10 r.0 x.0 x.1 pooler task head"
	if got := strings.Join(order, " "); got != want {
		t.Errorf("blocks are %s, expected %s", got, want)
	}
}

func TestShortNamesTellModelsApart(t *testing.T) {
	for _, c := range [][4]string{
		{"snap/Epoch20_LXRT.pth", "snap/vqa/run/BEST.pth", "Epoch20_LXRT", "BEST"},
		{"snap/vqa/a/BEST", "snap/vqa/b/BEST", "a/BEST", "b/BEST"},
		{"a.pth", "a.pth", "a.pth", "a.pth"},
		{"x/m.pth", "m.pth", "x/m", "m"},
	} {
		if got := compare.ShortNames(c[0], c[1]); got[0] != c[2] || got[1] != c[3] {
			t.Errorf("%s and %s are called %q, expected %q", c[0], c[1], got, c[2:])
		}
	}
}
