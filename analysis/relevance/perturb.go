package relevance

import (
	"cmp"
	"context"
	"fmt"
	"math"
	"math/rand/v2"
	"slices"

	"github.com/seed-516990b0/golxmert/analysis"
	"github.com/seed-516990b0/golxmert/lxmert"
)

// PublishedSteps are the shares of words or regions that the published perturbation test removes.
func PublishedSteps() []float64 { return []float64{0, .25, .5, .75, .8, .85, .9, .95, 1} }

// Keep is how many of n features are left when a share of them is removed: int((1-step)*n) in double precision, as the
// published test counts. So of 5 features 0 are left at 0.8, not 1, because (1-0.8)*5 is a hair below 1.
func Keep(step float64, n int) int { return int((1 - step) * float64(n)) }

// PerturbOptions are those of [Perturb]. The zero value is the published test with five random rankings.
type PerturbOptions struct {
	// EveryStep removes one feature after another, instead of the nine published shares.
	EveryStep bool
	// Modalities are those to test, of "text", "image" and "joint" (words and regions, the same share of each); nil: all.
	Modalities []string
	// Random is the number of random rankings to compare with; 0: 5, negative: none. Seed makes them, for each example by
	// its number; First is the number of the batch's first, so that a part of a data set draws what the whole draws.
	Random int
	Seed   uint64
	First  int
	// Labels are how much each answer counts in each row (for NLVR2 in each pair of rows), such as VQA's soft accuracy:
	// [rows][answers], 0 to 1. Nil: accuracy is not measured.
	Labels [][]float64
	// RowsPerRun is the number of rows of one run of the model; 0: 64.
	RowsPerRun int
}

// Perturbation is what a perturbation test measured. Those of several batches are put together by appending their trials.
type Perturbation struct {
	analysis.Meta
	Trials []Trial `json:"trials"`
}

// Trial is one example, from which features are removed in one order.
type Trial struct {
	Example  int    `json:"example"`
	Modality string `json:"modality"` // "text", "image" or "joint"
	// Order is "negative" (the least relevant go first: a good ranking keeps the answer long), "positive" (the most relevant
	// go first: it loses the answer soon) or "random".
	Order       string    `json:"order"`
	Steps       []float64 `json:"steps"`              // share removed, 0 to 1, ascending
	Probability []float64 `json:"probability"`        // of the answer that the model gives with everything there
	Accuracy    []float64 `json:"accuracy,omitempty"` // label of the most probable answer; nil without labels
}

// AUC is the area under a list of values over the trial's steps, by trapezoids: 0 to 1 for shares.
func (t Trial) AUC(values []float64) float64 { return area(t.Steps, values) }

func area(x, y []float64) float64 {
	sum := 0.0
	for i := 1; i < len(x); i++ {
		sum += (x[i] - x[i-1]) * (y[i] + y[i-1]) / 2
	}
	return sum
}

// Perturb tests rankings by removing words and regions and asking again. scores are those of any method on this batch, one
// per row; each example is asked for the answer that the model gives with everything there. Removed words are deleted, so
// that the others move together; the first and the last, [CLS] and [SEP], stay and do not count. Removed regions are masked;
// if all are gone the text attends to none. Of equal scores the one with the lower index stays longer, in either order. The
// probability is a share of all answers (softmax), also of a head that was trained to give each a probability of its own,
// so that what an answer loses another gains. A model without an
// answer head, and scores that do not fit the batch or are not numbers, are errors.
func Perturb(ctx context.Context, eng lxmert.Engine, b *lxmert.Batch, scores []analysis.Scores, opt PerturbOptions) (*Perturbation, error) {
	b = analysis.Separate(b)
	p, err := newPerturber(eng, b, scores, opt)
	if err != nil {
		return nil, err
	}
	out := &Perturbation{}
	for example := range b.Rows() / p.group {
		p.plan(out, example, scores)
	}
	logits, provenance, err := p.ask(ctx)
	if err != nil {
		return nil, err
	}
	p.measure(out, logits)
	if len(scores) > 0 {
		out.Meta = scores[0].Meta
	}
	out.Meta.Method = "perturbation test of " + out.Meta.Method
	out.Target, out.Unit, out.Model, out.N = "probability of the predicted answer", "share", provenance, b.Rows()/p.group
	out.Seed, out.Notes, out.Params = opt.Seed, nil, map[string]string{"random rankings": fmt.Sprint(p.opt.Random), "probability": "softmax"}
	return out, nil
}

// perturber collects what to ask the model, each question once, and which trials wait for the answer.
type perturber struct {
	eng    lxmert.Engine
	b      *lxmert.Batch
	opt    PerturbOptions
	output string
	group  int // rows of one answer: 2 for a head that joins two pictures

	asked   []question
	known   map[string]int
	waiting [][]int // for each trial the question of each step
	whole   []int   // for each example the question with everything there
}

// question is an example with some of its features. Lists are in ascending order, one for each row of the example.
type question struct {
	example        int
	words, regions [][]int
}

