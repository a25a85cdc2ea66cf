package modality

import (
	"errors"
	"fmt"

	"github.com/seed-516990b0/golxmert/analysis"
	"github.com/seed-516990b0/golxmert/lxmert"
)

// AbsentWord is what stands for a word that is not there. The numbers that come out depend on it as much as on the model.
type AbsentWord int

const (
	MaskWord   AbsentWord = iota // [MASK], as in pre-training
	PadWord                      // the id of [PAD], attended to like a word, as MM-SHAP was published; the model has never seen that
	DeleteWord                   // nothing: nobody attends to it; the others keep their positions
)

// AbsentRegion is what stands for a region that is not there.
type AbsentRegion int

const (
	ZeroRegion   AbsentRegion = iota // features of zero at its box, as in pre-training
	MeanRegion                       // the mean of the batch's features at its box
	DeleteRegion                     // nothing: nobody attends to it
)

func (a AbsentWord) String() string {
	return [...]string{"[MASK]", "[PAD], attended to", "deleted"}[a]
}

func (a AbsentRegion) String() string {
	return [...]string{"zero features", "mean features", "deleted"}[a]
}

// absence takes words and regions away.
type absence struct {
	words   AbsentWord
	regions AbsentRegion
	id      int32     // of an absent word
	mean    []float32 // of an absent region
}

func newAbsence(cfg lxmert.Config, b *lxmert.Batch, words AbsentWord, regions AbsentRegion) (absence, error) {
	a := absence{words: words, regions: regions, id: cfg.Special.Pad}
	switch {
	case words < MaskWord || words > DeleteWord:
		return a, fmt.Errorf("there is no AbsentWord %d", words)
	case regions < ZeroRegion || regions > DeleteRegion:
		return a, fmt.Errorf("there is no AbsentRegion %d", regions)
	case words == MaskWord && cfg.Special.Mask == 0:
		return a, errors.New("nothing says which word piece is [MASK], which stands for absent words: open the weights with a configuration that has special_ids, or choose another absent word")
	case words == MaskWord:
		a.id = cfg.Special.Mask
	}
	if regions == MeanRegion {
		a.mean = MeanFeature(b)
	}
	return a, nil
}

// MeanFeature is the mean feature of all regions of a batch that are not masked, [F]: what published ablations put in the
// place of a region.
func MeanFeature(b *lxmert.Batch) []float32 {
	b = analysis.Separate(b)
	sums, n := make([]float64, b.Feats.Shape[2]), 0
	for row := range b.Rows() {
		for v, there := range analysis.ValidRegions(b, row) {
			if there {
				n++
				for i, x := range b.Feats.Row(row).Row(v).Data {
					sums[i] += float64(x)
				}
			}
		}
	}
	mean := make([]float32, len(sums))
	for i, s := range sums {
		mean[i] = float32(s / float64(max(1, n)))
	}
	return mean
}

func (a absence) word(ids []int32, mask []float32, at int) {
	if a.words == DeleteWord {
		mask[at] = 0
		return
	}
	ids[at] = a.id
}

func (a absence) region(feats lxmert.Tensor, mask []float32, at int) {
	switch a.regions {
	case DeleteRegion:
		mask[at] = 0
	case MeanRegion:
		copy(feats.Row(at).Data, a.mean)
	default:
		clear(feats.Row(at).Data)
	}
}
