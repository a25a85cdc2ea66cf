package train

import (
	"context"
	"encoding/binary"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"math"
	"strconv"

	"github.com/seed-516990b0/golxmert/lxmert"
	"github.com/seed-516990b0/golxmert/lxmert/weights"
)

// Items are the parameters as they are, with adapters added to the weights, float32, under the names that name gives them, to be
// written with [weights.Save] before the next step. The decoder of masked words, where there is one, is tied to the word embeddings.
func (t *Trainer) Items(name func(canonical string) string) []weights.Item {
	var items []weights.Item
	for _, v := range t.vars.list {
		if _, is := t.adapters.adapter(v.Name); !is && !isOwn(v.Name) {
			items = append(items, v.item(name(v.Name), func() ([]float32, error) { return t.effective(v) }))
		}
	}
	if t.cfg.LM {
		words := t.vars.byName[lxmert.WordEmbeddings]
		items = append(items, weights.TiedDecoder(weights.Item{Name: name(words.Name), DType: weights.F32, Shape: words.Shape}))
	}
	return items
}

// item is a parameter to write, of values on the device's axes.
func (v *variable) item(name string, values func() ([]float32, error)) weights.Item {
	return weights.Item{Name: name, DType: weights.F32, Shape: v.Shape, Values: func(w io.Writer) error {
		data, err := values()
		if err != nil {
			return err
		}
		item := weights.FromFloats(v.Name, v.Shape, data, weights.F32)
		if v.transposed {
			item = weights.FromTransposed(v.Name, [2]int(v.Shape), data, weights.F32)
		}
		return item.Values(w)
	}}
}

// stateFormat is the version of the files that saveState writes.
const stateFormat = "1"

// saveState writes all that the next step depends on: parameters, the optimizer's state, and a position. Arrays are in
// the device's orientation.
func (t *Trainer) saveState(path string, position any) error {
	var items []weights.Item
	for _, v := range t.vars.list {
		add := func(name string, slot int) {
			items = append(items, weights.Item{
				Name: name, DType: weights.F32, Shape: v.shape.Dimensions,
				Values: func(w io.Writer) error {
					buffers := v.value
					if slot >= 0 {
						buffers = v.slots[slot]
					}
					data, err := host(buffers, v.shape)
					if err != nil {
						return err
					}
					return writeFloats(w, data)
				},
			})
		}
		add("value "+v.Name, -1)
		for s := range v.slots {
			add(stateName(s, v.Name), s)
		}
	}
	return t.writeState(path, items, position)
}

// saveEnd writes a position alone: that of a run that is over.
func (t *Trainer) saveEnd(path string, position any) error { return t.writeState(path, nil, position) }

func (t *Trainer) writeState(path string, items []weights.Item, position any) error {
	text, err := json.Marshal(position)
	if err != nil {
		return err
	}
	return weights.Write(path, items, map[string]string{
		"format": stateFormat, "optimizer": t.optimizer.Name, "step": strconv.Itoa(t.step), "position": string(text),
	})
}

func stateName(slot int, param string) string { return "state " + strconv.Itoa(slot) + " " + param }

// loadState restores what saveState wrote and fills position. A file that does not fit the model leaves nothing usable
// behind, so the trainer is to be closed then.
func (t *Trainer) loadState(ctx context.Context, path string, position any) error {
	f, err := weights.Open(path)
	if err != nil {
		return err
	}
	defer f.Close()
	meta, err := stateMetadata(f)
	if err != nil {
		return err
	}
	if meta["optimizer"] != t.optimizer.Name {
		return fmt.Errorf("train: %s is from a run with the optimizer %s, this one has %s", path, meta["optimizer"], t.optimizer.Name)
	}
	if t.step, err = stateStep(path, meta); err != nil {
		return err
	}
	if err := json.Unmarshal([]byte(meta["position"]), position); err != nil {
		return fmt.Errorf("train: %s: position: %w", path, err)
	}
	if err := t.forgetCount(); err != nil {
		return err
	}
	used := 0
	for _, v := range t.vars.list {
		if err := ctx.Err(); err != nil {
			return err
		}
		read := func(name string, set func([]float32) error) error {
			x, ok := f.Tensor(name)
			if !ok {
				return fmt.Errorf("train: %s has no %q: it is not of this model", path, name)
			}
			used++
			if x.DType != weights.F32 || fmt.Sprint(x.Shape) != fmt.Sprint(v.shape.Dimensions) {
				return fmt.Errorf("train: %s: %q is %s %v, this model needs F32 %v", path, name, x.DType, x.Shape, v.shape.Dimensions)
			}
			data, err := x.Float32s()
			if err != nil {
				return err
			}
			return set(data)
		}
		if err := read("value "+v.Name, func(data []float32) error {
			return errors.Join(v.forgetHalf(), t.vars.set(&v.value, data, v.shape))
		}); err != nil {
			return err
		}
		if _, moved := f.Tensor(stateName(0, v.Name)); !moved {
			continue
		}
		if err := t.vars.start(v, t.optimizer.slots); err != nil {
			return err
		}
		for s := range v.slots {
			if err := read(stateName(s, v.Name), func(data []float32) error { return t.vars.set(&v.slots[s], data, v.shape) }); err != nil {
				return err
			}
		}
	}
	if n := len(f.Names()); used != n {
		return fmt.Errorf("train: %s has %d arrays that this model has not", path, n-used)
	}
	return nil
}

// readPosition reads the position of a state file without its arrays, and how many steps were made until then.
func readPosition(path string, position any) (steps int, err error) {
	f, err := weights.Open(path)
	if err != nil {
		return 0, err
	}
	meta, err := stateMetadata(f)
	err = errors.Join(err, f.Close())
	if err != nil {
		return 0, err
	}
	if err := json.Unmarshal([]byte(meta["position"]), position); err != nil {
		return 0, fmt.Errorf("train: %s: position: %w", path, err)
	}
	return stateStep(path, meta)
}

// stateStep is how many steps were made before a state was saved.
func stateStep(path string, meta map[string]string) (int, error) {
	steps, err := strconv.Atoi(meta["step"])
	if err != nil || steps < 0 {
		return 0, fmt.Errorf("train: %s: step is %q, must be a number", path, meta["step"])
	}
	return steps, nil
}

func stateMetadata(f *weights.File) (map[string]string, error) {
	if f.Metadata["format"] != stateFormat {
		return nil, fmt.Errorf("train: %s is not a state of a training run that this version reads (format %q, must be %q)", f.Path, f.Metadata["format"], stateFormat)
	}
	return f.Metadata, nil
}

// stateSize is how many bytes a state has at most.
func (t *Trainer) stateSize() int64 {
	trained := t.Trained()
	return 4 * (int64(trained.AllValues) + int64(trained.Values)*int64(t.optimizer.slots))
}

func writeFloats(w io.Writer, data []float32) error {
	buf := make([]byte, 0, 64<<10)
	for len(data) > 0 {
		n := min(len(data), cap(buf)/4)
		buf = buf[:0]
		for _, x := range data[:n] {
			buf = binary.LittleEndian.AppendUint32(buf, math.Float32bits(x))
		}
		if _, err := w.Write(buf); err != nil {
			return err
		}
		data = data[n:]
	}
	return nil
}
