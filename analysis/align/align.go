package align

import (
	"cmp"
	"context"
	"errors"
	"fmt"
	"math"
	"slices"

	"gonum.org/v1/gonum/mat"

	"github.com/seed-516990b0/golxmert/analysis"
	"github.com/seed-516990b0/golxmert/analysis/probe"
	"github.com/seed-516990b0/golxmert/lxmert"
)

// Spaces are the states of both streams at the levels that are compared, of all examples that were added.
type Spaces struct {
	analysis.Meta
	eng    lxmert.Engine
	levels map[string]*level // by name, such as hid.t.3
}

// level is what is kept of the states of one level.
type level struct {
	sum     []float64   // of the states that are not padding, each at length 1
	n       int         // how many these are
	singles [][]float64 // the first of them, as they are; of levels of [Pairs] only
	pooled  [][]float64 // one row for each example: [CLS], or the mean over regions
}

// mostSingles bounds the single states that are kept of each level, for [Spaces.Separate].
const mostSingles = 2000

// New begins without any example.
func New(eng lxmert.Engine) *Spaces {
	s := &Spaces{eng: eng, levels: map[string]*level{}}
	for _, stream := range []analysis.Stream{analysis.WordStream, analysis.RegionStream} {
		for _, name := range analysis.Levels(eng.Config(), stream) {
			s.levels[name] = &level{sum: make([]float64, eng.Config().Hidden)}
		}
	}
	return s
}

// Read are the states of a single batch.
func Read(ctx context.Context, eng lxmert.Engine, b *lxmert.Batch) (*Spaces, error) {
	return Gather(ctx, eng, probe.One(b, nil), nil)
}

// Gather reads the states of a data set. progress, if there is one, is told how many examples were read.
func Gather(ctx context.Context, eng lxmert.Engine, batches probe.Batches, progress func(done int)) (*Spaces, error) {
	s := New(eng)
	for b, err := range batches {
		if err != nil {
			return nil, err
		}
		if err := s.Add(ctx, b); err != nil {
			return nil, err
		}
		if progress != nil {
			progress(s.N)
		}
	}
	if s.N == 0 {
		return nil, errors.New("there are no examples whose words and regions could be compared")
	}
	return s, nil
}

// Add reads the states of another batch. Of each example only the pooled states stay in memory, 26 rows in the published
// model, and of the first words and regions their own.
func (s *Spaces) Add(ctx context.Context, b *lxmert.Batch) error {
	b = analysis.Separate(b)
	states, err := probe.ReadStates(ctx, s.eng, b)
	if err != nil {
		return err
	}
	s.Model, s.N = states.From, s.N+b.Rows()
	if s.Features == "" && len(b.Images) > 0 {
		s.Features = b.Images[0].Source
	}
	paired := map[string]bool{}
	for _, p := range Pairs(s.eng.Config()) {
		paired[words(p[0])], paired[regions(p[1])] = true, true
	}
	for stream, valid := range map[analysis.Stream]func(*lxmert.Batch, int) []bool{analysis.WordStream: analysis.ValidWords, analysis.RegionStream: analysis.ValidRegions} {
		for _, name := range analysis.Levels(s.eng.Config(), stream) {
			l, means := s.levels[name], states.Means(name)
			for n := range b.Rows() {
				for at, there := range valid(b, n) {
					if there {
						l.add(states.Of(name, n).Row(at).Float64s(), paired[name])
					}
				}
				if stream == analysis.RegionStream {
					l.pooled = append(l.pooled, mat.Row(nil, n, means))
				} else {
					l.pooled = append(l.pooled, states.Of(name, n).Row(0).Float64s())
				}
			}
		}
	}
	return nil
}

// add takes a state in.
func (l *level) add(x []float64, keep bool) {
	l.n++
	size := length(x)
	for i, v := range x {
		l.sum[i] += v / size
	}
	if keep && len(l.singles) < mostSingles {
		l.singles = append(l.singles, x)
	}
}

// Pairs are the levels of words and of regions that are compared: embeddings, tops of the towers, cross layers.
func Pairs(cfg lxmert.Config) [][2]int {
	pairs := [][2]int{{0, 0}}
	for k := range cfg.CrossLayers + 1 {
		pairs = append(pairs, [2]int{cfg.LangLayers + k, cfg.RegionLayers + k})
	}
	return pairs
}

// words and regions are the names of levels.
func words(k int) string   { return fmt.Sprintf("hid.t.%d", k) }
func regions(k int) string { return fmt.Sprintf("hid.i.%d", k) }

// Gap is the modality gap at each of [Pairs] (Liang et al., "Mind the gap", 2022): the distance between the mean direction
// of the words and that of the regions, 0 to 2. Pooled it is that of [CLS] and of the means over regions. It is NaN where
// there are no words, or no regions.
func (s *Spaces) Gap() (single, pooled []float64) {
	for _, p := range Pairs(s.eng.Config()) {
		x, y := s.levels[words(p[0])], s.levels[regions(p[1])]
		single = append(single, apart(x.sum, y.sum, float64(x.n), float64(y.n)))
		pooled = append(pooled, apart(directions(x.pooled), directions(y.pooled), float64(s.N), float64(s.N)))
	}
	return single, pooled
}

