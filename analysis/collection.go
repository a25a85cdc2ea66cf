package analysis

import (
	"errors"
	"fmt"
	"io"
	"slices"
)

// Collection is results that belong together, such as what a pass over a data set found. It becomes one page with an index.
type Collection struct {
	Meta    // of the whole; shown at its end
	Title   string
	Results []Result // in the order of the page
}

// Named is a result and what files of it are called, without their suffix.
type Named struct {
	Name   string
	Result Result
}

// Collect appends results of one kind.
func Collect[K Result](to []Result, results ...K) []Result {
	for _, r := range results {
		to = append(to, r)
	}
	return to
}

// First is the first result of a kind in a collection.
func First[K Result](c Collection) (first K, ok bool) {
	for _, r := range c.Results {
		if first, ok = r.(K); ok {
			return first, true
		}
	}
	return first, false
}

// Examples are how many of the results are examples: one that is explained, or several side by side.
func (c Collection) Examples() (n int) {
	for _, r := range c.Results {
		switch KindOf(r) {
		case "scores", "explanation", "maps", "collection":
			n++
		}
	}
	return n
}

// Check says which result does not fit.
func (c Collection) Check() error {
	examples := c.Examples()
	for i, r := range c.Results {
		r, err := Value(r)
		if err == nil {
			err = r.Check()
		}
		if t, ok := r.(Table); ok && err == nil {
			for row, k := range t.Examples {
				if k < 0 || k > examples {
					err = fmt.Errorf("row %d is about example %d, and there are %d", row, k, examples)
				}
			}
		}
		if err != nil {
			return fmt.Errorf("%s %d: %w", KindOf(r), i+1, err)
		}
	}
	return nil
}

// CSV is an error: results of several kinds have no common columns.
func (c Collection) CSV(io.Writer) error {
	return errors.New("a collection of results has no common columns: write each of its results for itself, or all as .html")
}

// Arrays are none: results have arrays of equal names.
func (c Collection) Arrays() []Array { return nil }

// Plain is the title, or what stands for the first result.
func (c Collection) Plain() string {
	if c.Title != "" || len(c.Results) == 0 {
		return c.Title
	}
	return c.Results[0].Plain()
}

func (c Collection) withScores(replace func(Scores) Scores) Result {
	c.Results = slices.Clone(c.Results)
	for i, r := range c.Results {
		if r, err := Value(r); err == nil {
			c.Results[i] = r.withScores(replace)
		}
	}
	return c
}
