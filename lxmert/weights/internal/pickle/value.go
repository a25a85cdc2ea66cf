package pickle

import (
	"fmt"
	"reflect"
)

// Values are: nil, bool, int64, *big.Int (an int beyond 64 bits), float64, string, Bytes, *Tuple, *List, *Dict, *Class,
// *Object, and whatever a Callable or Persistent returns.

// Bytes is a Python bytes or bytearray object.
type Bytes string

// Tuple is a Python tuple, or a frozenset in the order in which it was written.
type Tuple struct{ Items []any }

// List is a Python list, or a set in the order in which it was written.
type List struct{ Items []any }

// Pair is one item of a Dict.
type Pair struct{ Key, Value any }

// Dict is a Python dict or OrderedDict, in order. Later values of a key replace earlier ones, as in Python.
type Dict struct {
	Pairs []Pair
	// Attrs are attributes that a BUILD set on the object, such as a state dict's _metadata. Nil: none.
	Attrs *Dict

	at map[any]int // built when the dict has more than a few items
}

// scanLimit is the size from which a Dict looks keys up in a map.
const scanLimit = 8

// Get returns the value of a key: a string, int64, float64, bool or nil.
func (d *Dict) Get(key any) (any, bool) {
	if i := d.find(key); i >= 0 {
		return d.Pairs[i].Value, true
	}
	return nil, false
}

// SetKey is Set for a key that may not be a key: a list, a dict, or a value that Go cannot compare.
func (d *Dict) SetKey(key, value any) error {
	switch key.(type) {
	case nil:
	case *List, *Dict:
		return fmt.Errorf("%s is not a key for a dict", kind(key))
	default:
		if !reflect.TypeOf(key).Comparable() {
			return fmt.Errorf("%s is not a key for a dict", kind(key))
		}
	}
	d.Set(key, value)
	return nil
}

// Set adds a key or replaces its value.
func (d *Dict) Set(key, value any) {
	if i := d.find(key); i >= 0 {
		d.Pairs[i].Value = value
		return
	}
	d.Pairs = append(d.Pairs, Pair{key, value})
	if d.at != nil {
		d.at[key] = len(d.Pairs) - 1
	}
}

func (d *Dict) find(key any) int {
	if len(d.Pairs) <= scanLimit {
		for i, p := range d.Pairs {
			if p.Key == key {
				return i
			}
		}
		return -1
	}
	if d.at == nil {
		d.at = make(map[any]int, 2*len(d.Pairs))
		for i, p := range d.Pairs {
			d.at[p.Key] = i
		}
	}
	if i, ok := d.at[key]; ok {
		return i
	}
	return -1
}

// kind names a value's type in errors.
func kind(v any) string {
	switch v := v.(type) {
	case nil:
		return "None"
	case bool:
		return "a bool"
	case string:
		return "a string"
	case Bytes:
		return "bytes"
	case float64:
		return "a float"
	case *Tuple:
		return "a tuple"
	case *List:
		return "a list"
	case *Dict:
		return "a dict"
	case *Class, *Object:
		return fmt.Sprintf("%.100v", v)
	case fmt.Stringer:
		return v.String()
	}
	return fmt.Sprintf("%T", v)
}
