//go:build gotch

package torch

import (
	"context"
	"errors"
	"fmt"
	"sync"
	"sync/atomic"

	"github.com/sugarme/gotch/libtch"

	"github.com/seed-516990b0/golxmert/lxmert"
	"github.com/seed-516990b0/golxmert/lxmert/lxrt"
)

// ErrClosed is returned by an engine that was closed.
var ErrClosed = errors.New("torch: the engine is closed")

// service is what engines of this package have in common: a device, and runs until it is closed.
type service struct {
	device int // -1: the processor, else a GPU
	from   lxmert.Provenance
	held   atomic.Int64 // tensors of its runs and weights that are not freed

	mu     sync.Mutex
	closed bool
	work   sync.WaitGroup
}

// find takes the first GPU that libtorch finds, else the processor. The owner calls it.
func (s *service) find() {
	s.device = -1
	if libtch.AtcCudaIsAvailable() {
		s.device = 0
	}
	check()
}

// Device is what the engine computes on: "cpu" or "cuda".
func (s *service) Device() string {
	if s.device < 0 {
		return "cpu"
	}
	return "cuda"
}

// close waits for what runs, then has the owner free what the engine holds. Only the first call does something.
func (s *service) close(free func() error) error {
	s.mu.Lock()
	if s.closed {
		s.mu.Unlock()
		return nil
	}
	s.closed = true
	s.mu.Unlock()
	s.work.Wait()
	return call(context.Background(), free, func() {})
}

// run checks a request and has the owner compute it. What compute makes in the arena is freed after it, whatever comes of it.
func (s *service) run(ctx context.Context, cfg lxmert.Config, b *lxmert.Batch, r lxmert.Request, compute func(a *arena, p *lxrt.Plan) [][]float32) (*lxmert.Trace, error) {
	p, err := lxrt.NewPlan(cfg, b, r)
	if err != nil {
		return nil, fmt.Errorf("torch: %w", err)
	}
	s.mu.Lock()
	if s.closed {
		s.mu.Unlock()
		return nil, ErrClosed
	}
	s.work.Add(1)
	s.mu.Unlock()
	var results [][]float32
	err = call(ctx, func() error {
		a := &arena{device: s.device, held: &s.held}
		defer a.free()
		results = compute(a, p)
		return nil
	}, s.work.Done)
	if err != nil {
		if ctx.Err() != nil {
			return nil, ctx.Err()
		}
		return nil, fmt.Errorf("torch: %w", err)
	}
	t := p.Trace(results)
	t.Provenance = s.from
	return t, nil
}
