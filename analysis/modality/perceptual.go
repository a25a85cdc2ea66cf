package modality

import (
	"context"
	"fmt"
	"math/rand/v2"

	"github.com/seed-516990b0/golxmert/analysis"
	"github.com/seed-516990b0/golxmert/lxmert"
)

// PerceptualOptions are those of [Perceptual]. The zero value draws five permutations.
type PerceptualOptions struct {
	Output       string // whose largest class counts; "": that of the answer head
	Permutations int    // of the examples, for each modality; 0: 5
	Seed         uint64
	RowsPerRun   int // rows of one run of the model; 0: 256
}

// Perception is how well a model answers, and how well with the pictures or the texts exchanged between examples.
type Perception struct {
	analysis.Meta
	// Right is how much each example's answer counts, 0 to 1. OtherPicture and OtherText are what is expected of it with the
	// picture, or the text, of a random example, which may be its own.
	Right, OtherPicture, OtherText []float64
}

// Perceptual permutes one modality among the examples and asks again (Gat, Schwartz and Schwing, "Perceptual score", 2021).
// Labels are how much each answer counts in each example, [examples][classes]; nil: the model's own answers are right, and
// scores say how many of them depend on the modality.
func Perceptual(ctx context.Context, eng lxmert.Engine, b *lxmert.Batch, labels [][]float64, opt PerceptualOptions) (*Perception, error) {
	g, err := newGrid(eng, b, opt.Output)
	if err != nil {
		return nil, err
	}
	if err := checkLabels(labels, g.examples, g.classes); err != nil {
		return nil, err
	}
	if opt.Permutations <= 0 {
		opt.Permutations = 5
	}
	if opt.RowsPerRun <= 0 {
		opt.RowsPerRun = 256
	}
	n := g.examples
	known := map[[2]int]int{} // the largest class of each pair
	var pairs [][2]int
	ask := func(text, picture int) {
		p := [2]int{text, picture}
		if _, asked := known[p]; !asked {
			known[p] = 0
			pairs = append(pairs, p)
		}
	}
	random := rand.New(rand.NewPCG(opt.Seed, 0))
	var permutations [2][][]int
	for i := range n {
		ask(i, i)
	}
	for range opt.Permutations {
		for side := range permutations {
			order := random.Perm(n)
			permutations[side] = append(permutations[side], order)
			for i, other := range order {
				if side == 0 {
					ask(i, other)
				} else {
					ask(other, i)
				}
			}
		}
	}
	var provenance lxmert.Provenance
	err = g.run(ctx, blocks(pairs, max(1, opt.RowsPerRun/g.group)), func(pair [2]int, trace *lxmert.Trace, row int) {
		known[pair] = largest(trace.Values[g.output].Row(row).Data)
		provenance = trace.Provenance
	})
	if err != nil {
		return nil, err
	}
	p := &Perception{Meta: analysis.Meta{
		Method: "perceptual score", Target: "answers of " + g.output, Unit: "share", Model: provenance, Seed: opt.Seed, N: n,
		Params: map[string]string{"permutations": fmt.Sprint(opt.Permutations)},
	}}
	p.Right, p.OtherPicture, p.OtherText = make([]float64, n), make([]float64, n), make([]float64, n)
	for i := range n {
		own := known[[2]int{i, i}]
		counts := func(class int) float64 { return worth(labels, i, own, class) }
		p.Right[i] = counts(own)
		for k := range opt.Permutations {
			p.OtherPicture[i] += counts(known[[2]int{i, permutations[0][k][i]}]) / float64(opt.Permutations)
			p.OtherText[i] += counts(known[[2]int{permutations[1][k][i], i}]) / float64(opt.Permutations)
		}
	}
	return p, nil
}

// worth is how much a class counts as the answer of an example, by its labels or, without any, by the model's own answer.
func worth(labels [][]float64, example, own, class int) float64 {
	switch {
	case labels != nil:
		return labels[example][class]
	case class == own:
		return 1
	}
	return 0
}

func checkLabels(labels [][]float64, examples, classes int) error {
	if labels == nil {
		return nil
	}
	if len(labels) != examples {
		return fmt.Errorf("labels of %d examples, there are %d", len(labels), examples)
	}
	for i := range labels {
		if len(labels[i]) != classes {
			return fmt.Errorf("example %d has labels of %d classes, the model has %d", i, len(labels[i]), classes)
		}
	}
	return nil
}

// Perception is the perceptual score over all permutations that there are, which a sweep over all pairs knows: nothing is
// drawn. Labels are those of [Perceptual].
func (p *Projection) Perception(labels [][]float64) (*Perception, error) {
	n, classes := len(p.Full), len(p.Constant)
	if err := checkLabels(labels, n, classes); err != nil {
		return nil, err
	}
	out := &Perception{Meta: p.Meta}
	out.Method, out.Target, out.Unit = "perceptual score", "answers", "share"
	out.Params = map[string]string{"permutations": "all"}
	for i := range n {
		own := largest(p.Full[i])
		right := worth(labels, i, own, own)
		expected := func(others []int) float64 {
			sum := right
			for class, times := range others {
				sum += float64(times) * worth(labels, i, own, class)
			}
			return sum / float64(n)
		}
		out.Right = append(out.Right, right)
		out.OtherPicture, out.OtherText = append(out.OtherPicture, expected(p.OtherPictures[i])), append(out.OtherText, expected(p.OtherTexts[i]))
	}
	return out, nil
}

// Scores are the perceptual scores of picture and text, (accuracy - expected accuracy after permuting) / accuracy: 0 for a
// model that does not need the modality, NaN for one that is never right.
func (p *Perception) Scores() (picture, text float64) {
	right := analysis.Mean(p.Right)
	return (right - analysis.Mean(p.OtherPicture)) / right, (right - analysis.Mean(p.OtherText)) / right
}
