package patch_test

import (
	"context"
	"math"
	"strings"
	"testing"

	"github.com/seed-516990b0/golxmert/analysis"
	"github.com/seed-516990b0/golxmert/analysis/patch"
	"github.com/seed-516990b0/golxmert/lxmert"
)

// sized notes how many texts and pictures each run has.
type sized struct {
	lxmert.Engine
	texts, pictures, rows int
}

func (e *sized) Run(ctx context.Context, b *lxmert.Batch, r lxmert.Request) (*lxmert.Trace, error) {
	e.texts, e.pictures, e.rows = len(b.IDs), b.Feats.Shape[0], b.Rows()
	return e.Engine.Run(ctx, b, r)
}

// TestTowersThatNothingIsPatchedInArePassedOnce, and what patching changes does not depend on which other nodes are asked about.
func TestTowersThatNothingIsPatchedInArePassedOnce(t *testing.T) {
	onGo(t, func(t *testing.T, eng *engine, b *lxmert.Batch, _ string) {
		b = analysis.Separate(b).Part(0)
		emptied := *b
		emptied.Feats = lxmert.NewTensor(b.Feats.Shape...)
		watched := &sized{Engine: eng}
		p := pairOf(t, watched, b, &emptied, analysis.Predicted())
		all := patch.Heads(eng.Config())
		together, err := p.Patch(t.Context(), patch.Denoising, 0, all)
		if err != nil {
			t.Fatal(err)
		}
		most := 0.0
		for _, x := range together {
			most = max(most, math.Abs(x))
		}
		for _, tower := range []struct {
			letter          string
			texts, pictures bool // one for each node
		}{{"l.", true, false}, {"r.", false, true}, {"x.", false, false}} {
			var some []patch.Node
			var at []int
			for i, n := range all {
				if strings.HasPrefix(n.Name, tower.letter) && len(some) < 8 {
					some, at = append(some, n), append(at, i)
				}
			}
			changes, err := p.Patch(t.Context(), patch.Denoising, 0, some)
			if err != nil {
				t.Fatal(err)
			}
			want := [2]int{1, 1}
			for side, own := range [2]bool{tower.texts, tower.pictures} {
				if own {
					want[side] = watched.rows
				}
			}
			if watched.rows != len(some)+1 || watched.texts != want[0] || watched.pictures != want[1] {
				t.Errorf("%d nodes of %s: a run of %d rows has %d texts and %d pictures", len(some), tower.letter, watched.rows, watched.texts, watched.pictures)
			}
			for i, x := range changes {
				if math.Abs(x-together[at[i]]) > 1e-5*(1+most) {
					t.Errorf("%s changes the score by %g, beside others by %g", some[i], x, together[at[i]])
				}
			}
		}
	})
}
