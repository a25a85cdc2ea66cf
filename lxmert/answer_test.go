package lxmert_test

import (
	"context"
	"errors"
	"math"
	"slices"
	"strings"
	"testing"

	"github.com/seed-516990b0/golxmert/lxmert"
)

func TestAHeadHasTheProbabilitiesThatItWasTrainedWith(t *testing.T) {
	for _, c := range []struct {
		cfg     lxmert.Config
		output  string
		kind    string
		images  int
		classes int
	}{
		{lxmert.Config{TaskClasses: 3129, TaskImages: 1, Answers: 9500}, "out.task", lxmert.Sigmoid, 1, 3129},
		{lxmert.Config{TaskClasses: 2, TaskImages: 2}, "out.task", lxmert.Softmax, 2, 2},
		{lxmert.Config{Answers: 9500}, "out.qa", lxmert.Softmax, 1, 9500},
	} {
		head, err := c.cfg.AnswerHead()
		if err != nil || head.Output != c.output || head.Kind != c.kind || head.Images != c.images || head.Classes != c.classes {
			t.Errorf("%d task classes about %d pictures, %d answers: %+v, %v", c.cfg.TaskClasses, c.cfg.TaskImages, c.cfg.Answers, head, err)
		}
	}
	if _, err := (lxmert.Config{Match: true}).AnswerHead(); !errors.Is(err, lxmert.ErrNoAnswers) || !strings.Contains(err.Error(), "out.match (2 classes)") {
		t.Errorf("without a head: %v", err)
	}
	logits := []float32{0, float32(math.Log(3)), 1000}
	if got := lxmert.Probabilities(lxmert.Sigmoid, logits); math.Abs(got[0]-0.5) > 1e-7 || math.Abs(got[1]-0.75) > 1e-7 || got[2] != 1 {
		t.Errorf("sigmoid %v", got)
	}
	if got := lxmert.Probabilities(lxmert.Softmax, logits[:2]); math.Abs(got[0]-0.25) > 1e-7 || math.Abs(got[1]-0.75) > 1e-7 {
		t.Errorf("softmax %v", got)
	}
	if got := lxmert.Probabilities(lxmert.Softmax, logits); got[2] != 1 {
		t.Errorf("softmax of a large logit %v", got)
	}
	if got := lxmert.Probabilities(lxmert.Softmax, nil); len(got) != 0 {
		t.Errorf("softmax of nothing %v", got)
	}
}

func TestAnswersAreRankedByLogits(t *testing.T) {
	head := lxmert.AnswerHead{Kind: lxmert.Sigmoid, Answers: []string{"a", "b"}}
	ranked := head.Rank([]float32{60, 70, -1, 60}) // sigmoid(60) and sigmoid(70) are both 1 in float64
	var order []int
	for _, r := range ranked {
		order = append(order, r.Class)
	}
	if !slices.Equal(order, []int{1, 0, 3, 2}) || ranked[0].Text != "b" || ranked[2].Text != "answer 3" || ranked[0].Logit != 70 {
		t.Errorf("ranked %+v", ranked)
	}
}

// fixed is an engine that says the same whatever it is asked.
type fixed struct {
	cfg   lxmert.Config
	trace lxmert.Trace
	asked *lxmert.Request
}

func (f fixed) Config() lxmert.Config { return f.cfg }

func (f fixed) Run(_ context.Context, _ *lxmert.Batch, r lxmert.Request) (*lxmert.Trace, error) {
	*f.asked = r
	return &f.trace, nil
}

// statements are two of NLVR2 about three pictures, of which the third has no region.
func statements() ([]lxmert.Question, *lxmert.Batch) {
	b := &lxmert.Batch{
		IDs: [][]int32{{1, 5, 2}, {1, 2}}, Feats: lxmert.NewTensor(3, 4, 2), Boxes: lxmert.NewTensor(3, 4, 4),
		RegionMask: [][]float32{{1, 1, 1, 1}, {1, 1, 0, 0}, {0, 0, 0, 0}},
		Images:     []lxmert.ImageInfo{{ID: "a", Objects: []string{"cat", "cat", "dog", "hat"}}, {ID: "b", Attributes: []string{"red", "old"}}, {ID: "c"}},
		Pairs:      [][2]int{{0, 0}, {0, 1}, {1, 1}, {1, 2}},
	}
	for i := range b.Feats.Data {
		b.Feats.Data[i] = float32(i)
	}
	return []lxmert.Question{{Text: "two dogs", Images: []string{"a", "b"}}, {Text: "no dog", Images: []string{"b", "c"}}}, b
}

