package modality

import (
	"context"
	"fmt"
	"math"
	"slices"

	"github.com/seed-516990b0/golxmert/analysis"
	"github.com/seed-516990b0/golxmert/analysis/readout"
	"github.com/seed-516990b0/golxmert/lxmert"
)

// This file is cross-modal input ablation (Frank, Bugliarello and Elliott, "Vision-and-language or vision-for-language?",
// 2021): hide something of one modality, take away more or less of the other, and see how much worse it is guessed.

// Ablation is how well something hidden is guessed under several conditions.
type Ablation struct {
	analysis.Meta
	Measures []Measure // one for each condition and measure; the first condition is "intact"
}

// VisionOptions are those of [VisionForLanguage].
type VisionOptions struct {
	// Object are for each row the regions that show what the hidden words name, such as those of [Covering]; nil: only all
	// regions are taken away, not these alone.
	Object [][]int
	// Mean is the feature that stands in for regions in the published ablation, the mean of the data set; nil: the batch's.
	Mean []float32
}

// VisionForLanguage hides words of each row behind [MASK] and says how surprising they are to the model, with all regions and
// without: the mean of -ln p over the words, nats. Regions are given the mean feature (as published), a feature of zero, or
// are removed, so that nobody attends to any.
func VisionForLanguage(ctx context.Context, eng lxmert.Engine, b *lxmert.Batch, words [][]int, opt VisionOptions) (*Ablation, error) {
	cfg := eng.Config()
	if err := b.Check(cfg); err != nil {
		return nil, err
	}
	b = analysis.Separate(b)
	switch {
	case !cfg.LM:
		return nil, fmt.Errorf("the model cannot guess words, it has no out.mlm; it has %s", cfg.Predictions())
	case cfg.Special.Mask == 0:
		return nil, lxmert.ErrNoMask
	case len(words) != b.Rows():
		return nil, fmt.Errorf("words to hide in %d rows, there are %d", len(words), b.Rows())
	case opt.Object != nil && len(opt.Object) != b.Rows():
		return nil, fmt.Errorf("regions of the object in %d rows, there are %d", len(opt.Object), b.Rows())
	}
	terms, hidden, err := hideWords(cfg, b, words)
	if err != nil {
		return nil, err
	}
	mean := opt.Mean
	if mean == nil {
		mean = MeanFeature(b)
	}
	if len(mean) != cfg.FeatDim {
		return nil, fmt.Errorf("a mean feature of %d numbers, regions have %d", len(mean), cfg.FeatDim)
	}
	all := make([][]int, b.Rows())
	for row := range all {
		for v := range b.V() {
			all[row] = append(all[row], v)
		}
	}
	out := &Ablation{Meta: analysis.Meta{Method: "cross-modal ablation, vision for language", Target: "hidden words", Unit: "nats", N: b.Rows()}}
	measure := func(name string, batch *lxmert.Batch) error {
		trace, err := eng.Run(ctx, batch, lxmert.Request{Grad: &lxmert.Grad{Of: terms}, NoRegions: lxmert.AttendNothing})
		if err != nil {
			return err
		}
		out.Model = trace.Provenance
		m := Measure{Name: name, Unit: "nats"}
		for _, s := range trace.Score {
			m.Values = append(m.Values, float64(s))
		}
		out.Measures = append(out.Measures, m)
		return nil
	}
	if err := measure("intact", hidden); err != nil {
		return nil, err
	}
	for _, what := range []struct {
		name    string
		regions [][]int
	}{{"object", opt.Object}, {"all", all}} {
		if what.regions == nil {
			continue
		}
		for _, how := range []struct {
			name   string
			absent AbsentRegion
		}{{"mean feature", MeanRegion}, {"zero feature", ZeroRegion}, {"removed", DeleteRegion}} {
			without, err := withoutRegions(hidden, what.regions, absence{regions: how.absent, mean: mean})
			if err != nil {
				return nil, err
			}
			if err := measure(what.name+" regions, "+how.name, without); err != nil {
				return nil, err
			}
		}
	}
	return out, nil
}

