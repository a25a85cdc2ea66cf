package task

import (
	"slices"
	"strings"

	"github.com/seed-516990b0/golxmert/lxmert/dataset"
)

// test is one split to predict, the whole of it, whatever --tiny and --fast say.
type test struct {
	splits []string
	file   string // of the prediction, in the output folder
	score  bool   // and print the score
}

// testsOf lists what a value of --test asks for.
func testsOf(t *dataset.Task, value string) (tests []test) {
	for _, p := range t.Predictions {
		if !slices.Contains(p.Values, value) && (p.Contains == "" || !strings.Contains(value, p.Contains)) {
			continue
		}
		splits := p.Splits
		if splits == nil {
			splits = Splits(value)
		}
		tests = append(tests, test{splits: splits, file: p.File, score: p.Score})
	}
	if tests == nil { // splits of one's own
		ending := ".csv"
		if t.Dump.Answer != "" {
			ending = ".json"
		}
		tests = append(tests, test{splits: Splits(value), file: strings.ReplaceAll(value, ",", t.Dump.Join) + "_predict" + ending, score: true})
	}
	return tests
}

// split cuts the value of a flag at its commas.
func Splits(names string) []string {
	var out []string
	for _, s := range strings.Split(names, ",") {
		if s = strings.TrimSpace(s); s != "" {
			out = append(out, s)
		}
	}
	return out
}
