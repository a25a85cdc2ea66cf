package weights

import (
	"errors"
	"fmt"
	"math/big"
	"strconv"

	"github.com/seed-516990b0/golxmert/lxmert/weights/internal/pickle"
)

// Extra is a value beside the tensors of a checkpoint.
type Extra struct {
	Name string // keys from the top, joined with dots; "" if it is all that the file holds
	What string // a plain value itself, else what it is called: argparse.Namespace, dict of 3
}

const (
	maxDepth  = 64  // how deep a checkpoint's values may be nested
	maxExtras = 100 // that are remembered
)

// walker finds the tensors in a nested value, and lists what else there is. A pickle can refer to a value any number of
// times, to itself even: what is looked at, and the length of the names on the way, is limited.
type walker struct {
	found  []*Tensor
	extras []Extra
	more   int // extras beyond maxExtras
	left   int
	inside map[*Object]bool // objects that are being walked; they may refer back to each other
}

func (w *walker) walk(name string, v any, depth int) error {
	if depth > maxDepth {
		return fmt.Errorf("values are nested deeper than %d, or contain themselves", maxDepth)
	}
	tensors, extras, more := len(w.found), len(w.extras), w.more
	object := false
	var err error
	switch v := v.(type) {
	case *Tensor:
		t := *v
		if t.Name = name; depth == 0 {
			t.Name = "tensor"
		}
		w.found = append(w.found, &t)
		return nil
	case *Dict:
		err = w.entries(name, v, depth)
	case *List:
		err = w.items(name, v.Items, depth)
	case *Tuple:
		err = w.items(name, v.Items, depth)
	case *Object:
		if w.inside[v] {
			return nil
		}
		object = true
		w.inside[v] = true
		err = w.object(name, v, depth)
		delete(w.inside, v)
	}
	if err != nil {
		return err
	}
	// One line for a container without tensors, and for an object of a class, whatever is in it.
	if holds := len(w.found) - tensors; object || holds == 0 {
		w.extras, w.more = w.extras[:extras], more
		w.note(name, v, holds)
	}
	return nil
}

func (w *walker) note(name string, v any, tensors int) {
	if len(w.extras) == maxExtras {
		w.more++
		return
	}
	what := valueText(v)
	switch {
	case tensors == 1:
		what += ", with one tensor"
	case tensors > 1:
		what += fmt.Sprintf(", with %d tensors", tensors)
	}
	w.extras = append(w.extras, Extra{name, what})
}

func (w *walker) items(name string, values []any, depth int) error {
	for i, v := range values {
		if err := w.child(name, i, v, depth); err != nil {
			return err
		}
	}
	return nil
}

func (w *walker) entries(name string, d *Dict, depth int) error {
	if d == nil {
		return nil
	}
	for _, p := range d.Pairs {
		if err := w.child(name, p.Key, p.Value, depth); err != nil {
			return err
		}
	}
	return nil
}

// object walks through what an object was given: tensors in it have the names that Python code would reach them by. A
// whole model that was saved, torch.save(model), has those of its state_dict.
func (w *walker) object(name string, o *Object, depth int) error {
	if err := w.entries(name, o.Entries, depth); err != nil {
		return err
	}
	if err := w.items(name, o.Items, depth); err != nil {
		return err
	}
	if len(o.Args) == 1 { // Counter(dict) is the dict
		if d, ok := o.Args[0].(*Dict); ok {
			if err := w.attributes(name, d, depth); err != nil {
				return err
			}
			return w.state(name, o, depth)
		}
	}
	if err := w.items(name, o.Args, depth); err != nil {
		return err
	}
	return w.state(name, o, depth)
}

// state walks through an object's attributes: a dict, or two of them, ordinary ones and those of slots.
func (w *walker) state(name string, o *Object, depth int) error {
	if err := w.attributes(name, o.Named, depth); err != nil {
		return err
	}
	switch state := o.State.(type) {
	case nil:
		return nil
	case *Dict:
		return w.attributes(name, state, depth)
	case *Tuple:
		if len(state.Items) == 2 {
			first, ok1 := state.Items[0].(*Dict)
			second, ok2 := state.Items[1].(*Dict)
			if (ok1 || state.Items[0] == nil) && ok2 {
				if err := w.attributes(name, first, depth); err != nil {
					return err
				}
				return w.attributes(name, second, depth)
			}
		}
	}
	return w.child(name, "state", o.State, depth)
}

// attributes walks through an object's. Those in which a module of PyTorch keeps its own do not count as names.
func (w *walker) attributes(name string, d *Dict, depth int) error {
	if d == nil {
		return nil
	}
	for _, p := range d.Pairs {
		switch inner, _ := p.Value.(*Dict); {
		case inner != nil && (p.Key == any("_parameters") || p.Key == any("_buffers") || p.Key == any("_modules")):
			if err := w.entries(name, inner, depth); err != nil {
				return err
			}
		default:
			if err := w.child(name, p.Key, p.Value, depth); err != nil {
				return err
			}
		}
	}
	return nil
}

// child walks into a value that stands under a key of another.
func (w *walker) child(name string, key, v any, depth int) error {
	cost, plain := 1, false
	switch v.(type) {
	case *Tensor, *Dict, *List, *Tuple, *Object:
	default:
		plain = true // no tensor in there
	}
	if !plain || depth == 0 {
		part := keyText(key)
		if name != "" {
			part = name + "." + part
		}
		if name = part; len(name) > 4096 {
			return errors.New("a name is longer than 4096 bytes")
		}
		cost += len(name) / 64
	}
	if w.left -= cost; w.left < 0 {
		return errors.New("values refer to each other so often that the file unfolds to more than its size")
	}
	if plain {
		if depth == 0 {
			w.note(name, v, 0)
		}
		return nil
	}
	return w.walk(name, v, depth+1)
}

// keyText is a dict's key as a part of a tensor's name. Tuples, which may nest, and other values are not spelled out.
func keyText(key any) string {
	switch key.(type) {
	case nil, bool, int, int64, float64, string, *big.Int, pickle.Bytes, TorchDType, *Class, *Object:
		return fmt.Sprint(key)
	}
	return "(...)"
}

// valueText is a value as a list of extras shows it, on one line.
func valueText(v any) string {
	switch v := v.(type) {
	case nil:
		return "None"
	case bool:
		if v {
			return "True"
		}
		return "False"
	case string:
		return strconv.Quote(short(v))
	case pickle.Bytes:
		return fmt.Sprintf("bytes of %d", len(v))
	case *Dict:
		return fmt.Sprintf("dict of %d", len(v.Pairs))
	case *List:
		return fmt.Sprintf("list of %d", len(v.Items))
	case *Tuple:
		return fmt.Sprintf("tuple of %d", len(v.Items))
	case *Object:
		if text := numpyText(v); text != "" {
			return text
		}
	case *storageRef:
		return fmt.Sprintf("storage of %d bytes", v.count*storageClass{dtype: v.dtype}.item())
	}
	return short(fmt.Sprint(v))
}
