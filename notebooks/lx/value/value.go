package value

import (
	"cmp"
	"fmt"
	"reflect"
	"slices"
	"strconv"
	"strings"
)

const (
	// Limit is how many bytes the text of a value may have before what is left of it is only counted.
	Limit = 4000
	// maxDepth is how far values inside of values are shown.
	maxDepth = 8
)

// Text is a value as text. A string is shown as it is, strings inside of other values are quoted. Values with a method
// Error, String or Format show what that makes of them. What is longer than [Limit] ends with how much is left out.
func Text(v any) string {
	if s, ok := v.(string); ok {
		return cut(s)
	}
	w := writer{}
	w.write(reflect.ValueOf(v), 0)
	return cut(w.String())
}

// cut leaves the beginning of a text.
func cut(s string) string {
	if len(s) <= Limit+Limit/4 {
		return s
	}
	return strings.ToValidUTF8(s[:Limit], "") + fmt.Sprintf(" … (%d bytes more)", len(s)-Limit)
}

type writer struct{ strings.Builder }

// full says whether the rest is to be counted only.
func (w *writer) full() bool { return w.Len() > Limit }

func (w *writer) write(v reflect.Value, depth int) {
	if !v.IsValid() {
		w.WriteString("<nil>")
		return
	}
	if v.CanInterface() && !isNil(v) {
		switch x := v.Interface().(type) {
		case fmt.Formatter, error, fmt.Stringer:
			fmt.Fprint(w, x) // which survives their panics
			return
		}
	}
	if depth > maxDepth {
		w.WriteString("…")
		return
	}
	switch v.Kind() {
	case reflect.String:
		s := v.String()
		if len(s) > Limit {
			w.WriteString(strconv.Quote(s[:Limit]) + fmt.Sprintf("… (%d bytes)", len(s)))
			return
		}
		w.WriteString(strconv.Quote(s))
	case reflect.Slice, reflect.Array:
		w.list(v, depth)
	case reflect.Map:
		w.table(v, depth)
	case reflect.Struct:
		w.fields(v, depth)
	case reflect.Pointer:
		w.pointer(v, depth)
	case reflect.Interface:
		w.write(v.Elem(), depth)
	case reflect.Func, reflect.Chan, reflect.UnsafePointer:
		if isNil(v) {
			w.WriteString("<nil>")
			return
		}
		w.WriteString(v.Type().String())
	default:
		fmt.Fprint(w, v)
	}
}

func isNil(v reflect.Value) bool {
	switch v.Kind() {
	case reflect.Pointer, reflect.Map, reflect.Slice, reflect.Func, reflect.Chan, reflect.Interface, reflect.UnsafePointer:
		return v.IsNil()
	}
	return false
}

// list writes what is in a slice or an array; lists inside of it stand on lines of their own.
func (w *writer) list(v reflect.Value, depth int) {
	between := " "
	if k := v.Type().Elem().Kind(); k == reflect.Slice || k == reflect.Array {
		between = "\n" + strings.Repeat(" ", depth+1)
	}
	w.WriteByte('[')
	for i := range v.Len() {
		if i > 0 {
			w.WriteString(between)
		}
		if w.full() {
			fmt.Fprintf(w, "… %d of %d", v.Len()-i, v.Len())
			break
		}
		w.write(v.Index(i), depth+1)
	}
	w.WriteByte(']')
}

// table writes a map in the order of its keys.
func (w *writer) table(v reflect.Value, depth int) {
	keys := v.MapKeys()
	slices.SortFunc(keys, compare)
	w.WriteString("map[")
	for i, key := range keys {
		if i > 0 {
			w.WriteByte(' ')
		}
		if w.full() {
			fmt.Fprintf(w, "… %d of %d", len(keys)-i, len(keys))
			break
		}
		w.write(key, depth+1)
		w.WriteByte(':')
		w.write(v.MapIndex(key), depth+1)
	}
	w.WriteByte(']')
}

// compare orders numbers by what they count, and everything else by its text.
func compare(a, b reflect.Value) int {
	switch {
	case a.CanInt() && b.CanInt():
		return cmp.Compare(a.Int(), b.Int())
	case a.CanUint() && b.CanUint():
		return cmp.Compare(a.Uint(), b.Uint())
	case a.CanFloat() && b.CanFloat():
		return cmp.Compare(a.Float(), b.Float())
	case a.Kind() == reflect.String && b.Kind() == reflect.String:
		return strings.Compare(a.String(), b.String())
	}
	return strings.Compare(fmt.Sprint(a), fmt.Sprint(b))
}

func (w *writer) fields(v reflect.Value, depth int) {
	w.WriteByte('{')
	for i := range v.NumField() {
		if i > 0 {
			w.WriteByte(' ')
		}
		if w.full() {
			fmt.Fprintf(w, "… %d of %d fields", v.NumField()-i, v.NumField())
			break
		}
		w.WriteString(v.Type().Field(i).Name + ":")
		w.write(v.Field(i), depth+1)
	}
	w.WriteByte('}')
}

// pointer writes what the value itself points to; of pointers inside of it no more than their type, for they may lead
// anywhere, also back.
func (w *writer) pointer(v reflect.Value, depth int) {
	switch {
	case v.IsNil():
		w.WriteString("<nil>")
	case depth == 0:
		w.WriteByte('&')
		w.write(v.Elem(), depth+1)
	default:
		w.WriteString("&" + v.Type().Elem().String() + "{…}")
	}
}
