package tuning

import (
	"encoding/json"
	"errors"
	"iter"
	"math"
	"strconv"
)

// Line is a line of metrics.jsonl: what was measured in some steps of training, or over an epoch.
type Line struct {
	// Step is the last of these steps, counted from 1, or the epoch's last step that has a line; 0 where none has.
	Step int64
	// Epoch counts from 0; -1: the line does not say.
	Epoch int64
	// Over says whether the line is about a whole epoch.
	Over bool
	// Values are all numbers by their names, NaN and infinite ones too; those of an object inside have its name and a dot before
	// theirs.
	Values map[string]float64
}

// errStopped ends reading for a loop that was left.
var errStopped = errors.New("stopped")

// Lines are those of a run's metrics.jsonl, in their order. Broken lines are left out.
func Lines(path string) iter.Seq2[Line, error] {
	return func(yield func(Line, error) bool) {
		last := int64(0)
		err := eachLine(path, func(raw []byte) error {
			var fields map[string]any
			if json.Unmarshal(raw, &fields) != nil || fields == nil {
				return nil
			}
			l := Line{Epoch: -1, Over: true, Values: map[string]float64{}}
			flatten(l.Values, "", fields)
			if step, ok := l.Values["step"]; ok {
				l.Over = false
				last = int64(step)
			}
			l.Step = last
			if epoch, ok := l.Values["epoch"]; ok {
				l.Epoch = int64(epoch)
			}
			delete(l.Values, "step")
			delete(l.Values, "epoch")
			if !yield(l, nil) {
				return errStopped
			}
			return nil
		})
		if err != nil && err != errStopped {
			yield(Line{}, err)
		}
	}
}

// flatten collects the numbers of an object.
func flatten(into map[string]float64, prefix string, fields map[string]any) {
	for name, v := range fields {
		if inner, ok := v.(map[string]any); ok {
			flatten(into, prefix+name+".", inner)
		} else if x, ok := numberOf(v); ok {
			into[prefix+name] = x
		}
	}
}

// numberOf is a number as runs write it: JSON has none for NaN and infinity, which are texts.
func numberOf(v any) (x float64, ok bool) {
	switch v := v.(type) {
	case float64:
		return v, true
	case string:
		x, err := strconv.ParseFloat(v, 64)
		return x, err == nil && (math.IsNaN(x) || math.IsInf(x, 0))
	}
	return 0, false
}
