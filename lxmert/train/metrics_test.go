package train

import (
	"testing"
	"time"

	"github.com/seed-516990b0/golxmert/lxmert/backend/backendtest"
	"github.com/seed-516990b0/golxmert/lxmert/internal/synthetic"
)

// TestTimeLeftCountsNoCompilation lets a longer sentence come after the first steps, as in a curriculum's next part.
func TestTimeLeftCountsNoCompilation(t *testing.T) {
	r := &run{job: Job{Steps: []int{100, 1000}}}
	step := func(took, compiling time.Duration) {
		r.at.Step++
		r.meter.add(1, 32, took, compiling)
	}
	for range 50 {
		step(20*time.Millisecond, 0)
	}
	step(30*time.Second, 30*time.Second-20*time.Millisecond)
	p := r.progress()
	if want := (49 + 1000) * 20 * time.Millisecond; p.Left < want*99/100 || p.Left > want*101/100 {
		t.Errorf("after a step that compiled for 30 s, %v are left of steps of 20 ms, want %v", p.Left, want)
	}
	if want := 32 / 0.020; p.Rate < 0.99*want || p.Rate > 1.01*want {
		t.Errorf("%v rows a second, want %v", p.Rate, want)
	}
	if r.meter.elapsed != 31*time.Second {
		t.Errorf("the metrics' time is %v: what was waited for counts there", r.meter.elapsed)
	}
}

// TestOnlyStepsThatCompileSayThatTheyDo trains on sentences of one length, and then on longer ones.
func TestOnlyStepsThatCompileSayThatTheyDo(t *testing.T) {
	cfg := small()
	tr := newTrainer(t, backendtest.Open(t, "go"), &Initial{Config: cfg, Seed: 3, Range: 0.1}, answers, plain)
	short, long := rows(cfg, 1, 4), rows(cfg, 2, 4)
	long.Batch = synthetic.Batch(cfg, 2, 4, 9, 5)
	for i, c := range []struct {
		part     Part
		compiles bool
	}{{short, true}, {short, false}, {long, true}, {long, false}, {short, false}} {
		began := time.Now()
		res, err := tr.Step(t.Context(), c.part)
		if err != nil {
			t.Fatal(err)
		}
		if all := time.Since(began); res.Compiling > all || c.compiles != (res.Compiling > 0) {
			t.Errorf("step %d of %v says that it compiled for %v; it compiles: %v", i, all, res.Compiling, c.compiles)
		}
	}
}
