package analysis

import (
	"bytes"
	"encoding/gob"
	"fmt"
	"math"
	"math/rand/v2"
	"slices"
)

// Groups is how many groups of examples a [Running] mean keeps apart.
const Groups = 1000

// Running is the mean of a quantity over examples that come one after another, in memory that does not grow with their
// number. It keeps sums of [Groups] groups, to which examples belong in turn, and a bootstrap draws groups instead of
// examples: up to that many examples it is the ordinary bootstrap, beyond it the same up to the precision with which a
// thousand groups show how examples differ. The zero value is ready.
type Running struct {
	sum   []float64
	count []uint32
}

// Add takes the value of an example, by its number from 0. One example may have several values, or none; NaN is left out.
func (r *Running) Add(example int, x float64) {
	if math.IsNaN(x) {
		return
	}
	group := example % Groups
	if missing := group + 1 - len(r.sum); missing > 0 {
		r.sum = append(r.sum, make([]float64, missing)...)
		r.count = append(r.count, make([]uint32, missing)...)
	}
	r.sum[group] += x
	r.count[group]++
}

// Merge takes the values of another quantity of the same examples as further values of this one.
func (r *Running) Merge(other *Running) {
	if missing := len(other.sum) - len(r.sum); missing > 0 {
		r.sum = append(r.sum, make([]float64, missing)...)
		r.count = append(r.count, make([]uint32, missing)...)
	}
	for group, x := range other.sum {
		r.sum[group] += x
		r.count[group] += other.count[group]
	}
}

// N is the number of values.
func (r *Running) N() int {
	n := 0
	for _, c := range r.count {
		n += int(c)
	}
	return n
}

// Mean of the values; NaN of none.
func (r *Running) Mean() float64 {
	sum := 0.0
	for _, s := range r.sum {
		sum += s
	}
	return sum / float64(r.N())
}

// Resamples are bootstrap resamples of examples, drawn once and shared by all quantities of the same examples: intervals
// do not depend on what else is measured.
type Resamples struct {
	level float64
	times [][]uint16 // how often each group was drawn, for each resample
}

// NewResamples draws n resamples of a number of examples, for percentile intervals of a level such as 0.95.
func NewResamples(examples, n int, level float64, random *rand.Rand) *Resamples {
	groups := min(examples, Groups)
	s := &Resamples{level: level}
	for range n {
		times := make([]uint16, groups)
		for range groups {
			times[random.IntN(groups)]++
		}
		s.times = append(s.times, times)
	}
	return s
}

// Interval is the percentile interval of a mean, as that of [Bootstrap]; NaN of no values.
func (s *Resamples) Interval(r *Running) (low, high float64) {
	var means []float64
	for _, times := range s.times {
		sum, n := 0.0, 0.0
		for group, k := range times[:min(len(times), len(r.sum))] {
			sum += float64(k) * r.sum[group]
			n += float64(k) * float64(r.count[group])
		}
		if n > 0 {
			means = append(means, sum/n)
		}
	}
	slices.Sort(means)
	return Quantile(means, (1-s.level)/2), Quantile(means, (1+s.level)/2)
}

// gobRunning is a [Running] as bytes have it.
type gobRunning struct {
	Sum   []float64
	Count []uint32
}

// GobEncode writes all sums, so that a mean that is kept goes on exactly.
func (r *Running) GobEncode() ([]byte, error) {
	var b bytes.Buffer
	err := gob.NewEncoder(&b).Encode(gobRunning{r.sum, r.count})
	return b.Bytes(), err
}

// GobDecode reads what [Running.GobEncode] wrote.
func (r *Running) GobDecode(data []byte) error {
	var x gobRunning
	if err := gob.NewDecoder(bytes.NewReader(data)).Decode(&x); err != nil {
		return err
	}
	if len(x.Sum) != len(x.Count) || len(x.Sum) > Groups {
		return fmt.Errorf("analysis: a mean of %d sums and %d counts", len(x.Sum), len(x.Count))
	}
	r.sum, r.count = x.Sum, x.Count
	return nil
}
