package sweep

import (
	"math"
	"slices"
	"strings"

	"github.com/seed-516990b0/golxmert/analysis"
	"github.com/seed-516990b0/golxmert/lxmert/dataset"
)

// This file measures the answer head against its table: how many questions have a right answer among those that the head chooses
// from, what the best choice would be worth, and, as pre-training's table says in which data sets its answers are used, how the head
// does on the answers of each.

// What is found of answers beside their reading.
const (
	answerOracle  = answerRead + ": best possible"
	answerCovered = answerRead + ": covered"
)

// usedIn names what is found of answers that are used in a data set.
func usedIn(set, what string) string { return answerRead + " used in " + set + ": " + what }

// answerTable are the answers that a head chooses from.
type answerTable struct {
	sets []string   // data sets that use them, in alphabetical order; nil: the table does not say
	of   [][]string // by class: those that use it
}

// newAnswerTable reads which data sets use the answers of a file, if it is pre-training's.
func newAnswerTable(path string) (*answerTable, error) {
	t := &answerTable{}
	if path == "" {
		return t, nil
	}
	var err error
	if t.of, err = dataset.ReadAnswerSets(path); err != nil {
		return nil, err
	}
	for _, sets := range t.of {
		t.sets = append(t.sets, sets...)
	}
	slices.Sort(t.sets)
	t.sets = slices.Compact(t.sets)
	return t, nil
}

// numbers are those of some examples, of which is known how much each answer counts (nil: it is not) and how right the head's was. The
// best of equally right answers is the first. An answer counts for each data set that uses it.
func (t *answerTable) numbers(labels [][]float64, right []float64) []numbers {
	n := len(right)
	oracle, covered := nans(n), nans(n)
	best := make([]int, n)
	for i := range labels {
		best[i] = -1
		oracle[i], covered[i] = 0, 0
		for class, score := range labels[i] {
			if score > oracle[i] {
				best[i], oracle[i], covered[i] = class, score, 1
			}
		}
	}
	out := []numbers{each(answerOracle, "share", oracle), each(answerCovered, "share", covered)}
	for _, set := range t.sets {
		accuracy, possible := nans(n), nans(n)
		for i := range labels {
			if best[i] >= 0 && best[i] < len(t.of) && slices.Contains(t.of[best[i]], set) {
				accuracy[i], possible[i] = right[i], oracle[i]
			}
		}
		out = append(out, each(usedIn(set, readRight), "share", accuracy), each(usedIn(set, "best possible"), "share", possible))
	}
	return out
}

// drawAnswers makes the table of the answer head against its answers; none where nothing is known to be right.
func drawAnswers(found *means, meta analysis.Meta, s *Summary) {
	if _, n := found.mean(answerOracle); n == 0 {
		return
	}
	t := analysis.Table{Meta: meta, Columns: []string{"questions", "accuracy", "low", "high", "best possible", "low", "high", "covered", "low", "high", "examples"}}
	t.Method, t.Unit = "the answer head against its table", "share"
	add := func(name, right, possible, covered string) {
		accuracy, low, high, n := found.interval(right)
		if n == 0 {
			return
		}
		oracle, oracleLow, oracleHigh, _ := found.interval(possible)
		share, shareLow, shareHigh := math.NaN(), math.NaN(), math.NaN()
		if covered != "" {
			share, shareLow, shareHigh, _ = found.interval(covered)
		}
		t.Rows = append(t.Rows, []any{name, accuracy, low, high, oracle, oracleLow, oracleHigh, share, shareLow, shareHigh, n})
	}
	add("all", answerRead+": "+readRight, answerOracle, answerCovered)
	t.Notes = append(t.Notes, "Best possible is the accuracy of always choosing the best of the head's answers; covered, the share of questions that any of them is right for.")
	prefix, suffix, _ := strings.Cut(usedIn("\x00", readRight), "\x00")
	for _, name := range found.names {
		if set, ok := strings.CutPrefix(name, prefix); ok && strings.HasSuffix(set, suffix) {
			set = strings.TrimSuffix(set, suffix)
			add("right answer used in "+set, name, usedIn(set, "best possible"), "")
		}
	}
	if len(t.Rows) > 1 {
		t.Notes = append(t.Notes, "Which data sets use an answer is what the table of pre-training says; an answer that several use counts for each.")
	}
	s.Tables = append(s.Tables, Named[analysis.Table]{"readout-answers", t})
}
