package train

import (
	"context"
	"errors"
	"fmt"
	"os"
	"strings"

	"github.com/gomlx/compute"

	"github.com/seed-516990b0/golxmert/internal/progress"
	"github.com/seed-516990b0/golxmert/lxmert"
	"github.com/seed-516990b0/golxmert/lxmert/internal/devicememory"
)

// This file compares a device's memory with what steps take of it, before the first of them, and ends a run for which it was too
// little after all. The processor says nothing of its memory.

// memory is what a step takes of each device, in bytes.
type memory struct {
	kept int64 // parameters and the optimizer's state, from the first step on
	sums int64 // gradients
	rows int64 // what depends on how many rows there are
	held int64 // of these, what is there already
	free int64 // for all of these
}

func (m memory) need() int64 { return m.kept + m.sums + m.rows }

// deviceMemory is that of the device that has the most of it in use.
func (t *Trainer) deviceMemory() (devicememory.Use, bool) {
	return devicememory.Of(t.backend, t.opt.Devices)
}

// memoryOf compiles the program of a step and asks what it takes. ok is false where compiler or device do not say.
func (t *Trainer) memoryOf(parts []Part) (m memory, ok bool, err error) {
	use, ok := t.deviceMemory()
	free, known := use.Free()
	if !ok || !known || len(parts) == 0 {
		return memory{}, false, nil
	}
	fed, err := t.feed(parts[0])
	if err != nil {
		return memory{}, false, err
	}
	g, err := t.gradient(fed, parts[0], len(parts) > 1)
	if err != nil {
		return memory{}, false, err
	}
	n, ok := g.Memory()
	if !ok {
		return memory{}, false, nil
	}
	for _, v := range t.vars.list {
		size := v.shape.ByteSize()
		m.kept += size
		m.held += size * int64(1+len(v.slots))
	}
	weights := int64(0) // among the program's inputs
	for _, s := range g.Slots {
		switch in := s.Input.(type) {
		case nil:
			weights += s.Shape.ByteSize()
		case halfInput:
			size := s.Shape.ByteSize()
			weights += size
			m.kept += size
			if t.vars.byName[in.param].half != nil {
				m.held += size
			}
		case sumInput:
			weights += t.vars.byName[in.param].shape.ByteSize()
			m.sums += t.vars.byName[in.param].shape.ByteSize()
		}
	}
	for _, name := range g.params {
		size := t.vars.byName[name].shape.ByteSize()
		m.kept += size * int64(t.optimizer.slots)
		m.sums += size
	}
	m.free = free + m.held
	// The inputs of the next part, and of the next step, are on their way meanwhile.
	m.rows = n.Temporary + (1+maxSent)*max(0, n.Inputs-weights)
	return m, true, nil
}

// StepBytes compiles what a step of these parts needs and is what it takes of each device's memory beside what is in use. ok is false
// where compiler or device do not say.
func (t *Trainer) StepBytes(parts ...Part) (bytes int64, ok bool, err error) {
	m, ok, err := t.memoryOf(parts)
	return m.need() - m.held, ok, err
}

// Fit compiles what a step of these parts needs and says whether the devices' memory is enough for it. The error says what takes
// less.
func (t *Trainer) Fit(parts ...Part) error {
	m, ok, err := t.memoryOf(parts)
	if err != nil || !ok || m.need() <= m.free {
		return err
	}
	return fmt.Errorf("train: a step takes about %s of the GPU's memory, of which %s are free: %s", progress.Bytes(m.need()), progress.Bytes(m.free), t.smaller(m, parts))
}

// smaller is what a user can do about steps that take too much: features that are kept go first.
func (t *Trainer) smaller(m memory, parts []Part) string {
	if t.kept == nil {
		return t.smallerSteps(m, parts)
	}
	features := t.keptBytes()
	m.free += features
	text := fmt.Sprintf("--keepFeatures no sends features with each step, which leaves %s more free", progress.Bytes(features))
	if m.need() > m.free {
		text += ", but not enough; beside that, " + t.smallerSteps(m, parts)
	}
	return text
}

// alone is what helps where little else does.
const alone = "a GPU that nobody else uses has more free, which --backend cuda,visible_devices=N chooses"

