package dictionary

import (
	"encoding/binary"
	"errors"
	"fmt"
	"io"
	"math"
	"path/filepath"
	"slices"
	"strconv"

	"github.com/seed-516990b0/golxmert/internal/half"
	"github.com/seed-516990b0/golxmert/internal/safetensors"
	"github.com/seed-516990b0/golxmert/lxmert"
)

// ErrFormat is wrapped by every error that says that a file is not a dictionary.
var ErrFormat = errors.New("not a dictionary")

// Open reads a file. The activation that its metadata does not name, at, is given; "" leaves it open, and
// [Dictionary.Fits] then says so. Errors name the file.
func Open(path, at string) (*Dictionary, error) {
	d, err := safetensors.ReadFile(path, Read)
	if err != nil {
		return nil, err
	}
	d.Name = filepath.Base(path)
	if d.At == "" {
		d.At = at
	} else if at != "" && at != d.At {
		return nil, fmt.Errorf("%s: it is of %s, as its metadata says, not of %s", path, d.At, at)
	}
	if d.Into == "" {
		d.Into = d.At
	}
	return d, nil
}

// Read reads a dictionary of the given size in bytes. It trusts nothing: errors wrap [ErrFormat] or are r's own.
func Read(r io.ReaderAt, size int64) (*Dictionary, error) {
	entries, meta, start, err := safetensors.ReadHeader(r, size)
	if err != nil {
		return nil, fmt.Errorf("%w: %w", ErrFormat, err)
	}
	tensors := map[string]lxmert.Tensor{}
	for _, e := range entries {
		if !slices.Contains([]string{"W_enc", "b_enc", "W_dec", "b_dec", "threshold"}, e.Name) {
			return nil, fmt.Errorf("%w: there is a tensor %.60q; a dictionary has W_enc, b_enc, W_dec, b_dec and, for jumprelu, threshold", ErrFormat, e.Name)
		}
		raw := make([]byte, e.End-e.Begin)
		if n, err := r.ReadAt(raw, start+e.Begin); n < len(raw) {
			return nil, fmt.Errorf("reading %s: %w", e.Name, err)
		}
		x, err := widen(raw, e)
		if err != nil {
			return nil, err
		}
		tensors[e.Name] = x
	}
	d := &Dictionary{At: meta["at"], Into: meta["into"], Encoder: tensors["W_enc"], EncoderBias: tensors["b_enc"].Data, Decoder: tensors["W_dec"], DecoderBias: tensors["b_dec"].Data, Threshold: tensors["threshold"].Data}
	if err := checkShapes(tensors); err != nil {
		return nil, fmt.Errorf("%w: %w", ErrFormat, err)
	}
	if err := d.setRules(meta); err != nil {
		return nil, fmt.Errorf("%w: %w", ErrFormat, err)
	}
	return d, nil
}

// checkShapes says which tensor is missing or does not fit the others.
func checkShapes(tensors map[string]lxmert.Tensor) error {
	for _, name := range []string{"W_enc", "b_enc", "W_dec", "b_dec"} {
		if tensors[name].IsZero() {
			return fmt.Errorf("%s is missing", name)
		}
	}
	enc, dec := tensors["W_enc"].Shape, tensors["W_dec"].Shape
	switch {
	case len(enc) != 2 || enc[0] < 1 || enc[1] < 1:
		return fmt.Errorf("tensor W_enc is %v, must be [width, features]", enc)
	case len(dec) != 2 || dec[0] != enc[1] || dec[1] < 1:
		return fmt.Errorf("tensor W_dec is %v, beside W_enc %v it must be [%d, width]", dec, enc, enc[1])
	}
	for name, want := range map[string]int{"b_enc": enc[1], "b_dec": dec[1], "threshold": enc[1]} {
		if x, ok := tensors[name]; ok && !slices.Equal(x.Shape, []int{want}) {
			return fmt.Errorf("%s is %v, must be [%d]", name, x.Shape, want)
		}
	}
	return nil
}

// setRules reads the metadata.
func (d *Dictionary) setRules(meta map[string]string) (err error) {
	switch d.Activation = Activation(meta["activation"]); d.Activation {
	case "":
		d.Activation = ReLU
		if d.Threshold != nil {
			d.Activation = JumpReLU
		}
	case ReLU, TopK, JumpReLU:
	default:
		return fmt.Errorf("its activation is %.60q; there are relu, topk and jumprelu", meta["activation"])
	}
	k, hasK := meta["k"]
	if d.Activation == TopK {
		if d.K, err = strconv.Atoi(k); err != nil || d.K < 1 || d.K > d.Features() {
			return fmt.Errorf("k of topk is %.60q, must be from 1 to %d", k, d.Features())
		}
	} else if hasK {
		return fmt.Errorf("it has k, which is for activation topk, but activation %s", d.Activation)
	}
	if (d.Activation == JumpReLU) != (d.Threshold != nil) {
		return fmt.Errorf("activation %s, and threshold there: %v; jumprelu has thresholds, others none", d.Activation, d.Threshold != nil)
	}
	switch text := meta["apply_b_dec_to_input"]; text {
	case "", "false", "False":
	case "true", "True":
		if d.Encoder.Shape[0] != len(d.DecoderBias) {
			return fmt.Errorf("apply_b_dec_to_input is true, but b_dec has %d numbers and W_enc reads %d", len(d.DecoderBias), d.Encoder.Shape[0])
		}
		d.Centred = true
	default:
		return fmt.Errorf("apply_b_dec_to_input is %.60q, must be true or false", text)
	}
	return nil
}

// widen makes numbers of a tensor's bytes.
func widen(raw []byte, e safetensors.Entry) (lxmert.Tensor, error) {
	size := safetensors.ItemSize(e.DType)
	x := lxmert.Tensor{Shape: e.Shape, Data: make([]float32, len(raw)/size)}
	le := binary.LittleEndian
	for i := range x.Data {
		b := raw[i*size:]
		switch e.DType {
		case "F64":
			x.Data[i] = float32(math.Float64frombits(le.Uint64(b)))
		case "F32":
			x.Data[i] = math.Float32frombits(le.Uint32(b))
		case "F16":
			x.Data[i] = half.Widen(le.Uint16(b))
		case "BF16":
			x.Data[i] = math.Float32frombits(uint32(le.Uint16(b)) << 16)
		default:
			return x, fmt.Errorf("%w: %s has type %s, must be F64, F32, F16 or BF16", ErrFormat, e.Name, e.DType)
		}
		if v := x.Data[i]; v-v != 0 {
			return x, fmt.Errorf("%w: %s has %g at %d", ErrFormat, e.Name, v, i)
		}
	}
	return x, nil
}
