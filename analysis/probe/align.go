package probe

import (
	"context"
	"errors"
	"fmt"

	"gonum.org/v1/gonum/mat"

	"github.com/seed-516990b0/golxmert/analysis"
	"github.com/seed-516990b0/golxmert/lxmert"
)

// alignedTogether is how many examples one batch of CKA has; its matrices are of as many rows and columns.
const alignedTogether = 128

// Aligner adds up the debiased linear CKA between all levels of both streams, over the examples of a data set. An example is
// a picture and the first question about it, its states the means over words and over regions: further questions about a
// picture are not further examples, as states of regions before the cross-modality layers would be the same.
type Aligner struct {
	cfg       lxmert.Config
	levels    []string
	alignment Alignment
	waiting   [][]float64 // of each level, states of examples that wait for a full batch
	n         int         // how many wait
	seen      map[string]bool
	rows      int
	meta      analysis.Meta
}

// NewAligner returns an aligner of a model's levels.
func NewAligner(cfg lxmert.Config) *Aligner {
	levels := append(analysis.Levels(cfg, analysis.WordStream), analysis.Levels(cfg, analysis.RegionStream)...)
	return &Aligner{cfg: cfg, levels: levels, waiting: make([][]float64, len(levels)), seen: map[string]bool{}}
}

// Add adds the examples of a batch.
func (a *Aligner) Add(ctx context.Context, eng lxmert.Engine, b *lxmert.Batch) error {
	var fresh []int
	for row := range b.Rows() {
		picture, _ := pictureOf(b, row, a.rows)
		if !a.seen[picture] {
			a.seen[picture] = true
			fresh = append(fresh, row)
		}
	}
	a.rows += b.Rows()
	if len(fresh) == 0 {
		return nil
	}
	b = b.Part(fresh...)
	read, err := ReadStates(ctx, eng, b)
	if err != nil {
		return err
	}
	a.meta.Model = read.From
	if a.meta.Features == "" && len(b.Images) > 0 {
		a.meta.Features = b.Images[0].Source
	}
	means := make([]*mat.Dense, len(a.levels))
	for i, level := range a.levels {
		means[i] = read.Means(level)
	}
	for row := range b.Rows() {
		for i, m := range means {
			a.waiting[i] = append(a.waiting[i], m.RawRowView(row)...)
		}
		if a.n++; a.n == alignedTogether {
			if err := a.flush(); err != nil {
				return err
			}
		}
	}
	return nil
}

func (a *Aligner) flush() error {
	sets := make([]*mat.Dense, len(a.levels))
	for i := range sets {
		sets[i] = mat.NewDense(a.n, a.cfg.Hidden, a.waiting[i])
	}
	err := a.alignment.Add(sets...)
	a.waiting, a.n = make([][]float64, len(a.levels)), 0
	return err
}

// Matrix is the alignment of all levels with all, of the examples so far. Fewer than 4 that wait for a full batch do not
// count; fewer than 4 in all are an error.
func (a *Aligner) Matrix() (analysis.Matrix, error) {
	left := 0
	if a.n >= 4 {
		if err := a.flush(); err != nil {
			return analysis.Matrix{}, err
		}
	} else {
		left = a.n
	}
	if a.alignment.Examples() == 0 {
		return analysis.Matrix{}, fmt.Errorf("%d pictures with a question: debiased CKA needs at least 4 of them, and some tens to say anything", left)
	}
	m := analysis.Matrix{
		Meta: a.meta, Rows: analysis.Axis{Name: "level", Labels: a.levels}, Cols: analysis.Axis{Name: "level", Labels: a.levels}, High: 1,
		Panels: []analysis.MatrixPanel{{Values: a.alignment.CKA()}},
	}
	m.Method, m.Unit, m.N = "debiased linear CKA of levels", "CKA", a.alignment.Examples()
	m.Notes = append(m.Notes, "Means of words and of regions, of a picture and the first question about it.", "Estimates without bias may be below 0.")
	if left > 0 {
		m.Notes = append(m.Notes, fmt.Sprintf("The last %d examples are too few for a batch of their own and do not count.", left))
	}
	return m, nil
}

// CKA is the debiased linear CKA between all levels of both streams over a data set; see [Aligner].
func CKA(ctx context.Context, eng lxmert.Engine, batches Batches, progress func(done int)) (analysis.Matrix, error) {
	a := NewAligner(eng.Config())
	if err := each(batches, progress, func(b *lxmert.Batch) error { return a.Add(ctx, eng, b) }); err != nil {
		return analysis.Matrix{}, err
	}
	return a.Matrix()
}

// each calls add with every batch, and progress with how many rows are done.
func each(batches Batches, progress func(done int), add func(b *lxmert.Batch) error) error {
	rows := 0
	for b, err := range batches {
		if err != nil {
			return err
		}
		if err := add(b); err != nil {
			return err
		}
		if rows += b.Rows(); progress != nil {
			progress(rows)
		}
	}
	if rows == 0 {
		return errors.New("there are no questions to read states of")
	}
	return nil
}
