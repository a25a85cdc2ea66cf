package datamap

import (
	"cmp"
	"context"
	"fmt"
	"os"
	"slices"
	"strings"

	"github.com/seed-516990b0/golxmert/analysis"
	"github.com/seed-516990b0/golxmert/lxmert/dataset"
)

// Question is an example of the map with what it asks.
type Question struct {
	Example
	Asked dataset.Example
	// Explanations are of its pictures; nil: nobody has explained it. See [Question.Explained].
	Explanations []analysis.Explanation
}

// Label is what counts as right: the answer with the highest score, or "True" or "False" of a statement.
func (q Question) Label() string {
	if q.Asked.Class >= 0 {
		return dataset.StatementAnswers()[q.Asked.Class]
	}
	if len(q.Asked.Labels) == 0 {
		return ""
	}
	return slices.MaxFunc(q.Asked.Labels, func(a, b dataset.Label) int { return cmp.Compare(a.Score, b.Score) }).Answer
}

// Note says where the example lies on the map, for whoever looks at its explanation.
func (q Question) Note() string {
	return fmt.Sprintf("Label %q; its mean probability over %d epochs of training was %.3f, with a standard deviation of %.3f, and the mean score of the answers %.2f: %s.",
		q.Label(), q.Epochs, q.Confidence, q.Variability, q.Correctness, q.Region)
}

// Explained is the question with explanations of its pictures, each of which says where the example lies on the map.
func (q Question) Explained(explanations []analysis.Explanation) Question {
	q.Explanations = slices.Clone(explanations)
	for i := range q.Explanations {
		s := &q.Explanations[i].Scores
		s.Notes = append(slices.Clone(s.Notes), q.Note())
	}
	return q
}

// Questions reads from the run's question files what some examples of the map ask, and of all examples what kind of question
// they are. data is the data folder; "": where it was when the run was made. An example that the files no longer have is an error.
func (m *Map) Questions(ctx context.Context, data string, examples []Example) ([]Question, error) {
	task, err := dataset.FindTask(m.About.Task)
	if err != nil {
		return nil, fmt.Errorf("datamap: the run is of another task: %w", err)
	}
	place := map[int]int{} // among the wanted
	for i, x := range examples {
		place[x.Number] = i
	}
	found := make([]Question, len(examples))
	at, first := 0, 0 // in m.Examples, and the first number of the part
	for _, part := range m.About.Parts {
		files, err := dataset.Files(task, cmp.Or(data, m.About.Data), part.Splits, 0)
		if err != nil {
			return nil, err
		}
		asked := map[string]dataset.Example{}
		for _, f := range files {
			if f.Features {
				continue
			}
			all, err := read(ctx, task, f.Path)
			if err != nil {
				return nil, err
			}
			for _, e := range all {
				asked[e.ID] = e
			}
		}
		for ; at < len(m.Examples) && m.Examples[at].Number < first+part.Examples; at++ {
			x := &m.Examples[at]
			e, ok := asked[x.ID]
			x.Kind = e.QuestionType
			i, wanted := place[x.Number]
			if !wanted {
				continue
			}
			if !ok {
				return nil, fmt.Errorf("datamap: no question file of %s has the example %s: they have changed since the run", strings.Join(part.Splits, ","), x.ID)
			}
			found[i] = Question{Example: examples[i], Asked: e}
			found[i].Kind = x.Kind
		}
		first += part.Examples
	}
	return found, nil
}

func read(ctx context.Context, task *dataset.Task, path string) ([]dataset.Example, error) {
	f, err := os.Open(path)
	if err != nil {
		return nil, fmt.Errorf("datamap: the run's questions: %w; if the data folder has moved, name it", err)
	}
	defer f.Close()
	return dataset.ReadExamples(ctx, task, f, path)
}
