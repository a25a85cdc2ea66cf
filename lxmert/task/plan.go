package task

import (
	"context"
	"errors"
	"fmt"
	"io"
	"os"
	"strings"
	"text/tabwriter"
	"time"

	"github.com/seed-516990b0/golxmert/internal/diskspace"
	"github.com/seed-516990b0/golxmert/internal/progress"
	"github.com/seed-516990b0/golxmert/internal/resident"
	"github.com/seed-516990b0/golxmert/lxmert/backend"
	"github.com/seed-516990b0/golxmert/lxmert/dataset"
	"github.com/seed-516990b0/golxmert/lxmert/region"
	"github.com/seed-516990b0/golxmert/lxmert/train"
	"github.com/seed-516990b0/golxmert/lxmert/weights"
)

// This file says what a run would take, with --plan, and neither starts it nor packs features for it.

// Plan says on Options.Out what the training that the options ask for would take: which files there are, how many examples and
// steps, memory and disk, and how long it would last, by the time of ten steps. It writes nothing into the output folder, and of
// feature files that are not packed yet it reads the first rows only, so that what it counts is then an upper bound. The error
// names every file that is missing.
func Plan(ctx context.Context, b *backend.Backend, t *dataset.Task, o Options) (err error) {
	at := o
	at.settle()
	p, err := newPlanning(t, &at)
	if err != nil {
		return err
	}
	defer func() { err = errors.Join(err, p.Close()) }()
	o.planning, o.Out = p, io.Discard
	_, err = Train(ctx, b, t, o)
	return err
}

const (
	planRows  = 256 // of a feature file that is not packed, to take steps with
	planSteps = 10
)

// planning is a plan in the making.
type planning struct {
	out     io.Writer
	dir     string // of the first rows of feature files that are not packed
	packing int64  // about how many bytes packing them takes
}

// newPlanning looks for the files of a run. All that are missing are one error.
func newPlanning(t *dataset.Task, o *Options) (*planning, error) {
	p := &planning{out: o.Out}
	w := tabwriter.NewWriter(p.out, 0, 0, 3, ' ', 0)
	fmt.Fprintln(w, "data:")
	var missing []error
	seen := map[string]bool{}
	for i, splits := range [][]string{o.Train, o.Valid} {
		if len(splits) == 0 {
			continue
		}
		limit := o.limit()
		if t.Pretrains {
			limit = pretrainLimit(o, i > 0)
		}
		files, err := dataset.Files(t, o.Root, splits, limit)
		if err != nil {
			return nil, err
		}
		if t.Pretrains || t.Truth.Table {
			files = append(files, dataset.File{Path: dataset.AnswerFile(o.Root, t)})
		}
		for _, f := range files {
			if seen[f.Path] {
				continue
			}
			seen[f.Path] = true
			if err := p.look(w, f); err != nil {
				missing = append(missing, err)
				fmt.Fprintf(w, "  %s\tmissing\n", f.Path)
			}
		}
	}
	if err := w.Flush(); err != nil {
		return nil, err
	}
	if missing != nil {
		lines := make([]string, len(missing))
		for i, err := range missing {
			lines[i] = err.Error()
		}
		return nil, fmt.Errorf("task: %d of %d files are missing: %w", len(missing), len(seen), &missingError{lines, missing})
	}
	return p, nil
}

// missingError is several errors on one line.
type missingError struct {
	lines []string
	errs  []error
}

func (e *missingError) Error() string   { return strings.Join(e.lines, "; and ") }
func (e *missingError) Unwrap() []error { return e.errs }

// look says what there is of a file.
func (p *planning) look(w io.Writer, f dataset.File) error {
	if !f.Features {
		info, err := os.Stat(f.Path)
		if err == nil {
			fmt.Fprintf(w, "  %s\t%s\n", f.Path, progress.Bytes(info.Size()))
		}
		return err
	}
	s, err := region.SurveyOf(f.Path, f.Rows)
	if err != nil {
		return err
	}
	note := "packed"
	if s.Packing > 0 {
		packing := s.Packing
		note = fmt.Sprintf("to be packed once, into about %s", progress.Bytes(packing))
		if f.Rows > 0 {
			note, packing = fmt.Sprintf("of which the first %d rows are to be packed", f.Rows), 0
		}
		p.packing += packing
	}
	fmt.Fprintf(w, "  %s\t%s\t%s\n", s.Path, progress.Bytes(s.Bytes), note)
	return nil
}

