package analysis_test

import (
	"math"
	"testing"

	"github.com/seed-516990b0/golxmert/analysis"
	"github.com/seed-516990b0/golxmert/lxmert"
)

func TestAHeadHasTheProbabilitiesThatItWasTrainedWith(t *testing.T) {
	for _, c := range []struct {
		cfg  lxmert.Config
		want string
	}{
		{lxmert.Config{TaskClasses: 3129, TaskImages: 1, Answers: 9500}, analysis.Sigmoid},
		{lxmert.Config{TaskClasses: 2, TaskImages: 2}, analysis.Softmax},
		{lxmert.Config{Answers: 9500}, analysis.Softmax},
		{lxmert.Config{}, ""},
	} {
		if got := analysis.AnswerProbability(c.cfg); got != c.want {
			t.Errorf("%d task classes about %d pictures, %d answers: %q, expected %q", c.cfg.TaskClasses, c.cfg.TaskImages, c.cfg.Answers, got, c.want)
		}
	}
	logits := []float32{0, float32(math.Log(3)), 1000}
	if got := analysis.Probabilities(analysis.Sigmoid, logits); math.Abs(got[0]-0.5) > 1e-7 || math.Abs(got[1]-0.75) > 1e-7 || got[2] != 1 {
		t.Errorf("sigmoid %v", got)
	}
	if got := analysis.Probabilities(analysis.Softmax, logits[:2]); math.Abs(got[0]-0.25) > 1e-7 || math.Abs(got[1]-0.75) > 1e-7 {
		t.Errorf("softmax %v", got)
	}
	if got := analysis.Probabilities(analysis.Softmax, logits); got[2] != 1 {
		t.Errorf("softmax of a large logit %v", got)
	}
	if got := analysis.Probabilities(analysis.Softmax, nil); len(got) != 0 {
		t.Errorf("softmax of nothing %v", got)
	}
}
