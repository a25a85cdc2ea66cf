package lx_test

import (
	"github.com/seed-516990b0/golxmert/analysis"
	"github.com/seed-516990b0/golxmert/notebooks/lx"
)

// What cells do, as one program. In a notebook the variable stands in the first cell, and each step in one of its own.
func Example() {
	var m = lx.Open("toy")

	q := lx.Ask(m, "what color is the star?", "test/500001")
	lx.Show(q)             // the picture and the most probable answers
	lx.Show(lx.Explain(q)) // which words and regions carried the answer
	lx.Show(q.Map("x.1.ti"))
}

// A value that takes long is computed once. Every later cell, and other notebooks, find it in the session.
func ExampleKeep() {
	m := lx.Open("toy")
	tested := lx.Keep("perturbation of regions", func() lx.Tested {
		m := lx.Open("toy") // what a kept value uses is its own, or declared outside of functions
		return lx.Test(m, m.Questions("heldout", 48), "image", "relevance", "attention")
	})
	lx.Show(tested)
	lx.Show(lx.Agreement(tested))
	lx.Show(lx.Explain(lx.Ask(m, "what color is the star?", "test/500001"), "relevance", "attention"))
}

// A run belongs to the session: it goes on when the cell or the notebook ends, and any cell finds it by its folder.
func ExampleFollow() {
	run := lx.FineTune("vqa", "--train train --valid minival --load toy --output snap/vqa/mine")
	lx.Follow(run) // interrupting the cell stops the run, saved

	lx.Follow(lx.Resume("snap/vqa/mine")) // tomorrow, from another notebook
	lx.Evaluate("snap/vqa/mine", "heldout")
}

// Learning rates and batch sizes compared: a table and curves of all runs, and the best one's score on pictures held out.
func ExampleSweep() {
	best := lx.Follow(lx.Sweep("vqa", "--train train --valid minival --load toy --epochs 2 --grid lr=1e-5,5e-5 --grid batchSize=16,32 --output snap/vqa/sweep"))
	lx.Evaluate(best, "heldout")
}

// Pre-training, a curve for each of its six losses, and fine-tuning what comes out.
func ExamplePreTrain() {
	lx.Follow(lx.PreTrain("--fromScratch --data toy --config toy --epochs 4 --batchSize 32 --output snap/pretrain/mine"))
	lx.Follow(lx.FineTune("vqa", "--train train --valid minival --data toy --loadLXMERTQA snap/pretrain/mine/Epoch04 --output snap/vqa/after"))
}

// Stopping after some steps, and going on to the very same end.
func ExampleWaitStep() {
	run := lx.FineTune("vqa", "--train train --valid minival --load toy --output snap/vqa/parts")
	lx.Show(lx.Stop(lx.WaitStep(run, 20)))
	lx.Follow(lx.Resume(run))
}

// What kind of head is it: the entropy of every head of every map, over some questions.
func ExampleHeadStatistic() {
	m := lx.Open("toy")
	var entropy analysis.Matrix = lx.HeadStatistic(m, m.Questions("heldout", 32), "normalized entropy")
	lx.Show(entropy)
	lx.Save("out/entropy.pdf", entropy)
}

// What changes the answer: other words, a region less, a head less, attention that is cut.
func ExampleWhatIf() {
	m := lx.Open("toy")
	q := lx.Ask(m, "what color is the star?", "test/500001")

	lx.Show(lx.WhatIf(q, "what color is the circle?", "is there a star?"))
	lx.Show(lx.WhatIf(q, lx.Without("star"), lx.HeadsOff("x.1.ti:0"), lx.Words(q, "what shape is red?")))
	lx.Show(lx.Cut(q, "[CLS]", "regions"))
}

// At which level the model comes to its answer: what its head says of each level as it is, and after a map that was fitted.
func ExampleTunedLens() {
	m := lx.Open("toy")
	q := lx.Ask(m, "what color is the star?", "test/500001")
	lx.Show(lx.TunedLens(q, m.Questions("minival", 200)))
	lx.Show(lx.Lens(q, "blue-red")) // the plain lens alone, of a difference
}

// Whether words and regions share a space, level by level.
func ExampleAlign() {
	m := lx.Open("toy")
	lx.Show(lx.Align(m, m.Questions("heldout", 100)))
}

// What fine-tuning changes: answers, relevance, attention and weights, and the questions that are answered otherwise, side by side.
func ExampleCompare() {
	before, after := lx.Open("toy-pretrained"), lx.Open("toy")
	lx.Show(lx.Compare(before, after, before.Questions("heldout", 100), "before", "after"))
}

// What a head hands on, beside how hard it looks.
func ExampleValueWeighted() {
	q := lx.Ask(lx.Open("toy"), "what color is the star?", "test/500001")
	lx.Show(q.Map("x.1.ti"), lx.ValueWeighted(q, "x.1.ti"))
}

// Whether the model guesses a hidden word from the picture, and a hidden region from the words.
func ExampleAblation() {
	m := lx.Open("toy-pretrained")
	lx.Show(lx.Ablation(m, m.Questions("heldout", 200)))
}

// Whether the colour of a shape is used for the answer: erased from each level, all colours together, and then red alone.
func ExampleErase() {
	m := lx.Open("toy")
	lx.Show(lx.Erase(m, m.Questions("heldout", 400), "attribute"))
	lx.Show(lx.Erase(m, m.Questions("heldout", 400), "attribute=red", "red"))
}
