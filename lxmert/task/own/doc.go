// Package own trains a task with a loss or a head of your own, from a program of your own: a main package that calls [Main]
// with a [task.Own], a function from named activations and labels to a loss, and parameters by name.
//
//	package main
//
//	func main() {
//		own.Main(dataset.VQA, task.Own{
//			Name: "sharp attention",
//			Loss: func(s *task.Step) *graph.Node {
//				map5 := s.Activation("x.4.ti") // [rows, heads, words, regions]
//				entropy := graph.Neg(graph.ReduceAllSum(graph.Mul(map5, graph.Log(graph.AddScalar(map5, 1e-9)))))
//				return graph.Add(s.TaskLoss(), graph.MulScalar(entropy, 1e-4))
//			},
//		})
//	}
//
// The program has the flags of `lxmert vqa`, or of the other task, and all that its runs have: log.log, metrics.jsonl, BEST.pth
// and LAST.pth that PyTorch loads, a state that is saved, and --resume to the very same end after any kill. Own parameters are in
// BEST.own.safetensors and LAST.own.safetensors, from which --load goes on, and with which --test predicts.
//
// With [dataset.Pretraining] in the place of a task the program pre-trains, with the flags of `lxmert pretrain`. TaskLoss is then the sum of
// its losses, Label one of the labels that [lxrt.PretrainingLosses] read, and EpochNN_LXRT.own.safetensors has the parameters; heads
// of answers, and labels, are for fine-tuning.
//
// # In a notebook
//
// A notebook's session cannot load code, so the program runs beside it, with `go run`, and writes the run's folder, which a cell
// follows as it follows all runs:
//
//	%%
//	run := lx.Program("./own", "--train train --valid minival --loadLXMERT toy --output snap/vqa/own")
//	lx.Follow(run)
//
// lx.Program builds and starts it; in a terminal it is `go run ./own` with the same flags. The weights are then opened by
// [lxmert/question] or lx.Open like all others: where only the loss is your own, the model is the task's.
package own
