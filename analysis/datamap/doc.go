// Package datamap makes a map of the examples that a model was trained on: which it learned easily, which never, and about which
// it went back and forth (Swayamdipta et al., "Dataset cartography: mapping and diagnosing datasets with training dynamics", 2020).
//
// A run of fine-tuning keeps the probability of each example's label epoch by epoch, see package lxmert/dynamics. Of an example's
// probabilities over the epochs in which it was seen
//
//	confidence   is the mean,
//	variability  the standard deviation, over these epochs (divided by their number, as in the paper),
//	correctness  the mean score of the model's answers: in VQA, where answers are right to a degree, the mean accuracy
//
// and the map is confidence over variability, with three regions. The paper takes the third of the examples with the highest
// variability (ambiguous), that with the highest confidence (easy to learn) and that with the lowest (hard to learn), which overlap.
// Here each example is in one region, so that they can be counted: see [Region]. What is hard to learn is often labelled wrongly, or
// cannot be known from the picture.
//
//	m, err := datamap.Open("snap/vqa/run")
//	hardest, err := m.Questions(ctx, "", m.Hardest(100)) // read from the question files
//	err = report.Save("map.html", m.Collection(hardest), report.Options{})
//
// `lxmert map` makes the page, in which the row of each of the hardest leads to its explanation; lx.DataMap shows it in a cell.
package datamap
