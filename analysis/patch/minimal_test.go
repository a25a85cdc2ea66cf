package patch_test

import (
	"context"
	"errors"
	"math"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"testing"

	"github.com/seed-516990b0/golxmert/analysis"
	"github.com/seed-516990b0/golxmert/analysis/patch"
	"github.com/seed-516990b0/golxmert/lxmert"
	"github.com/seed-516990b0/golxmert/lxmert/backend/backendtest"
	"github.com/seed-516990b0/golxmert/lxmert/lxrt"
	"github.com/seed-516990b0/golxmert/lxmert/question"
	"github.com/seed-516990b0/golxmert/lxmert/region"
	"github.com/seed-516990b0/golxmert/lxmert/toy"
	"github.com/seed-516990b0/golxmert/lxmert/toy/toytest"
)

// found is what patching single regions of minimal pairs finds at one level.
type found struct {
	level          string
	hits, restored []float64 // of each pair: whether the largest region is the object's own, and the share that this restores
}

// TestPatchingMinimalPairsFindsTheChangedRegion. Of any model: at the embeddings no region has an effect but those that show the
// object, and the last level, which the answer does not read, has none. What a trained model does is printed, for each of
// LXMERT_TOY_MODELS, weights with commas between them, or for the toy world's own.
func TestPatchingMinimalPairsFindsTheChangedRegion(t *testing.T) {
	world, trained := toytest.Model(t, "toy")
	models := strings.Split(os.Getenv("LXMERT_TOY_MODELS"), ",")
	if models[0] == "" {
		models[0] = strings.TrimSuffix(trained, ".pth")
	}
	pairs, err := world.MinimalPairs("heldout", 100)
	if err != nil { // a smaller world has fewer
		pairs, err = world.MinimalPairs("heldout", 20)
	}
	if err != nil {
		t.Fatal(err)
	}
	back := backendtest.Open(t, "go")
	for _, weights := range models {
		m, err := lxrt.Open(back, weights+".pth", world.Config(), lxrt.Options{})
		if err != nil {
			t.Fatal(err)
		}
		levels, right := regionsFound(t, m, world, pairs)
		t.Logf("%s: %d of %d pairs are answered right on both sides", filepath.Base(filepath.Dir(weights)), right, len(pairs))
		for _, l := range levels {
			t.Logf("%s: the largest is the changed object's region in %.1f %%, which restores %.3f of the difference", l.level, 100*analysis.Mean(l.hits), analysis.Mean(l.restored))
		}
		if err := m.Close(); err != nil {
			t.Error(err)
		}
	}
}

// regionsFound patches every region at every level from the clean pictures into the changed ones.
func regionsFound(t *testing.T, eng lxmert.Engine, world *toy.World, pairs []*toy.MinimalPair) (levels []found, right int) {
	t.Helper()
	asker, err := question.Open(eng.Config(), question.Options{
		Vocab: world.Vocab(), Answers: filepath.Join(world.Data(), "vqa", "trainval_label2ans.json"), Pad: true,
		Find: func(ctx context.Context, id string) (*region.Regions, error) {
			for _, p := range pairs {
				if r, err := p.Find(ctx, id); !errors.Is(err, region.ErrNotFound) {
					return r, err
				}
			}
			return nil, region.ErrNotFound
		},
	})
	if err != nil {
		t.Fatal(err)
	}
	defer asker.Close()
	var kept []*toy.MinimalPair
	var sides [2][]lxmert.Question
	for _, p := range pairs {
		both := []lxmert.Question{{Text: p.Question, Images: []string{p.Clean.ID}}, {Text: p.Question, Images: []string{p.Changed.ID}}}
		answers, err := asker.AskAll(t.Context(), eng, both...)
		if err != nil {
			t.Fatal(err)
		}
		if answers[0].Best().Text == p.Answers[0] && answers[1].Best().Text == p.Answers[1] {
			right++
			kept = append(kept, p)
			sides[0], sides[1] = append(sides[0], both[0]), append(sides[1], both[1])
		}
	}
	if right == 0 {
		return nil, 0
	}
	var classes [2][]int
	var batches [2]*lxmert.Batch
	for side := range sides {
		for _, p := range kept {
			classes[side] = append(classes[side], slices.Index(asker.Head().Answers, p.Answers[side]))
		}
		b, err := asker.Batch(t.Context(), sides[side])
		if err != nil {
			t.Fatal(err)
		}
		batches[side] = analysis.Separate(b.Batch)
	}
	target := analysis.Sum(analysis.Answer(classes[0]...), analysis.Times(-1, analysis.Answer(classes[1]...)))
	pair := pairOf(t, eng, batches[0], batches[1], target)
	cfg := eng.Config()
	regions := batches[0].V()
	nodes := slices.DeleteFunc(patch.Levels(cfg, 1, regions), func(n patch.Node) bool { return !strings.HasPrefix(n.Name, "hid.i.") })
	for row, p := range kept {
		changes, err := pair.Patch(t.Context(), patch.Denoising, row, nodes)
		if err != nil {
			t.Fatal(err)
		}
		for k := range len(nodes) / regions {
			if row == 0 {
				levels = append(levels, found{level: nodes[k*regions].Name})
			}
			at := changes[k*regions : (k+1)*regions]
			largest := slices.Index(at, slices.Max(at))
			hit := 0.0
			if largest == p.ROI() {
				hit = 1
			}
			levels[k].hits = append(levels[k].hits, hit)
			levels[k].restored = append(levels[k].restored, pair.Share(patch.Denoising, row, at[p.ROI()]))
			last := k == len(nodes)/regions-1
			for v, x := range at {
				if math.Abs(x) > 1e-4 && (last || k == 0 && !slices.Contains(p.Shows(), v)) {
					t.Errorf("pair %d, %s: region %d, which cannot matter, changes the score by %g", row, levels[k].level, v, x)
				}
			}
		}
	}
	return levels, right
}
