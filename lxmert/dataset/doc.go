// Package dataset reads the questions of the fine-tuning tasks VQA, GQA and NLVR2 and the sentences of pre-training, finds the
// regions of their pictures, and makes the model's input of them.
//
// [Load] makes a [Set] of some splits: all their questions are in memory, about 200 bytes each, and regions are read when
// [Set.Batch] or [Set.PairedBatch] needs them. A [Loader] does that on other goroutines, in the [Order] of an epoch.
// [Answers] turns an example's labels into a target. [Convert] and [QATable] are the answers of pre-training, which a
// task's head can start from. Sections 4 and 5.3 of the reference's preprocessing have the rules.
//
// # Files
//
// Below the folder "data", as the published files unpack:
//
//	vqa/train.json …    a list of {"question_id": 458752000, "img_id": "COCO_train2014_000000458752", "sent": "What …?",
//	                    "label": {"net": 1, …}}; also "question_type" and "answer_type", texts
//	gqa/train.json …    a list of {"question_id": "07333408", "img_id": "2375429", "sent": "What …?", "label": {"pipe": 1.0}}
//	nlvr2/train.json …  a list of {"uid": "nlvr2_train_0", "identifier": "train-10171-0-0", "sent": "There …",
//	                    "img0": "train-10171-0-img0", "img1": "train-10171-0-img1", "label": 1}
//	vqa/, gqa/          trainval_ans2label.json and trainval_label2ans.json, the answers
//	mscoco_imgfeat/, vg_gqa_imgfeat/, nlvr2_imgfeat/
//	                    regions, see package region
//
//	lxmert/mscoco_train.json …  sentences of pre-training, a list of {"img_id": "COCO_train2014_000000318556",
//	                    "sentf": {"mscoco": ["A very …", …], "vqa": ["What …?"]}, "labelf": {"vqa": [{"net": 1, …}]}}
//	lxmert/all_ans.json the answers of pre-training, a list of {"ans": "net", "dsets": ["vqa", …]}
//
// Label may be missing, and is in test splits. No file is trusted: errors name file, line and entry, and memory is bounded by
// the file's size.
//
// # Pre-training
//
// [LoadCorpus] reads the sentences of some sources, and [Corpus.Mask] makes an example of one, hiding words and regions at
// the rates of a [Masking]; what is random in it depends on seed, epoch and sentence alone. mscoco_train has the regions of
// train2014, mscoco_minival and mscoco_nominival those of val2014, vgnococo those of vg_gqa; a source X of one's own has its
// sentences in lxmert/X.json and its regions in lxmert/X_obj36.tsv. Sentences are in memory, some 60 bytes each and the text.
//
// # Official files
//
// The authors of VQA v2, GQA and NLVR2 publish questions in layouts of their own, which many data sets share. [Inspect] tells
// them from their first values, and a [Converter] makes question files as above of them: of VQA's questions with the
// [Annotations] that score what ten people answered, by the published rule. [AnswerCount] makes an answer table of the
// frequent answers. The command "lxmert questions" does all of it.
//
// # Splits
//
// Feature files have the name that stands here, and the ending _obj36.tsv:
//
//	VQA    train: train2014. valid, minival, nominival: val2014, minival only its first 5000 images. test: test2015.
//	GQA    train, valid, submit, and the same with _all: vg_gqa. testdev, testdev_all: gqa_testdev, for all splits of
//	       the set.
//	NLVR2  train, valid, test: the same name.
//
// With [Options].Limit only the first images of every file count, except in gqa_testdev; VQA's nominival, whose pictures
// come after those of minival, is then empty. Any other split X, such as a user's own, has its questions in X.json and its
// regions in X_obj36.tsv. Where there is no such feature file, GQA takes vg_gqa; NLVR2 takes test for every name with
// "test" in it, as the reference does, and hidden or test for every name with "hidden" in it, for which the reference finds
// no pictures.
//
// Of rows, and files of a set, with the same image id, the last one counts.
//
// # How to add a task
//
// Write one file with a [Task], such as vqa.go, and list it in [Tasks]. (What notebooks do with a task in a few seconds stands in
// notebooks/lx/world.go, beside the toy world's.) Loading, training, validation,
// prediction, asking, the commands and the session go by what it says, and [Task.Check] says what it lacks. A program's own
// task need not be listed: it is given to [Load] and to package task as it is. Data in a layout that none of the tasks has
// also take a reader, see layout.go; a loss that package lxrt does not know is added to its TaskLosses.
package dataset
