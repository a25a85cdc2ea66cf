package sweep

import (
	"context"
	"errors"
	"fmt"
	"math/rand/v2"

	"github.com/seed-516990b0/golxmert/analysis"
	"github.com/seed-516990b0/golxmert/analysis/modality"
	"github.com/seed-516990b0/golxmert/analysis/probe"
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
			switch {
			case !cfg.LM && !cfg.FeatHead && (cfg.Objects == 0 || classes == nil):
				return nil, fmt.Errorf("the model guesses neither words nor regions, it has %s: take one with its pre-training heads", cfg.Predictions())
			case cfg.Special.Mask == 0:
				return nil, errors.New("nothing says which word piece is [MASK]: open the weights with a configuration that has special_ids")
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

// hidden is what is hidden of one row.
type hidden struct {
	words  []int
	region int
	class  int // the detector's, of the region
}

// hide chooses a word and a region of a row: a word that names exactly one region, and that region. Where the detector names nothing
// one of each is drawn, whichever part has the row. Not ok: there is nothing to hide.
func (r *runner) hide(a *asked, row int, classes map[string]int) (hidden, bool) {
	if len(a.Images) > 0 && len(a.Images[row].Objects) > 0 {
		for _, n := range probe.Namings(a.Batch, row) {
			if class, known := classes[a.Images[row].Objects[n.Region]]; known || classes == nil {
				return hidden{n.Positions, n.Region, class}, true
			}
		}
		return hidden{}, false
	}
	var regions []int
	for v, there := range analysis.ValidRegions(a.Batch, row) {
		if there {
			regions = append(regions, v)
		}
	}
	words := analysis.InnerWords(a.Batch, row)
	if len(words) == 0 || len(regions) == 0 {
		return hidden{}, false
	}
	draw := rand.New(rand.NewPCG(r.settings.Seed, uint64(a.index[row/r.settings.Rows]*r.settings.Rows+row%r.settings.Rows)))
	return hidden{words: []int{words[draw.IntN(len(words))]}, region: regions[draw.IntN(len(regions))]}, true
}

// ablate hides something of each row. classes are those of the detector by their names; nil: they are not the model's.
func (r *runner) ablate(ctx context.Context, a *asked, classes map[string]int) ([]numbers, error) {
	var rows []int
	var all []hidden
	for row := range a.Rows() {
		if h, ok := r.hide(a, row, classes); ok {
			rows, all = append(rows, row), append(all, h)
		}
	}
	if len(rows) == 0 {
		return nil, nil
	}
	named := len(a.Images) > 0 && len(a.Images[rows[0]].Objects) > 0
	found, err := r.ablated(ctx, a.Part(rows...), all, named && classes != nil)
	if err != nil {
		return nil, err
	}
	var out []numbers
	for _, m := range found {
		values := nans(a.Rows())
		for k, row := range rows {
			values[row] = m.Values[k]
		}
		out = append(out, each(m.Name, m.Unit, perExample(values, r.settings.Rows)))
	}
	return out, nil
}

// ablated runs both directions.
func (r *runner) ablated(ctx context.Context, b *lxmert.Batch, all []hidden, labelled bool) ([]modality.Measure, error) {
	cfg := r.eng.Config()
	var words, shown [][]int
	var regions, labels []int
	for row, h := range all {
		var box [4]float64
		for i, x := range b.Boxes.Row(row).Row(h.region).Data[:min(4, cfg.BoxDim)] {
			box[i] = float64(x)
		}
		words, regions, shown = append(words, h.words), append(regions, h.region), append(shown, modality.Covering(b, row, box, 0.5))
		if labelled {
			labels = append(labels, h.class)
		}
	}
	var out []modality.Measure
	if cfg.LM {
		found, err := modality.VisionForLanguage(ctx, r.eng, b, words, modality.VisionOptions{Object: shown})
		if err != nil {
			return nil, err
		}
		for _, m := range found.Measures {
			m.Name = "word hidden: " + m.Name
			out = append(out, m)
		}
	}
	if cfg.FeatHead || labels != nil {
		found, err := modality.LanguageForVision(ctx, r.eng, b, regions, modality.LanguageOptions{Phrase: words, Also: shown, Labels: labels})
		if err != nil {
			return nil, err
		}
		for _, m := range found.Measures {
			m.Name = "region hidden: " + m.Name
			out = append(out, m)
		}
	}
	return out, nil
}