// hideWords masks words and makes the terms whose sum is the mean of -ln p over each row's.
func hideWords(cfg lxmert.Config, b *lxmert.Batch, words [][]int) ([]lxmert.Term, *lxmert.Batch, error) {
	most := 0
	hidden := *b
	hidden.IDs = nil
	for row, positions := range words {
		valid := analysis.ValidWords(b, row)
		ids := slices.Clone(b.IDs[row])
		if len(positions) == 0 {
			return nil, nil, fmt.Errorf("row %d has no word to hide", row)
		}
		for _, t := range positions {
			if t < 0 || t >= len(valid) || !valid[t] {
				return nil, nil, fmt.Errorf("row %d has no word at position %d", row, t)
			}
			ids[t] = cfg.Special.Mask
		}
		hidden.IDs = append(hidden.IDs, ids)
		most = max(most, len(positions))
	}
	terms := make([]lxmert.Term, most)
	for k := range terms {
		terms[k] = lxmert.Term{Output: "out.mlm", Kind: lxmert.LogProb}
		for row, positions := range words {
			weight := float32(0)
			if k < len(positions) {
				weight = -1 / float32(len(positions))
			}
			at := positions[min(k, len(positions)-1)]
			terms[k].Position, terms[k].Class = append(terms[k].Position, at), append(terms[k].Class, int(b.IDs[row][at]))
			terms[k].Weight = append(terms[k].Weight, weight)
		}
	}
	return terms, &hidden, nil
}

// withoutRegions takes regions of each row away.
func withoutRegions(b *lxmert.Batch, regions [][]int, absent absence) (*lxmert.Batch, error) {
	out := *b
	out.Feats, out.Boxes, out.RegionMask = lxmert.Tensor{}, lxmert.Tensor{}, nil
	for row := range b.Rows() {
		for _, v := range regions[row] {
			if v < 0 || v >= b.V() {
				return nil, fmt.Errorf("row %d has no region %d", row, v)
			}
		}
		appendPicture(&out, b, row, func(feats lxmert.Tensor, mask []float32) {
			for _, v := range regions[row] {
				absent.region(feats, mask, v)
			}
		})
	}
	return &out, nil
}

// Covering lists the regions of a row that cover more than a share of a box (x0 y0 x1 y1, 0 to 1): their intersection with
// it, over the area of the box. The published ablation takes 0.5.
func Covering(b *lxmert.Batch, row int, box [4]float64, share float64) []int {
	boxes := analysis.Separate(b).Boxes.Row(row)
	area := (box[2] - box[0]) * (box[3] - box[1])
	var list []int
	for v, there := range analysis.ValidRegions(b, row) {
		r := boxes.Row(v).Data
		w := min(float64(r[2]), box[2]) - max(float64(r[0]), box[0])
		h := min(float64(r[3]), box[3]) - max(float64(r[1]), box[1])
		if there && w > 0 && h > 0 && w*h > share*area {
			list = append(list, v)
		}
	}
	return list
}

// LanguageOptions are those of [LanguageForVision].
type LanguageOptions struct {
	// Phrase are for each row the words that name the region; nil: only all words are taken away, not these alone.
	Phrase [][]int
	// Detector are for each row the probabilities of the region's classes, as the detector sees it: then the divergence of
	// the model's guess from them is measured. Labels are the right classes: then how surprising they are.
	Detector [][]float64
	Labels   []int
	// Also are for each row further regions that are hidden, such as those of [Covering] that show the same.
	Also [][]int
}

// LanguageForVision hides a region of each row, its feature set to zero, and says how well the model guesses it, with the
// text and with words hidden behind [MASK]: KL(detector || model) and -ln p of the label in nats, and the smooth L1 distance
// of the guessed feature from the hidden one, the mean over its numbers. What the model has no head for is left out.
func LanguageForVision(ctx context.Context, eng lxmert.Engine, b *lxmert.Batch, regions []int, opt LanguageOptions) (*Ablation, error) {
	cfg := eng.Config()
	if err := b.Check(cfg); err != nil {
		return nil, err
	}
	b = analysis.Separate(b)
	read, err := opt.check(cfg, b, regions)
	if err != nil {
		return nil, err
	}
	hide, all := make([][]int, b.Rows()), make([][]int, b.Rows())
	for row := range hide {
		hide[row] = []int{regions[row]}
		if opt.Also != nil {
			hide[row] = append(hide[row], opt.Also[row]...)
		}
		all[row] = analysis.InnerWords(b, row)
	}
	hidden, err := withoutRegions(b, hide, absence{})
	if err != nil {
		return nil, err
	}
	out := &Ablation{Meta: analysis.Meta{Method: "cross-modal ablation, language for vision", Target: "hidden region", N: b.Rows()}}
	for _, what := range []struct {
		name  string
		words [][]int
	}{{"intact", make([][]int, b.Rows())}, {"phrase hidden", opt.Phrase}, {"all words hidden", all}} {
		if what.words == nil {
			continue
		}
		masked := *hidden
		masked.IDs = nil
		for row, ids := range hidden.IDs {
			ids = slices.Clone(ids)
			for _, t := range what.words[row] {
				if t < 0 || t >= len(ids) {
					return nil, fmt.Errorf("row %d has no word %d", row, t)
				}
				ids[t] = cfg.Special.Mask
			}
			masked.IDs = append(masked.IDs, ids)
		}
		trace, err := eng.Run(ctx, &masked, lxmert.Request{Want: read, NoRegions: masked.NoRegions()})
		if err != nil {
			return nil, err
		}
		out.Model = trace.Provenance
		out.Measures = append(out.Measures, opt.measure(what.name, b, regions, trace)...)
	}
	return out, nil
}

