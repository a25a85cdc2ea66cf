package dictionary

import (
	"cmp"
	"fmt"
	"slices"

	"github.com/seed-516990b0/golxmert/lxmert"
)

// Activation makes features of what the encoder computes.
type Activation string

// The activations that there are; see the package comment.
const (
	ReLU     Activation = "relu"
	TopK     Activation = "topk"
	JumpReLU Activation = "jumprelu"
)

// Dictionary is a set of features, each a direction that is read and one that is written.
type Dictionary struct {
	Name string // such as its file
	At   string // the activation that is read
	Into string // the one that is written

	Encoder     lxmert.Tensor // [D, features]
	EncoderBias []float32     // [features]
	Decoder     lxmert.Tensor // [features, E]
	DecoderBias []float32     // [E]

	Activation Activation
	K          int       // of TopK
	Threshold  []float32 // of JumpReLU, [features]
	// Centred says that the decoder's bias is subtracted from what is read.
	Centred bool
}

// Features is how many there are.
func (d *Dictionary) Features() int { return len(d.EncoderBias) }

// Encode gives the features of one position's activation, [D]. It panics if that has another width.
func (d *Dictionary) Encode(x []float32) []float64 {
	if len(x) != d.Encoder.Shape[0] {
		panic(fmt.Sprintf("dictionary: %d numbers for an encoder of %d", len(x), d.Encoder.Shape[0]))
	}
	z := make([]float64, d.Features())
	for j, b := range d.EncoderBias {
		z[j] = float64(b)
	}
	for i, v := range x {
		if d.Centred {
			v -= d.DecoderBias[i]
		}
		if v == 0 {
			continue
		}
		for j, w := range d.Encoder.Row(i).Data {
			z[j] += float64(v) * float64(w)
		}
	}
	d.activate(z)
	return z
}

// activate turns what the encoder computes into features.
func (d *Dictionary) activate(z []float64) {
	switch d.Activation {
	case TopK:
		order := make([]int, len(z))
		for j := range order {
			order[j] = j
		}
		slices.SortStableFunc(order, func(a, b int) int { return cmp.Compare(z[b], z[a]) })
		for _, j := range order[min(d.K, len(z)):] {
			z[j] = 0
		}
	case JumpReLU:
		for j, t := range d.Threshold {
			if z[j] <= float64(t) {
				z[j] = 0
			}
		}
		return
	}
	for j := range z {
		z[j] = max(0, z[j])
	}
}

// Decode gives the reconstruction of features, [E].
func (d *Dictionary) Decode(features []float64) []float64 {
	out := d.direction(features)
	for i, b := range d.DecoderBias {
		out[i] += float64(b)
	}
	return out
}

// direction is what features add to the decoder's bias.
func (d *Dictionary) direction(features []float64) []float64 {
	out := make([]float64, len(d.DecoderBias))
	for j, f := range features {
		if f == 0 {
			continue
		}
		for i, w := range d.Decoder.Row(j).Data {
			out[i] += f * float64(w)
		}
	}
	return out
}

// Fits says why a dictionary cannot be applied to a model: a name that the model does not have, heads, another width, or
// other positions where it reads than where it writes.
func (d *Dictionary) Fits(c lxmert.Config) error {
	if d.At == "" {
		return fmt.Errorf("%s does not say which activation it is of: its metadata needs \"at\", such as hid.t.9, or it is given one", d.Name)
	}
	var positions [2]lxmert.Axis
	for i, side := range []struct {
		name, tensor string
		width        int
	}{{d.At, "W_enc", d.Encoder.Shape[0]}, {d.Into, "W_dec", d.Decoder.Shape[1]}} {
		a, err := activation(c, side.name)
		if err != nil {
			return fmt.Errorf("%s: %w", d.Name, err)
		}
		dims := a.Dims(c, 0, 0)
		width := dims[len(dims)-1]
		if len(dims) == 2 {
			positions[i] = a.Axes[0]
		}
		if width == side.width {
			continue
		}
		want, got := fmt.Sprintf("[%d, features]", width), d.Encoder.Shape
		if side.tensor == "W_dec" {
			want, got = fmt.Sprintf("[features, %d]", width), d.Decoder.Shape
		}
		return fmt.Errorf("%s: %s is %v, of %s it must be %s", d.Name, side.tensor, got, side.name, want)
	}
	if positions[0] != positions[1] {
		return fmt.Errorf("%s: %s and %s do not have the same positions: one dictionary cannot lead from one to the other", d.Name, d.At, d.Into)
	}
	return nil
}

// activation is the one of a name that a dictionary can be of.
func activation(c lxmert.Config, name string) (lxmert.Activation, error) {
	found, err := c.Find(name)
	if err != nil {
		return lxmert.Activation{}, err
	}
	a := found[0]
	switch {
	case len(found) > 1:
		return a, fmt.Errorf("%s stands for %d activations, a dictionary is of one", name, len(found))
	case len(a.Axes) > 2 || c.Rows(name) == lxmert.TaskRows:
		return a, fmt.Errorf("%s is %s: a dictionary is of an activation of words, regions or pairs without heads", name, a.Shape())
	}
	return a, nil
}
