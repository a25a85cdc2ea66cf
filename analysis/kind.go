package analysis

import (
	"errors"
	"fmt"
	"io"
	"reflect"
)

// Result is what an analysis finds: [Scores], [Matrix], [Curve], [Table], [Scatter], [Bars], [Explanation], [Maps] or
// [Collection], or a pointer to one. No other package adds kinds; [Kinds] lists them. Package figure draws a result, package report makes a
// page of it.
type Result interface {
	// About says what the result is and where it comes from.
	About() Meta
	// Check says what is wrong if the result's parts do not fit each other.
	Check() error
	// CSV writes its numbers as lines, the names of the columns first. Padding is left out.
	CSV(w io.Writer) error
	// Arrays are its numbers; nil if there are none.
	Arrays() []Array
	// Plain is what stands for it where there is only text.
	Plain() string

	// withScores is the result with each of its scores replaced.
	withScores(func(Scores) Scores) Result
}

// Array is a named array of numbers in row-major order, such as a panel of a matrix.
type Array struct {
	Name   string
	Shape  []int
	Values []float64
}

// About is the Meta itself, for the results that have one.
func (m Meta) About() Meta { return m }

// Kind is one kind of result: its name, such as "matrix", and an empty one.
type Kind struct {
	Name string
	Zero Result
}

// Kinds are all kinds of result. What must treat every kind, such as an encoding, ranges over them.
func Kinds() []Kind {
	return []Kind{
		{"scores", Scores{}}, {"matrix", Matrix{}}, {"curve", Curve{}}, {"table", Table{}}, {"scatter", Scatter{}}, {"bars", Bars{}}, {"explanation", Explanation{}},
		{"maps", Maps{}}, {"collection", Collection{}},
	}
}

// KindOf is the name of a result's kind; a pointer has that of what it points to.
func KindOf(r Result) string {
	t := reflect.TypeOf(r)
	if t != nil && t.Kind() == reflect.Pointer {
		t = t.Elem()
	}
	for _, k := range Kinds() {
		if reflect.TypeOf(k.Zero) == t {
			return k.Name
		}
	}
	return "nothing"
}

// ErrNoResult is wrapped by errors about a result that is nil.
var ErrNoResult = errors.New("there is no result")

// Value is a result as a value where a pointer to one is given. It is the first thing that whoever tells kinds apart does.
func Value(r Result) (Result, error) {
	v := reflect.ValueOf(r)
	if v.Kind() == reflect.Pointer && !v.IsNil() {
		v = v.Elem()
		r, _ = v.Interface().(Result)
	}
	if r == nil || v.Kind() == reflect.Pointer {
		return nil, fmt.Errorf("%w: %T is nil", ErrNoResult, r)
	}
	return r, nil
}

// WithScores is a result with each of the scores in it replaced, such as by ones whose picture is elsewhere. The result
// that is given stays as it is.
func WithScores(r Result, replace func(Scores) Scores) (Result, error) {
	r, err := Value(r)
	if err != nil {
		return nil, err
	}
	return r.withScores(replace), nil
}
