package pickle

import "fmt"

// Class is a class or function that a pickle names and that has no meaning here: a name, and nothing else.
type Class struct{ Module, Name string }

func (c *Class) String() string { return c.Module + "." + c.Name }

// Call implements [Callable]: it makes an Object that remembers the call.
func (c *Class) Call(args []any) (any, error) { return &Object{Class: c, Args: args}, nil }

// Object stands for what Python would have made by calling a Class. It holds what the pickle gives to such an object and
// does nothing with it.
type Object struct {
	Class *Class
	// Args are the arguments of the call, and Named those that have names; nil if there are none.
	Args  []any
	Named *Dict
	// State is what a BUILD opcode sets, mostly a Dict of attributes.
	State any
	// Items were appended, as to a list; Entries were set, as in a dict. Entries is nil if there are none.
	Items   []any
	Entries *Dict
}

func (o *Object) String() string {
	if len(o.Args) == 1 {
		switch v := o.Args[0].(type) {
		case bool, int64, float64:
			return fmt.Sprintf("%v(%v)", o.Class, v)
		case string:
			if len(v) <= 100 {
				return fmt.Sprintf("%v(%q)", o.Class, v)
			}
		}
	}
	return o.Class.String()
}

// Call implements [Callable], because Python's objects may be functions: the result is called what they are.
func (o *Object) Call(args []any) (any, error) {
	return &Object{Class: o.Class, Args: []any{o, &Tuple{args}}}, nil
}

// Build implements [Builder].
func (o *Object) Build(state any) error {
	o.State = state
	return nil
}

// entries is the dict that items of the object are set in.
func (o *Object) entries() *Dict {
	if o.Entries == nil {
		o.Entries = &Dict{}
	}
	return o.Entries
}