// apart is the distance between two means, of which there are the sums.
func apart(x, y []float64, n, m float64) float64 {
	between := make([]float64, len(x))
	for i := range x {
		between[i] = x[i]/n - y[i]/m
	}
	return length(between)
}

// directions is the sum of rows, each at length 1.
func directions(rows [][]float64) []float64 {
	var l level
	l.sum = make([]float64, len(rows[0]))
	for _, row := range rows {
		l.add(row, false)
	}
	return l.sum
}

func length(x []float64) float64 { return math.Sqrt(dot(x, x)) }

func dot(x, y []float64) float64 {
	sum := 0.0
	for i := range x {
		sum += x[i] * y[i]
	}
	return sum
}

// Separator is a line between words and regions at one of [Pairs]: the states w x + b > 0 are called regions.
type Separator struct {
	Weights []float64
	Bias    float64
	// Right is the share of the states, all of which it was fitted to, that are on their side. With more columns than states
	// a line always does; see how it falls as c does.
	Right float64
}

// Separate fits a logistic regression between words and regions at each of [Pairs]: the minimum of 1/2 |w|² + c Σ loss. Of
// many examples it takes the first 2000 words and as many regions.
func (s *Spaces) Separate(c float64) ([]Separator, error) {
	var out []Separator
	for _, p := range Pairs(s.eng.Config()) {
		left, right := s.levels[words(p[0])].singles, s.levels[regions(p[1])].singles
		rows := slices.Concat(left, right)
		if len(left) == 0 || len(right) == 0 {
			return nil, fmt.Errorf("there are %d words and %d regions: a line parts some of each", len(left), len(right))
		}
		x, y := mat.NewDense(len(rows), len(rows[0]), slices.Concat(rows...)), make([]bool, len(rows))
		for i := range right {
			y[len(left)+i] = true
		}
		w, b, err := probe.Binary(x, y, c)
		if err != nil {
			return nil, fmt.Errorf("levels %s and %s: %w", words(p[0]), regions(p[1]), err)
		}
		line := Separator{Weights: w, Bias: b}
		for i, row := range rows {
			if (dot(row, w)+b > 0) == y[i] {
				line.Right += 1 / float64(len(rows))
			}
		}
		out = append(out, line)
	}
	return out, nil
}

// Neighbours is the mutual alignment of k nearest neighbours (Huh et al., "The platonic representation hypothesis", 2024):
// the share of an example's k nearest by its [CLS], at a level of words, that are among its k nearest by the mean of its
// regions, at a level of regions; the mean over examples. [word levels 1 …][region levels 0 …]: at level 0 [CLS] is the same
// in every example. Nearest is by cosine, of equals the first. Chance is k / (examples - 1).
func (s *Spaces) Neighbours(k int) ([][]float64, error) {
	if n := s.N; k < 1 || k > n-1 {
		return nil, fmt.Errorf("%d nearest neighbours among %d examples: give 1 to %d", k, n, n-1)
	}
	near := func(rows [][]float64) [][]int { return nearest(rows, k) }
	return compared(s, near, func(a, b [][]int) float64 {
		sum := 0.0
		for i := range a {
			for _, j := range a[i] {
				if slices.Contains(b[i], j) {
					sum++
				}
			}
		}
		return sum / float64(k*len(a))
	}), nil
}

// nearest lists the k nearest other rows of each row.
func nearest(rows [][]float64, k int) [][]int {
	out, lengths := make([][]int, len(rows)), make([]float64, len(rows))
	for i, x := range rows {
		lengths[i] = length(x)
	}
	for i, x := range rows {
		var others []int
		cosine := make([]float64, len(rows))
		for j, y := range rows {
			if j != i {
				others = append(others, j)
				cosine[j] = dot(x, y) / lengths[i] / lengths[j]
			}
		}
		slices.SortStableFunc(others, func(a, b int) int { return cmp.Compare(cosine[b], cosine[a]) })
		out[i] = others[:k]
	}
	return out
}

// CKA is the linear centred kernel alignment of the same levels, debiased (which may be negative) or not.
func (s *Spaces) CKA(debiased bool) [][]float64 {
	kernel := probe.LinearKernel
	if debiased {
		kernel = probe.DebiasedKernel
	}
	return compared(s, func(rows [][]float64) probe.Kernel {
		return kernel(mat.NewDense(len(rows), len(rows[0]), slices.Concat(rows...)))
	}, probe.Kernel.CKA)
}

// compared compares every level of words but the first with every level of regions, by what is made of each level's rows once.
func compared[T any](s *Spaces, of func(rows [][]float64) T, compare func(sentences, pictures T) float64) (out [][]float64) {
	cfg := s.eng.Config()
	var pictures []T
	for v := range cfg.RegionLayers + cfg.CrossLayers + 1 {
		pictures = append(pictures, of(s.levels[regions(v)].pooled))
	}
	for t := range cfg.LangLayers + cfg.CrossLayers {
		sentences := of(s.levels[words(t+1)].pooled)
		var line []float64
		for _, p := range pictures {
			line = append(line, compare(sentences, p))
		}
		out = append(out, line)
	}
	return out
}
