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
