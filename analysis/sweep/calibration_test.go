package sweep

import (
	"math"
	"math/rand/v2"
	"testing"

	"github.com/seed-516990b0/golxmert/analysis/calibration"
	"github.com/seed-516990b0/golxmert/lxmert"
)

// TestASigmoidIsCalibratedByItselfAndAsOneDistribution, of made-up answers: the first confidence is the model's own, a temperature keeps the
// order of sigmoids, and each reading's temperature is that of its loss. A softmax head has one reading.
func TestASigmoidIsCalibratedByItselfAndAsOneDistribution(t *testing.T) {
	rng := rand.New(rand.NewPCG(1, 2))
	for _, kind := range []string{lxmert.Sigmoid, lxmert.Softmax} {
		head := lxmert.AnswerHead{Output: "out.task", Kind: kind, Images: 1, Classes: 5}
		var answers []*lxmert.Answer
		var labels [][]float64
		rows := map[bool][]calibration.Scored{} // by whether a class is judged by itself
		for range 200 {
			logits, wide, score := make([]float32, 5), make([]float64, 5), make([]float64, 5)
			truth := []calibration.Class{}
			for k := range logits {
				logits[k] = float32(rng.NormFloat64() - 1)
				wide[k] = float64(logits[k])
				if score[k] = math.Floor(4/(1+math.Exp(-wide[k]/2-rng.NormFloat64()))) / 3; score[k] > 0 {
					truth = append(truth, calibration.Class{Index: k, Score: min(score[k], 1)})
				}
				score[k] = min(score[k], 1)
			}
			answers, labels = append(answers, &lxmert.Answer{Head: head, Ranked: head.Rank(logits)}), append(labels, score)
			for _, binary := range []bool{false, true} {
				rows[binary] = append(rows[binary], calibration.Scored{Logits: wide, Truth: truth, Binary: binary})
			}
		}
		all := answerReadings(answers, labels)
		var fitted trust
		fitted.add(all)
		fitted.fit()
		names := answerReadingNames(kind)
		if want := map[string]int{lxmert.Sigmoid: 2, lxmert.Softmax: 1}[kind]; len(names) != want || len(fitted.fits) != want {
			t.Fatalf("%s: readings %v, fitted %d", kind, names, len(fitted.fits))
		}
		for _, name := range names {
			want, ok := calibration.Temperature(rows[name == ownSigmoid])
			got := fitted.temperature[name]
			if !ok || math.Abs(got/want-1) > 1e-4 {
				t.Errorf("%s: temperature %g, want %g", name, got, want)
			}
			for i, x := range all {
				one, best := x[name], answers[i].Best()
				if one.accuracy != labels[i][best.Class] || name != otherSoftmax && math.Abs(one.confidence-best.Probability) > 1e-7 {
					t.Errorf("%s: %g right, confidence %g, the answer's probability is %g", name, one.accuracy, one.confidence, best.Probability)
				}
				if other := all[(i+1)%len(all)][name]; name == ownSigmoid && (one.confidence > other.confidence) != (one.at(got) > other.at(got)) && one.at(got) != other.at(got) {
					t.Errorf("%s: a temperature changed which of two answers is surer", name)
				}
			}
			numbers := fitted.numbers(name, all)
			if cooled := numbers[3].Values[0]; math.Abs(float64(cooled)-all[0][name].at(got)) > 1e-6 {
				t.Errorf("%s: after temperature %g, want %g", name, cooled, all[0][name].at(got))
			}
		}
		if kind == lxmert.Sigmoid && all[0][otherSoftmax].confidence == all[0][ownSigmoid].confidence {
			t.Error("softmax of a sigmoid head's logits is its sigmoid")
		}
	}
}
