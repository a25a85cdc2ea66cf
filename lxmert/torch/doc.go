// Package torch is LXRT on libtorch, PyTorch's library, through github.com/sugarme/gotch: an [lxmert.Engine] with the same names
// of activations, the same edits, and gradients by autograd with respect to any of them. It is there to be compared with, and
// for who has libtorch anyway; it has no trainer.
//
// Only programs built with the tag gotch have it, so that nobody else needs libtorch; in others [Open] returns [ErrNotBuilt].
// gotch 0.9.1 takes libtorch 2.1, which one command brings, or takes from a folder (--libtorch DIR; for processors or for GPUs).
// It ends by printing the second line, which builds; the first time that takes minutes and 2.6 GB of memory:
//
//	lxmert backend install libtorch
//	. ~/.cache/golxmert/libtorch/env.sh && go build -p 1 -tags gotch ./lxmert/cmd/lxmert
//
// `lxmert trace --engine torch` then computes with it, and `lxmert check` compares with it. env.sh has the variables by which Go
// tells a C++ compiler where libtorch is (CGO_CXXFLAGS, CGO_LDFLAGS); Go keeps what it compiled for as long as they stay the same.
// On systems other than Linux they are to be set by hand, with empty libraries in the place of those of CUDA that gotch asks the
// linker for.
//
// gotch stands in go.mod, but builds without the tag neither compile nor download it; `go mod download`, which brings every module,
// has 59 MB more.
//
// A kernel that was built so (`go run -p 1 -tags gotch ./kernel install`, with the same variables) has it in its session too, for
// lx.Spec{Engine: "torch"} in a cell.
//
// [OpenScript] runs a TorchScript module that PyTorch has traced, which gives the activations that its [Signature] names.
//
// What a request means is decided in package lxrt, for both engines: [lxrt.NewPlan] checks it and makes arrays of the batch,
// [lxrt.Plan.Trace] makes a trace of results.
//
// # Threads and memory
//
// libtorch keeps for each thread of the system whether it records gradients, and gotch keeps one last error for all. So one
// goroutine on a thread of its own calls libtorch, and others send it work. Nothing is left to Go's garbage collector, which
// does not see libtorch's memory: what a run makes is freed when it ends.
package torch

import "errors"

// ErrNotBuilt is returned by [Open] in a program without libtorch.
var ErrNotBuilt = errors.New("this program was built without libtorch; `lxmert backend install libtorch` brings it, and says how to build one with it")
