package dataset

import (
	"io"
	"slices"
	"strconv"
	"strings"
)

// WriteExamples writes examples of a task as a question file that [Load] and [ReadExamples] read, such as a part of another file:
// a list of entries as Python's json writes it with indent=4 and sort_keys=True.
func WriteExamples(w io.Writer, t *Task, examples []Example) error {
	out := newEntryWriter(w)
	for i := range examples {
		e := &examples[i]
		id := e.ID
		if !t.Entry.Number {
			id = quoted(id)
		}
		fields := []field{{t.Entry.ID, id}, {"sent", quoted(e.Text)}}
		add := func(key, text string) {
			if key != "" && text != "" {
				fields = append(fields, field{key, quoted(text)})
			}
		}
		add(t.Entry.Identifier, e.Identifier)
		add("question_type", e.QuestionType)
		add("answer_type", e.AnswerType)
		for k, image := range e.Images {
			add(t.Entry.Pictures[k], image)
		}
		switch {
		case e.Class >= 0:
			fields = append(fields, field{"label", strconv.Itoa(e.Class)})
		case e.Labels != nil:
			fields = append(fields, field{"label", labelText(e.Labels)})
		}
		slices.SortFunc(fields, func(a, b field) int { return strings.Compare(a.key, b.key) })
		if err := out.entry(fields); err != nil {
			return err
		}
	}
	return out.close()
}
