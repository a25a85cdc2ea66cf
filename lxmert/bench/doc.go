// Package bench measures this project against what the machine can do and against how the published code works.
//
// [Forward] times the forward pass to a task's logits and [Train] full steps of fine-tuning or pre-training, both against PyTorch; [Data] times
// how region features get from a file into batches, and [Tokenizer] how sentences become word pieces, both against the
// published code's way in Python. [Analysis] and [Patching] time explanations and exchanged activations against PyTorch,
// one at a time; [GPU] makes those of a GPU one by one, the most wanted first, and [Ahead] compiles what a GPU would be given without one. What goes in is the same for both engines, what comes out is compared before anything is reported, each
// measurement runs in a process of its own so that memory, threads and caches are clean, and the engines take turns so that a
// busy machine slows both. Times of the model say little on their own: beside them stand the
// floating-point operations per second, and which share that is of the fastest matrix product of the same backend in the
// same process.
//
// The result is plain data ([Report], [TrainReport], [AnalysisReport] and so on): it prints itself as tables and
// survives JSON.
package bench
