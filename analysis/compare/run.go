package compare

import (
	"cmp"
	"context"
	"errors"
	"fmt"
	"iter"
	"math"
	"slices"
	"sync"
	"time"

	"github.com/seed-516990b0/golxmert/analysis"
	"github.com/seed-516990b0/golxmert/analysis/attention"
	"github.com/seed-516990b0/golxmert/analysis/probe"
	"github.com/seed-516990b0/golxmert/analysis/relevance"
	"github.com/seed-516990b0/golxmert/lxmert"
)

// Asked is some questions and the input that both models get of them: question i is row i, or of heads about two pictures rows 2i and
// 2i+1, each row with a text and a picture of its own; see analysis.Separate.
type Asked struct {
	Batch     *lxmert.Batch
	Questions []lxmert.Question
	IDs       []string // of the questions; nil: they are counted
	// Right says of each question how much each answer counts, 0 to 1; nil of a question of which that is not known.
	Right []map[string]float64
}

// Options are settings of [Run]. The zero value is good.
type Options struct {
	Method string // by which relevance is compared and answers are explained, see relevance.Methods; "": "relevance"
	Show   int    // how many questions are explained in both models; 0: 10, negative: none
	Maps   bool   // explanations carry all attention maps, to be looked at in pages
	Seed   uint64 // of the intervals
	// Weights of both models, to say how far these have moved; nil: that is not said.
	Weights [2]Weights
	// Saved is a file that keeps what was found of the questions so far, so that the same call goes on with those that are left, to the same
	// result; "": there is none. It is written every half minute, or as often as SaveEvery says, and when ctx or an error ends the comparison.
	// Errors about one that does not fit wrap [ErrSaved]. It stays when the comparison is done.
	Saved     string
	SaveEvery time.Duration
	// Progress is called with the number of questions that are done.
	Progress func(done int)
}

// Run asks two models the same questions. Memory grows by a line for each question, and by the input of those that are explained.
func Run(ctx context.Context, a, b Model, questions iter.Seq2[Asked, error], opt Options) (*Comparison, error) {
	if err := check(a, b); err != nil {
		return nil, err
	}
	method, err := relevance.Find(cmp.Or(opt.Method, "relevance"))
	if err != nil {
		return nil, err
	}
	opt.Show = cmp.Or(opt.Show, 10)
	r := &runner{opt: opt, method: method, models: [2]Model{a, b}, cfg: [2]lxmert.Config{a.Engine.Config(), b.Engine.Config()}}
	r.out = &Comparison{Names: [2]string{a.Name, b.Name}, Method: method.Name, seed: opt.Seed, heads: map[string][]analysis.Running{}}
	if err := r.prepare(); err != nil {
		return nil, err
	}
	if err := r.restore(); err != nil {
		return nil, err
	}
	for asked, err := range questions {
		switch {
		case err != nil:
		case r.skipped < r.done:
			err = r.skip(sync.OnceValues(func() ([2]*lxmert.Trace, error) { return r.ask(ctx, asked) }), asked)
		default:
			if err = r.add(ctx, asked); err == nil {
				if err := r.save(false); err != nil {
					return nil, err
				}
			}
		}
		if err != nil {
			return nil, r.stopped(err)
		}
		if opt.Progress != nil {
			opt.Progress(max(r.skipped, len(r.out.Questions)))
		}
	}
	if r.skipped < r.done {
		return nil, r.unfit("it has %d questions, and there are %d", r.done, r.skipped)
	}
	if err := r.save(true); err != nil {
		return nil, err
	}
	if len(r.out.Questions) == 0 {
		return nil, errors.New("there are no questions to ask the two models")
	}
	for stream, into := range map[analysis.Stream]**analysis.Matrix{analysis.WordStream: &r.out.Words, analysis.RegionStream: &r.out.Regions} {
		if m, err := r.levels.Matrix(stream); err == nil {
			*into = &m
		}
	}
	if err := r.explain(ctx); err != nil {
		return nil, err
	}
	if opt.Weights[0] != nil && opt.Weights[1] != nil {
		r.out.Moved, err = Distances(ctx, r.cfg[0], r.cfg[1], opt.Weights[0], opt.Weights[1])
	}
	return r.out, err
}

// runner is a comparison under way.
type runner struct {
	opt    Options
	method relevance.NamedMethod
	models [2]Model
	cfg    [2]lxmert.Config
	same   []int    // of each answer of the first model, that of the second; nil: answers are not compared
	maps   []string // that are compared
	want   [2][]string
	levels *probe.ModelAligner
	pairs  []candidate // the questions that are worth to be explained, the first the most
	out    *Comparison

	done, skipped int       // questions that were asked before this run, and how many of these are past
	adding        bool      // some of what a batch gives is added and some is not
	kept          time.Time // when the state was saved
}

