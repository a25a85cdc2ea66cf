package probe

import (
	"errors"
	"fmt"
	"maps"
	"math"
	"slices"

	"gonum.org/v1/gonum/mat"

	"github.com/seed-516990b0/golxmert/analysis"
	"github.com/seed-516990b0/golxmert/lxmert"
)

// modelsTogether is how many words, or regions, one batch of the CKA of two models has at most.
const modelsTogether = 512

// ModelAligner adds up the debiased linear CKA between the levels of two models that are asked about the same data. An example is a
// word, or a region: their own states are compared, not their means over a sentence or a picture. Words are taken of all questions,
// the regions of a picture when it comes first: those of further questions about it would be the same before the cross-modality layers.
// The models' levels and their widths need not be as many.
type ModelAligner struct {
	cfg        [2]lxmert.Config
	alignments [2]Alignment // of words, of regions
	seen       map[string]bool
	rows       int
	left       [2]int // words and regions of batches that had too few
}

// NewModelAligner returns an aligner of the levels of two models.
func NewModelAligner(a, b lxmert.Config) *ModelAligner {
	return &ModelAligner{cfg: [2]lxmert.Config{a, b}, seen: map[string]bool{}}
}

// Add adds what the two models say of one batch, all levels of both streams.
func (m *ModelAligner) Add(a, b *States) error {
	var all, fresh []int
	for row := range a.batch.Rows() {
		all = append(all, row)
		if picture, _ := pictureOf(a.batch, row, m.rows); !m.seen[picture] {
			m.seen[picture] = true
			fresh = append(fresh, row)
		}
	}
	m.rows += len(all)
	for stream, rows := range [][]int{all, fresh} {
		if err := m.add(analysis.Stream(stream), a, b, rows); err != nil {
			return err
		}
	}
	return nil
}

func (m *ModelAligner) add(stream analysis.Stream, a, b *States, rows []int) error {
	if len(rows) == 0 {
		return nil
	}
	var sets []*mat.Dense
	for i, s := range []*States{a, b} {
		for _, level := range analysis.Levels(m.cfg[i], stream) {
			x := s.Valid(level, rows...)
			if x == nil { // pictures without a region
				return nil
			}
			sets = append(sets, x)
		}
	}
	n, _ := sets[0].Dims()
	if n < 4 {
		m.left[stream] += n
		return nil
	}
	parts := (n + modelsTogether - 1) / modelsTogether
	for part := range parts {
		some := make([]*mat.Dense, len(sets))
		for i, x := range sets {
			some[i] = every(x, part, parts)
		}
		if err := m.alignments[stream].Add(some...); err != nil {
			return err
		}
	}
	return nil
}

// AlignmentSums are what a [ModelAligner] has added up, to be kept.
type AlignmentSums struct {
	Terms    [2][][]float64 // of words, of regions
	Examples [2]int
	Seen     []string // pictures
	Rows     int
	Left     [2]int
}

// Sums are those of what was added so far. They share memory with the aligner.
func (m *ModelAligner) Sums() AlignmentSums {
	s := AlignmentSums{Seen: slices.Sorted(maps.Keys(m.seen)), Rows: m.rows, Left: m.left}
	for i, a := range m.alignments {
		s.Terms[i], s.Examples[i] = a.terms, a.n
	}
	return s
}

// Restore takes up what was kept of an aligner of models with the same levels. Sums that cannot be such are an error.
func (m *ModelAligner) Restore(s AlignmentSums) error {
	for stream, terms := range s.Terms {
		sets := len(analysis.Levels(m.cfg[0], analysis.Stream(stream))) + len(analysis.Levels(m.cfg[1], analysis.Stream(stream)))
		if len(terms) != 0 && (len(terms) != sets || slices.ContainsFunc(terms, func(row []float64) bool { return len(row) != sets })) || (len(terms) == 0) != (s.Examples[stream] == 0) {
			return fmt.Errorf("sums of %d levels, and the two models have %d", len(terms), sets)
		}
		m.alignments[stream] = Alignment{n: s.Examples[stream], terms: terms}
	}
	m.rows, m.left, m.seen = s.Rows, s.Left, map[string]bool{}
	for _, picture := range s.Seen {
		m.seen[picture] = true
	}
	return nil
}

// every are the rows of a matrix from one on, so many apart, so that each part has rows of all pictures.
func every(x *mat.Dense, first, step int) *mat.Dense {
	if step == 1 {
		return x
	}
	n, dim := x.Dims()
	out := mat.NewDense((n-first+step-1)/step, dim, nil)
	for i := first; i < n; i += step {
		out.SetRow(i/step, x.RawRowView(i))
	}
	return out
}

// Matrix is the alignment of each level of a stream in the first model (rows) with each in the second (columns), of what was added
// so far. Less than 4 words, or regions, are an error.
func (m *ModelAligner) Matrix(stream analysis.Stream) (analysis.Matrix, error) {
	alignment := m.alignments[stream]
	if alignment.Examples() == 0 {
		return analysis.Matrix{}, errors.New("debiased CKA needs at least 4 words, or regions, in a batch")
	}
	rows, cols := analysis.Levels(m.cfg[0], stream), analysis.Levels(m.cfg[1], stream)
	all, panel := alignment.CKA(), analysis.MatrixPanel{}
	for i := range rows {
		panel.Values = append(panel.Values, all[i][len(rows):])
	}
	out := analysis.Matrix{Rows: analysis.Axis{Labels: rows}, Cols: analysis.Axis{Labels: cols}, High: 1, Panels: []analysis.MatrixPanel{panel}}
	out.Method = "debiased linear CKA of two models' levels, " + map[analysis.Stream]string{analysis.WordStream: "words", analysis.RegionStream: "regions"}[stream]
	out.Unit, out.N = "CKA", alignment.Examples()
	out.Notes = []string{"Estimates without bias may be below 0."}
	if stream == analysis.RegionStream {
		out.Notes = append(out.Notes, "Regions of each picture once.")
	}
	if left := m.left[stream]; left > 0 {
		out.Notes = append(out.Notes, fmt.Sprintf("%d more are in batches of fewer than 4 and do not count.", left))
	}
	return out, nil
}

// Last is the entry of the last levels of both models, in which their heads read; NaN if there is none.
func Last(m analysis.Matrix) float64 {
	rows, cols := m.Size()
	if rows == 0 || cols == 0 {
		return math.NaN()
	}
	return m.Panels[0].Values[rows-1][cols-1]
}
