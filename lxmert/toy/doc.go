// Package toy makes a world of pictures in which a small LXMERT learns to see, in minutes and out of nothing but a seed.
//
// A picture shows 3 to 6 shapes in 6 colours and 2 sizes on plain paper. What a detector would make of it are 8 RoIs in
// random order: one for each object, and distractors, 44 in 100, which show paper or an object badly. Features are noisy
// sums of one direction for each shape, colour and size; where something is stands in the boxes alone. Questions are of
// eight kinds ([Kinds]), and their words do not tell the answer: whoever always gives a sentence's most frequent answer is
// right in 40 of 100. So what a model gets right beyond that it has seen, and [Truth] tells at which RoIs it had to look.
// Some combinations of shape and colour ([Combinations]) are in no training picture, and in every picture of the split
// novel.
//
// [Make] writes a world in the formats of the published data sets, to be read by whatever reads those:
//
//	world.json                      seed, scale, splits, and the SHA-256 of all files
//	config.json                     sizes of a model that learns the world
//	data/vocab.txt                  its vocabulary
//	data/vqa/<split>.json           questions; trainval_ans2label.json and trainval_label2ans.json are the 24 answers
//	data/gqa, data/nlvr2            the same world in the formats of the other tasks
//	data/lxmert/<source>.json       captions, questions and answers for pre-training: stage1, stage2, mscoco_train (of
//	                                train), mscoco_minival, mscoco_nominival, heldout, vgnococo (of GQA's train)
//	data/*_imgfeat/*_obj36.tsv      RoI features
//	images/<img_id>.png             some of the pictures; [World.Picture] draws any
//	scenes/<split>.jsonl            what is in each picture, a [Scene] per line
//	truth/<split>.jsonl             kind and RoIs of each question, a [Truth] per line
//
// Drawn are the pictures of minival, heldout, novel, GQA's testdev, and NLVR2's valid and test, and the first 1,000 of
// stage1, stage2 and train. In scenes and truth the splits of GQA and NLVR2 are called gqa_<split> and nlvr2_<split>.
// VQA's splits:
//
//	stage1, stage2  12,000 pictures each, of 1 or 2 objects and 3 RoIs, of 1 to 3 objects and 4 RoIs
//	train           20,000 pictures
//	minival         1,000 pictures to choose by; nominival as many more, to train on as the published recipe does
//	heldout         1,000 pictures to report on; test is the same without answers
//	novel           1,000 pictures with a combination that was never trained
//
// Training goes through stage1, stage2 and train, a run each: without pictures of few objects first, questions about
// position stay at chance. GQA's submit has no answers; its train, valid and submit share a feature file. An NLVR2
// statement is made about four pairs of pictures and true of two.
//
// A model that was pre-trained on the sentences of the world of seed 1, with [PretrainFlags], comes with the package: its name
// is [Pretrained], and [FindWeights] puts its file into the world.
//
// Everything is a pure function of version, seed and scale, to the byte and on every machine (for the pictures' files,
// with the same compress/flate).
package toy
