package relevance_test

import (
	"context"
	"encoding/json"
	"math"
	"path/filepath"
	"slices"
	"strconv"
	"strings"
	"testing"

	"github.com/seed-516990b0/golxmert/analysis"
	"github.com/seed-516990b0/golxmert/analysis/attention"
	"github.com/seed-516990b0/golxmert/analysis/relevance"
	"github.com/seed-516990b0/golxmert/lxmert"
	"github.com/seed-516990b0/golxmert/lxmert/backend/backendtest"
	"github.com/seed-516990b0/golxmert/lxmert/dataset"
	"github.com/seed-516990b0/golxmert/lxmert/lxrt"
	"github.com/seed-516990b0/golxmert/lxmert/token"
	"github.com/seed-516990b0/golxmert/lxmert/toy/toytest"
)

// trainedToy is the model that `kernel quickstart` trains, with some questions about pictures that it has not seen.
func trainedToy(t *testing.T) (*engine, *lxmert.Batch) {
	t.Helper()
	world, weights := toytest.Model(t, "toy")
	back := backendtest.Open(t, "go")
	m, err := lxrt.Open(back, weights, world.Config(), lxrt.Options{})
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { m.Close() })
	words, err := token.Load(world.Vocab())
	if err != nil {
		t.Fatal(err)
	}
	set, err := dataset.LoadFiles(t.Context(), dataset.VQA, []string{filepath.Join(world.Data(), "vqa", "heldout.json")},
		[]string{filepath.Join(world.Data(), "mscoco_imgfeat", "heldout_obj36.tsv")}, dataset.Options{})
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { set.Close() })
	// Questions of every length that there is, up to eight of them.
	var chosen []int
	lengths := map[int]bool{}
	for i := range set.Examples {
		if n := len(strings.Fields(set.Examples[i].Text)); len(chosen) < 8 && (!lengths[n] || i >= set.Len()-8) {
			lengths[n] = true
			chosen = append(chosen, i)
		}
	}
	b, err := set.Batch(t.Context(), words, 20, chosen)
	if err != nil {
		t.Fatal(err)
	}
	return &engine{Engine: m}, b
}

