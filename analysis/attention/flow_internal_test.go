package attention

import (
	"context"
	"errors"
	"math"
	"testing"

	"github.com/seed-516990b0/golxmert/analysis/internal/dense"
)

func TestMaximumFlowOfATextbookNetwork(t *testing.T) {
	n := newNetwork(6)
	for _, e := range []struct {
		from, to int
		capacity float64
	}{{0, 1, 16}, {0, 2, 13}, {1, 2, 10}, {2, 1, 4}, {1, 3, 12}, {3, 2, 9}, {2, 4, 14}, {4, 3, 7}, {3, 5, 20}, {4, 5, 4}} {
		n.connect(e.from, e.to, e.capacity)
	}
	for range 2 { // a second run starts from full capacities
		if got := n.maxFlow(0, 5); math.Abs(got-23) > 1e-9 {
			t.Errorf("flow %g, expected 23", got)
		}
	}
	if got := n.maxFlow(5, 0); got != 0 {
		t.Errorf("flow against all edges %g", got)
	}
}

func TestFlowThroughResidualConnectionsAlone(t *testing.T) {
	flows, err := maxFlows(context.Background(), []dense.Matrix{dense.Identity(3), dense.Identity(3)}, 1)
	if err != nil || flows[0] != 0 || flows[1] != 1 || flows[2] != 0 {
		t.Errorf("flows %v (%v), expected all of it to input 1", flows, err)
	}
	ctx, cancel := context.WithCancel(context.Background())
	cancel()
	if _, err := maxFlows(ctx, []dense.Matrix{dense.Identity(1)}, 0); !errors.Is(err, context.Canceled) {
		t.Errorf("cancelled: error %v", err)
	}
}