// check says what does not fit, and otherwise what to read.
func (o LanguageOptions) check(cfg lxmert.Config, b *lxmert.Batch, regions []int) (read []lxmert.Read, err error) {
	rows := b.Rows()
	for what, n := range map[string]int{"regions to hide": len(regions), "phrases": len(o.Phrase), "the detector's probabilities": len(o.Detector), "labels": len(o.Labels), "further regions": len(o.Also)} {
		if n != rows && (n != 0 || what == "regions to hide") {
			return nil, fmt.Errorf("%s of %d rows, there are %d", what, n, rows)
		}
	}
	if cfg.Special.Mask == 0 {
		return nil, lxmert.ErrNoMask
	}
	var at [][]int
	for row, v := range regions {
		if v < 0 || v >= b.V() || !analysis.ValidRegions(b, row)[v] {
			return nil, fmt.Errorf("row %d has no region %d", row, v)
		}
		at = append(at, []int{v})
	}
	for row, p := range o.Detector {
		if len(p) != cfg.Objects {
			return nil, fmt.Errorf("row %d has probabilities of %d classes, the model has %d", row, len(p), cfg.Objects)
		}
	}
	for row, k := range o.Labels {
		if k < 0 || k >= cfg.Objects {
			return nil, fmt.Errorf("row %d has the class %d, the model has %d", row, k, cfg.Objects)
		}
	}
	if cfg.Objects > 0 && (o.Detector != nil || o.Labels != nil) {
		read = append(read, lxmert.Read{Name: "out.obj", Positions: at})
	}
	if cfg.FeatHead {
		read = append(read, lxmert.Read{Name: "out.feat", Positions: at})
	}
	if read == nil {
		return nil, fmt.Errorf("there is nothing to compare a guess with: the model has %s, and of the detector neither probabilities nor labels are given", cfg.Predictions())
	}
	return read, nil
}

// measure compares what was guessed with what was hidden.
func (o LanguageOptions) measure(condition string, b *lxmert.Batch, regions []int, trace *lxmert.Trace) []Measure {
	kl, surprise, distance := Measure{Name: condition + ", divergence", Unit: "nats"}, Measure{Name: condition + ", surprise", Unit: "nats"}, Measure{Name: condition + ", feature distance"}
	for row := range regions {
		if logits, ok := trace.Values["out.obj"]; ok {
			logProb := logSoftmax(logits.Row(row).Row(0).Data)
			if o.Detector != nil {
				sum := 0.0
				for k, p := range o.Detector[row] {
					if p > 0 {
						sum += p * (math.Log(p) - logProb[k])
					}
				}
				kl.Values = append(kl.Values, sum)
			}
			if o.Labels != nil {
				surprise.Values = append(surprise.Values, -logProb[o.Labels[row]])
			}
		}
		if guessed, ok := trace.Values["out.feat"]; ok {
			distance.Values = append(distance.Values, readout.SmoothL1(guessed.Row(row).Row(0).Data, b.Feats.Row(row).Row(regions[row]).Data))
		}
	}
	var out []Measure
	for _, m := range []Measure{kl, surprise, distance} {
		if m.Values != nil {
			out = append(out, m)
		}
	}
	return out
}

func logSoftmax(logits []float32) []float64 { return lxmert.LogProbabilities(lxmert.Softmax, logits) }
