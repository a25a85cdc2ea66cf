package calibration

import (
	"cmp"
	"math"
	"slices"
)

// Answer is one answer of a model: how probable it found it, and how right it was.
type Answer struct {
	Confidence float64 // 0 to 1
	Accuracy   float64 // 0 to 1: of soft scores, that of the answer
}

// slack is what sums of scores may be off by rounding.
const slack = 1e-12

// Risks are, for each number i of answers from 1, the mean of 1 - accuracy of the i surest: risk at coverage i/n. Within equal
// confidences it is the expectation over their orders. end says which i close a group of equal confidences: only there a
// threshold can stop.
func Risks(answers []Answer) (risk []float64, end []bool) {
	sorted := slices.Clone(answers)
	slices.SortStableFunc(sorted, func(a, b Answer) int { return cmp.Compare(b.Confidence, a.Confidence) })
	before := 0.0
	for from := 0; from < len(sorted); {
		to, group := from, 0.0
		for to < len(sorted) && sorted[to].Confidence == sorted[from].Confidence {
			group += 1 - sorted[to].Accuracy
			to++
		}
		for i := from; i < to; i++ {
			share := float64(i+1-from) / float64(to-from)
			risk, end = append(risk, (before+share*group)/float64(i+1)), append(end, i+1 == to)
		}
		before += group
		from = to
	}
	return risk, end
}

// AURC is the area under the risk-coverage curve, the mean of [Risks]; lower is better. Excess is what it is above that of the
// best order, by accuracy itself. NaN of no answers.
func AURC(answers []Answer) (area, excess float64) {
	risk, _ := Risks(answers)
	area = mean(risk)
	best := slices.Clone(answers)
	for i := range best {
		best[i].Confidence = best[i].Accuracy
	}
	ideal, _ := Risks(best)
	return area, area - mean(ideal)
}

// CoverageAt is the largest share of answers that a threshold can give with at most a risk; 0 if none.
func CoverageAt(answers []Answer, most float64) float64 {
	risk, end := Risks(answers)
	return coverageAt(risk, end, most)
}

func coverageAt(risk []float64, end []bool, most float64) float64 {
	for i := len(risk) - 1; i >= 0; i-- {
		if end[i] && risk[i] <= most+slack {
			return float64(i+1) / float64(len(risk))
		}
	}
	return 0
}

// Reliability is effective reliability (Whitehead et al. 2022): an answer counts its accuracy if it is right at all, and minus
// the cost if it is wrong; abstaining counts 0.
type Reliability struct {
	Threshold  float64 // the confidence from which on the model answers; +Inf: it always abstains
	Validation float64 // of the answers that the threshold was chosen on
	Test       float64
	Coverage   float64 // share of the test's answers that are given
	Always     float64 // of the test without abstaining
}

// EffectiveReliability chooses the threshold that is best for a validation split, the smallest of equals, and applies it to
// another.
func EffectiveReliability(validation, test []Answer, cost float64) Reliability {
	sorted := slices.Clone(validation)
	slices.SortStableFunc(sorted, func(a, b Answer) int { return cmp.Compare(b.Confidence, a.Confidence) })
	r := Reliability{Threshold: math.Inf(1)}
	sum := 0.0
	for i, a := range sorted {
		sum += a.Worth(cost)
		if i+1 < len(sorted) && sorted[i+1].Confidence == a.Confidence {
			continue
		}
		if worth := sum / float64(len(sorted)); worth >= r.Validation-slack {
			r.Threshold, r.Validation = a.Confidence, worth
		}
	}
	r.Test, r.Coverage = effective(test, r.Threshold, cost)
	r.Always, _ = effective(test, math.Inf(-1), cost)
	return r
}

// Worth is what an answer counts in effective reliability.
func (a Answer) Worth(cost float64) float64 {
	if a.Accuracy > 0 {
		return a.Accuracy
	}
	return -cost
}

func effective(answers []Answer, threshold, cost float64) (worth, coverage float64) {
	for _, a := range answers {
		if a.Confidence >= threshold {
			worth, coverage = worth+a.Worth(cost), coverage+1
		}
	}
	n := float64(len(answers))
	return worth / n, coverage / n
}

func mean(values []float64) float64 {
	sum := 0.0
	for _, x := range values {
		sum += x
	}
	return sum / float64(len(values))
}
