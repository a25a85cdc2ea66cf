package tuning_test

import (
	"fmt"
	"math"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"testing"

	"github.com/seed-516990b0/golxmert/analysis/tuning"
)

// trial is a run with some lines of metrics.
func trial(setting, state string, lines ...string) tuning.Trial {
	flag, value, _ := strings.Cut(setting, "=")
	t := tuning.Trial{Settings: []tuning.Setting{{Flag: flag, Value: value}}, State: state}
	for _, l := range lines {
		t.Metrics.Add([]byte(l))
	}
	return t
}

func Example() {
	t := tuning.Trials{Task: "vqa", Runs: []tuning.Trial{
		trial("lr=1e-5", "done", `{"step":1,"epoch":0,"loss":8}`, `{"epoch":0,"train":0.25,"valid":0.5}`, `{"step":2,"epoch":1,"loss":4}`, `{"epoch":1,"train":0.5,"valid":0.75}`),
		trial("lr=5e-5", "done", `{"step":1,"epoch":0,"loss":6}`, `{"epoch":0,"train":0.25,"valid":0.875}`, `{"step":2,"epoch":1,"loss":2}`, `{"epoch":1,"train":1,"valid":0.5}`),
		trial("lr=1", "failed", `{"step":1,"epoch":0,"loss":"NaN"}`),
	}}
	t.Runs[2].Why = "loss or gradient were not finite"
	fmt.Print(strings.ReplaceAll(strings.ReplaceAll(t.Table().Plain(), "\t", " | "), "| \n", "|\n"))
	fmt.Println(strings.Join(t.Failures(), "\n"))
	for _, c := range t.Curves() {
		for _, s := range c.Series {
			fmt.Println(c.Method, s.Name, c.X, s.Y)
		}
	}
	// Output:
	// best | lr | state | validation, % | in epoch | loss | epochs | why
	//  | 1e-5 | done | 75 | 2 | 4 | 2 |
	// * | 5e-5 | done | 87.5 | 1 | 2 | 2 |
	//  | 1 | failed |  |  |  | 0 | loss or gradient were not finite
	// lr=1 failed: loss or gradient were not finite
	// training loss lr=1e-5 [1 2] [8 4]
	// training loss lr=5e-5 (best) [1 2] [6 2]
	// validation lr=1e-5 [1 2] [50 75]
	// validation lr=5e-5 (best) [1 2] [87.5 50]
}

func TestTheBestRunOfPretrainingHasTheLowestLoss(t *testing.T) {
	x := tuning.Trials{Task: "pretrain", LossDecides: true, Runs: []tuning.Trial{
		trial("lr=1", "done", `{"epoch":0,"train":5,"valid":6}`, `{"epoch":1,"train":5,"valid":4.5}`),
		trial("lr=2", "done", `{"epoch":0,"train":3,"valid":4}`, `{"epoch":1,"train":2,"valid":7}`),
		trial("lr=3", "done", `{"epoch":0,"train":"NaN","valid":"NaN"}`),
		trial("lr=4", tuning.Failed, `{"epoch":0,"train":1,"valid":1}`),
	}}
	if got := x.Best(); got != 1 {
		t.Errorf("run %d is the best", got)
	}
	if row := x.Table().Rows[1]; fmt.Sprint(row) != "[* 2 done 4 1  2 ]" {
		t.Errorf("%v", row)
	}
}

func TestWithoutValidationTheLowestLossOfTheLastEpochDecides(t *testing.T) {
	x := tuning.Trials{Runs: []tuning.Trial{
		trial("lr=1", "done", `{"step":1,"epoch":0,"loss":1}`, `{"epoch":0,"train":0.5}`, `{"step":2,"epoch":1,"loss":9}`, `{"epoch":1,"train":0.5}`),
		trial("lr=2", "done", `{"step":1,"epoch":0,"loss":5}`, `{"epoch":0,"train":0.5}`),
	}}
	if got := x.Best(); got != 1 {
		t.Errorf("run %d is the best", got)
	}
	if c := x.Table().Columns; slices.Contains(c, "in epoch") {
		t.Errorf("%q", c)
	}
}

func TestNothingIsBestBeforeAnEpochHasEnded(t *testing.T) {
	x := tuning.Trials{Runs: []tuning.Trial{trial("lr=1", "running", `{"step":1,"epoch":0,"loss":1}`), {}}}
	if got := x.Best(); got != -1 {
		t.Errorf("run %d", got)
	}
	if err := (&tuning.Trials{}).Figure().Check(); err != nil {
		t.Error(err)
	}
}

// TestCurvesOfLongRunsAreMeansOfNeighbours, so that a figure stays small; no step is left out, whatever the lengths.
func TestCurvesOfLongRunsAreMeansOfNeighbours(t *testing.T) {
	for _, n := range []int{1, 99, 100, 101, 250, 12345} {
		long, short := tuning.Trial{}, tuning.Trial{}
		for i := range n {
			long.Metrics.Steps, long.Metrics.Losses = append(long.Metrics.Steps, float64(i+1)), append(long.Metrics.Losses, 3)
		}
		short.Metrics.Steps, short.Metrics.Losses = []float64{1}, []float64{5}
		c := (&tuning.Trials{Runs: []tuning.Trial{long, short}}).Curves()[0]
		if err := c.Check(); err != nil {
			t.Fatal(err)
		}
		if len(c.X) > 100 || c.X[len(c.X)-1] < float64(n) {
			t.Errorf("%d steps: %d points up to %g", n, len(c.X), c.X[len(c.X)-1])
		}
		for i, y := range c.Series[0].Y {
			if y != 3 {
				t.Errorf("%d steps: point %d is %g", n, i, y)
			}
		}
		if s := c.Series[1].Y; s[0] != 5 || len(s) > 1 && !math.IsNaN(s[1]) {
			t.Errorf("%d steps: the short run is %v", n, s[:min(len(s), 2)])
		}
	}
}

func TestMetricsOfARunUnderWayAreReadUpToTheLastWholeLine(t *testing.T) {
	path := filepath.Join(t.TempDir(), "metrics.jsonl")
	if m, err := tuning.ReadMetrics(path); err != nil || m.Steps != nil {
		t.Errorf("before it is there: %+v, %v", m, err)
	}
	for text, want := range map[string]int{
		"":                             0,
		`{"step":1,"epoch":0,"loss":1`: 0,
		`{"step":1,"epoch":0,"loss":1}` + "\n" + `{"step":2,"epoch":0,"lo`: 1,
		`nonsense` + "\n" + `{"step":1,"epoch":0,"loss":1}` + "\n":         1,
	} {
		if err := os.WriteFile(path, []byte(text), 0o666); err != nil {
			t.Fatal(err)
		}
		if m, err := tuning.ReadMetrics(path); err != nil || len(m.Steps) != want {
			t.Errorf("%q: %d steps, %v; want %d", text, len(m.Steps), err, want)
		}
	}
	if err := os.WriteFile(path, make([]byte, 1<<20), 0o666); err != nil {
		t.Fatal(err)
	}
	if _, err := tuning.ReadMetrics(path); err == nil || !strings.Contains(err.Error(), "not the metrics of a run") {
		t.Errorf("a file without lines: %v", err)
	}
}
