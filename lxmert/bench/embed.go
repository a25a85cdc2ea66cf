package bench

import (
	"context"
	"fmt"
	"io"
	"strings"

	"github.com/seed-516990b0/golxmert/analysis/embed"
	"github.com/seed-516990b0/golxmert/lxmert"
	"github.com/seed-516990b0/golxmert/lxmert/lxrt"
)

// EmbedMethod is what lxmert bench analysis calls [Embed].
const EmbedMethod = "embed"

// Embed measures how fast activations are written to files, beside the forward pass alone: batches are computed, and each is a
// file that is written, and synced, while the next one is computed, as `lxmert embed` does. There is no peer.
func Embed(ctx context.Context, o Options) (*EmbedReport, error) {
	set(&o.Repeat, 5)
	if o.Batches == nil {
		o.Batches = []int{32}
	}
	if o.Peer != "" {
		return nil, fmt.Errorf("%w: --method %s has no peer, it is measured beside the forward pass", ErrOptions, EmbedMethod)
	}
	e := &embedding{comparison{Options: o, unit: "example"}}
	if err := e.measure(ctx, e.runOurs, nil); err != nil {
		return nil, err
	}
	return e.report(), nil
}

// embedding is a measurement under way.
type embedding struct{ comparison }

// embedWays are what each batch size has a row of: what is written, and the forward passes that it is measured beside. The
// second of these computes the last level of regions too, which an answer does not need and all levels do.
func embedWays(c lxmert.Config) []embedWay {
	last := []string{fmt.Sprintf("hid.t.%d", c.LangLayers+c.CrossLayers), fmt.Sprintf("hid.i.%d", c.RegionLayers+c.CrossLayers)}
	return []embedWay{
		{"forward pass to out.task", []string{"out.task"}, false, 0},
		{"embed out.pooled", []string{"out.pooled"}, true, 0},
		{"forward pass to the last levels", last, false, 2},
		{"embed all levels, hid.t.* and hid.i.*", []string{"hid.t.*", "hid.i.*"}, true, 2},
	}
}

type embedWay struct {
	name    string
	want    []string
	written bool
	beside  int // which way it is measured beside
}

func (e *embedding) runOurs(ctx context.Context, round int) error {
	return e.comparison.runOurs(ctx, round, job{Embed: &embedSpec{modelSpec: e.material.spec(e.Options), Batches: e.Batches, Repeat: e.Repeat}}, func() (rows []int) {
		for _, n := range e.Batches {
			for range embedWays(e.material.config) {
				rows = append(rows, n)
			}
		}
		return rows
	})
}

func (e *embedding) report() *EmbedReport {
	r := &EmbedReport{Version: lxrt.Version(), Machine: thisMachine(), Model: e.material.model, Repeat: e.Repeat, Rounds: e.Rounds}
	r.Model.FLOPs = 0
	r.Ours = newSide(e.ours, "", 0, 0)
	ways := embedWays(e.material.config)
	for i, row := range r.Ours.Rows {
		way := ways[i%len(ways)]
		forward := r.Ours.Rows[i-i%len(ways)+way.beside]
		r.Ways = append(r.Ways, EmbedWay{Way: way.name, Batch: row.Batch, RowsPerS: ratio(1000*float64(row.Batch), row.BestMS), Share: ratio(forward.BestMS, row.BestMS)})
	}
	return r
}

// EmbedReport is what [Embed] found. Times are milliseconds of a whole batch.
type EmbedReport struct {
	Version string  `json:"version"` // of this library
	Machine Machine `json:"machine"`
	Model   Model   `json:"model"`
	Repeat  int     `json:"repeat"`
	Rounds  int     `json:"rounds"`

	Ours Side       `json:"ours"` // rows: of each batch size the forward pass, then what is written
	Ways []EmbedWay `json:"ways"` // of the rows
}

// EmbedWay compares the best time of a way with that of the forward pass that computes as much of as many examples.
type EmbedWay struct {
	Way      string  `json:"way"`
	Batch    int     `json:"batch"`
	RowsPerS float64 `json:"rows_per_s"`
	Share    float64 `json:"share"` // of the forward pass's own speed
}

// Print writes the report as a table for a reader.
func (r *EmbedReport) Print(w io.Writer) error {
	var b strings.Builder
	m := r.Model
	fmt.Fprintf(&b, "activations in files: %.1f M parameters, %d words, %d regions, %s\n", float64(m.Parameters)/1e6, m.Words, m.Regions, m.DType)
	writeEngines(&b, m, r.Machine, r.Ours, nil)
	b.WriteByte('\n')
	t := newTable(&b, "", "batch", "best ms", "median ms", "rows/s", "of the forward pass above")
	for i, x := range r.Ways {
		row := r.Ours.Rows[i]
		t.row(x.Way, x.Batch, milli(row.BestMS), milli(row.MedianMS), fmt.Sprintf("%.1f", x.RowsPerS), fmt.Sprintf("%.2f", x.Share))
	}
	t.Flush()
	fmt.Fprintf(&b, "Rates and shares are of the best times. Each batch is a file that is written and synced while the next is computed. Peak memory %s.\n", memory(r.Ours.PeakRSS))
	_, err := io.WriteString(w, b.String())
	return err
}

// embedSpec says what one process writes.
type embedSpec struct {
	modelSpec
	Batches []int `json:"batches"`
	Repeat  int   `json:"repeat"`
}

// measure computes and writes in this process.
func (s embedSpec) measure(ctx context.Context, log io.Writer) (*Result, error) {
	return s.with(ctx, log, func(m *lxrt.Model, inputs *lxmert.Batch, r *Result) error {
		for _, n := range s.Batches {
			rows, err := firstRows(inputs, n)
			if err != nil {
				return err
			}
			for _, way := range embedWays(m.Config()) {
				t, err := s.time(ctx, m, rows, way)
				if err != nil {
					return fmt.Errorf("%s, batch %d: %w", way.name, n, err)
				}
				r.Rows = append(r.Rows, t)
			}
		}
		return nil
	})
}

// time times a batch, and where it is written its file.
func (s embedSpec) time(ctx context.Context, m lxmert.Engine, b *lxmert.Batch, way embedWay) (t Timing, err error) {
	wanted, err := m.Config().FindAll(way.want...)
	if err != nil {
		return t, err
	}
	var request lxmert.Request
	for _, a := range wanted {
		request.Want = append(request.Want, lxmert.Read{Name: a.Name})
	}
	if !way.written {
		return timed(b.Rows(), s.Repeat, func() error {
			_, err := m.Run(ctx, b, request)
			return err
		}, func() error { return nil })
	}
	dir, remove, err := temporary()
	if err != nil {
		return t, err
	}
	defer remove()
	n := b.Rows()
	index := embed.NewIndex(m.Config(), wanted, embed.Index{Data: "made up", Examples: n, Pictures: 1, DType: "F32", Batch: n, PerFile: n})
	w, err := embed.Create(dir, m.Config(), index, "0-of-1", false)
	if err != nil {
		return t, err
	}
	defer w.Close()
	examples := make([]embed.Example, n)
	written := make(chan error, 1) // the file before
	written <- nil
	t, err = timed(n, s.Repeat, func() error {
		trace, err := m.Run(ctx, b, request)
		if err != nil {
			return err
		}
		file := w.File(0)
		if err := file.Add(b, trace, examples); err != nil {
			return err
		}
		if err := <-written; err != nil {
			written <- nil
			return spaceHint(err)
		}
		go func() { written <- file.Write() }()
		return nil
	}, func() error { return nil })
	if last := <-written; err == nil {
		err = spaceHint(last)
	}
	return t, err
}
