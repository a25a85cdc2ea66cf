package probe

import (
	"context"
	"fmt"
	"math"
	"math/rand/v2"
	"slices"
	"strings"

	"gonum.org/v1/gonum/mat"

	"github.com/seed-516990b0/golxmert/analysis"
	"github.com/seed-516990b0/golxmert/lxmert"
)

// Restarts is how many times k-means begins anew in [Fusion]; the best of them counts.
const Restarts = 20

// FusionPlaces are the pairs of levels at which words and regions are compared: embeddings, tops of the towers, and each
// cross-modality layer.
func FusionPlaces(cfg lxmert.Config) (names []string, pairs [][2]string) {
	words, regions := analysis.Levels(cfg, analysis.WordStream), analysis.Levels(cfg, analysis.RegionStream)
	names, pairs = []string{"embedding"}, [][2]string{{words[0], regions[0]}}
	if cfg.LangLayers+cfg.RegionLayers > 0 {
		names, pairs = append(names, "towers"), append(pairs, [2]string{words[cfg.LangLayers], regions[cfg.RegionLayers]})
	}
	for k := range cfg.CrossLayers {
		names = append(names, fmt.Sprintf("x.%d", k))
		pairs = append(pairs, [2]string{words[cfg.LangLayers+1+k], regions[cfg.RegionLayers+1+k]})
	}
	return names, pairs
}

// FusionDegrees says of each row of a batch, at each of [FusionPlaces], how well words and regions can be told apart without
// being told which is which: [rows][places]. All valid states are parted into two groups by k-means; the number is the
// mutual information of groups and modalities over the arithmetic mean of their entropies. 1: apart, as they always are
// where nothing has been exchanged; near 0: the two are fused. After VALUE (Cao et al. 2020), made for two streams, whose
// towers never mix. NaN for a row without regions.
//
// Draws depend on seed and on the row's number, which begins with first.
func FusionDegrees(ctx context.Context, eng lxmert.Engine, b *lxmert.Batch, seed uint64, first int) ([][]float64, lxmert.Provenance, error) {
	_, pairs := FusionPlaces(eng.Config())
	var names []string
	for _, p := range pairs {
		names = append(names, p[0], p[1])
	}
	read, err := ReadStates(ctx, eng, b, names...)
	if err != nil {
		return nil, lxmert.Provenance{}, err
	}
	out := make([][]float64, b.Rows())
	for row := range out {
		draw := rand.New(rand.NewPCG(seed, uint64(first+row)))
		for _, p := range pairs {
			var states []float64
			var modality []int
			for m, level := range p {
				of := read.Of(level, row)
				for i, there := range read.valid(level, row) {
					if there {
						modality = append(modality, m)
						for _, x := range of.Row(i).Data {
							states = append(states, float64(x))
						}
					}
				}
			}
			degree := math.NaN()
			if slices.Contains(modality, 1) {
				groups := twoMeans(mat.NewDense(len(modality), len(states)/len(modality), states), Restarts, draw)
				degree, _, _ = MutualInformation(groups, modality)
			}
			out[row] = append(out[row], degree)
		}
	}
	return out, read.From, nil
}

// Fusion is the mean of [FusionDegrees] over a data set, as a curve over the places where the streams meet.
func Fusion(ctx context.Context, eng lxmert.Engine, batches Batches, seed uint64, progress func(done int)) (analysis.Curve, error) {
	var all [][]float64
	meta := analysis.Meta{Seed: seed}
	err := each(batches, progress, func(b *lxmert.Batch) error {
		degrees, from, err := FusionDegrees(ctx, eng, b, seed, len(all))
		all = append(all, degrees...)
		if meta.Model = from; meta.Features == "" && len(b.Images) > 0 {
			meta.Features = b.Images[0].Source
		}
		return err
	})
	if err != nil {
		return analysis.Curve{}, err
	}
	meta.N = len(all)
	return FusionCurve(meta, eng.Config(), func(place int) (mean, low, high float64) {
		var values []float64
		for _, row := range all {
			values = append(values, row[place])
		}
		return analysis.MeanInterval(values, resamples, level95, rand.New(rand.NewPCG(seed, 13)))
	}), nil
}

// FusionCurve draws mean fusion degrees, of which of gives that of a place and its interval.
func FusionCurve(meta analysis.Meta, cfg lxmert.Config, of func(place int) (mean, low, high float64)) analysis.Curve {
	names, _ := FusionPlaces(cfg)
	c := analysis.Curve{Meta: meta, XName: "place", YName: "NMI of two clusters and the two modalities"}
	c.Method, c.Unit, c.Level = "fusion of words and regions", "NMI", level95
	c.Params = map[string]string{"restarts": fmt.Sprint(Restarts)}
	s := analysis.CurveSeries{Name: "words and regions"}
	towers := len(names) - cfg.CrossLayers
	for place := range names {
		mean, low, high := of(place)
		c.X = append(c.X, float64(place))
		s.Y, s.Low, s.High = append(s.Y, mean), append(s.Low, low), append(s.High, high)
	}
	c.Series = []analysis.CurveSeries{s}
	c.Levels = map[string]float64{"apart": 1}
	if cfg.CrossLayers > 0 {
		c.Rules = map[string]float64{"cross layers": float64(towers) - 0.5}
	}
	c.Notes = append(c.Notes, fmt.Sprintf("Places from 0: %s.", strings.Join(names, ", ")))
	return c
}
