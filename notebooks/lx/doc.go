// Package lx has the few names that notebook cells use.
//
//	var m = lx.Open("toy")                          // a model; or lx.Open("snap/vqa/run/BEST", lx.Spec{Regions: …})
//
//	%%
//	q := lx.Ask(m, "what color is the star?", "test/500001")
//	lx.Show(q)                                      // picture and answers
//	lx.Show(lx.Explain(q))                          // which words and regions carried the answer
//	lx.Show(q.Map("x.1.ti"))                        // any attention map, all heads
//	lx.Show(lx.TunedLens(q, m.Questions("minival", 200))) // at which level the model comes to it
//	lx.Show(lx.WhatIf(q, "is there a star?"))       // the answer to other words beside it, or with something else changed
//	lx.Show(lx.Shapley(q))                          // what each word and region adds to the answer
//	lx.Show(lx.Probe(m, m.Questions("heldout", 200))) // at which level what can be read from words and regions
//	lx.Show(lx.Looks(m, m.Questions("heldout", 100))) // how much the model looks at pictures at all
//
//	%%
//	run := lx.FineTune("vqa", "--train train --valid minival --load toy --output snap/vqa/mine")
//	lx.Follow(run)                                  // live; interrupting the cell stops the run, saved
//	lx.Show(lx.Browse(lx.Evaluate(run, "minival"))) // every question with its answer, to be sorted, filtered and searched
//	lx.PreTrain("--fromScratch --data toy --config toy --output snap/pretrain/mine") // also a run
//
//	%%
//	p := lx.Open("toy-pretrained")                  // a model with the heads of pre-training
//	lx.Show(lx.Readout(p, "a star left of a circle", "test/500001")) // what each of them says
//	lx.Show(lx.Compare(p, m, m.Questions("heldout", 64), "before", "after")) // what fine-tuning changed
//
// What is expensive lives in the resident session (see package kernel/client), which the first call starts: models,
// compiled graphs and training runs stay there between cells and notebooks. A cell that imports lx links neither the
// model nor what draws.
//
// Functions here return no errors, because a cell has nobody to hand them to: what goes wrong is printed in one line that
// says what to do, and the cell ends as failed, so that the cells after it do not run. Programs that want errors call
// kernel/client and the packages of analysis, which is all that lx does.
package lx
