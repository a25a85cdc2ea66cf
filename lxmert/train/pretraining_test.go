package train

import (
	"bytes"
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"math"
	"path/filepath"
	"slices"
	"strings"
	"testing"

	. "github.com/gomlx/gomlx/core/graph"

	"github.com/seed-516990b0/golxmert/lxmert"
	"github.com/seed-516990b0/golxmert/lxmert/backend"
	"github.com/seed-516990b0/golxmert/lxmert/backend/backendtest"
	"github.com/seed-516990b0/golxmert/lxmert/internal/synthetic"
	"github.com/seed-516990b0/golxmert/lxmert/lxrt"
	"github.com/seed-516990b0/golxmert/lxmert/weights"
)

// smallPretraining is the small model with the heads of pre-training.
func smallPretraining() lxmert.Config {
	c := small()
	c.TaskClasses, c.TaskImages = 0, 0
	c.LM, c.Match, c.FeatHead, c.Objects, c.Attributes, c.Answers = true, true, true, 3, 4, 5
	return c
}

// sixLosses is the objective of pre-training; its outputs are the losses.
func sixLosses(net *lxrt.Net, label func(string) *Node) (total *Node, outputs []*Node) {
	for _, l := range lxrt.PretrainingLosses() {
		outputs = append(outputs, l.Of(net, label))
	}
	total = outputs[0]
	for _, x := range outputs[1:] {
		total = Add(total, x)
	}
	return total, outputs
}

// sentences is a part of so many rows with made-up labels: some rows have no masked word and some no answer, so that devices that
// share them have unlike numbers of each.
func sentences(seed, n int) Part {
	c := smallPretraining()
	const words, regions, places = 6, 5, 3
	p := Part{Batch: synthetic.Batch(c, seed, n, words, regions), Labels: map[string]Label{}}
	whole := func(name string, below int, shape ...int) []int32 {
		s := synthetic.NewStream(seed, name)
		x := make([]int32, lxmert.Size(shape))
		for i := range x {
			x[i] = int32(s.Bits(i) % uint64(below))
		}
		p.Labels[name] = Label{x, shape}
		return x
	}
	weights := func(name string, of func(i int) float32, shape ...int) {
		x := make([]float32, lxmert.Size(shape))
		for i := range x {
			x[i] = of(i)
		}
		p.Labels[name] = Label{x, shape}
	}
	whole(lxrt.MaskedPlaces, words, n, places)
	whole(lxrt.MaskedWords, c.Vocab, n, places)
	masked := float32(n * places / 2)
	weights(lxrt.WordWeights, func(i int) float32 { return float32(i/places%2) / masked }, n, places)
	whole(lxrt.Matched, 2, n)
	whole(lxrt.ObjectLabels, c.Objects, n, regions)
	whole(lxrt.AttrLabels, c.Attributes, n, regions)
	each := func(i int) float32 { return float32(1+i%3) / float32(n*regions) }
	weights(lxrt.ObjectWeights, each, n, regions)
	weights(lxrt.AttrWeights, each, n, regions)
	s := synthetic.NewStream(seed, "features")
	weights(lxrt.FeatTargets, func(i int) float32 { return float32(s.Bits(i)%1000)/500 - 1 }, n, regions, c.FeatDim)
	weights(lxrt.FeatWeights, each, n, regions)
	whole(lxrt.QALabels, c.Answers, n)
	answered := float32((n + 3) / 4)
	weights(lxrt.QAWeights, func(i int) float32 {
		if i%4 > 0 {
			return 0
		}
		return 1 / answered
	}, n)
	return p
}

// pretrainingRun pre-trains in a directory: epochs end as the job says, with snapshots of its own. note is told the place of every
// step of the data in its epoch.
func pretrainingRun(ctx context.Context, b *backend.Backend, opt RunOptions, devices int, note func(epoch, step int), steps ...int) (*Outcome, error) {
	job := smallJob(small(), steps...)
	job.Dynamics = nil
	job.Batches = func(_ context.Context, epoch, from int) (Batches, error) {
		l := &list{}
		for i := from; i < steps[epoch]; i++ {
			part := sentences(1000*epoch+i, 8)
			part.Index = []int{epoch, i}
			l.steps = append(l.steps, []Part{part})
		}
		return l, nil
	}
	job.Score = func(p Part, _ []any) (float64, int, error) {
		if note != nil {
			note(p.Index[0], p.Index[1])
		}
		return 1, 8, nil
	}
	for _, l := range lxrt.PretrainingLosses() {
		job.Parts = append(job.Parts, l.Name)
	}
	job.Tally = func(p Part, outputs []any, add func(name string, sum, n float64)) error {
		add("matched", float64(outputs[1].([]float32)[0]), 1)
		return nil
	}
	job.Parameter = func(canonical string) string { return canonical }
	for e := range steps {
		job.Snapshots = append(job.Snapshots, fmt.Sprintf("Epoch%02d_LXRT.pth", e+1))
	}
	job.Judge = func(_ context.Context, e *Epoch) (*Judgement, error) {
		return &Judgement{
			Text: fmt.Sprintf("epoch %d: %v %v %v over %d steps, best %v\n", e.Number, e.Loss, e.Parts, e.Tallies, e.Steps, e.Best),
			Best: max(e.Best, 1/e.Loss), Snapshots: job.Snapshots[e.Number : e.Number+1],
		}, nil
	}
	o := plain
	o.HiddenDropout, o.AttentionDropout, o.Devices = 0.1, 0.1, devices
	o.LR, o.Schedule = 1e-3, Schedule{Warmup: 0.1, Total: 200}
	c := smallPretraining()
	tr, err := NewTrainer(ctx, b.Backend, c, &Initial{Config: c, Seed: 3, Range: 0.1}, sixLosses, o)
	if err != nil {
		return nil, err
	}
	defer tr.Close()
	return Run(ctx, tr, job, opt)
}

