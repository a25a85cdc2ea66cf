package probe

import (
	"context"
	"fmt"

	"gonum.org/v1/gonum/mat"

	"github.com/seed-516990b0/golxmert/analysis"
	"github.com/seed-516990b0/golxmert/lxmert"
)

// projected is how many words, and how many regions, a picture of principal components shows at most.
const projected = 300

// Project draws the states of words and of regions along their two main directions, at each of [FusionPlaces]: a [Scatter] each,
// in which the two modalities are groups. The directions are those of both together. Words and regions are the first that
// come; what each of them is stands at its point.
//
// [Scatter]: analysis.Scatter
func Project(ctx context.Context, eng lxmert.Engine, batches Batches, progress func(done, total int)) (analysis.Collection, error) {
	streams, from, features, err := gather(ctx, eng, nil, batches, projected, nil, 0, progress)
	if err != nil {
		return analysis.Collection{}, err
	}
	words, regions := streams[rows{stream: analysis.WordStream}], streams[rows{stream: analysis.RegionStream}]
	if len(words.items) == 0 || len(regions.items) == 0 {
		return analysis.Collection{}, fmt.Errorf("there are %d words and %d regions: a picture of both needs some of each", len(words.items), len(regions.items))
	}
	out := analysis.Collection{Title: "Words and regions along their main directions", Meta: analysis.Meta{Method: "principal components of states", Model: from, Features: features}}
	out.N = len(words.items) + len(regions.items)
	names, pairs := FusionPlaces(eng.Config())
	for place, pair := range pairs {
		n := len(words.items)
		x := mat.NewDense(out.N, words.dim, nil)
		x.Slice(0, n, 0, words.dim).(*mat.Dense).Copy(words.states(pair[0], upTo(n)))
		x.Slice(n, out.N, 0, words.dim).(*mat.Dense).Copy(regions.states(pair[1], upTo(out.N-n)))
		c, err := PCA(x, 2)
		if err != nil {
			return analysis.Collection{}, fmt.Errorf("%s and %s: %w", pair[0], pair[1], err)
		}
		s := analysis.Scatter{Meta: out.Meta}
		s.Method = "principal components of states: " + names[place]
		s.Params = map[string]string{"levels": pair[0] + " and " + pair[1]}
		s.XName, s.YName = fmt.Sprintf("first direction, %.0f %% of the variance", 100*c.Share[0]), fmt.Sprintf("second direction, %.0f %%", 100*c.Share[1])
		s.Groups = []analysis.Points{{Name: "words"}, {Name: "regions"}}
		for i := range out.N {
			g, what := &s.Groups[0], ""
			if i < n {
				what = words.items[i].Word
			} else {
				g, what = &s.Groups[1], regions.items[i-n].Attribute+" "+regions.items[i-n].Object
			}
			g.X, g.Y, g.Labels = append(g.X, c.Scores.At(i, 0)), append(g.Y, c.Scores.At(i, 1)), append(g.Labels, what)
		}
		out.Results = append(out.Results, s)
	}
	return out, nil
}

func upTo(n int) []int {
	out := make([]int, n)
	for i := range out {
		out[i] = i
	}
	return out
}
