package relevance_test

import (
	"context"
	"math"
	"slices"
	"strings"
	"testing"

	"github.com/seed-516990b0/golxmert/analysis"
	"github.com/seed-516990b0/golxmert/analysis/internal/goldencase"
	"github.com/seed-516990b0/golxmert/analysis/relevance"
	"github.com/seed-516990b0/golxmert/lxmert"
)

// padded writes the words of all rows into rows of the longest text, as the goldens do.
func padded(scores []analysis.Scores, t int) (words, regions []float64) {
	for _, s := range scores {
		words = append(words, s.Words...)
		words = append(words, make([]float64, t-len(s.Words))...)
		regions = append(regions, s.Regions...)
	}
	return words, regions
}

func flat(m [][]float64) []float64 { return slices.Concat(m...) }

// matrix is the part of a state that the goldens call Rtt, Rii, Rti or Rit.
func matrix(s relevance.State, name string) []float64 {
	switch name {
	case "Rtt":
		return flat(s.Words)
	case "Rii":
		return flat(s.Regions)
	case "Rti":
		return flat(s.WordRegions)
	}
	return flat(s.RegionsWords)
}

func biModal(t *testing.T, eng lxmert.Engine, b *lxmert.Batch, target analysis.Target, opt relevance.Options) []analysis.Scores {
	t.Helper()
	scores, err := relevance.BiModal(context.Background(), eng, b, target, opt)
	if err != nil {
		t.Fatal(err)
	}
	return scores
}

func TestBiModalRelevanceEqualsReference(t *testing.T) {
	eachGolden(t, func(t *testing.T, eng *engine, b *lxmert.Batch, folder string) {
		golden := goldencase.Open(t, folder, "rel")
		object, err := analysis.MaskedRegion(0, "object").At(golden.Ints("rel.obj.masked_roi")...).Bind(context.Background(), eng, b)
		if err != nil {
			t.Fatal(err)
		}
		if got, want := object.Terms[0].Class, golden.Ints("rel.obj.target"); !slices.Equal(got, want) {
			t.Errorf("the most probable objects are %v, expected %v", got, want)
		}
		results := func(eng lxmert.Engine) map[string][]float64 { return goldenRelevance(t, golden, eng, b) }
		within := reach(t, folder, results)
		for name, got := range results(eng) {
			golden.CompareWithin(name, got, within[name])
		}
	})
}

// goldenRelevance computes what a golden file has of relevance, by its names.
func goldenRelevance(t *testing.T, golden goldencase.File, eng lxmert.Engine, b *lxmert.Batch) map[string][]float64 {
	t.Helper()
	out := map[string][]float64{}
	word, region := golden.Ints("rel.mlm.masked_pos"), golden.Ints("rel.obj.masked_roi")
	for key, target := range map[string]analysis.Target{
		"rel.qa":  analysis.Predicted(),
		"rel.itm": analysis.Match(),
		"rel.mlm": analysis.MaskedWord(word...).Class(golden.Ints("rel.mlm.true_id")...),
		"rel.obj": analysis.MaskedRegion(0, "object").At(region...),
	} {
		out[key+".words"], out[key+".rois"] = padded(biModal(t, eng, b, target, relevance.Options{}), b.T())
	}

	scores := biModal(t, eng, b, analysis.Predicted(), relevance.Options{})
	for i := range scores {
		full := append(slices.Clone(scores[i].Words), make([]float64, b.T()-len(scores[i].Words))...)
		scores[i].Words, scores[i].Regions = relevance.MinMax(full), relevance.MinMax(scores[i].Regions)
	}
	out["rel.qa.words_minmax"], out["rel.qa.rois_minmax"] = padded(scores, b.T())

	for prefix, opt := range map[string]relevance.Options{
		"rel.qa.": {}, "rel.qa.nonorm.": {NoNormalization: true}, "rel.qa.noself.": {NoSelf: true},
	} {
		labels, rows, err := relevance.States(context.Background(), eng, b, analysis.Predicted(), opt, true)
		if err != nil {
			t.Fatal(err)
		}
		for _, name := range []string{"Rtt", "Rii", "Rti", "Rit"} {
			if prefix != "rel.qa." && (name == "Rii" || name == "Rit") {
				continue
			}
			for _, states := range rows {
				out[prefix+name] = append(out[prefix+name], matrix(states[len(states)-1], name)...)
			}
		}
		if prefix != "rel.qa." {
			continue
		}
		for i, label := range labels {
			if layer, part, ok := cutLast(label); ok {
				label = strings.Replace(layer, ".", "", 1) + ".after_" + part
			} else {
				label = "after_" + label
			}
			for _, name := range []string{"Rtt", "Rii", "Rti", "Rit"} {
				out["rel.qa.trace0."+label+"."+name] = matrix(rows[0][i], name)
			}
		}
	}
	return out
}