// noRoom says what became of the upload of a parameter.
func noRoom(err error, b compute.Backend, params []lxmert.Param, name string, devices int) error {
	if !devicememory.Exhausted(err) {
		return fmt.Errorf("train: %s: %w", name, err)
	}
	bytes := int64(0)
	for _, p := range params {
		bytes += 4 * int64(lxmert.Size(p.Shape))
	}
	where := ""
	if use, ok := devicememory.Of(b, devices); ok && use.Limit > 0 {
		where = fmt.Sprintf(", with %s of %s in use at %s", progress.Bytes(use.InUse), progress.Bytes(use.Limit), name)
	}
	return fmt.Errorf("train: the GPU's memory is too little for the model's parameters, which take %s%s; %s: %w", progress.Bytes(bytes), where, alone, err)
}

// smallerSteps is what makes steps fit, or takes less.
func (t *Trainer) smallerSteps(m memory, parts []Part) string {
	if fixed := m.kept + m.sums; fixed > m.free {
		text := fmt.Sprintf("parameters, gradients and the optimizer's state alone take %s; ", progress.Bytes(fixed))
		if t.adapters == nil {
			text += "--lora 8 trains adapters, which take less; "
		}
		return text + alone
	}
	var less []string
	rows, devices := parts[0].Batch.Rows(), t.opt.Devices
	sums := m.sums
	if len(parts) == 1 {
		sums *= 2 // those of earlier parts come in
	}
	for k := 2; k <= rows/devices; k++ {
		if takes := m.kept + sums + m.rows/int64(k); rows%(k*devices) == 0 && takes <= m.free {
			less = append(less, fmt.Sprintf("--accumulate %d takes about %s for the same step", k*len(parts), progress.Bytes(takes)))
			break
		}
	}
	if !t.opt.Rematerialize {
		less = append(less, "--rematerialize takes less")
	}
	if rows > devices && m.kept+m.sums+m.rows*int64(devices)/int64(rows) <= m.free {
		less = append(less, "a smaller --batchSize takes less")
	}
	if less == nil {
		return alone
	}
	return strings.Join(less, "; ")
}

// prepare has the job bring to the devices what its steps need there, and says whether the largest of them fit beside it.
func (r *run) prepare(ctx context.Context) error {
	parts, err := r.largest(ctx)
	if err != nil {
		return err
	}
	if r.job.Prepare != nil {
		if err := r.job.Prepare(ctx, parts); err != nil {
			return err
		}
	}
	return r.t.Fit(parts...)
}

// largest is a step of which no others are larger, or nil where nobody compares it with a device's memory.
func (r *run) largest(ctx context.Context) ([]Part, error) {
	if _, ok := r.t.deviceMemory(); !ok || r.job.Largest == nil {
		return nil, nil
	}
	batches, err := r.job.Largest(ctx)
	if err != nil {
		return nil, err
	}
	defer batches.Close()
	return batches.Next()
}

// exhausted ends the run where memory was too little for a step.
func (r *run) exhausted(err error) error {
	where := fmt.Sprintf("train: the GPU's memory is too little for step %d of epoch %d", r.at.Step, r.at.Epoch)
	if use, ok := r.t.deviceMemory(); ok && use.Limit > 0 {
		where += fmt.Sprintf(", with %s of %s in use before it", progress.Bytes(use.InUse), progress.Bytes(use.Limit))
	}
	less := "when others use less of the GPU, or on more --devices"
	if !r.t.opt.Rematerialize {
		less = "with --rematerialize, which takes less, " + less
	}
	if r.t.kept != nil {
		less = fmt.Sprintf("with --keepFeatures no, which leaves %s more free, %s", progress.Bytes(r.t.keptBytes()), less)
	}
	if r.t.lost {
		if _, missing := os.Stat(r.path(stateFile)); missing != nil {
			return fmt.Errorf("%s; nothing was saved before it, so it begins anew: %w", where, err)
		}
		return fmt.Errorf("%s; --resume goes on from the state that was saved last, %s: %w", where, less, err)
	}
	if saving := r.save(); saving != nil {
		return errors.Join(fmt.Errorf("%s: %w", where, err), saving)
	}
	return fmt.Errorf("%s; the state before it is saved, and --resume goes on %s: %w", where, less, err)
}
