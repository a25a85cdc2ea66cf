package lxrt

import (
	"context"
	"errors"
	"slices"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/seed-516990b0/golxmert/internal/lru"
	"github.com/seed-516990b0/golxmert/internal/testwait"
	"github.com/seed-516990b0/golxmert/lxmert"
	"github.com/seed-516990b0/golxmert/lxmert/backend"
	"github.com/seed-516990b0/golxmert/lxmert/backend/backendtest"
	"github.com/seed-516990b0/golxmert/lxmert/internal/program"
	"github.com/seed-516990b0/golxmert/lxmert/internal/synthetic"
)

func TestConcurrentRunsShareOneModel(t *testing.T) {
	backendtest.Each(t, func(t *testing.T, b *backend.Backend) {
		m := smallModel(t, b, smallConfig(), Options{})
		batches := []*lxmert.Batch{synthetic.Batch(m.cfg, 1, 2, 5, 6), synthetic.Batch(m.cfg, 2, 2, 5, 6), synthetic.Batch(m.cfg, 3, 4, 5, 6)}
		var want []*lxmert.Trace
		for _, batch := range batches {
			want = append(want, run(t, m, batch, lxmert.Request{Want: lxmert.All("out.qa")}))
		}
		var group sync.WaitGroup
		for g := range 8 {
			group.Go(func() {
				for i := range 20 {
					at := (g + i) % len(batches)
					got, err := m.Run(context.Background(), batches[at], lxmert.Request{Want: lxmert.All("out.qa")})
					if err != nil {
						t.Error(err)
						return
					}
					if !slices.Equal(got.Values["out.qa"].Data, want[at].Values["out.qa"].Data) {
						t.Errorf("batch %d gives other values beside others", at)
					}
				}
			})
		}
		group.Wait()
	})
}

func TestConcurrentFirstRunsCompileOnce(t *testing.T) {
	m := smallModel(t, backendtest.Open(t, "go"), smallConfig(), Options{})
	batch := synthetic.Batch(m.cfg, 1, 2, 5, 6)
	var group sync.WaitGroup
	for range 8 {
		group.Go(func() { run(t, m, batch, lxmert.Request{Want: lxmert.All("out.qa")}) })
	}
	group.Wait()
	if n := len(m.programs.Entries()); n != 1 {
		t.Errorf("%d programs", n)
	}
}

func TestConcurrentCancellationReturnsAtOnceAndLeavesNothing(t *testing.T) {
	m := smallModel(t, backendtest.Open(t, "go"), smallConfig(), Options{})
	batch := synthetic.Batch(m.cfg, 1, 2, 5, 6)
	r := lxmert.Request{Want: lxmert.All("out.qa")}

	cancelled, cancel := context.WithCancel(context.Background())
	cancel()
	if _, err := m.Run(cancelled, batch, r); !errors.Is(err, context.Canceled) {
		t.Errorf("before the compilation: %v", err)
	}
	want := run(t, m, batch, r)

	m.device <- struct{}{} // as if something else were running
	waiting, cancel := context.WithTimeout(context.Background(), 20*time.Millisecond)
	defer cancel()
	if _, err := m.Run(waiting, batch, r); !errors.Is(err, context.DeadlineExceeded) {
		t.Errorf("waiting for the device: %v", err)
	}
	<-m.device

	var group sync.WaitGroup
	for range 50 {
		group.Go(func() {
			ctx, cancel := context.WithTimeout(context.Background(), time.Millisecond)
			defer cancel()
			if trace, err := m.Run(ctx, batch, r); err == nil && !slices.Equal(trace.Values["out.qa"].Data, want.Values["out.qa"].Data) {
				t.Error("other values")
			}
		})
	}
	group.Wait()
	if got := run(t, m, batch, r); !slices.Equal(got.Values["out.qa"].Data, want.Values["out.qa"].Data) {
		t.Error("other values after cancellations")
	}
	m.work.Wait()
	for _, e := range m.programs.Entries() {
		if e.Users != 0 {
			t.Errorf("%d users of a graph that nobody uses", e.Users)
		}
	}
}

func TestClosedModelSaysSo(t *testing.T) {
	cfg := smallConfig()
	m, err := New(backendtest.Open(t, "go").Backend, cfg, &synthetic.Weights{Config: cfg}, Options{})
	if err != nil {
		t.Fatal(err)
	}
	if err := errors.Join(m.Close(), m.Close()); err != nil {
		t.Fatal(err)
	}
	if _, err := m.Run(context.Background(), synthetic.Batch(cfg, 1, 1, 5, 6), lxmert.Request{Want: lxmert.All("out.qa")}); !errors.Is(err, ErrClosed) {
		t.Errorf("error %v", err)
	}
}

func TestWeightsThatDoNotFitAreNamed(t *testing.T) {
	cfg := smallConfig()
	larger := cfg
	larger.LangLayers = 2
	_, err := New(backendtest.Open(t, "go").Backend, larger, &synthetic.Weights{Config: cfg}, Options{})
	if err == nil || !strings.Contains(err.Error(), "bert.encoder.layer.1.") {
		t.Errorf("error %v", err)
	}
}

func TestCacheKeepsWhatWasUsedLast(t *testing.T) {
	m := smallModel(t, backendtest.Open(t, "go"), smallConfig(), Options{})
	m.programs.Limit = 2
	batch := synthetic.Batch(m.cfg, 1, 2, 5, 6)
	for _, name := range []string{"out.qa", "out.match", "out.qa", "out.pooled"} {
		run(t, m, batch, lxmert.Request{Want: lxmert.All(name)})
		waitUnused(t, m)
	}
	var kept []string
	for _, e := range m.programs.Entries() {
		for _, name := range []string{"out.qa", "out.match", "out.pooled"} {
			if strings.Contains(e.Key, name) {
				kept = append(kept, name)
			}
		}
	}
	slices.Sort(kept)
	if !slices.Equal(kept, []string{"out.pooled", "out.qa"}) {
		t.Errorf("kept %v", kept)
	}
}

// waitUnused waits until nobody uses a program: a run lets go of its own just after it has returned.
func waitUnused(t *testing.T, m *Model) {
	t.Helper()
	testwait.Until(t, "a run that has returned lets go of its program", func() bool {
		return !slices.ContainsFunc(m.programs.Entries(), func(e lru.Entry[string, *program.Program]) bool { return e.Users > 0 })
	})
}
