package compare

import (
	"context"
	"iter"

	"github.com/seed-516990b0/golxmert/analysis"
	"github.com/seed-516990b0/golxmert/lxmert"
	"github.com/seed-516990b0/golxmert/lxmert/question"
)

// Data are questions, and what is known about them.
type Data struct {
	Questions []lxmert.Question
	IDs       []string             // nil: they are counted
	Right     []map[string]float64 // how much each answer counts; nil, or nil of a question: not known
}

// Ask makes the input of questions, some at a time, by the vocabulary and the regions of one model, which the other must share.
func (d Data) Ask(ctx context.Context, asker *question.Asker, together int) iter.Seq2[Asked, error] {
	return func(yield func(Asked, error) bool) {
		for first := 0; first < len(d.Questions); first += together {
			last := min(first+together, len(d.Questions))
			b, err := asker.Batch(ctx, d.Questions[first:last])
			if err != nil {
				yield(Asked{}, err)
				return
			}
			x := Asked{Batch: analysis.Separate(b.Batch), Questions: d.Questions[first:last]}
			if d.IDs != nil {
				x.IDs = d.IDs[first:last]
			}
			if d.Right != nil {
				x.Right = d.Right[first:last]
			}
			if !yield(x, nil) {
				return
			}
		}
	}
}
