package attention

import (
	"context"
	"math"

	"github.com/seed-516990b0/golxmert/analysis"
	"github.com/seed-516990b0/golxmert/analysis/internal/dense"
	"github.com/seed-516990b0/golxmert/lxmert"
)

// Flow is attention flow (Abnar and Zuidema, "Quantifying attention flow in transformers", 2020) through both streams: the
// matrices of [JointRollout] are capacities of a layered graph, and a word's or region's value is the largest flow that can
// reach it from the place where the score is read, 0 to 1. Values do not sum to 1; none is below that of joint rollout
// before scaling. Values are rounded to six digits. It takes one maximum-flow problem per word and region.
func Flow(ctx context.Context, eng lxmert.Engine, b *lxmert.Batch, target analysis.Target) ([]analysis.Scores, error) {
	e, err := start(ctx, eng, b, target, "*", false)
	if err != nil {
		return nil, err
	}
	t := e.bound.Batch.T()
	out := make([]analysis.Scores, e.bound.Batch.Rows())
	for n := range out {
		values, err := maxFlows(ctx, e.joint(n), e.token(n))
		if err != nil {
			return nil, err
		}
		meta := analysis.Meta{Method: "attention flow", Target: e.bound.Names[n], Unit: "share", Model: e.trace.Provenance}
		out[n] = analysis.NewScores(meta, e.bound.Batch, n, values[:t], values[t:])
	}
	return out, nil
}

// maxFlows returns the largest flow from a token of the top level to each of the bottom level. Matrices are square, the
// lowest first; entry [i][j] is the capacity from i above to j below.
func maxFlows(ctx context.Context, layers []dense.Matrix, top int) ([]float64, error) {
	size := layers[0].Rows
	net := newNetwork(size * (len(layers) + 1))
	for level, m := range layers {
		for i := range size {
			for j, c := range m.Row(i) {
				if c > 0 {
					net.connect((level+1)*size+i, level*size+j, c)
				}
			}
		}
	}
	flows := make([]float64, size)
	for sink := range flows {
		if err := ctx.Err(); err != nil {
			return nil, err
		}
		// Maps have single precision. Many flows are the capacity of one bottleneck: digits beyond the sixth would rank them
		// by rounding.
		flows[sink] = min(1, math.Round(1e6*net.maxFlow(len(layers)*size+top, sink))/1e6)
	}
	return flows, nil
}

// minCapacity is less than any share that matters: what is left of a capacity below it is rounding.
const minCapacity = 1e-12

// network is a flow network, solved by Dinic's algorithm: shortest augmenting paths, all of one length at a time.
type network struct {
	edges []edge
	out   [][]int // edges of each node
	level []int
	next  []int
}

// edge and its reverse are neighbours in the list: e and e^1.
type edge struct {
	to             int
	capacity, left float64
}

func newNetwork(nodes int) *network {
	return &network{out: make([][]int, nodes), level: make([]int, nodes), next: make([]int, nodes)}
}

func (n *network) connect(from, to int, capacity float64) {
	n.out[from] = append(n.out[from], len(n.edges))
	n.out[to] = append(n.out[to], len(n.edges)+1)
	n.edges = append(n.edges, edge{to: to, capacity: capacity}, edge{to: from})
}

func (n *network) maxFlow(source, sink int) float64 {
	for i := range n.edges {
		n.edges[i].left = n.edges[i].capacity
	}
	total := 0.0
	for n.reach(source, sink) {
		clear(n.next)
		for {
			pushed := n.push(source, sink, math.Inf(1))
			if pushed <= minCapacity {
				break
			}
			total += pushed
		}
	}
	return total
}

// reach numbers the nodes by their distance from the source, and reports whether the sink is among them.
func (n *network) reach(source, sink int) bool {
	for i := range n.level {
		n.level[i] = -1
	}
	n.level[source] = 0
	for queue := []int{source}; len(queue) > 0; queue = queue[1:] {
		for _, i := range n.out[queue[0]] {
			e := n.edges[i]
			if e.left > minCapacity && n.level[e.to] < 0 {
				n.level[e.to] = n.level[queue[0]] + 1
				queue = append(queue, e.to)
			}
		}
	}
	return n.level[sink] >= 0
}

// push sends at most limit from a node to the sink along one path.
func (n *network) push(from, sink int, limit float64) float64 {
	if from == sink {
		return limit
	}
	for ; n.next[from] < len(n.out[from]); n.next[from]++ {
		i := n.out[from][n.next[from]]
		e := n.edges[i]
		if e.left <= minCapacity || n.level[e.to] != n.level[from]+1 {
			continue
		}
		if sent := n.push(e.to, sink, min(limit, e.left)); sent > minCapacity {
			n.edges[i].left -= sent
			n.edges[i^1].left += sent
			return sent
		}
	}
	return 0
}
