// Command own is an example of a loss of one's own, for notebook 06: VQA with a second head that guesses how many words the
// question has, and a price for attention that is spread over many regions.
//
//	go run ./own --train train --valid minival --data … --loadLXMERT … --output snap/vqa/own
package main

import (
	"strings"

	"github.com/gomlx/gomlx/core/graph"

	"github.com/seed-516990b0/golxmert/lxmert"
	"github.com/seed-516990b0/golxmert/lxmert/dataset"
	_ "github.com/seed-516990b0/golxmert/lxmert/speed"
	"github.com/seed-516990b0/golxmert/lxmert/task"
	"github.com/seed-516990b0/golxmert/lxmert/task/own"
)

func main() {
	own.Main(dataset.VQA, task.Own{
		Name: "length and sharpness",
		Params: func(c lxmert.Config) []lxmert.Param {
			return []lxmert.Param{{Name: "own.length.weight", Shape: []int{1, c.Hidden}}, {Name: "own.length.bias", Shape: []int{1}}}
		},
		Labels: map[string]func(e *dataset.Example) []float32{
			"length": func(e *dataset.Example) []float32 { return []float32{float32(len(strings.Fields(e.Text)))} },
		},
		Loss: loss,
	})
}

// loss is the task's, the second head's squared error in tens of words, and the entropy of attention in nats, each with its weight.
func loss(s *task.Step) *graph.Node {
	pooled := s.Activation("out.pooled")                                                                                    // [rows, hidden]
	guess := graph.Add(graph.MatMul(pooled, s.Param("own.length.weight")), graph.ExpandAxes(s.Param("own.length.bias"), 0)) // [rows, 1]
	miss := graph.ReduceAllMean(graph.Square(graph.Sub(guess, graph.MulScalar(s.Label("length"), 0.1))))

	toRegions := s.Activation("x.0.ti") // [rows, heads, words, regions]; rows of it sum to 1
	entropy := graph.Neg(graph.ReduceSum(graph.Mul(toRegions, graph.Log(graph.AddScalar(toRegions, 1e-9))), -1))
	return graph.Add(s.TaskLoss(), graph.Add(graph.MulScalar(miss, 0.1), graph.MulScalar(graph.ReduceAllMean(entropy), 0.01)))
}
