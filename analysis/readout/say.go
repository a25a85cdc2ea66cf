package readout

import (
	"context"
	"fmt"
	"math"
	"slices"

	"github.com/seed-516990b0/golxmert/lxmert"
)

// Place is where a head is read, what the model saw there, and what is there.
type Place struct {
	Head string // "out.mlm", "out.match", "out.obj", "out.attr", "out.feat", "out.qa" or "out.task"
	At   int    // position of the word, or region; -1: the head is about sentence and picture as wholes
	// Masked: the word or the region was hidden from the model. Picture: regions were there to be attended to.
	Masked, Picture bool
	Truth           int // the class that is there; of out.feat the region itself; -1: not known
}

// Ask is one reading that is wanted of a batch.
type Ask struct {
	Place
	Row int // of the batch
	// Among are the features of the picture's regions, [V,F], as they are where nothing is hidden. Of out.feat only.
	Among lxmert.Tensor
	// There says which of these are not padding, [V]; nil: all.
	There []bool
	Keep  bool // the logits too
}

// Guess is one class, or of out.feat one region, that a head takes for what is there.
type Guess struct {
	Class       int
	Probability float64 // NaN of out.feat
	Distance    float64 // of out.feat: Euclidean, between the guessed feature and that of the region; else NaN
}

// Saying is what a head says at a place.
type Saying struct {
	Place
	Rank int     // of the truth among all classes, 1 for the most probable; of out.feat among regions by distance; 0: not known
	Bits float64 // -log2 of the truth's probability; NaN: not known, and of out.feat
	Top  []Guess // the most probable classes, or the nearest regions
	// Loss is what pre-training calls the error at this place: -ln of the truth's probability, nats; of out.feat the smooth L1
	// distance, the mean over its numbers. NaN: not known.
	Loss float64
	// Logits are those of all classes, where they were to be kept; of out.feat nil.
	Logits []float32
	// Cosine is that of the angle between the guessed feature and the hidden one, -1 to 1; NaN of other heads.
	Cosine float64
}

// Probability is that of the truth; NaN: not known.
func (s Saying) Probability() float64 { return math.Exp2(-s.Bits) }

// Best is the first guess.
func (s Saying) Best() Guess { return s.Top[0] }

// Right says whether the truth is the first guess.
func (s Saying) Right() bool { return s.Rank == 1 }

// Say reads heads at places of a batch, in one run, and keeps so many guesses of each. The batch is taken as it is: whoever
// hides something does it before. A head that the model lacks and a place that the batch does not have are errors.
func Say(ctx context.Context, eng lxmert.Engine, b *lxmert.Batch, asks []Ask, top int) ([]Saying, lxmert.Provenance, error) {
	cfg := eng.Config()
	if len(asks) == 0 {
		return nil, lxmert.Provenance{}, fmt.Errorf("nothing is asked of the heads")
	}
	plan, err := newPlan(cfg, b, asks)
	if err != nil {
		return nil, lxmert.Provenance{}, err
	}
	trace, err := eng.Run(ctx, b, lxmert.Request{Want: plan.reads, NoRegions: b.NoRegions()})
	if err != nil {
		return nil, lxmert.Provenance{}, err
	}
	out := make([]Saying, len(asks))
	for i, a := range asks {
		x := trace.Values[a.Head].Row(a.Row)
		if a.At >= 0 {
			x = x.Row(plan.column[i])
		}
		if out[i], err = read(cfg, a, x.Data, top); err != nil {
			return nil, trace.Provenance, fmt.Errorf("%s: %s: %w", trace.Provenance.Weights, a.Head, err)
		}
	}
	return out, trace.Provenance, nil
}

// plan is what to read of a batch.
type plan struct {
	reads  []lxmert.Read
	column []int // of each ask among the positions of its row
}

// positional are the heads that are read at words or regions.
var positional = []string{"out.mlm", "out.obj", "out.attr", "out.feat"}

