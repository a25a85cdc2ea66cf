package lx

import (
	"context"
	"errors"
	"fmt"
	"path/filepath"
	"slices"
	"strings"
	"time"

	"github.com/janpfeifer/gonb/gonbui"

	"github.com/seed-516990b0/golxmert/analysis/display"
	"github.com/seed-516990b0/golxmert/analysis/tuning"
	"github.com/seed-516990b0/golxmert/kernel/client"
)

// Trials are the runs of a sweep. [Follow] shows them until the last has ended, [Show] as they are at the moment.
type Trials = client.Trials

// Sweep trains with every combination of some values of flags: flags are those of [FineTune], with --grid FLAG=VALUE,VALUE for
// each axis, and --output is the folder of all runs, each of which has one below it that its settings name.
//
//	best := lx.Follow(lx.Sweep("vqa", "--load toy --epochs 4 --grid lr=1e-5,5e-5 --grid batchSize=16,32 --output snap/vqa/sweep"))
//
// Calling it again, tomorrow or with more values, goes on: runs that are done are not done again, those that were stopped or
// lost resume, failed ones are tried again. `lxmert sweep` is the same on the command line and on a cluster.
func Sweep(task string, flags ...string) Trials {
	return must(cell().StartSweep(cell().ctx, task, words(flags)))
}

// followTrials shows the runs of a sweep to their end.
func followTrials(t Trials) Run {
	best, err := followAll(cell().ctx, cell().Client, newLiveTrials(t), restartGrace)
	for _, r := range t.Runs {
		cell().ended.Store(r.ID, true)
	}
	if err != nil {
		fail(err)
	}
	return best
}

// followAll follows runs one after the other, as they take turns. An interrupt stops those that wait before the one that is
// under way, so that none begins.
func followAll(ctx context.Context, c *client.Client, l *liveTrials, grace time.Duration) (best Run, err error) {
	err = watch(ctx, grace, func(ctx context.Context) error {
		for i, r := range l.trials.Runs {
			if err := c.Follow(ctx, r.ID, func(e client.Event) error { return l.seen(i, e) }); err != nil {
				return err
			}
		}
		return nil
	}, func(ctx context.Context) error {
		var errs []error
		for _, r := range slices.Backward(l.trials.Runs) {
			_, err := c.Stop(ctx, r.ID)
			errs = append(errs, err)
		}
		return errors.Join(errs...)
	})
	l.draw(true)
	if err != nil {
		return Run{}, err
	}
	return l.outcome(ctx.Err() != nil)
}

// liveTrials is the picture of a sweep in a cell, drawn anew in place.
type liveTrials struct {
	trials  Trials
	metrics []tuning.Metrics
	id      string
	drawn   time.Time
	current string // what is said of the run under way
}

func newLiveTrials(t Trials) *liveTrials {
	l := &liveTrials{trials: t, metrics: make([]tuning.Metrics, len(t.Runs))}
	l.trials.Runs = slices.Clone(t.Runs)
	if gonbui.IsNotebook {
		l.id = "lx-" + gonbui.UniqueId()
	}
	return l
}

// minTableTime is how long a picture of a sweep stands at least: it has a curve of every run.
const minTableTime = 2 * time.Second

// seen takes an event of a run and draws what it changes.
func (l *liveTrials) seen(i int, e client.Event) error {
	l.see(i, e)
	if time.Since(l.drawn) >= minTableTime {
		l.draw(false)
	}
	return nil
}

// see takes an event of a run.
func (l *liveTrials) see(i int, e client.Event) {
	switch {
	case e.Run != nil:
		before := l.trials.Runs[i]
		l.trials.Runs[i] = *e.Run
		l.trials.Runs[i].Point = before.Point // an event of an earlier day may not have it
		if e.Run.State == client.Running || e.Run.State.Ended() {
			l.current = ""
		}
	case e.Metrics != nil:
		l.metrics[i].Add(e.Metrics)
	case e.Progress != nil:
		l.current = runHTML(l.trials.Runs[i], e.Progress)
	}
}

// compared are the runs as package tuning has them.
func (l *liveTrials) compared() *tuning.Trials {
	t := &tuning.Trials{Task: l.trials.Task, LossDecides: l.trials.LossDecides}
	for i, r := range l.trials.Runs {
		x := tuning.Trial{State: string(r.State), Why: r.Error, Metrics: l.metrics[i]}
		for _, setting := range r.Point {
			flag, value, _ := strings.Cut(setting, "=")
			x.Settings = append(x.Settings, tuning.Setting{Flag: flag, Value: value})
		}
		t.Runs = append(t.Runs, x)
	}
	return t
}

// draw shows the state of things. What cannot be drawn is left for the next time, but for the last.
func (l *liveTrials) draw(last bool) {
	l.drawn = time.Now()
	if !gonbui.IsNotebook {
		if last {
			fmt.Print(l.compared().Table().Plain())
		}
		return
	}
	s, err := l.shown(last)
	if err != nil && last {
		remark("Follow: the runs cannot be drawn: %v", err)
	}
	if err == nil {
		s.display(l.id)
	}
}

// shown is the run under way, the table and the curves. The last has a picture of both for pages that show no HTML.
func (l *liveTrials) shown(last bool) (shown, error) {
	t := l.compared()
	s := shown{text: t.Table().Plain()}
	d, err := ordered(context.WithoutCancel(cell().ctx), display.Order{Result: t.Figure(), Page: true})
	if err != nil {
		return s, err
	}
	s.html = string(d.Page)
	if !last && l.current != "" {
		s.html = `<div style="font-family:sans-serif">` + l.current + `</div>` + s.html
	}
	if last {
		s.png = pngOf(t.Figure().Results)
	}
	return s, nil
}

// outcome is the best run, or an error if runs were stopped or lost, or none is the best.
func (l *liveTrials) outcome(interrupted bool) (Run, error) {
	t := l.compared()
	for _, line := range t.Failures() {
		remark("Follow: %s", line)
	}
	done, open := 0, 0
	for _, r := range l.trials.Runs {
		switch r.State {
		case client.Done:
			done++
		case client.Stopped, client.Lost:
			open++
		}
	}
	best := t.Best()
	switch {
	case open > 0 || interrupted:
		return Run{}, fmt.Errorf("the sweep is at a stop: %d of %d runs are done, and what the others have done is saved; the same lx.Sweep goes on with it", done, len(l.trials.Runs))
	case best < 0 || done == 0:
		return Run{}, fmt.Errorf("none of the %d runs of the sweep has a result", len(l.trials.Runs))
	}
	return l.trials.Runs[best], nil
}

// showTrials shows the runs of a sweep as they are.
func showTrials(t Trials) (shown, error) {
	l := newLiveTrials(t)
	for i, r := range t.Runs {
		now, err := cell().Run(cell().ctx, r.ID)
		if err != nil {
			return shown{}, err
		}
		l.see(i, client.Event{Run: &now})
		if l.metrics[i], err = tuning.ReadMetrics(filepath.Join(r.Output, "metrics.jsonl")); err != nil {
			return shown{}, err
		}
	}
	return l.shown(true)
}
