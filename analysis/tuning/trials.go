package tuning

import (
	"fmt"
	"math"
	"strings"

	"github.com/seed-516990b0/golxmert/analysis"
)

// Trials are training runs that differ in their settings.
type Trials struct {
	Task string
	// LossDecides: what validation gives is a loss, so the lowest is the best, as in pre-training. Else it is a score.
	LossDecides bool
	Runs        []Trial
}

// Failed is the state of a run that an error ended. It is not the best, whatever it had reached.
const Failed = "failed"

// Trial is one of them.
type Trial struct {
	Settings []Setting // the same flags, in the same order, in all runs
	State    string    // [Failed], or what its table calls it, such as "done" or "not begun"
	Why      string    // a line about why it failed or stopped
	Metrics  Metrics
}

// Setting is the value of a flag.
type Setting struct{ Flag, Value string }

// Name is the settings as a reader sees them.
func (t Trial) Name() string {
	var parts []string
	for _, s := range t.Settings {
		// A curve's name is that of a family up to its first comma, see figure.Curves.
		parts = append(parts, s.Flag+"="+strings.ReplaceAll(s.Value, ",", "+"))
	}
	return strings.Join(parts, " ")
}

// outcome is the run's best epoch in validation, and what it gave there, or the mean training loss of the last epoch where
// there is no validation. Epoch -1: it has ended none.
func (t Trial) outcome(lowest, validated bool) (epoch int, value float64) {
	epoch, value = -1, math.NaN()
	for i, e := range t.Metrics.Epochs {
		switch x := e.Valid; {
		case !validated:
			epoch, value = i, e.Loss
		case !math.IsNaN(x) && (epoch < 0 || better(x, value, lowest)):
			epoch, value = i, x
		}
	}
	return epoch, value
}

func better(x, than float64, lowest bool) bool {
	return lowest && x < than || !lowest && x > than
}

// validated says whether any run was validated. Runs that were not are then compared with none.
func (t *Trials) validated() bool {
	for _, r := range t.Runs {
		for _, e := range r.Metrics.Epochs {
			if !math.IsNaN(e.Valid) {
				return true
			}
		}
	}
	return false
}

// Best is the number of the run with the best validation so far, the first of equal ones, or with the lowest training loss
// where nothing is validated; -1 if no run has ended an epoch, but for those that failed.
func (t *Trials) Best() int {
	best, most := -1, math.NaN()
	validated := t.validated()
	lowest := t.LossDecides || !validated
	for i, r := range t.Runs {
		epoch, x := r.outcome(lowest, validated)
		if r.State != Failed && epoch >= 0 && !math.IsNaN(x) && (best < 0 || better(x, most, lowest)) {
			best, most = i, x
		}
	}
	return best
}

// Table has a row for each run: its settings, its state, the epoch that was best in validation and what it gave (scores in
// percent), the last epoch's mean training loss, and why it failed. The best run has a star.
func (t *Trials) Table() analysis.Table {
	table := analysis.Table{Meta: analysis.Meta{Method: "runs of " + t.Task}, Columns: []string{"best"}}
	if len(t.Runs) > 0 {
		for _, s := range t.Runs[0].Settings {
			table.Columns = append(table.Columns, s.Flag)
		}
	}
	measure, scale := "validation, %", 100.0
	if t.LossDecides {
		measure, scale = "validation loss", 1
	}
	validated := t.validated()
	table.Columns = append(table.Columns, "state")
	if validated {
		table.Columns = append(table.Columns, measure, "in epoch")
	}
	table.Columns = append(table.Columns, "loss", "epochs", "why")
	best := t.Best()
	for i, r := range t.Runs {
		row := []any{""}
		if i == best {
			row[0] = "*"
		}
		for _, s := range r.Settings {
			row = append(row, s.Value)
		}
		row = append(row, r.State)
		epoch, value := r.outcome(t.LossDecides, validated)
		switch {
		case validated && epoch >= 0:
			row = append(row, scale*value, r.Metrics.Epochs[epoch].Number+1)
		case validated:
			row = append(row, "", "")
		}
		n := len(r.Metrics.Epochs)
		loss := any("")
		if n > 0 && !math.IsNaN(r.Metrics.Epochs[n-1].Loss) {
			loss = r.Metrics.Epochs[n-1].Loss
		}
		table.Rows = append(table.Rows, append(row, loss, n, r.Why))
	}
	return table
}

// Failures are the runs that failed with their reasons, a line each.
func (t *Trials) Failures() (lines []string) {
	for _, r := range t.Runs {
		if r.State == Failed {
			lines = append(lines, fmt.Sprintf("%s failed: %s", r.Name(), r.Why))
		}
	}
	return lines
}
