// Package question is the front door of the library: a question about a picture goes in, ranked answers come out.
//
//	model, err := lxrt.Load(ctx, "snap/vqa/mine/BEST", lxrt.LoadOptions{}) // any lxmert.Engine
//	asker, err := question.Open(model.Config(), question.Options{         // the files that go with it
//		Weights: "snap/vqa/mine/BEST", Regions: []string{"data/mscoco_imgfeat/val2014_obj36.tsv"},
//	})
//	answer, err := asker.Ask(ctx, model, "What is the man holding?", "COCO_val2014_000000458752")
//	fmt.Println(answer.Best().Text, answer.Best().Probability)
//
// LXMERT does not see pixels. A detector has found regions in each picture beforehand, and what the model reads of a picture
// are these regions' features and places: [Options].Regions names the files that have them, in any format that package
// region reads. The sentence is cut into word pieces by the vocabulary that the model was trained with. An [Asker] finds
// these files and those that only people need: the names of the answers, the detector's words, the pictures themselves. It
// makes a [Batch] of questions, which is what an engine computes, and reads the answers from what comes back.
//
// # Answers
//
// They come from the head that the weights have. A fine-tuned VQA or GQA model gives each answer a probability of its own,
// the sigmoid of its logit, as it was trained with binary cross-entropy: they need not sum to 1. The answer head of
// pre-training gives a distribution (softmax). An NLVR2 model takes two pictures, left and right, and says whether the
// sentence is True of them (softmax).
//
// An [lxmert.Answer] keeps its own input, a batch of one question. That is what the packages below analysis take: they say
// which words and regions carried the answer, show every attention map, or measure what would change it.
//
// # Promises
//
// An answer does not depend on the questions beside it, whatever the number of words and regions that these have: a picture
// is answered about as the reference answers it alone. Logits and regions that are not numbers, files of another model, and
// pictures that no file has are errors, which name the thing and what to do; what the model does not see of a question is
// noted in [Batch].Notes.
//
// No weights are opened here and nothing is computed: the package does not need GoMLX. The command line, the resident
// session behind the notebooks, and sweeps over data sets all ask through it.
package question
