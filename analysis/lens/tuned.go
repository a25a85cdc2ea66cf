package lens

import (
	"errors"
	"fmt"
	"slices"

	"github.com/seed-516990b0/golxmert/analysis"
	"github.com/seed-516990b0/golxmert/lxmert"
)

// Tuned is a tuned lens of one stream: for each level, the last one too, an affine map to the last level. It is fitted by
// package tune and can be kept as JSON.
type Tuned struct {
	Stream analysis.Stream   `json:"stream"`
	Maps   []Affine          `json:"maps"`   // by level
	Data   string            `json:"data"`   // what it was fitted on
	States int               `json:"states"` // valid words, or regions, in it
	Lambda float64           `json:"lambda"` // weight of the penalty on each map
	Model  lxmert.Provenance `json:"model"`  // whose levels these are
}

// Affine maps a state, a row of D numbers, to row*A + B.
type Affine struct {
	A [][]float64 `json:"a"` // [D][D]
	B []float64   `json:"b"` // [D]
}

// ErrTuned is wrapped by errors which say that a tuned lens does not fit a model or a target.
var ErrTuned = errors.New("the tuned lens does not fit")

// check says whether the lens has a map of the right size for each level of the stream.
func (l *Tuned) check(cfg lxmert.Config, stream analysis.Stream) error {
	if l.Stream != stream {
		return fmt.Errorf("%w: it is of the other stream", ErrTuned)
	}
	levels := len(analysis.Levels(cfg, stream))
	if len(l.Maps) != levels {
		return fmt.Errorf("%w: it has %d levels, the model %d", ErrTuned, len(l.Maps), levels)
	}
	for k, m := range l.Maps {
		if len(m.A) != cfg.Hidden || len(m.B) != cfg.Hidden || slices.ContainsFunc(m.A, func(row []float64) bool { return len(row) != cfg.Hidden }) {
			return fmt.Errorf("%w: the map of level %d is not of %d hidden units", ErrTuned, k, cfg.Hidden)
		}
	}
	return nil
}

// apply maps states [rows,positions,D], of which it makes a copy.
func (m Affine) apply(x lxmert.Tensor) lxmert.Tensor {
	d := len(m.B)
	out := lxmert.NewTensor(x.Shape...)
	sum := make([]float64, d)
	for at := 0; at < len(x.Data); at += d {
		copy(sum, m.B)
		for i, v := range x.Data[at : at+d] {
			for j, w := range m.A[i] {
				sum[j] += float64(v) * w
			}
		}
		for j, s := range sum {
			out.Data[at+j] = float32(s)
		}
	}
	return out
}