// stopped saves what there is when an error, such as that of an interrupt, ends the comparison.
func (r *runner) stopped(err error) error {
	if r.adding || r.skipped < r.done || len(r.out.Questions) == r.done {
		return err
	}
	if saving := r.save(true); saving != nil {
		return fmt.Errorf("what was found so far could not be saved: %w (after: %v)", saving, err) // an interrupt, too, would hide it
	}
	return err
}

// candidate is a question that may be explained.
type candidate struct {
	at      int // among all questions
	answers [2]*lxmert.Answer
}

// prepare finds what the models have in common.
func (r *runner) prepare() (err error) {
	if r.same, err = sameAnswers(r.models[0].Head, r.models[1].Head); err != nil {
		r.out.note(fmt.Sprintf("Answers and relevance are not compared: %v.", err))
	} else if left := len(r.same) - len(slices.DeleteFunc(slices.Clone(r.same), func(k int) bool { return k < 0 })); left > 0 {
		r.out.note(fmt.Sprintf("%d of the %d answers of %s are none of %s's.", left, len(r.same), r.models[0].Name, r.models[1].Name))
	}
	if a, b := r.models[0].Head.Kind, r.models[1].Head.Kind; r.same != nil && a != b {
		r.out.note(fmt.Sprintf("Probabilities of %s are those of a %s, of %s of a %s: they are not of one kind.", r.models[0].Name, a, r.models[1].Name, b))
	}
	var note string
	r.maps, note = sameMaps(r.cfg[0], r.cfg[1])
	r.out.note(note)
	r.out.Maps = r.maps
	r.levels = probe.NewModelAligner(r.cfg[0], r.cfg[1])
	for i, m := range r.models {
		r.want[i] = append(slices.Clone(r.maps), "hid.t.*", "hid.i.*")
		if r.same != nil {
			r.want[i] = append(r.want[i], m.Head.Output)
		}
	}
	return nil
}

// add asks both models some questions.
func (r *runner) add(ctx context.Context, x Asked) error {
	if x.Batch.Pairs != nil {
		return errors.New("compare: rows share texts or pictures; analysis.Separate parts them")
	}
	first := len(r.out.Questions)
	traces, err := r.ask(ctx, x)
	if err != nil {
		return err
	}
	var answers [2][]*lxmert.Answer
	var scores [2][]analysis.Scores
	if r.same != nil {
		for i, m := range r.models {
			if answers[i], err = m.Head.Read(x.Questions, x.Batch, traces[i]); err != nil {
				return fmt.Errorf("%s: %w", m.Name, err)
			}
		}
		if scores, err = r.explained(ctx, x.Batch, answers[0]); err != nil {
			return err
		}
	}
	r.adding = true // what may be cut off is done
	if r.out.features == "" {
		r.out.features = source(x)
	}
	rows := x.Batch.Rows() / max(1, len(x.Questions))
	for i, q := range x.Questions {
		c := Changed{Question: q, Spearman: undefined(), Divergence: math.NaN(), Probability: [2][2]float64{{math.NaN(), math.NaN()}, {math.NaN(), math.NaN()}}, Right: [2]float64{math.NaN(), math.NaN()}}
		if i < len(x.IDs) {
			c.ID = x.IDs[i]
		}
		r.out.Questions = append(r.out.Questions, c)
	}
	if err := r.attention(first, rows, traces); err != nil {
		return err
	}
	if err := r.levels.Add(probe.StatesOf(r.cfg[0], traces[0]), probe.StatesOf(r.cfg[1], traces[1])); err != nil {
		return err
	}
	for i := range answers[0] {
		r.answered(&r.out.Questions[first+i], answers[0][i], answers[1][i])
		copy(r.out.Questions[first+i].Right[:], r.right(x, i, r.out.Questions[first+i].Answers))
		r.consider(candidate{first + i, [2]*lxmert.Answer{answers[0][i], answers[1][i]}})
	}
	r.relevance(first, rows, answers[0], scores)
	r.adding = false
	return nil
}

// ask runs both models. They must be those of the questions before.
func (r *runner) ask(ctx context.Context, x Asked) (traces [2]*lxmert.Trace, err error) {
	for i, m := range r.models {
		t, err := m.Engine.Run(ctx, x.Batch, lxmert.Request{Want: lxmert.All(r.want[i]...), NoRegions: x.Batch.NoRegions()})
		if err != nil {
			return traces, fmt.Errorf("%s: %w", m.Name, err)
		}
		switch before := r.out.from[i]; {
		case r.done == 0:
		case before.Hash != t.Provenance.Hash:
			return traces, r.unfit("%s was another model, of %s", m.Name, before.Weights)
		case before.DType != t.Provenance.DType:
			return traces, r.unfit("%s was computed in %s, and is in %s", m.Name, before.DType, t.Provenance.DType)
		}
		traces[i] = t
		r.out.from[i] = t.Provenance
	}
	return traces, nil
}

