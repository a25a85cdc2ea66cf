package calibration

import "math"

// Scored are the logits of one answer, and how much its classes count.
type Scored struct {
	Logits []float64
	Truth  []Class // those that count; empty: no class is right; nil: nothing is known, and the row is left out
	// Binary says that each class is judged by itself, as a head does that was trained with binary cross-entropy: its probability is the
	// sigmoid of its logit. Without it there is one distribution over all, softmax.
	Binary bool
}

// Class is a class and how much it counts, 0 to 1: 1 for a label.
type Class struct {
	Index int
	Score float64
}

// logSum is ln of the sum of e^(x*by), and the mean and the variance of x under its shares.
func logSum(x []float64, by float64) (log, mean, variance float64) {
	most := math.Inf(-1)
	for _, v := range x {
		most = max(most, v*by)
	}
	sum, first, second := 0.0, 0.0, 0.0
	for _, v := range x {
		e := math.Exp(v*by - most)
		sum += e
		first += e * v
	}
	mean = first / sum
	for _, v := range x {
		second += math.Exp(v*by-most) * (v - mean) * (v - mean)
	}
	return most + math.Log(sum), mean, second / sum
}

// loss is the row's at 1/T: of softmax -ln of the truth's probability, weighted by scores; of a binary one the cross-entropy of all
// classes with their scores. slope is its derivative, growth the second one, which is never negative. Nats.
func (r Scored) loss(by float64) (loss, slope, growth float64) {
	if r.Binary {
		for _, x := range r.Logits {
			p := 1 / (1 + math.Exp(-x*by))
			loss += max(x*by, 0) + math.Log1p(math.Exp(-math.Abs(x*by)))
			slope += p * x
			growth += p * (1 - p) * x * x
		}
		for _, c := range r.Truth {
			loss -= c.Score * r.Logits[c.Index] * by
			slope -= c.Score * r.Logits[c.Index]
		}
		return loss, slope, growth
	}
	log, mean, variance := logSum(r.Logits, by)
	for _, c := range r.Truth {
		loss += c.Score * (log - r.Logits[c.Index]*by)
		slope += c.Score * (mean - r.Logits[c.Index])
		growth += c.Score * variance
	}
	return loss, slope, growth
}

// weight is what the row counts in the mean of losses.
func (r Scored) weight() (w float64) {
	if r.Binary {
		return 1
	}
	for _, c := range r.Truth {
		w += c.Score
	}
	return w
}

// NLL is the mean loss of rows whose logits are divided by a temperature: of -ln softmax of the truth, weighted by scores, or of the
// cross-entropy of all classes of [Scored.Binary] rows; nats.
func NLL(rows []Scored, temperature float64) float64 {
	sum, weight := 0.0, 0.0
	for _, r := range rows {
		if r.Truth == nil {
			continue
		}
		loss, _, _ := r.loss(1 / temperature)
		sum, weight = sum+loss, weight+r.weight()
	}
	return sum / weight
}

// Temperature is the one that makes the truth likeliest, the minimum of [NLL]: softmax(logits/T), or of binary rows sigmoid(logits/T), is
// then the calibrated probability, and the most probable class is the same. The loss is convex in 1/T, so there is one. ok is false where
// it lies beyond any use: the truth is always the most probable class, and the colder the better (T is 0), or the logits say nothing of
// the truth, and the hotter the better (T is infinite); or nothing is known.
func Temperature(rows []Scored) (t float64, ok bool) {
	slope := func(by float64) float64 {
		sum := 0.0
		for _, r := range rows {
			if r.Truth != nil {
				_, slope, _ := r.loss(by)
				sum += slope
			}
		}
		return sum
	}
	return zero(slope, math.Log(coldest), math.Log(hottest))
}

// Temperatures are sought between these.
const coldest, hottest = 1e-3, 1e3

// zero finds the temperature at which a slope over 1/T, which grows with it, is 0.
func zero(slope func(by float64) float64, lowT, highT float64) (t float64, ok bool) {
	low, high := -highT, -lowT // ln(1/T)
	switch first, last := slope(math.Exp(low)), slope(math.Exp(high)); {
	case first >= 0:
		return math.Inf(1), false
	case last <= 0:
		return 0, false
	}
	for range 200 {
		middle := (low + high) / 2
		if middle <= low || middle >= high {
			break
		}
		if slope(math.Exp(middle)) < 0 {
			low = middle
		} else {
			high = middle
		}
	}
	return math.Exp(-(low + high) / 2), true
}
