package probe

import (
	"context"

	"gonum.org/v1/gonum/mat"

	"github.com/seed-516990b0/golxmert/analysis"
	"github.com/seed-516990b0/golxmert/lxmert"
)

// States are the hidden states of a batch at every level: the embedding, the layers of the tower, the cross-modality layers.
type States struct {
	cfg    lxmert.Config
	batch  *lxmert.Batch
	values map[string]lxmert.Tensor
	From   lxmert.Provenance
}

// ReadStates runs a batch and keeps the levels with these names, patterns such as hid.t.* allowed; none: all levels.
func ReadStates(ctx context.Context, eng lxmert.Engine, b *lxmert.Batch, names ...string) (*States, error) {
	if len(names) == 0 {
		names = []string{"hid.t.*", "hid.i.*"}
	}
	trace, err := eng.Run(ctx, b, lxmert.Request{Want: lxmert.All(names...), NoRegions: b.NoRegions()})
	if err != nil {
		return nil, err
	}
	return StatesOf(eng.Config(), trace), nil
}

// StatesOf are the levels that a model's trace has, whatever else was read with them.
func StatesOf(cfg lxmert.Config, trace *lxmert.Trace) *States {
	return &States{cfg: cfg, batch: trace.Batch, values: trace.Values, From: trace.Provenance}
}

// Of are the states of one row of the batch at a level, padding included: [T,D] or [V,D]. They share memory. Like indexing a
// map, a level that was not read is the zero tensor.
func (s *States) Of(level string, row int) lxmert.Tensor {
	values, ok := s.values[level]
	if !ok {
		return lxmert.Tensor{}
	}
	return values.Row(s.batch.RowOf(s.cfg.Rows(level), row))
}

// Means are the means of each row's states at a level, over words or regions that are not padding: [rows,D].
func (s *States) Means(level string) *mat.Dense {
	out := mat.NewDense(s.batch.Rows(), s.cfg.Hidden, nil)
	for row := range s.batch.Rows() {
		valid := s.valid(level, row)
		states, n, mean := s.Of(level, row), 0.0, out.RawRowView(row)
		for i, there := range valid {
			if there {
				n++
				for j, x := range states.Row(i).Data {
					mean[j] += float64(x)
				}
			}
		}
		for j := range mean {
			mean[j] /= max(n, 1)
		}
	}
	return out
}

// Valid are the states of a level at every position that is not padding, row by row of the batch, or of some of its rows: [n,D].
// Nil: there is none.
func (s *States) Valid(level string, rows ...int) *mat.Dense {
	if rows == nil {
		for row := range s.batch.Rows() {
			rows = append(rows, row)
		}
	}
	var data []float64
	for _, row := range rows {
		states := s.Of(level, row)
		for i, there := range s.valid(level, row) {
			if there {
				for _, x := range states.Row(i).Data {
					data = append(data, float64(x))
				}
			}
		}
	}
	if data == nil {
		return nil
	}
	return mat.NewDense(len(data)/s.cfg.Hidden, s.cfg.Hidden, data)
}

// valid says which positions of a row are not padding.
func (s *States) valid(level string, row int) []bool {
	if streamOf(level) == analysis.RegionStream {
		return analysis.ValidRegions(s.batch, row)
	}
	return analysis.ValidWords(s.batch, row)
}

// streamOf is the stream of a level.
func streamOf(level string) analysis.Stream {
	if len(level) > 4 && level[4] == 'i' {
		return analysis.RegionStream
	}
	return analysis.WordStream
}