func newPlan(cfg lxmert.Config, b *lxmert.Batch, asks []Ask) (plan, error) {
	p := plan{column: make([]int, len(asks))}
	at := map[string][][]int{} // of each head, the positions of each row
	for i, a := range asks {
		classes := cfg.ClassCount(a.Head)
		places, on := -1, "sentence and picture as wholes"
		switch {
		case a.Head == "out.mlm":
			places, on = b.T(), "words"
		case slices.Contains(positional, a.Head):
			places, on = b.V(), "regions"
		}
		switch {
		case classes == 0 || a.Head == "out.pooled":
			return p, fmt.Errorf("the model has no head %s; it has %s", a.Head, cfg.Predictions())
		case cfg.Rows(a.Head) == lxmert.TaskRows:
			return p, fmt.Errorf("%s is about two pictures, and heads are read of one: ask this model questions instead", a.Head)
		case a.Row < 0 || a.Row >= b.Rows():
			return p, fmt.Errorf("%s of row %d, the batch has %d", a.Head, a.Row, b.Rows())
		case places >= 0 && (a.At < 0 || a.At >= places), places < 0 && a.At != -1:
			return p, fmt.Errorf("%s at place %d of row %d: it is about %s, of which there are %d", a.Head, a.At, a.Row, on, max(places, 0))
		case a.Head == "out.feat" && (len(a.Among.Shape) != 2 || a.Among.Shape[1] != classes || a.Truth >= a.Among.Shape[0]):
			return p, fmt.Errorf("%s of row %d is compared with features of shape %v, must be [regions,%d]", a.Head, a.Row, a.Among.Shape, classes)
		case a.Head != "out.feat" && a.Truth >= classes:
			return p, fmt.Errorf("class %d of %s, which has %d", a.Truth, a.Head, classes)
		}
		if at[a.Head] == nil {
			at[a.Head] = make([][]int, b.Rows())
			p.reads = append(p.reads, lxmert.Read{Name: a.Head})
		}
		if a.At >= 0 {
			row := &at[a.Head][a.Row]
			p.column[i] = slices.Index(*row, a.At)
			if p.column[i] < 0 {
				p.column[i] = len(*row)
				*row = append(*row, a.At)
			}
		}
	}
	for i := range p.reads {
		read := &p.reads[i]
		if !slices.Contains(positional, read.Name) {
			continue
		}
		read.Positions = at[read.Name]
		most := 0
		for _, row := range read.Positions {
			most = max(most, len(row))
		}
		for n := range read.Positions { // all rows alike in number
			for len(read.Positions[n]) < most {
				read.Positions[n] = append(read.Positions[n], 0)
			}
		}
	}
	return p, nil
}

// read makes a saying of a head's numbers at a place.
func read(cfg lxmert.Config, a Ask, x []float32, top int) (Saying, error) {
	for i, v := range x {
		if v-v != 0 {
			return Saying{}, fmt.Errorf("value %d is %g: the weights are damaged, or their training diverged", i, v)
		}
	}
	s := Saying{Place: a.Place, Bits: math.NaN(), Loss: math.NaN(), Cosine: math.NaN()}
	if a.Head == "out.feat" {
		s.feature(a, x, top)
		return s, nil
	}
	if a.Head == "out.match" {
		top = max(top, 2) // both classes: who asks how well it matches asks about one of them
	}
	kind := lxmert.Softmax
	if head, err := cfg.AnswerHead(); err == nil && head.Output == a.Head {
		kind = head.Kind
	}
	if a.Keep {
		s.Logits = x
	}
	values := lxmert.LogProbabilities(kind, x)
	for _, k := range lxmert.LargestOf(values, top) {
		s.Top = append(s.Top, Guess{Class: k, Probability: math.Exp(values[k]), Distance: math.NaN()})
	}
	if a.Truth >= 0 {
		s.Rank, s.Loss, s.Bits = lxmert.RankOf(values, a.Truth), -values[a.Truth], -values[a.Truth]/math.Ln2
	}
	return s, nil
}

// feature compares a guessed feature with those of the picture's regions.
func (s *Saying) feature(a Ask, guessed []float32, top int) {
	near := make([]float64, a.Among.Shape[0]) // minus the distance; padding is farthest
	for v := range near {
		near[v] = math.Inf(-1)
		if a.There == nil || a.There[v] {
			near[v] = -distance(guessed, a.Among.Row(v).Data)
		}
	}
	for _, v := range lxmert.LargestOf(near, top) {
		if !math.IsInf(near[v], -1) {
			s.Top = append(s.Top, Guess{Class: v, Probability: math.NaN(), Distance: -near[v]})
		}
	}
	if a.Truth >= 0 {
		there := a.Among.Row(a.Truth).Data
		s.Rank, s.Loss, s.Cosine = lxmert.RankOf(near, a.Truth), SmoothL1(guessed, there), cosine(guessed, there)
	}
}

// SmoothL1 is the loss of feature regression: the mean over the numbers of d²/2 where they are less than 1 apart and |d| - 1/2
// where they are farther.
func SmoothL1(guessed, there []float32) float64 {
	sum := 0.0
	for i, x := range guessed {
		d := math.Abs(float64(x) - float64(there[i]))
		if d < 1 {
			sum += d * d / 2
		} else {
			sum += d - 0.5
		}
	}
	return sum / float64(len(guessed))
}

func distance(x, y []float32) float64 {
	sum := 0.0
	for i := range x {
		d := float64(x[i]) - float64(y[i])
		sum += d * d
	}
	return math.Sqrt(sum)
}

// cosine is 0 where one of the two is zero.
func cosine(x, y []float32) float64 {
	xy, xx, yy := 0.0, 0.0, 0.0
	for i := range x {
		a, b := float64(x[i]), float64(y[i])
		xy, xx, yy = xy+a*b, xx+a*a, yy+b*b
	}
	if xx == 0 || yy == 0 {
		return 0
	}
	return xy / math.Sqrt(xx*yy)
}