// TestInvariantsHoldForATrainedModel: what must be true of every model, of one whose attention means something.
func TestInvariantsHoldForATrainedModel(t *testing.T) {
	eng, b := trainedToy(t)
	ctx := context.Background()
	scores := biModal(t, eng, b, analysis.Predicted(), relevance.Options{})

	t.Run("relevance is never negative, and 0 for padding", func(t *testing.T) {
		for n, s := range scores {
			for i, x := range s.Words {
				if x < 0 || math.IsNaN(x) || !analysis.ValidWords(b, n)[i] && x != 0 {
					t.Errorf("row %d, word %d: %g", n, i, x)
				}
			}
			if slices.Max(s.Regions) <= 0 || slices.Min(s.Regions) < 0 {
				t.Errorf("row %d: regions %v", n, s.Regions)
			}
		}
	})
	t.Run("padding changes nothing", func(t *testing.T) {
		for n := range b.Rows() {
			// The row alone, and without the padding that the data set gave it.
			alone := rowsOf(b, n)
			words := 0
			for _, there := range analysis.ValidWords(b, n) {
				if there {
					words++
				}
			}
			if words == len(b.IDs[n]) {
				t.Fatalf("row %d has no padding, so this shows nothing", n)
			}
			alone.IDs[0], alone.TextMask[0] = alone.IDs[0][:words], alone.TextMask[0][:words]
			alone.Segments, alone.Words = nil, nil
			for name, of := range map[string]func(b *lxmert.Batch) ([]analysis.Scores, error){
				"relevance": func(b *lxmert.Batch) ([]analysis.Scores, error) {
					return relevance.BiModal(ctx, eng, b, analysis.Predicted(), relevance.Options{})
				},
				"joint rollout": func(b *lxmert.Batch) ([]analysis.Scores, error) {
					return attention.JointRollout(ctx, eng, b, analysis.Predicted())
				},
				"gradient x input": func(b *lxmert.Batch) ([]analysis.Scores, error) {
					return relevance.GradientTimesInput(ctx, eng, b, analysis.Predicted())
				},
			} {
				bare, err := of(alone)
				if err != nil {
					t.Fatal(err)
				}
				together, err := of(b)
				if err != nil {
					t.Fatal(err)
				}
				if !alike(bare[0].Words, together[n].Words[:words]) || !alike(bare[0].Regions, together[n].Regions) || bare[0].Target != together[n].Target {
					t.Errorf("%s of row %d: %v %v, with padding and other rows %v %v", name, n, bare[0].Words, bare[0].Regions, together[n].Words, together[n].Regions)
				}
			}
		}
	})
	t.Run("permuting regions permutes their relevance", func(t *testing.T) {
		v := b.V()
		c := *b
		c.Feats, c.Boxes = lxmert.NewTensor(b.Feats.Shape...), lxmert.NewTensor(b.Boxes.Shape...)
		for n := range b.Rows() {
			for i := range v {
				copy(c.Feats.Row(n).Row(i).Data, b.Feats.Row(n).Row(v-1-i).Data)
				copy(c.Boxes.Row(n).Row(i).Data, b.Boxes.Row(n).Row(v-1-i).Data)
			}
		}
		for n, s := range biModal(t, eng, &c, analysis.Predicted(), relevance.Options{}) {
			want := slices.Clone(scores[n].Regions)
			slices.Reverse(want)
			if !alike(s.Regions, want) || !alike(s.Words, scores[n].Words) {
				t.Errorf("row %d: %v, expected %v", n, s.Regions, want)
			}
		}
	})
	t.Run("entropy is between none and that of equal shares", func(t *testing.T) {
		maps, err := attention.Read(ctx, eng, b)
		if err != nil {
			t.Fatal(err)
		}
		for _, name := range maps.Names {
			for n := range b.Rows() {
				all, err := maps.Measure(name, n)
				if err != nil {
					t.Fatal(err)
				}
				keys := len(analysis.RegionAxis(b, n).Labels)
				if strings.HasSuffix(name, "t") {
					keys = len(analysis.WordAxis(b, n).Labels)
				}
				for h, s := range all {
					if !(s.Entropy >= 0 && s.Entropy <= math.Log(float64(keys))+1e-5 && s.Normalized >= 0 && s.Normalized <= 1+1e-6) {
						t.Errorf("%s, row %d, head %d: entropy %g of %d keys, normalized %g", name, n, h, s.Entropy, keys, s.Normalized)
					}
				}
			}
		}
	})
	joint, err := attention.JointMatrix(ctx, eng, b)
	if err != nil {
		t.Fatal(err)
	}
	t.Run("rows of joint rollout sum to 1, half on each modality", func(t *testing.T) {
		for n, m := range joint {
			words := len(analysis.WordAxis(b, n).Labels)
			for i, row := range m.Panels[0].Values {
				var sum [2]float64
				for j, x := range row {
					if x < 0 {
						t.Errorf("row %d: output %d gives %g to input %d", n, i, x, j)
					}
					sum[map[bool]int{true: 1}[j >= words]] += x
				}
				if math.Abs(sum[0]-0.5) > 1e-5 || math.Abs(sum[1]-0.5) > 1e-5 {
					t.Errorf("row %d: output %d has %g on words and %g on regions", n, i, sum[0], sum[1])
				}
			}
		}
	})
	t.Run("flow is at least the walk that ends in the input", func(t *testing.T) {
		flows, err := attention.Flow(ctx, eng, b, analysis.Predicted())
		if err != nil {
			t.Fatal(err)
		}
		for n, f := range flows {
			row := joint[n].Panels[0].Values[0]
			words := len(row) - b.V()
			for v, x := range f.Regions {
				if x < row[words+v]-1e-6 || x > 1+1e-6 {
					t.Errorf("row %d, region %d: flow %g, rollout %g", n, v, x, row[words+v])
				}
			}
		}
	})
	t.Run("integrated gradients add up", func(t *testing.T) {
		found, err := relevance.IntegratedGradients(ctx, eng, rowsOf(b, 0, 1), analysis.Predicted(), relevance.PathOptions{})
		if err != nil {
			t.Fatal(err)
		}
		for n, s := range found {
			score, _ := strconv.ParseFloat(s.Params["score"], 64)
			start, _ := strconv.ParseFloat(s.Params["score at start"], 64)
			sum := 0.0
			for _, x := range slices.Concat(s.Words, s.Regions) {
				sum += x
			}
			if d := math.Abs(sum - (score - start)); d > 0.011*math.Abs(score-start) || score == start {
				params, _ := json.Marshal(s.Params)
				t.Errorf("row %d: the sum is %g, the change of the score %g; %s", n, sum, score-start, params)
			}
		}
	})
}
