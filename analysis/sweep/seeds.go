package sweep

import (
	"errors"
	"fmt"
	"math"
	"reflect"
	"slices"

	"github.com/seed-516990b0/golxmert/analysis"
	"github.com/seed-516990b0/golxmert/lxmert"
)

// measured is one number of a sweep, of which models trained with other seeds have another.
type measured struct{ method, what, modality, measure, order string }

// Seeds puts together sweeps of the same questions with models that were trained alike but for their seeds. All is the mean
// over models of every accuracy, hit rate, area and measure of looking, with 95 % intervals over models by Student's t, a line each; overview
// is, for each method, its hit rate, the gap of its perturbation tests, and the two areas that this is the difference of, by
// the probability of the answer; columns "±" are what an interval reaches to each side.
//
// Sweeps that differ in anything but the weights, are not finished, or are of the same weights are errors.
func Seeds(runs []*Summary) (overview, all analysis.Table, err error) {
	if err := checkComparable(runs); err != nil {
		return overview, all, err
	}
	values := map[measured][]float64{}
	var order []measured
	for _, run := range runs {
		for _, m := range run.numbers() {
			if values[m.measured] == nil {
				order = append(order, m.measured)
			}
			values[m.measured] = append(values[m.measured], m.value)
		}
	}
	meta := (&collector{settings: runs[0].Settings, n: runs[0].Examples}).meta("")
	meta.Level = level
	meta.Params["models"] = fmt.Sprint(len(runs))
	meta.Notes = append(meta.Notes, fmt.Sprintf("Means over %d models trained with different seeds; intervals are Student's t over models.", len(runs)))
	for i, run := range runs {
		meta.Params[fmt.Sprintf("model %d", i+1)] = run.Settings.Model.Weights + " " + run.Settings.Model.Hash
	}
	all = analysis.Table{Meta: meta, Columns: []string{"method", "number", "modality", "measure", "order", "mean", "low", "high", "models"}}
	all.Method = "numbers of models trained with different seeds"
	for _, m := range order {
		mean, half := student(values[m])
		all.Rows = append(all.Rows, []any{m.method, m.what, m.modality, m.measure, m.order, mean, mean - half, mean + half, len(values[m])})
	}
	methods := append(newCollector(runs[0].Settings).scoring, "random")
	return overviewOf(meta, values, methods), all, nil
}

// checkComparable says why sweeps cannot be put together.
func checkComparable(runs []*Summary) error {
	if len(runs) < 2 {
		return errors.New("sweep: models of several seeds need at least two sweeps")
	}
	// What the shards were, and how many questions were shown or taken at a time, changes no number.
	alike := func(s Settings) Settings {
		s = s.essence()
		s.Model.Hash, s.Model.Weights = "", ""
		if s.Blind != nil { // each model may have its own
			s.Blind = &lxmert.Provenance{}
		}
		s.Shard, s.Shards, s.Show, s.Whole = 0, 0, 0, false
		if !slices.Contains(s.Methods, Looks) { // whose examples meet the others of their batch
			s.Batch = 0
		}
		return s
	}
	weights := map[string]int{}
	for i, run := range runs {
		if run.Examples < run.Settings.Examples {
			return fmt.Errorf("sweep: of sweep %d only %d of %d examples are done: finish it with the same command", i+1, run.Examples, run.Settings.Examples)
		}
		hash := run.Settings.Model.Hash
		if before, ok := weights[hash]; ok && hash != "" {
			return fmt.Errorf("sweep: sweeps %d and %d are of the same weights, %s", before+1, i+1, run.Settings.Model.Weights)
		}
		weights[hash] = i
		if a, b := alike(runs[0].Settings), alike(run.Settings); !reflect.DeepEqual(a, b) {
			return fmt.Errorf("sweep: sweep %d is another one than the first, which was made %s", i+1, difference(a, b))
		}
	}
	return nil
}

// number is one of those, and what it is in one sweep.
type number struct {
	measured
	value float64
}

// numbers are those of a summary's tables of which a mean over models means something, each once: random rankings may
// stand beside several methods.
func (s *Summary) numbers() (out []number) {
	add := func(m measured, value float64) {
		if !slices.ContainsFunc(out, func(o number) bool { return o.measured == m }) {
			out = append(out, number{m, value})
		}
	}
	for _, t := range s.Tables {
		for _, row := range t.Result.Rows {
			switch t.Name {
			case "answers":
				add(measured{what: "accuracy"}, row[0].(float64))
			case "hits":
				add(measured{method: row[0].(string), what: "hit rate", modality: "image"}, row[1].(float64))
			case "looks":
				add(measured{method: "model", what: row[0].(string)}, row[2].(float64))
				add(measured{method: "question only", what: row[0].(string)}, row[5].(float64))
				if len(row) > 9 {
					add(measured{method: trainedBlind, what: row[0].(string)}, row[9].(float64))
				}
			case "probe":
				for _, i := range []int{2, 5, 6, 9} {
					add(measured{method: "probe", what: t.Result.Columns[i], modality: row[0].(string), measure: row[1].(string)}, row[i].(float64))
				}
			case "coreference":
				add(measured{method: "coreference", what: row[0].(string)}, row[1].(float64))
			case "perturbation":
				m := measured{row[0].(string), "AUC", row[1].(string), row[2].(string), row[3].(string)}
				if m.order == "gap" {
					m.what = "gap"
				}
				add(m, row[4].(float64))
			}
		}
	}
	for _, n := range s.means {
		add(n.measured, n.value)
	}
	return out
}

// overviewOf is the table to print: a line for each method, those with the highest first number first, random last.
func overviewOf(meta analysis.Meta, values map[measured][]float64, methods []string) analysis.Table {
	t := analysis.Table{Meta: meta, Columns: []string{"method"}}
	t.Method = "methods on models trained with different seeds"
	var columns []func(method string) measured
	add := func(name string, of func(method string) measured) {
		if slices.ContainsFunc(methods, func(m string) bool { return values[of(m)] != nil }) {
			t.Columns = append(t.Columns, name, "±")
			columns = append(columns, of)
		}
	}
	add("hit rate", func(m string) measured { return measured{method: m, what: "hit rate", modality: "image"} })
	modalities := []string{"image", "text", "joint"}
	for _, modality := range modalities {
		add("gap "+modality, func(m string) measured { return measured{m, "gap", modality, "probability", "gap"} })
	}
	for _, modality := range modalities {
		for _, order := range []string{"negative", "positive"} {
			add(order+" "+modality, func(m string) measured {
				if m == "random" { // its two orders are one
					return measured{m, "AUC", modality, "probability", "random"}
				}
				return measured{m, "AUC", modality, "probability", order}
			})
		}
	}
	var random [][]any
	for _, m := range methods {
		line, known := []any{m}, false
		for _, of := range columns {
			mean, half := student(values[of(m)])
			line = append(line, mean, half)
			known = known || !math.IsNaN(mean)
		}
		switch {
		case m == "random" && known:
			random = append(random, line)
		case known:
			t.Rows = append(t.Rows, line)
		}
	}
	slices.SortStableFunc(t.Rows, func(a, b []any) int {
		switch x, y := a[1].(float64), b[1].(float64); {
		case x > y:
			return -1
		case x < y:
			return 1
		}
		return 0
	})
	t.Rows = append(t.Rows, random...)
	return t
}