// open opens a feature file if it is packed, else its first rows, which it packs into a folder of the plan's own.
func (p *planning) open(ctx context.Context, path string, rows int) (region.Source, error) {
	s, err := region.SurveyOf(path, rows)
	if err != nil {
		return nil, err
	}
	opt := region.PackedOptions{Rows: rows}
	if s.Packing > 0 {
		if p.dir == "" {
			if p.dir, err = os.MkdirTemp("", "lxmert-plan-"); err != nil {
				return nil, fmt.Errorf("task: a folder for the plan: %w; TMPDIR names another", err)
			}
		}
		opt = region.PackedOptions{Rows: planRows, Dir: p.dir}
		if rows > 0 {
			opt.Rows = min(opt.Rows, rows)
		}
	}
	return region.OpenPacked(ctx, path, opt)
}

// partly says that not all of the features could be opened.
func (p *planning) partly() bool { return p.dir != "" }

// Close removes what the plan has packed.
func (p *planning) Close() error {
	if p.dir == "" {
		return nil
	}
	return os.RemoveAll(p.dir)
}

// found is how many examples a run has of those that files list: the ones with pictures, or where a plan does not know which
// these are, all.
func (s *session) found(listed, withPicture int) int {
	if s.planning != nil && s.planning.partly() {
		return listed
	}
	return withPicture
}

// openFeatures is how feature files are opened; nil: as usual.
func (s *session) openFeatures() func(ctx context.Context, path string, rows int) (region.Source, error) {
	if s.planning == nil {
		return nil
	}
	return s.planning.open
}

// outline reports on fine-tuning.
func (s *session) outline(ctx context.Context, b *start, k training, phases []phase[*dataset.Set], valid *dataset.Set, lengths []int) error {
	first := phases[0]
	x := outline{start: b, training: k, epochs: stepsIn(phases), snapshots: 2, rows: first.set.Len()}
	for _, set := range setsOf(phases) {
		x.examples += s.found(set.Listed, set.Len())
	}
	first.steps = min(first.steps, x.rows/s.opt.BatchSize)
	x.batches = func(ctx context.Context) train.Batches { return s.batches(ctx, first, 0, lengths) }
	if valid != nil {
		x.valid = s.found(valid.Listed, valid.Len())
	}
	return s.planning.report(ctx, s, x)
}

// outline reports on pre-training.
func (p *pretraining) outline(ctx context.Context, b *start, k training) error {
	x := outline{start: b, training: k, epochs: stepsIn(p.phases), snapshots: len(p.phases) + 1, rows: p.phases[0].set.Len()}
	for _, set := range setsOf(p.phases) {
		x.examples += p.found(set.Listed, set.Len())
	}
	if p.valid != nil {
		x.valid = p.found(p.valid.Listed, p.valid.Len())
	}
	p.phases[0].steps = min(p.phases[0].steps, x.rows/p.opt.BatchSize)
	x.batches = func(ctx context.Context) train.Batches { return p.batches(ctx, 0, 0) }
	return p.planning.report(ctx, p.session, x)
}

// outline is a run that is not made.
type outline struct {
	*start
	training
	epochs          []int // steps of each
	examples, valid int
	snapshots       int // files
	rows            int // examples of the first epoch whose features could be opened
	batches         func(ctx context.Context) train.Batches
}

