// Package task pre-trains LXMERT, fine-tunes it on VQA, GQA and NLVR2, and predicts with what came out: targets, metrics,
// prediction files and recipes of the reference (LXMERT, sections 3 and 4, and its code).
//
// [Train] does what the reference's training commands do and [Test] what its test modes do. What they print and write is
// the reference's, byte for byte: the lines about loading, log.log, BEST.pth and LAST.pth, and the prediction files that
// are handed in to a leaderboard. What the reference does not say goes to another writer.
//
// Pre-training is a task as well, [dataset.Pretraining], with files of its own: pretrain.go is its walk,
// pretrainstart.go its model, pretrainpart.go its batches, pretrainjudge.go what an epoch ends with.
//
// What the tasks differ in is said by [dataset.Task]; truth.go is what counts as right, handin.go and dump.go are which
// predictions are written and how, start.go is where parameters come from, train.go and predict.go are the two
// things that can be done with them, guard.go has the warnings about what users of the reference stumbled over.
package task
