package main

import (
	"errors"
	"fmt"

	"github.com/spf13/cobra"

	"github.com/seed-516990b0/golxmert/analysis/intervene"
	"github.com/seed-516990b0/golxmert/lxmert"
	"github.com/seed-516990b0/golxmert/lxmert/question"
	"github.com/seed-516990b0/golxmert/lxmert/toy"
	"github.com/seed-516990b0/golxmert/lxmert/weights"
)

// asking is what the flags of `lxmert ask` say.
type asking struct {
	model               modelFlags
	regions             string
	images              []string
	vocab, answers      string
	objects, attributes string
	top                 int
	json                bool
	why                 explaining
	change              changing
}

func askCommand() *cobra.Command {
	var a asking
	cmd := &cobra.Command{
		Use:   `ask --load WEIGHTS --regions FEATURES --image ID "question"`,
		Short: "Ask a question about a picture",
		Long: `Answers a question about one picture, given the regions that a detector found in it: the most probable answers, and how
well the sentence matches the picture.

The answer comes from the head that the weights have. A fine-tuned VQA or GQA model gives each answer a probability of its
own, the sigmoid of its logit, as it was trained with binary cross-entropy: they need not sum to 1. The answer head of
pre-training gives a distribution (softmax). An NLVR2 model takes two pictures, --image LEFT --image RIGHT, and says
whether the sentence is True of them (softmax). "matched" is the probability that sentence and picture belong together;
fine-tuned models have no such head.

Regions are a TSV as published, with a header, or with the six columns of the bottom-up-attention detector; a packed store;
a .npz or .safetensors file with arrays features, boxes, width and height, or what OpenVQA, bottom-up-attention.pytorch and
UNITER write; or a folder of those, one per image (go doc github.com/seed-516990b0/golxmert/lxmert/region describes them).
Boxes are x0 y0 x1 y1 in pixels. An image is sought in the whole TSV, as the last of equal ids counts.

Answers are named by a JSON list: trainval_label2ans.json of VQA or GQA, or all_ans.json of pre-training. Without --answers
they are looked for beside the weights, in data/vqa, data/gqa and data/lxmert, and taken if their number is the head's.

The toy world that "lxmert demo" or "kernel quickstart" made is asked by its name, --load toy, and needs no other file.
--image also takes a short form of COCO's ids: val2014/17 is COCO_val2014_000000000017.

--explain writes a page (or with --out a figure, or the numbers) that shows which words and regions carried the most
probable answer: the bi-modal relevance of Chefer, Gur and Wolf (2021).

--what-if, --without, --heads-off and --cut ask again with something changed, and print by how much the answer's probability,
or what --target names, has changed, and the answer that comes of it. --feature does so with features of a --dictionary that
was trained on activations, such as "lxmert embed" writes them.`,
		Example: `  lxmert ask --load toy --image test/500001 "what color is the star?"
  lxmert ask --load snap/pretrained/model --regions data/mscoco_imgfeat/val2014_obj36.tsv \
      --image COCO_val2014_000000458752 "What is the man holding?"
  lxmert ask --load toy --image test/500001 --without star --cut "[CLS] > regions" --what-if "is there a star?" "what color is the star?"
  lxmert ask --load toy --image test/500001 --dictionary sae.safetensors --feature "12=0" --feature "12=0,40*3 at star" "what color is the star?"
  lxmert ask --load snap/nlvr2/BEST --regions data/nlvr2_imgfeat/valid_obj36.tsv \
      --image dev-10-0-img0 --image dev-10-0-img1 "There are two dogs in total."`,
		Args: cobra.ExactArgs(1),
		RunE: func(cmd *cobra.Command, args []string) error {
			switch {
			case a.model.load == "":
				return usage("--load is needed: which weights?")
			case a.regions == "" && !toy.IsWeights(a.model.load):
				return usage("--regions is needed: a TSV, .npz or .safetensors file, or a folder of the last two")
			case len(a.images) == 0:
				return usage("--image is needed: the id of the picture%s", inFile(a.regions))
			case a.top < 1:
				return usage("--top is %d, must be at least 1", a.top)
			}
			if err := a.why.check(cmd, a.change.any()); err != nil {
				return err
			}
			return a.run(cmd, args[0])
		},
	}
	a.model.add(cmd)
	a.addQuestion(cmd)
	a.why.add(cmd)
	a.change.add(cmd, "")
	cmd.Flags().StringVar(&a.answers, "answers", "", "JSON list that names the answers (default: looked for beside the weights and in data)")
	cmd.Flags().IntVar(&a.top, "top", 5, "how many answers to print")
	cmd.Flags().BoolVar(&a.json, "json", false, "print JSON")
	return cmd
}

