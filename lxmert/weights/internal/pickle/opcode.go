package pickle

import (
	"errors"
	"fmt"
	"slices"
	"strconv"
)

const (
	opProto = 0x80
	opStop  = '.'
)

// step executes one opcode.
func (m *Machine) step(op byte) error {
	switch op {
	case opProto:
		v, err := m.byte()
		if err == nil && (v < 2 || v > 5) {
			err = fmt.Errorf("protocol %d is not supported (2 to 5 are)", v)
		}
		return err
	case 0x95: // FRAME: its length is only a hint for readers that buffer
		n, err := m.uint(8)
		if left := uint64(m.size - m.at); err == nil && n > left {
			err = fmt.Errorf("a frame of %d bytes is announced but %d are left", n, left)
		}
		return err
	case '(': // MARK
		m.marks = append(m.marks, len(m.stack))
		return nil
	case '0': // POP
		if len(m.marks) > 0 && m.floor() == len(m.stack) {
			m.marks = m.marks[:len(m.marks)-1]
			return nil
		}
		_, err := m.pop(1)
		return err
	case '1': // POP_MARK
		_, err := m.popMark()
		return err
	case 'N':
		m.push(nil)
		return nil
	case 0x88, 0x89: // NEWTRUE, NEWFALSE
		m.push(op == 0x88)
		return nil
	case 'K', 'M', 'J': // BININT1, BININT2, BININT
		n, err := m.uint(map[byte]int{'K': 1, 'M': 2, 'J': 4}[op])
		if err == nil {
			v := int64(n)
			if op == 'J' {
				v = int64(int32(n))
			}
			m.push(v)
		}
		return err
	case 0x8a, 0x8b: // LONG1, LONG4
		n, err := m.uint(1 + 3*int(op-0x8a))
		if err != nil {
			return err
		}
		return m.long(n)
	case 'I': // INT: how Python 2 writes numbers beyond 32 bits
		text, err := m.line()
		if err != nil {
			return err
		}
		n, err := strconv.ParseInt(text, 10, 64)
		if err != nil {
			return fmt.Errorf("%q is not a whole number", text)
		}
		m.push(n)
		return nil
	case 'G':
		return m.float()
	case 'X', 0x8c, 0x8d: // BINUNICODE, SHORT_BINUNICODE, BINUNICODE8
		return m.text(map[byte]int{'X': 4, 0x8c: 1, 0x8d: 8}[op])
	case 'U', 'T': // SHORT_BINSTRING, BINSTRING
		return m.latin1(map[byte]int{'U': 1, 'T': 4}[op])
	case 'B', 'C', 0x8e, 0x96: // BINBYTES, SHORT_BINBYTES, BINBYTES8, BYTEARRAY8
		b, err := m.sized(map[byte]int{'B': 4, 'C': 1, 0x8e: 8, 0x96: 8}[op])
		if err == nil {
			m.push(Bytes(b))
		}
		return err
	case ']', 0x8f: // EMPTY_LIST, EMPTY_SET
		m.push(&List{})
		return nil
	case '}':
		m.push(&Dict{})
		return nil
	case ')':
		m.push(&Tuple{})
		return nil
	case 0x85, 0x86, 0x87: // TUPLE1, TUPLE2, TUPLE3
		values, err := m.pop(int(op - 0x84))
		if err == nil {
			m.push(&Tuple{slices.Clone(values)})
		}
		return err
	case 't', 0x91, 'l', 'd': // TUPLE, FROZENSET, LIST, DICT
		values, err := m.popMark()
		if err != nil {
			return err
		}
		switch op {
		case 't', 0x91:
			m.push(&Tuple{slices.Clone(values)})
		case 'l':
			m.push(&List{slices.Clone(values)})
		default:
			d := &Dict{}
			if err := setItems(d, values); err != nil {
				return err
			}
			m.push(d)
		}
		return nil
	case 'a', 'e', 0x90, 's', 'u': // APPEND, APPENDS, ADDITEMS, SETITEM, SETITEMS
		return m.fill(op)
	case 'q', 'r', 0x94, 'h', 'j': // BINPUT, LONG_BINPUT, MEMOIZE, BINGET, LONG_BINGET
		return m.remember(op)
	case 'c', 0x93: // GLOBAL, STACK_GLOBAL
		return m.global(op)
	case 'R', 0x81, 0x92, 'o': // REDUCE, NEWOBJ, NEWOBJ_EX, OBJ
		return m.call(op)
	case 'b':
		return m.buildState()
	case 'Q':
		values, err := m.pop(1)
		if err != nil {
			return err
		}
		if m.Persistent == nil {
			return errors.New("a persistent id where none belongs")
		}
		v, err := m.Persistent(values[0])
		if err != nil {
			return err
		}
		m.push(v)
		return nil
	}
	return fmt.Errorf("opcode 0x%02x is not supported", op)
}

