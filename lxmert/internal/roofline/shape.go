package roofline

import (
	"fmt"
	"regexp"
	"strconv"
	"strings"
)

// array is an element type and dimensions.
type array struct {
	element string
	dims    []int
}

var arrays = regexp.MustCompile(`([a-z][a-z0-9]*)\[([\d,]*)\]`)

// arraysOf are those of a shape, which may be a tuple.
func arraysOf(shape string) (list []array, err error) {
	for _, found := range arrays.FindAllStringSubmatch(shape, -1) {
		dims, err := numbers(found[2])
		if err != nil {
			return nil, fmt.Errorf("the shape %s: %w", shape, err)
		}
		list = append(list, array{found[1], dims})
	}
	if list == nil && strings.Trim(shape, "() ") != "" {
		return nil, fmt.Errorf("%q is no shape", shape)
	}
	return list, nil
}

// numbers are those of a list with commas.
func numbers(list string) (out []int, err error) {
	for _, text := range strings.Split(list, ",") {
		text = strings.Trim(text, ` "`)
		if text == "" {
			continue
		}
		n, err := strconv.Atoi(text)
		if err != nil {
			return nil, err
		}
		out = append(out, n)
	}
	return out, nil
}

// elements are how many numbers an array has.
func (a array) elements() float64 {
	n := 1.0
	for _, d := range a.dims {
		n *= float64(d)
	}
	return n
}

var bits = regexp.MustCompile(`^(?:bf|f|s|u|c)(\d+)`)

// bytes are those that an array takes in memory.
func (a array) bytes() (float64, error) {
	switch a.element {
	case "pred":
		return a.elements(), nil
	case "token", "opaque":
		return 0, nil
	}
	width, err := 0, error(nil)
	if found := bits.FindStringSubmatch(a.element); found != nil {
		width, err = strconv.Atoi(found[1])
	}
	if width == 0 || err != nil {
		return 0, fmt.Errorf("numbers of the type %s have no known size", a.element)
	}
	return a.elements() * float64(width) / 8, nil
}

// bytesOf are those of a shape.
func bytesOf(shape string) (n float64, err error) {
	list, err := arraysOf(shape)
	if err != nil {
		return 0, err
	}
	for _, a := range list {
		one, err := a.bytes()
		if err != nil {
			return 0, err
		}
		n += one
	}
	return n, nil
}