// report says what a run would take: what can be known at once, then what steps take, which only a model that fits into memory
// makes.
func (p *planning) report(ctx context.Context, s *session, x outline) error {
	o, t := s.opt, s.task
	atMost, all := "", 0
	if p.partly() {
		atMost = "at most "
	}
	for _, n := range x.epochs {
		all += n
	}
	count := func(n int) string { return progress.Count(int64(n)) }
	fmt.Fprintf(p.out, "examples:  %s%s %s to train on, %s to validate on\n", atMost, count(x.examples), t.Noun, count(x.valid))
	fmt.Fprintf(p.out, "steps:     %s%s in %d epochs, of %s %s each%s\n", atMost, count(all), len(x.epochs), count(o.BatchSize), t.Noun, o.inShares())
	fmt.Fprintf(p.out, "model:     %s parameters; %s\n", count(x.cfg.NumParams()), weights.Words(x.cfg))
	need, onGPU := s.memoryOfTraining(x.cfg)
	machine := resident.Machine()
	if !onGPU {
		fmt.Fprintf(p.out, "memory:    about %s for parameters, optimizer and activations, of the %s of this machine\n", progress.Bytes(need), progress.Bytes(machine))
	} else {
		host := 2 * 4 * int64(x.cfg.NumParams()) // what is loaded or saved, and a copy
		fmt.Fprintf(p.out, "memory:    about %s on each of %d devices, and about %s of the %s of this machine\n", progress.Bytes(need), max(1, o.Devices),
			progress.Bytes(host), progress.Bytes(machine))
	}
	if err := p.disk(o, x); err != nil {
		return err
	}
	switch {
	case !onGPU && need > machine:
		fmt.Fprintln(p.out, "time:      not measured, as there is too little memory; a smaller --batchSize, --accumulate or --rematerialize take less")
		return nil
	case x.rows < o.BatchSize:
		fmt.Fprintf(p.out, "time:      not measured: the first %d rows of the feature files that are not packed have %d %s, fewer than --batchSize; `lxmert pack` packs them\n", planRows, x.rows, t.Noun)
		return nil
	}
	trainer, err := s.trainer(ctx, x.start, x.training, all)
	if err != nil {
		return err
	}
	perStep, compiling, err := timeSteps(ctx, trainer, x.batches)
	if err = errors.Join(err, trainer.Close()); err != nil {
		return err
	}
	whole := time.Duration(float64(perStep) * float64(all))
	// A way forward is a third of a step, and one device makes it.
	valid := time.Duration(float64(perStep) / 3 * float64(x.valid) / float64(o.BatchSize) * float64(len(x.epochs)))
	if onGPU {
		valid *= time.Duration(max(1, o.Devices))
	}
	fmt.Fprintf(p.out, "time:      %s, %.3g s for each step by the mean of %d, %.3g s to compile; validation about %s more\n",
		long(whole), perStep.Seconds(), planSteps, compiling.Seconds(), long(valid))
	if peak := resident.Peak(); peak > 0 {
		fmt.Fprintf(p.out, "measured:  these steps took %s of this machine's memory at most\n", progress.Bytes(peak))
	}
	return nil
}

// disk says what the run's files take.
func (p *planning) disk(o *Options, x outline) error {
	need, err := train.Space(x.cfg, o.Optim, x.snapshots)
	if err != nil {
		return err
	}
	fmt.Fprintf(p.out, "disk:      at most %s in %s for %d snapshots and what --resume needs", progress.Bytes(need), o.Output, x.snapshots)
	if free, known := diskspace.Free(o.Output); known {
		short := ""
		if need > free {
			short = ": too little"
		}
		fmt.Fprintf(p.out, ", of %s that are free%s", progress.Bytes(free), short)
	}
	if p.packing > 0 {
		fmt.Fprintf(p.out, "; about %s more for packed features, beside the files", progress.Bytes(p.packing))
	}
	_, err = fmt.Fprintln(p.out)
	return err
}

// inShares says how a batch is shared, "" where it is not.
func (o *Options) inShares() string {
	if o.shares() == 1 {
		return ""
	}
	text := fmt.Sprintf(", %s at a time", progress.Count(int64(o.BatchSize/o.shares())))
	if o.Devices > 1 {
		text += fmt.Sprintf(" on each of %d devices", o.Devices)
	}
	return text
}

// long writes a duration that may be days.
func long(d time.Duration) string {
	if d >= 48*time.Hour {
		return fmt.Sprintf("%.1f days", d.Hours()/24)
	}
	return progress.Clock(d)
}

// timeSteps takes two steps that it does not count, as they compile and touch all memory for the first time, and then those that
// it does. Where there are fewer batches they are taken again.
func timeSteps(ctx context.Context, t *train.Trainer, batches func(context.Context) train.Batches) (perStep, compiling time.Duration, err error) {
	b := batches(ctx)
	defer func() { b.Close() }()
	next := func(i int) ([]train.Part, error) {
		parts, err := b.Next()
		if errors.Is(err, io.EOF) {
			b.Close()
			b = batches(ctx)
			parts, err = b.Next()
		}
		if err == nil && i == 0 {
			err = t.Fit(parts...)
		}
		return parts, err
	}
	var counted time.Duration
	err = t.MakeSteps(ctx, planSteps+2, next, func(i int, r *train.Result, took time.Duration) error {
		compiling += r.Compiling
		if i >= 2 {
			counted += took
		}
		return nil
	})
	if err != nil {
		return 0, 0, err
	}
	return counted / planSteps, compiling, nil
}
