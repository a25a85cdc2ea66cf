package sweep

import (
	"errors"
	"fmt"
	"math"
	"path/filepath"
	"regexp"
	"slices"
	"strconv"
	"strings"

	"github.com/seed-516990b0/golxmert/analysis"
)

// Series puts together sweeps of the same questions with models of a series, such as the weights after each epoch of a
// training: every number over the place in the series. The table has a line for each number and model; curves have one line
// for each number of a kind. at are the places, axis is what they are called: see [Places].
//
// Sweeps that differ in anything but the weights, are not finished, or are of the same weights are errors.
func Series(runs []*Summary, at []float64, axis string) (all analysis.Table, curves []Named[analysis.Curve], err error) {
	if len(runs) < 2 || len(at) != len(runs) {
		return all, nil, errors.New("sweep: a series needs two models or more")
	}
	if err := checkComparable(runs); err != nil {
		return all, nil, err
	}
	meta := (&collector{settings: runs[0].Settings, n: runs[0].Examples}).meta("numbers over a series of weights")
	meta.Params["models"] = fmt.Sprint(len(runs))
	for i, run := range runs {
		meta.Params["model at "+strconv.FormatFloat(at[i], 'g', -1, 64)] = run.Settings.Model.Weights + " " + run.Settings.Model.ShortHash()
	}
	meta.Model.Weights, meta.Model.Hash = "a series of weights", ""
	all = analysis.Table{Meta: meta, Columns: []string{"at", "method", "number", "modality", "measure", "order", "value"}}
	kinds := map[string]*analysis.Curve{}
	var order []string
	for i, run := range runs {
		for _, n := range run.numbers() {
			all.Rows = append(all.Rows, []any{at[i], n.method, n.what, n.modality, n.measure, n.order, n.value})
			kind, line := n.kind()
			c := kinds[kind]
			if c == nil {
				c = &analysis.Curve{Meta: meta, XName: axis, YName: kind, X: at}
				c.Method = kind + " over a series of weights"
				kinds[kind] = c
				order = append(order, kind)
			}
			k := slices.IndexFunc(c.Series, func(s analysis.CurveSeries) bool { return s.Name == line })
			if k < 0 {
				k = len(c.Series)
				c.Series = append(c.Series, analysis.CurveSeries{Name: line, Y: nans(len(runs))})
			}
			c.Series[k].Y[i] = n.value
		}
	}
	for i, kind := range order {
		curves = append(curves, Named[analysis.Curve]{fmt.Sprintf("series-%02d-%s", i+1, fileName(kind)), *kinds[kind]})
	}
	return all, curves, nil
}

// kind is what a number has in common with others that are drawn beside it, and what tells it from them: of "object, seen: bits"
// bits are drawn together.
func (m measured) kind() (kind, line string) {
	of, what, ok := strings.Cut(m.what, ": ")
	if !ok {
		of, what = "", m.what
	}
	join := func(parts ...string) string {
		return strings.Join(slices.DeleteFunc(parts, func(s string) bool { return s == "" }), ", ")
	}
	if kind, line = join(what, m.modality, m.measure), join(of, m.method, m.order); of != "" {
		line = join(of, m.order)
	}
	if line == "" {
		line = "model"
	}
	return kind, line
}

// fileName is a kind of numbers as a part of a file's name.
func fileName(kind string) string {
	return strings.Trim(regexp.MustCompile(`[^a-z0-9]+`).ReplaceAllString(strings.ToLower(kind), "-"), "-")
}

// Places are those of weights in a series, and what they are called: the last number in each name, such as 7 of Epoch07_LXRT.pth, where all
// have one and each another, which is the epoch or step if all names say so; else they are counted from 1.
func Places(weights []string) (at []float64, axis string) {
	at = make([]float64, len(weights))
	called := map[string]int{}
	for i, name := range weights {
		at[i] = math.NaN()
		found := lastNumber.FindStringSubmatch(strings.ToLower(filepath.Base(name)))
		if found == nil {
			continue
		}
		called[found[1]]++
		if x, err := strconv.ParseFloat(found[2], 64); err == nil && !slices.Contains(at[:i], x) {
			at[i] = x
		}
	}
	if slices.ContainsFunc(at, math.IsNaN) {
		for i := range at {
			at[i] = float64(i + 1)
		}
		return at, "place in the series"
	}
	for _, word := range []string{"epoch", "step"} {
		if called[word] == len(weights) {
			return at, word
		}
	}
	return at, "number in the weights' names"
}

// lastNumber is the last number of a name, and the word right before it if it says of what.
var lastNumber = regexp.MustCompile(`^.*?(?:(epoch|step)[-_. ]?)?(\d+)\D*$`)