// source is the file that the regions of a batch are from; "" where that is not known.
func source(x Asked) string {
	if len(x.Batch.Images) == 0 {
		return ""
	}
	return x.Batch.Images[0].Source
}

// right is how much both answers to a question count; NaN where that is not known.
func (r *runner) right(x Asked, question int, answers [2]string) []float64 {
	if r.same == nil || question >= len(x.Right) || x.Right[question] == nil {
		return []float64{math.NaN(), math.NaN()}
	}
	return []float64{x.Right[question][answers[0]], x.Right[question][answers[1]]}
}

// attention compares the rows of all heads.
func (r *runner) attention(first, rows int, traces [2]*lxmert.Trace) error {
	a, b := attention.From(r.cfg[0], traces[0]), attention.From(r.cfg[1], traces[1])
	for row := range traces[0].Batch.Rows() {
		at := first + row/rows
		var all []float64
		for _, name := range r.maps {
			d, err := a.Between(b, name, row)
			if err != nil {
				return err
			}
			if r.out.heads[name] == nil {
				r.out.heads[name] = make([]analysis.Running, len(d))
			}
			for h, x := range d {
				r.out.heads[name][h].Add(at, x)
			}
			all = append(all, d...)
		}
		if row%rows == 0 && len(all) > 0 { // of two pictures the first stands for the question
			r.out.Questions[at].Divergence = analysis.Mean(all)
		}
	}
	return nil
}

// answered compares the answers to a question.
func (r *runner) answered(c *Changed, a, b *lxmert.Answer) {
	best := [2]lxmert.Ranked{a.Best(), b.Best()}
	c.Answers = [2]string{best[0].Text, best[1].Text}
	c.Probability[0] = [2]float64{best[0].Probability, r.probability(b, r.same[best[0].Class])}
	c.Probability[1] = [2]float64{r.probability(a, slices.Index(r.same, best[1].Class)), best[1].Probability}
	c.Changed = r.same[best[0].Class] != best[1].Class
}

// probability is that of a class of an answer's head; NaN of one that it does not have.
func (r *runner) probability(a *lxmert.Answer, class int) float64 {
	at := slices.IndexFunc(a.Ranked, func(x lxmert.Ranked) bool { return x.Class == class })
	if at < 0 {
		return math.NaN()
	}
	return a.Ranked[at].Probability
}

// explained are what carried the first model's answers, in both models.
func (r *runner) explained(ctx context.Context, b *lxmert.Batch, answers []*lxmert.Answer) (scores [2][]analysis.Scores, err error) {
	var classes [2][]int
	for _, a := range answers {
		class := a.Best().Class
		// A question whose answer the other model does not have is asked about some other answer, and what comes out left out.
		classes[0], classes[1] = append(classes[0], class), append(classes[1], max(0, r.same[class]))
	}
	for i, m := range r.models {
		if scores[i], err = r.method.Run(ctx, m.Engine, b, analysis.Answer(classes[i]...)); err != nil {
			return scores, fmt.Errorf("%s: %s: %w", m.Name, r.method.Name, err)
		}
	}
	return scores, nil
}

// relevance compares what carried the first model's answers.
func (r *runner) relevance(first, rows int, answers []*lxmert.Answer, scores [2][]analysis.Scores) {
	for i, a := range answers {
		if r.same[a.Best().Class] < 0 {
			continue
		}
		var words, regions, both []float64
		for row := i * rows; row < (i+1)*rows; row++ {
			one := Agreement(scores[0][row], scores[1][row])
			words, regions, both = append(words, one[0]), append(regions, one[1]), append(both, one[2])
		}
		r.out.Questions[first+i].Spearman = [3]float64{analysis.Mean(words), analysis.Mean(regions), analysis.Mean(both)}
	}
}

// undefined are rank correlations that are not known.
func undefined() [3]float64 { return [3]float64{math.NaN(), math.NaN(), math.NaN()} }

// Agreement are the rank correlations (Spearman, -1 to 1) of two explanations of one input: over words without [CLS], [SEP] and padding,
// over regions, and over the words and then the regions as one list. NaN where one list is constant, or has less than two entries.
func Agreement(a, b analysis.Scores) [3]float64 {
	out := undefined()
	lists := [3][2][]float64{{a.Inner(), b.Inner()}, {a.Unmasked(), b.Unmasked()}}
	for k := range 2 {
		lists[2][k] = slices.Concat(lists[0][k], lists[1][k])
	}
	for i, list := range lists {
		if len(list[0]) == len(list[1]) {
			out[i] = relevance.Spearman(list[0], list[1])
		}
	}
	return out
}