func TestAStatementAboutTwoPicturesIsAnsweredOnce(t *testing.T) {
	cfg := lxmert.Config{TaskClasses: 2, TaskImages: 2, Match: true}
	head, err := cfg.AnswerHead()
	if err != nil {
		t.Fatal(err)
	}
	head.Answers = []string{"False", "True"}
	questions, b := statements()
	trace := lxmert.Trace{Provenance: lxmert.Provenance{Weights: "w"}, Values: map[string]lxmert.Tensor{
		"out.task":  {Shape: []int{2, 2}, Data: []float32{0, 1, 3, 2}},
		"out.match": {Shape: []int{4, 2}, Data: []float32{0, 0, 0, 100, 100, 0, 0, 0}},
	}}
	var asked lxmert.Request
	answers, err := head.Ask(t.Context(), fixed{cfg, trace, &asked}, questions, b)
	if err != nil {
		t.Fatal(err)
	}
	if asked.NoRegions != lxmert.AttendNothing {
		t.Error("a picture without regions is asked about as if it had them")
	}
	if len(answers) != 2 || answers[0].Best().Text != "True" || answers[1].Best().Text != "False" || answers[1].Question.Text != "no dog" || answers[0].Provenance.Weights != "w" {
		t.Fatalf("answers %+v", answers)
	}
	if !slices.Equal(answers[0].Matched, []float64{0.5, 1}) || answers[1].Matched[0] > 1e-9 || answers[1].Matched[1] != 0.5 {
		t.Errorf("matched %v and %v", answers[0].Matched, answers[1].Matched)
	}
	first, second := answers[0].Batch, answers[1].Batch
	if first.V() != 4 || len(first.RegionMask) != 2 || first.Pairs != nil || len(first.IDs) != 2 || first.Images[1].ID != "b" {
		t.Errorf("the first one's batch is %+v", first)
	}
	if second.V() != 2 || !slices.Equal(second.RegionMask[1], []float32{0, 0}) || second.Feats.At(0, 1, 1) != 11 || second.Images[1].ID != "c" || len(second.Images[0].Attributes) != 2 {
		t.Errorf("the second one's batch is %+v", second)
	}
	if alone := second.Part(1).Trim(); alone.V() != 0 || alone.RegionMask != nil || len(alone.Feats.Shape) != 3 {
		t.Errorf("the picture without regions alone is %+v", alone)
	}
	if len(b.RegionMask[2]) != 4 || len(b.Images[0].Objects) != 4 {
		t.Error("the whole batch was changed")
	}

	for name, c := range map[string]struct {
		output string
		at     int
		want   string
	}{
		"NaN":      {"out.task", 2, `w: "no dog" cannot be answered: value 0 of out.task is NaN`},
		"infinity": {"out.match", 3, `w: "two dogs" cannot be answered: value 1 of out.match is +Inf`},
	} {
		bad := lxmert.Trace{Provenance: trace.Provenance, Values: map[string]lxmert.Tensor{}}
		for key, x := range trace.Values {
			bad.Values[key] = lxmert.Tensor{Shape: x.Shape, Data: slices.Clone(x.Data)}
		}
		bad.Values[c.output].Data[c.at] = float32(map[string]float64{"NaN": math.NaN(), "infinity": math.Inf(1)}[name])
		if _, err := head.Read(questions, b, &bad); err == nil || !strings.Contains(err.Error(), c.want) {
			t.Errorf("%s: %v", name, err)
		}
	}
	if _, err := head.Read(questions[:1], b, &trace); err == nil {
		t.Error("answers to more questions than were asked are read")
	}
}