func newPerturber(eng lxmert.Engine, b *lxmert.Batch, scores []analysis.Scores, opt PerturbOptions) (*perturber, error) {
	cfg := eng.Config()
	if err := b.Check(cfg); err != nil {
		return nil, err
	}
	head, err := cfg.AnswerHead()
	if err != nil {
		return nil, err
	}
	output := head.Output
	p := &perturber{eng: eng, b: b, opt: opt, output: output, group: 1, known: map[string]int{}}
	if cfg.Rows(output) == lxmert.TaskRows {
		p.group = 2
	}
	if b.Rows()%p.group != 0 {
		return nil, fmt.Errorf("the model answers about two pictures, the batch has an odd number of rows, %d", b.Rows())
	}
	if len(scores) != b.Rows() {
		return nil, fmt.Errorf("scores of %d examples for a batch of %d rows", len(scores), b.Rows())
	}
	if p.opt.Modalities == nil {
		p.opt.Modalities = []string{"text", "image", "joint"}
	}
	for _, m := range p.opt.Modalities {
		if !slices.Contains([]string{"text", "image", "joint"}, m) {
			return nil, fmt.Errorf("there is no modality %q; there are text, image and joint", m)
		}
	}
	for n, s := range scores {
		if len(s.Words) != len(b.IDs[n]) || len(s.Regions) != b.V() {
			return nil, fmt.Errorf("row %d has %d words and %d regions, its scores are of %d and %d", n, len(b.IDs[n]), b.V(), len(s.Words), len(s.Regions))
		}
		if slices.ContainsFunc(slices.Concat(s.Words, s.Regions), math.IsNaN) {
			return nil, fmt.Errorf("row %d has scores that are not numbers, which cannot be ranked", n)
		}
	}
	if l := opt.Labels; l != nil {
		if len(l) != b.Rows()/p.group {
			return nil, fmt.Errorf("labels of %d examples, there are %d", len(l), b.Rows()/p.group)
		}
		for n := range l {
			if len(l[n]) != cfg.ClassCount(output) {
				return nil, fmt.Errorf("row %d has labels of %d answers, the model has %d", n, len(l[n]), cfg.ClassCount(output))
			}
		}
	}
	if p.opt.Random == 0 {
		p.opt.Random = 5
	}
	p.opt.Random = max(0, p.opt.Random)
	if p.opt.RowsPerRun <= 0 {
		p.opt.RowsPerRun = 64
	}
	return p, nil
}

// plan adds the trials of one example.
func (p *perturber) plan(out *Perturbation, example int, scores []analysis.Scores) {
	rankings := func(order string, seed int) (words, regions [][]int) {
		random := rand.New(rand.NewPCG(p.opt.Seed, uint64(p.opt.First+example)<<32|uint64(seed)))
		for g := range p.group {
			n := example*p.group + g
			words = append(words, rank(analysis.InnerWords(p.b, n), scores[n].Words, order, random))
			regions = append(regions, rank(analysis.PresentRegions(p.b, n), scores[n].Regions, order, random))
		}
		return words, regions
	}
	words, regions := rankings("negative", 0)
	p.whole = append(p.whole, p.question(example, words, regions, nil, 0))
	for _, modality := range p.opt.Modalities {
		for k := range 2 + p.opt.Random {
			order, seed := "random", k-2
			if k < 2 {
				order, seed = []string{"negative", "positive"}[k], 0
			}
			words, regions := rankings(order, seed)
			t := Trial{Example: example, Modality: modality, Order: order, Steps: p.steps(modality, words, regions)}
			var questions []int
			for _, step := range t.Steps {
				questions = append(questions, p.question(example, words, regions, modalities[modality], step))
			}
			out.Trials = append(out.Trials, t)
			p.waiting = append(p.waiting, questions)
		}
	}
}

// modalities says which sides a trial removes from.
var modalities = map[string]*[2]bool{"text": {true, false}, "image": {false, true}, "joint": {true, true}}

// rank orders features: those first that are kept longest.
func rank(features []int, scores []float64, order string, random *rand.Rand) []int {
	ranked := slices.Clone(features)
	switch order {
	case "random":
		random.Shuffle(len(ranked), func(i, j int) { ranked[i], ranked[j] = ranked[j], ranked[i] })
	case "negative":
		slices.SortStableFunc(ranked, func(a, b int) int { return cmp.Compare(scores[b], scores[a]) })
	default:
		slices.SortStableFunc(ranked, func(a, b int) int { return cmp.Compare(scores[a], scores[b]) })
	}
	return ranked
}

// steps are the shares to remove.
func (p *perturber) steps(modality string, words, regions [][]int) []float64 {
	if !p.opt.EveryStep {
		return PublishedSteps()
	}
	most := 1
	for _, side := range [][][]int{words, regions} {
		if removes := modalities[modality]; &side[0] == &words[0] && !removes[0] || &side[0] == &regions[0] && !removes[1] {
			continue
		}
		for _, features := range side {
			most = max(most, len(features))
		}
	}
	steps := make([]float64, most+1)
	for i := range steps {
		steps[i] = float64(i) / float64(most)
	}
	return steps
}