// addQuestion adds the flags that say what a question is about.
func (a *asking) addQuestion(cmd *cobra.Command) {
	cmd.Flags().StringVar(&a.regions, "regions", "", "regions of the pictures: a TSV, a packed store, .npz or .safetensors file, or a folder of the last two")
	cmd.Flags().StringArrayVar(&a.images, "image", nil, "id of the picture; twice for NLVR2: left, right")
	cmd.Flags().StringVar(&a.vocab, "vocab", "", "vocab.txt of bert-base-uncased (default: looked for beside the weights, in data and in Hugging Face's cache)")
	cmd.Flags().StringVar(&a.objects, "objects", "", "text file that names the detector's object classes, one per line (objects_vocab.txt)")
	cmd.Flags().StringVar(&a.attributes, "attributes", "", "text file that names the detector's attribute classes, one per line (attributes_vocab.txt)")
}

// run answers. What can be wrong is looked at before what takes long.
func (a *asking) run(cmd *cobra.Command, sentence string) error {
	asker, err := a.open(cmd, true)
	if err != nil {
		return err
	}
	defer asker.Close()
	if err := asker.CanAnswer(); err != nil {
		return err
	}
	for _, note := range asker.Notes() {
		fmt.Fprintln(cmd.ErrOrStderr(), note)
	}
	batch, err := a.batch(cmd, asker, sentence)
	if err != nil {
		return err
	}
	changes, err := a.change.changes(cmd, asker, a.images)
	if err != nil {
		return err
	}
	m, err := a.model.open(cmd)
	if err != nil {
		return err
	}
	defer m.Close()
	answers, err := asker.Answer(cmd.Context(), m, batch)
	if err != nil {
		return err
	}
	r := newReply(answers[0], batch.Notes, a.top)
	if a.why.on {
		if err := sayMissing(cmd.ErrOrStderr(), batch.Missing, len(batch.Images), asker.Options().Images); err != nil {
			return err
		}
		if err := a.why.explain(cmd, m, answers[0], r.shown()); err != nil {
			return err
		}
	}
	if len(changes) > 0 {
		target, err := a.why.readTarget(cmd, answers[0])
		if err != nil {
			return err
		}
		o, err := intervene.WhatIf(cmd.Context(), m, answers[0], target, changes...)
		if errors.Is(err, intervene.ErrChange) {
			err = usage("%w", err)
		}
		if err != nil {
			return err
		}
		r.add(o, a.top)
	}
	if a.json {
		return writeJSON(cmd.OutOrStdout(), r)
	}
	return r.print(cmd.OutOrStdout(), cmd.ErrOrStderr())
}

// open prepares to ask. pad: all questions are given one length, so that one compiled program serves them.
func (a *asking) open(cmd *cobra.Command, pad bool) (*question.Asker, error) {
	if a.model.load == "" {
		return nil, usage("--load is needed: which weights?")
	}
	world, err := a.model.findToy()
	if err != nil {
		return nil, err
	}
	opt := question.Options{
		Weights: a.model.load, Vocab: a.vocab, Answers: a.answers, Images: a.why.images, Objects: a.objects, Attributes: a.attributes, Pad: pad, Log: cmd.ErrOrStderr(), Flags: true,
	}
	if a.regions != "" {
		opt.Regions = []string{a.regions}
	}
	if fillToy(&opt, world); len(opt.Regions) == 0 {
		return nil, usage("--regions is needed: %s is not the toy world, but weights of that name", a.model.load)
	}
	cfg, err := modelConfig(a.model)
	if err != nil {
		return nil, err
	}
	return question.Open(cfg, opt)
}

// batch makes the model's input of the question. Remarks about files go to the standard error.
func (a *asking) batch(cmd *cobra.Command, asker *question.Asker, sentence string) (*question.Batch, error) {
	if n := asker.Pictures(); len(a.images) != n {
		about := "one picture"
		if n == 2 {
			about = "two pictures (NLVR2): --image LEFT --image RIGHT"
		}
		return nil, usage("--image is given %d times, must be %d: %s answers about %s", len(a.images), n, a.model.load, about)
	}
	batch, err := asker.Batch(cmd.Context(), []lxmert.Question{{Text: sentence, Images: a.images}})
	if errors.Is(err, question.ErrQuestion) {
		return nil, usage("%w", err)
	}
	if err != nil {
		return nil, err
	}
	for _, line := range batch.Doubts {
		fmt.Fprintln(cmd.ErrOrStderr(), line)
	}
	return batch, nil
}

func inFile(path string) string {
	if path == "" {
		return ""
	}
	return " in " + path
}

// modelConfig reads the sizes of a model without loading it.
func modelConfig(f modelFlags) (lxmert.Config, error) {
	m, err := weights.OpenModel(f.load, f.config)
	if err != nil {
		return lxmert.Config{}, err
	}
	return m.Config, m.Close()
}
