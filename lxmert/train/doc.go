// Package train moves a model's parameters: BertAdam and PyTorch's optimizers, learning rate schedules, steps on one or
// several devices, and runs that survive whatever ends them early.
//
// A [Trainer] holds parameters and the optimizer's state on devices. Its [Trainer.Step] compiles two kinds of program
// once: one computes loss and gradients of a batch (gradient.go), the others move the parameters, a part of the model at a
// time (update.go), so that memory holds the model's numbers four times and a little. Nothing is donated to these programs: a
// step that fails leaves the parameters as they were. What a step does depends on the seed, the number of the step and the
// rows only, not on how many devices or parts share it. A GPU gets a step while it is at the one before (step.go), what the step reads
// before that one's programs (ahead.go), and one program that moves all parameters in place.
//
// What a GPU would still be asked for in many small pieces are the gradients of biases and of LayerNorm's parameters: at batch 32 in
// bfloat16 335 sums over rows, a kernel each, 0.9 of a step's 8.6 ms, at batch 256 3.3 of 28.6, as reckoned from what XLA compiles for
// an H100 (no GPU has been measured). They stay so because what was tried gains less than a thirtieth. All vectors as one array are
// 337 sums: XLA makes each where its rows are made, and joins them afterwards. Masks of dropout with words and rows in one axis, so
// that sums need not be turned, are 41 kernels and 0.1 ms less at batch 32 and 24 kernels and 0.1 ms at 256, but another program for the
// processor. Stacking the rows and summing them at once would keep the rows of all layers, 1 to 2 MB each at batch 32, to the end of
// the way back and copy them there; that was not tried.
//
// The rules of the optimizers are functions of a line or two each in optimizer.go, BertAdam's is bertAdam; its learning rate
// is in schedule.go.
//
// [Run] is the loop around it: epochs, validation, the reference's log and snapshots, metrics, and a state file that is
// replaced atomically. A run that is killed at any moment and started again with Resume ends with the same bits; on a GPU that
// takes [Options].Deterministic, since a GPU adds up in a varying order and chooses kernels by timing them. What a run sees of
// each example it keeps beside the state, see package dynamics.
//
// GoMLX's trainer is not used, because its variables are donated to every step, its checkpoints are neither atomic nor in a
// format that other programs read, and BertAdam's schedule, decay and clipping would have to be written anyway.
package train
