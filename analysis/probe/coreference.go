package probe

import (
	"context"
	"errors"
	"fmt"
	"math"
	"math/rand/v2"

	"gonum.org/v1/gonum/floats"
	"gonum.org/v1/gonum/mat"

	"github.com/seed-516990b0/golxmert/analysis"
	"github.com/seed-516990b0/golxmert/lxmert"
)

// mention is a word, and the only region of its picture whose object it names.
type mention struct {
	picture  string
	gold     int         // which of the rows
	features [][]float64 // of each valid region: what heads give it, and get from it
	valid    int
}

// Coreference asks whether cross-attention knows which region a word means: for words that name the object of exactly one
// region of their picture, how often that region is the first of all, after VALUE (Cao et al. 2020). A word and a region are
// described by the attention of the word to the region and of the region to the word, in every head of every
// cross-modality layer: 2 x layers x heads numbers. The table has a logistic regression of these, fitted to pictures that do
// not count; the single head that is best there; and chance.
func Coreference(ctx context.Context, eng lxmert.Engine, batches Batches, seed uint64, progress func(done int)) (analysis.Table, error) {
	cfg := eng.Config()
	if cfg.CrossLayers == 0 {
		return analysis.Table{}, errors.New("the model has no cross-modality layers, whose attention tells which region a word means")
	}
	var all []mention
	meta := analysis.Meta{Seed: seed, Level: level95, Unit: "share"}
	rows := 0
	err := each(batches, progress, func(b *lxmert.Batch) error {
		found, from, err := mentions(ctx, eng, b, rows)
		all, rows, meta.Model = append(all, found...), rows+b.Rows(), from
		if meta.Features == "" && len(b.Images) > 0 {
			meta.Features = b.Images[0].Source
		}
		return err
	})
	if err != nil {
		return analysis.Table{}, err
	}
	train, test := partMentions(all, drawFor(seed, "coreference"))
	if len(train) == 0 || len(test) == 0 {
		return analysis.Table{}, fmt.Errorf("%d words name the object of exactly one region, in too few pictures to part them: regions need the names that the detector gives them (a file of objects), and questions must name these", len(all))
	}
	meta.Method, meta.N = "which region a word means", len(test)
	meta.Params = map[string]string{"words": fmt.Sprintf("%d of the training part, %d of the test part", len(train), len(test))}
	t := analysis.Table{Meta: meta, Columns: []string{"by", "right", "low", "high", "words"}}
	add := func(name string, hits []float64) {
		low, high := mentionInterval(hits, test, seed)
		t.Rows = append(t.Rows, []any{name, analysis.Mean(hits), low, high, len(test)})
	}
	probe, err := probeOf(train)
	if err != nil {
		return analysis.Table{}, err
	}
	add("probe of all heads", hitsOf(test, probe))
	names := headNames(cfg)
	best, most := 0, -1.0
	for k := range names {
		if share := analysis.Mean(hitsOf(train, func(f []float64) float64 { return f[k] })); share > most {
			best, most = k, share
		}
	}
	add("best head, "+names[best], hitsOf(test, func(f []float64) float64 { return f[best] }))
	chance := make([]float64, len(test))
	for i, m := range test {
		chance[i] = 1 / float64(m.valid)
	}
	add("chance", chance)
	return t, nil
}

// headNames are the features of a word and a region.
func headNames(cfg lxmert.Config) []string {
	var names []string
	for k := range cfg.CrossLayers {
		for _, way := range []string{"ti", "it"} {
			for h := range cfg.Heads {
				names = append(names, fmt.Sprintf("x.%d.%s head %d", k, way, h))
			}
		}
	}
	return names
}

// mentions are those of a batch; row numbers begin with first.
func mentions(ctx context.Context, eng lxmert.Engine, b *lxmert.Batch, first int) ([]mention, lxmert.Provenance, error) {
	cfg := eng.Config()
	trace, err := eng.Run(ctx, b, lxmert.Request{Want: lxmert.All("x.*.ti", "x.*.it")})
	if err != nil {
		return nil, lxmert.Provenance{}, err
	}
	var out []mention
	for row := range b.Rows() {
		picture, _ := pictureOf(b, row, first)
		valid := analysis.ValidRegions(b, row)
		for _, w := range Namings(b, row) {
			m := mention{picture: picture}
			for v, there := range valid {
				if !there {
					continue
				}
				if v == w.Region {
					m.gold = len(m.features)
				}
				m.valid++
				var f []float64
				for k := range cfg.CrossLayers {
					ti, it := trace.Values[fmt.Sprintf("x.%d.ti", k)].Row(row), trace.Values[fmt.Sprintf("x.%d.it", k)].Row(row)
					for h := range cfg.Heads {
						f = append(f, float64(ti.At(h, w.Positions[0], v)))
					}
					for h := range cfg.Heads {
						f = append(f, float64(it.At(h, v, w.Positions[0])))
					}
				}
				m.features = append(m.features, f)
			}
			out = append(out, m)
		}
	}
	return out, trace.Provenance, nil
}

// partMentions parts words by picture.
func partMentions(all []mention, random *rand.Rand) (train, test []mention) {
	var names []string
	seen := map[string]bool{}
	for _, m := range all {
		if !seen[m.picture] {
			seen[m.picture] = true
			names = append(names, m.picture)
		}
	}
	random.Shuffle(len(names), func(i, j int) { names[i], names[j] = names[j], names[i] })
	inTest := map[string]bool{}
	for _, name := range names[:int(math.Round(testShare*float64(len(names))))] {
		inTest[name] = true
	}
	for _, m := range all {
		if inTest[m.picture] {
			test = append(test, m)
		} else {
			train = append(train, m)
		}
	}
	return train, test
}

// probeOf fits the regression of "this is the region that is meant" and returns its score of a region.
func probeOf(train []mention) (func(f []float64) float64, error) {
	var rows []float64
	var labels []bool
	for _, m := range train {
		for v, f := range m.features {
			rows, labels = append(rows, f...), append(labels, v == m.gold)
		}
	}
	dim := len(rows) / len(labels)
	x := mat.NewDense(len(labels), dim, rows)
	factors := standardised(x, nil)
	w, _, err := Binary(x, labels, 1)
	if err != nil {
		return nil, fmt.Errorf("probe of all heads: %w", err)
	}
	// The score of a row as it is: what was taken out of columns is a constant, and what they were divided by goes to w.
	floats.Div(w, factors)
	return func(f []float64) float64 { return floats.Dot(w, f) }, nil
}

// hitsOf says of each word whether its region has the largest score: 1 or 0; of n equal ones 1/n, as if one were drawn.
func hitsOf(words []mention, score func(f []float64) float64) []float64 {
	out := make([]float64, len(words))
	for i, m := range words {
		most, equal := math.Inf(-1), 0.0
		for _, f := range m.features {
			switch x := score(f); {
			case x > most:
				most, equal = x, 1
			case x == most:
				equal++
			}
		}
		if score(m.features[m.gold]) == most {
			out[i] = 1 / equal
		}
	}
	return out
}

func mentionInterval(hits []float64, words []mention, seed uint64) (low, high float64) {
	var names []string
	for _, m := range words {
		names = append(names, m.picture)
	}
	return interval(hits, picturesOf(names), seed)
}
