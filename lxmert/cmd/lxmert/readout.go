package main

import (
	"fmt"
	"io"
	"path/filepath"
	"strings"

	"github.com/spf13/cobra"

	"github.com/seed-516990b0/golxmert/analysis/figure"
	"github.com/seed-516990b0/golxmert/analysis/readout"
)

// readingOut is what the flags of `lxmert readout` say.
type readingOut struct {
	ask   asking
	words []string
	out   string
}

func readoutCommand() *cobra.Command {
	var r readingOut
	cmd := &cobra.Command{
		Use:   `readout --load WEIGHTS --regions FEATURES --image ID "sentence"`,
		Short: "Say what the heads of pre-training say: masked words, match, objects, attributes, features, answer",
		Long: `Reads the heads of pre-trained weights, such as the published Epoch20_LXRT.pth, for one sentence and one picture:

  word       each word hidden behind [MASK] by itself, with all of its pieces, and guessed with the picture and without it;
             and what the head says of it while it is seen
  match      the probability that sentence and picture belong together: class 1 of out.match, after softmax
  object, attribute   of each region, hidden (feature zero, box kept, as in pre-training) and seen
  feature    the feature that is guessed of a hidden region, and which region of the picture it comes nearest to
  answer     the answer head of pre-training, softmax; or a fine-tuned head

Beside the most probable classes stand the rank of what is there and its surprise in bits, -log2 of its probability: 0 is
certain, 1 as much as a coin. Of regions, what is there is what the detector says. Without the picture no region is attended
to.

Classes are named by the vocabulary, by --objects and --attributes (text files, one name per line: objects_vocab.txt and
attributes_vocab.txt of the detector) and by --answers (all_ans.json); those that no file names are numbered.

--mask WORD hides only this word and may be given several times. --out writes all of it: a page (.html), a figure of the
surprises (.pdf, .svg, .png), or the table (.csv, .tex, .json, .safetensors).`,
		Example: `  lxmert readout --load snap/pretrained/Epoch20_LXRT --regions data/mscoco_imgfeat/val2014_obj36.tsv \
      --image val2014/458752 --objects objects_vocab.txt --attributes attributes_vocab.txt "A man is holding an umbrella."
  lxmert readout --load toy-pretrained --image test/500001 --mask yellow --out heads.html \
      "a small yellow star below a large green triangle."`,
		Args: cobra.ExactArgs(1),
		RunE: func(cmd *cobra.Command, args []string) error {
			switch {
			case len(r.ask.images) != 1:
				return usage("--image is given %d times, must be 1: heads are read of one sentence and one picture", len(r.ask.images))
			case r.ask.top < 1:
				return usage("--top is %d, must be at least 1", r.ask.top)
			}
			if r.out != "" {
				if err := checkFigureFile(r.out); err != nil {
					return err
				}
			}
			return r.run(cmd, args[0])
		},
	}
	r.ask.model.add(cmd)
	r.ask.addQuestion(cmd)
	f := cmd.Flags()
	f.StringVar(&r.ask.answers, "answers", "", "JSON list that names the answers (default: looked for beside the weights and in data)")
	f.StringVar(&r.ask.why.images, "images", "", "folder with the pictures, found by their ids, for --out (default: regions are drawn on an empty canvas)")
	f.StringArrayVar(&r.words, "mask", nil, `a word to hide, "man", or one of its pieces by its position, "word 3"; may be given several times (default: every word, one at a time)`)
	f.IntVar(&r.ask.top, "top", 5, "how many classes to print of each reading")
	f.StringVar(&r.out, "out", "", "write everything to this file: "+strings.Join(figure.Suffixes(), ", "))
	f.BoolVar(&r.ask.json, "json", false, "print JSON")
	return cmd
}

// run reads the heads. What can be wrong is looked at before what takes long.
func (r *readingOut) run(cmd *cobra.Command, sentence string) error {
	asker, err := r.ask.open(cmd, false)
	if err != nil {
		return err
	}
	defer asker.Close()
	if err := readout.CanRead(asker.Config()); err != nil {
		return fmt.Errorf("%s: %w", r.ask.model.load, err)
	}
	for _, note := range asker.Notes() {
		fmt.Fprintln(cmd.ErrOrStderr(), note)
	}
	batch, err := r.ask.batch(cmd, asker, sentence)
	if err != nil {
		return err
	}
	for _, note := range batch.Notes {
		fmt.Fprintln(cmd.ErrOrStderr(), "warning: "+note)
	}
	opt := readout.Options{Top: r.ask.top}
	if opt.Words, err = readout.Positions(batch.Batch, r.words...); err != nil {
		return usage("--mask: %w", err)
	}
	if opt.Names, err = asker.Names(); err != nil {
		return err
	}
	if r.out != "" {
		if err := sayMissing(cmd.ErrOrStderr(), batch.Missing, len(batch.Images), asker.Options().Images); err != nil {
			return err
		}
	}
	m, err := r.ask.model.open(cmd)
	if err != nil {
		return err
	}
	defer m.Close()
	said, err := readout.Read(cmd.Context(), m, batch.Batch, opt)
	if err != nil {
		return err
	}
	if r.out != "" {
		if err := saveReadout(r.out, said); err != nil {
			return err
		}
		fmt.Fprintf(cmd.ErrOrStderr(), "%s has what the heads say\n", r.out)
	}
	if !r.ask.json {
		_, err = io.WriteString(cmd.OutOrStdout(), said.String())
		return err
	}
	return writeJSON(cmd.OutOrStdout(), said.Table())
}

// saveReadout writes a page of everything, a figure of the surprises, or the numbers.
func saveReadout(path string, r *readout.Readout) error {
	switch strings.ToLower(filepath.Ext(path)) {
	case ".html":
		return figure.Save(path, r.Collection(), figure.Options{})
	case ".pdf", ".svg", ".png":
		return figure.Save(path, r.Surprise(), figure.Options{})
	}
	return figure.Save(path, r.Table(), figure.Options{})
}
