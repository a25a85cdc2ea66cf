package main

import (
	"errors"
	"fmt"
	"io"
	"strings"

	"github.com/spf13/cobra"

	"github.com/seed-516990b0/golxmert/analysis/dictionary"
	"github.com/seed-516990b0/golxmert/analysis/intervene"
	"github.com/seed-516990b0/golxmert/lxmert"
	"github.com/seed-516990b0/golxmert/lxmert/question"
)

// changing is what the flags say about asking again with something changed.
type changing struct {
	words, without, heads, cuts []string
	dictionary, dictionaryAt    string
	features                    []string
	withoutError                bool
}

// add adds the flags; about goes before what is said of each.
func (c *changing) add(cmd *cobra.Command, about string) {
	f := cmd.Flags()
	f.StringArrayVar(&c.words, "what-if", nil, about+"ask again with other words; this flag and --without, --heads-off, --cut and --feature may be given several times, each is a change of its own")
	f.StringArrayVar(&c.without, "without", nil, about+`ask again without some regions: "regions" (all of them), "star", "region 7", or several with commas between them`)
	f.StringArrayVar(&c.heads, "heads-off", nil, about+"ask again with attention heads switched off: x.1.ti:0,2 are two heads of a map, 'x.*.ti' all heads of several")
	f.StringArrayVar(&c.cuts, "cut", nil, about+`ask again with attention cut, from who looks to what is looked at: "[CLS] > regions", or in one layer "[CLS] > star in x.1.ti"`)
	f.StringVar(&c.dictionary, "dictionary", "", about+"a dictionary of features for --feature, such as a sparse autoencoder: a safetensors file with W_enc, b_enc, W_dec and b_dec (go doc github.com/seed-516990b0/golxmert/analysis/dictionary)")
	f.StringVar(&c.dictionaryAt, "dictionary-at", "", `the activation that the dictionary is of, such as hid.t.9 (default: as its metadata "at" says)`)
	f.StringArrayVar(&c.features, "feature", nil, about+`ask again with features of the dictionary changed: "12=0" is off, "12=5" set, "12*2" scaled; several with commas; "12=0 at star" there alone`)
	f.BoolVar(&c.withoutError, "without-error", false, "what the dictionary does not explain is lost, not kept; with no --feature: ask again with its reconstruction alone")
}

// any says whether something is to be changed.
func (c *changing) any() bool {
	return len(c.words)+len(c.without)+len(c.heads)+len(c.cuts)+len(c.features) > 0 || c.dictionary != "" || c.dictionaryAt != "" || c.withoutError
}

// changes are what the flags stand for.
func (c *changing) changes(cmd *cobra.Command, asker *question.Asker, images []string) ([]intervene.Change, error) {
	var all []intervene.Change
	for _, text := range c.words {
		b, err := asker.Batch(cmd.Context(), []lxmert.Question{{Text: text, Images: images}})
		if errors.Is(err, question.ErrQuestion) {
			err = usage("--what-if: %w", err)
		}
		if err != nil {
			return nil, err
		}
		all = append(all, intervene.Instead(b.Batch))
	}
	fixed, err := c.fixed()
	return append(all, fixed...), err
}

// fixed are the changes that are the same for every question: all but other words.
func (c *changing) fixed() (all []intervene.Change, err error) {
	for _, regions := range c.without {
		var names []string
		for _, name := range strings.Split(regions, ",") {
			names = append(names, strings.TrimSpace(name))
		}
		all = append(all, intervene.Without(names...))
	}
	for _, heads := range c.heads {
		all = append(all, intervene.HeadsOff(heads))
	}
	for _, cut := range c.cuts {
		edge, layer, some := strings.Cut(cut, " in ")
		from, to, ok := strings.Cut(edge, ">")
		if !ok {
			return nil, usage(`--cut %q: must be who looks, ">", and what is looked at, such as "[CLS] > regions"`, cut)
		}
		var maps []string
		if some {
			maps = append(maps, strings.TrimSpace(layer))
		}
		all = append(all, intervene.Cut(strings.TrimSpace(from), strings.TrimSpace(to), maps...))
	}
	features, err := c.featureChanges()
	return append(all, features...), err
}

// featureChanges are those that a dictionary makes.
func (c *changing) featureChanges() (all []intervene.Change, err error) {
	switch {
	case c.dictionary == "" && (len(c.features) > 0 || c.dictionaryAt != "" || c.withoutError):
		return nil, usage("--feature, --dictionary-at and --without-error are for --dictionary, which is missing")
	case c.dictionary == "":
		return nil, nil
	case len(c.features) == 0 && !c.withoutError:
		return nil, usage("--dictionary needs --feature, such as 12=0, or --without-error, which asks with the reconstruction alone")
	}
	d, err := dictionary.Open(c.dictionary, c.dictionaryAt)
	if err != nil {
		return nil, fmt.Errorf("--dictionary: %w", err)
	}
	change := intervene.Features
	if c.withoutError {
		change = intervene.Reconstructed
	}
	if len(c.features) == 0 {
		return []intervene.Change{change(d, nil)}, nil
	}
	for _, text := range c.features {
		what, where, some := strings.Cut(text, " at ")
		changes, err := dictionary.ParseChanges(what)
		if err != nil {
			return nil, usage("--feature: %w", err)
		}
		var at []string
		if some {
			at = append(at, strings.TrimSpace(where))
		}
		all = append(all, change(d, changes, at...))
	}
	return all, nil
}

// whatIf is an answer with something changed, as JSON.
type whatIf struct {
	Change     string   `json:"change"`
	Answers    []answer `json:"answers"`
	Target     string   `json:"target"`
	Before     float64  `json:"before"` // of the target
	After      float64  `json:"after"`
	Difference float64  `json:"difference"`
}

// add puts what came of the changes into the reply.
func (r *reply) add(o *intervene.Outcome, top int) {
	for _, x := range o.After {
		w := whatIf{Change: x.Change, Target: o.Target, Before: o.Before.Score, After: x.Score, Difference: x.Score - o.Before.Score}
		for _, y := range x.Answer.Ranked[:min(len(x.Answer.Ranked), top)] {
			w.Answers = append(w.Answers, answer{y.Text, y.Class, y.Logit, y.Probability})
		}
		r.WhatIf = append(r.WhatIf, w)
	}
}

// printWhatIf writes what came of the changes, a line for each.
func (r *reply) printWhatIf(w io.Writer) {
	for i, x := range r.WhatIf {
		if i == 0 {
			fmt.Fprintf(w, "\n%s %.3f\n", plain(x.Target), x.Before)
		}
		fmt.Fprintf(w, "%.3f  %+.3f  %-12s  %s\n", x.After, x.Difference, plain(x.Answers[0].Answer), plain(x.Change))
	}
}
