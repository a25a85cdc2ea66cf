package intervene

import (
	"fmt"
	"slices"
	"strings"

	"github.com/seed-516990b0/golxmert/analysis/dictionary"
	"github.com/seed-516990b0/golxmert/lxmert"
)

// Features changes features of a dictionary, such as a sparse autoencoder, at the words or regions that are named, or at all:
// what the dictionary reads there is encoded, the features are changed, and what is decoded takes the place of the activation
// that it writes. What the dictionary does not explain of that activation, its error, is kept, so that nothing but the changes
// has an effect. It reads what earlier parts of the same change, see [Together], have left.
func Features(d *dictionary.Dictionary, changes []dictionary.Change, at ...string) Change {
	return features(d, changes, at, false)
}

// Reconstructed is [Features] with the dictionary's error lost: the activation is what the dictionary makes of it. Without
// changes it says how much of the answer the dictionary carries.
func Reconstructed(d *dictionary.Dictionary, changes []dictionary.Change, at ...string) Change {
	return features(d, changes, at, true)
}

func features(d *dictionary.Dictionary, changes []dictionary.Change, at []string, alone bool) Change {
	return Change{featuresName(d, changes, at, alone), []step{{edit: func(q *asked) error {
		if len(changes) == 0 && !alone {
			return fmt.Errorf("no feature is changed")
		}
		if err := d.Fits(q.cfg); err != nil {
			return err
		}
		if err := d.Check(changes); err != nil {
			return err
		}
		found, err := q.cfg.Find(d.Into)
		if err != nil {
			return err
		}
		a := found[0]
		places := at
		if len(places) == 0 { // all, but not padding
			switch a.Axes[0] {
			case lxmert.AxisWord:
				places = []string{"words"}
			case lxmert.AxisRegion:
				places = []string{"regions"}
			}
		}
		mask, err := q.mask(a, places)
		if err != nil {
			return err
		}
		e, write := lxmert.Edit{Name: a.Name, Op: lxmert.Add}, d.Difference
		if alone {
			e, write = lxmert.Edit{Name: a.Name, Op: lxmert.Set, Mask: mask}, d.Reconstruct
		}
		q.needs = append(q.needs, need{edit: len(q.edits), reads: d.At, make: func(read lxmert.Tensor) lxmert.Tensor {
			return written(read, mask, d.Decoder.Shape[1], func(x []float32) []float32 { return write(x, changes) })
		}})
		q.edit(e)
		return nil
	}}}}
}

// written has what is written for what is read at each position where the mask is 1, and 0 elsewhere: of [rows, positions, D]
// [rows, positions, width], of [rows, D] [rows, width].
func written(read, mask lxmert.Tensor, width int, write func(x []float32) []float32) lxmert.Tensor {
	last := len(read.Shape) - 1
	out, in := lxmert.NewTensor(append(slices.Clone(read.Shape[:last]), width)...), read.Shape[last]
	for i, m := range mask.Data { // a position each
		if m != 0 {
			copy(out.Data[i*width:], write(read.Data[i*in:(i+1)*in]))
		}
	}
	return out
}

func featuresName(d *dictionary.Dictionary, changes []dictionary.Change, at []string, alone bool) string {
	var s strings.Builder
	if alone {
		fmt.Fprintf(&s, "%s as %s reconstructs it", d.Into, d.Name)
	} else {
		s.WriteString(d.Name)
	}
	for i, c := range changes {
		fmt.Fprintf(&s, "%s%s", map[bool]string{true: ": ", false: ", "}[i == 0], c)
	}
	if len(at) > 0 {
		fmt.Fprintf(&s, " at %s", strings.Join(at, ", "))
	}
	return s.String()
}
