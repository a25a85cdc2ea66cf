package train

import (
	"context"
	"encoding/json"
	"fmt"
	"math"
	"time"

	"github.com/seed-516990b0/golxmert/internal/resident"
)

// meter smooths what progress and metrics show.
type meter struct {
	batches   Batches
	last      time.Time     // when the last step was finished, or the epoch began
	compiling time.Duration // spent until then
	steps     int
	loss      float64 // smoothed
	perStep   float64 // seconds of a step, smoothed
	perRow    float64 // seconds of a row, smoothed

	// Since the last line of metrics.
	wait    time.Duration
	rows    int
	elapsed time.Duration
}

// start begins an epoch, before which so much time was spent on compiling.
func (m *meter) start(b Batches, compiling time.Duration) {
	m.batches, m.last, m.compiling, m.wait, m.rows, m.elapsed = b, time.Now(), compiling, 0, 0, 0
}

// lap is the time since the last call of lap or start, and how much of it was spent on compiling; all is what was spent on that so far.
func (m *meter) lap(all time.Duration) (took, compiling time.Duration) {
	now := time.Now()
	took, compiling = now.Sub(m.last), all-m.compiling
	m.last, m.compiling = now, all
	return took, compiling
}

// smoothing is how much of a smoothed number one step is.
const smoothing = 0.04

// add counts a step that took this long since the one before, and how much of it went into compiling. Steps with a new length of
// sentence compile first: what that took says nothing about the steps to come, so it is in the lines of metrics, but not in the
// smoothed numbers.
func (m *meter) add(loss float64, rows int, took, compiling time.Duration) {
	m.rows += rows
	m.elapsed += took
	m.steps++
	took = max(took-compiling, 0)
	weight := smoothing
	if m.steps <= 2 { // the first step also touches all memory for the first time
		weight = 1
	}
	blend := func(x *float64, value float64) {
		if finite(value) {
			*x += weight * (value - *x)
		}
	}
	blend(&m.loss, loss)
	blend(&m.perStep, took.Seconds())
	blend(&m.perRow, took.Seconds()/float64(rows))
}

func (r *run) progress() Progress {
	p := Progress{
		Epoch: r.at.Epoch, Epochs: len(r.job.Steps), Step: r.at.Step, Steps: r.job.Steps[r.at.Epoch],
		Loss: r.meter.loss, Rate: 1 / r.meter.perRow,
	}
	if r.at.Rows > 0 {
		p.Accuracy = 100 * r.at.Right / float64(r.at.Rows)
	}
	left := p.Steps - p.Step
	for _, n := range r.job.Steps[p.Epoch+1:] {
		left += n
	}
	p.Left = time.Duration(float64(left) * r.meter.perStep * float64(time.Second))
	return p
}

// writeMetrics writes a line about the steps since the last.
func (r *run) writeMetrics(res *Result) error {
	every := r.opt.LogSteps
	steps := r.job.Steps[r.at.Epoch]
	if every == 0 {
		every = max(1, steps/100)
	}
	if r.at.Step%every != 0 && r.at.Step != steps && !res.Skipped {
		return nil
	}
	m := &r.meter
	rate := float64(m.rows) / m.elapsed.Seconds()
	wait := m.batches.Wait()
	line := map[string]any{
		"step": r.t.step, "epoch": r.at.Epoch, "loss": number(res.Loss), "norm": number(res.Norm), "lr": res.LR,
		"rows_per_s": round(rate), "data_wait_s": round((wait - m.wait).Seconds()), "skipped": r.at.Skipped,
	}
	for i, x := range partLosses(res.Outputs, len(r.job.Parts)) {
		line["loss."+r.job.Parts[i]] = number(x)
	}
	if r.job.FLOPs > 0 {
		// The way back costs twice the way forward.
		flops := 3 * r.job.FLOPs * rate
		line["gflop_per_s"] = round(flops / 1e9)
		if r.peak > 0 {
			line["mfu"] = math.Round(1e6*flops/r.peak) / 1e6 // a small model uses very little
		}
	}
	if rss := resident.Bytes(); rss > 0 {
		line["memory_mb"] = rss >> 20
	}
	if use, ok := r.t.deviceMemory(); ok {
		line["device_memory_mb"], line["device_peak_mb"] = use.InUse>>20, use.Peak>>20
	}
	m.wait, m.rows, m.elapsed = wait, 0, 0
	return r.writeLine(line)
}

// measurePeak asks what a share of the device's speed is a share of. A run does without it where that cannot be said.
func (r *run) measurePeak(ctx context.Context) {
	if r.opt.Peak == nil || r.job.FLOPs <= 0 {
		return
	}
	flops, err := r.opt.Peak(ctx)
	if err != nil {
		if ctx.Err() == nil {
			fmt.Fprintf(r.opt.Log, "%s has no mfu: %v\n", metricsFile, err)
		}
		return
	}
	r.peak = flops
}

// number is a float that JSON can hold.
func number(x float64) any {
	if math.IsNaN(x) || math.IsInf(x, 0) {
		return fmt.Sprint(x)
	}
	return x
}

func (r *run) writeLine(line map[string]any) error {
	text, err := json.Marshal(line)
	if err != nil {
		return err
	}
	if _, err := r.metrics.Write(append(text, '\n')); err != nil {
		return fmt.Errorf("train: %w; make room there, --resume goes on from the last saved state", err)
	}
	return nil
}