// fill adds items to the list or dict below them, or to an object that is a kind of either.
func (m *Machine) fill(op byte) error {
	var values []any
	var err error
	switch op {
	case 'a':
		values, err = m.pop(1)
	case 's':
		values, err = m.pop(2)
	default:
		values, err = m.popMark()
	}
	if err != nil {
		return err
	}
	target, err := m.top()
	if err != nil {
		return err
	}
	pairs := op == 's' || op == 'u'
	switch target := target.(type) {
	case *Dict:
		if pairs {
			return setItems(target, values)
		}
	case *List:
		if !pairs {
			target.Items = append(target.Items, values...)
			return nil
		}
	case *Object:
		if pairs {
			return setItems(target.entries(), values)
		}
		target.Items = append(target.Items, values...)
		return nil
	}
	if pairs {
		return fmt.Errorf("items are set on %s", kind(target))
	}
	return fmt.Errorf("values are appended to %s", kind(target))
}

func setItems(d *Dict, values []any) error {
	if len(values)%2 != 0 {
		return errors.New("a key without a value")
	}
	for i := 0; i < len(values); i += 2 {
		if err := d.SetKey(values[i], values[i+1]); err != nil {
			return err
		}
	}
	return nil
}

func (m *Machine) remember(op byte) error {
	var key uint64
	var err error
	switch op {
	case 'q', 'h':
		key, err = m.uint(1)
	case 'r', 'j':
		key, err = m.uint(4)
	default: // MEMOIZE
		key = uint64(len(m.memo))
	}
	if err != nil {
		return err
	}
	if op == 'h' || op == 'j' {
		v, ok := m.memo[uint32(key)]
		if !ok {
			return fmt.Errorf("memo %d was never written", key)
		}
		m.push(v)
		return nil
	}
	v, err := m.top()
	if err == nil {
		m.memo[uint32(key)] = v
	}
	return err
}

func (m *Machine) global(op byte) error {
	var module, name string
	var err error
	if op == 'c' {
		if module, err = m.line(); err == nil {
			name, err = m.line()
		}
	} else {
		var values []any
		if values, err = m.pop(2); err == nil {
			var ok1, ok2 bool
			module, ok1 = values[0].(string)
			name, ok2 = values[1].(string)
			if !ok1 || !ok2 {
				err = errors.New("a name is not a string")
			} else if max(len(module), len(name)) > maxName {
				err = errLongName
			}
		}
	}
	if err != nil {
		return err
	}
	if m.Global == nil {
		return fmt.Errorf("it names %q where no names belong", module+"."+name)
	}
	v, err := m.Global(module, name)
	if err != nil {
		return err
	}
	m.push(v)
	return nil
}

// call makes what a function, or a class, is said to make of its arguments.
func (m *Machine) call(op byte) error {
	var values []any
	var err error
	switch op {
	case 'o': // the function and its arguments stand above a mark
		values, err = m.popMark()
		if err == nil && len(values) == 0 {
			err = errors.New("a call without a function")
		}
	case 0x92:
		values, err = m.pop(3)
	default:
		values, err = m.pop(2)
	}
	if err != nil {
		return err
	}
	f, ok := values[0].(Callable)
	if !ok {
		return fmt.Errorf("%s is called, which is not a function", kind(values[0]))
	}
	var args []any
	if op == 'o' {
		args = slices.Clone(values[1:])
	} else if tuple, ok := values[1].(*Tuple); ok {
		args = tuple.Items
	} else {
		return fmt.Errorf("a function is called with %s instead of a tuple", kind(values[1]))
	}
	var named *Dict
	if op == 0x92 {
		if named, ok = values[2].(*Dict); !ok {
			return fmt.Errorf("a function is called with %s instead of a dict", kind(values[2]))
		}
	}
	v, err := f.Call(args)
	if err != nil {
		return err
	}
	if named != nil && len(named.Pairs) > 0 {
		o, ok := v.(*Object)
		if !ok {
			return fmt.Errorf("%s takes no named arguments", kind(values[0]))
		}
		o.Named = named
	}
	m.push(v)
	return nil
}

func (m *Machine) buildState() error {
	values, err := m.pop(1)
	if err != nil {
		return err
	}
	state := values[0]
	target, err := m.top()
	if err != nil {
		return err
	}
	switch target := target.(type) {
	case Builder:
		return target.Build(state)
	case *Dict:
		attrs, ok := state.(*Dict)
		if !ok {
			return fmt.Errorf("the state of a dict is %s", kind(state))
		}
		target.Attrs = attrs
		return nil
	}
	return fmt.Errorf("a state is set on %s", kind(target))
}
