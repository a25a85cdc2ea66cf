package main

import (
	"errors"
	"os"
	"path/filepath"

	"github.com/seed-516990b0/golxmert/analysis"
	"github.com/seed-516990b0/golxmert/analysis/figure"
	"github.com/seed-516990b0/golxmert/analysis/report"
	"github.com/seed-516990b0/golxmert/analysis/tuning"
	"github.com/seed-516990b0/golxmert/lxmert/task"
	"github.com/seed-516990b0/golxmert/lxmert/task/cli"
)

// This file says how far the runs of a sweep are, by what is in their folders, and writes that.

// The states of a run, as the table has them.
const (
	stateDone     = "done"
	stateBegun    = "begun" // it was interrupted, or runs in another process
	stateNotBegun = "not begun"
)

// trials are the runs as their folders show them.
func (s *gridSweep) trials() *tuning.Trials {
	trials := &tuning.Trials{Task: s.task.Title, LossDecides: s.task.Pretrains}
	for i := range s.points {
		trials.Runs = append(trials.Runs, s.trial(&s.points[i]))
	}
	return trials
}

func (s *gridSweep) trial(p *cli.Point) (t tuning.Trial) {
	for _, x := range p.Settings {
		t.Settings = append(t.Settings, tuning.Setting(x))
	}
	dir := p.Line.Options.Output
	var unreadable error
	t.Metrics, unreadable = tuning.ReadMetrics(filepath.Join(dir, metricsName))
	done, err := task.Already(s.task, p.Line.Options)
	t.Why = failure(dir)
	switch err = errors.Join(err, unreadable); {
	case err != nil:
		t.State, t.Why = tuning.Failed, err.Error()
	case done != nil:
		t.State, t.Why = stateDone, ""
	case t.Why != "":
		t.State = tuning.Failed
	case begun(p):
		t.State = stateBegun
	default:
		t.State = stateNotBegun
	}
	return t
}

// begun says whether a run has written something.
func begun(p *cli.Point) bool {
	_, err := os.Stat(filepath.Join(p.Line.Options.Output, "run.json"))
	return err == nil
}

// save writes the table, the figure of curves, and the page that has both.
func (s *gridSweep) save(trials *tuning.Trials) error {
	dir := s.line.Options.Output
	if err := os.MkdirAll(dir, 0o777); err != nil {
		return err
	}
	if _, err := figure.SaveAll(dir, []analysis.Named{{Name: "sweep", Result: trials.Table()}}, figure.Options{}, ".csv", ".tex"); err != nil {
		return err
	}
	if curves := trials.Curves(); len(curves) > 0 {
		both := analysis.Collection{Results: analysis.Collect(nil, curves...)}
		for _, name := range []string{"sweep.pdf", "sweep.png"} {
			if err := figure.Save(filepath.Join(dir, name), both, figure.Options{Width: figure.Page}); err != nil {
				return err
			}
		}
	}
	return report.Save(filepath.Join(dir, "sweep.html"), trials.Figure(), report.Options{})
}
