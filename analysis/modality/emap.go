package modality

import (
	"context"
	"errors"
	"fmt"

	"github.com/seed-516990b0/golxmert/analysis"
	"github.com/seed-516990b0/golxmert/lxmert"
)

// EMAPOptions are those of [EMAP]. The zero value asks the answer head.
type EMAPOptions struct {
	Output string // whose logits are projected, such as "out.match"; "": those of the answer head
	// Side is how many texts, and as many pictures, are in one run of the model, which so has Side x Side rows; 0: 32.
	Side int
}

// Projection is what a model says of each example, and what is left of it without interaction of words and picture.
type Projection struct {
	analysis.Meta
	// Full and Additive are logits [examples][classes] of the model and of its projection. TextOnly and PictureOnly are
	// the two parts of that: the mean over all pictures, and over all texts.
	Full, Additive, TextOnly, PictureOnly [][]float64
	Constant                              []float64 // [classes], the mean over all pairs
	// Pairs is how often each class was the largest in the pairs of each example's text with all other pictures, and of its
	// picture with all other texts: [examples][classes].
	OtherPictures, OtherTexts [][]int
}

// EMAP projects a model's logits to the nearest that words and picture make without interaction, the sum of a number for
// the text and one for the picture (Hessel and Lee, "Does my multimodal model learn cross-modal interactions?", 2020):
//
//	emap_i = mean_j f(text_i, picture_j) + mean_j f(text_j, picture_i) - mean_jk f(text_j, picture_k)
//
// What a model answers less well after it, it answered by looking from words to picture or back. All texts of the batch
// meet all pictures of the batch, so that the projection depends on which examples are in it.
func EMAP(ctx context.Context, eng lxmert.Engine, b *lxmert.Batch, opt EMAPOptions) (*Projection, error) {
	m, err := newGrid(eng, b, opt.Output)
	if err != nil {
		return nil, err
	}
	if opt.Side <= 0 {
		opt.Side = 32
	}
	n, classes := m.examples, m.classes
	p := &Projection{
		Meta: analysis.Meta{Method: "EMAP", Target: "logits of " + m.output, Unit: "logit", N: n, Params: map[string]string{"pairs": fmt.Sprint(n * n)}},
		Full: zeros(n, classes), Additive: zeros(n, classes), TextOnly: zeros(n, classes), PictureOnly: zeros(n, classes),
		Constant:      make([]float64, classes),
		OtherPictures: make([][]int, n), OtherTexts: make([][]int, n),
	}
	for i := range n {
		p.OtherPictures[i], p.OtherTexts[i] = make([]int, classes), make([]int, classes)
	}
	err = m.run(ctx, tiles(n, n, opt.Side), func(pair [2]int, trace *lxmert.Trace, row int) {
		text, picture := pair[0], pair[1]
		logits := trace.Values[m.output].Row(row).Data
		for c, x := range logits {
			p.TextOnly[text][c] += float64(x) / float64(n)
			p.PictureOnly[picture][c] += float64(x) / float64(n)
			p.Constant[c] += float64(x) / float64(n*n)
			if text == picture {
				p.Full[text][c] = float64(x)
			}
		}
		if text != picture {
			p.OtherPictures[text][largest(logits)]++
			p.OtherTexts[picture][largest(logits)]++
		}
		p.Model = trace.Provenance
	})
	if err != nil {
		return nil, err
	}
	for i := range n {
		for c := range classes {
			p.Additive[i][c] = p.TextOnly[i][c] + p.PictureOnly[i][c] - p.Constant[c]
		}
	}
	return p, nil
}

func zeros(rows, cols int) [][]float64 {
	out := make([][]float64, rows)
	for i := range out {
		out[i] = make([]float64, cols)
	}
	return out
}

// largest is the index of the largest number, of equal ones the lowest.
func largest[F float32 | float64](values []F) int {
	at := 0
	for i, x := range values {
		if x > values[at] {
			at = i
		}
	}
	return at
}

// grid is a meeting of the examples of a batch: pair (i, j) is the text of example i with the pictures of example j.
type grid struct {
	meeting
	examples int
	output   string
	classes  int
}

// newGrid checks that an output can be asked of any text with any picture.
func newGrid(eng lxmert.Engine, b *lxmert.Batch, output string) (*grid, error) {
	cfg := eng.Config()
	if err := b.Check(cfg); err != nil {
		return nil, err
	}
	b = analysis.Separate(b)
	if output == "" {
		head, err := cfg.AnswerHead()
		if err != nil {
			return nil, err
		}
		output = head.Output
	}
	m := &grid{output: output, classes: cfg.ClassCount(output)}
	switch {
	case m.classes == 0:
		return nil, fmt.Errorf("the model has no output %q; it has %s", output, cfg.Predictions())
	case output != "out.match" && output != "out.qa" && output != "out.task":
		return nil, fmt.Errorf("%s is about single words or regions; texts and pictures that meet are told apart by out.qa, out.task or out.match", output)
	}
	m.meeting = meeting{eng: eng, group: 1}
	if cfg.Rows(output) == lxmert.TaskRows {
		m.group = 2
	}
	if b.Rows()%m.group != 0 {
		return nil, fmt.Errorf("the model answers about two pictures, the batch has an odd number of rows, %d", b.Rows())
	}
	m.examples = b.Rows() / m.group
	if m.examples < 2 {
		return nil, errors.New("one example has no other to meet: give a batch of several")
	}
	width, pad := b.T(), cfg.Special.Pad
	m.text = func(to *lxmert.Batch, i int) { appendText(to, b, i*m.group, width, pad, nil) }
	m.picture = func(to *lxmert.Batch, i int) {
		for g := range m.group {
			appendPicture(to, b, i*m.group+g, nil)
		}
	}
	m.request = func([][2]int) lxmert.Request {
		return lxmert.Request{Want: lxmert.All(output), NoRegions: lxmert.AttendNothing}
	}
	return m, nil
}
