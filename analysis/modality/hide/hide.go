// Package hide chooses what cross-modal ablation hides where nobody says it: a word that names exactly one region of the picture,
// as the detector calls it, and that region. (It reads the detector's names as probes do, which package modality, for the sake of
// those who link it, does not.)
package hide

import (
	"context"
	"errors"
	"fmt"

	"github.com/seed-516990b0/golxmert/analysis"
	"github.com/seed-516990b0/golxmert/analysis/modality"
	"github.com/seed-516990b0/golxmert/analysis/probe"
	"github.com/seed-516990b0/golxmert/lxmert"
)

// Hidden is what is hidden of one row: a word, and the region that it names.
type Hidden struct {
	Words  []int // positions of the word's pieces
	Region int
	Class  int // of the region, as the model's head for objects counts them
}

// ClassOf is the class of a picture's region, as the model's head for objects counts them; not ok: it is not known.
type ClassOf func(info lxmert.ImageInfo, region int) (class int, ok bool)

// Numbered is the class of the detector's own number, for a model of so many classes.
func Numbered(classes int) ClassOf {
	return func(info lxmert.ImageInfo, region int) (int, bool) {
		if region >= len(info.ObjectIDs) {
			return 0, false
		}
		k := int(info.ObjectIDs[region])
		return k, 0 <= k && k < classes
	}
}

// CanGuess says why a model has nothing to guess with: it has a head for words, or one for regions. labelled says that classes of
// regions are known.
func CanGuess(cfg lxmert.Config, labelled bool) error {
	switch {
	case !cfg.LM && !cfg.FeatHead && (cfg.Objects == 0 || !labelled):
		return fmt.Errorf("the model guesses neither words nor regions, it has %s: take one with its pre-training heads", cfg.Predictions())
	case cfg.Special.Mask == 0:
		return lxmert.ErrNoMask
	}
	return nil
}

// Of chooses what is hidden of a row: the first word that names exactly one region, and of which the class is known, if class is
// given. Not ok: there is none.
func Of(b *lxmert.Batch, row int, class ClassOf) (Hidden, bool) {
	for _, n := range probe.Namings(b, row) {
		if class == nil {
			return Hidden{n.Positions, n.Region, 0}, true
		}
		_, image := b.Pair(row)
		if k, known := class(b.Images[image], n.Region); known {
			return Hidden{n.Positions, n.Region, k}, true
		}
	}
	return Hidden{}, false
}

// Measure hides something of each row, and takes away more or less of the other modality, both ways: as far as the model has the
// heads. labelled says that classes are known. Names of measures begin with what is hidden.
func Measure(ctx context.Context, eng lxmert.Engine, b *lxmert.Batch, all []Hidden, labelled bool) (*modality.Ablation, error) {
	cfg := eng.Config()
	b = analysis.Separate(b)
	var words, shown [][]int
	var regions, labels []int
	for row, h := range all {
		var box [4]float64
		for i, x := range b.Boxes.Row(row).Row(h.Region).Data[:min(4, cfg.BoxDim)] {
			box[i] = float64(x)
		}
		words, regions, shown = append(words, h.Words), append(regions, h.Region), append(shown, modality.Covering(b, row, box, 0.5))
		if labelled {
			labels = append(labels, h.Class)
		}
	}
	out := &modality.Ablation{Meta: analysis.Meta{Method: "cross-modal ablation", N: b.Rows()}}
	add := func(what string, found *modality.Ablation, err error) error {
		if err != nil {
			return err
		}
		out.Model = found.Model
		for _, m := range found.Measures {
			m.Name = what + m.Name
			out.Measures = append(out.Measures, m)
		}
		return nil
	}
	if cfg.LM {
		found, err := modality.VisionForLanguage(ctx, eng, b, words, modality.VisionOptions{Object: shown})
		if err := add("word hidden: ", found, err); err != nil {
			return nil, err
		}
	}
	if cfg.FeatHead || labels != nil {
		found, err := modality.LanguageForVision(ctx, eng, b, regions, modality.LanguageOptions{Phrase: words, Also: shown, Labels: labels})
		if err := add("region hidden: ", found, err); err != nil {
			return nil, err
		}
	}
	return out, nil
}

// Run goes through a data set: of each row with a word that names exactly one region both are hidden, one after the other. Rows
// without one are left out, and counted in a note. progress, if there is one, is told how many rows were read.
func Run(ctx context.Context, eng lxmert.Engine, batches probe.Batches, progress func(done int)) (*modality.Ablation, error) {
	cfg := eng.Config()
	if err := CanGuess(cfg, true); err != nil {
		return nil, err
	}
	class := ClassOf(nil)
	if cfg.Objects > 0 {
		class = Numbered(cfg.Objects)
	}
	var out *modality.Ablation
	done, left, features := 0, 0, ""
	for b, err := range batches {
		if err != nil {
			return nil, err
		}
		var rows []int
		var all []Hidden
		for row := range b.Rows() {
			if h, ok := Of(b, row, class); ok {
				rows, all = append(rows, row), append(all, h)
			}
		}
		done, left = done+b.Rows(), left+b.Rows()-len(rows)
		if features == "" && len(b.Images) > 0 {
			features = b.Images[0].Source
		}
		if len(rows) > 0 {
			found, err := Measure(ctx, eng, b.Part(rows...), all, class != nil)
			if err != nil {
				return nil, err
			}
			out = join(out, found)
		}
		if progress != nil {
			progress(done)
		}
	}
	if out == nil {
		return nil, errors.New("no question has a word that names exactly one region: regions need the names that the detector gives them (in a file of objects), and sentences that say these")
	}
	out.Features = features
	out.Notes = append(out.Notes, "Hidden is a word that names exactly one region of its picture, or that region. Surprise is −ln p of what is hidden: the more it grows, the more was lost by what was taken away.")
	if left > 0 {
		out.Notes = append(out.Notes, fmt.Sprintf("%d of %d questions have no such word.", left, done))
	}
	return out, nil
}

// join appends what was found of further rows.
func join(to, from *modality.Ablation) *modality.Ablation {
	if to == nil {
		return from
	}
	to.N += from.N
	for i := range to.Measures {
		to.Measures[i].Values = append(to.Measures[i].Values, from.Measures[i].Values...)
	}
	return to
}