// cutLast splits "x.0.cross" into "x.0" and "cross".
func cutLast(label string) (before, after string, ok bool) {
	i := strings.LastIndexByte(label, '.')
	if i < 0 {
		return "", "", false
	}
	return label[:i], label[i+1:], true
}

func TestBiModalRelevanceOfABatchNeedsOneRun(t *testing.T) {
	onGo(t, func(t *testing.T, eng *engine, b *lxmert.Batch, _ string) {
		biModal(t, eng, b, analysis.Predicted(), relevance.Options{})
		if eng.Runs != 1 {
			t.Errorf("%d runs for %d examples, expected one for the answers and the gradients", eng.Runs, b.Rows())
		}
	})
}

func TestStatesAreMatricesThatSayWhatTheyAre(t *testing.T) {
	onGo(t, func(t *testing.T, eng *engine, b *lxmert.Batch, _ string) {
		_, rows, err := relevance.States(context.Background(), eng, pad(b), analysis.Predicted(), relevance.Options{NoSelf: true}, false)
		if err != nil {
			t.Fatal(err)
		}
		for n, states := range rows {
			words, regions := len(b.IDs[n]), b.V()
			for part, want := range map[string][2]int{"tt": {words, words}, "ii": {regions, regions}, "ti": {words, regions}, "it": {regions, words}} {
				m, err := states[0].Matrix(part)
				if err != nil {
					t.Fatal(err)
				}
				if got := [2]int{len(m.Panels[0].Values), len(m.Panels[0].Values[0])}; got != want || len(m.Rows.Labels) != want[0] || len(m.Cols.Labels) != want[1] {
					t.Errorf("row %d, %s: %v without padding, expected %v", n, part, got, want)
				}
				if m.Method == "" || m.Target == "" || m.Model.Hash == "" || m.N != 1 || m.Params["after"] != states[0].Label || m.Params["self"] != "false" {
					t.Errorf("row %d, %s does not say what it is: %+v", n, part, m.Meta)
				}
			}
			if m, _ := states[0].Matrix("ti"); m.Panels[0].Values[0][0] != states[0].WordRegions[0][0] {
				t.Error("the matrix is of something else")
			}
		}
		if _, err := rows[0][0].Matrix("xx"); err == nil {
			t.Error("a part was found that is not there")
		}
	})
}

func TestRelevanceIsNeverNegativeNorNaN(t *testing.T) {
	onGo(t, func(t *testing.T, eng *engine, b *lxmert.Batch, _ string) {
		_, rows, err := relevance.States(context.Background(), eng, b, analysis.Predicted(), relevance.Options{}, false)
		if err != nil {
			t.Fatal(err)
		}
		for n, states := range rows {
			for _, name := range []string{"Rtt", "Rii", "Rti", "Rit"} {
				for _, x := range matrix(states[0], name) {
					if !(x >= 0) || math.IsInf(x, 0) {
						t.Fatalf("row %d: %s has an entry %g", n, name, x)
					}
				}
			}
			for i, row := range states[0].Words {
				if row[i] < 1 {
					t.Errorf("row %d: attention took %g from the relevance of word %d for itself", n, 1-row[i], i)
				}
			}
		}
	})
}