// question returns the number of the question with a share removed from some sides (nil: from none).
func (p *perturber) question(example int, words, regions [][]int, removes *[2]bool, step float64) int {
	q := question{example: example}
	kept := func(ranked []int, removed bool) []int {
		n := len(ranked)
		if removed && p.opt.EveryStep {
			n = int(math.Round((1 - step) * float64(n)))
		} else if removed {
			n = Keep(step, n)
		}
		list := slices.Clone(ranked[:n])
		slices.Sort(list)
		return list
	}
	for g := range p.group {
		q.words = append(q.words, kept(words[g], removes != nil && removes[0]))
		q.regions = append(q.regions, kept(regions[g], removes != nil && removes[1]))
	}
	key := fmt.Sprint(q)
	if i, ok := p.known[key]; ok {
		return i
	}
	p.known[key] = len(p.asked)
	p.asked = append(p.asked, q)
	return len(p.asked) - 1
}

// ask runs the model on all questions and returns the logits of each.
func (p *perturber) ask(ctx context.Context) ([][]float32, lxmert.Provenance, error) {
	logits := make([][]float32, len(p.asked))
	var provenance lxmert.Provenance
	for _, chunk := range chunks(len(p.asked), max(1, p.opt.RowsPerRun/p.group)) {
		trace, err := p.eng.Run(ctx, p.batch(chunk), lxmert.Request{Want: lxmert.All(p.output), NoRegions: lxmert.AttendNothing})
		if err != nil {
			return nil, provenance, err
		}
		for j, c := range chunk {
			logits[c.index] = trace.Values[p.output].Row(j).Data
		}
		provenance = trace.Provenance
	}
	return logits, provenance, nil
}

// batch makes the rows of some questions. Texts are filled up with padding and regions masked, so that all runs have the
// same sizes and share a compiled graph.
func (p *perturber) batch(chunk []task) *lxmert.Batch {
	pad := p.eng.Config().Special.Pad
	t, v := p.b.T(), p.b.V()
	rows := len(chunk) * p.group
	out := &lxmert.Batch{Feats: lxmert.NewTensor(rows, v, p.b.Feats.Shape[2]), Boxes: lxmert.NewTensor(rows, v, p.b.Boxes.Shape[2])}
	for _, c := range chunk {
		q := p.asked[c.index]
		for g := range p.group {
			n, row := q.example*p.group+g, len(out.IDs)
			ids, mask := make([]int32, t), make([]float32, t)
			var segments []int32
			if p.b.Segments != nil {
				segments = make([]int32, t)
			}
			at := 0
			for _, i := range p.wordsOf(n, q.words[g]) {
				ids[at], mask[at] = p.b.IDs[n][i], 1
				if p.b.TextMask != nil {
					mask[at] = p.b.TextMask[n][i]
				}
				if segments != nil {
					segments[at] = p.b.Segments[n][i]
				}
				at++
			}
			for i := at; i < t; i++ {
				ids[i] = pad
			}
			there := make([]float32, v)
			for _, i := range q.regions[g] {
				there[i] = 1
				if p.b.RegionMask != nil {
					there[i] = p.b.RegionMask[n][i]
				}
			}
			out.IDs, out.TextMask, out.RegionMask = append(out.IDs, ids), append(out.TextMask, mask), append(out.RegionMask, there)
			if segments != nil {
				out.Segments = append(out.Segments, segments)
			}
			copy(out.Feats.Row(row).Data, p.b.Feats.Row(n).Data)
			copy(out.Boxes.Row(row).Data, p.b.Boxes.Row(n).Data)
		}
	}
	return out
}

// wordsOf are the kept words of a row with those that are never removed, in their order.
func (p *perturber) wordsOf(row int, kept []int) []int {
	inner := analysis.InnerWords(p.b, row)
	var words []int
	for _, i := range analysis.Present(analysis.ValidWords(p.b, row)) {
		if slices.Contains(kept, i) || !slices.Contains(inner, i) {
			words = append(words, i)
		}
	}
	return words
}

// measure fills in the trials' values.
func (p *perturber) measure(out *Perturbation, logits [][]float32) {
	for i := range out.Trials {
		t := &out.Trials[i]
		answer := best(logits[p.whole[t.Example]])
		for _, q := range p.waiting[i] {
			t.Probability = append(t.Probability, share(logits[q], answer))
			if p.opt.Labels != nil {
				t.Accuracy = append(t.Accuracy, p.opt.Labels[t.Example][best(logits[q])])
			}
		}
	}
}

// best is the index of the largest logit, of equal ones the lowest.
func best(logits []float32) int {
	at := 0
	for i, x := range logits {
		if x > logits[at] {
			at = i
		}
	}
	return at
}

// share is the probability of a class.
func share(logits []float32, class int) float64 {
	sum := 0.0
	for _, x := range logits {
		sum += math.Exp(float64(x) - float64(logits[class]))
	}
	return 1 / sum
}
