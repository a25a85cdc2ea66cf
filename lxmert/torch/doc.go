// Package torch is LXRT on libtorch, PyTorch's library, through github.com/sugarme/gotch: an [lxmert.Engine] with the same names
// of activations, the same edits, and gradients by autograd with respect to any of them. It is there to be compared with, and
// for who has libtorch anyway; it has no trainer.
//
// Only programs built with the tag gotch have it, so that nobody else needs libtorch; in others [Open] returns [ErrNotBuilt].
// gotch 0.9.1 takes libtorch 2.1, a folder of which (T here) PyTorch's site has to download, for processors and for GPUs. It also
// asks the linker for libraries of CUDA, in whose place empty ones will do where libtorch has none:
//
//	mkdir T/stub; for l in cuda cudart cublas cudnn caffe2_nvrtc nvrtc-builtins nvrtc nvToolsExt c10_cuda torch_cuda; do
//	  [ -e T/lib/lib$l.so ] || ar rcs T/stub/lib$l.a; done
//	export CGO_CXXFLAGS="-O2 -IT/include -IT/include/torch/csrc/api/include"
//	export CGO_LDFLAGS="-O2 -LT/stub -LT/lib -Wl,-rpath,T/lib -Wl,-rpath-link,T/lib"
//	go build -tags gotch ./lxmert/cmd/lxmert
//
// A libtorch without the C++11 ABI also needs -D_GLIBCXX_USE_CXX11_ABI=0 in CGO_CXXFLAGS. The first build takes minutes; Go keeps
// what it compiles for as long as these variables stay the same. `lxmert trace --engine torch` then computes with it, and
// `lxmert check` compares with it.
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
var ErrNotBuilt = errors.New("this program was built without libtorch; `go doc github.com/seed-516990b0/golxmert/lxmert/torch` says how to build one with it")
