package main

import (
	"encoding/json"
	"fmt"
	"io"
	"slices"
	"strings"

	"github.com/seed-516990b0/golxmert/lxmert"
	"github.com/seed-516990b0/golxmert/lxmert/region"
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
	Warnings []string          `json:"warnings,omitempty"`
	Source   lxmert.Provenance `json:"provenance"`
}

// askedImage is what is known about one picture.
type askedImage struct {
	ID      string   `json:"id"`
	Width   int      `json:"width"`
	Height  int      `json:"height"`
	Regions int      `json:"regions"`
	Objects []string `json:"objects,omitempty"` // what the detector saw, each once
}

// describe adds what was asked, and warns where the model saw less than what was written; whole is how many word pieces
// the question has in all.
func (r *reply) describe(question lxmert.Words, whole int, images []*region.Regions, objects []string) {
	r.Question = question.Text
	unknown := []string{}
	for i, p := range question.Pieces {
		if p == "[PAD]" && question.Word[i] < 0 {
			continue
		}
		r.Pieces = append(r.Pieces, p)
		if p == "[UNK]" && question.Start[i] >= 0 && question.Text[question.Start[i]:question.End[i]] != p {
			unknown = append(unknown, fmt.Sprintf("%q", question.Text[question.Start[i]:question.End[i]]))
		}
	}
	if len(unknown) > 0 {
		r.Warnings = append(r.Warnings, fmt.Sprintf("the vocabulary does not know %s: the model saw [UNK]", strings.Join(unknown, ", ")))
	}
	if whole > len(r.Pieces) {
		r.Warnings = append(r.Warnings, fmt.Sprintf("the question has %d word pieces with [CLS] and [SEP]: the model saw the first %d", whole, len(r.Pieces)))
	}
	for _, image := range images {
		about := askedImage{ID: image.ID, Width: image.Width, Height: image.Height, Regions: image.N}
		for _, class := range image.ObjectIDs {
			if class >= 0 && int(class) < len(objects) && !slices.Contains(about.Objects, objects[class]) {
				about.Objects = append(about.Objects, objects[class])
			}
		}
		r.Images = append(r.Images, about)
	}
}

func (r *reply) printJSON(w io.Writer) error {
	text, err := json.MarshalIndent(r, "", "  ")
	if err != nil {
		return err
	}
	_, err = fmt.Fprintf(w, "%s\n", text)
	return err
}

// print writes the reply for people; warnings go to stderr.
func (r *reply) print(w, stderr io.Writer) error {
	for _, warning := range r.Warnings {
		fmt.Fprintf(stderr, "warning: %s\n", warning)
	}
	var b strings.Builder
	fmt.Fprintf(&b, "question  %s\n", plain(strings.Join(r.Pieces, " ")))
	for _, image := range r.Images {
		fmt.Fprintf(&b, "image     %s, %d x %d pixels, %d regions\n", plain(image.ID), image.Width, image.Height, image.Regions)
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
