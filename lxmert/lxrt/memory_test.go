package lxrt

import (
	"context"
	"errors"
	"fmt"
	"runtime"
	"testing"
	"time"

	"github.com/seed-516990b0/golxmert/internal/resident"
	"github.com/seed-516990b0/golxmert/internal/testwait"
	"github.com/seed-516990b0/golxmert/lxmert"
	"github.com/seed-516990b0/golxmert/lxmert/backend"
	"github.com/seed-516990b0/golxmert/lxmert/backend/backendtest"
	"github.com/seed-516990b0/golxmert/lxmert/internal/synthetic"
)

// TestRunsLeaveNoMemoryBehind runs one request many times and looks at the process's memory.
func TestRunsLeaveNoMemoryBehind(t *testing.T) {
	if testing.Short() {
		t.Skip("takes half a minute")
	}
	backendtest.Each(t, func(t *testing.T, b *backend.Backend) {
		m := smallModel(t, b, smallConfig(), Options{})
		batch := synthetic.Batch(m.cfg, 1, 4, 5, 6)
		r := lxmert.Request{Want: lxmert.All("out.qa", "x.*.ti", "hid.t.*")}
		runs := func(n int) {
			for range n {
				run(t, m, batch, r)
			}
		}
		runs(1000)
		before, goroutines := residentBytes(t), runtime.NumGoroutine()
		runs(10000)
		if after := residentBytes(t); after > before+32<<20 {
			t.Errorf("10,000 runs took %d MB", (after-before)>>20)
		}
		if n := runtime.NumGoroutine(); n > goroutines+2 {
			t.Errorf("%d goroutines, %d before", n, goroutines)
		}
	})
}

// TestEvictedGraphsLeaveNoMemoryBehind goes round more requests than there is room for compiled graphs, so that each is
// compiled and evicted again and again: reads, edits, gradients, and runs that are cancelled while they compile or wait.
func TestEvictedGraphsLeaveNoMemoryBehind(t *testing.T) {
	if testing.Short() {
		t.Skip("takes half a minute")
	}
	backendtest.Each(t, func(t *testing.T, b *backend.Backend) {
		m := smallModel(t, b, smallConfig(), Options{})
		m.programs.Limit = 3
		batch := synthetic.Batch(m.cfg, 1, 4, 5, 6)
		score := []lxmert.Term{{Output: "out.match", Class: []int{0, 1, 0, 1}}}
		requests := []lxmert.Request{
			{Want: lxmert.All("l.0.tt")},
			{Want: lxmert.All("r.0.ii", "hid.i.1")},
			{Want: lxmert.All("hid.t.1"), Edits: []lxmert.Edit{{Name: "l.0.tt", Op: lxmert.Multiply, Value: scalar(0.5, 4)}}},
			{Want: lxmert.All("hid.i.1"), Edits: []lxmert.Edit{{Name: "in.feat", Op: lxmert.Set, Value: scalar(0, 3)}}},
			{Grad: &lxmert.Grad{Of: score, Names: []string{"x.0.ti"}}},
			{Want: []lxmert.Read{{Name: "out.match", Top: 1}}, Edits: []lxmert.Edit{{Name: "hid.t.1", Op: lxmert.Add, Value: scalar(1, 3)}}},
		}
		if len(requests) <= m.programs.Limit {
			t.Fatal("all requests have room")
		}
		cancelled := 0
		round := func() {
			for i, r := range requests {
				ctx, cancel := context.WithCancel(t.Context())
				if i%2 == 0 { // the graph is compiled though nobody wants it any longer
					timer := time.AfterFunc(time.Duration(i)*200*time.Microsecond, cancel)
					if _, err := m.Run(ctx, batch, r); errors.Is(err, context.Canceled) {
						cancelled++
					} else if err != nil {
						t.Error(err)
					}
					timer.Stop()
				}
				cancel()
				run(t, m, batch, r)
			}
		}
		rest := func() (memory int64, goroutines int) {
			m.work.Wait()
			return residentBytes(t), runtime.NumGoroutine()
		}
		for range 3 {
			round()
		}
		before, goroutines := rest()
		for range 8 {
			round()
			if n := len(m.programs.Entries()); n > m.programs.Limit {
				t.Errorf("%d compiled graphs are kept, %d may be", n, m.programs.Limit)
			}
		}
		after, _ := rest()
		if after > before+32<<20 {
			t.Errorf("8 rounds of %d requests took %d MB", len(requests), (after-before)>>20)
		}
		testwait.Until(t, fmt.Sprintf("the goroutines are as many as before, %d, but for two", goroutines), func() bool {
			return runtime.NumGoroutine() <= goroutines+2
		})
		if cancelled == 0 {
			t.Error("no run was cancelled")
		}
		for _, e := range m.programs.Entries() {
			if e.Users != 0 {
				t.Errorf("%d users of a graph that nobody uses", e.Users)
			}
		}
		t.Logf("%d MB before, %d MB after, %d runs were cancelled", before>>20, after>>20, cancelled)
	})
}

// residentBytes is the memory of this process after a collection.
func residentBytes(t *testing.T) int64 {
	t.Helper()
	for range 3 {
		runtime.GC()
	}
	n := resident.Bytes()
	if n == 0 {
		t.Skip("this system does not say how much memory a process has")
	}
	return n
}