// parametersOf are those of a snapshot.
func parametersOf(t *testing.T, dir, snapshot string) map[string][]float32 {
	t.Helper()
	m, err := weights.OpenModel(filepath.Join(dir, snapshot), "")
	if err != nil {
		t.Fatal(err)
	}
	defer m.Close()
	parameters := map[string][]float32{}
	for _, p := range m.Config.Params() {
		x, _ := m.Tensor(p.Name)
		values, err := x.Float32s()
		if err != nil {
			t.Fatal(err)
		}
		parameters[p.Name] = slices.Clone(values)
	}
	return parameters
}

// TestPretrainingOnSeveralDevicesEqualsOne, loss by loss: rows of a device may have no masked word or answer at all, and losses are
// means over the whole batch all the same. The run is interrupted and goes on with other devices where it stopped, with the same
// data in the same order, and says what that means.
func TestPretrainingOnSeveralDevicesEqualsOne(t *testing.T) {
	b := backendtest.Open(t, "cpu,devices=4")
	steps := []int{3, 3}
	one := t.TempDir()
	var order []string
	note := func(epoch, step int) { order = append(order, fmt.Sprint(epoch, ".", step)) }
	if _, err := pretrainingRun(t.Context(), b, RunOptions{Dir: one, LogSteps: 1}, 1, note, steps...); err != nil {
		t.Fatal(err)
	}
	wantOrder := order
	several := t.TempDir()
	order = nil
	var log bytes.Buffer
	for i, devices := range []int{4, 2} {
		ctx, cancel := context.WithCancel(t.Context())
		_, err := pretrainingRun(ctx, b, RunOptions{Dir: several, LogSteps: 1, Resume: true, Log: &log, Progress: func(p Progress) {
			if i == 0 && p.Epoch == 1 && p.Step == 1 {
				cancel()
			}
		}}, devices, note, steps...)
		cancel()
		if i == 0 && !errors.Is(err, ErrInterrupted) || i == 1 && err != nil {
			t.Fatal(err)
		}
	}
	if d, at := distance(parametersOf(t, several, "Epoch02_LXRT.pth"), parametersOf(t, one, "Epoch02_LXRT.pth")); d > 1e-5 {
		t.Errorf("%s differs by %g", at, d)
	}
	got, want := stepLosses(t, several), stepLosses(t, one)
	if len(got) != len(want) || len(want) != 6 {
		t.Fatalf("%d steps, expected %d", len(got), len(want))
	}
	for i := range want {
		if len(want[i]) != 7 {
			t.Fatalf("step %d has the losses %v", i, want[i])
		}
		for name, x := range want[i] {
			if math.Abs(got[i][name]-x) > 1e-5*(1+x) || x <= 0 {
				t.Errorf("%s of step %d is %g, expected %g", name, i, got[i][name], x)
			}
		}
	}
	if !slices.Equal(order, wantOrder) {
		t.Errorf("the order of steps is %v, expected %v", order, wantOrder)
	}
	const note4to2 = "steps were made on 4 devices so far and are made on 2 from here on: with the same examples in the same order"
	if !strings.Contains(log.String(), note4to2) {
		t.Errorf("it says\n%s\nwithout %q", &log, note4to2)
	}
}

// stepLosses are the losses of each step by metrics.jsonl, the sum among them.
func stepLosses(t *testing.T, dir string) (steps []map[string]float64) {
	t.Helper()
	for line := range strings.Lines(readFile(t, filepath.Join(dir, metricsFile))) {
		var all map[string]any
		if err := json.Unmarshal([]byte(line), &all); err != nil {
			t.Fatal(err)
		}
		if all["loss"] == nil {
			continue
		}
		step := map[string]float64{}
		for name, x := range all {
			if strings.HasPrefix(name, "loss") {
				step[name] = x.(float64)
			}
		}
		steps = append(steps, step)
	}
	return steps
}
