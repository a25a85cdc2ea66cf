package bench

import (
	"context"
	_ "embed"
	"fmt"
	"path/filepath"

	"github.com/seed-516990b0/golxmert/lxmert/internal/process"
	"github.com/seed-516990b0/golxmert/lxmert/lxrt"
)

//go:embed data_peer.py
var dataPeer []byte

// DataOptions are those of [Data]. The zero value of a field is its default.
type DataOptions struct {
	Runs // Repeat: batches per process; default 50

	MB           int // size of the TSV, in millions of bytes, but one image at least; default 300
	Batch        int // images of a batch; default 32
	Regions, Dim int // boxes of an image, features of a box; default 36 and 2048
}

func (o DataOptions) withDefaults() DataOptions {
	o.Runs = o.Runs.withDefaults(50)
	set(&o.MB, 300)
	set(&o.Batch, 32)
	set(&o.Regions, 36)
	set(&o.Dim, 2048)
	return o
}

// Data measures how region features get from a published TSV into batches: packing the file once and reading images
// from the store, against the reference's way of decoding the whole file into memory at every start. The file is made
// up; it and the store need room in the folder of temporary files. Errors that wrap [ErrOptions] are about the options.
func Data(ctx context.Context, o DataOptions) (*DataReport, error) {
	o = o.withDefaults()
	err := o.Runs.check(number{"size", o.MB, 1 << 24}, number{"batch", o.Batch, maxOption}, number{"regions", o.Regions, maxOption}, number{"features", o.Dim, maxOption})
	if err != nil {
		return nil, err
	}
	dir, remove, err := temporary()
	if err != nil {
		return nil, err
	}
	defer remove()
	d := &data{DataOptions: o, dir: dir}
	if o.Peer != "" {
		var about struct{}
		p, err := findPeer(ctx, o.Peer, dir, process.Script{File: "data_peer.py", Source: dataPeer, Module: "numpy", Product: "NumPy", Install: "numpy"}, &about)
		if err != nil {
			return nil, err
		}
		d.peer = &p
	}
	fmt.Fprintf(o.Log, "bench: making features (%d MB)\n", o.MB)
	if d.file, err = writeFeatures(ctx, d.tsv(), o); err != nil {
		return nil, err
	}
	if err := writeOrder(d.order(), d.file.Images, o.Repeat+1, o.Batch); err != nil {
		return nil, err
	}
	for round := range o.Rounds {
		if err := d.round(ctx, round); err != nil {
			return nil, err
		}
	}
	return d.report(), nil
}

// data is a measurement under way.
type data struct {
	DataOptions
	dir  string
	peer *process.Python // nil: none
	file DataFile

	packing, reading, theirs []dataResult
}

func (d *data) tsv() string   { return filepath.Join(d.dir, "bench_obj36.tsv") }
func (d *data) order() string { return filepath.Join(d.dir, "order.json") }

// dataResult is what one process says of itself.
type dataResult struct {
	Engine     string    `json:"engine"`
	LoadS      float64   `json:"load_s"` // packing, opening the store, or loading the file
	TimesMS    []float64 `json:"times_ms,omitempty"`
	Digest     string    `json:"digest,omitempty"` // SHA-256 of all batches, features and boxes, in hex
	PeakRSS    int64     `json:"peak_rss_bytes"`
	StoreBytes int64     `json:"store_bytes,omitempty"`
}

// round packs to a store of its own and reads from it, and lets Python do the same its way.
func (d *data) round(ctx context.Context, round int) error {
	spec := dataSpec{TSV: d.tsv(), Order: d.order(), Stores: filepath.Join(d.dir, fmt.Sprintf("round-%d", round))}
	for _, pack := range []bool{true, false} {
		spec.Pack = pack
		p, err := d.Runs.ours(job{Data: &spec}, false)
		if err != nil {
			return err
		}
		var r dataResult
		if _, err := p.Run(ctx, &r); err != nil {
			return err
		}
		if pack {
			d.packing = append(d.packing, r)
			d.progress(round, "golxmert packed in", &r)
			continue
		}
		d.reading = append(d.reading, r)
		d.progress(round, "golxmert opened the store in", &r)
	}
	if err := spec.removeStore(); err != nil {
		return err
	}
	if d.peer == nil {
		return nil
	}
	var r dataResult
	if _, err := d.peer.Program("python", "--tsv", d.tsv(), "--order", d.order()).Run(ctx, &r); err != nil {
		return err
	}
	d.theirs = append(d.theirs, r)
	d.progress(round, "python loaded in", &r)
	if ours := d.reading[0]; r.Digest != ours.Digest || len(r.TimesMS) != len(ours.TimesMS) {
		return fmt.Errorf("golxmert and python make different batches of the same %d images; nothing was compared", d.file.Images)
	}
	return nil
}

func (d *data) progress(round int, did string, r *dataResult) {
	fmt.Fprintf(d.Log, "bench: round %d of %d, %s %.3g s, peak memory %s", round+1, d.Rounds, did, r.LoadS, memory(r.PeakRSS))
	if len(r.TimesMS) > 0 {
		fmt.Fprintf(d.Log, ", best batch %s ms", milli(best(r.TimesMS)))
	}
	fmt.Fprintln(d.Log)
}

func (d *data) report() *DataReport {
	r := &DataReport{Version: lxrt.Version(), Machine: thisMachine(), File: d.file, Batch: d.Batch, Repeat: d.Repeat, Rounds: d.Rounds}
	r.Ours = newDataSide(d.packing, d.reading, d.file.Bytes, d.Batch)
	if d.peer != nil {
		python := newDataSide(d.theirs, d.theirs, d.file.Bytes, d.Batch)
		r.Python, r.Versus = &python, compareData(r.Ours, python)
	}
	return r
}
