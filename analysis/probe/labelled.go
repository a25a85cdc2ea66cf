package probe

import (
	"context"
	"fmt"
	"slices"
	"strings"

	"gonum.org/v1/gonum/mat"

	"github.com/seed-516990b0/golxmert/lxmert"
)

// Labelled are states of words, or of regions, with the labels of a task: what concepts are erased with, or directions found.
type Labelled struct {
	Levels  []string // of the task's stream
	Classes []string // the most frequent first
	Labels  []int    // class of each state
	From    lxmert.Provenance

	rows []int
	of   *gathered
}

// ReadLabelled reads the states of the first words, or regions, of a data set, most of them, and keeps those that have one of the
// most frequent labels, classes of them. Fewer than two labels are an error.
func ReadLabelled(ctx context.Context, eng lxmert.Engine, batches Batches, task Task, most, classes int) (*Labelled, error) {
	if task.Pooled {
		return nil, fmt.Errorf("%s is about whole sentences or pictures, and a concept is that of single words or regions: take another one", task.Name)
	}
	streams, from, _, err := gather(ctx, eng, nil, batches, most, nil, 0, nil)
	if err != nil {
		return nil, err
	}
	g := streams[task.rows()]
	out := &Labelled{Levels: g.levels, From: from, of: g}
	lexicon, labels, numbers := lexiconOf(g.items), make([]string, len(g.items)), make([]float64, len(g.items))
	var known []int
	for i, it := range g.items {
		var ok bool
		if task.Number != nil {
			numbers[i], _, ok = task.Number(it)
		} else {
			labels[i], _, ok = task.Label(it, lexicon)
		}
		if ok {
			known = append(known, i)
		}
	}
	if task.Number != nil {
		byThirds(labels, numbers, known, known)
	}
	class := map[string]int{}
	for k, name := range frequent(labels, known, classes) {
		out.Classes = append(out.Classes, name)
		class[name] = k
	}
	if len(out.Classes) < 2 {
		return nil, fmt.Errorf("%s: %s", task.Name, noLabels)
	}
	for _, i := range known {
		if k, ok := class[labels[i]]; ok {
			out.rows, out.Labels = append(out.rows, i), append(out.Labels, k)
		}
	}
	return out, nil
}

// States are those of a level, in the order of Labels: [len(Labels),D].
func (l *Labelled) States(level string) *mat.Dense { return l.of.states(level, l.rows) }

// Against are the same states with two labels: 1 for those of one class, 0 for all others.
func (l *Labelled) Against(class string) (*Labelled, error) {
	at := slices.Index(l.Classes, class)
	if at < 0 {
		return nil, fmt.Errorf("nothing has the label %q; there are %s", class, strings.Join(l.Classes, ", "))
	}
	out := *l
	out.Classes, out.Labels = []string{"not " + class, class}, make([]int, len(l.Labels))
	for i, k := range l.Labels {
		if k == at {
			out.Labels[i] = 1
		}
	}
	return &out, nil
}
