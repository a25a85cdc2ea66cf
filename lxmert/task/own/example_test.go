package own_test

import (
	. "github.com/gomlx/gomlx/core/graph"

	"github.com/seed-516990b0/golxmert/lxmert"
	"github.com/seed-516990b0/golxmert/lxmert/dataset"
	"github.com/seed-516990b0/golxmert/lxmert/task"
	"github.com/seed-516990b0/golxmert/lxmert/task/own"
)

// A program that fine-tunes VQA with a price for attention that is spread over many regions.
func ExampleMain() {
	own.Main(dataset.VQA, task.Own{
		Name: "sharp attention",
		Loss: func(s *task.Step) *Node {
			toRegions := s.Activation("x.4.ti") // [rows, heads, words, regions], rows of which sum to 1
			entropy := Neg(ReduceSum(Mul(toRegions, Log(AddScalar(toRegions, 1e-9))), -1))
			return Add(s.TaskLoss(), MulScalar(ReduceAllMean(entropy), 0.01))
		},
	})
}

// A program with a head of its own in the place of the task's: one matrix over what was pooled.
func ExampleMain_head() {
	own.Main(dataset.VQA, task.Own{
		Name: "linear head",
		Params: func(c lxmert.Config) []lxmert.Param {
			return []lxmert.Param{{Name: "own.head.weight", Shape: []int{c.TaskClasses, c.Hidden}}, {Name: "own.head.bias", Shape: []int{c.TaskClasses}}}
		},
		Logits: func(s *task.Step) *Node {
			return Add(MatMul(s.Activation("out.pooled"), s.Param("own.head.weight")), ExpandAxes(s.Param("own.head.bias"), 0))
		},
	})
}
