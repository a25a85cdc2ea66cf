package session

import (
	"bytes"
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"os"
	"path/filepath"
	"runtime/debug"
	"slices"
	"strings"
	"sync"
	"time"

	"github.com/seed-516990b0/golxmert/kernel/client"
	"github.com/seed-516990b0/golxmert/lxmert/task"
	"github.com/seed-516990b0/golxmert/lxmert/task/cli"
	"github.com/seed-516990b0/golxmert/lxmert/train"
)

// execute takes a run through its turn in the queue to its end.
func (s *runs) execute(ctx context.Context, r *run, l *cli.Line) {
	info := r.now()
	leave, err := s.queue.enter(ctx, info.Notebook, "run "+info.ID)
	var result *client.Result
	if err == nil {
		r.mu.Lock()
		r.info.Started = time.Now()
		r.change(client.Running)
		r.mu.Unlock()
		s.log.printf("run %s begins: %s %s", info.ID, info.Task, cli.Quote(info.Args))
		result, err = s.train(ctx, r, l)
		leave()
	}
	r.mu.Lock()
	defer r.mu.Unlock()
	state := client.Done
	switch {
	case err == nil:
		r.info.Result = result
	case ctx.Err() != nil && errors.Is(err, train.ErrInterrupted):
		state = client.Stopped
		r.info.Error = oneLine(context.Cause(ctx)) + ", " + oneLine(err)
	case ctx.Err() != nil && onlyBecause(err, context.Canceled, context.Cause(ctx)):
		state = client.Stopped
		r.info.Error = oneLine(context.Cause(ctx)) + ", before it did a step"
	default:
		state = client.Failed
		r.info.Error = oneLine(err)
	}
	if err != nil {
		r.info.Again = again(info)
	}
	r.info.Ended = time.Now()
	s.log.printf("run %s: %s %s", info.ID, state, r.info.Error)
	r.cancel = nil
	r.change(state)
	r.drop()
	close(r.ended)
}

// onlyBecause says whether an error, and each that is joined to it, comes from one of some others: what a run could not
// save when it was stopped is joined to that it was.
func onlyBecause(err error, of ...error) bool {
	if slices.Contains(of, err) {
		return true
	}
	switch e := err.(type) {
	case interface{ Unwrap() []error }:
		return !slices.ContainsFunc(e.Unwrap(), func(err error) bool { return !onlyBecause(err, of...) })
	case interface{ Unwrap() error }:
		return onlyBecause(e.Unwrap(), of...)
	}
	return false
}

// again is the line that goes on with a run in a terminal.
func again(info client.Run) string {
	return "cd " + cli.Quote([]string{info.Folder}) + " && " + cli.Quote(append([]string{"lxmert", info.Task}, cli.Again(info.Args)...))
}

// train trains or predicts, and tells r what happens.
func (s *runs) train(ctx context.Context, r *run, l *cli.Line) (result *client.Result, err error) {
	defer func() {
		if p := recover(); p != nil {
			s.log.printf("run %s: panic: %v\n%s", r.info.ID, p, debug.Stack())
			err = fmt.Errorf("session: an error of this program in run %s: %v; the log has more", r.info.ID, p)
		}
	}()
	b, err := s.compute.open(ctx)
	if err != nil {
		return nil, err
	}
	o := l.Options
	o.Folder = r.info.Folder
	if l.MultiGPU {
		o.Devices = int(b.NumDevices())
	}
	give, err := s.reserve(b.Kind, r.now(), l.Task, o)
	if err != nil {
		return nil, err
	}
	defer give()
	lines := &lineWriter{print: r.print}
	defer lines.finish()
	o.Out, o.Notes = lines, lines
	began := time.Now()
	o.Packing = func(done, total int64, _ int) {
		const megabyte = 1 << 20
		r.report(client.Progress{Phase: "packing features, MB", Done: int(done / megabyte), Total: int(total / megabyte)})
	}
	phase := "predicting"
	o.Predict = func(done, all int) {
		r.report(client.Progress{Phase: phase, Done: done, Total: all, Noun: l.Task.Noun})
	}
	if o.Test != "" {
		scored, err := task.Test(ctx, b, l.Task, o)
		return &client.Result{Seconds: time.Since(began).Seconds(), Scored: score(scored)}, err
	}
	if l.Plan {
		return &client.Result{}, task.Plan(ctx, b, l.Task, o)
	}
	metrics := newMetrics(r)
	defer metrics.close()
	phase = "validating"
	o.Progress = func(p train.Progress) {
		r.report(client.Progress{
			Phase: "training", Done: p.Step, Total: p.Steps, Epoch: p.Epoch, Epochs: p.Epochs, Loss: p.Loss, Accuracy: p.Accuracy,
			Rate: p.Rate, Noun: l.Task.Noun, Left: p.Left.Seconds(),
		})
		metrics.poll()
	}
	out, err := task.Train(ctx, b, l.Task, o)
	if metrics.file != nil || err == nil {
		metrics.poll()
	}
	if err != nil {
		return nil, err
	}
	result = &client.Result{Steps: out.Steps, Skipped: out.Skipped, Already: out.Already, Seconds: out.Duration.Seconds()}
	if l.Task.Pretrains {
		result.BestLoss = out.Best
	} else {
		result.Best = out.Best
	}
	return result, nil
}

