package probe_test

import (
	"math"
	"math/rand/v2"
	"slices"
	"testing"

	"gonum.org/v1/gonum/mat"

	"github.com/seed-516990b0/golxmert/analysis"
	"github.com/seed-516990b0/golxmert/analysis/internal/goldencase"
	"github.com/seed-516990b0/golxmert/analysis/probe"
	"github.com/seed-516990b0/golxmert/lxmert"
)

func states(t *testing.T, eng lxmert.Engine, b *lxmert.Batch) *probe.States {
	t.Helper()
	s, err := probe.ReadStates(t.Context(), eng, b)
	if err != nil {
		t.Fatal(err)
	}
	return s
}

// regionRows are the states of all regions of a batch at a level.
func regionRows(b *lxmert.Batch, s *probe.States, level string) *mat.Dense {
	var all []float64
	dim := 0
	for row := range b.Rows() {
		of := s.Of(level, row)
		dim = of.Shape[1]
		all = append(all, of.Float64s()...)
	}
	return mat.NewDense(len(all)/dim, dim, all)
}

func TestAlignmentEqualsReference(t *testing.T) {
	alignments := func(t *testing.T, eng lxmert.Engine, b *lxmert.Batch) map[string][]float64 {
		s := states(t, eng, b)
		words, regions := analysis.Levels(eng.Config(), analysis.WordStream), analysis.Levels(eng.Config(), analysis.RegionStream)
		out := map[string][]float64{}
		for _, w := range words {
			for _, v := range words {
				out["cka.pooled.lang_lang"] = append(out["cka.pooled.lang_lang"], probe.LinearCKA(s.Means(w), s.Means(v)))
			}
			for _, v := range regions {
				out["cka.pooled.lang_visn"] = append(out["cka.pooled.lang_visn"], probe.LinearCKA(s.Means(w), s.Means(v)))
				out["cka.pooled.lang_visn.debiased"] = append(out["cka.pooled.lang_visn.debiased"], probe.DebiasedCKA(s.Means(w), s.Means(v)))
			}
		}
		var batches probe.Alignment
		for from := 0; from < 40; from += 20 {
			var sets []*mat.Dense
			for _, v := range regions {
				x := regionRows(b, s, v)
				_, dim := x.Dims()
				sets = append(sets, x.Slice(from, from+20, 0, dim).(*mat.Dense))
			}
			if err := batches.Add(sets...); err != nil {
				t.Fatal(err)
			}
		}
		out["cka.rois.visn_visn.debiased_2x20"] = slices.Concat(batches.CKA()...)
		for _, v := range regions {
			for _, w := range regions {
				x := probe.LinearCKA(regionRows(b, s, v), regionRows(b, s, w))
				out["cka.rois.visn_visn"] = append(out["cka.rois.visn_visn"], x)
			}
		}
		return out
	}
	eachGolden(t, func(t *testing.T, eng lxmert.Engine, b *lxmert.Batch, folder string) {
		golden := goldencase.Open(t, folder, "cka")
		off := reach(t, folder, func(eng lxmert.Engine) map[string][]float64 { return alignments(t, eng, b) })
		got := alignments(t, eng, b)
		for _, name := range golden.Names() {
			golden.CompareWithin(name, got[name], off[name])
		}
	})
}

// cloud are n rows of independent numbers.
func cloud(n, dim int, seed uint64) *mat.Dense {
	random := rand.New(rand.NewPCG(seed, 3))
	x := mat.NewDense(n, dim, nil)
	x.Apply(func(int, int, float64) float64 { return random.NormFloat64() }, x)
	return x
}

// TestAlignmentIsBlindTo turns, one scale and shifts of the states, and sees what stretches them.
func TestAlignmentIsBlindTo(t *testing.T) {
	x, y := cloud(30, 8, 1), cloud(30, 8, 2)
	y.Add(y, x)
	var qr mat.QR
	qr.Factorize(cloud(8, 8, 3))
	var q, turned mat.Dense
	qr.QTo(&q)
	turned.Mul(x, &q)
	turned.Apply(func(_, j int, v float64) float64 { return 3*v + float64(10*j) }, &turned)
	var stretched mat.Dense
	stretched.Apply(func(_, j int, v float64) float64 { return v * math.Pow(3, float64(j)) }, x)
	for name, cka := range map[string]func(x, y *mat.Dense) float64{"biased": probe.LinearCKA, "debiased": probe.DebiasedCKA} {
		plain := cka(x, y)
		if got := cka(&turned, y); math.Abs(got-plain) > 1e-9 {
			t.Errorf("%s: %g, turned, scaled and shifted %g", name, plain, got)
		}
		if got := cka(y, x); math.Abs(got-plain) > 1e-12 {
			t.Errorf("%s: %g one way, %g the other", name, plain, got)
		}
		if got := cka(x, x); math.Abs(got-1) > 1e-12 {
			t.Errorf("%s: states and themselves have %g", name, got)
		}
		if got := cka(&stretched, y); math.Abs(got-plain) < 0.05 {
			t.Errorf("%s: %g, and %g where columns are stretched", name, plain, got)
		}
	}
}

// TestFewExamplesInflateTheBiasedAlignment of states that have nothing in common, and only that; the other goes below 0.
func TestFewExamplesInflateTheBiasedAlignment(t *testing.T) {
	var biased, debiased []float64
	for seed := range uint64(40) {
		x, y := cloud(10, 100, 2*seed), cloud(10, 100, 2*seed+1)
		biased, debiased = append(biased, probe.LinearCKA(x, y)), append(debiased, probe.DebiasedCKA(x, y))
	}
	// For wide states the biased one is about 1 - 1/n; the mean of 40 debiased ones is within five of its standard errors of 0.
	mean, spread := analysis.Mean(debiased), 0.0
	for _, x := range debiased {
		spread += (x - mean) * (x - mean) / 39
	}
	if slices.Min(biased) < 0.5 || math.Abs(mean) > 5*math.Sqrt(spread/40) || slices.Min(debiased) >= 0 {
		t.Errorf("biased from %g, debiased %g on average, the least %g", slices.Min(biased), mean, slices.Min(debiased))
	}
}

// TestConstantStatesAlignWithNothing, as [CLS] does at the embedding: 0/0 is not a number, also where rounding is left of it.
func TestConstantStatesAlignWithNothing(t *testing.T) {
	x, constant := cloud(12, 5, 1), mat.NewDense(12, 5, nil)
	constant.Apply(func(_, j int, _ float64) float64 { return 0.1 * float64(j+1) }, constant)
	if a, b := probe.LinearCKA(x, constant), probe.DebiasedCKA(constant, x); !math.IsNaN(a) || !math.IsNaN(b) {
		t.Errorf("constant states have an alignment of %g and %g", a, b)
	}
	var batches probe.Alignment
	if err := batches.Add(x, constant); err != nil {
		t.Fatal(err)
	}
	if a := batches.CKA(); math.Abs(a[0][0]-1) > 1e-12 || !math.IsNaN(a[0][1]) || !math.IsNaN(a[1][1]) {
		t.Errorf("alignments are %v", a)
	}
	if !math.IsNaN(probe.DebiasedCKA(cloud(3, 2, 1), cloud(3, 2, 2))) {
		t.Error("three examples have a debiased alignment")
	}
	if batches.Add(cloud(3, 2, 1), cloud(3, 2, 2)) == nil || batches.Add(x) == nil {
		t.Error("batches that do not fit are added")
	}
}
