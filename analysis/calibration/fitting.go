package calibration

import (
	"fmt"
	"math"
)

// Fitting finds the [Temperature] of rows that come one after another, in memory that does not grow with their number: it adds
// up the slope of the loss, and how fast that grows, at temperatures a sixth of a power of two apart from 1/32 to 32, and
// interpolates between them. It can be kept as JSON, and parts can be joined. The zero value is ready.
type Fitting struct {
	Rows   int       `json:"rows"`
	Slope  []float64 `json:"slope,omitempty"`
	Growth []float64 `json:"growth,omitempty"`
}

// The grid of ln(1/T).
const (
	gridStep   = math.Ln2 / 6
	gridMiddle = 30 // at T = 1
	gridPoints = 2*gridMiddle + 1
)

func gridAt(k int) float64 { return gridStep * float64(k-gridMiddle) }

// Add adds a row. One of whose truth nothing is known is left out.
func (f *Fitting) Add(r Scored) {
	if r.Truth == nil {
		return
	}
	if f.Slope == nil {
		f.Slope, f.Growth = make([]float64, gridPoints), make([]float64, gridPoints)
	}
	f.Rows++
	for k := range f.Slope {
		_, slope, growth := r.loss(math.Exp(gridAt(k)))
		f.Slope[k] += slope
		f.Growth[k] += growth
	}
}

// Merge adds what another one has. One that was kept by another version of this package is an error.
func (f *Fitting) Merge(other *Fitting) error {
	if other.Rows == 0 {
		return nil
	}
	if len(other.Slope) != gridPoints || len(other.Growth) != gridPoints {
		return fmt.Errorf("calibration: a fitting with %d and %d sums, want %d", len(other.Slope), len(other.Growth), gridPoints)
	}
	if f.Slope == nil {
		f.Slope, f.Growth = make([]float64, gridPoints), make([]float64, gridPoints)
	}
	f.Rows += other.Rows
	for k := range f.Slope {
		f.Slope[k] += other.Slope[k]
		f.Growth[k] += other.Growth[k]
	}
	return nil
}

// Temperature is that of all rows; see [Temperature] for ok.
func (f *Fitting) Temperature() (t float64, ok bool) {
	if f.Rows == 0 {
		return math.NaN(), false
	}
	return zero(f.slope, -gridAt(gridPoints-1), gridAt(gridPoints-1))
}

// slope interpolates by a cubic that has the sums' values and their growth at both ends.
func (f *Fitting) slope(by float64) float64 {
	x := math.Log(by)/gridStep + gridMiddle
	k := min(max(0, int(math.Floor(x))), gridPoints-2)
	t := x - float64(k)
	// d slope / d ln(1/T) = growth/T
	d0, d1 := gridStep*f.Growth[k]*math.Exp(gridAt(k)), gridStep*f.Growth[k+1]*math.Exp(gridAt(k+1))
	t2, t3 := t*t, t*t*t
	return (2*t3-3*t2+1)*f.Slope[k] + (t3-2*t2+t)*d0 + (3*t2-2*t3)*f.Slope[k+1] + (t3-t2)*d1
}