// lineWriter cuts what is written into lines.
type lineWriter struct {
	print func(line string)

	mu   sync.Mutex
	rest []byte
}

// maxLine is how long a line gets before it is cut.
const maxLine = 64 << 10

func (w *lineWriter) Write(p []byte) (int, error) {
	w.mu.Lock()
	defer w.mu.Unlock()
	w.rest = append(w.rest, p...)
	for {
		i := bytes.IndexByte(w.rest, '\n')
		if i < 0 && len(w.rest) > maxLine {
			i = maxLine
			w.rest = append(w.rest[:i+1], w.rest[i:]...)
		}
		if i < 0 {
			return len(p), nil
		}
		w.print(strings.ToValidUTF8(string(w.rest[:i]), "?"))
		w.rest = w.rest[i+1:]
	}
}

// finish prints a last line without an end.
func (w *lineWriter) finish() {
	w.mu.Lock()
	defer w.mu.Unlock()
	if len(w.rest) > 0 {
		w.print(strings.ToValidUTF8(string(w.rest), "?"))
		w.rest = nil
	}
}

// metrics reads what training appends to metrics.jsonl. A run that goes on writes the lines after its last saved state
// again, as they were; these are left out.
type metrics struct {
	r           *run
	path        string
	file        *os.File
	offset      int64
	step, epoch int // the last that are recorded
}

func newMetrics(r *run) *metrics {
	m := &metrics{r: r, path: filepath.Join(r.now().Output, "metrics.jsonl"), step: -1, epoch: -1}
	events, _, _, _, _ := r.since(0, 0)
	for _, e := range events {
		if e.Metrics != nil {
			m.isNew(e.Metrics)
		}
	}
	return m
}

// isNew says whether a line of metrics has not been seen before.
func (m *metrics) isNew(line []byte) bool {
	var at struct {
		Step  *int `json:"step"`
		Epoch int  `json:"epoch"`
	}
	if json.Unmarshal(line, &at) != nil {
		return false
	}
	last, now := &m.epoch, at.Epoch
	if at.Step != nil {
		last, now = &m.step, *at.Step
	}
	if now <= *last {
		return false
	}
	*last = now
	return true
}

// poll records the lines that are new in the file.
func (m *metrics) poll() {
	if m.file == nil {
		f, err := os.Open(m.path)
		if err != nil {
			return // it comes with the first line
		}
		m.file = f
	}
	text, err := io.ReadAll(io.NewSectionReader(m.file, m.offset, maxEventFile))
	if err != nil && !errors.Is(err, io.EOF) {
		return
	}
	for {
		i := bytes.IndexByte(text, '\n')
		if i < 0 {
			return
		}
		line := bytes.Clone(text[:i])
		text = text[i+1:]
		m.offset += int64(i + 1)
		if m.isNew(line) {
			m.r.measure(line)
		}
	}
}

func (m *metrics) close() {
	if m.file != nil {
		m.file.Close()
	}
}
