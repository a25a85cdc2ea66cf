package main

import (
	"fmt"
	"io"
	"time"

	"github.com/spf13/cobra"

	"github.com/seed-516990b0/golxmert/lxmert"
	"github.com/seed-516990b0/golxmert/lxmert/region"
	"github.com/seed-516990b0/golxmert/lxmert/token"
	"github.com/seed-516990b0/golxmert/lxmert/weights"
)

// questionLength is the number of word pieces of a question, as in fine-tuning.
const questionLength = 20

// asking is what the flags of `lxmert ask` say.
type asking struct {
	model                   modelFlags
	regions                 string
	images                  []string
	vocab, answers, objects string
	top                     int
	json                    bool
	why                     explaining
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

Regions are a TSV as published, a .npz or .safetensors file, or a folder of these, one per image. An image is sought in the
whole TSV, as the last of equal ids counts.

Answers are named by a JSON list: trainval_label2ans.json of VQA or GQA, or all_ans.json of pre-training. Without --answers
they are looked for beside the weights, in data/vqa, data/gqa and data/lxmert, and taken if their number is the head's.

--explain writes a page (or with --out a figure, or the numbers) that shows which words and regions carried the most
probable answer: the bi-modal relevance of Chefer, Gur and Wolf (2021).`,
		Example: `  lxmert ask --load snap/pretrained/model --regions data/mscoco_imgfeat/val2014_obj36.tsv \
      --image COCO_val2014_000000458752 "What is the man holding?"
  lxmert ask --load snap/nlvr2/BEST --regions data/nlvr2_imgfeat/valid_obj36.tsv \
      --image dev-10-0-img0 --image dev-10-0-img1 "There are two dogs in total."`,
		Args: cobra.ExactArgs(1),
		RunE: func(cmd *cobra.Command, args []string) error {
			switch {
			case a.model.load == "":
				return usage("--load is needed: which weights?")
			case a.regions == "":
				return usage("--regions is needed: a TSV, .npz or .safetensors file, or a folder of the last two")
			case len(a.images) == 0:
				return usage("--image is needed: the id of the picture in %s", a.regions)
			case a.top < 1:
				return usage("--top is %d, must be at least 1", a.top)
			}
			if err := a.why.check(cmd); err != nil {
				return err
			}
			return a.run(cmd, args[0])
		},
	}
	a.model.add(cmd)
	a.why.add(cmd)
	cmd.Flags().StringVar(&a.regions, "regions", "", "regions of the pictures: a TSV, a packed store, .npz or .safetensors file, or a folder of the last two")
	cmd.Flags().StringArrayVar(&a.images, "image", nil, "id of the picture; twice for NLVR2: left, right")
	cmd.Flags().StringVar(&a.vocab, "vocab", "", "vocab.txt of bert-base-uncased (default: looked for beside the weights, in data and in Hugging Face's cache)")
	cmd.Flags().StringVar(&a.answers, "answers", "", "JSON list that names the answers (default: looked for beside the weights and in data)")
	cmd.Flags().StringVar(&a.objects, "objects", "", "text file that names the detector's object classes, one per line (objects_vocab.txt)")
	cmd.Flags().IntVar(&a.top, "top", 5, "how many answers to print")
	cmd.Flags().BoolVar(&a.json, "json", false, "print JSON")
	return cmd
}

// run answers. What can be wrong is looked at before what takes long.
func (a *asking) run(cmd *cobra.Command, sentence string) error {
	cfg, err := modelConfig(a.model)
	if err != nil {
		return err
	}
	h, err := chooseHead(cfg)
	if err != nil {
		return fmt.Errorf("%s: %w", a.model.load, err)
	}
	if len(a.images) != h.images {
		return usage("--image is given %d times, must be %d: %s answers about %s", len(a.images), h.images, a.model.load, h.about())
	}
	question, whole, err := a.encode(cfg, sentence)
	if err != nil {
		return err
	}
	if err := h.nameAnswers(a.answers, a.model.load, cmd.ErrOrStderr()); err != nil {
		return err
	}
	objects, err := readLabels(a.objects)
	if err != nil {
		return err
	}
	batch, found, err := a.batch(cmd, question)
	if err != nil {
		return err
	}
	if dim := batch.Feats.Shape[2]; dim != cfg.FeatDim {
		return fmt.Errorf("%s has %d features per region, the model of %s takes %d: they are of another detector", a.regions, dim, a.model.load, cfg.FeatDim)
	}
	m, closeModel, err := a.model.open(cmd)
	if err != nil {
		return err
	}
	defer closeModel()
	want := []string{h.name}
	if cfg.Match {
		want = append(want, "out.match")
	}
	t, err := m.Run(cmd.Context(), batch, lxmert.Request{Want: lxmert.All(want...)})
	if err != nil {
		return err
	}
	r, err := h.reply(t, a.top)
	if err != nil {
		return err
	}
	r.describe(question.Words, whole, found, objects)
	if a.why.on {
		if err := a.why.pictures(batch, found, objects, cmd.ErrOrStderr()); err != nil {
			return err
		}
		if err := a.why.explain(cmd, m, batch, r); err != nil {
			return err
		}
	}
	if a.json {
		return r.printJSON(cmd.OutOrStdout())
	}
	return r.print(cmd.OutOrStdout(), cmd.ErrOrStderr())
}

// modelConfig reads the sizes of a model without loading it.
func modelConfig(f modelFlags) (lxmert.Config, error) {
	m, err := weights.OpenModel(f.load, f.config)
	if err != nil {
		return lxmert.Config{}, err
	}
	return m.Config, m.Close()
}

// encode cuts the question into word pieces. whole is how many it has in all.
func (a *asking) encode(cfg lxmert.Config, sentence string) (e token.Encoding, whole int, err error) {
	path, err := token.Find(a.vocab, a.model.load)
	if err != nil {
		return e, 0, err
	}
	w, err := token.Load(path)
	if err != nil {
		return e, 0, err
	}
	if w.Size() != cfg.Vocab {
		return e, 0, fmt.Errorf("%s has %d word pieces, the model of %s has %d: give the vocabulary that it was trained with by --vocab", path, w.Size(), a.model.load, cfg.Vocab)
	}
	all, err := w.Encode(sentence, 0)
	if err != nil {
		return e, 0, err
	}
	if len(all.IDs) == 2 {
		return e, 0, usage("the question is empty")
	}
	e, err = w.Encode(sentence, min(questionLength, cfg.MaxPositions))
	return e, len(all.IDs), err
}

// batch finds the pictures' regions. A file of gigabytes is searched for a while: it says so.
func (a *asking) batch(cmd *cobra.Command, q token.Encoding) (*lxmert.Batch, []*region.Regions, error) {
	source, err := region.Open(a.regions)
	if err != nil {
		return nil, nil, err
	}
	defer source.Close()
	var found []*region.Regions
	for _, id := range a.images {
		stop := sayAfter(2*time.Second, cmd.ErrOrStderr(), fmt.Sprintf("looking for %q in %s ...", id, a.regions))
		r, err := source.Find(cmd.Context(), id)
		stop()
		if err != nil {
			return nil, nil, err
		}
		found = append(found, r)
	}
	look, err := region.Examine(cmd.Context(), source, found...)
	if err != nil {
		return nil, nil, err
	}
	for _, line := range look.Lines(a.regions, region.TrainedOn(a.model.load)) {
		fmt.Fprintln(cmd.ErrOrStderr(), line)
	}
	b := &lxmert.Batch{IDs: [][]int32{q.IDs}, Segments: [][]int32{q.Segments}, TextMask: [][]float32{q.Mask}, Words: []lxmert.Words{q.Words}}
	for i := range found {
		b.Pairs = append(b.Pairs, [2]int{0, i})
	}
	return b, found, region.Fill(b, found...)
}

// sayAfter prints a line unless it is stopped before.
func sayAfter(wait time.Duration, w io.Writer, line string) (stop func()) {
	done, finished := make(chan struct{}), make(chan struct{})
	go func() {
		defer close(finished)
		select {
		case <-done:
		case <-time.After(wait):
			fmt.Fprintln(w, line)
		}
	}()
	return func() { close(done); <-finished }
}
