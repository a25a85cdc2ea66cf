package sweep

import (
	"context"
	"math/rand/v2"

	"github.com/seed-516990b0/golxmert/analysis"
	"github.com/seed-516990b0/golxmert/analysis/modality/hide"
	"github.com/seed-516990b0/golxmert/lxmert"
)

// ablation hides a word and takes regions away, and hides a region and takes words away; see modality.VisionForLanguage and
// modality.LanguageForVision.
func ablation() measuring {
	return measuring{
		name: "ablation", about: "how well a hidden word is guessed without regions, and a hidden region without words", group: looksAt,
		begin: func(_ context.Context, r *runner) (measurer, error) {
			cfg := r.eng.Config()
			var classes map[string]int // nil: nobody names them, or they are another detector's
			if len(r.opt.Objects) == cfg.Objects && cfg.Objects > 0 {
				classes = map[string]int{}
				for k, name := range r.opt.Objects {
					classes[name] = k
				}
			}
			if err := hide.CanGuess(cfg, classes != nil); err != nil {
				return nil, err
			}
			return func(ctx context.Context, a *asked) ([]numbers, error) { return r.ablate(ctx, a, classes) }, nil
		},
		draw: func(c *collector, found *means, s *Summary) error {
			t := found.table("cross-modal ablation", "hidden, and taken away", found.names)
			t.Notes = append(t.Notes, "A word is hidden that names exactly one region, and that region; where the detector names nothing, one of each is drawn.",
				"Surprise is −ln p of what is hidden. The larger the more was lost by taking away.")
			s.Tables = append(s.Tables, Named[analysis.Table]{"ablation", t})
			return nil
		},
	}
}

// hide chooses a word and a region of a row: a word that names exactly one region, and that region. Where the detector names nothing
// one of each is drawn, whichever part has the row. Not ok: there is nothing to hide.
func (r *runner) hide(a *asked, row int, classes map[string]int) (hide.Hidden, bool) {
	if len(a.Images) > 0 && len(a.Images[row].Objects) > 0 {
		var class hide.ClassOf
		if classes != nil {
			class = func(info lxmert.ImageInfo, region int) (int, bool) {
				k, known := classes[info.Objects[region]]
				return k, known
			}
		}
		return hide.Of(a.Batch, row, class)
	}
	words, regions := analysis.InnerWords(a.Batch, row), analysis.PresentRegions(a.Batch, row)
	if len(words) == 0 || len(regions) == 0 {
		return hide.Hidden{}, false
	}
	draw := rand.New(rand.NewPCG(r.settings.Seed, uint64(a.index[row/r.settings.Rows]*r.settings.Rows+row%r.settings.Rows)))
	return hide.Hidden{Words: []int{words[draw.IntN(len(words))]}, Region: regions[draw.IntN(len(regions))]}, true
}

// ablate hides something of each row. classes are those of the detector by their names; nil: they are not the model's.
func (r *runner) ablate(ctx context.Context, a *asked, classes map[string]int) ([]numbers, error) {
	var rows []int
	var all []hide.Hidden
	for row := range a.Rows() {
		if h, ok := r.hide(a, row, classes); ok {
			rows, all = append(rows, row), append(all, h)
		}
	}
	if len(rows) == 0 {
		return nil, nil
	}
	named := len(a.Images) > 0 && len(a.Images[rows[0]].Objects) > 0
	found, err := hide.Measure(ctx, r.eng, a.Part(rows...), all, named && classes != nil)
	if err != nil {
		return nil, err
	}
	var out []numbers
	for _, m := range found.Measures {
		values := nans(a.Rows())
		for k, row := range rows {
			values[row] = m.Values[k]
		}
		out = append(out, each(m.Name, m.Unit, perExample(values, r.settings.Rows)))
	}
	return out, nil
}
