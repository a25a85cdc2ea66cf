package main

import (
	"fmt"
	"io"
	"slices"
	"strings"

	"github.com/seed-516990b0/golxmert/analysis"
	"github.com/seed-516990b0/golxmert/lxmert"
)

// reply is what `lxmert ask` prints. Its JSON is documented by the fields' names.
type reply struct {
	Question string            `json:"question"`
	Pieces   []string          `json:"pieces"` // as the model saw it, with [CLS] and [SEP], without padding
	Images   []askedImage      `json:"images"`
	Head     string            `json:"head"`        // out.task or out.qa
	Kind     string            `json:"probability"` // sigmoid or softmax
	Answers  []answer          `json:"answers"`     // the most probable first
	Matched  []float64         `json:"matched,omitempty"`
	WhatIf   []whatIf          `json:"what_if,omitempty"` // with something changed
	Warnings []string          `json:"warnings,omitempty"`
	Source   lxmert.Provenance `json:"provenance"`
}

// answer is one answer with its probability.
type answer struct {
	Answer      string  `json:"answer"`
	Class       int     `json:"class"`
	Logit       float32 `json:"logit"`
	Probability float64 `json:"probability"`
}

// askedImage is what is known about one picture.
type askedImage struct {
	ID      string   `json:"id"`
	Width   int      `json:"width"`
	Height  int      `json:"height"`
	Regions int      `json:"regions"`
	Objects []string `json:"objects,omitempty"` // what the detector saw, each once
}

// newReply is an answer with the top most probable ones of it.
func newReply(a *lxmert.Answer, warnings []string, top int) *reply {
	r := &reply{Question: a.Question.Text, Head: a.Head.Output, Kind: a.Head.Kind, Matched: a.Matched, Warnings: warnings, Source: a.Provenance}
	words := a.Batch.Words[0]
	for i, p := range words.Pieces {
		if p != "[PAD]" || words.Word[i] >= 0 {
			r.Pieces = append(r.Pieces, p)
		}
	}
	for i, image := range a.Batch.Images {
		about := askedImage{ID: image.ID, Width: image.Width, Height: image.Height}
		about.Regions = len(analysis.PresentRegions(a.Batch, i))
		for _, name := range image.Objects {
			if !slices.Contains(about.Objects, name) {
				about.Objects = append(about.Objects, name)
			}
		}
		r.Images = append(r.Images, about)
	}
	for _, x := range a.Ranked[:min(len(a.Ranked), top)] {
		r.Answers = append(r.Answers, answer{x.Text, x.Class, x.Logit, x.Probability})
	}
	return r
}

// shown are the answers as a page shows them.
func (r *reply) shown() (list []analysis.Candidate) {
	for _, a := range r.Answers {
		list = append(list, analysis.Candidate{Text: a.Answer, Probability: a.Probability})
	}
	return list
}

// print writes the reply for people; warnings go to stderr.
func (r *reply) print(w, stderr io.Writer) error {
	for _, warning := range r.Warnings {
		fmt.Fprintf(stderr, "warning: %s\n", warning)
	}
	var b strings.Builder
	fmt.Fprintf(&b, "question  %s\n", plain(strings.Join(r.Pieces, " ")))
	for _, image := range r.Images {
		size := fmt.Sprintf("%d x %d pixels", image.Width, image.Height)
		if image.Width == 0 {
			size = "of a size that its regions do not say"
		}
		fmt.Fprintf(&b, "image     %s, %s, %d regions\n", plain(image.ID), size, image.Regions)
		if len(image.Objects) > 0 {
			fmt.Fprintf(&b, "          %s\n", plain(strings.Join(image.Objects, ", ")))
		}
	}
	b.WriteByte('\n')
	for _, a := range r.Answers {
		name := plain(a.Answer)
		if name == "" {
			name = `""`
		}
		fmt.Fprintf(&b, "%.3f  %s\n", a.Probability, name)
	}
	for i, p := range r.Matched {
		if i == 0 {
			b.WriteByte('\n')
		}
		of := ""
		if len(r.Matched) > 1 {
			of = " " + plain(r.Images[i].ID)
		}
		fmt.Fprintf(&b, "%.3f  matched%s\n", p, of)
	}
	r.printWhatIf(&b)
	_, err := io.WriteString(w, b.String())
	return err
}

// plain makes text from a file harmless to a terminal.
func plain(s string) string {
	if strings.ContainsFunc(s, func(r rune) bool { return r < ' ' || r >= 0x7f && r < 0xa0 }) {
		return fmt.Sprintf("%q", s)
	}
	return s
}
