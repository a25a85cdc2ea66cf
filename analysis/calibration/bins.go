package calibration

import "math"

// Bins is how many bins of equal width [Measure] has, as is usual.
const Bins = 15

// Bin holds the answers whose confidence lies above its lower end, up to its upper one.
type Bin struct {
	Count                int
	Confidence, Accuracy float64 // means; 0 of an empty bin
}

// Binned sorts answers into n bins of equal width.
func Binned(answers []Answer, n int) []Bin {
	bins := make([]Bin, n)
	for _, a := range answers {
		b := &bins[min(n-1, max(0, int(math.Ceil(float64(n)*a.Confidence))-1))]
		b.Count++
		b.Confidence += a.Confidence
		b.Accuracy += a.Accuracy
	}
	for i := range bins {
		if b := &bins[i]; b.Count > 0 {
			b.Confidence /= float64(b.Count)
			b.Accuracy /= float64(b.Count)
		}
	}
	return bins
}

// ECE is the expected calibration error, the mean gap between confidence and accuracy of a bin, weighted by its answers; and
// the largest gap. NaN of no answers.
func ECE(bins []Bin) (expected, largest float64) {
	n := 0.0
	for _, b := range bins {
		gap := math.Abs(b.Confidence - b.Accuracy)
		expected += float64(b.Count) * gap
		n += float64(b.Count)
		if b.Count > 0 {
			largest = max(largest, gap)
		}
	}
	if n == 0 {
		return math.NaN(), math.NaN()
	}
	return expected / n, largest
}

// Brier is the mean of (confidence - accuracy)².
func Brier(answers []Answer) float64 {
	sum := 0.0
	for _, a := range answers {
		sum += (a.Confidence - a.Accuracy) * (a.Confidence - a.Accuracy)
	}
	return sum / float64(len(answers))
}

// AllRisks are those at which [Measure] gives the coverage.
var AllRisks = [4]float64{0.01, 0.05, 0.10, 0.20}

// Measures are those of one set of answers.
type Measures struct {
	N            int
	Accuracy     float64
	Confidence   float64 // mean
	AURC, Excess float64
	Coverage     [4]float64 // at AllRisks
	ECE, Largest float64    // calibration errors over Bins bins
	Brier        float64
	Risks        []float64 // by number of answers, see [Risks]
	Bins         []Bin
}

// Measure takes all measures that need no other split.
func Measure(answers []Answer) Measures {
	m := Measures{N: len(answers), Brier: Brier(answers), Bins: Binned(answers, Bins)}
	var accuracy, confidence []float64
	for _, a := range answers {
		accuracy, confidence = append(accuracy, a.Accuracy), append(confidence, a.Confidence)
	}
	m.Accuracy, m.Confidence = mean(accuracy), mean(confidence)
	m.AURC, m.Excess = AURC(answers)
	m.ECE, m.Largest = ECE(m.Bins)
	var end []bool
	m.Risks, end = Risks(answers)
	for i, most := range AllRisks {
		m.Coverage[i] = coverageAt(m.Risks, end, most)
	}
	return m
}
