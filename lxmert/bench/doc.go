// Package bench measures the model against what the machine can do and against PyTorch.
//
// [Forward] times the forward pass to a task's logits: weights, inputs and sizes are the same for both engines, each
// measurement runs in a process of its own so that memory, threads and caches are clean, and the engines take turns so
// that a busy machine slows both. Times say little on their own: beside them stand the floating-point operations per
// second, and which share that is of the fastest matrix product of the same backend in the same process.
//
// The result is a [Report], which is plain data: it prints itself as tables and survives JSON.
package bench
